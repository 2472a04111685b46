"""Vectors by the hash of their text, one SQLite file for each embedder: nothing is embedded twice.

The folder can be deleted when no build runs; the next one then embeds everything again.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from retrieval.files import broken, open_cache, writing
from retrieval.ranking import Vectors

CACHE_VERSION = 1
"""Raised whenever the table changes; a file of another version is begun anew."""

ASKED_AT_ONCE = 500
"""Keys of one query: below the 999 parameters that any SQLite takes."""


def text_key(text: str) -> bytes:
    """The key of a text: its sha256 in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).digest()


class VectorCache:
    """Vectors of one embedder; what was added stays, also when the build fails afterwards."""

    def __init__(self, connection: sqlite3.Connection, path: Path, dimension: int) -> None:
        self._connection = connection
        self._path = path
        self._dimension = dimension
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
        asked = set(keys)
        return asked - {key for batch in _batches([*asked]) for key in self._found(batch)}

    def vectors(self, keys: Sequence[bytes]) -> Vectors:
        """The vectors of ``keys``, (keys, dimension). Raises KeyError where one is missing."""
        found: dict[bytes, bytes] = {}
        for batch in _batches(keys):
            found |= self._found(batch)
        for key in keys:
            if key not in found:
                raise KeyError(f"no vector of {key.hex()} in {self._path}")
        joined = b"".join(found[key] for key in keys)
        return np.frombuffer(joined, dtype=np.float32).reshape(len(keys), self._dimension)

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

    def _found(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The vectors of those of ``keys`` that have one of the right length."""
        asked = f"SELECT key, vector FROM vectors WHERE key IN ({','.join('?' * len(keys))})"  # noqa: S608 - marks alone
        try:
            rows = self._connection.execute(asked, keys).fetchall()
        except sqlite3.DatabaseError as error:
            raise broken(self._path, f"damaged ({error}); delete it") from error
        return {key: vector for key, vector in rows if len(vector) == self._bytes}


def _batches(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (keys[start : start + ASKED_AT_ONCE] for start in range(0, len(keys), ASKED_AT_ONCE))
