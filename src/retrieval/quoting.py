"""Which one or two consecutive sentences of a passage are quoted.

The sentence nearest to the question, and with it the one that it cannot be understood without. An item
of a list or a row of a table is quoted with its lead, and the lead with all that it leads in.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retrieval.answerability import coverage
from retrieval.expectations import unmet
from retrieval.lexical import analyse
from retrieval.records import Hit, Lead, Passage, Query, Span

WORDS_WEIGHT, KNOWN_WEIGHT, KIND_WEIGHT, MEANING_WEIGHT = 0.05, 0.12, 0.10, 0.10
"""What it is worth, beside its inner product, that a sentence holds all words of the question; that all are
known by its end, from the headings and sentences before it or itself; that it holds the kind of answer
that is expected, a year, a reason …; and that it tells what is asked for: "Counter Terrorism Group (CTG)" for
"wat is de CTG?" (docs/experiments.md, "The quote")."""

_ANAPHOR = re.compile(r"(?:zij|ze|hij|dit|dat|deze|die|daar(?!naast)\w*|hier\w*)\b", re.IGNORECASE)
"""How a sentence starts that speaks of what the sentence before it named."""

_SEVERAL = re.compile(
    r"(?:en )?(?:(?:met|aan|van|bij|door|voor|over|uit|op|in|naar|tegen) )?(?:wie|welke)\b"
    r"|(?:en )?waar\b|wat zijn\b|noem\b",
    re.IGNORECASE,
)
"""How a question starts that several passages may answer each in part: "wie", "met welke", "waar"."""

_MEANING = re.compile(
    r"(?:en )?(?:wat (?:is|zijn|betekent)|waar staat)(?: (?:de|het|een|eigenlijk|precies))*"
    r" (?P<name>\S.*?)(?: (?:eigenlijk|precies))?(?: voor)?\W*$",
    re.IGNORECASE,
)
"""A question what something is, and the name of that."""

QUOTE_MARGIN = 0.01
"""How far the best quote may outdo another that is shown beside it (docs/experiments.md, "The quote")."""


LONGEST_LIST = 500
"""Characters up to which a list or table is quoted as a whole, as one thing."""


@dataclass(frozen=True, slots=True)
class Quotable:
    """What may be quoted of a hit: a span of the document, what it is read with, and how well it answers."""

    span: Span
    lead: Lead | None
    score: float


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """What speaks for quoting a sentence, and against it.

    ``nearness`` is its inner product with the query, ``words`` the share of the question's words that it
    holds, ``known`` the share that it, the sentences before it and the headings hold, ``missing`` names
    the kinds of answer that are expected and not in it. ``meaning`` tells that it says what is asked for.
    """

    nearness: float
    words: float
    known: float
    missing: tuple[str, ...]
    meaning: bool

    @property
    def total(self) -> float:
        """The score by which sentences are compared."""
        words = WORDS_WEIGHT * self.words + KNOWN_WEIGHT * self.known
        return self.nearness + words - KIND_WEIGHT * bool(self.missing) + MEANING_WEIGHT * self.meaning


def admits_several(query: Query) -> bool:
    """Whether the question asks for what there may be more of: then other passages may be quoted too."""
    return _SEVERAL.match(query.own.strip()) is not None


def best_quote(hit: Hit, query: Query, rarity: Callable[[str], float]) -> Quotable:
    """What to quote from the hit."""
    scores = [score.total for score in sentence_scores(hit, query, rarity)]
    best = max(range(len(scores)), key=scores.__getitem__)
    span, lead = _quoted(hit.passage, scores, best)
    return Quotable(span, lead, scores[best])


def sentence_scores(hit: Hit, query: Query, rarity: Callable[[str], float]) -> list[SentenceScore]:
    """How well each sentence answers, in their order."""
    terms = list(dict.fromkeys(analyse(query.own) or analyse(query.text)))
    weights = [rarity(term) for term in terms]
    passage = hit.passage
    known = analyse(" ".join(passage.headings))
    scores = []
    for number, near in enumerate(hit.sentence_scores):
        sentence = passage.with_lead(number)
        held = analyse(sentence)
        known += held
        words, by_then = (coverage(terms, weights, stems) for stems in (held, known))
        scores.append(
            SentenceScore(
                near, words, by_then, unmet(query.own, sentence), _tells_meaning(query.own, sentence)
            )
        )
    return scores


def _tells_meaning(question: str, sentence: str) -> bool:
    """Whether the question is what something is, and the sentence has it in brackets behind its full name."""
    asked = _MEANING.match(question.strip())
    return asked is not None and f"({asked['name'].lower()})" in sentence.lower()


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
