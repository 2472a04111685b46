"""Every suggestion is answered by its passage: on the real page and on two others, with the real embedder."""

from dataclasses import replace
from pathlib import Path

import pytest

from retrieval.answerability import Answerability
from retrieval.chatbot import Chatbot
from retrieval.corpus import Reading, read_corpus
from retrieval.embedding import Embedder, open_query_embedder
from retrieval.index import BuildReport, Index, update_index
from retrieval.records import Answer, Document
from retrieval.rehearsing import rehearse
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER
from retrieval.suggesting import Suggestions

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "tests" / "data" / "calibration"


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return open_query_embedder(DEFAULT_EMBEDDER, None, None)


def document(name: str) -> Document:
    folder = ROOT / "corpus" if name.startswith("met-wie") else PAGES
    return next(one for one in read_corpus(folder).documents if one.id == name)


class Builds:
    """Builds of one folder, and what each was told to be tried already."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self.folder, self.embedder = folder, embedder
        self.tried: list[dict[int, str]] = []

    def build(self, *documents: Document) -> BuildReport:
        def rehearsed(index: Index, tried: "dict[int, str]") -> Suggestions:
            self.tried.append(dict(tried))
            return rehearse(index, self.embedder, tried)

        reading, fingerprint = Reading(documents, ()), self.embedder.fingerprint
        return update_index(reading, self.folder, lambda: self.embedder, fingerprint, rehearse=rehearsed)

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


def test_what_stayed_is_not_tried_again_and_what_is_new_is(builds: Builds) -> None:
    dikes, parking = document("waterschap-dijken.txt"), document("parkeervergunning.md")
    builds.build(dikes)
    with builds.open() as index:
        before = index.suggestions.made
    builds.build(parking, dikes)
    with builds.open() as index:
        first = index.passages_of(dikes.id)[0][0]
        moved = {first + passage: question for passage, question in before.items()}
        assert builds.tried == [{}, moved]
        assert index.suggestions.made.items() >= moved.items()
        assert any(index.suggestions.made[passage] for passage, _ in index.passages_of(parking.id))


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
