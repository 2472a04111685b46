"""What visitors thought of an answer, appended to a small SQLite file that an editor can read.

It is opened for each line, and lies there whole in between, easy to copy. Personal data is masked before it
is written, and nothing tells who sent it.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import FeedbackError
from retrieval.personal_data import masked

FEEDBACK_VERSION = 1
"""Raised whenever the table changes; kept in the file's ``user_version``."""

SECONDS_TO_WAIT = 2.0
"""Seconds that a line may wait for another process to be done with the file."""

MOST_BYTES = 100 * 1024 * 1024
"""Bytes of the file: some hundred thousand lines. Whoever floods it fills no disk."""

_ID_BYTES = 12
"""Enough that no two ids are ever the same; 16 characters when written."""

_TABLE = """
CREATE TABLE feedback (
    id TEXT PRIMARY KEY, received_at TEXT NOT NULL, question TEXT NOT NULL, answer_id TEXT NOT NULL,
    helpful INTEGER NOT NULL, reason TEXT, comment TEXT
)
"""
_ADD = "INSERT INTO feedback VALUES (?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Feedback:
    """Whether the answer ``answer_id`` to ``question`` helped; ``reason`` and ``comment`` may be empty."""

    question: str
    answer_id: str
    helpful: bool
    reason: str = ""
    comment: str = ""


class FeedbackFile:
    """Lines of feedback, only ever added to; for several threads and processes at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        """Raises FeedbackError where the file is there, and is something else or of a newer version."""
        if not self._path.exists():
            return
        with self._told(), closing(self._connected()) as connection:
            _version(self._path, connection)

    def add(self, feedback: Feedback) -> str:
        """Keep it, masked, and give its id; the file is made where there is none.

        It is on disk when this returns. Raises FeedbackError where it cannot be kept.
        """
        id_ = secrets.token_urlsafe(_ID_BYTES)
        row = (
            id_,
            masked(feedback.question),
            masked(feedback.answer_id),
            feedback.helpful,
            masked(feedback.reason) or None,
            masked(feedback.comment) or None,
        )
        self._prepare()
        with self._told(), closing(self._connected()) as connection, _transaction(connection):
            if _version(self._path, connection) == 0:
                connection.execute(_TABLE)
                connection.execute(f"PRAGMA user_version = {FEEDBACK_VERSION}")
            connection.execute(_ADD, row)
        return id_

    def _prepare(self) -> None:
        """See that there is room in the file, and that nobody but the operator reads a new one."""
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            size = self._path.stat().st_size
        except OSError as error:
            raise FeedbackError(
                f"the feedback file {self._path} cannot be used: {error.strerror}; see that its folder is "
                "there, with room and with rights, or set another by VRAAGBAAK_FEEDBACK"
            ) from error
        if size > MOST_BYTES:
            raise FeedbackError(
                f"the feedback file {self._path} has {size} bytes, expected at most {MOST_BYTES}; "
                "move it away"
            )

    def _connected(self) -> sqlite3.Connection:
        # isolation_level None: transactions are begun here, and hold the making of the table too
        return sqlite3.connect(self._path, timeout=SECONDS_TO_WAIT, isolation_level=None)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite complains of, with what to do; its messages hold nothing of what is written."""
        try:
            yield
        except sqlite3.Error as error:
            raise FeedbackError(
                f"the feedback file {self._path} cannot be used: {error}; see that it is what "
                "Vraagbaak wrote, on a disk with room and with rights, or set another by VRAAGBAAK_FEEDBACK"
            ) from error


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; what fails leaves the file as it was, since closing takes back what was begun."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def _version(path: Path, connection: sqlite3.Connection) -> int:
    """The version of the file, 0 where nothing is in it yet."""
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    if version > FEEDBACK_VERSION:
        raise FeedbackError(
            f"the feedback file {path} has version {version}, this program knows up to {FEEDBACK_VERSION}; "
            "run a newer one, or set another file by VRAAGBAAK_FEEDBACK"
        )
    if version == 0 and tables:
        raise FeedbackError(
            f"{path} is a database of something else than feedback; set another file by VRAAGBAAK_FEEDBACK"
        )
    return int(version)
