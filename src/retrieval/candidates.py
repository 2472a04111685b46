"""The passages that a search proposes: of those that may answer, and one of each that say the same."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from retrieval.dense import DenseIndex
from retrieval.ranking import Vectors, best_positive

CANDIDATES = 50
"""Passages that each of the three searches proposes."""

Ids = npt.NDArray[np.int64]
LetIn = npt.NDArray[np.bool_] | None
"""Of each passage (passages,), whether it may answer; None where all may."""

Search = Callable[[int], Ids]
"""Gives so many passages, the best first."""


def proposed(search: Search, same_as: Ids) -> Ids:
    """The first CANDIDATES of a search that do not say the same; it is asked for more until there are."""
    depth = CANDIDATES
    while True:
        found = search(depth)
        different = found[one_of_each(np.arange(len(found)), found, same_as)]
        if len(different) >= CANDIDATES or len(found) < depth:
            return different[:CANDIDATES]
        depth *= 4


def one_of_each(order: Ids, ids: Ids, same_as: Ids) -> Ids:
    """``order``, which are places in ``ids``, without what says the same as one before it."""
    _, firsts = np.unique(same_as[ids[order]], return_index=True)
    kept: Ids = order[np.sort(firsts)]
    return kept


def preferred_of_each(order: Ids, ids: Ids, same_as: Ids, preferred: LetIn) -> tuple[Ids, Ids]:
    """The places of ``order`` that are best of each kind, and for each the one of its kind to be shown.

    That is the best of those ``preferred``, or where none is, the best.
    """
    best_ones = one_of_each(order, ids, same_as)
    if preferred is None:
        return best_ones, best_ones
    of_those = order[preferred[ids[order]]]
    shown = {int(same_as[ids[place]]): int(place) for place in reversed(of_those.tolist())}
    chosen = [shown.get(int(same_as[ids[place]]), int(place)) for place in best_ones.tolist()]
    return best_ones, np.array(chosen, np.int64)


def nearest(dense: DenseIndex, vector: Vectors, let_in: LetIn) -> Search:
    """The search for the greatest inner products with ``vector`` (dimension,)."""
    if let_in is None:
        return lambda depth: dense.search(vector, depth).ids
    allowed = np.flatnonzero(let_in)
    ordered = allowed[np.argsort(-dense.scores(vector, allowed), kind="stable")]
    return lambda depth: ordered[:depth]


def best(scores: npt.NDArray[np.float32], let_in: LetIn) -> Search:
    """The search for the greatest of ``scores`` (passages,) that are above zero."""
    allowed = scores if let_in is None else np.where(let_in, scores, np.float32(0))
    return lambda depth: best_positive(allowed, depth).ids
