"""Several scores of the same candidates become one ranking.

Pure functions over arrays; what the scores mean, only the caller knows.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]

RANK_CONSTANT = 60
"""The k of reciprocal rank fusion, as its authors set it (Cormack, Clarke and Büttcher, SIGIR 2009)."""


def standardised(scores: Scores) -> Scores:
    """Scores as distances from their mean in standard deviations; all 0 where they do not differ."""
    spread = scores.std()
    if spread < np.finfo(np.float32).eps:
        return np.zeros_like(scores)
    result: Scores = (scores - scores.mean()) / spread
    return result


def weighted_sum(parts: Sequence[tuple[float, Scores]]) -> Scores:
    """The sum of standardised scores, each (n,) with its weight: free of the parts' own scales."""
    fused: Scores = np.sum(
        [weight * standardised(scores) for weight, scores in parts], axis=0, dtype=np.float32
    )
    return fused


def reciprocal_ranks(parts: Sequence[Scores]) -> Scores:
    """Reciprocal rank fusion of scores (n,): the usual baseline; a score of 0 is no hit and has no rank."""
    fused: Scores = np.zeros_like(parts[0])
    for scores in parts:
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] != 0]
        fused[order] += 1 / (RANK_CONSTANT + 1 + np.arange(len(order)))
    return fused


def to_unit_interval(scores: Scores) -> npt.NDArray[np.float64]:
    """The same order between 0 and 1, by the logistic function; far from 0 it scores become equal."""
    result: npt.NDArray[np.float64] = 1 / (1 + np.exp(-scores.astype(np.float64)))
    return result
