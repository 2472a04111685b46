"""What a search gives back: ids and scores, the best first.

The dense and the lexical index share it, so that fusion need not know which of them it reads.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
"""Rows of float32; a single vector is one-dimensional."""


@dataclass(frozen=True, eq=False, slots=True)
class Ranking:
    """Passages in order of their score; of equal scores the lower id comes first.

    ``ids`` int64 and ``scores`` float32 are of one length, at most the ``k`` that was asked for.
    """

    ids: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)


def best_positive(scores: npt.NDArray[np.float32], k: int) -> Ranking:
    """The ``k`` best of ``scores`` (n,) that are above zero; an id is the place in ``scores``."""
    ids = np.flatnonzero(scores > 0)
    if len(ids) > k > 0:
        least = np.partition(scores, -k)[-k]
        ids = ids[scores[ids] >= least]
    # a stable sort leaves equal scores in the order of their ids
    ids = ids[np.argsort(-scores[ids], kind="stable")][: max(k, 0)]
    return Ranking(ids.astype(np.int64), scores[ids])
