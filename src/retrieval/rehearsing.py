"""An index is asked the questions made from its texts before it serves: those it answers are suggested.

The whole way of a visitor's question is gone, so that a suggestion leads to an answer, and to the passage
that it was made from.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from retrieval.answerability import Answerability
from retrieval.chatbot import Chatbot
from retrieval.conversation import complete, leans_back, small_talk_kind
from retrieval.embedding import Embedder
from retrieval.index import Index
from retrieval.phrasing import MadeQuestion, questions_of
from retrieval.questions import question_problem
from retrieval.ranking import Vectors
from retrieval.records import Answer, Passage, Span
from retrieval.retriever import Retriever
from retrieval.suggesting import Suggestions
from retrieval.vector_cache import VectorCache, text_key

_QUERIES = "queries"
"""Tells their vectors in the cache from those of texts, which have another prompt."""

MOST_TRIES = 2
"""Questions tried for a passage, the second where the first failed: so that a build stays cheap."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Asks an index as visitors will: with ``embedder``, and with ``judge`` for the verdict."""

    embedder: Embedder
    judge: Answerability

    @property
    def asked_by(self) -> str:
        """Changes with the embedder and the weights of the verdict."""
        return hashlib.sha256(f"{self.embedder.fingerprint} {self.judge!r}".encode()).hexdigest()

    def __call__(self, index: Index) -> Suggestions:
        """Ask the opened ``index`` the editors' questions, and those made from its passages.

        All of them: what another document says may change the answer to any.
        """
        entries = index.documents()
        passages = [index.passages_of(entry.id) for entry in entries]
        asking = _Asking(index, self, chain.from_iterable(passages))
        editors = dict.fromkeys(chain.from_iterable(entry.provenance.questions for entry in entries))
        clear = [question for question in editors if _stands_by_itself(question)]
        own = {question: id_ for question, (id_, _) in asking.answers(clear).items()}
        return Suggestions(
            made=_answered(asking, passages, set(editors)),
            own=own,
            unanswered=tuple(question for question in clear if question not in own),
            unclear=tuple(question for question in editors if not _stands_by_itself(question)),
            asked_by=self.asked_by,
        )


def _answered(
    asking: "_Asking", passages: Sequence[Sequence[tuple[int, Passage]]], known: set[str]
) -> dict[int, str]:
    """For passages a question made from it that it answers, none of those that are ``known``."""
    proposable = {
        id_: [made for made in questions if _stands_by_itself(made.text)]
        for of_document in passages
        for id_, questions in _made_from(of_document).items()
    }
    answered: dict[int, str] = {}
    for _ in range(MOST_TRIES):
        proposed: dict[str, dict[int, Span]] = {}
        for id_, questions in proposable.items():
            proposal = next((one for one in questions if one.text not in known), None)
            if proposal and id_ not in answered:
                proposed.setdefault(proposal.text, {})[id_] = proposal.source
        known |= proposed.keys()
        for question, (id_, quoted) in asking.answers(proposed).items():
            source = proposed[question].get(id_)
            if source and quoted.start < source.end and source.start < quoted.end:
                answered[id_] = question
    return dict(sorted(answered.items()))


def _made_from(passages: Sequence[tuple[int, Passage]]) -> dict[int, tuple[MadeQuestion, ...]]:
    made = questions_of([passage for _, passage in passages])
    return {id_: questions for (id_, _), questions in zip(passages, made, strict=True)}


def _stands_by_itself(question: str) -> bool:
    """Whether it is understood alike after any other question, and taken as a question at all."""
    return not (leans_back(question) or small_talk_kind(question) or question_problem(question))


class _Asking:
    """Asks one index many questions, as a visitor would ask each of them first."""

    def __init__(self, index: Index, rehearsal: Rehearsal, passages: Iterable[tuple[int, Passage]]) -> None:
        self._index = index
        self._embedder = rehearsal.embedder
        self._judge = rehearsal.judge
        self._ids = {(passage.document_id, passage.span): id_ for id_, passage in passages}

    def answers(self, questions: Iterable[str]) -> dict[str, tuple[int, Span]]:
        """Those of the questions that are answered: the passage cited first, and what is quoted of it."""
        askable = list(questions)
        queries = [complete(question).text for question in askable]
        embedder = _EmbeddedBefore(self._embedder, queries, self._index.cache)
        bot = Chatbot(Retriever(self._index, embedder), self._judge)
        return {
            question: (self._ids[first.document_id, first.span], reply.quotes[0].span)
            for question in askable
            if isinstance(reply := bot.reply(question), Answer)
            for first in reply.citations[:1]
        }


class _EmbeddedBefore:
    """An embedder that has the vectors of the questions to come, made together or kept from another build."""

    def __init__(self, embedder: Embedder, queries: Sequence[str], cache: Path) -> None:
        self._embedder = embedder
        by_key = {text_key(query): query for query in queries}
        with VectorCache.open(cache, f"{embedder.fingerprint} {_QUERIES}", embedder.dimension) as kept:
            if missing := sorted(kept.missing(by_key), key=lambda key: (len(by_key[key]), key)):
                kept.add(missing, embedder.embed_queries([by_key[key] for key in missing]))
            self._vectors = dict(zip(by_key.values(), kept.vectors([*by_key]), strict=True))
        self.fingerprint = embedder.fingerprint
        self.dimension = embedder.dimension
        self.max_tokens = embedder.max_tokens

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        known = [self._vectors[query] for query in queries if query in self._vectors]
        if len(known) == len(queries):
            stacked: Vectors = np.stack(known)
            return stacked
        return self._embedder.embed_queries(queries)

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        return self._embedder.embed_texts(texts, progress)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._embedder.count_tokens(texts)
