"""Documents and passages of one generation in a SQLite file that is never written again.

Passages are numbered from 0 in the order they were given; that number is their id everywhere.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from retrieval.errors import BrokenIndexError
from retrieval.files import broken, writing
from retrieval.records import Anchor, Block, BlockKind, Document, Lead, Passage, Provenance, Span

STORE_VERSION = 4
"""Raised whenever the tables or their encoding change; kept in the file's ``user_version``."""

OLDEST_STORE_VERSION = 1
"""From which on documents are encoded as now, so that links into older generations open; passages are not."""

_TABLES = """
CREATE TABLE documents (
    id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    blocks TEXT NOT NULL, provenance TEXT NOT NULL, page_starts TEXT NOT NULL, anchors TEXT NOT NULL
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL,
    headings TEXT NOT NULL, sentences TEXT NOT NULL, lead TEXT NOT NULL
);
"""
_PASSAGES_BY_ID = "SELECT passages.* FROM json_each(?) JOIN passages ON passages.id = value ORDER BY key"
_PASSAGES_OF = "SELECT * FROM passages WHERE document_id = ? ORDER BY id"
_ENTRIES = """
SELECT id, title, sha256, provenance, (SELECT count(*) FROM passages WHERE document_id = documents.id),
    page_starts, anchors
FROM documents ORDER BY rowid
"""


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """A line of the list of sources: a document without its text."""

    id: str
    title: str
    sha256: str
    provenance: Provenance
    passage_count: int
    page_starts: tuple[int, ...] = ()
    anchors: tuple[Anchor, ...] = ()


def write_store(path: Path, documents: Iterable[Document], passages: Iterable[Passage]) -> None:
    """Write a new store; every passage belongs to one of ``documents``, which have unique ids.

    Raises BrokenIndexError where the file cannot be written, sqlite3.IntegrityError where the
    records do not fit together.
    """
    with writing(path), closing(sqlite3.connect(path)) as connection:
        # the file is written aside and thrown away after a failure: no journal is needed
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(_TABLES)
        connection.executemany(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(document_row, documents)
        )
        connection.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((number, *_passage_row(passage)) for number, passage in enumerate(passages)),
        )
        connection.execute("CREATE INDEX passages_of ON passages (document_id, id)")
        connection.execute(f"PRAGMA user_version = {STORE_VERSION}")
        connection.commit()


class Store:
    """Documents and passages, read only; may be used from many threads."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        # sqlite3 hands a cached statement to two threads when both ask at the same moment
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file of ``write_store``.

        Raises BrokenIndexError where it is missing, damaged or of another version.
        """
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise broken(path, f"not a whole store ({error})") from error
        store = cls(connection, path)
        try:
            ((version,),) = store._fetch("PRAGMA user_version")
            if not OLDEST_STORE_VERSION <= version <= STORE_VERSION:
                raise broken(path, f"store of version {version}, expected {STORE_VERSION}")
        except BrokenIndexError:
            connection.close()
            raise
        return store

    @property
    def passage_count(self) -> int:
        """The number of passages; their ids run from 0."""
        ((last,),) = self._fetch("SELECT max(id) FROM passages")
        return 0 if last is None else int(last) + 1

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """The passages ``ids``, in that order. Raises KeyError where there is no such passage."""
        numbers = [int(number) for number in ids]
        rows = self._fetch(_PASSAGES_BY_ID, json.dumps(numbers))
        if len(rows) != len(numbers):
            unknown = min(set(numbers) - {row[0] for row in rows})
            raise KeyError(f"no passage {unknown} in {self._path}, which has {self.passage_count}")
        return _passages(rows)

    def passages_of(self, document_id: str) -> list[tuple[int, Passage]]:
        """The passages of a document with their ids, in order; none for an unknown document."""
        rows = self._fetch(_PASSAGES_OF, document_id)
        return [(row[0], passage) for row, passage in zip(rows, _passages(rows), strict=True)]

    def document(self, document_id: str) -> Document | None:
        """The document with its text, or None where there is no such document."""
        rows = self._fetch("SELECT * FROM documents WHERE id = ?", document_id)
        return document_of_row(rows[0]) if rows else None

    def documents(self) -> list[DocumentEntry]:
        """Every document without its text, in the order they were written."""
        return [
            DocumentEntry(
                id_,
                title,
                sha256,
                _provenance(provenance),
                count,
                tuple(json.loads(pages)),
                _anchors(anchors),
            )
            for id_, title, sha256, provenance, count, pages, anchors in self._fetch(_ENTRIES)
        ]

    def hashes(self) -> dict[str, str]:
        """The sha256 of the text of every document, by its id."""
        return dict(self._fetch("SELECT id, sha256 FROM documents"))

    def close(self) -> None:
        """Give the file back; the store cannot be used any more."""
        with self._lock:
            self._connection.close()

    def _fetch(self, query: str, *parameters: Any) -> list[Any]:
        try:
            with self._lock:
                return self._connection.execute(query, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise broken(self._path, f"not a whole store ({error})") from error


def document_row(document: Document) -> tuple[str, ...]:
    """How a document is encoded, for ``document_of_row``."""
    blocks = [[block.kind.value, block.span.start, block.span.end, block.level] for block in document.blocks]
    return (
        document.id,
        document.sha256,
        document.title,
        document.text,
        json.dumps(blocks, separators=(",", ":")),
        json.dumps(asdict(document.provenance)),
        json.dumps(document.page_starts),
        json.dumps([[one.start, one.fragment, one.identifier] for one in document.anchors]),
    )


def document_of_row(row: Sequence[Any]) -> Document:
    """The document that a row encodes; ValueError, KeyError or TypeError where it is none."""
    # before version 3 there were no pages, before version 4 no anchors
    id_, sha256, title, text, blocks, provenance, pages, anchors = (*row, "[]", "[]")[:8]
    return Document(
        id=id_,
        text=text,
        sha256=sha256,
        title=title,
        blocks=tuple(
            Block(BlockKind(kind), Span(start, end), level) for kind, start, end, level in json.loads(blocks)
        ),
        provenance=_provenance(provenance),
        page_starts=tuple(json.loads(pages)),
        anchors=_anchors(anchors),
    )


def _anchors(encoded: str) -> tuple[Anchor, ...]:
    return tuple(Anchor(start, fragment, identifier) for start, fragment, identifier in json.loads(encoded))


def _provenance(encoded: str) -> Provenance:
    fields = json.loads(encoded)
    synonyms = tuple((name, meant) for name, meant in fields.get("synonyms", ()))
    return Provenance(**{**fields, "questions": tuple(fields["questions"]), "synonyms": synonyms})


def _passage_row(passage: Passage) -> tuple[str | int, ...]:
    return (
        passage.document_id,
        passage.span.start,
        passage.span.end,
        passage.text,
        json.dumps(passage.headings),
        json.dumps([(sentence.start, sentence.end) for sentence in passage.sentences], separators=(",", ":")),
        json.dumps(
            [passage.lead.span.start, passage.lead.span.end, passage.lead.text] if passage.lead else None
        ),
    )


def _passages(rows: Sequence[Any]) -> list[Passage]:
    # the lists of all rows are decoded in one call, which takes a third of the time
    headings = json.loads(f"[{','.join(row[5] for row in rows)}]")
    sentences = json.loads(f"[{','.join(row[6] for row in rows)}]")
    leads = json.loads(f"[{','.join(row[7] for row in rows)}]")
    return [
        Passage(
            document_id,
            Span(start, end),
            text,
            tuple(own_headings),
            tuple([Span(first, last) for first, last in own_sentences]),
            Lead(Span(own_lead[0], own_lead[1]), own_lead[2]) if own_lead else None,
        )
        for (_, document_id, start, end, text, *_), own_headings, own_sentences, own_lead in zip(
            rows, headings, sentences, leads, strict=True
        )
    ]
