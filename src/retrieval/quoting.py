"""Which one or two consecutive sentences of a passage are quoted.

The sentence nearest to the question, and with it the one that it cannot be understood without. An item
of a list or a row of a table is quoted with its lead, and the lead with all that it leads in.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retrieval.records import Hit, Lead, Passage, Query, Span
from retrieval.sentences import best_sentence, sentence_scores

_ANAPHOR = re.compile(r"(?:zij|ze|hij|dit|dat|deze|die|daar(?!naast)\w*|hier\w*)\b", re.IGNORECASE)
"""How a sentence starts that speaks of what the sentence before it named."""

_SEVERAL = re.compile(
    r"(?:en )?(?:(?:met|aan|van|bij|door|voor|over|uit|op|in|naar|tegen) )?(?:wie|welke)\b"
    r"|(?:en )?waar\b|wat zijn\b|noem\b",
    re.IGNORECASE,
)
"""How a question starts that several passages may answer each in part: "wie", "met welke", "waar"."""

QUOTE_MARGIN = 0.025
"""How far the best quote may outdo another that is shown beside it (docs/experiments.md, "The quote")."""


LONGEST_LIST = 500
"""Characters up to which a list or table is quoted as a whole, as one thing."""


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
    span, lead = _quoted(hit.passage, [score.total for score in scores], best)
    return Quotable(span, lead, scores[best].total)


def _quoted(passage: Passage, scores: Sequence[float], best: int) -> tuple[Span, Lead | None]:
    lead = passage.lead
    if lead is None or passage.sentences[best].end < lead.span.start:
        return _with_its_neighbour(passage, best), None
    if below := passage.lead_of(best):
        return passage.sentences[best], below
    whole = Span(lead.span.start, passage.span.end)
    if whole.end - whole.start <= LONGEST_LIST:
        return whole, None
    items = [number for number in range(len(scores)) if passage.lead_of(number)]
    return (passage.sentences[max(items, key=scores.__getitem__)], lead) if items else (lead.span, None)


def _with_its_neighbour(passage: Passage, number: int) -> Span:
    sentences = passage.sentences
    if number and _ANAPHOR.match(passage.sentence_text(number)):
        return Span(sentences[number - 1].start, sentences[number].end)
    if number + 1 < len(sentences) and _ANAPHOR.match(passage.sentence_text(number + 1)):
        return Span(sentences[number].start, sentences[number + 1].end)
    return sentences[number]
