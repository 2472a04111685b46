"""A question becomes an Answer in quotes, an Abstention or SmallTalk; every quoted word is the source's.

The words that a visitor reads around the quotes stand here, in Dutch; nothing else is added to them.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import accumulate, chain, islice
from pathlib import Path
from types import TracebackType
from typing import Self

from retrieval.answerability import Answerability, Features, Verdict, features_of
from retrieval.conversation import SmallTalkKind, complete, small_talk_kind, without_greeting
from retrieval.embedding import open_query_embedder
from retrieval.errors import QuestionError
from retrieval.explanation import Explainer, Explanation, Grounds, explain_small_talk
from retrieval.index import Index
from retrieval.provenance_text import outdated
from retrieval.questions import MOST_EARLIER, earlier_question_problem, question_problem
from retrieval.quoting import QUOTE_MARGIN, Quotable, admits_several, best_quote
from retrieval.records import (
    EVERY_SOURCE,
    Abstention,
    Answer,
    Citation,
    Contact,
    Hit,
    OtherPlace,
    Query,
    Quote,
    Reply,
    SmallTalk,
    SourceFilter,
    anchor_at,
    page_at,
)
from retrieval.reranking import open_reranker
from retrieval.retriever import KEPT_FILTERS, Retriever, Search
from retrieval.settings import Settings, load_settings
from retrieval.suggesting import chosen, near, starting_questions
from retrieval.synonyms import replaced_words

MOST_QUOTES = 3
MOST_CITATIONS = 5
MOST_OTHER_PLACES = 10
ID_LENGTH = 16

NO_ANSWER = "Dat staat niet in deze bronnen."
NO_SOURCE_LEFT = "Geen enkele bron past bij de gekozen filters."
ONLY_RELATED = "Ik vind hier geen antwoord op, maar deze passages gaan erover."
SMALL_TALK_TEXTS = {
    SmallTalkKind.GREETING: "Hallo! Stel gerust uw vraag over deze bronnen.",
    SmallTalkKind.WELLBEING: "Met mij gaat het goed, dank u. Waarover wilt u iets weten?",
    SmallTalkKind.THANKS: "Graag gedaan. Heeft u nog een vraag?",
    SmallTalkKind.GOODBYE: "Tot ziens!",
    SmallTalkKind.ASSENT: "Goed. Heeft u nog een vraag?",
    SmallTalkKind.ABILITIES: (
        "Ik zoek in deze bronnen naar de zin die uw vraag beantwoordt. Ik laat die zin letterlijk zien, "
        "met de plaats waar hij staat. Staat het antwoord er niet in, dan zeg ik dat."
    ),
    SmallTalkKind.IDENTITY: (
        "Ik ben Vraagbaak, een computerprogramma. Ik verzin niets: alles wat ik als antwoord laat zien, "
        "staat letterlijk in de bronnen."
    ),
}


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a reply needs to know of the question: those ``asked``, this one first, and what to say of it."""

    reply_id: str
    asked: tuple[str, ...]
    notice: str | None
    source_filter: SourceFilter


class Chatbot:
    """Answers questions from the opened index that ``retriever`` searches; safe to use from many threads.

    With ``leaves_out_outdated`` documents that hold no longer, or not yet, do not answer, unless a filter
    asks for another day than ``today`` gives.
    """

    def __init__(
        self,
        retriever: Retriever,
        judge: Answerability,
        contact: Contact | None = None,
        leaves_out_outdated: bool = False,
        today: Callable[[], date] = date.today,
    ) -> None:
        index = retriever.index
        self.index = index
        self._retriever = retriever
        self._rarity = index.lexical.rarity
        self._judge = judge
        self._explainer = Explainer(judge, retriever.weights, self._rarity)
        self._contact = contact
        self._leaves_out_outdated = leaves_out_outdated
        self._today = today
        self._entries = {entry.id: entry for entry in index.documents()}
        self._questions = index.suggestions.by_passage()
        self._starting = lru_cache(KEPT_FILTERS)(self._starting_questions)

    @classmethod
    def open(cls, index: Path | str, settings: Settings | None = None) -> Self:
        """Open the index folder with the embedder and the reranker of the settings.

        Raises BrokenIndexError where the index is absent, damaged or another embedder's, EmbedderError or
        RerankerError where a model cannot be loaded, BrokenVerdictError where the weights that are set are
        not whole, or another embedder's.
        """
        settings = settings or load_settings()
        embedder = open_query_embedder(settings.embedder, settings.query_prompt, settings.passage_prompt)
        judge = Answerability.of_settings(settings.verdict, embedder.fingerprint)
        reranker = open_reranker(settings.reranker) if settings.reranker else None
        opened = Index.open(Path(index), embedder.fingerprint)
        retriever = Retriever(opened, embedder, reranker=reranker)
        return cls(retriever, judge, settings.contact, settings.outdated == "leave_out")

    @property
    def library(self) -> Index:
        """The documents that are quoted from."""
        return self.index

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Questions that make a good first try."""
        return self._starting(self._today_too(EVERY_SOURCE))

    def reply(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> Reply:
        """Answer a question; ``history`` holds the earlier questions, oldest first.

        Raises QuestionError, with a message for the visitor, where either is outside the limits.
        """
        return self._replied(question, history, source_filter)[0]

    def reply_explained(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> tuple[Reply, Explanation]:
        """The same reply, and why it is what it is.

        Raises QuestionError as ``reply`` does.
        """
        reply, grounds = self._replied(question, history, source_filter)
        if isinstance(grounds, SmallTalkKind):
            return reply, explain_small_talk(grounds)
        citations = reply.citations if isinstance(reply, Answer) else self._citations(grounds.search.hits, {})
        return reply, self._explainer.explain(grounds, citations)

    def _replied(
        self, question: str, history: Sequence[str], source_filter: SourceFilter
    ) -> tuple[Reply, Grounds | SmallTalkKind]:
        """The reply, and what it was made from."""
        question = checked_question(question)
        history = checked_history(history)
        kind = small_talk_kind(question)
        reply_id = self._id(question, history, source_filter)
        source_filter = self._today_too(source_filter)
        if kind is not None:
            asks_what = kind in (SmallTalkKind.GREETING, SmallTalkKind.ABILITIES)
            return SmallTalk(
                reply_id, SMALL_TALK_TEXTS[kind], self._starting(source_filter) if asks_what else ()
            ), kind
        query = complete(question, history)
        search = self._retriever.search(query, MOST_CITATIONS, source_filter, self._holding_today())
        features = self._features(search, search.hits[:1])
        grounds = Grounds(query, search, features, self._judge.verdict(features))
        turn = _Turn(reply_id, (question, *history), _searched(query, search.query), source_filter)
        return self._judged(turn, grounds), grounds

    def _holding_today(self) -> SourceFilter:
        return SourceFilter(valid_on=self._today().isoformat())

    def _today_too(self, source_filter: SourceFilter) -> SourceFilter:
        if not self._leaves_out_outdated or source_filter.valid_on:
            return source_filter
        return replace(source_filter, valid_on=self._holding_today().valid_on)

    def close(self) -> None:
        """Give the index's files back."""
        self.index.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _judged(self, turn: "_Turn", grounds: Grounds) -> Reply:
        search = grounds.search
        match grounds.verdict:
            case Verdict.ANSWERED:
                return self._answer(turn, search)
            case Verdict.RELATED:
                return self._abstention(turn, ONLY_RELATED, search.hits[:MOST_QUOTES])
            case Verdict.UNRELATED:
                return self._abstention(turn, NO_ANSWER if search.passages else NO_SOURCE_LEFT, ())

    def _features(self, search: Search, hits: Sequence[Hit]) -> list[Features]:
        """Those of some of the hits: to look at all of them costs more than to find them."""
        return features_of(replace(search, hits=tuple(hits)), self._title, self._rarity)

    def _answer(self, turn: "_Turn", search: Search) -> Answer:
        quoted = self._quoted(search)
        citations = self._citations(search.hits, quoted)
        quotes = tuple(
            Quote(citation.text[place.start : place.end], citation.number, one.span, one.lead)
            for citation, hit in zip(citations, search.hits, strict=True)
            if (one := quoted.get(hit.passage_id))
            for place in (one.span.shifted(-citation.span.start),)
        )
        return Answer(
            turn.reply_id,
            _below(turn.notice, _told(quotes, citations)),
            quotes,
            citations,
            chosen(self._questions_near(search.hits, quoted, turn.source_filter), turn.asked),
            notice=turn.notice,
        )

    def _quoted(self, search: Search) -> dict[int, Quotable]:
        """What is quoted of which passage: of the best one, and of others that answer as well."""
        first = search.hits[0]
        best = best_quote(first, search.query, self._rarity)
        quoted = {first.passage_id: best}
        if admits_several(search.query):
            for hit in search.hits[1:]:
                other = best_quote(hit, search.query, self._rarity)
                enough = other.score >= best.score - QUOTE_MARGIN
                if enough and self._judge.answers(*self._features(search, [hit])):
                    quoted[hit.passage_id] = other
        return dict(islice(quoted.items(), MOST_QUOTES))

    def _abstention(self, turn: "_Turn", text: str, hits: Sequence[Hit]) -> Abstention:
        citations = self._citations(hits, {})
        contact = self._contact
        meant = self._meant_instead(turn)
        notice = " ".join(filter(None, (turn.notice, meant and f"Bedoelt u: “{meant}”"))) or None
        shown = "\n\n".join(
            [text, *(f"“{citation.text}”\n{_source_line(citation)}" for citation in citations)]
            + ([contact.text + (f" {contact.url}" if contact.url else "")] if contact else [])
        )
        near_hits = self._questions_near(hits, (), turn.source_filter)
        starting = self._starting(turn.source_filter)
        instead = chosen(chain([meant] if meant else [], near_hits, starting), turn.asked)
        return Abstention(turn.reply_id, _below(notice, shown), citations, instead, contact, notice)

    def _meant_instead(self, turn: "_Turn") -> str | None:
        """The question with a name in the place of a word that resembles it, if that is answered."""
        question, *history = turn.asked
        meant = self.index.spelling.meant_instead(without_greeting(question))
        if meant is None or question_problem(_as_question(meant)):
            return None
        query = complete(meant, history)
        search = self._retriever.search(query, MOST_CITATIONS, turn.source_filter, self._holding_today())
        features = self._features(search, search.hits[:1])
        return _as_question(meant) if self._judge.verdict(features) is Verdict.ANSWERED else None

    def _questions_near(
        self, hits: Sequence[Hit], quoted: Iterable[int], source_filter: SourceFilter
    ) -> Iterator[str]:
        """What the passages beside the quoted ones, or around a subject, answer themselves."""
        if hits:
            found = [hit.passage_id for hit in hits]
            may_answer = self._retriever.may_answer(source_filter)
            for passage in near(found, quoted, self.index.passages_beside(found[0])):
                if may_answer[passage]:
                    yield from self._questions.get(passage, ())

    def _starting_questions(self, source_filter: SourceFilter) -> tuple[str, ...]:
        index, may_answer = self.index, self._retriever.may_answer(source_filter)
        questions = {passage: own for passage, own in self._questions.items() if may_answer[passage]}
        return _starting_questions(index, questions, source_filter)

    def _citations(self, hits: Sequence[Hit], quoted: Mapping[int, Quotable]) -> tuple[Citation, ...]:
        return tuple(
            self._citation(number, hit, quoted.get(hit.passage_id))
            for number, hit in enumerate(hits, start=1)
        )

    def _citation(self, number: int, hit: Hit, quoted: Quotable | None) -> Citation:
        passage = hit.passage
        entry = self._entries[passage.document_id]
        start = (quoted.span if quoted else passage.span).start
        return Citation(
            number=number,
            document_id=entry.id,
            title=entry.title,
            headings=passage.headings,
            url=entry.provenance.url,
            span=passage.span,
            text=passage.text,
            sha256=entry.sha256,
            highlights=(quoted.span.shifted(-passage.span.start),) if quoted else (),
            score=hit.score,
            provenance=entry.provenance,
            is_outdated=not entry.provenance.holds_on(self._today().isoformat()),
            page=page_at(entry.page_starts, start),
            anchor=anchor_at(entry.anchors, start),
            other_places=self._other_places(hit.duplicates[:MOST_OTHER_PLACES]),
            other_place_count=len(hit.duplicates),
        )

    def _other_places(self, passage_ids: Sequence[int]) -> tuple[OtherPlace, ...]:
        passages = self.index.store.passages(passage_ids) if passage_ids else ()
        return tuple(
            OtherPlace(entry.id, entry.title, one.headings, entry.provenance.url, one.span, entry.sha256)
            for one in passages
            for entry in (self._entries[one.document_id],)
        )

    def _title(self, hit: Hit) -> str:
        return self._entries[hit.passage.document_id].title

    def _id(self, question: str, history: Sequence[str], source_filter: SourceFilter) -> str:
        filtered = [] if source_filter == EVERY_SOURCE else [asdict(source_filter)]
        asked = json.dumps([self.index.generation, question, *history, *filtered])
        return hashlib.sha256(asked.encode()).hexdigest()[:ID_LENGTH]


def checked_question(question: str) -> str:
    """The question without blanks around it. Raises QuestionError where it is outside the limits."""
    if problem := question_problem(question):
        raise QuestionError(problem)
    return question.strip()


def checked_history(history: Sequence[str]) -> tuple[str, ...]:
    """The earlier questions, blank ones left out. Raises QuestionError where they are outside the limits."""
    if len(history) > MOST_EARLIER:
        raise QuestionError(
            f"Er zijn {len(history)} eerdere vragen meegestuurd. Stuur er hoogstens {MOST_EARLIER} mee."
        )
    for question in history:
        if problem := earlier_question_problem(question):
            raise QuestionError(problem)
    return tuple(question.strip() for question in history if question.strip())


def _starting_questions(
    index: Index, questions: Mapping[int, Sequence[str]], source_filter: SourceFilter
) -> tuple[str, ...]:
    entries, left_out = index.documents(), {*index.suggestions.unanswered, *index.suggestions.unclear}
    own = [
        [one for one in entry.provenance.questions if one not in left_out]
        for entry in entries
        if source_filter.lets_in(entry.id, entry.provenance)
    ]
    ends = list(accumulate(entry.passage_count for entry in entries))
    made = [
        [one for passage in range(end - entry.passage_count, end) for one in questions.get(passage, ())]
        for entry, end in zip(entries, ends, strict=True)
    ]
    return starting_questions(own, made)


def _searched(typed: Query, searched: Query) -> str | None:
    """What the visitor is told where other words were searched than this turn holds."""
    replaced = dict.fromkeys(replaced_words(typed.own, searched.own))
    told = [
        f"op “{after}” in plaats van “{before}”"
        for before, after in replaced
        if before.lower() != after.lower()
    ]
    return f"Gezocht {' en '.join(told)}." if told else None


def _below(notice: str | None, text: str) -> str:
    return f"{notice}\n\n{text}" if notice else text


def _as_question(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip(' .?!')}?"


def _told(quotes: Sequence[Quote], citations: Sequence[Citation]) -> str:
    return "\n\n".join(
        "\n".join(
            ([f"“{quote.lead.text}”"] if quote.lead else [])
            + [f"“{quote.text}”", _source_line(citations[quote.citation - 1])]
        )
        for quote in quotes
    )


def _source_line(citation: Citation) -> str:
    told = outdated(citation)
    return f"Bron: {citation.place}" + (f" ({told[0].lower()}{told[1:]})" if told else "")
