"""What readers made of files, in one SQLite file: what is unchanged is never read twice.

The folder can be deleted when no build runs; the next one then reads every file again.
"""

import sqlite3
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from retrieval.files import discard_cache, open_cache, writing

CACHE_VERSION = 1
"""Raised whenever the table changes; a file of another version is begun anew."""

WRITE_SECONDS = 1
"""What was read in so long is written at once: a build that is killed reads little more than that again."""

_TABLE = "CREATE TABLE IF NOT EXISTS readings (key BLOB PRIMARY KEY, reading BLOB NOT NULL)"


class ReadingCache:
    """Readings by a key of 32 bytes; those that were not asked for can be dropped.

    Several builds may share the file. Each method raises BrokenIndexError where it cannot be written.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._used: set[bytes] = set()
        self._unwritten: dict[bytes, bytes] = {}
        self._written_at = time.monotonic()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The cache in ``folder``; a damaged file is begun anew."""
        path = folder / "readings.sqlite"
        return cls(_connected(path), path)

    def get(self, key: bytes) -> bytes | None:
        """What was kept by ``key``, if anything."""
        self._used.add(key)
        try:
            with writing(self._path):
                row = self._connection.execute(
                    "SELECT reading FROM readings WHERE key = ?", (key,)
                ).fetchone()
        except sqlite3.DatabaseError:
            self._begin_anew()
            return None
        return row[0] if row else None

    def add(self, key: bytes, reading: bytes) -> None:
        """Keep ``reading``; it is on disk after WRITE_SECONDS, or when the cache is closed."""
        self._used.add(key)
        self._unwritten[key] = reading
        if time.monotonic() - self._written_at > WRITE_SECONDS:
            self._write()

    def drop_unused(self) -> None:
        """Drop what was neither asked for nor added since this was opened: no word of it stays on disk."""
        try:
            with writing(self._path), self._connection:
                kept = {key for (key,) in self._connection.execute("SELECT key FROM readings")}
                unused = [(key,) for key in kept - self._used]
                if unused:
                    self._connection.executemany("DELETE FROM readings WHERE key = ?", unused)
        except sqlite3.DatabaseError:
            self._begin_anew()

    def close(self) -> None:
        """Write what is not written yet, and give the file back."""
        try:
            self._write()
        finally:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self) -> None:
        if not self._unwritten:
            return
        try:
            self._insert()
        except sqlite3.DatabaseError:
            self._begin_anew()
            self._insert()
        self._unwritten = {}
        self._written_at = time.monotonic()

    def _insert(self) -> None:
        with writing(self._path), self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO readings VALUES (?, ?)", self._unwritten.items()
            )

    def _begin_anew(self) -> None:
        self._connection.close()
        discard_cache(self._path)
        self._connection = _connected(self._path)


def _connected(path: Path) -> sqlite3.Connection:
    # what is dropped is overwritten, and its pages are given back: a text that was taken down is gone
    connection = open_cache(path, CACHE_VERSION, f"PRAGMA auto_vacuum = FULL; {_TABLE}")
    connection.execute("PRAGMA secure_delete = ON")
    return connection
