import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import BrokenIndexError
from retrieval.records import Block, BlockKind, Document, Lead, Passage, Provenance, Span
from retrieval.store import DocumentEntry, Store, write_store

REBUILD = "; rebuild with: vraagbaak index"

CATS = Document("katten.txt", "Katten\n\nEen kat spint. Ze slaapt.", "a1" * 32, "Katten", ())
FISH = Document("map/vis.md", "Een vis zwemt.", "b2" * 32, "Vis", (), Provenance(publisher="Het aquarium"))
PASSAGES = (
    Passage("katten.txt", Span(8, 32), "Een kat spint. Ze slaapt.", ("Katten",), (Span(8, 22), Span(23, 32))),
    Passage("map/vis.md", Span(0, 14), "Een vis zwemt.", (), (Span(0, 14),)),
    Passage(
        "katten.txt",
        Span(23, 32),
        "Ze slaapt.",
        ("Katten", "Slaap"),
        (Span(23, 32),),
        Lead(Span(8, 22), "Een kat spint."),
    ),
)


def opened(folder: Path, documents: Sequence[Document], passages: Sequence[Passage]) -> Store:
    write_store(folder / "store.sqlite", documents, passages)
    return Store.open(folder / "store.sqlite")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
optional_texts = st.none() | texts
spans = st.tuples(st.integers(0, 10**9), st.integers(1, 10**6)).map(lambda pair: Span(pair[0], sum(pair)))
blocks = st.builds(Block, st.sampled_from(BlockKind), spans, st.integers(0, 6))
provenances = st.builds(
    Provenance,
    title=optional_texts,
    url=optional_texts,
    publisher=optional_texts,
    language=optional_texts,
    date=optional_texts,
    questions=st.lists(texts, max_size=2).map(tuple),
)
documents_of_any_kind = st.lists(
    st.builds(
        Document,
        texts,
        texts,
        texts,
        texts,
        st.lists(blocks, max_size=3).map(tuple),
        provenances,
        st.lists(st.integers(0, 10**9), max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda document: document.id,
)


@given(st.data())
def test_what_was_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    documents = data.draw(documents_of_any_kind)
    ids = st.sampled_from([document.id for document in documents])
    tuples_of = lambda items: st.lists(items, max_size=3).map(tuple)  # noqa: E731
    passages = data.draw(
        st.lists(st.builds(Passage, ids, spans, texts, tuples_of(texts), tuples_of(spans)), max_size=6)
    )
    wanted = data.draw(st.lists(st.integers(0, len(passages) - 1), max_size=8)) if passages else []

    with closing(opened(tmp_path_factory.mktemp("store"), documents, passages)) as store:
        assert [store.document(document.id) for document in documents] == documents
        assert store.passage_count == len(passages)
        assert store.passages(range(len(passages))) == passages
        assert store.passages(wanted) == [passages[number] for number in wanted]
        for document in documents:
            own = [
                (number, passage)
                for number, passage in enumerate(passages)
                if passage.document_id == document.id
            ]
            assert store.passages_of(document.id) == own


def test_the_list_of_documents_is_in_the_order_they_were_written(tmp_path: Path) -> None:
    with closing(opened(tmp_path, [FISH, CATS], PASSAGES)) as store:
        assert store.documents() == [
            DocumentEntry("map/vis.md", "Vis", "b2" * 32, Provenance(publisher="Het aquarium"), 1),
            DocumentEntry("katten.txt", "Katten", "a1" * 32, Provenance(), 2),
        ]


def test_documents_of_the_version_before_pages_are_read(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    write_store(path, [CATS, FISH], PASSAGES)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE documents DROP COLUMN page_starts")
        connection.execute("PRAGMA user_version = 2")
    with closing(Store.open(path)) as store:
        assert store.document(FISH.id) == FISH


def test_an_unknown_document_has_no_text_and_no_passages(tmp_path: Path) -> None:
    with closing(opened(tmp_path, [CATS, FISH], PASSAGES)) as store:
        assert store.document("hond.txt") is None
        assert store.passages_of("hond.txt") == []


def test_an_unknown_passage_is_an_error(tmp_path: Path) -> None:
    with closing(opened(tmp_path, [CATS, FISH], PASSAGES)) as store, pytest.raises(KeyError) as raised:
        store.passages([0, 7, 3])

    assert raised.value.args == (f"no passage 3 in {tmp_path / 'store.sqlite'}, which has 3",)


def test_a_store_can_be_empty(tmp_path: Path) -> None:
    with closing(opened(tmp_path, [], [])) as store:
        assert (store.passage_count, store.documents(), store.passages([])) == (0, [], [])


def test_a_passage_of_no_document_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        write_store(tmp_path / "store.sqlite", [CATS], PASSAGES)


def test_a_path_with_the_signs_of_a_query_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "wat? 100% #1 &mode=rw"
    folder.mkdir()

    with closing(opened(folder, [CATS, FISH], PASSAGES)) as store:
        assert store.passage_count == 3


def test_opening_and_reading_leave_the_folder_as_it_is(tmp_path: Path) -> None:
    with closing(opened(tmp_path, [CATS, FISH], PASSAGES)) as store:
        assert store.passages([1]) == [PASSAGES[1]]
        assert [path.name for path in tmp_path.iterdir()] == ["store.sqlite"]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            store._connection.execute("DELETE FROM documents")


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    passages = [Passage("katten.txt", Span(n, n + 1), str(n), (), ()) for n in range(200)]
    wanted = [[(start + step) % 200 for step in range(20)] for start in range(400)]
    with closing(opened(tmp_path, [CATS], passages)) as store, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(store.passages, wanted))

    assert [[int(passage.text) for passage in part] for part in found] == wanted


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "not a whole store (unable to open database file)"),
        (b"", "store of version 0, expected 4"),
        (b"geen database" * 100, "not a whole store (file is not a database)"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | None, found: str) -> None:
    path = tmp_path / "store.sqlite"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BrokenIndexError) as raised:
        Store.open(path)

    assert str(raised.value) == f"{path}: {found}{REBUILD}"


def test_damage_that_shows_when_reading_is_named(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    write_store(path, [CATS, FISH], PASSAGES)
    # the first page says where the tables are, and stays
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))

    with closing(Store.open(path)) as store, pytest.raises(BrokenIndexError) as raised:
        store.passages([0])

    assert str(raised.value) == f"{path}: not a whole store (database disk image is malformed){REBUILD}"


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    write_store(path, [CATS, FISH], PASSAGES)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(BrokenIndexError) as raised:
        Store.open(path)

    assert str(raised.value) == f"{path}: store of version 99, expected 4{REBUILD}"


def test_a_document_of_an_older_store_can_still_be_read(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    write_store(path, [CATS, FISH], PASSAGES)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE passages DROP COLUMN lead")
        connection.execute("PRAGMA user_version = 1")

    with closing(Store.open(path)) as store:
        assert store.document("katten.txt") == CATS


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "store.sqlite"

    with pytest.raises(BrokenIndexError) as raised:
        write_store(path, [CATS], [])

    assert str(raised.value) == (
        f"{path}: cannot be written (unable to open database file); "
        "make room or give access, then rebuild with: vraagbaak index"
    )
