import pytest

from retrieval.expectations import EXPECTATIONS, expectations_of, unmet


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("In welk jaar is de bibliotheek opgericht?", ("jaar",)),
        ("Wat kost een kopie?", ("bedrag",)),
        ("hoeveel leden heeft de raad", ("aantal",)),
        ("Hoe vaak komt de raad bijeen?", ("hoe vaak",)),
        ("hoelang duurt het", ("duur",)),
        ("Hoe laat gaat het loket open?", ("tijdstip",)),
        ("Hoe laat ik u dat weten?", ("wat u moet doen",)),
        ("Wanneer hoor ik iets?", ("moment",)),
        ("Waar is het archief gevestigd?", ("plaats",)),
        ("Waar is de raad naar op zoek?", ()),
        ("waar is dat goed voor", ()),
        ("Waar is het loket voor paspoorten?", ("plaats",)),
        ("In welke wet staat dat?", ("wet",)),
        ("Met welke landen werkt de raad samen?", ("land",)),
        ("Waarom werkt de dienst samen?", ("reden",)),
        ("Wie is de voorzitter?", ("wie de leiding heeft",)),
        ("Hoe vraag ik een kaart aan?", ("wat u moet doen",)),
        ("Kan ik bij jullie solliciteren?", ("hoe u zich aanmeldt",)),
        ("Wat is het telefoonnummer?", ("telefoonnummer of adres op internet",)),
        ("Welke drie gemeenten doen mee?", ("opsomming",)),
        ("Wie krijgt de informatie?", ()),
        ("Wat doet de raad?", ()),
        ("", ()),
    ],
)
def test_what_a_question_expects(question: str, names: tuple[str, ...]) -> None:
    assert tuple(expected.name for expected in expectations_of(question)) == names


@pytest.mark.parametrize(
    ("question", "holds", "lacks"),
    [
        (
            "In welk jaar is hij opgericht?",
            "De raad bestaat sinds 1998.",
            "De raad is opgericht door burgers.",
        ),
        ("Wat kost een kopie?", "Een kopie is gratis.", "Een kopie maakt u zelf."),
        ("Hoeveel leden heeft de raad?", "De raad telt twaalf leden.", "De leden van de raad wonen hier."),
        ("Hoeveel leden heeft de raad?", "Er zijn 12 raadsleden.", "De raad heeft 3 zalen."),
        ("Hoeveel mensen werken er?", "Er werken 40 inspecteurs.", "Wij werken met 3 gemeenten."),
        ("Hoeveel betaal ik?", "U betaalt 12 euro.", "U krijgt 12 dagen."),
        ("Hoeveel tijd heb ik?", "U hebt zes weken.", "U hebt zes formulieren."),
        ("Binnen hoeveel dagen moet dat?", "Binnen tien werkdagen.", "U krijgt tien formulieren."),
        ("Hoe vaak komt hij bijeen?", "De raad komt elke maand bijeen.", "De raad komt bijeen."),
        ("Hoe lang duurt het?", "Dat duurt twee weken.", "Wij nemen het in behandeling."),
        ("Hoe laat gaat het open?", "Het loket opent om 9.00 uur.", "Het loket gaat open."),
        ("Wanneer is dat?", "Dat is op maandag.", "Het gebeurt gezamenlijk."),
        ("Waar is het kantoor?", "U vindt ons aan de Marktstraat 3.", "Het kantoor verwerkt aanvragen."),
        ("Uit welk land komt dat?", "Dat komt uit Duitsland.", "Dat komt in Nederland nooit voor."),
        ("Welke landen doen mee?", "De Europese lidstaten en Noorwegen.", "De raad en Europol."),
        ("Waar zitten de liaisons?", "Op de Nederlandse ambassade.", "De liaisons werken samen."),
        ("Welke wet regelt dat?", "Dat staat in de Archiefwet.", "Dat is zo geregeld."),
        ("Waarom is dat zo?", "Dat is omdat het moet.", "Dat is de afspraak."),
        ("Wie is de voorzitter?", "Voorzitter is mevrouw Smit.", "De raad vergadert."),
        ("Hoe vraag ik een kaart aan?", "U vraagt hem aan met een formulier.", "De kaart is blauw."),
        ("Hoe kan ik solliciteren?", "Wij hebben vacatures: u kunt zich melden.", "De dienst heeft posten."),
        ("Wat is het telefoonnummer?", "Bel 088-1234567.", "U kunt het archief bezoeken."),
        ("Welke drie landen doen mee?", "Dat zijn Duitsland, België en Luxemburg.", "Drie landen doen mee."),
    ],
)
def test_whether_a_text_holds_it(question: str, holds: str, lacks: str) -> None:
    assert unmet(question, holds) == ()
    assert unmet(question, lacks) != ()


def test_a_question_of_no_kind_is_met_by_any_text() -> None:
    assert unmet("Wat doet de raad?", "") == ()


def test_names_are_of_one_kind_each() -> None:
    names = [expected.name for expected in EXPECTATIONS]
    assert len(set(names)) == len(names)
