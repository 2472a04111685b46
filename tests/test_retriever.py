"""The retriever over a real index, with a small embedder whose vectors can be worked out by hand."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval.building import update_index
from retrieval.candidates import CANDIDATES
from retrieval.corpus import Reading, text_document
from retrieval.fusion import fused, rankings, to_unit_interval
from retrieval.index import Index
from retrieval.ranking import Vectors
from retrieval.records import Document, Provenance, Query, SourceFilter
from retrieval.retriever import Retriever

VOCABULARY = ("kat", "hond", "vis", "slaapt", "blaft", "zwemt")
TEXTS = {
    "a.txt": "De kat slaapt. De kat eet een vis.\n\nDe hond blaft. De hond slaapt soms ook.",
    "b.txt": "Een vis zwemt. De vis slaapt niet.\n\nNiets daarvan is waar, zegt men in het dorp.",
}


class WordCounter:
    """A vector counts the words of the vocabulary in a text, and holds 1 more so that it is never zero."""

    fingerprint = "word-counter"
    dimension = len(VOCABULARY) + 1
    max_tokens = 100

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        return self.embed_texts(queries)

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        words = [re.findall(r"\w+", text.lower()) for text in texts]
        rows = np.array([[*(own.count(word) for word in VOCABULARY), 1] for own in words], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    documents = tuple(text_document(name, "Dieren", text) for name, text in TEXTS.items())
    embedder = WordCounter()
    update_index(Reading(documents, ()), tmp_path, lambda: embedder, embedder.fingerprint)
    with Index.open(tmp_path, embedder.fingerprint) as opened:
        yield opened


def test_the_hits_are_those_of_brute_force(index: Index) -> None:
    embedder = WordCounter()
    question = "slaapt de hond"
    vector = embedder.embed_queries([question])[0]
    everything = index.store.passages(range(index.store.passage_count))

    def height(text: str) -> float:
        bare, headed = embedder.embed_texts([text, f"Dieren\n{text}"])
        return float((bare @ vector + headed @ vector) / 2)

    passages = np.array([height(passage.text) for passage in everything], np.float32)
    sentences = [
        [height(passage.sentence_text(number)) for number in range(len(passage.sentences))]
        for passage in everything
    ]
    # each document is short enough to be one context
    contexts = np.array(
        [
            float(
                embedder.embed_texts(["Dieren\n" + TEXTS[passage.document_id].replace("\n\n", "\n")])[0]
                @ vector
            )
            for passage in everything
        ]
    )
    background = index.background_vectors @ vector
    level, spread = np.sort(background)[-20:].mean(), background.std()
    best = np.array([max(own) for own in sentences])
    own_document = [sorted(TEXTS).index(passage.document_id) for passage in everything]
    parts = {
        "passage": ((passages - level) / spread).astype(np.float32),
        "sentence": ((best - level) / spread).astype(np.float32),
        "context": ((contexts - level) / spread).astype(np.float32),
        "words": index.lexical.shares(question),
        "letters": index.letters.shares(question),
        "document": index.document_words.shares(question)[own_document],
    }
    expected = to_unit_interval(fused(parts))

    found = Retriever(index, embedder).search(Query(question, question), k=10)

    assert [hit.passage_id for hit in found.hits] == np.argsort(-expected, kind="stable").tolist()
    for hit in found.hits:
        assert hit.passage == everything[hit.passage_id]
        assert hit.score == pytest.approx(expected[hit.passage_id], abs=1e-4)
        assert hit.parts == pytest.approx(
            {name: part[hit.passage_id] for name, part in parts.items()}, abs=1e-3
        )
        assert hit.sentence_scores == pytest.approx(sentences[hit.passage_id], abs=1e-5)
    assert found.hits[0].passage.text == "De hond blaft. De hond slaapt soms ook."


def test_only_as_many_hits_as_are_asked_for(index: Index) -> None:
    found = Retriever(index, WordCounter()).search(Query("vis", "vis"), k=2)
    assert len(found.hits) == 2
    assert found.hits[0].score >= found.hits[1].score


def test_another_ranking_orders_by_another_part(index: Index) -> None:
    question = Query("vis zwemt", "vis zwemt")
    for name, part in (("dense", "passage"), ("bm25", "words")):
        found = Retriever(index, WordCounter(), rankings()[name]).search(question, k=4)
        assert [hit.parts[part] for hit in found.hits] == sorted(
            (hit.parts[part] for hit in found.hits), reverse=True
        )


def test_a_misspelt_word_is_searched_as_the_word_of_the_corpus(index: Index) -> None:
    found = Retriever(index, WordCounter()).search(Query("slaaptt de hond", "slaaptt de hond"), k=1)
    assert found.query == Query("slaapt de hond", "slaapt de hond")
    assert found.hits[0].passage.text == "De hond blaft. De hond slaapt soms ook."


def test_the_sentences_of_a_follow_up_are_compared_with_its_own_words_too(index: Index) -> None:
    embedder = WordCounter()
    query = Query("Wat doet de vis? En als hij slaapt?", own="En als hij slaapt?")
    found = Retriever(index, embedder).search(query, k=1).hits[0]
    assert found.passage.text == "Een vis zwemt. De vis slaapt niet."
    whole, own = embedder.embed_queries([query.text, query.own])
    bare, headed = embedder.embed_texts(["De vis slaapt niet.", "Dieren\nDe vis slaapt niet."])
    between = (whole + own) / np.linalg.norm(whole + own)
    assert found.sentence_scores[1] == pytest.approx(float(between @ (bare + headed) / 2), abs=1e-5)


def test_a_follow_up_that_names_another_subject_finds_that(index: Index) -> None:
    query = Query("Wat doet de vis? En de hond?", own="En de hond?")
    found = Retriever(index, WordCounter()).search(query, k=1).hits[0]
    assert found.passage.text == "De hond blaft. De hond slaapt soms ook."


def test_other_names_are_searched_as_the_texts_call_them(tmp_path: Path) -> None:
    cat = text_document("a.txt", "Dieren", "De kat slaapt.\n\nDe hond blaft.")
    cat = replace(cat, provenance=Provenance(synonyms=(("poes", "kat"), ("woefje", "hond"))))
    update_index(Reading((cat,), ()), tmp_path, WordCounter, "word-counter")
    with Index.open(tmp_path, "word-counter") as index:
        search = Retriever(index, WordCounter()).search(Query("De poes? En woefje?", "En woefje?"), 2)
    assert search.query == Query("De kat? En hond?", "En hond?")
    assert search.hits[0].passage.text == "De hond blaft."


FOOTER = "Een vis, een kat en een hond."


@pytest.fixture
def footed_index(tmp_path: Path) -> Iterator[Index]:
    """Of sixty pages of one paragraph each, all with the same footer, and one page more without it."""
    pages = [
        text_document(f"{number:02}.txt", "Dieren", f"Blad {number} over gras.\n\n{FOOTER}")
        for number in range(CANDIDATES + 10)
    ]
    other = text_document("anders.txt", "Dieren", "De vis zwemt met een kat weg.")
    update_index(Reading((*pages, other), ()), tmp_path, WordCounter, "word-counter")
    with Index.open(tmp_path, "word-counter") as opened:
        yield opened


def test_what_says_the_same_is_one_hit_and_leaves_room_for_others(footed_index: Index) -> None:
    found = Retriever(footed_index, WordCounter()).search(Query("kat hond vis", "kat hond vis"), k=5)
    assert [hit.passage.text for hit in found.hits[:2]] == [FOOTER, "De vis zwemt met een kat weg."]
    first = found.hits[0]
    assert len({first.passage_id, *first.duplicates}) == CANDIDATES + 10
    assert {footed_index.store.passages([id_])[0].text for id_ in first.duplicates} == {FOOTER}
    assert [hit.duplicates for hit in found.hits[1:]] == [()] * (len(found.hits) - 1)


def test_a_filter_lets_only_its_documents_answer(footed_index: Index) -> None:
    retriever, query = Retriever(footed_index, WordCounter()), Query("kat hond vis", "kat hond vis")
    found = retriever.search(query, 5, SourceFilter(sources=("07.txt", "08.txt")))
    assert found.passages == 4
    assert found.hits[0].passage.document_id in ("07.txt", "08.txt")
    assert {hit.passage.text for hit in found.hits} == {FOOTER, "Blad 7 over gras.", "Blad 8 over gras."}
    (other,) = found.hits[0].duplicates
    assert footed_index.store.passages([other])[0].document_id in ("07.txt", "08.txt")
    alone = retriever.search(query, 5, SourceFilter(sources=("anders.txt",)))
    assert [hit.passage.text for hit in alone.hits] == ["De vis zwemt met een kat weg."]
    nothing = retriever.search(query, 5, SourceFilter(publishers=("Iemand",)))
    assert (nothing.hits, nothing.passages) == ((), 0)


def test_a_filter_that_lets_all_in_changes_nothing(index: Index) -> None:
    retriever, query = Retriever(index, WordCounter()), Query("slaapt de hond", "slaapt de hond")
    everything = retriever.search(query, 10)
    filtered = retriever.search(query, 10, SourceFilter(languages=("nl",)))
    assert filtered.passages == everything.passages
    for one, other in zip(filtered.hits, everything.hits, strict=True):
        assert (one.passage_id, one.duplicates) == (other.passage_id, other.duplicates)
        assert one.score == pytest.approx(other.score, abs=1e-6)


def test_of_what_says_the_same_one_that_is_preferred_is_the_hit(tmp_path: Path) -> None:
    def page(name: str, until: str | None) -> Document:
        one = text_document(name, "Kat hond vis" if until else "Gras", f"Blad over gras.\n\n{FOOTER}")
        return replace(one, provenance=Provenance(valid_until=until))

    pages = (page("a.txt", "2024-12-31"), page("b.txt", None), page("c.txt", None))
    update_index(Reading(pages, ()), tmp_path, WordCounter, "word-counter")
    query, today = Query("kat hond vis", "kat hond vis"), SourceFilter(valid_on="2025-05-03")
    with Index.open(tmp_path, "word-counter") as index:
        retriever = Retriever(index, WordCounter())
        best = retriever.search(query, 2).hits[0]
        preferred = retriever.search(query, 2, preferred=today).hits[0]
    assert (best.passage.document_id, preferred.passage.document_id) == ("a.txt", "b.txt")
    assert preferred.passage.text == FOOTER
    assert len(preferred.duplicates) == 2
    assert preferred.score == best.score


def test_the_questions_of_a_passage_that_is_left_out_are_those_of_one_that_says_the_same(
    footed_index: Index,
) -> None:
    retriever = Retriever(footed_index, WordCounter())
    may_answer = retriever.may_answer(SourceFilter(sources=("07.txt",)))
    texts = [passage.text for passage in footed_index.store.passages(range(len(may_answer)))]
    assert {text for text, may in zip(texts, may_answer, strict=True) if may} == {FOOTER, "Blad 7 over gras."}
    assert may_answer.sum() == CANDIDATES + 11
