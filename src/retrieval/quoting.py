"""Which one or two consecutive sentences of a passage are quoted.

The sentence nearest to the question, and with it the one that it cannot be understood without.
"""

import re
from collections.abc import Callable

from retrieval.answerability import coverage
from retrieval.expectations import unmet
from retrieval.lexical import analyse
from retrieval.records import Hit, Passage, Query, Span

WORDS_WEIGHT = 0.06
"""What it is worth that a sentence holds all words of the question, beside its inner product
(docs/experiments.md, "The quote")."""

KIND_WEIGHT = 0.04
"""What it is worth that a sentence holds the kind of answer that is expected: a year, a reason …"""

_ANAPHOR = re.compile(r"(?:zij|ze|hij|dit|dat|deze|die|daar(?!naast)\w*|hier\w*)\b", re.IGNORECASE)
"""How a sentence starts that speaks of what the sentence before it named."""

_SEVERAL = re.compile(
    r"(?:en )?(?:(?:met|aan|van|bij|door|voor|over|uit|op|in|naar|tegen) )?(?:wie|welke)\b"
    r"|(?:en )?waar\b|wat zijn\b|noem\b",
    re.IGNORECASE,
)
"""How a question starts that several passages may answer each in part: "wie", "met welke", "waar"."""

QUOTE_MARGIN = 0.025
"""How far the best quote may outdo another that is shown beside it."""


def admits_several(query: Query) -> bool:
    """Whether the question asks for what there may be more of: then other passages may be quoted too."""
    return _SEVERAL.match(query.own.strip()) is not None


def best_quote(hit: Hit, query: Query, rarity: Callable[[str], float]) -> tuple[Span, float]:
    """The span in the document to quote from the hit, and its score among quotes of other hits."""
    terms = list(dict.fromkeys(analyse(query.own) or analyse(query.text)))
    weights = [rarity(term) for term in terms]
    sentences = [hit.passage.sentence_text(number) for number in range(len(hit.passage.sentences))]
    scores = [
        near
        + WORDS_WEIGHT * coverage(terms, weights, analyse(sentence))
        - KIND_WEIGHT * bool(unmet(query.own, sentence))
        for near, sentence in zip(hit.sentence_scores, sentences, strict=True)
    ]
    best = max(range(len(scores)), key=scores.__getitem__)
    return _with_its_neighbour(hit.passage, best), scores[best]


def _with_its_neighbour(passage: Passage, number: int) -> Span:
    sentences = passage.sentences
    if number and _ANAPHOR.match(passage.sentence_text(number)):
        return Span(sentences[number - 1].start, sentences[number].end)
    if number + 1 < len(sentences) and _ANAPHOR.match(passage.sentence_text(number + 1)):
        return Span(sentences[number].start, sentences[number + 1].end)
    return sentences[number]
