"""How well each sentence of a passage answers a question: nearness, words, the kind of answer it holds."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from retrieval.expectations import unmet
from retrieval.lexical import analyse
from retrieval.records import Hit, Query

WORDS_WEIGHT, KNOWN_WEIGHT, KIND_WEIGHT, MEANING_WEIGHT = 0.05, 0.12, 0.10, 0.10
"""What it is worth, beside its inner product, that a sentence holds all words of the question; that all are
known by its end, from the headings and sentences before it or itself; that it holds the kind of answer
that is expected, a year, a reason …; and that it tells what is asked for: "Counter Terrorism Group (CTG)" for
"wat is de CTG?" (docs/experiments.md, "The quote")."""

LEAST_LIKENESS = 0.75
"""Likeness (normalised Indel similarity) under which two stems are different words."""
LEAST_SHARED = 6
"""Letters of a stem that stands within another for the two to count as a compound and its part."""
SHARED_LIKENESS = 0.85
"""What a word is worth that is met as a part of a compound, or the other way round."""

_MEANING = re.compile(
    r"(?:en )?(?:wat (?:is|zijn|betekent)|waar staat)(?: (?:de|het|een|eigenlijk|precies))*"
    r" (?P<name>\S.*?)(?: (?:eigenlijk|precies))?(?: voor)?\W*$",
    re.IGNORECASE,
)
"""A question what something is, and the name of that."""


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """What speaks for quoting a sentence, and against it.

    ``nearness`` is its inner product with the query, ``words`` the share of the question's words that it
    holds, ``known`` the share that it, the headings and the sentences before it, but for items of the same
    list, hold, ``missing`` names
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


def best_sentence(scores: Sequence[SentenceScore]) -> int:
    """The number of the sentence with the highest total, the first of equals."""
    return max(range(len(scores)), key=lambda number: scores[number].total)


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
        by_now = known + held
        if passage.lead_of(number) is None:  # an item or a row tells nothing that the next one builds on
            known = by_now
        words, by_then = (coverage(terms, weights, stems) for stems in (held, by_now))
        scores.append(
            SentenceScore(
                near, words, by_then, unmet(query.own, sentence), _tells_meaning(query.own, sentence)
            )
        )
    return scores


def coverage(terms: Sequence[str], weights: Sequence[float], held: Sequence[str]) -> float:
    """The weighed share of ``terms`` that is met among ``held``: 1 for the same stem, less for a like one."""
    total = sum(weights)
    if not total or not held:
        return 0.0
    others = list(dict.fromkeys(held))
    likeness = cdist(terms, others, scorer=Indel.normalized_similarity, score_cutoff=LEAST_LIKENESS)
    met = [
        max(float(best), SHARED_LIKENESS * _is_shared(term, others)) if best < 1 else 1.0
        for term, best in zip(terms, np.asarray(likeness).max(axis=1), strict=True)
    ]
    return sum(weight * one for weight, one in zip(weights, met, strict=True)) / total


def _is_shared(term: str, others: Sequence[str]) -> bool:
    return any(
        (len(term) >= LEAST_SHARED and term in other) or (len(other) >= LEAST_SHARED and other in term)
        for other in others
    )


def _tells_meaning(question: str, sentence: str) -> bool:
    """Whether the question is what something is, and the sentence has it in brackets behind its full name."""
    asked = _MEANING.match(question.strip())
    return asked is not None and f"({asked['name'].lower()})" in sentence.lower()
