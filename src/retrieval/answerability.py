"""Does what was found answer the query? Two logistic regressions over few features that can be explained.

The first tells whether a passage is about the subject of the query at all, the second whether it answers
it. Their weights are in data/verdict.json; benchmarks/fit_verdict.py fits them, and docs/quality.md tells
on what.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from retrieval.expectations import unmet
from retrieval.lexical import analyse
from retrieval.records import Hit, Query
from retrieval.retriever import Search

WEIGHTS_FILE = "verdict.json"
LEAST_LIKENESS = 0.75
"""Likeness (normalised Indel similarity) under which two stems are different words."""
LEAST_SHARED = 6
"""Letters of a stem that stands within another for the two to count as a compound and its part."""
SHARED_LIKENESS = 0.85
"""What a word is worth that is met as a part of a compound, or the other way round."""

CHANCE = 3.0
"""Standard deviations for each unit of the expected greatest score (docs/experiments.md, "The verdict")."""
SMALL = 20
"""Passages of the pages that the verdict is fitted on; fewer count as many."""


class Verdict(StrEnum):
    """What can be said to the visitor."""

    ANSWERED = "answered"
    RELATED = "related"
    UNRELATED = "unrelated"


@dataclass(frozen=True, slots=True)
class Features:
    """What the verdict looks at, for one hit.

    ``sentence`` and ``letters`` are parts of the hit's score (retriever.py), the first less what the best
    of so many passages reaches by chance. ``length`` is the logarithm of the query's number of words: the
    words of a longer question are met less often. ``words`` is the share
    of the query's words, weighed by their rarity, that the passage, its headings or its title hold.
    ``unmet`` is 1 where the question expects a kind of answer that the passage does not hold (a year, a
    reason …: expectations.py), ``unmet_nearby`` where the sentence nearest to the query does not.
    """

    sentence: float
    letters: float
    length: float
    words: float
    unmet: float
    unmet_nearby: float


@dataclass(frozen=True, slots=True)
class Regression:
    """A fitted logistic regression: a weight for some of the features, an intercept, and where yes begins."""

    weights: Mapping[str, float]
    intercept: float
    yes_from: float

    def probability(self, features: Features) -> float:
        """That the answer is yes for a hit with these features."""
        return 1 / (1 + math.exp(-(self.intercept + sum(self.contributions(features).values()))))

    def contributions(self, features: Features) -> dict[str, float]:
        """What each feature that has a weight adds to the intercept."""
        return {name: weight * getattr(features, name) for name, weight in self.weights.items()}

    def says_yes(self, features: Features) -> bool:
        """Whether the probability is high enough."""
        return self.probability(features) >= self.yes_from


@dataclass(frozen=True, slots=True)
class Answerability:
    """Both regressions: is the hit about the ``subject`` of the query, and is it an ``answer`` to it?"""

    subject: Regression
    answer: Regression

    @classmethod
    def load(cls) -> "Answerability":
        """The weights that the package carries."""
        data: dict[str, Any] = json.loads((files("retrieval") / "data" / WEIGHTS_FILE).read_text("utf-8"))
        return cls(Regression(**data["subject"]), Regression(**data["answer"]))

    def answers(self, features: Features) -> bool:
        """Whether a hit with these features may be quoted."""
        return self.subject.says_yes(features) and self.answer.says_yes(features)

    def verdict(self, features: Sequence[Features]) -> Verdict:
        """What the first of the hits allows; no hits at all are unrelated."""
        if not features or not self.subject.says_yes(features[0]):
            return Verdict.UNRELATED
        return Verdict.ANSWERED if self.answer.says_yes(features[0]) else Verdict.RELATED


def features_of(
    search: Search, title_of: Callable[[Hit], str], rarity: Callable[[str], float]
) -> list[Features]:
    """The features of each hit; ``rarity`` weighs a term (its inverse document frequency)."""
    counted = Counter(analyse(search.query.words))
    terms = list(counted)
    weights = [rarity(term) * counted[term] for term in terms]
    shares = [
        coverage(terms, weights, analyse(f"{title_of(hit)} {_below_headings(hit)}")) for hit in search.hits
    ]
    return [_features(search, hit, share) for hit, share in zip(search.hits, shares, strict=True)]


def _features(search: Search, hit: Hit, share: float) -> Features:
    return Features(
        sentence=hit.parts["sentence"] - by_chance(search.passages),
        letters=hit.parts["letters"],
        length=math.log(max(1, len(search.query.text.split()))),
        words=share,
        unmet=float(bool(missing_kinds(search.query, hit))),
        unmet_nearby=float(bool(missing_kinds_nearby(search.query, hit))),
    )


def missing_kinds(query: Query, hit: Hit) -> tuple[str, ...]:
    """The kinds of answer that the question expects and the passage below its headings does not hold."""
    return unmet(query.own, _below_headings(hit))


def missing_kinds_nearby(query: Query, hit: Hit) -> tuple[str, ...]:
    """The kinds of answer that the question expects and the sentence nearest to it does not hold."""
    nearest = max(range(len(hit.sentence_scores)), key=hit.sentence_scores.__getitem__)
    return unmet(query.own, hit.passage.with_lead(nearest))


def by_chance(passages: int) -> float:
    """How much higher the nearest of so many passages scores than that of a small page.

    The greatest of n independent normal scores grows as the square root of 2 ln n (Gumbel 1958).
    """
    return CHANCE * (math.sqrt(2 * math.log(max(passages, SMALL))) - math.sqrt(2 * math.log(SMALL)))


def _below_headings(hit: Hit) -> str:
    return " ".join((*hit.passage.headings, hit.passage.lead_before, hit.passage.text))


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
