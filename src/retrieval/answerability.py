"""Does what was found answer the query? Two logistic regressions over few features that can be explained.

The first tells whether a passage is about the subject of the query at all, the second whether it answers
it. The weights of the package are in data/verdict.json: benchmarks/fit_verdict.py fits them, and
docs/quality.md tells on what. ``vraagbaak calibrate`` writes such a file for other texts or another model.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from retrieval.errors import BrokenVerdictError
from retrieval.expectations import expectations_of
from retrieval.lexical import analyse
from retrieval.records import Hit, Query
from retrieval.retriever import Search
from retrieval.sentences import best_sentence, coverage, sentence_scores

WEIGHTS_FILE = "verdict.json"
SHOWN = 12
"""Characters of an embedder's fingerprint that a message shows."""

CHANCE = 3.0
"""Standard deviations for each unit of the expected greatest score (docs/experiments.md, "The verdict")."""
MOST_WORDS = 16
"""Words from which a question counts as no longer: few of those that the verdict is fitted on have more."""
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
    of so many passages reaches by chance. ``length`` is the logarithm of the number of different words of
    the query, up to MOST_WORDS: the words of a longer question are met less often. ``words`` is the share
    of the query's words, weighed by their rarity, that the passage, its headings or its title hold.
    ``unmet`` is 1 where the question expects a kind of answer (a year, a reason …: expectations.py) that
    the sentence which answers best (sentences.py) does not hold.
    """

    sentence: float
    letters: float
    length: float
    words: float
    unmet: float


@dataclass(frozen=True, slots=True)
class Regression:
    """A fitted logistic regression: a weight for some of the features, an intercept, and where yes begins."""

    weights: Mapping[str, float]
    intercept: float
    yes_from: float

    def probability(self, features: Features) -> float:
        """That the answer is yes for a hit with these features."""
        return (1 + math.tanh(self.logit(features) / 2)) / 2  # 1 / (1 + exp(-logit)), which could overflow

    def logit(self, features: Features) -> float:
        """The same on the scale on which the features' contributions add up."""
        return self.intercept + sum(self.contributions(features).values())

    def contributions(self, features: Features) -> dict[str, float]:
        """What each feature that has a weight adds to the intercept."""
        return {name: weight * getattr(features, name) for name, weight in self.weights.items()}

    def says_yes(self, features: Features) -> bool:
        """Whether the probability is high enough."""
        return self.probability(features) >= self.yes_from


@dataclass(frozen=True, slots=True)
class Answerability:
    """Both regressions: is the hit about the ``subject`` of the query, and is it an ``answer`` to it?

    ``embedder`` is the fingerprint of the one whose hits they were fitted on.
    """

    subject: Regression
    answer: Regression
    embedder: str

    @classmethod
    def load(cls, path: Traversable | None = None) -> "Answerability":
        """The weights in the file ``path``, or those that the package carries.

        Raises BrokenVerdictError where it cannot be read or is not a whole file of weights of known features.
        """
        path = path or files("retrieval") / "data" / WEIGHTS_FILE
        try:
            data = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise _broken(path, f"cannot be read ({error.strerror})") from error
        except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or nested too deep
            raise _broken(path, f"not JSON ({error})") from error
        subject, answer = _regression(path, data, "subject"), _regression(path, data, "answer")
        if not isinstance(data.get("embedder"), str):
            raise _broken(path, f"expected a fingerprint under 'embedder', found {data.get('embedder')!r}")
        return cls(subject, answer, data["embedder"])

    @classmethod
    def of_settings(cls, path: Path | None, embedder: str) -> "Answerability":
        """The weights to judge hits of the embedder ``embedder`` (a fingerprint) with.

        Those of the package, where no file is set, judge the hits of any embedder, if less well. Raises
        BrokenVerdictError where the file is not whole, or was fitted on another embedder's hits.
        """
        judge = cls.load(path)
        if path and judge.embedder != embedder:
            raise _broken(
                path,
                f"calibrated for the embedder {judge.embedder[:SHOWN]}…, "
                f"but VRAAGBAAK_EMBEDDER asks for {embedder[:SHOWN]}…",
            )
        return judge

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
    return [
        Features(
            sentence=hit.parts["sentence"] - by_chance(search.passages),
            letters=hit.parts["letters"],
            length=_length(search.query.text),
            words=share,
            unmet=float(bool(missing_kinds(search.query, hit, rarity))),
        )
        for hit, share in zip(search.hits, shares, strict=True)
    ]


def missing_kinds(query: Query, hit: Hit, rarity: Callable[[str], float]) -> tuple[str, ...]:
    """The kinds of answer that the question expects and the best sentence of the hit does not hold."""
    if not expectations_of(query.own):  # most questions: no need to find the sentence
        return ()
    scores = sentence_scores(hit, query, rarity)
    return scores[best_sentence(scores)].missing


def _length(query: str) -> float:
    return math.log(min(max(1, len(set(query.lower().split()))), MOST_WORDS))


def by_chance(passages: int) -> float:
    """How much higher the nearest of so many passages scores than that of a small page.

    The greatest of n independent normal scores grows as the square root of 2 ln n (Gumbel 1958).
    """
    return CHANCE * (math.sqrt(2 * math.log(max(passages, SMALL))) - math.sqrt(2 * math.log(SMALL)))


def _below_headings(hit: Hit) -> str:
    return " ".join((*hit.passage.headings, hit.passage.lead_before, hit.passage.text))


def _regression(path: Traversable, data: Any, name: str) -> Regression:
    try:
        fields = data[name]
        weights = {str(key): float(value) for key, value in fields["weights"].items()}
        regression = Regression(weights, float(fields["intercept"]), float(fields["yes_from"]))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _broken(path, f"no whole regression under {name!r} ({error!r})") from error
    unknown = sorted(weights.keys() - set(Features.__slots__))
    if unknown:
        raise _broken(
            path,
            f"unknown feature {unknown[0]!r} under {name!r}, "
            f"expected some of {', '.join(Features.__slots__)}",
        )
    if not all(map(math.isfinite, (*weights.values(), regression.intercept))):
        raise _broken(path, f"a number under {name!r} is not finite")
    if not 0 < regression.yes_from < 1:
        raise _broken(path, f"found {regression.yes_from} as 'yes_from' under {name!r}, expected 0 to 1")
    return regression


def _broken(path: Traversable, found: str) -> BrokenVerdictError:
    return BrokenVerdictError(
        f"{path}: {found}; make it again with: vraagbaak calibrate QUESTIONS, or unset VRAAGBAAK_VERDICT"
    )
