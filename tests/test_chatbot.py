"""The chatbot over the real page, with the real embedder."""

import shutil
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval import Chatbot
from retrieval.answerability import Answerability
from retrieval.building import update_index
from retrieval.chatbot import NO_ANSWER, checked_history, checked_question
from retrieval.corpus import read_corpus
from retrieval.embedding import open_corpus_embedder, open_query_embedder
from retrieval.errors import QuestionError
from retrieval.evaluation import evaluate_judgments, read_judgments
from retrieval.fusion import rankings
from retrieval.index import Index
from retrieval.records import Abstention, Answer, Contact, Reply, SmallTalk, SourceFilter
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER, Settings
from retrieval.suggesting import subject_of

PAGE = "met-wie-werken-wij-samen.txt"
JUDGMENTS = Path(__file__).parent / "data" / "questions" / "aivd.jsonl"
ASKED = (
    "Wat doet de NCTV?",
    "Wat doet het Openbaar Ministerie?",
    "Wat is de MIVD?",
    "Wie krijgt informatie van de AIVD?",
    "Hoe bak ik een appeltaart?",
    "Wat zijn ID's?",
    "Wat is de IND?",
    "Wie is de baas van de AIVD?",
)
WHO = "wie krijgt informatie van de AIVD?"


@pytest.fixture(scope="module")
def bot(aivd_index: Path) -> Iterator[Chatbot]:
    with Chatbot.open(aivd_index, Settings()) as opened:
        yield opened


def verbatim(bot: Chatbot, reply: Reply) -> None:
    """Hold what the design promises of every quote and citation."""
    if isinstance(reply, SmallTalk):
        return
    for citation in reply.citations:
        document = bot.library.document(citation.document_id)
        assert document is not None
        assert citation.text == document.text[citation.span.start : citation.span.end]
        assert citation.sha256 == document.sha256
        assert 0 <= citation.score <= 1
    assert [citation.number for citation in reply.citations] == list(range(1, len(reply.citations) + 1))
    scores = [citation.score for citation in reply.citations]
    assert scores == sorted(scores, reverse=True)
    if isinstance(reply, Abstention):
        assert all(not citation.highlights for citation in reply.citations)
        return
    assert 1 <= len(reply.quotes) <= 3
    assert len(reply.citations) <= 5
    assert reply.quotes[0].citation == 1
    for quote in reply.quotes:
        citation = reply.citations[quote.citation - 1]
        document = bot.library.document(citation.document_id)
        assert document is not None
        assert quote.text == document.text[quote.span.start : quote.span.end]
        assert quote.text in reply.text
        (highlight,) = citation.highlights
        assert citation.text[highlight.start : highlight.end] == quote.text
        assert f"start={quote.span.start}&end={quote.span.end}#p-{citation.span.start}" in citation.source_url


def test_the_question_of_the_first_page_is_answered_from_several_passages(bot: Chatbot) -> None:
    reply = bot.reply(WHO)
    assert isinstance(reply, Answer)
    quotes = " ".join(quote.text for quote in reply.quotes)
    assert "De AIVD voorziet bestuurders, politici, bedrijven" in quotes
    assert "Het openbaar bestuur is de belangrijkste afnemer" in quotes
    assert len({quote.citation for quote in reply.quotes}) == len(reply.quotes) == 3
    verbatim(bot, reply)


def test_a_question_with_one_answer_gets_one_quote(bot: Chatbot) -> None:
    reply = bot.reply("Waarvoor dient een ambtsbericht?")
    assert isinstance(reply, Answer)
    assert [quote.text for quote in reply.quotes] == [
        "Via een ambtsbericht kan het OM in stelling worden gebracht zodat het kan optreden."
    ]
    (citation, *_) = reply.citations
    assert citation.headings == ("Openbaar Ministerie",)
    assert citation.title == "Met wie werken wij samen?"
    assert citation.url is None
    assert reply.text == (
        "“Via een ambtsbericht kan het OM in stelling worden gebracht zodat het kan optreden.”\n"
        "Bron: Met wie werken wij samen? › Openbaar Ministerie"
    )


def test_a_follow_up_is_understood_by_the_question_before_it(bot: Chatbot) -> None:
    reply = bot.reply("en de burgemeesters?", history=[WHO])
    assert isinstance(reply, Answer)
    assert reply.quotes[0].text == "Burgemeesters zijn ook belangrijke afnemers van informatie van de AIVD."


def test_a_far_question_gets_silence_and_what_can_be_asked_instead(bot: Chatbot) -> None:
    reply = bot.reply("Hoe bak ik een appeltaart?")
    assert isinstance(reply, Abstention)
    assert reply.text == NO_ANSWER == "Dat staat niet in deze bronnen."
    assert reply.citations == ()
    assert reply.contact is None
    assert reply.suggestions
    for question in reply.suggestions:
        assert isinstance(bot.reply(question), Answer)


def test_silence_names_the_contact_where_one_is_set(aivd_index: Path) -> None:
    own = Settings(contact_text="Bel ons gerust.", contact_url="https://voorbeeld.nl/contact")
    with Chatbot.open(aivd_index, own) as bot:
        reply = bot.reply("Hoe bak ik een appeltaart?")
    assert reply.contact == Contact("Bel ons gerust.", "https://voorbeeld.nl/contact")
    assert reply.text == f"{NO_ANSWER}\n\nBel ons gerust. https://voorbeeld.nl/contact"


def test_the_cross_encoder_of_the_settings_says_what_is_quoted_first(
    aivd_index: Path, cross_encoder: Callable[..., Path]
) -> None:
    with Chatbot.open(aivd_index, Settings(reranker=str(cross_encoder("burgemeesters")))) as bot:
        reply, explanation = bot.reply_explained(WHO)
        verbatim(bot, reply)
    assert explanation.candidates[0].parts == ()  # no sum of parts orders them any more
    assert isinstance(reply, Answer)
    assert reply.quotes[0].text == "Burgemeesters zijn ook belangrijke afnemers van informatie van de AIVD."


@pytest.mark.parametrize(
    ("said", "answer"), [("Hoi!", "Hallo!"), ("dank je wel", "Graag gedaan."), ("doei", "Tot ziens!")]
)
def test_small_talk_gets_a_short_answer_without_quotes(bot: Chatbot, said: str, answer: str) -> None:
    reply = bot.reply(said)
    assert isinstance(reply, SmallTalk)
    assert reply.text.startswith(answer)


def test_html_in_a_question_is_text_like_any_other(bot: Chatbot) -> None:
    assert isinstance(bot.reply("<script>alert(1)</script>"), Abstention)
    reply = bot.reply("<b>Waarvoor</b> dient een ambtsbericht?")
    assert isinstance(reply, Answer)
    assert "ambtsbericht" in reply.quotes[0].text


def test_the_same_question_gets_the_same_reply(bot: Chatbot) -> None:
    assert bot.reply(WHO) == bot.reply(WHO)
    assert bot.reply(WHO).id != bot.reply("Wat doet de NCTV?").id
    assert len(bot.reply(WHO).id) == 16


def test_an_explanation_is_that_of_the_reply(bot: Chatbot) -> None:
    for judgment in read_judgments(JUDGMENTS):
        reply, explanation = bot.reply_explained(judgment.question, judgment.history)
        assert reply == bot.reply(judgment.question, judgment.history)
        assert explanation.decision
        if isinstance(reply, SmallTalk):
            assert (explanation.outcome, explanation.candidates) == ("smalltalk", ())
            continue
        subject, answer = explanation.judgements
        assert explanation.outcome == (
            "unrelated" if not subject.yes else "answered" if answer.yes else "related"
        )
        assert isinstance(reply, Answer) is (subject.yes and answer.yes)
        assert answer.counts is subject.yes
        cited = tuple(candidate.citation for candidate in explanation.candidates)
        assert cited[: len(reply.citations)] == reply.citations
        for candidate in explanation.candidates:
            # the score is the points, brought between 0 and 1 (fusion.to_unit_interval)
            points = candidate.points
            assert candidate.citation.score == pytest.approx(0.5 + 0.5 * points / (1 + abs(points)), abs=1e-5)
        if isinstance(reply, Answer):
            best = max(explanation.sentences, key=lambda sentence: sentence.score)
            assert best.quoted
            assert best.text in reply.quotes[0].text
            assert [one.quoted for one in explanation.sentences] == [
                one.text in reply.quotes[0].text for one in explanation.sentences
            ]
        else:
            assert explanation.sentences == ()


def test_an_explanation_tells_how_the_question_was_searched(bot: Chatbot) -> None:
    _, explanation = bot.reply_explained("en de burgermeester?", [WHO])
    assert explanation.joined
    assert explanation.searched == f"{WHO} en de Burgemeesters?"
    assert [(one.typed, one.searched) for one in explanation.corrections] == [
        ("burgermeester", "Burgemeesters")
    ]


def test_another_ranking_is_not_explained_by_the_weights_of_the_usual_one(aivd_index: Path) -> None:
    embedder = open_query_embedder(DEFAULT_EMBEDDER, None, None)
    index = Index.open(aivd_index, embedder.fingerprint)
    with Chatbot(Retriever(index, embedder, rankings()["bm25"]), Answerability.load()) as bot:
        reply, explanation = bot.reply_explained(WHO)
    assert not isinstance(reply, SmallTalk)
    assert explanation.candidates[0].citation == reply.citations[0]
    assert explanation.candidates[0].parts == ()
    assert explanation.ahead == ()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="aivd ?.,😀é\nopenbaar ministerie", min_size=1, max_size=60))
def test_whatever_is_asked_what_is_shown_is_verbatim(bot: Chatbot, question: str) -> None:
    if question.strip():
        verbatim(bot, bot.reply(question))


def test_the_judged_questions(bot: Chatbot) -> None:
    found = evaluate_judgments(bot, read_judgments(JUDGMENTS), "aivd")
    values = {name: measure.value for name, measure in found.measures.items()}
    assert values["passage@1"] >= 0.90
    assert values["quote"] >= 0.80
    assert values["false_refusal"] <= 0.05
    assert values["smalltalk"] == 1
    assert found.kinds["unanswerable-far"]["correct_refusal"] >= 0.95


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("", "Typ eerst een vraag."),
        (" \n\t ", "Typ eerst een vraag."),
        ("x" * 501, "Uw vraag is 501 tekens lang. Maak hem korter: hoogstens 500 tekens."),
        ("wat\ud800is", "Uw vraag bevat tekens die geen tekst zijn. Typ de vraag opnieuw."),
        ("wat\x00is", "Uw vraag bevat tekens die geen tekst zijn. Typ de vraag opnieuw."),
    ],
)
def test_a_question_outside_the_limits(question: str, message: str) -> None:
    with pytest.raises(QuestionError) as raised:
        checked_question(question)
    assert str(raised.value) == message


def test_the_limits_themselves_are_within() -> None:
    assert checked_question("  " + "x" * 500 + "\n") == "x" * 500
    assert checked_question("regel een\nregel twee") == "regel een\nregel twee"
    assert checked_history(["a", " "] * 5) == ("a",) * 5


def test_too_long_a_history() -> None:
    with pytest.raises(QuestionError, match="Er zijn 11 eerdere vragen meegestuurd"):
        checked_history(["a"] * 11)


@given(st.text(max_size=30))
def test_no_control_character_passes(question: str) -> None:
    try:
        passed = checked_question(question)
    except QuestionError:
        return
    assert not any(unicodedata.category(one) == "Cc" and one not in "\t\n\r" for one in passed)


def test_after_an_answer_other_passages_are_suggested_and_each_answers(bot: Chatbot) -> None:
    asked = "Wat doet het Openbaar Ministerie?"
    reply = bot.reply(asked)
    assert isinstance(reply, Answer)
    assert len(reply.suggestions) == 3
    assert asked not in reply.suggestions
    for question in reply.suggestions:
        assert isinstance(bot.reply(question, [asked]), Answer)


def test_a_corrected_word_is_told_before_the_answer(bot: Chatbot) -> None:
    reply = bot.reply("Waarvoor dient een amtsbericht?")
    assert isinstance(reply, Answer)
    assert reply.notice == "Gezocht op “ambtsbericht” in plaats van “amtsbericht”."
    assert reply.text.startswith(f"{reply.notice}\n\n“Via een ambtsbericht")
    assert bot.reply("Waarvoor dient een ambtsbericht?").notice is None


def test_a_name_that_may_be_meant_is_offered_where_it_is_answered(bot: Chatbot) -> None:
    reply = bot.reply("wat doet de MIFT?")
    assert isinstance(reply, Abstention)
    assert reply.notice == "Bedoelt u: “Wat doet de MIVD?”"
    assert reply.text.startswith(f"{reply.notice}\n\n")
    assert reply.suggestions[0] == "Wat doet de MIVD?"
    assert isinstance(bot.reply(reply.suggestions[0]), Answer)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(ASKED), min_size=1, max_size=5, unique=True))
def test_what_was_asked_is_never_suggested(bot: Chatbot, asked: list[str]) -> None:
    reply = bot.reply(asked[-1], asked[:-1])
    known = {subject_of(question) for question in asked}
    assert len(reply.suggestions) <= 3
    assert not [question for question in reply.suggestions if subject_of(question) in known]
    if isinstance(reply, Answer):
        quoted = {quote.span for quote in reply.quotes}
        for question in reply.suggestions:
            first = bot.reply(question)
            assert isinstance(first, Answer)
            assert first.quotes[0].span not in quoted


def test_five_turns_deep(bot: Chatbot) -> None:
    turns = (
        ("Wie krijgt informatie van de AIVD?", "De AIVD voorziet bestuurders"),
        ("en de burgemeesters?", "Burgemeesters zijn ook belangrijke afnemers"),
        ("wat is de ctg?", "De AIVD werkt ook samen in de Counter Terrorism Group (CTG)."),
        ("welke landen zitten daarin?", "Noorwegen en Zwitserland"),
        ("waar is die naar op zoek?", "De CTG is continu op zoek naar mogelijkheden"),
        ("wat doet de nctv?", "De NCTV bevordert de samenwerking"),
    )
    history: list[str] = []
    for question, expected in turns:
        reply = bot.reply(question, history)
        assert isinstance(reply, Answer), question
        assert expected in reply.quotes[0].text, question
        history.append(question)


@pytest.mark.parametrize(
    "question",
    [
        "bla " * 100,
        "Mijn hond is al drie dagen ziek en wil niet eten en drinken en hij ligt alleen maar in zijn mand "
        "en als ik hem mee naar buiten neem dan loopt hij een paar stappen en gaat weer liggen, wat kan ik "
        "het beste doen?",
    ],
)
def test_many_words_are_no_reason_to_answer(bot: Chatbot, question: str) -> None:
    assert isinstance(bot.reply(question), Abstention)


def test_what_stands_in_a_pdf_is_cited_with_its_page(tmp_path: Path) -> None:
    formats = Path(__file__).parent / "data" / "formats"
    folder = tmp_path / "corpus"
    folder.mkdir()
    shutil.copy(formats / "verslag.pdf", folder)
    shutil.copy(formats / "reisdocumenten.docx", folder)
    (folder / "bronnen.toml").write_text('["verslag.pdf"]\nurl = "https://x.example/verslag.pdf"\n')
    embedder = open_corpus_embedder(DEFAULT_EMBEDDER, None, None)
    update_index(read_corpus(folder), tmp_path / "index", lambda: embedder, embedder.fingerprint)
    with Chatbot.open(tmp_path / "index", Settings()) as bot:
        collected = bot.reply("Hoe vaak wordt restafval opgehaald?")
        price = bot.reply("Wat kost een paspoort?")
        verbatim(bot, collected)
        verbatim(bot, price)
    assert isinstance(collected, Answer)
    assert collected.quotes[0].text == "Restafval wordt eens per drie weken opgehaald."
    assert collected.citations[0].page == 2
    assert collected.citations[0].original_url == "https://x.example/verslag.pdf#page=2"
    assert "Bron: Jaarverslag afval › Restafval, p. 2" in collected.text
    assert isinstance(price, Answer)
    assert price.quotes[0].text == "Paspoort | € 83,87"
    assert price.citations[0].page is None


CALL = "Bel voor een afspraak met 14 010."
PAGES = {
    "oud.md": f"# Paspoort in 2023\n\nEen paspoort kost 60 euro aan de balie.\n\n{CALL}",
    "nieuw.md": f"# Paspoort\n\nEen paspoort kost 70 euro aan de balie.\n\n{CALL}",
    "hond.md": f"# Hondenbelasting\n\nVoor een hond betaalt u 85 euro belasting.\n\n{CALL}",
}
TODAY = date(2025, 5, 3)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bool], Chatbot]]:
    """Opens a chatbot over three pages, of which one holds no longer on the day that is today here."""
    folder = tmp_path_factory.mktemp("collection")
    corpus = folder / "corpus"
    corpus.mkdir()
    for name, text in PAGES.items():
        (corpus / name).write_text(text, "utf-8")
    (corpus / "bronnen.toml").write_text('["hond.md"]\npublisher = "Gemeente Ede"\ndate = 2024-01-01\n')
    reading = read_corpus(corpus)
    expired = [
        replace(one, provenance=replace(one.provenance, valid_until="2023-12-31"))
        if one.id == "oud.md"
        else one
        for one in reading.documents
    ]
    embedder = open_query_embedder(DEFAULT_EMBEDDER, None, None)
    update_index(
        replace(reading, documents=tuple(expired)),
        folder / "index",
        lambda: open_corpus_embedder(DEFAULT_EMBEDDER, None, None),
        embedder.fingerprint,
    )
    with Index.open(folder / "index", embedder.fingerprint) as index:
        yield lambda leaves_out: Chatbot(
            Retriever(index, embedder), Answerability.load(), None, leaves_out, lambda: TODAY
        )


COSTS = "Wat kost een paspoort aan de balie?"


def cited(reply: Reply) -> list[str]:
    assert not isinstance(reply, SmallTalk)
    return [citation.document_id for citation in reply.citations]


def test_what_holds_no_longer_is_marked(collection: Callable[[bool], Chatbot]) -> None:
    reply = collection(False).reply(COSTS)
    assert isinstance(reply, Answer)
    outdated = {citation.document_id: citation.is_outdated for citation in reply.citations}
    assert (outdated["oud.md"], outdated["nieuw.md"]) == (True, False)


def test_what_holds_no_longer_is_left_out_where_that_is_set(collection: Callable[[bool], Chatbot]) -> None:
    bot = collection(True)
    reply = bot.reply(COSTS)
    assert isinstance(reply, Answer)
    assert reply.quotes[0].text == "Een paspoort kost 70 euro aan de balie."
    assert "oud.md" not in cited(reply)
    then = bot.reply(COSTS, source_filter=SourceFilter(valid_on="2023-06-01", sources=("oud.md",)))
    assert isinstance(then, Answer)
    assert then.quotes[0].text == "Een paspoort kost 60 euro aan de balie."


def test_the_same_on_other_pages_is_told_with_the_citation(collection: Callable[[bool], Chatbot]) -> None:
    bot = collection(False)
    reply = bot.reply("Hoe maak ik een afspraak?")
    assert isinstance(reply, Answer)
    first = reply.citations[0]
    assert first.text == CALL
    assert first.other_place_count == 2
    assert {first.document_id, *(place.document_id for place in first.other_places)} == set(PAGES)
    for place in first.other_places:
        document = bot.library.document(place.document_id)
        assert document is not None
        assert document.text[place.span.start : place.span.end] == first.text
        assert document.title == place.title
    assert sum(citation.text == first.text for citation in reply.citations) == 1


def test_a_filter_leaves_the_other_sources_out(collection: Callable[[bool], Chatbot]) -> None:
    bot = collection(False)
    of_ede = SourceFilter(publishers=("gemeente ede",))
    reply = bot.reply("Wat betaal ik voor een hond?", source_filter=of_ede)
    assert isinstance(reply, Answer)
    assert set(cited(reply)) == {"hond.md"}
    assert reply.citations[0].other_place_count == 0
    assert reply.id != bot.reply("Wat betaal ik voor een hond?").id
    abstained = bot.reply(COSTS, source_filter=of_ede)
    assert isinstance(abstained, Abstention)
    assert set(cited(abstained)) <= {"hond.md"}


def test_a_filter_that_no_source_passes_is_told(collection: Callable[[bool], Chatbot]) -> None:
    reply = collection(False).reply(COSTS, source_filter=SourceFilter(since="2030-01-01"))
    assert isinstance(reply, Abstention)
    assert reply.text == "Geen enkele bron past bij de gekozen filters."
    assert reply.suggestions == ()
