"""Several scores of the same candidates become one ranking.

Each part of a score is an array over the candidates; the retriever says what the parts mean.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
Parts = Mapping[str, Scores]
Ranking = Callable[[Parts], Scores]
"""Parts, each (candidates,), to one score for each candidate."""

WEIGHTS: Mapping[str, float] = {
    "passage": 0.72,
    "sentence": 0.66,
    "words": 2.8,
    "letters": 7.9,
    "document": 2.5,
    "context": 0.43,
}
"""Weights of the parts, fitted by ``benchmarks/fit_ranking.py`` (docs/experiments.md, "Ranking")."""

RANK_CONSTANT = 60
"""The k of reciprocal rank fusion, as its authors set it (Cormack, Clarke and Büttcher, SIGIR 2009)."""


def fused(parts: Parts) -> Scores:
    """The weighted sum of all parts: how the retriever ranks."""
    return weighted_sum(parts, WEIGHTS)


def rankings() -> dict[str, Ranking]:
    """Every ranking by its name: the retriever's, the usual ones, the retriever's with a part left out."""
    return {
        "fused": fused,
        "dense": lambda parts: parts["passage"],
        "bm25": lambda parts: parts["words"],
        "rrf": lambda parts: reciprocal_ranks([parts["passage"], parts["words"]]),
        "zscores": lambda parts: standardised_sum(parts, {"passage": 2, "sentence": 2, "words": 0.75}),
        **{f"without-{left_out}": _without(left_out) for left_out in WEIGHTS},
    }


def weighted_sum(parts: Parts, weights: Mapping[str, float]) -> Scores:
    """The sum of the parts that have a weight, times that."""
    total: Scores = np.sum(
        [weight * parts[name] for name, weight in weights.items()], axis=0, dtype=np.float32
    )
    return total


def standardised_sum(parts: Parts, weights: Mapping[str, float]) -> Scores:
    """The same over standardised parts: free of their scales, and of how good the best of them is."""
    return weighted_sum({name: standardised(parts[name]) for name in weights}, weights)


def standardised(scores: Scores) -> Scores:
    """Scores as distances from their mean in standard deviations; all 0 where they do not differ."""
    spread = scores.std()
    if spread < np.finfo(np.float32).eps:
        return np.zeros_like(scores)
    result: Scores = (scores - scores.mean()) / spread
    return result


def reciprocal_ranks(parts: Sequence[Scores]) -> Scores:
    """Reciprocal rank fusion of scores (n,): the usual baseline; a score of 0 is no hit and has no rank."""
    fused: Scores = np.zeros_like(parts[0])
    for scores in parts:
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] != 0]
        fused[order] += 1 / (RANK_CONSTANT + 1 + np.arange(len(order)))
    return fused


def to_unit_interval(scores: Scores) -> npt.NDArray[np.float64]:
    """The same order between 0 and 1, with 0 in the middle; high scores stay apart."""
    exact = scores.astype(np.float64)
    result: npt.NDArray[np.float64] = 0.5 + 0.5 * exact / (1 + np.abs(exact))
    return result


def _without(left_out: str) -> Ranking:
    weights = {name: weight for name, weight in WEIGHTS.items() if name != left_out}
    return lambda parts: weighted_sum(parts, weights)
