"""Every suggestion is answered by its passage: on the real page and on two others, with the real embedder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval.answerability import Answerability
from retrieval.building import BuildReport, update_index
from retrieval.chatbot import Chatbot
from retrieval.corpus import Reading, read_corpus
from retrieval.embedding import Embedder, SparingEmbedder, open_query_embedder
from retrieval.index import Index
from retrieval.ranking import Vectors
from retrieval.records import Answer, Document
from retrieval.rehearsing import Rehearsal
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "tests" / "data" / "calibration"


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return open_query_embedder(DEFAULT_EMBEDDER, None, None)


def document(name: str) -> Document:
    folder = ROOT / "corpus" if name.startswith("met-wie") else PAGES
    return next(one for one in read_corpus(folder).documents if one.id == name)


class Builds:
    """Builds of one folder, each asked with the verdict that the package carries unless another is given."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self.folder, self.embedder = folder, embedder

    def build(self, *documents: Document, judge: Answerability | None = None) -> BuildReport:
        rehearsal = Rehearsal(self.embedder, judge or Answerability.load())
        return self._updated(documents, rehearsal)

    def build_unasked(self, *documents: Document) -> BuildReport:
        return self._updated(documents, None)

    def _updated(self, documents: tuple[Document, ...], rehearsal: Rehearsal | None) -> BuildReport:
        reading, fingerprint = Reading(documents, ()), self.embedder.fingerprint
        return update_index(reading, self.folder, lambda: self.embedder, fingerprint, rehearse=rehearsal)

    def open(self) -> Index:
        return Index.open(self.folder, self.embedder.fingerprint)


@pytest.fixture
def builds(tmp_path: Path, embedder: Embedder) -> Builds:
    return Builds(tmp_path / "index", embedder)


@pytest.mark.parametrize(
    "name", ["met-wie-werken-wij-samen.txt", "waterschap-dijken.txt", "parkeervergunning.md"]
)
def test_every_suggestion_is_answered_by_its_passage(name: str, builds: Builds) -> None:
    builds.build(document(name))
    with builds.open() as index:
        bot = Chatbot(Retriever(index, builds.embedder), Answerability.load())
        suggested = index.suggestions.by_passage()
        assert len(suggested) >= 5
        for passage_id, questions in suggested.items():
            (passage,) = index.store.passages([passage_id])
            for question in questions:
                reply = bot.reply(question)
                assert isinstance(reply, Answer), question
                assert reply.citations[0].span == passage.span, question
        assert 1 <= len(bot.suggestions) <= 3


def test_suggestions_after_changes_are_those_of_a_fresh_build(tmp_path: Path, embedder: Embedder) -> None:
    dikes, parking = document("waterschap-dijken.txt"), document("parkeervergunning.md")
    suggested = replace(dikes, provenance=replace(dikes.provenance, questions=("Wat doet de provincie?",)))
    grown, fresh = Builds(tmp_path / "grown", embedder), Builds(tmp_path / "fresh", embedder)
    grown.build(suggested)
    grown.build(suggested, parking)
    grown.build(dikes, parking)
    fresh.build(dikes, parking)
    with grown.open() as one, fresh.open() as other:
        assert one.suggestions == other.suggestions
        assert one.suggestions.made


def test_a_question_is_embedded_once_for_all_builds(tmp_path: Path, embedder: Embedder) -> None:
    embedded: list[str] = []

    class Noting(SparingEmbedder):
        def embed_queries(self, queries: Sequence[str]) -> Vectors:
            embedded.extend(queries)
            return super().embed_queries(queries)

    builds = Builds(tmp_path / "index", Noting(embedder, lambda: embedder))
    builds.build(document("waterschap-dijken.txt"))
    with builds.open() as index:
        before = index.suggestions
    assert set(before.made.values()) <= set(embedded)

    known = set(embedded)
    embedded.clear()
    builds.build(document("waterschap-dijken.txt"), document("parkeervergunning.md"))
    assert embedded
    assert known.isdisjoint(embedded)


def test_an_index_that_was_never_asked_is_asked_though_no_text_changed(builds: Builds) -> None:
    page = document("waterschap-dijken.txt")
    builds.build_unasked(page)
    with builds.open() as index:
        assert not index.suggestions.made
    builds.build(page)
    with builds.open() as index:
        assert index.suggestions.made


def test_a_verdict_that_refuses_everything_leaves_nothing_to_suggest(builds: Builds) -> None:
    page = document("waterschap-dijken.txt")
    builds.build(page)
    known = Answerability.load()
    builds.build(page, judge=replace(known, answer=replace(known.answer, intercept=-1_000.0)))
    with builds.open() as index:
        assert not index.suggestions.by_passage()


def test_an_editors_question_that_leans_on_another_is_reported_and_not_suggested(builds: Builds) -> None:
    page = document("waterschap-dijken.txt")
    provenance = replace(page.provenance, questions=("Hoe houden ze contact?",))
    report = builds.build(replace(page, provenance=provenance))
    assert (report.unclear, report.unanswered) == (("Hoe houden ze contact?",), ())
    with builds.open() as index:
        bot = Chatbot(Retriever(index, builds.embedder), Answerability.load())
        assert "Hoe houden ze contact?" not in bot.suggestions


def test_an_editors_question_without_an_answer_is_reported_and_not_suggested(builds: Builds) -> None:
    page = document("waterschap-dijken.txt")
    provenance = replace(page.provenance, questions=("Hoe bak ik een appeltaart?", "Wat doet de provincie?"))
    report = builds.build(replace(page, provenance=provenance))
    assert report.unanswered == ("Hoe bak ik een appeltaart?",)
    with builds.open() as index:
        assert (
            Chatbot(Retriever(index, builds.embedder), Answerability.load()).suggestions[0]
            == "Wat doet de provincie?"
        )
        assert index.suggestions.own.keys() == {"Wat doet de provincie?"}
