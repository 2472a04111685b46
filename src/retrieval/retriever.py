"""A query becomes ranked hits: dense and lexical candidates, ranked with their best sentence too.

The way was chosen by measurement: docs/experiments.md, "Ranking".
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrieval.embedding import Embedder
from retrieval.fusion import to_unit_interval, weighted_sum
from retrieval.index import Index
from retrieval.ranking import Vectors
from retrieval.records import Hit, Query

CANDIDATES = 50
"""Passages that each of the two searches proposes."""

PASSAGE_WEIGHT, SENTENCE_WEIGHT, WORD_WEIGHT = 2.0, 2.0, 0.75
"""Weights of the standardised scores in the ranking (docs/experiments.md, "Ranking")."""

NEAREST_BACKGROUND = 20
"""Background sentences whose mean tells how high any text would score for this query."""

LEAST_SPREAD = 1e-6
"""Keeps an embedder that tells nothing apart from dividing by zero."""


@dataclass(frozen=True, slots=True)
class Search:
    """The hits of a query, best first, and how high the query scores with texts about nothing of the sort.

    ``background_level`` is the mean inner product of the query with the twenty nearest of the background
    texts, ``background_spread`` the standard deviation over all of them (adaptive score normalisation,
    as in speaker verification: Matějka et al., Interspeech 2017).
    """

    query: Query
    hits: tuple[Hit, ...]
    background_level: float
    background_spread: float

    def above_background(self, score: float) -> float:
        """How far a score lies above what any text would get, in standard deviations."""
        return (score - self.background_level) / self.background_spread


class Retriever:
    """Searches one opened index with the embedder that made it."""

    def __init__(self, index: Index, embedder: Embedder) -> None:
        self._index = index
        self._embedder = embedder

    def search(self, query: Query, k: int) -> Search:
        """The ``k`` best passages for the query (fewer where the index holds fewer)."""
        texts = [query.text] if query.own == query.text else [query.text, query.own]
        vectors = self._embedder.embed_queries(texts)
        whole, turn = vectors[0], vectors.mean(axis=0)
        ids = self._candidates(whole, query.text)
        if not len(ids):
            return Search(query, (), *self._background(whole))
        passages = self._index.dense.scores(whole, ids)
        words = self._index.lexical.scores(query.text, ids)
        rows, starts = self._sentence_rows(ids)
        sentences = self._index.sentence_vectors[rows] @ np.stack([whole, turn], axis=1)
        best_sentences = np.maximum.reduceat(sentences[:, 0], starts)
        fused = weighted_sum(
            [(PASSAGE_WEIGHT, passages), (SENTENCE_WEIGHT, best_sentences), (WORD_WEIGHT, words)]
        )
        scores = to_unit_interval(fused)
        order = np.argsort(-fused, kind="stable")[:k]
        ends = np.append(starts[1:], len(rows))
        found = self._index.store.passages([int(ids[place]) for place in order])
        hits = tuple(
            Hit(
                passage_id=int(ids[place]),
                passage=passage,
                score=float(scores[place]),
                passage_score=float(passages[place]),
                best_sentence_score=float(best_sentences[place]),
                word_score=float(words[place]),
                sentence_scores=tuple(sentences[starts[place] : ends[place], 1].tolist()),
            )
            for place, passage in zip(order, found, strict=True)
        )
        return Search(query, hits, *self._background(whole))

    def _candidates(self, vector: Vectors, text: str) -> npt.NDArray[np.int64]:
        dense = self._index.dense.search(vector, CANDIDATES)
        lexical = self._index.lexical.search(text, CANDIDATES)
        return np.union1d(dense.ids, lexical.ids)

    def _sentence_rows(
        self, ids: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The rows of the candidates' sentences, one after the other, and where each candidate's begin."""
        ranges = [self._index.sentence_rows(int(passage_id)) for passage_id in ids]
        starts = np.cumsum([0, *(len(rows) for rows in ranges[:-1])])
        return np.concatenate([np.arange(rows.start, rows.stop) for rows in ranges]), starts

    def _background(self, vector: Vectors) -> tuple[float, float]:
        scores = self._index.background_vectors @ vector
        nearest = np.sort(scores)[-NEAREST_BACKGROUND:]
        return float(nearest.mean()), max(float(scores.std()), LEAST_SPREAD)
