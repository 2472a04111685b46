"""An index is asked the questions made from its texts before it serves: those it answers are suggested.

The whole way of a visitor's question is gone, so that a suggestion leads to an answer, and to the passage
that it was made from.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

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

MOST_TRIES = 2
"""Questions tried for a passage, the second where the first failed: so that a build stays cheap."""


def rehearse(index: Index, embedder: Embedder, tried: Mapping[int, str]) -> Suggestions:
    """Ask the opened ``index`` the editors' questions, and those made from its passages.

    ``tried`` holds what came of it before, for passages that were there before: they are not asked again.
    """
    entries = index.documents()
    passages = [index.passages_of(entry.id) for entry in entries]
    asking = _Asking(index, embedder, chain.from_iterable(passages))
    editors = dict.fromkeys(chain.from_iterable(entry.provenance.questions for entry in entries))
    own = {question: id_ for question, (id_, _) in asking.answers(editors).items()}
    untried = {
        id_: [made for made in questions if _stands_by_itself(made.text)]
        for of_document in passages
        for id_, questions in _made_from(of_document).items()
        if id_ not in tried
    }
    made = dict(tried)
    known = {*editors, *tried.values()}
    for _ in range(MOST_TRIES):
        proposed: dict[str, dict[int, Span]] = {}
        for id_, questions in untried.items():
            proposal = next((one for one in questions if one.text not in known), None)
            if proposal and id_ not in made:
                proposed.setdefault(proposal.text, {})[id_] = proposal.source
        known |= proposed.keys()
        for question, (id_, quoted) in asking.answers(proposed).items():
            source = proposed[question].get(id_)
            if source and quoted.start < source.end and source.start < quoted.end:
                made[id_] = question
    return Suggestions(
        {id_: made.get(id_, "") for id_ in range(index.store.passage_count)},
        own,
        tuple(question for question in editors if question not in own),
    )


def _made_from(passages: Sequence[tuple[int, Passage]]) -> dict[int, tuple[MadeQuestion, ...]]:
    made = questions_of([passage for _, passage in passages])
    return {id_: questions for (id_, _), questions in zip(passages, made, strict=True)}


def _stands_by_itself(question: str) -> bool:
    """Whether it is understood alike after any other question, and taken as a question at all."""
    return not (leans_back(question) or small_talk_kind(question) or question_problem(question))


class _Asking:
    """Asks one index many questions, as a visitor would ask each of them first."""

    def __init__(self, index: Index, embedder: Embedder, passages: Iterable[tuple[int, Passage]]) -> None:
        self._index = index
        self._embedder = embedder
        self._judge = Answerability.load()
        self._ids = {(passage.document_id, passage.span): id_ for id_, passage in passages}

    def answers(self, questions: Iterable[str]) -> dict[str, tuple[int, Span]]:
        """Those of the questions that are answered: the passage cited first, and what is quoted of it."""
        askable = [question for question in questions if not question_problem(question)]
        embedder = _EmbeddedBefore(self._embedder, [complete(question).text for question in askable])
        bot = Chatbot(Retriever(self._index, embedder), self._judge)
        return {
            question: (self._ids[first.document_id, first.span], reply.quotes[0].span)
            for question in askable
            if isinstance(reply := bot.reply(question), Answer)
            for first in reply.citations[:1]
        }


class _EmbeddedBefore:
    """An embedder that has embedded the questions to come together."""

    def __init__(self, embedder: Embedder, queries: Sequence[str]) -> None:
        self._embedder = embedder
        ordered = sorted(set(queries), key=len)
        vectors = embedder.embed_queries(ordered) if ordered else ()
        self._vectors = dict(zip(ordered, vectors, strict=True))
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
