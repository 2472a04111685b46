import logging
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.former_texts import Replacement, former_text, id_of_former_text, keep_former_texts
from retrieval.records import Anchor, Block, BlockKind, Document, Provenance, Span

MAY = date(2025, 5, 3)
SECRET = "Het telefoonnummer van de burgemeester is geheim. " * 20


def document(id_: str, text: str) -> Document:
    return Document(
        id_,
        text,
        sha256(text.encode()).hexdigest(),
        "Titel",
        (Block(BlockKind.PARAGRAPH, Span(0, len(text))),),
        Provenance(url="https://gemeente.example/", questions=("Wat?",), synonyms=(("a", "b"),)),
        page_starts=(0,),
        anchors=(Anchor(0, "kop", "jci1.3:c:BWBR0001"),),
    )


OLD = document("a.md", "Het loket is dicht. 🎈")


@dataclass
class Archive:
    """An archive whose corpus is "a.md" and "b.md" unless a test says otherwise."""

    path: Path

    def keep(
        self,
        *former: Document,
        present: Sequence[str] = ("a.md", "b.md"),
        renamed: Sequence[tuple[str, str]] = (),
        day: date = MAY,
        days: int = 400,
    ) -> None:
        keep_former_texts(self.path, Replacement(former, present, renamed, day, days))

    def has(self, one: Document) -> bool:
        return former_text(self.path, one.id, one.version) == one

    def rows(self) -> list[tuple[str, str]]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute("SELECT document_id, replaced_on FROM texts ORDER BY 1, 2").fetchall()


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "texts.sqlite")


def test_a_former_text_is_found_by_the_start_of_its_hash(archive: Archive) -> None:
    archive.keep(OLD)
    assert former_text(archive.path, "a.md", OLD.sha256[:8]) == OLD
    assert former_text(archive.path, "a.md", OLD.sha256) == OLD
    assert former_text(archive.path, "b.md", OLD.version) is None
    assert former_text(archive.path, "a.md", "0" * 8) is None
    assert former_text(archive.path, "a.md", "%" * 8) is None


def test_where_nothing_was_replaced_there_is_no_file(archive: Archive) -> None:
    archive.keep()
    assert not archive.path.exists()
    assert former_text(archive.path, "a.md", OLD.version) is None


@given(st.lists(st.text(min_size=1).filter(str.isprintable), min_size=1, unique=True))
def test_every_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    archive = Archive(tmp_path_factory.mktemp("texts") / "texts.sqlite")
    former = [document("a.md", text) for text in texts]
    archive.keep(*former)
    assert all(former_text(archive.path, "a.md", one.sha256) == one for one in former)


def test_what_is_done_twice_is_done_once_with_the_later_day(archive: Archive) -> None:
    archive.keep(OLD)
    archive.keep(OLD, day=MAY + timedelta(days=2))
    assert archive.rows() == [("a.md", "2025-05-05")]


def test_a_text_stays_so_many_days_after_it_was_replaced(archive: Archive) -> None:
    archive.keep(OLD, days=30)
    archive.keep(day=MAY + timedelta(days=30), days=30)
    assert archive.has(OLD)
    archive.keep(day=MAY + timedelta(days=31), days=30)
    assert not archive.has(OLD)


def test_texts_may_be_kept_for_ever(archive: Archive) -> None:
    archive.keep(OLD, days=10_000_000)
    assert archive.has(OLD)


def test_of_a_document_that_is_gone_not_a_byte_is_left(archive: Archive) -> None:
    secret = document("b.md", SECRET)
    archive.keep(OLD, secret)
    with closing(sqlite3.connect(archive.path)) as connection:
        ((encoded,),) = connection.execute("SELECT document FROM texts WHERE document_id = 'b.md'").fetchall()
    assert SECRET[:40] in zlib.decompress(encoded).decode()
    assert encoded in archive.path.read_bytes()

    archive.keep(present=["a.md"])

    assert archive.rows() == [("a.md", "2025-05-03")]
    left = b"".join(path.read_bytes() for path in archive.path.parent.iterdir())
    assert not any(encoded[at : at + 16] in left for at in range(0, len(encoded) - 16))


def test_of_no_days_no_file_is_left(archive: Archive) -> None:
    archive.keep(OLD)
    archive.keep(OLD, days=0)
    assert list(archive.path.parent.iterdir()) == []


@pytest.mark.parametrize("damage", [b"geen database" * 100, b"SQLite format 3\0" + b"x" * 4096])
def test_a_damaged_file_is_begun_anew_and_told(
    archive: Archive, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    archive.path.write_bytes(damage)
    assert not archive.has(OLD)
    with caplog.at_level(logging.WARNING):
        archive.keep(OLD)
    assert archive.has(OLD)
    assert f"{archive.path}: damaged (file is not a database)" in caplog.text


def test_a_file_of_another_version_is_begun_anew_and_told(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(archive.path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    archive.keep(OLD)
    assert archive.has(OLD)
    assert "version 7, expected 1" in caplog.text


def test_a_text_that_was_damaged_is_not_given(archive: Archive) -> None:
    other = document("b.md", "Iets anders.")
    archive.keep(OLD, other)
    with closing(sqlite3.connect(archive.path)) as connection, connection:
        connection.execute("UPDATE texts SET document = x'00' WHERE document_id = 'a.md'")
        connection.execute(
            "UPDATE texts SET document = ? WHERE document_id = 'b.md'",
            (zlib.compress(b'["b.md", "0", "t", "Iets ander", "[]", "{\\"questions\\": []}", "[]", "[]"]'),),
        )
    assert former_text(archive.path, "a.md", OLD.version) is None
    assert former_text(archive.path, "b.md", other.version) is None


def test_where_there_is_no_writing_the_log_says_so(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    archive.path.mkdir()
    archive.keep(OLD)
    assert not archive.has(OLD)
    assert f"{archive.path}: former texts are not kept (" in caplog.text


def test_what_another_build_began_and_did_not_end_does_no_harm(archive: Archive) -> None:
    archive.keep(OLD)
    with closing(sqlite3.connect(archive.path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM texts")
        assert archive.has(OLD)
        # closed without a commit
    newer = document("a.md", "Het loket is open.")
    archive.keep(newer)
    assert archive.has(OLD)
    assert archive.has(newer)


def test_former_texts_go_along_with_a_document_that_is_renamed(archive: Archive) -> None:
    archive.keep(OLD)
    archive.keep(present=("nieuw/a.md",), renamed=(("a.md", "nieuw/a.md"),))
    assert archive.rows() == [("nieuw/a.md", "2025-05-03")]
    moved = former_text(archive.path, "nieuw/a.md", OLD.version)
    assert moved is not None
    assert (moved.id, moved.text) == ("nieuw/a.md", OLD.text)
    assert id_of_former_text(archive.path, OLD.version) == "nieuw/a.md"
    assert id_of_former_text(archive.path, "ffffffff") is None
    assert id_of_former_text(archive.path.with_name("geen.sqlite"), OLD.version) is None


def test_what_is_below_a_folder_that_was_left_out_stays(archive: Archive) -> None:
    below, beside = document("map/sub/a.md", "Onder."), document("mapje/a.md", "Ernaast.")
    archive.keep(below, beside, present=("map/sub/a.md", "mapje/a.md"))
    archive.keep(present=("map",))
    assert [id_ for id_, _ in archive.rows()] == ["map/sub/a.md"]
