from textwrap import dedent

from retrieval.conversation import SmallTalkKind
from retrieval.explanation import (
    PART_NAMES,
    Candidate,
    Contribution,
    Correction,
    Explanation,
    Judgement,
    Sentence,
    explain_small_talk,
)
from retrieval.explanation_text import WIDTH, explanation_text
from retrieval.fusion import WEIGHTS
from retrieval.records import Citation, Span


def candidate(number: int, *parts: Contribution, title: str = "Dieren", quoted: bool = False) -> Candidate:
    text = "De kat slaapt. Zij is moe."
    highlights = (Span(0, 26),) if quoted else ()
    return Candidate(
        Citation(number, "a.txt", title, ("Kop",), None, Span(9, 35), text, "ab" * 32, highlights, 0.9), parts
    )


def words(value: float) -> Contribution:
    return Contribution("words", "woorden", value, 3.0)


FULL = Explanation(
    outcome="answered",
    decision="Daarom.",
    searched="Slaapt de\nkat?",
    joined=True,
    corrections=(Correction("slapt", "slaapt"),),
    candidates=(candidate(1, words(0.5), quoted=True), candidate(2, words(0.25))),
    judgements=(Judgement("answer", "Antwoord?", (words(0.5),), -1.0, 0.622, 0.7, False),),
    sentences=(
        Sentence("De kat slaapt.", Span(9, 23), 0.9, 0.5, 0.5, ("jaar",), False, 0.89, True),
        Sentence("Zij is moe.", Span(24, 35), 0.7, 0.0, 0.5, (), True, 0.7, True),
    ),
)


def test_all_of_it_by_hand() -> None:
    assert explanation_text(FULL) == dedent("""\
        Waarom
        ------
        Daarom.
        Gezocht is (aangevuld met wat eerder gevraagd is): Slaapt de kat?
        Vervangen: slapt → slaapt

        Gevonden passages
        -----------------
        1. Dieren › Kop (geciteerd)
           De kat slaapt. Zij is moe.
           teken 9 tot 35: /bronnen/a.txt?v=abababab&start=9&end=35#p-9
        2. Dieren › Kop
           De kat slaapt. Zij is moe.
           teken 9 tot 35: /bronnen/a.txt?v=abababab&start=9&end=35#p-9

        Rangorde: punten = waarde × gewicht
        -----------------------------------
        waarde                                   gewicht    nr 1    nr 2
        woorden                                     3,00    0,50    0,25

        punten                                              nr 1    nr 2  nr 1−2
        woorden                                             1,50    0,75    0,75
        samen                                               1,50    0,75    0,75

        Oordeel: Antwoord?
        ------------------
                                                  waarde gewicht  punten
        woorden                                     0,50    3,00    1,50
        waarmee begonnen wordt                                     -1,00
        samen                                                       0,50
        Dat is een kans van 0,622; ja vanaf 0,700: nee.
        Dit oordeel telde niet meer: het vorige was al nee.

        Citaat: de zinnen van passage 1
        -------------------------------
        score = nabij + 0,05 × woorden + 0,12 × bekend
           − 0,10 als het gevraagde soort antwoord ontbreekt
           + 0,10 als er staat wat het gevraagde is
                                                   nabij woorden  bekend   score
        * De kat slaapt.                           0,900   0,500   0,500   0,890  beste, geciteerd, mist:
           jaar
        * Zij is moe.                              0,700   0,000   0,500   0,700  hoort erbij, geciteerd,
           zegt wat het is""")


def test_small_talk_has_nothing_but_its_reason() -> None:
    told = explanation_text(explain_small_talk(SmallTalkKind.THANKS))
    assert told == "Waarom\n------\nAls praatje herkend (een bedankje): er is niet in de bronnen gezocht."


def test_without_parts_there_is_no_table_of_them() -> None:
    told = explanation_text(Explanation("related", "Daarom.", "kat", candidates=(candidate(1),)))
    assert "Gevonden passages" in told
    assert "Rangorde" not in told


def test_the_introduction_of_a_list_may_be_best_where_an_item_is_quoted() -> None:
    introduction = Sentence("U krijgt:", Span(9, 18), 0.9, 0.0, 0.0, (), False, 0.9, False)
    item = Sentence("geld;", Span(19, 24), 0.8, 0.0, 0.0, (), False, 0.8, True)
    told = explanation_text(Explanation("answered", "Daarom.", "kat", sentences=(introduction, item)))
    assert [line.split("  ")[-1] for line in told.splitlines()[-2:]] == ["beste", "geciteerd"]


def test_lines_fit_whatever_is_in_them() -> None:
    parts = [Contribution(name, PART_NAMES[name], -12.345, weight) for name, weight in WEIGHTS.items()]
    candidates = tuple(candidate(number, *parts, title="titel " * 30) for number in range(1, 6))
    found = Explanation("related", "woord " * 40, "vraag " * 80, candidates=candidates)
    assert max(map(len, explanation_text(found).splitlines())) <= WIDTH
