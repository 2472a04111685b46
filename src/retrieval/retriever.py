"""A query becomes ranked hits: dense and lexical candidates, ranked by several scores of each.

The way was chosen by measurement: docs/experiments.md, "Ranking".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from retrieval.candidates import LetIn, best, nearest, preferred_of_each, proposed
from retrieval.embedding import Embedder
from retrieval.fusion import WEIGHTS, Ranking, Scores, fused, to_unit_interval
from retrieval.index import Index
from retrieval.ranking import Vectors
from retrieval.records import EVERY_SOURCE, Hit, Query, SourceFilter
from retrieval.reranking import DEPTH, Reranker, reranked
from retrieval.synonyms import Synonyms

NEAREST_BACKGROUND = 20
"""Background sentences whose mean tells how high any text would score for this query."""

KEPT_FILTERS = 64
"""Filters of which is remembered what they let in: a widget asks with the same one each time."""

LEAST_SPREAD = 1e-6
"""Keeps an embedder that tells nothing apart from dividing by zero."""


@dataclass(frozen=True, slots=True)
class Search:
    """The hits of a query, best first; ``query`` is as it was searched, in the words of the texts.

    The parts of a hit's score:

    =========  ==================================================================================
    passage    nearness of the passage's vector to the query's
    sentence   that of the nearest of its sentences
    context    that of the stretch of the document that the passage stands in
    words      BM25 of the passage's words, headings and title included, as a share of the most
               that the query's words could give; of a list or table those of its best item or row,
               which is read with lead-in or header, where that is more
    letters    the same over pieces of four letters of those words
    document   the same over the words of the whole document
    reranker   what a cross-encoder says of question and passage; only where one is set, and then it
               orders the hits that it read (reranking.py)
    =========  ==================================================================================

    Nearness is the inner product, less the mean of the twenty nearest background texts, in standard
    deviations over all of these: how far a text stands out from what any text would score (adaptive
    score normalisation, as in speaker verification: Matějka et al., Interspeech 2017).
    """

    query: Query
    hits: tuple[Hit, ...]
    passages: int
    """Passages that were searched."""


class Retriever:
    """Searches one opened index with the embedder that made it.

    ``ranking`` orders the candidates, and ``reranker`` the first of them once more. Of passages that say the
    same the best is a hit, and the others are its duplicates.
    """

    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        ranking: Ranking = fused,
        reranker: Reranker | None = None,
    ) -> None:
        self.index = index
        self._embedder = embedder
        self._ranking = ranking
        self._reranker = reranker
        entries = index.documents()
        self._entries = entries
        self._titles = {entry.id: entry.title for entry in entries}
        self.let_in = lru_cache(KEPT_FILTERS)(self._let_in)
        self._synonyms = Synonyms(pair for entry in entries for pair in entry.provenance.synonyms)

    @property
    def weights(self) -> Mapping[str, float]:
        """Those of the parts whose sum orders the hits; none where something else orders them."""
        return WEIGHTS if self._ranking is fused and self._reranker is None else {}

    def search(
        self,
        query: Query,
        k: int,
        source_filter: SourceFilter = EVERY_SOURCE,
        preferred: SourceFilter = EVERY_SOURCE,
    ) -> Search:
        """The ``k`` best passages for the query (fewer where the index holds fewer).

        Of those that say the same one of a document that is ``preferred`` is the hit, if there is one.
        """
        if self._reranker is None:
            return self._ranked(query, k, source_filter, preferred)
        search = self._ranked(query, max(k, DEPTH), source_filter, preferred)
        hits = reranked(search.hits, search.query.text, self._reranker, self._title)
        return replace(search, hits=hits[:k])

    def _in_words_of_the_texts(self, question: str) -> str:
        # an editor's name may be near a word of the texts, and a misspelt one becomes a name
        named = self._synonyms.replaced(question)
        return self._synonyms.replaced(self.index.spelling.corrected(named))

    def _title(self, hit: Hit) -> str:
        return self._titles[hit.passage.document_id]

    def may_answer(self, source_filter: SourceFilter) -> npt.NDArray[np.bool_]:
        """Of each passage (passages,), whether it or one that says the same is let in."""
        let_in, same_as = self.let_in(source_filter), self.index.same_as
        of_kinds = np.zeros(len(same_as), np.bool_)
        of_kinds[same_as[let_in]] = True
        answering: npt.NDArray[np.bool_] = of_kinds[same_as]
        return answering

    def _let_in(self, source_filter: SourceFilter) -> npt.NDArray[np.bool_]:
        """Of each passage (passages,), whether it may answer; remembered for the last filters."""
        documents = [source_filter.lets_in(entry.id, entry.provenance) for entry in self._entries]
        passages: npt.NDArray[np.bool_] = np.array(documents, np.bool_)[self.index.passage_documents]
        return passages

    def _ranked(self, query: Query, k: int, source_filter: SourceFilter, preferred: SourceFilter) -> Search:
        index = self.index
        text = self._in_words_of_the_texts(query.text)
        query = Query(text, self._in_words_of_the_texts(query.own) if query.leans_back else text)
        vector = self._vector(query)
        words, letters = index.word_shares(query.words), index.letter_shares(query.words)
        let_in = self._mask(source_filter)
        searched = len(index.dense) if let_in is None else int(let_in.sum())
        # the counts are not used: without them numpy imports its masked arrays, for longer than all of this
        ids, _ = np.unique(
            np.concatenate(
                [
                    proposed(search, index.same_as)
                    for search in (
                        nearest(index.dense, vector, let_in),
                        best(words, let_in),
                        best(letters, let_in),
                    )
                ]
            ),
            return_counts=True,
        )
        if not len(ids):
            return Search(query, (), searched)
        rows, starts = self._sentence_rows(ids)
        sentences = index.sentence_vectors[rows] @ vector
        best_sentences: Scores = np.maximum.reduceat(sentences, starts)
        level, spread = self._background(vector)
        contexts = index.context_vectors[index.passage_contexts[ids]] @ vector
        parts: dict[str, Scores] = {
            "passage": (index.dense.scores(vector, ids) - level) / spread,
            "sentence": (best_sentences - level) / spread,
            "context": (contexts - level) / spread,
            "words": words[ids],
            "letters": letters[ids],
            "document": index.document_words.shares(query.words)[index.passage_documents[ids]],
        }
        ranked = self._ranking(parts)
        scores = to_unit_interval(ranked)
        order = np.argsort(-ranked, kind="stable")
        best_of_kind, shown = (
            places[:k] for places in preferred_of_each(order, ids, index.same_as, self._mask(preferred))
        )
        ends = np.append(starts[1:], len(rows))
        found = index.store.passages([int(ids[place]) for place in shown])
        return Search(
            query,
            tuple(
                Hit(
                    passage_id=int(ids[place]),
                    passage=passage,
                    score=float(scores[first]),
                    parts={name: float(values[place]) for name, values in parts.items()},
                    sentence_scores=tuple(sentences[starts[place] : ends[place]].tolist()),
                    duplicates=self._duplicates(int(ids[place]), let_in),
                )
                for first, place, passage in zip(best_of_kind, shown, found, strict=True)
            ),
            searched,
        )

    def _mask(self, source_filter: SourceFilter) -> LetIn:
        return None if source_filter == EVERY_SOURCE else self.let_in(source_filter)

    def _duplicates(self, passage_id: int, let_in: LetIn) -> tuple[int, ...]:
        alike = self.index.passages_like(passage_id)
        return tuple((alike if let_in is None else alike[let_in[alike]]).tolist())

    def _vector(self, query: Query) -> Vectors:
        """The query's vector; of a follow-up, what lies between the whole and this turn's own words."""
        if not query.leans_back:
            alone: Vectors = self._embedder.embed_queries([query.text])[0]
            return alone
        between: Vectors = self._embedder.embed_queries([query.text, query.own]).sum(axis=0)
        unit: Vectors = between / np.linalg.norm(between)
        return unit

    def _sentence_rows(
        self, ids: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The rows of the candidates' sentences, one after the other, and where each candidate's begin."""
        ranges = [self.index.sentence_rows(int(passage_id)) for passage_id in ids]
        starts = np.cumsum([0, *(len(rows) for rows in ranges[:-1])])
        return np.concatenate([np.arange(rows.start, rows.stop) for rows in ranges]), starts

    def _background(self, vector: Vectors) -> tuple[float, float]:
        """How high any text scores for this vector, and how much that differs."""
        scores = self.index.background_vectors @ vector
        nearest = np.sort(scores)[-NEAREST_BACKGROUND:]
        return float(nearest.mean()), max(float(scores.std()), LEAST_SPREAD)
