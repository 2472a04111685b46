"""Reranking by a fake that can be worked out by hand, and by a real cross-encoder that is made here."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.embedding import Embedder, open_query_embedder
from retrieval.errors import RerankerError
from retrieval.index import Index
from retrieval.records import Hit, Lead, Passage, Query, Span
from retrieval.reranking import DEPTH, open_reranker, reranked
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER

Folder = Callable[..., Path]
QUESTION = "Waarvoor dient een ambtsbericht?"


class Counter:
    """Scores a text by the times that it holds the first word of the question."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def scores(self, question: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.read += texts
        return np.array([text.count(question.split(maxsplit=1)[0]) for text in texts], np.float32)


class Fixed:
    """Gives the scores that it was made with."""

    def __init__(self, scores: Sequence[float]) -> None:
        self._scores = scores

    def scores(self, question: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.array(self._scores[: len(texts)], np.float32)


def hit(number: int, text: str, headings: tuple[str, ...] = ()) -> Hit:
    passage = Passage("dieren.txt", Span(0, len(text)), text, headings, (Span(0, len(text)),))
    return Hit(number, passage, 0.9 - number / 100, {"words": 0.5}, (0.8,))


def title(_: Hit) -> str:
    return "Dieren"


def test_the_order_is_that_of_the_reranker_and_of_equal_scores_the_first_stays_first() -> None:
    hits = [hit(0, "een hond"), hit(1, "een kat"), hit(2, "een vis"), hit(3, "kat en kat")]
    found = reranked(hits, "kat of hond", Counter(), title)
    assert [one.passage_id for one in found] == [3, 1, 0, 2]
    assert [one.parts["reranker"] for one in found] == [2, 1, 0, 0]
    # x / (1 + x), from 0.5 up: 2/3, 1/2, 0, 0
    assert [one.score for one in found] == pytest.approx([0.5 + 1 / 3, 0.75, 0.5, 0.5])
    assert all(one.parts["words"] == 0.5 for one in found)
    assert hits[3].parts == {"words": 0.5}


def test_a_passage_is_read_below_its_headings_or_else_the_title() -> None:
    counter = Counter()
    reranked([hit(0, "Zij slapen.", ("Huisdieren", "Katten")), hit(1, "Zij zwemmen.")], "kat", counter, title)
    assert counter.read == ["Huisdieren. Katten\nZij slapen.", "Dieren\nZij zwemmen."]


def test_beyond_the_depth_hits_stay_as_they_were_below_those_that_were_read() -> None:
    hits = [hit(number, "vis") for number in range(DEPTH)] + [hit(DEPTH, "kat"), hit(DEPTH + 1, "kat kat")]
    found = reranked([*hits[: DEPTH - 1], hit(DEPTH - 1, "kat"), *hits[DEPTH:]], "kat", Counter(), title)
    assert [one.passage_id for one in found] == [DEPTH - 1, *range(DEPTH - 1), DEPTH, DEPTH + 1]
    assert ["reranker" in one.parts for one in found] == [True] * DEPTH + [False] * 2
    # one and two below the least score, which is 0
    assert [one.score for one in found[-3:]] == pytest.approx([0.5, 0.25, 0.5 - 1 / 3])


def test_the_lead_of_a_list_that_was_cut_is_read_with_the_passage() -> None:
    item = hit(0, "- geld;")
    lead = Lead(Span(0, 9), "U krijgt:")
    passage = replace(item.passage, span=Span(50, 57), sentences=(Span(50, 57),), lead=lead)
    counter = Counter()
    reranked([replace(item, passage=passage)], "geld", counter, title)
    assert counter.read == ["Dieren\nU krijgt:\n- geld;"]


def test_no_hits_are_no_work() -> None:
    counter = Counter()
    assert reranked([], "kat", counter, title) == ()
    assert counter.read == []


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=DEPTH + 10))
def test_hits_are_neither_lost_nor_out_of_order(scores: list[float]) -> None:
    hits = [hit(number, "tekst") for number in range(len(scores))]
    found = reranked(hits, "vraag", Fixed(scores), title)
    assert sorted(one.passage_id for one in found) == list(range(len(scores)))
    falling = [one.score for one in found]
    assert falling == sorted(falling, reverse=True)
    assert all(0 <= score <= 1 for score in falling)


# --- in a search of the real page


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return open_query_embedder(DEFAULT_EMBEDDER, None, None)


@pytest.fixture
def index(aivd_index: Path, embedder: Embedder) -> Iterator[Index]:
    with Index.open(aivd_index, embedder.fingerprint) as opened:
        yield opened


def test_a_search_keeps_the_best_of_more_hits_than_it_gives(index: Index, embedder: Embedder) -> None:
    query = Query(QUESTION, QUESTION)
    before = Retriever(index, embedder).search(query, k=DEPTH)
    places = np.arange(len(before.hits), dtype=np.float32)  # the last hit scores highest
    found = Retriever(index, embedder, reranker=Fixed(places.tolist())).search(query, k=3)
    assert [one.passage_id for one in found.hits] == [one.passage_id for one in before.hits[:-4:-1]]
    assert found.hits[0].sentence_scores == before.hits[-1].sentence_scores
    assert (found.query, found.passages) == (before.query, before.passages)


def test_without_a_reranker_no_hit_has_its_part(index: Index, embedder: Embedder) -> None:
    found = Retriever(index, embedder).search(Query(QUESTION, QUESTION), k=3)
    assert all("reranker" not in one.parts for one in found.hits)


# --- a real cross-encoder


def test_a_cross_encoder_reads_question_and_text_together(cross_encoder: Folder) -> None:
    reranker = open_reranker(str(cross_encoder("politie")))
    without, held = reranker.scores("wie ?", ["De burgemeester.", "De Politie."])
    assert without == 0 < held
    assert reranker.scores("wie ?", ["de " * 1_000 + "politie"]) == [0]  # beyond the 512 tokens that are read
    assert reranker.scores("de politie ?", ["De burgemeester."]) > 0
    assert reranker.scores("wie ?", []).shape == (0,)


def test_threads_share_a_cross_encoder(cross_encoder: Folder) -> None:
    reranker = open_reranker(str(cross_encoder("politie")))
    texts = ["De politie. " * length for length in range(1, 9)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: float(reranker.scores("wie ?", [text, "kort"])[0]), texts * 8))
    assert min(found) > 0


@pytest.mark.parametrize("name", ["/nergens/model", "./nergens", "a/b/c"])
def test_a_missing_folder_is_an_error(name: str) -> None:
    with pytest.raises(RerankerError, match=rf"reranker {name}: no such folder, .*set VRAAGBAAK_RERANKER"):
        open_reranker(name)


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RerankerError, match="this folder cannot be loaded as a CrossEncoder"):
        open_reranker(str(tmp_path))


def test_a_model_of_more_than_one_score_is_an_error(cross_encoder: Folder) -> None:
    with pytest.raises(
        RerankerError, match="gives 3 scores for a text, expected one; set VRAAGBAAK_RERANKER"
    ):
        open_reranker(str(cross_encoder("politie", labels=3)))


def test_a_model_that_was_not_made_to_score_is_an_error(
    cross_encoder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers import BertModel

    folder = cross_encoder("politie")
    BertModel.from_pretrained(folder).save_pretrained(folder)
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(RerankerError, match=r"a BertModel without a layer that scores, .*would be random"),
    ):
        open_reranker(str(folder))
