"""Vectors by the hash of their text, one SQLite file for each embedder: nothing is embedded twice.

The folder can be deleted at any time; the next build then embeds everything again.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from retrieval.files import broken, open_cache, writing
from retrieval.ranking import Vectors

CACHE_VERSION = 1
"""Raised whenever the table changes; a file of another version is begun anew."""


def text_key(text: str) -> bytes:
    """The key of a text: its sha256 in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).digest()


class VectorCache:
    """Vectors of one embedder; what was added stays, also when the build fails afterwards."""

    def __init__(self, connection: sqlite3.Connection, path: Path, dimension: int) -> None:
        self._connection = connection
        self._path = path
        self._bytes = dimension * np.dtype(np.float32).itemsize

    @classmethod
    def open(cls, folder: Path, fingerprint: str, dimension: int) -> Self:
        """The cache of the embedder ``fingerprint`` in ``folder``; a damaged file is begun anew.

        Raises BrokenIndexError where it cannot be written.
        """
        path = folder / f"{hashlib.sha256(fingerprint.encode()).hexdigest()[:32]}.sqlite"
        connection = open_cache(
            path,
            CACHE_VERSION,
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)",
        )
        return cls(connection, path, dimension)

    def missing(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those of ``keys`` that have no vector of the right length."""
        return {key for key in keys if self._get(key) is None}

    def vectors(self, keys: Sequence[bytes]) -> Vectors:
        """The vectors of ``keys``, (keys, dimension). Raises KeyError where one is missing."""
        found = [self._get(key) for key in keys]
        if None in found:
            raise KeyError(f"no vector of {keys[found.index(None)].hex()} in {self._path}")
        return np.frombuffer(b"".join(filter(None, found)), dtype=np.float32).reshape(len(keys), -1)

    def add(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Keep ``vectors`` (keys, dimension); they are on disk when this returns.

        Raises BrokenIndexError where they cannot be written.
        """
        rows = zip(keys, (row.tobytes() for row in vectors.astype(np.float32, copy=False)), strict=True)
        with writing(self._path), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, key: bytes) -> bytes | None:
        try:
            row = self._connection.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
        except sqlite3.DatabaseError as error:
            raise broken(self._path, f"damaged ({error}); delete it") from error
        return row[0] if row and len(row[0]) == self._bytes else None
