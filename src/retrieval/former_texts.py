"""The texts that documents had before: a link of an older answer opens them when its generation is gone.

Only of documents that are still there: what an editor takes down is wiped here too.
"""

import json
import logging
import sqlite3
import zlib
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path, PurePosixPath

from retrieval.records import Document, sha256_of_text
from retrieval.store import document_of_row, document_row

TEXTS_VERSION = 1
"""Raised whenever the table or its encoding changes; a file of another version is begun anew."""

SECONDS_TO_WAIT = 2.0
"""Seconds that a reader waits for a build that is writing, which takes some tens of milliseconds."""

_TABLE = """
CREATE TABLE IF NOT EXISTS texts (
    document_id TEXT NOT NULL, sha256 TEXT NOT NULL, replaced_on TEXT NOT NULL, document BLOB NOT NULL,
    PRIMARY KEY (document_id, sha256)
)
"""
_FOUND = """
SELECT document FROM texts WHERE document_id = ? AND substr(sha256, 1, ?) = ? ORDER BY replaced_on DESC
"""
_OWNER = "SELECT document_id FROM texts WHERE substr(sha256, 1, ?) = ? ORDER BY replaced_on DESC"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a build replaces on ``day``: documents with the text that they had, and the ids that stay.

    ``present`` may hold folders too, for all below them; ``renamed`` are pairs of the id that a document had
    and the one that it has. Texts replaced more than ``keep_days`` before that day are deleted; of 0 days
    none is kept.
    """

    former: Sequence[Document]
    present: Collection[str]
    renamed: Sequence[tuple[str, str]]
    day: date
    keep_days: int


def keep_former_texts(path: Path, replacement: Replacement) -> None:
    """Keep the former texts in the file ``path``, and wipe those of documents that are gone or long replaced.

    All or nothing, and the same when done twice. No failure costs the build: a damaged file is begun anew,
    and where nothing can be written the log says so.
    """
    try:
        if replacement.keep_days == 0:
            _unlink(path)
        elif replacement.former or path.exists():
            _keep_or_begin_anew(path, replacement)
    except (OSError, sqlite3.Error) as error:
        _log.warning("%s: former texts are not kept (%s); make room or give access", path, error)


def former_text(path: Path, document_id: str, version_prefix: str) -> Document | None:
    """The document as it was when its sha256 began so; None where that is not kept, whole and readable."""
    if not path.exists():
        return None
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=SECONDS_TO_WAIT)
        ) as connection:
            rows = connection.execute(_FOUND, (document_id, len(version_prefix), version_prefix)).fetchall()
        return next(filter(None, (_decoded(encoded, document_id) for (encoded,) in rows)), None)
    except sqlite3.Error:
        return None


def id_of_former_text(path: Path, version_prefix: str) -> str | None:
    """The id of the document that had a text whose sha256 began so, under whatever name it had it then."""
    if not path.exists():
        return None
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=SECONDS_TO_WAIT)
        ) as connection:
            row = connection.execute(_OWNER, (len(version_prefix), version_prefix)).fetchone()
        return str(row[0]) if row else None
    except sqlite3.Error:
        return None


def _keep_or_begin_anew(path: Path, replacement: Replacement) -> None:
    try:
        _keep(path, replacement)
    except sqlite3.OperationalError:  # there is no writing here, a new file would not help
        raise
    except sqlite3.DatabaseError as error:
        _log.warning("%s: damaged (%s); begun anew, former texts of documents are lost", path, error)
        _unlink(path)
        _keep(path, replacement)


def _keep(path: Path, replacement: Replacement) -> None:
    day = replacement.day.isoformat()
    days_known = replacement.day.toordinal() - 1  # there is no day before that of the year 1
    oldest = replacement.day - timedelta(days=min(replacement.keep_days, days_known))
    rows = [(one.id, one.sha256, day, _encoded(one)) for one in replacement.former]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        if version not in (0, TEXTS_VERSION):
            raise sqlite3.DatabaseError(f"version {version}, expected {TEXTS_VERSION}")
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {TEXTS_VERSION}")
            connection.executemany("INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?)", rows)
            connection.executemany(
                "UPDATE OR REPLACE texts SET document_id = ? WHERE document_id = ?",
                [(after, before) for before, after in replacement.renamed],
            )
            known = [id_ for (id_,) in connection.execute("SELECT DISTINCT document_id FROM texts")]
            gone = [(id_,) for id_ in known if not _is_present(id_, replacement.present)]
            connection.executemany("DELETE FROM texts WHERE document_id = ?", gone)
            connection.execute("DELETE FROM texts WHERE replaced_on < ?", (oldest.isoformat(),))


def _is_present(document_id: str, present: Collection[str]) -> bool:
    folders = (str(folder) for folder in PurePosixPath(document_id).parents)
    return document_id in present or any(folder in present for folder in folders)


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)
    # SQLite would play the journal of the file that was back into a new one
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)


def _encoded(document: Document) -> bytes:
    return zlib.compress(json.dumps(document_row(document), ensure_ascii=False).encode())


def _decoded(encoded: bytes, document_id: str) -> Document | None:
    try:
        document = replace(document_of_row(json.loads(zlib.decompress(encoded))), id=document_id)
    except (zlib.error, ValueError, KeyError, TypeError):
        return None
    return document if sha256_of_text(document.text) == document.sha256 else None
