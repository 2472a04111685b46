import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from retrieval import building as building_module
from retrieval import index as index_module
from retrieval.background import background_texts
from retrieval.building import BuildReport, update_index
from retrieval.changes import Changes
from retrieval.corpus import Reading, Skipped
from retrieval.errors import BrokenIndexError, CorpusError, EmbedderError
from retrieval.former_texts import former_text
from retrieval.generations import KeptGeneration, kept_generations, list_generations, roll_back
from retrieval.index import Index
from retrieval.indexed_texts import embedded_texts, lexical_text
from retrieval.lexical import analyse
from retrieval.passages import CUTTING_VERSION
from retrieval.ranking import Vectors
from retrieval.readers.markdown import read_markdown
from retrieval.records import Block, BlockKind, Document, Passage, Provenance, Span
from retrieval.settings import KEPT_GENERATIONS, KEPT_TEXTS

REBUILD = "; rebuild with: vraagbaak index"
VOCABULARY = ("kat", "hond", "vis")


class CountingEmbedder:
    """A vector counts the words of VOCABULARY in a text, and holds 1 more so that it is never zero.

    ``embedded`` are the texts of documents that it was given.
    """

    def __init__(self, fingerprint: str = "counting-1", fails_after: int | None = None) -> None:
        self.fingerprint = fingerprint
        self.dimension = len(VOCABULARY) + 1
        self.max_tokens = 100
        self.embedded: list[str] = []
        self._fails_after = fails_after

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        return self.embed_texts(queries)

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        if self._fails_after is not None and len(self.embedded) >= self._fails_after:
            raise EmbedderError("the model is gone")
        self.embedded.extend(text for text in texts if text not in background_texts())
        if progress:
            progress(len(texts))
        words = [text.lower().replace(".", " ").split() for text in texts]
        rows = [[*(own.count(word) for word in VOCABULARY), 1] for own in words]
        vectors = np.array(rows, np.float32).reshape(len(texts), self.dimension)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


class DyingEmbedder(CountingEmbedder):
    """Is killed, with the process that it works for, when it has embedded four texts."""

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        if len(self.embedded) >= 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed_texts(texts, progress)


class Workshop:
    """An index folder with what is needed to build and open it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.embedder = CountingEmbedder()
        self.embedders_made = 0

    def build(
        self,
        *documents: Document,
        skipped: tuple[Skipped, ...] = (),
        keep: int = KEPT_GENERATIONS,
        keep_texts: int = KEPT_TEXTS,
    ) -> BuildReport:
        return update_index(
            Reading(documents, skipped),
            self.folder,
            self._made,
            self.embedder.fingerprint,
            keep=keep,
            keep_texts=keep_texts,
        )

    def built(self, *documents: Document) -> list[str]:
        """Build an index of each of these alone; the names of the generations, the oldest first."""
        names = []
        for one in documents:
            self.build(one)
            names.append(self.generation.name)
        return names

    def roll_back(self, name: str | None = None) -> str:
        return roll_back(self.folder, self.embedder.fingerprint, name).name

    def rollback_error(self, name: str | None = None) -> str:
        before = (self.folder / "CURRENT").read_bytes()
        with pytest.raises(BrokenIndexError) as raised:
            self.roll_back(name)
        assert (self.folder / "CURRENT").read_bytes() == before
        return str(raised.value)

    def open(self) -> Index:
        return Index.open(self.folder, self.embedder.fingerprint)

    def texts(self) -> list[str]:
        with self.open() as index:
            return [passage.text for passage in index.store.passages(range(index.store.passage_count))]

    @property
    def generation(self) -> Path:
        return self.folder / "generations" / (self.folder / "CURRENT").read_text("utf-8").strip()

    def opening_error(self) -> str:
        with pytest.raises(BrokenIndexError) as raised:
            self.open()
        return str(raised.value)

    def _made(self) -> CountingEmbedder:
        self.embedders_made += 1
        return self.embedder


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "index")


def document(id_: str, title: str, *paragraphs: str) -> Document:
    """A plain text: a title and paragraphs, with blank lines between."""
    text = "\n\n".join((title, *paragraphs))
    starts = [0]
    for part in (title, *paragraphs):
        starts.append(starts[-1] + len(part) + 2)
    kinds = [BlockKind.TITLE, *(BlockKind.PARAGRAPH for _ in paragraphs)]
    blocks = tuple(
        Block(kind, Span(start, following - 2))
        for kind, (start, following) in zip(kinds, pairwise(starts), strict=True)
    )
    return Document(id_, text, sha256(text.encode()).hexdigest(), title, blocks)


CATS = document("katten.txt", "Hond", "De kat slaapt. De vis zwemt.", "De kat eet.")
FISH = document("vissen.txt", "Vissen", "Een vis zwemt.")


def test_the_embedded_texts_are_the_bare_one_and_the_one_below_its_headings() -> None:
    assert embedded_texts("De kat eet.", ["Dieren", "Katten"], "Boek") == (
        "De kat eet.",
        "Dieren. Katten\nDe kat eet.",
    )
    assert embedded_texts("De kat eet.", [], "Boek") == ("De kat eet.", "Boek\nDe kat eet.")
    assert embedded_texts("De kat eet.", [], "") == ("De kat eet.", "De kat eet.")


def test_a_passage_is_found_by_the_words_of_its_title_its_headings_and_its_text() -> None:
    passage = Passage("katten.txt", Span(0, 11), "De kat eet.", ("Voeding",), ())

    assert lexical_text(passage, "Dieren") == "Dieren\nVoeding\nDe kat eet."


def test_a_build_can_be_opened_and_searched(workshop: Workshop) -> None:
    report = workshop.build(CATS, FISH, skipped=(Skipped("foto.jpg", "no reader"),))

    assert replace(report, seconds=0) == BuildReport(
        documents=2,
        passages=3,
        embedded=3,
        reused=0,
        changes=Changes(new=("katten.txt", "vissen.txt")),
        seconds=0,
        skipped=(Skipped("foto.jpg", "no reader"),),
    )
    assert report.seconds > 0
    with workshop.open() as index:
        assert index.generation == workshop.generation.name
        assert [passage.text for passage in index.store.passages([0, 1, 2])] == [
            "De kat slaapt. De vis zwemt.",
            "De kat eet.",
            "Een vis zwemt.",
        ]
        assert [index.sentence_rows(number) for number in range(3)] == [range(2), range(2, 3), range(3, 4)]
        assert index.lexical.search("etende kat", 5).ids.tolist()[0] == 1
        assert index.lexical.search("hond", 5).ids.tolist() == [1, 0]
        assert index.dense.search(workshop.embedder.embed_queries(["vis"])[0], 1).ids.tolist() == [2]


def test_a_list_is_found_by_the_words_of_one_of_its_items(workshop: Workshop) -> None:
    listed = read_markdown("Wij hebben:\n\n- een kat\n- een vis\n\nDe hond slaapt.\n")
    digest = sha256(listed.text.encode()).hexdigest()
    workshop.build(Document("dieren.md", listed.text, digest, "Dieren", listed.blocks))
    with workshop.open() as index:
        assert index.store.passage_count == 2
        own, shares = index.lexical.shares("kat"), index.word_shares("kat")
        # the item is shorter than the whole list, so that its word counts for more
        assert shares[0] > own[0] > 0
        assert shares[1] == own[1] == 0
        assert index.letter_shares("kat")[0] > index.letters.shares("kat")[0] > 0
    workshop.build(FISH)
    with workshop.open() as index:
        assert index.word_shares("vis").tolist() == index.lexical.shares("vis").tolist()


def test_a_vector_is_the_mean_of_the_bare_text_and_the_text_below_its_title(workshop: Workshop) -> None:
    workshop.build(CATS)

    # "De kat eet." counts (1, 0, 0) and 1, of length √2; below its title (1, 1, 0) and 1, of length √3
    expected = [(2**-0.5 + 3**-0.5) / 2, 3**-0.5 / 2, 0, (2**-0.5 + 3**-0.5) / 2]
    with workshop.open() as index:
        (row,) = index.sentence_rows(1)
        assert index.sentence_vectors[row] == pytest.approx(expected, abs=1e-6)
        found = index.dense.search(np.array([1, 0, 0, 0], np.float32), 2)
        # the passage of this one sentence has its vector; the other counts (1, 0, 1) and (1, 1, 1)
        assert found.ids.tolist() == [1, 0]
        assert found.scores == pytest.approx([expected[0], (3**-0.5 + 0.5) / 2], abs=1e-6)


def test_the_rows_of_the_sentences_stand_in_the_order_of_the_passages(workshop: Workshop) -> None:
    workshop.build(CATS, FISH)

    with workshop.open() as index:
        for number, passage in enumerate(index.store.passages(range(3))):
            title = index.store.document(passage.document_id).title  # type: ignore[union-attr]
            for place, row in enumerate(index.sentence_rows(number)):
                both = embedded_texts(passage.sentence_text(place), passage.headings, title)
                assert index.sentence_vectors[row] == pytest.approx(
                    workshop.embedder.embed_texts(both).mean(axis=0), abs=1e-6
                )


def test_the_background_is_embedded_bare(workshop: Workshop) -> None:
    workshop.build(FISH)

    with workshop.open() as index:
        expected = workshop.embedder.embed_texts(background_texts())
        assert index.background_vectors == pytest.approx(expected)


def test_equal_texts_are_embedded_once(workshop: Workshop) -> None:
    workshop.build(document("a.txt", "Kat", "De vis.", "De vis."), document("b.txt", "Kat", "De vis."))

    assert sorted(workshop.embedder.embedded) == ["De vis.", "Kat\nDe vis.", "Kat\nDe vis.\nDe vis."]


def test_when_nothing_changed_nothing_is_done(workshop: Workshop) -> None:
    workshop.build(CATS, FISH)
    before, made = workshop.generation, workshop.embedders_made

    report = workshop.build(CATS, FISH)

    assert replace(report, seconds=0) == BuildReport(2, 3, 0, 3, Changes(), 0, ())
    assert workshop.generation == before
    assert workshop.embedders_made == made
    assert list((workshop.folder / "generations").iterdir()) == [before]


def test_the_embedder_is_opened_once_for_a_build(workshop: Workshop) -> None:
    workshop.build(CATS, FISH)

    assert workshop.embedders_made == 1


def test_an_edited_document_is_read_anew_and_the_others_are_not(workshop: Workshop) -> None:
    workshop.build(CATS, FISH)
    workshop.embedder.embedded.clear()

    report = workshop.build(CATS, document("vissen.txt", "Vissen", "Een vis zwemt.", "Een vis eet."))

    assert (report.passages, report.embedded, report.reused) == (4, 1, 3)
    assert sorted(workshop.embedder.embedded) == [
        "Een vis eet.",
        "Vissen\nEen vis eet.",
        "Vissen\nEen vis zwemt.\nEen vis eet.",
    ]
    assert workshop.texts()[2:] == ["Een vis zwemt.", "Een vis eet."]


def test_a_passage_with_one_new_sentence_counts_as_embedded(workshop: Workshop) -> None:
    workshop.build(document("a.txt", "Kat", "De kat slaapt. De vis zwemt."))

    report = workshop.build(
        document("a.txt", "Kat", "De kat slaapt. De vis zwemt.", "De kat slaapt. De hond.")
    )

    assert (report.passages, report.embedded, report.reused) == (2, 1, 1)


def test_a_removed_document_is_gone_without_the_embedder(workshop: Workshop) -> None:
    workshop.build(CATS, FISH)

    report = workshop.build(FISH)

    assert replace(report, seconds=0) == BuildReport(1, 1, 0, 1, Changes(gone=("katten.txt",)), 0, ())
    assert (report.removed, report.unchanged) == (1, 1)
    assert workshop.embedders_made == 1
    assert workshop.texts() == ["Een vis zwemt."]


def test_a_renamed_document_is_neither_cut_nor_embedded_again(workshop: Workshop) -> None:
    workshop.build(CATS, FISH)

    report = workshop.build(CATS, replace(FISH, id="map/vis.txt"))

    changes = Changes(renamed=((FISH.id, "map/vis.txt"),))
    assert replace(report, seconds=0) == BuildReport(2, 3, 0, 3, changes, 0, ())
    assert workshop.embedders_made == 1
    with workshop.open() as index:
        assert [passage.text for _, passage in index.passages_of("map/vis.txt")] == ["Een vis zwemt."]
        assert index.passages_of(FISH.id) == []


def test_a_changed_provenance_gives_a_new_generation_without_the_embedder(workshop: Workshop) -> None:
    workshop.build(CATS, FISH)
    before = workshop.generation
    known = replace(
        FISH, provenance=Provenance(url="https://example.org/vissen", questions=("Wat doet een vis?",))
    )

    report = workshop.build(CATS, known)

    assert workshop.generation != before
    assert (report.embedded, report.reused, workshop.embedders_made) == (0, 3, 1)
    with workshop.open() as index:
        assert index.store.document("vissen.txt") == known


def test_a_changed_title_is_embedded(workshop: Workshop) -> None:
    workshop.build(FISH)
    workshop.embedder.embedded.clear()

    report = workshop.build(replace(FISH, title="Water"))

    assert report.embedded == 1
    assert workshop.embedder.embedded == ["Water\nEen vis zwemt."]


def test_another_cutting_is_cut_anew_and_takes_the_vectors_it_has(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.build(CATS, FISH)
    before = workshop.generation
    monkeypatch.setattr(building_module, "CUTTING_VERSION", CUTTING_VERSION + 1)

    report = workshop.build(CATS, FISH)

    assert workshop.generation != before
    assert (report.embedded, report.reused, report.removed, workshop.embedders_made) == (0, 3, 0, 2)


def test_another_embedder_builds_anew_and_the_first_finds_its_vectors_again(workshop: Workshop) -> None:
    first = workshop.embedder
    workshop.build(CATS, FISH)
    workshop.embedder = CountingEmbedder("counting-2")
    assert workshop.build(CATS, FISH).embedded == 3
    workshop.embedder = first
    first.embedded.clear()

    assert workshop.build(CATS, FISH).reused == 3
    assert first.embedded == []
    assert workshop.texts()[0] == "De kat slaapt. De vis zwemt."


def test_an_embedder_that_is_not_the_one_promised_is_refused(workshop: Workshop) -> None:
    with pytest.raises(EmbedderError) as raised:
        update_index(Reading((FISH,), ()), workshop.folder, CountingEmbedder, "another")

    assert str(raised.value) == (
        "the embedder's fingerprint is counting-1, expected another; "
        "open the embedder that the fingerprint was asked of"
    )


def test_two_documents_of_one_name_are_refused(workshop: Workshop) -> None:
    with pytest.raises(CorpusError) as raised:
        workshop.build(CATS, FISH, replace(FISH, title="Nog een"))

    assert str(raised.value) == (
        "document 'vissen.txt' stands in the corpus twice; give each a name of its own"
    )


def test_documents_without_a_passage_make_an_index(workshop: Workshop) -> None:
    report = workshop.build(document("leeg.txt", "Alleen een titel"))

    assert (report.documents, report.passages) == (1, 0)
    with workshop.open() as index:
        assert len(index.dense.search(np.ones(4, np.float32), 5)) == 0
        assert len(index.lexical.search("titel", 5)) == 0
        assert index.sentence_vectors.shape == (0, 4)


def test_progress_counts_the_texts_up_to_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building_module, "CHUNK", 2)
    told: list[tuple[int, int]] = []

    update_index(
        Reading((CATS,), ()),
        tmp_path / "index",
        CountingEmbedder,
        "counting-1",
        lambda *both: told.append(both),
    )

    # two passages, and the two sentences of the first, each bare and below the title; and one context
    assert told == [(2, 9), (4, 9), (6, 9), (8, 9), (9, 9)]


def test_a_failed_build_leaves_the_index_and_keeps_the_vectors_that_were_made(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building_module, "CHUNK", 2)
    workshop.build(FISH)
    failing = CountingEmbedder(fails_after=4)

    with pytest.raises(EmbedderError, match="the model is gone"):
        update_index(Reading((CATS, FISH), ()), workshop.folder, lambda: failing, "counting-1")

    assert workshop.texts() == ["Een vis zwemt."]
    assert not list(workshop.folder.glob("draft-*"))
    workshop.embedder.embedded.clear()
    assert workshop.build(CATS, FISH).passages == 3
    # nine texts are new; of these the failed build had made four
    assert len(failing.embedded) == 4
    assert len(workshop.embedder.embedded) == 5
    assert not set(failing.embedded) & set(workshop.embedder.embedded)


KILLED_BUILD = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
import test_index as tests

moment, folder = sys.argv[2], Path(sys.argv[3])

def die_at(event, arguments):
    if event in ("os.rename", "open", "sqlite3.connect", "shutil.rmtree") and arguments:
        where = [str(argument) for argument in arguments[:2]]
        if f"{event} {'/'.join(where)}".endswith(moment) or (event == "shutil.rmtree" and moment == event):
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die_at)
workshop = tests.Workshop(folder)
if moment == "embedding":
    tests.building_module.CHUNK = 2
    workshop.embedder = tests.DyingEmbedder()
workshop.build(tests.CATS, tests.FISH)
"""
"""A build that kills itself without warning when the system is asked for what the moment names."""


def killed_build(folder: Path, moment: str) -> int:
    environment = {**os.environ, "PYTHONPATH": str(Path(index_module.__file__).parents[1])}
    command = [sys.executable, "-c", KILLED_BUILD, str(Path(__file__).parent), moment, str(folder)]
    return subprocess.run(command, env=environment, check=False, timeout=60).returncode


@pytest.mark.parametrize(
    ("moment", "served"),
    [
        ("store.sqlite", ["Een vis zwemt."]),
        ("passages.npy/w", ["Een vis zwemt."]),
        ("manifest.json/w", ["Een vis zwemt."]),
        ("NEXT/w", ["Een vis zwemt."]),
        ("CURRENT", ["Een vis zwemt."]),
        ("shutil.rmtree", ["De kat slaapt. De vis zwemt.", "De kat eet.", "Een vis zwemt."]),
    ],
)
def test_a_build_killed_at_any_moment_leaves_an_index_that_serves(
    workshop: Workshop, moment: str, served: list[str]
) -> None:
    for number in range(KEPT_GENERATIONS - 1):
        workshop.build(replace(FISH, provenance=Provenance(date=f"2024-01-0{number + 1}")))
    workshop.build(FISH)

    assert killed_build(workshop.folder, moment) == -signal.SIGKILL

    assert workshop.texts() == served
    assert workshop.build(CATS, FISH).passages == 3
    assert len(workshop.texts()) == 3
    assert not list(workshop.folder.glob("draft-*"))
    # its vectors were all made before it was killed
    assert set(workshop.embedder.embedded) == {"Een vis zwemt.", "Vissen\nEen vis zwemt."}


def test_a_build_killed_while_embedding_keeps_the_vectors_that_were_made(workshop: Workshop) -> None:
    workshop.build(FISH)

    assert killed_build(workshop.folder, "embedding") == -signal.SIGKILL

    assert workshop.texts() == ["Een vis zwemt."]
    workshop.embedder.embedded.clear()
    assert workshop.build(CATS, FISH).passages == 3
    # of the nine texts of CATS four were embedded before
    assert len(workshop.embedder.embedded) == 5


def test_a_second_build_at_once_is_told_which_process_holds_the_index(workshop: Workshop) -> None:
    workshop.build(FISH)
    under_way, finish = threading.Event(), threading.Event()

    class WaitingEmbedder(CountingEmbedder):
        def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
            under_way.set()
            assert finish.wait(30)
            return super().embed_texts(texts, progress)

    first = threading.Thread(
        target=update_index, args=(Reading((CATS,), ()), workshop.folder, WaitingEmbedder, "counting-1")
    )
    first.start()
    try:
        assert under_way.wait(30)
        with pytest.raises(BrokenIndexError) as raised:
            workshop.build(FISH)
    finally:
        finish.set()
        first.join()

    assert re.fullmatch(
        rf"{workshop.folder / 'LOCK'}: process {os.getpid()} on host {os.uname().nodename} has been building "
        r"this index since 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC; wait until it is done, or stop it",
        str(raised.value),
    )
    assert workshop.texts()[1] == "De kat eet."
    assert workshop.build(FISH).passages == 1


def versions(count: int) -> list[Document]:
    return [document("vissen.txt", "Vissen", f"Een vis zwemt {number} keer.") for number in range(count)]


def test_the_texts_of_kept_generations_still_open(workshop: Workshop) -> None:
    edits = versions(KEPT_GENERATIONS + 1)
    for edit in edits:
        workshop.build(CATS, edit, keep_texts=0)

    with workshop.open() as index:
        for edit in edits[1:]:
            assert index.document_version("vissen.txt", edit.version) == edit
        assert index.document_version("vissen.txt", edits[0].version) is None
        assert index.document_version("vissen.txt", "0" * 8) is None
        assert index.document_version("hond.txt", edits[1].version) is None
    assert len(list((workshop.folder / "generations").iterdir())) == KEPT_GENERATIONS
    assert not (workshop.folder / "texts.sqlite").exists()


def test_former_texts_open_when_their_generations_are_gone(workshop: Workshop) -> None:
    edits = versions(4)
    for edit in edits:
        workshop.build(CATS, edit, keep=2)
    for generation in kept_generations(workshop.folder)[1:]:
        shutil.rmtree(generation)

    with workshop.open() as index:
        assert [index.document_version("vissen.txt", edit.version) for edit in edits] == edits
        assert index.document_version(CATS.id, edits[0].version) is None


def test_what_is_taken_out_of_the_corpus_is_shown_no_more(workshop: Workshop) -> None:
    first, second = versions(2)
    workshop.build(CATS, first)
    workshop.build(CATS, second)
    workshop.build(CATS)

    with workshop.open() as index:
        assert index.document_version("vissen.txt", first.version) is None
        assert index.document_version("vissen.txt", second.version) is None
    assert former_text(workshop.folder / "texts.sqlite", "vissen.txt", first.version) is None


def test_what_was_taken_out_stays_gone_when_the_document_comes_back(workshop: Workshop) -> None:
    first, second, third = versions(3)
    for reading in ((CATS, first), (CATS, second), (CATS,), (CATS, second), (CATS, third)):
        workshop.build(*reading)

    with workshop.open() as index:
        assert index.document_version("vissen.txt", first.version) is None
        assert index.document_version("vissen.txt", second.version) == second
        assert index.document_version("vissen.txt", third.version) == third


def test_of_a_file_that_cannot_be_read_for_once_the_former_texts_stay(workshop: Workshop) -> None:
    first, second = versions(2)
    workshop.build(CATS, first)
    workshop.build(CATS, second)
    workshop.build(CATS, skipped=(Skipped("vissen.txt", "it cannot be opened"),))
    workshop.build(CATS, second, keep=2)

    assert former_text(workshop.folder / "texts.sqlite", "vissen.txt", first.version) == first


def test_a_former_text_is_kept_from_an_index_that_cannot_be_built_on(workshop: Workshop) -> None:
    first, second = versions(2)
    workshop.build(first)
    (workshop.generation / "manifest.json").write_text("{", "utf-8")
    workshop.build(second)

    assert former_text(workshop.folder / "texts.sqlite", "vissen.txt", first.version) == first


def test_a_document_is_found_by_a_text_it_had_under_another_name(workshop: Workshop) -> None:
    first = document("a.txt", "Vis", "Een vis zwemt.")
    later = document("b.txt", "Vis", "Een vis slaapt.")
    # renamed, then changed; and changed, then renamed
    for steps in ((first, replace(first, id="b.txt"), later), (first, replace(later, id="a.txt"), later)):
        shutil.rmtree(workshop.folder, ignore_errors=True)
        for one in steps:
            workshop.build(one, CATS)
        with workshop.open() as index:
            assert index.id_of_version(first.version) == "b.txt"
            former = index.document_version("b.txt", first.version)
            assert former is not None
            assert (former.id, former.text) == ("b.txt", first.text)
            assert index.id_of_version(later.version) == "b.txt"
            assert index.id_of_version("ffffffff") is None


def test_former_texts_are_deleted_also_where_nothing_else_changed(workshop: Workshop) -> None:
    workshop.build(FISH)
    changed = document("vissen.txt", "Vissen", "Een vis slaapt.")
    workshop.build(changed)
    assert (workshop.folder / "texts.sqlite").exists()
    workshop.build(changed, keep_texts=0)
    assert not (workshop.folder / "texts.sqlite").exists()


def test_what_changed_is_told_of_an_index_of_another_making_too(workshop: Workshop) -> None:
    workshop.build(CATS, FISH, document("weg.txt", "Weg", "De hond."))
    path = workshop.generation / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 1}), "utf-8")

    report = workshop.build(CATS, document("vissen.txt", "Vissen", "Een vis slaapt."))

    assert report.changes == Changes(changed=("vissen.txt",), gone=("weg.txt",))


def test_damaged_former_texts_do_not_cost_the_build(workshop: Workshop) -> None:
    first, second = versions(2)
    workshop.build(first)
    (workshop.folder / "texts.sqlite").write_bytes(b"geen database" * 100)
    workshop.build(second)

    with workshop.open() as index:
        assert index.document_version("vissen.txt", first.version) == first


def test_a_damaged_generation_before_hides_no_other(workshop: Workshop) -> None:
    edits = versions(3)
    names = []
    for edit in edits:
        workshop.build(edit, keep_texts=0)
        names.append(workshop.generation)
    (names[1] / "store.sqlite").write_bytes(b"geen database" * 100)

    with workshop.open() as index:
        assert index.document_version("vissen.txt", edits[0].version) == edits[0]
        assert index.document_version("vissen.txt", edits[1].version) is None


@pytest.mark.parametrize(("written", "damaged"), [(b"Een vis zwemt 0", b"Een vis zwemt 9"), (b'[["', b"[[,")])
def test_a_text_that_was_damaged_later_is_not_shown(
    workshop: Workshop, written: bytes, damaged: bytes
) -> None:
    first, second = versions(2)
    workshop.build(first)
    store = workshop.generation / "store.sqlite"
    workshop.build(second, keep_texts=0)
    store.write_bytes(store.read_bytes().replace(written, damaged))

    with workshop.open() as index:
        assert index.document_version("vissen.txt", first.version) is None
        assert index.document_version("vissen.txt", second.version) == second


def names_on_disk(workshop: Workshop) -> list[str]:
    return sorted(path.name for path in (workshop.folder / "generations").iterdir())


def test_so_many_generations_stay_as_are_asked_for(workshop: Workshop) -> None:
    names = workshop.built(*versions(4))
    workshop.build(CATS, keep=2)

    assert names_on_disk(workshop) == [names[-1], workshop.generation.name]


def test_the_generations_that_are_kept_are_listed(workshop: Workshop) -> None:
    workshop.build(CATS)
    workshop.build(CATS, FISH)
    newest, oldest = list_generations(workshop.folder, workshop.embedder.fingerprint)

    size = sum(path.stat().st_size for path in workshop.generation.rglob("*") if path.is_file())
    assert newest == KeptGeneration(workshop.generation.name, newest.made, 2, 3, size, serves=True)
    assert (oldest.documents, oldest.passages, oldest.serves, oldest.problem) == (1, 2, False, None)
    assert oldest.made < newest.made <= datetime.now(UTC)
    assert newest.name.startswith(f"{newest.made:%Y%m%dT%H%M%S}")


def test_what_is_wrong_with_a_generation_is_listed(workshop: Workshop) -> None:
    names = workshop.built(*versions(2))
    (workshop.folder / "generations" / names[0] / "manifest.json").write_text("{", "utf-8")
    (workshop.folder / "generations" / "lost+found").mkdir()

    newest, oldest = list_generations(workshop.folder, "counting-2")

    assert [newest.name, oldest.name] == names[::-1]
    assert "not JSON" in (oldest.problem or "")
    assert "made with embedder counting-1" in (newest.problem or "")


def test_there_is_nothing_to_list_without_an_index(tmp_path: Path) -> None:
    with pytest.raises(BrokenIndexError, match="no index here"):
        list_generations(tmp_path, None)
    with pytest.raises(BrokenIndexError, match="no index here"):
        roll_back(tmp_path, "counting-1")
    assert list(tmp_path.iterdir()) == []


def test_the_generation_before_serves_again_and_is_brought_up_to_date(workshop: Workshop) -> None:
    first, second, third = versions(3)
    names = workshop.built(first, second, third)

    assert workshop.roll_back() == names[1]
    assert workshop.texts() == ["Een vis zwemt 1 keer."]
    assert workshop.roll_back() == names[0]
    assert workshop.texts() == ["Een vis zwemt 0 keer."]
    with workshop.open() as index:
        for edit in (first, second, third):
            assert index.document_version("vissen.txt", edit.version) == edit
    assert workshop.build(third).embedded == 0  # its vectors were kept
    assert workshop.texts() == ["Een vis zwemt 2 keer."]
    assert workshop.generation.name > names[2]


def test_a_newer_generation_is_brought_back_by_its_name(workshop: Workshop) -> None:
    names = workshop.built(*versions(3))
    workshop.roll_back(names[0])

    assert workshop.roll_back(names[2]) == names[2]
    assert workshop.texts() == ["Een vis zwemt 2 keer."]


def test_a_build_deletes_neither_what_serves_nor_what_served_until_now(workshop: Workshop) -> None:
    names = workshop.built(*versions(4))
    workshop.roll_back(names[0])

    workshop.build(CATS, keep=3)

    assert names_on_disk(workshop) == [names[0], names[3], workshop.generation.name]
    workshop.build(FISH, keep=2)
    assert len(names_on_disk(workshop)) == 2
    assert workshop.texts() == ["Een vis zwemt."]


def test_a_clock_that_is_set_back_does_not_change_which_is_newest(workshop: Workshop) -> None:
    first, second = versions(2)
    (name,) = workshop.built(first)
    later = workshop.folder / "generations" / f"2099{name[4:]}"
    workshop.generation.replace(later)
    (workshop.folder / "CURRENT").write_text(later.name, "utf-8")

    workshop.build(second)

    assert [one.name for one in kept_generations(workshop.folder)] == [workshop.generation.name, later.name]
    assert workshop.roll_back() == later.name


def test_an_index_without_a_pointer_is_brought_back_by_name(workshop: Workshop) -> None:
    names = workshop.built(*versions(2))
    (workshop.folder / "CURRENT").unlink()

    assert [one.serves for one in list_generations(workshop.folder, None)] == [False, False]
    with pytest.raises(BrokenIndexError, match="CURRENT is missing"):
        workshop.roll_back()
    workshop.roll_back(names[0])
    assert workshop.texts() == ["Een vis zwemt 0 keer."]


def test_there_is_no_going_back_from_the_oldest(workshop: Workshop) -> None:
    (name,) = workshop.built(FISH)

    assert workshop.rollback_error() == (
        f"{workshop.folder / 'generations'}: none older than {name}, which serves; "
        "name another (vraagbaak index --list), or rebuild with: vraagbaak index"
    )


@pytest.mark.parametrize("name", ["20200101T000000000000Z-00000000", "../generations", ".", ""])
def test_a_generation_that_is_not_there_is_not_brought_back(workshop: Workshop, name: str) -> None:
    older, newer = workshop.built(*versions(2))

    assert workshop.rollback_error(name) == (
        f"{workshop.folder / 'generations'}: none is called {name!r}, expected one of {newer}, {older}; "
        "see: vraagbaak index --list"
    )


def test_what_was_damaged_or_made_otherwise_is_not_brought_back(workshop: Workshop) -> None:
    names = workshop.built(*versions(3))
    damaged, foreign, _ = (workshop.folder / "generations" / name for name in names)
    vectors = damaged / "sentences.npy"
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"!")
    manifest = json.loads((foreign / "manifest.json").read_text("utf-8"))
    (foreign / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 1}), "utf-8")

    assert "sentences.npy: sha256 " in workshop.rollback_error(names[0])
    assert "schema version 1, expected " in workshop.rollback_error()
    assert workshop.rollback_error(names[1]).startswith(f"{names[1]} was not brought back, nothing changed: ")
    workshop.embedder = CountingEmbedder("counting-2")
    assert "made with embedder counting-1" in workshop.rollback_error(names[2])


def test_an_opened_index_serves_on_when_its_generation_is_deleted(workshop: Workshop) -> None:
    workshop.build(CATS)
    generation = workshop.generation
    with workshop.open() as index:
        for edit in versions(KEPT_GENERATIONS):
            workshop.build(edit)

        assert not generation.exists()
        assert [passage.text for passage in index.store.passages([1])] == ["De kat eet."]
        assert index.dense.search(np.array([1, 0, 0, 0], np.float32), 1).ids.tolist() == [1]
        assert index.lexical.search("eten", 1).ids.tolist() == [1]
        assert index.sentence_vectors.shape == (3, 4)


def test_the_manifest_says_what_the_generation_was_made_of(workshop: Workshop) -> None:
    workshop.build(CATS, FISH)

    manifest = json.loads((workshop.generation / "manifest.json").read_text("utf-8"))

    assert manifest["embedder"] == "counting-1"
    assert (manifest["dimension"], manifest["passages"], manifest["sentences"]) == (4, 3, 4)
    assert manifest["cutting_version"] == CUTTING_VERSION
    assert {id_: hashes["sha256"] for id_, hashes in manifest["documents"].items()} == {
        "katten.txt": CATS.sha256,
        "vissen.txt": FISH.sha256,
    }
    on_disk = {
        path.relative_to(workshop.generation).as_posix(): {
            "size": path.stat().st_size,
            "sha256": sha256(path.read_bytes()).hexdigest(),
        }
        for path in workshop.generation.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert manifest["files"] == on_disk
    assert {"store.sqlite", "passages.faiss", "sentences.npy", "lexical/vocab.index.json"} <= on_disk.keys()


def test_without_an_index_the_folder_is_named(workshop: Workshop) -> None:
    assert workshop.opening_error() == f"{workshop.folder}: no index here (CURRENT is missing){REBUILD}"


@pytest.mark.parametrize("name", ["20200101T000000000000Z-00000000", "", "../generations", "a/b", "..", "."])
def test_a_current_that_names_no_generation_is_an_error(workshop: Workshop, name: str) -> None:
    workshop.build(FISH)
    left = workshop.generation.name
    (workshop.folder / "CURRENT").write_text(name, "utf-8")

    assert workshop.opening_error() == (
        f"{workshop.folder / 'CURRENT'}: names {name!r}, "
        f"expected the name of a folder in {workshop.folder / 'generations'}{REBUILD}"
        f"; until then: vraagbaak index --rollback {left}"
    )
    workshop.roll_back(left)
    assert workshop.texts() == ["Een vis zwemt."]


def test_a_current_that_cannot_be_read_is_an_error(workshop: Workshop) -> None:
    (workshop.folder / "CURRENT").mkdir(parents=True)

    assert workshop.opening_error().startswith(f"{workshop.folder / 'CURRENT'}: cannot be read (")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{", "not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
        ("[1]", "found a JSON list, expected an object"),
        ("{}", "schema version None, expected 9"),
        ('{"schema_version": 2}', "schema version 2, expected 9"),
        ('{"schema_version": 9}', "not a whole manifest (KeyError('embedder'))"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_a_damaged_manifest_is_named(workshop: Workshop, content: str | None, found: str) -> None:
    workshop.build(FISH)
    path = workshop.generation / "manifest.json"
    path.unlink()
    if content is not None:
        path.write_text(content, "utf-8")

    assert workshop.opening_error() == f"{path}: {found}{REBUILD}"


def test_an_index_of_another_embedder_names_both_and_the_setting(workshop: Workshop) -> None:
    workshop.build(FISH)
    manifest = workshop.generation / "manifest.json"
    workshop.embedder = CountingEmbedder("een-heel-lange-vingerafdruk-" + "0123456789" * 10)

    assert workshop.opening_error() == (
        f"{manifest}: made with embedder counting-1, but VRAAGBAAK_EMBEDDER asks for "
        "een-heel-lange-vingerafdruk-01234567890123456789012345678901…; "
        "set VRAAGBAAK_EMBEDDER to the embedder of the index, or rebuild with: vraagbaak index"
    )


FILES = (
    "background.npy",
    "store.sqlite",
    "passages.faiss",
    "sentences.npy",
    "sentence_starts.npy",
    "lexical/data.csc.index.npy",
    "lexical/indices.csc.index.npy",
    "lexical/indptr.csc.index.npy",
    "lexical/params.index.json",
    "lexical/vocab.index.json",
    "letters/vocab.index.json",
    "document_words/vocab.index.json",
    "item_words/vocab.index.json",
    "item_passages.npy",
    "contexts.npy",
    "passage_contexts.npy",
    "passage_documents.npy",
    "spelling/words.json",
    "spelling/dutch.npy",
)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(workshop: Workshop, name: str) -> None:
    workshop.build(FISH)
    path = workshop.generation / name
    path.unlink()

    assert workshop.opening_error() == f"{path}: cannot be read (No such file or directory){REBUILD}"


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named(workshop: Workshop, name: str) -> None:
    workshop.build(FISH)
    path = workshop.generation / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])

    assert workshop.opening_error() == f"{path}: {len(whole) - 1} bytes, expected {len(whole)}{REBUILD}"


def flip(path: Path, start: int) -> None:
    """Turn every bit of 64 bytes."""
    content = path.read_bytes()
    part = content[start : start + 64]
    path.write_bytes(content[:start] + bytes(byte ^ 0xFF for byte in part) + content[start + 64 :])


@pytest.mark.parametrize("name", FILES)
def test_a_file_damaged_in_its_own_size_is_named(workshop: Workshop, name: str) -> None:
    workshop.build(CATS, FISH)
    path = workshop.generation / name
    whole = path.read_bytes()
    for start in (0, len(whole) // 2, max(0, len(whole) - 64)):
        flip(path, start)
        found, expected = sha256(path.read_bytes()).hexdigest(), sha256(whole).hexdigest()

        assert workshop.opening_error() == (
            f"{path}: sha256 {found[:12]}…, expected {expected[:12]}…{REBUILD}"
        )
        path.write_bytes(whole)


def test_another_word_in_the_store_is_not_quoted(workshop: Workshop) -> None:
    workshop.build(CATS, FISH)
    path = workshop.generation / "store.sqlite"
    path.write_bytes(path.read_bytes().replace(b"De kat eet.", b"De kat bed."))

    assert workshop.opening_error().startswith(f"{path}: sha256 ")


@pytest.mark.parametrize("name", ["passages.faiss", "sentences.npy", "contexts.npy"])
def test_of_many_vectors_the_head_of_the_file_is_checked(
    workshop: Workshop, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "HASHED_VECTORS", 0)
    workshop.build(CATS, FISH)
    path = workshop.generation / name
    flip(path, 0)

    assert workshop.opening_error().startswith(f"{path}: not ")
    assert workshop.opening_error().endswith(REBUILD)


@pytest.mark.parametrize("name", ["sentences.npy", "contexts.npy"])
@pytest.mark.parametrize("damage", [(b"4)", b"2)"), (b"<f4", b"<i4")])
def test_of_many_vectors_the_shape_and_the_type_are_checked(
    workshop: Workshop, name: str, damage: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "HASHED_VECTORS", 0)
    workshop.build(CATS, FISH)
    path = workshop.generation / name
    path.write_bytes(path.read_bytes().replace(*damage, 1))

    assert workshop.opening_error().startswith(f"{path}: holds ")


@pytest.mark.parametrize(
    ("name", "rows", "found"),
    [
        ("sentence_starts.npy", [0, 3, 2, 4], "out of order or out of reach, expected 0 to 4, rising"),
        ("sentence_starts.npy", [-1, 2, 3, 4], "out of order or out of reach, expected 0 to 4, rising"),
        ("sentence_starts.npy", [0, 2, 3, 3], "ends at 3, the manifest says 4"),
        ("passage_contexts.npy", [-1, 0, 1], "out of order or out of reach, expected 0 to 1, rising"),
        ("passage_contexts.npy", [0, 1, 0], "out of order or out of reach, expected 0 to 1, rising"),
        ("passage_documents.npy", [0, 0, 2], "out of order or out of reach, expected 0 to 1, rising"),
    ],
)
def test_rows_that_cannot_be_are_named(workshop: Workshop, name: str, rows: list[int], found: str) -> None:
    workshop.build(CATS, FISH)
    path, manifest = workshop.generation / name, workshop.generation / "manifest.json"
    np.save(path, np.array(rows, np.int64))
    fields = json.loads(manifest.read_text("utf-8"))
    content = path.read_bytes()
    fields["files"][name] = {"size": len(content), "sha256": sha256(content).hexdigest()}
    manifest.write_text(json.dumps(fields), "utf-8")

    assert workshop.opening_error().startswith(f"{path}: ")
    assert workshop.opening_error().endswith(f"{found}{REBUILD}")


@pytest.mark.parametrize(
    ("field", "value", "name", "found"),
    [
        ("dimension", 5, "passages.faiss", "(1, 4), the manifest says (1, 5)"),
        ("passages", 2, "store.sqlite", "1, the manifest says 2"),
        ("sentences", 9, "sentences.npy", "(1, 4), the manifest says (9, 4)"),
    ],
)
def test_files_that_do_not_fit_the_manifest_are_named(
    workshop: Workshop, field: str, value: int, name: str, found: str
) -> None:
    workshop.build(FISH)
    path = workshop.generation / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), field: value}), "utf-8")

    assert workshop.opening_error() == f"{workshop.generation / name}: holds {found}{REBUILD}"


def damage_pointer(workshop: Workshop) -> None:
    (workshop.folder / "CURRENT").write_text("niets", "utf-8")


def damage_manifest(workshop: Workshop) -> None:
    (workshop.generation / "manifest.json").write_text("{", "utf-8")


def damage_one_byte(workshop: Workshop) -> None:
    path = workshop.generation / "sentences.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def damage_by_deleting(workshop: Workshop) -> None:
    (workshop.generation / "store.sqlite").unlink()


@pytest.mark.parametrize("damage", [damage_pointer, damage_manifest, damage_one_byte, damage_by_deleting])
def test_a_damaged_index_is_built_anew(workshop: Workshop, damage: Callable[[Workshop], None]) -> None:
    workshop.build(CATS, FISH)
    before = workshop.generation
    damage(workshop)

    report = workshop.build(CATS, FISH)

    assert workshop.generation != before
    assert (report.passages, report.embedded, report.reused) == (3, 0, 3)
    assert len(workshop.texts()) == 3


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "bestand").write_text("geen map", "utf-8")
    workshop = Workshop(tmp_path / "bestand" / "index")

    with pytest.raises(BrokenIndexError) as raised:
        workshop.build(FISH)

    assert str(raised.value) == (
        f"{workshop.folder}: cannot be written (Not a directory); "
        "make room or give access, then rebuild with: vraagbaak index"
    )


FULL_DISK = """
import resource, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
import test_index as tests
from retrieval.errors import BrokenIndexError

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), -1))
try:
    tests.Workshop(Path(sys.argv[2])).build(tests.CATS, tests.FISH)
except BrokenIndexError as error:
    print(error)
"""
"""A build that may write no file larger than some bytes, as if the disk were full by then."""


@pytest.mark.parametrize("room", [200, 4096, 12288])
def test_a_full_disk_leaves_the_index_and_is_told(workshop: Workshop, room: int) -> None:
    workshop.build(FISH)
    environment = {**os.environ, "PYTHONPATH": str(Path(index_module.__file__).parents[1])}
    command = [sys.executable, "-c", FULL_DISK, str(Path(__file__).parent), str(workshop.folder), str(room)]

    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)

    assert told.stdout.startswith(str(workshop.folder))
    assert told.stdout.endswith("make room or give access, then rebuild with: vraagbaak index\n")
    assert workshop.texts() == ["Een vis zwemt."]
    assert not list(workshop.folder.glob("draft-*"))


def test_what_is_stored_is_searched_by_the_same_analysis(workshop: Workshop) -> None:
    workshop.build(CATS, FISH)

    vocabulary = json.loads((workshop.generation / "lexical" / "vocab.index.json").read_text("utf-8"))

    assert set(vocabulary) == set(analyse("Hond kat slaapt vis zwemt eet Vissen"))
