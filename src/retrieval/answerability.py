"""Does what was found answer the query? A logistic regression over few features that can be explained.

Its weights are in data/verdict.json; benchmarks/fit_verdict.py fits them, and docs/quality.md tells on what.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from retrieval.lexical import analyse
from retrieval.records import Hit
from retrieval.retriever import Search

WEIGHTS_FILE = "verdict.json"
LEAST_LIKENESS = 0.75
"""Likeness (normalised Indel similarity) under which two stems are different words."""
LEAST_SHARED = 6
"""Letters of a stem that stands within another for the two to count as a compound and its part."""
SHARED_LIKENESS = 0.85
"""What a word is worth that is met as a part of a compound, or the other way round."""


class Verdict(StrEnum):
    """What can be said to the visitor."""

    ANSWERED = "answered"
    RELATED = "related"
    UNRELATED = "unrelated"


@dataclass(frozen=True, slots=True)
class Features:
    """What the verdict looks at, for one hit.

    ``sentence`` tells how far the passage's best sentence scores above the background, in standard
    deviations; ``words`` is the share of the query's words, weighed by their rarity, that the passage
    or its headings hold; ``length`` is the logarithm of the query's number of words: the words of a
    longer question are met less often. (The passage's own score adds nothing: docs/experiments.md.)
    """

    sentence: float
    words: float
    length: float


@dataclass(frozen=True, slots=True)
class Answerability:
    """The fitted model: a weight for each feature, an intercept, and two thresholds on the probability."""

    weights: Mapping[str, float]
    intercept: float
    answered_from: float
    related_from: float

    @classmethod
    def load(cls) -> "Answerability":
        """The weights that the package carries."""
        data: dict[str, Any] = json.loads((files("retrieval") / "data" / WEIGHTS_FILE).read_text("utf-8"))
        return cls(data["weights"], data["intercept"], data["answered_from"], data["related_from"])

    def probability(self, features: Features) -> float:
        """That a hit with these features answers its query."""
        total = self.intercept + sum(
            weight * getattr(features, name) for name, weight in self.weights.items()
        )
        return 1 / (1 + math.exp(-total))

    def answers(self, features: Features) -> bool:
        """Whether a hit with these features may be quoted."""
        return self.probability(features) >= self.answered_from

    def verdict(self, features: Sequence[Features]) -> Verdict:
        """What the first of the hits allows; no hits at all are unrelated."""
        probability = self.probability(features[0]) if features else 0.0
        if probability >= self.answered_from:
            return Verdict.ANSWERED
        return Verdict.RELATED if probability >= self.related_from else Verdict.UNRELATED


def features_of(
    search: Search, title_of: Callable[[Hit], str], rarity: Callable[[str], float]
) -> list[Features]:
    """The features of each hit; ``rarity`` weighs a term (its inverse document frequency)."""
    terms = list(dict.fromkeys(analyse(search.query.text)))
    weights = [rarity(term) for term in terms]
    length = math.log(max(1, len(search.query.text.split())))
    return [
        Features(
            sentence=hit.parts["sentence"],
            words=coverage(
                terms, weights, analyse(" ".join((title_of(hit), *hit.passage.headings, hit.passage.text)))
            ),
            length=length,
        )
        for hit in search.hits
    ]


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
