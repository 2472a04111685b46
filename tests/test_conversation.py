import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.conversation import (
    SmallTalkKind,
    complete,
    leans_back,
    small_talk_kind,
    without_greeting,
)
from retrieval.records import Query

GREETING, THANKS, GOODBYE = SmallTalkKind.GREETING, SmallTalkKind.THANKS, SmallTalkKind.GOODBYE
ABILITIES, IDENTITY, WELLBEING = SmallTalkKind.ABILITIES, SmallTalkKind.IDENTITY, SmallTalkKind.WELLBEING


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Goedemiddag!", GREETING),
        ("hoooi", GREETING),
        ("Goede avond allemaal", GREETING),
        ("hallo chatbot", GREETING),
        ("Heel erg bedankt voor de snelle hulp", THANKS),
        ("badankt", THANKS),
        ("dank u wel!", THANKS),
        ("tot de volgende keer", GOODBYE),
        ("Fijne dag nog", GOODBYE),
        ("waar kun je mij mee helpen?", ABILITIES),
        ("Welke vragen kan ik stellen?", ABILITIES),
        ("Hoe werkt deze chatbot?", ABILITIES),
        ("Hallo, wat kan je?", ABILITIES),
        ("Wat ben jij eigenlijk?", IDENTITY),
        ("Ben je een mens?", IDENTITY),
        ("Spreek ik met een echt mens?", IDENTITY),
        ("Hoe gaat het vandaag met u?", WELLBEING),
        ("prima", SmallTalkKind.ASSENT),
    ],
)
def test_small_talk(said: str, kind: SmallTalkKind) -> None:
    assert small_talk_kind(said) is kind


@pytest.mark.parametrize(
    "question",
    [
        "Bedankt, en wat doet de NCTV?",
        "Kun je me helpen met mijn paspoort?",
        "Hallo, wie krijgt informatie van de AIVD?",
        "Hoe werkt de CT Infobox?",
        "Wie is de minister?",
        "Wat is de dag van de verkiezingen?",
        "hulp bij terrorisme",
        "Hoe heet de samenwerking met Europol?",
        "goede doelen",
        "",
        "?!",
    ],
)
def test_what_asks_about_the_texts_is_no_small_talk(question: str) -> None:
    assert small_talk_kind(question) is None


@pytest.mark.parametrize(
    "question",
    [
        "En de burgemeesters?",
        "Welke landen zitten daarin?",
        "Hoe houden ze contact?",
        "Waarop baseert die zijn maatregelen?",
        "Wat betekent dat?",
        "Via wie dan?",
        "Ook in het Caribisch gebied?",
        "Met welke organisaties?",
        "Waarom?",
        "Wat doen die daar?",
    ],
)
def test_a_follow_up_leans_back(question: str) -> None:
    assert leans_back(question)


@pytest.mark.parametrize(
    "question",
    [
        "Wat doet het Openbaar Ministerie?",
        "Met wie overlegt de CTG?",
        "Wat gebeurt er met mensen die niet in Nederland mogen blijven?",
        "Klopt het dat de AIVD samenwerkt met de politie?",
        "Wie zorgt ervoor dat diensten samenwerken?",
        "Wat is het dreigingsniveau op dit moment?",
        "Mijn code is weg. Wat betekent dat?",
        "Hoe bak ik een appeltaart?",
        "ambtsbericht",
        "CT infobox IND",
        "wat kost asbest",
    ],
)
def test_what_stands_by_itself_does_not(question: str) -> None:
    assert not leans_back(question)


def test_a_follow_up_is_joined_with_the_question_that_it_leans_on() -> None:
    query = complete("En de burgemeesters?", ["Hallo", "Wie krijgt informatie van de AIVD?", "dank je"])
    assert query == Query(
        "Wie krijgt informatie van de AIVD? En de burgemeesters?", own="En de burgemeesters?"
    )


def test_a_chain_keeps_where_it_started_and_the_last_turn() -> None:
    history = ["Wat is een ambtsbericht?", "Wat is de CTG?", "Wie zitten daarin?", "En Noorwegen?"]
    assert complete("Sinds wanneer dan?", history).text == "Wat is de CTG? En Noorwegen? Sinds wanneer dan?"


def test_a_turn_that_names_another_is_leant_on_alone_by_one_that_says_what_it_asks() -> None:
    history = ["Wat is de CTG?", "Welke landen zitten daarin?", "En de marechaussee?"]
    assert complete("Hoe houden ze contact?", history).text == "En de marechaussee? Hoe houden ze contact?"
    assert complete("En de IND?", history).text == "Wat is de CTG? En de marechaussee? En de IND?"


def test_another_subject_starts_anew() -> None:
    assert complete("Wat doet de NCTV?", ["Wat is de CTG?"]) == Query(
        "Wat doet de NCTV?", "Wat doet de NCTV?"
    )


def test_a_first_question_leans_on_nothing() -> None:
    assert complete("En de burgemeesters?").text == "En de burgemeesters?"
    assert complete("En de burgemeesters?", ["hoi"]).text == "En de burgemeesters?"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("Hallo, wie bent u van de wijkraad?", "wie bent u van de wijkraad?"),
        ("goedemorgen! wat kost het?", "wat kost het?"),
        ("Dagopvang, wat kost dat?", "Dagopvang, wat kost dat?"),
        ("Hallo", "Hallo"),
    ],
)
def test_a_greeting_before_a_question_is_no_part_of_it(typed: str, asked: str) -> None:
    assert without_greeting(typed) == asked


@given(st.text(max_size=80), st.lists(st.text(max_size=40), max_size=4))
def test_anything_typed_makes_a_query_that_ends_with_the_turn(question: str, history: list[str]) -> None:
    query = complete(question, history)
    assert query.text.endswith(query.own)
    assert query.own == without_greeting(question)
