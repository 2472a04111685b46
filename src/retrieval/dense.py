"""Passage vectors in a FAISS file that is memory-mapped, searched exactly by inner product.

The only importer of faiss.
"""

import re
from pathlib import Path
from typing import Self

import faiss
import numpy as np
import numpy.typing as npt

from retrieval.files import broken, unwritable
from retrieval.ranking import Ranking, Vectors


def write_dense(path: Path, vectors: Vectors) -> None:
    """Write ``vectors`` (passages, dimension) to ``path``; the number of the row is the passage's id.

    Raises BrokenIndexError where the file cannot be written whole.
    """
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # FAISS raises nothing narrower
        raise unwritable(path, _cause(error)) from error
    # FAISS is silent when the last of its buffer finds no room on the disk
    written = path.stat().st_size
    if written < vectors.nbytes:
        raise unwritable(path, f"{written} bytes found room, expected at least {vectors.nbytes}")


class DenseIndex:
    """Exact nearest passages of a query's vector."""

    def __init__(self, index: faiss.IndexFlatIP) -> None:
        self._index = index

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map the file of ``write_dense`` into memory; its vectors are read when they are searched.

        Raises BrokenIndexError where the file is missing, damaged or holds something else.
        """
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:  # FAISS raises nothing narrower
            raise broken(path, f"not a whole FAISS index ({_cause(error)})") from error
        if not isinstance(index, faiss.IndexFlatIP):
            raise broken(path, f"found a FAISS {type(index).__name__}, expected an IndexFlatIP")
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""
        return int(self._index.d)

    def search(self, vector: Vectors, k: int) -> Ranking:
        """The ``k`` passages of the greatest inner product with ``vector`` (dimension,), or all if fewer.

        Where equal scores straddle the end of the list, FAISS chooses which of them are in it.
        """
        k = min(k, len(self))
        if k < 1:
            return Ranking(np.empty(0, np.int64), np.empty(0, np.float32))
        # one query is faster so (docs/experiments.md); the number holds for the calling thread alone
        faiss.omp_set_num_threads(1)
        scores, ids = self._index.search(np.ascontiguousarray(vector, dtype=np.float32)[np.newaxis], k)
        order = np.lexsort((ids[0], -scores[0]))
        return Ranking(ids[0][order], scores[0][order])

    def scores(self, vector: Vectors, ids: npt.NDArray[np.int64]) -> Vectors:
        """The inner products of ``vector`` (d,) with the passages ``ids``, in their order."""
        rows: Vectors = self._index.reconstruct_batch(ids)
        products: Vectors = rows @ vector
        return products


def _cause(error: RuntimeError) -> str:
    """What FAISS says went wrong, without the place in its source and the condition that failed."""
    return re.sub(r"^Error in .* at \S+:\d+: (Error: '.*' failed: )?", "", str(error)).strip()
