"""Which one or two consecutive sentences of a passage are quoted, or which short list.

The sentence nearest to the question, and with it the one that it cannot be understood without. An item
of a list or a row of a table is quoted with its lead, and the lead with all that it leads in.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retrieval.lexical import analyse
from retrieval.passages import is_item
from retrieval.records import Hit, Lead, Passage, Query, Span
from retrieval.sentences import best_sentence, sentence_scores

_ANAPHOR = re.compile(
    r"(?:zij|ze|hij|dit|dat|deze|die|daar(?!naast)\w*|hier\w*)\b"
    r"|(?:[\w'-]+ ){1,4}(?:hier|daar)(?:aan|bij|door|in|mee|op|over|tegen|toe|uit|van|voor)\b",
    re.IGNORECASE,
)
"""How a sentence starts that speaks of what the sentence before it named: "Zij …", "U maakt hiervoor …"."""

_SEVERAL = re.compile(
    r"(?:en )?(?:(?:met|aan|van|bij|door|voor|over|uit|op|in|naar|tegen) )?(?:wie|welke)\b"
    r"|(?:en )?waar\b|wat zijn\b|noem\b",
    re.IGNORECASE,
)
"""How a question starts that several passages may answer each in part: "wie", "met welke", "waar"."""

QUOTE_MARGIN = 0.025
"""How far the best quote may outdo another that is shown beside it (docs/experiments.md, "The quote")."""


LONGEST_LIST = 500
"""Characters up to which a list or table is quoted as a whole, as one thing: some ten lines on a phone."""

ALIKE = 0.01
"""How little an item must be behind the best one for the whole list to be the answer."""


@dataclass(frozen=True, slots=True)
class Quotable:
    """What may be quoted of a hit: a span of the document, what it is read with, and how well it answers."""

    span: Span
    lead: Lead | None
    score: float


def admits_several(query: Query) -> bool:
    """Whether the question asks for what there may be more of: then other passages may be quoted too."""
    return _SEVERAL.match(query.own.strip()) is not None


def best_quote(hit: Hit, query: Query, rarity: Callable[[str], float]) -> Quotable:
    """What to quote from the hit."""
    scores = sentence_scores(hit, query, rarity)
    best = best_sentence(scores)
    if _asks_the_heading(query, hit.passage) and _is_short_list(hit.passage):
        return Quotable(hit.passage.span, None, scores[best].total)
    span, lead = _quoted(hit.passage, [score.total for score in scores], best)
    return Quotable(span, lead, scores[best].total)


def _asks_the_heading(query: Query, passage: Passage) -> bool:
    """Whether the question says what the heading above says: then the passage is the answer to it."""
    asked = set(analyse(query.own))
    return bool(asked and passage.headings) and asked == set(analyse(passage.headings[-1]))


def _is_short_list(passage: Passage) -> bool:
    """Whether it is items alone, without a lead-in, and no longer than what is quoted as a whole."""
    items = len(passage.sentences)
    return (
        items > 1
        and passage.lead is None
        and len(passage.text) <= LONGEST_LIST
        and all(is_item(passage.sentence_text(number)) for number in range(items))
    )


def _quoted(passage: Passage, scores: Sequence[float], best: int) -> tuple[Span, Lead | None]:
    """What is quoted where sentence ``best`` has the highest score, and what it is read with."""
    lead = passage.lead
    if lead is None or passage.sentences[best].end <= lead.span.start:
        return _with_its_neighbour(passage, best), None
    items = [number for number in range(len(scores)) if passage.lead_of(number)]
    nearest = max(items, key=scores.__getitem__, default=best)
    alike = sum(scores[number] >= scores[nearest] - ALIKE for number in items)
    whole = _whole_list(passage, lead)
    if whole and (best not in items or alike > 1):
        return whole, None
    return _with_its_neighbour(passage, nearest), passage.lead_of(nearest)


def _whole_list(passage: Passage, lead: Lead) -> Span | None:
    """The lead and all that it leads in; None where that is long, or stands in another passage in part."""
    whole = Span(lead.span.start, passage.span.end)
    inside = passage.span.start <= lead.span.start and lead.span.end <= passage.span.end
    return whole if inside and whole.end - whole.start <= LONGEST_LIST else None


def _with_its_neighbour(passage: Passage, number: int) -> Span:
    if number and _ANAPHOR.match(passage.sentence_text(number)) and _reads_on(passage, number - 1):
        return Span(passage.sentences[number - 1].start, passage.sentences[number].end)
    following = number + 1
    if following < len(passage.sentences) and _reads_on(passage, number):
        # a question that the text asks itself is answered by what follows it
        asks = passage.sentence_text(number).endswith("?")
        if asks or _ANAPHOR.match(passage.sentence_text(following)):
            return Span(passage.sentences[number].start, passage.sentences[following].end)
    return passage.sentences[number]


def _reads_on(passage: Passage, number: int) -> bool:
    """Whether a sentence and the next belong together: neither in two items, nor before and in a lead."""
    lead, one, next_one = passage.lead, passage.sentences[number], passage.sentences[number + 1]
    if lead is None or next_one.end <= lead.span.start:
        return True
    between = passage.text[one.end - passage.span.start : next_one.start - passage.span.start]
    return one.start >= lead.span.end and "\n" not in between
