import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from retrieval.passages import split_sentences
from retrieval.phrasing import questions_of
from retrieval.records import Passage, Span


def asked(text: str, *headings: str) -> list[str]:
    passage = Passage("a.txt", Span(0, len(text)), text, headings, split_sentences(text))
    return [made.text for made in questions_of([passage])[0]]


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("De NCTV bevordert de samenwerking.", ["Wat doet de NCTV?"]),
        ("Het Team Handhaving onderzoekt fraude.", ["Wat doet het Team Handhaving?"]),
        ("De vergunning geeft u het recht om te parkeren.", []),  # no name, and nothing that acts
        ("De gemeente maakt zelf geen pasfoto's.", []),  # what it does not do
        ("De commissie vergadert elke week.", []),  # which commissie, another sentence tells
        ("Een nieuwe pas kost 12,50 euro.", ["Wat kost een nieuwe pas?"]),
        ("Een melding is een signaal aan de politie.", ["Wat is een melding?"]),
        ("De pas is een jaar geldig.", []),
        ("De milieustraat is open van 9 tot 12 uur.", ["Wanneer is de milieustraat open?"]),
        ("De AIVD werkt samen met de MIVD.", ["Met wie werkt de AIVD samen?"]),
        ("Wij zijn lid van de Counter Terrorism Group (CTG).", ["Wat is de CTG?"]),
        ("Zij hebben Inlichtingendiensten (ID's).", ["Wat zijn ID's?"]),
        ("Wij gebruiken de Regionale Procedure (REP). Bij REP 1 wachten wij.", ["Wat is REP?"]),
        ("U vraagt de vergunning online aan.", ["Hoe vraag ik de vergunning aan?"]),
        ("De subsidie is bedoeld voor particulieren.", ["Voor wie is de subsidie bedoeld?"]),
        ("De bak is bedoeld voor glas.", ["Waarvoor is de bak bedoeld?"]),
        ("Dat kost 5 euro.", []),
    ],
)
def test_questions_of_a_sentence(text: str, questions: list[str]) -> None:
    assert asked(text) == questions


@pytest.mark.parametrize(
    ("heading", "text", "questions"),
    [
        ("Wat doet de wijkagent?", "Hij is op straat.", ["Wat doet de wijkagent?"]),
        ("Wat neemt u mee?", "Een foto.", ["Wat neem ik mee?"]),
        ("Met wie werken wij samen?", "Met velen.", []),  # "wij" are not those who ask
        ("Meer weten?", "Bel ons.", []),
        (
            "Openbaar Ministerie",
            "Zo helpt het Openbaar Ministerie.",
            ["Wat staat er over het Openbaar Ministerie?"],
        ),
        ("Milieustraat", "Bij de milieustraat kan dat.", ["Wat staat er over de milieustraat?"]),
        ("Feestdagen", "Wij zijn gesloten op feestdagen.", ["Wat staat er over feestdagen?"]),
        ("Afspraak maken", "Maak een afspraak.", ["Hoe kan ik een afspraak maken?"]),
        ("Afval maken", "Maak geen afval.", []),
        ("Kosten", "Wie betaalt de kosten?", ["Wat zijn de kosten?"]),
        ("Inleiding", "In de inleiding staat dat.", []),
        ("Afvalpas", "Neem afvalpas mee.", []),  # no article is shown
        ("Uw bezoek", "Bij het bezoek.", []),
    ],
)
def test_questions_of_a_heading(heading: str, text: str, questions: list[str]) -> None:
    assert asked(text, heading) == questions


def test_a_heading_is_asked_of_the_first_passage_below_it() -> None:
    texts = ("Bij de milieustraat kan dat.", "Daar is het druk.")
    passages = [
        Passage("a.txt", Span(0, 30), text, ("Milieustraat",), split_sentences(text)) for text in texts
    ]
    assert [len(made) for made in questions_of(passages)] == [1, 0]


NAMES = st.text("ABCDEFGHJKLM", min_size=2, max_size=4)
SUBJECTS = st.sampled_from(("brug", "raad", "pas", "kaart"))
SENTENCES = st.one_of(
    st.builds("De {0} is een {1} van de stad.".format, NAMES, SUBJECTS),
    st.builds("In de Grote {1} Groep ({0}) zitten leden.".format, NAMES, SUBJECTS),
    st.builds("De {0} bevordert de {1}.".format, NAMES, SUBJECTS),
    st.text("DeHt NCTV kosti een (AB).?", max_size=30),
)


@given(st.lists(SENTENCES, min_size=1, max_size=4).map(" ".join))
def test_whatever_the_text_a_question_is_one_and_has_its_source_in_the_passage(text: str) -> None:
    sentences = split_sentences(text)
    if not sentences:
        return
    passage = Passage("a.txt", Span(0, len(text)), text, (text[:40].strip(),), sentences)
    made_of = questions_of([passage])[0]
    event("made" if made_of else "none made")
    for made in made_of:
        assert made.text.endswith("?")
        assert 0 <= made.source.start < made.source.end <= len(text)


@pytest.mark.parametrize("text", ["De ABC is een brug van de stad.", "De ABC bevordert de raad."])
def test_the_sentences_of_that_property_do_make_questions(text: str) -> None:
    passage = Passage("a.txt", Span(0, len(text)), text, (), split_sentences(text))
    assert questions_of([passage])[0]
