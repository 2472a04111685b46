"""The retriever over a real index, with a small embedder whose vectors can be worked out by hand."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from retrieval.corpus import Reading, text_document
from retrieval.fusion import to_unit_interval, weighted_sum
from retrieval.index import Index, update_index
from retrieval.ranking import Vectors
from retrieval.records import Query
from retrieval.retriever import PASSAGE_WEIGHT, SENTENCE_WEIGHT, WORD_WEIGHT, Retriever

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
    best = np.array([max(own) for own in sentences], np.float32)
    words = index.lexical.scores(question, range(len(everything)))
    expected = to_unit_interval(
        weighted_sum([(PASSAGE_WEIGHT, passages), (SENTENCE_WEIGHT, best), (WORD_WEIGHT, words)])
    )

    found = Retriever(index, embedder).search(Query(question, question), k=10)

    assert [hit.passage_id for hit in found.hits] == np.argsort(-expected, kind="stable").tolist()
    for hit in found.hits:
        assert hit.passage == everything[hit.passage_id]
        assert hit.score == pytest.approx(expected[hit.passage_id], abs=1e-5)
        assert hit.passage_score == pytest.approx(passages[hit.passage_id], abs=1e-5)
        assert hit.best_sentence_score == pytest.approx(best[hit.passage_id], abs=1e-5)
        assert hit.sentence_scores == pytest.approx(sentences[hit.passage_id], abs=1e-5)
    assert found.hits[0].passage.text == "De hond blaft. De hond slaapt soms ook."


def test_only_as_many_hits_as_are_asked_for(index: Index) -> None:
    found = Retriever(index, WordCounter()).search(Query("vis", "vis"), k=2)
    assert len(found.hits) == 2
    assert found.hits[0].score >= found.hits[1].score


def test_the_background_is_what_any_text_would_score(index: Index) -> None:
    embedder = WordCounter()
    vector = embedder.embed_queries(["kat"])[0]
    heights = np.sort(index.background_vectors @ vector)
    found = Retriever(index, embedder).search(Query("kat", "kat"), k=1)
    assert found.background_level == pytest.approx(heights[-20:].mean())
    assert found.background_spread == pytest.approx(heights.std())
    assert found.above_background(found.background_level + 2 * found.background_spread) == pytest.approx(2)


def test_the_sentences_of_a_follow_up_are_compared_with_its_own_words_too(index: Index) -> None:
    embedder = WordCounter()
    query = Query("Wat doet de vis? En als hij slaapt?", own="En als hij slaapt?")
    found = Retriever(index, embedder).search(query, k=1).hits[0]
    assert found.passage.text == "Een vis zwemt. De vis slaapt niet."
    whole, own = embedder.embed_queries([query.text, query.own])
    bare, headed = embedder.embed_texts(["De vis slaapt niet.", "Dieren\nDe vis slaapt niet."])
    assert found.sentence_scores[1] == pytest.approx(float((whole + own) / 2 @ (bare + headed) / 2), abs=1e-5)
