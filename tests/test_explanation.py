"""Explanations of small searches whose numbers can be worked out by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.answerability import Answerability, Features, Regression, features_of
from retrieval.conversation import SmallTalkKind
from retrieval.expectations import EXPECTATIONS
from retrieval.explanation import (
    FEATURE_NAMES,
    JUDGEMENT_NAMES,
    KIND_WORDS,
    PART_NAMES,
    SMALL_TALK_NAMES,
    Candidate,
    Correction,
    Explainer,
    Explanation,
    Grounds,
    explain_small_talk,
    number,
    value_needed,
)
from retrieval.fusion import WEIGHTS
from retrieval.records import Citation, Hit, Passage, Query, Span
from retrieval.retriever import Search

SUBJECT = Regression({"sentence": 2.0}, intercept=-1.0, yes_from=0.5)
ANSWER = Regression({"words": 4.0, "unmet": -2.0}, intercept=-1.0, yes_from=0.5)
EXPLAINER = Explainer(
    Answerability(SUBJECT, ANSWER, embedder="woorden-1"), {"sentence": 0.5, "words": 3.0}, lambda _: 1.0
)


def passage(text: str, *sentences: str) -> Passage:
    starts = [text.index(sentence) for sentence in sentences]
    spans = tuple(Span(start, start + len(one)) for start, one in zip(starts, sentences, strict=True))
    return Passage("dieren.txt", Span(0, len(text)), text, ("Kop",), spans)


CAT = passage("De kat slaapt. Zij is moe.", "De kat slaapt.", "Zij is moe.")
DOG = passage("De hond blaft.", "De hond blaft.")


def hit(found: Passage, sentence: float, words: float) -> Hit:
    scores = tuple(0.9 - 0.2 * place for place in range(len(found.sentences)))
    return Hit(0, found, 0.9, {"sentence": sentence, "words": words, "letters": 0.0, "passage": 7.0}, scores)


def citation(place: int, found: Hit, *quoted: Span) -> Citation:
    own = found.passage
    return Citation(
        place,
        own.document_id,
        "Dieren",
        own.headings,
        None,
        own.span,
        own.text,
        "0" * 64,
        quoted,
        found.score,
    )


def explained(
    question: str,
    hits: Sequence[Hit],
    typed: str | None = None,
    quoted: tuple[Span, ...] = (),
    explainer: Explainer = EXPLAINER,
) -> Explanation:
    """The explanation of a search with these hits, by the two regressions above."""
    search = Search(Query(question, question), tuple(hits), passages=20)
    features = features_of(search, lambda _: "Dieren", explainer.rarity)
    typed = typed or question
    grounds = Grounds(Query(typed, typed), search, features, explainer.judge.verdict(features))
    citations = [citation(place, one, *quoted[: place == 1]) for place, one in enumerate(hits, start=1)]
    return explainer.explain(grounds, citations)


def test_what_an_answer_was_made_from_by_hand() -> None:
    found = explained(
        "Waar slaapt de kat?",
        [hit(CAT, 2.0, 0.5), hit(DOG, 3.0, 0.1)],
        typed="Waar slapt de kat?",
        quoted=(Span(0, 26),),
    )
    assert found.outcome == "answered"
    assert found.searched == "Waar slaapt de kat?"
    assert not found.joined
    assert found.corrections == (Correction("slapt", "slaapt"),)

    first, second = found.candidates
    # .5 * 2 and 3 * .5; .5 * 3 and 3 * .1
    assert [(part.name, part.weight, part.value) for part in first.parts] == [
        ("sentence", 0.5, 2.0),
        ("words", 3.0, 0.5),
    ]
    assert [part.points for part in first.parts] == pytest.approx([1.0, 1.5])
    assert [part.points for part in second.parts] == pytest.approx([1.5, 0.3])
    assert (first.points, second.points) == pytest.approx((2.5, 1.8))
    assert [(one.name, pytest.approx(one.points)) for one in found.ahead] == [
        ("sentence", -0.5),
        ("words", 1.2),
    ]

    subject, answer = found.judgements
    # 2 * 2 - 1 = 3; all words are met ("waar" counts: it is no stop word), 4 * 2/3 - 1
    assert [one.points for one in subject.features] == pytest.approx([4.0])
    assert subject.probability == pytest.approx(1 / (1 + math.exp(-3)))
    assert (subject.yes, subject.counts, subject.intercept, subject.yes_from) == (True, True, -1.0, 0.5)
    assert [(one.name, one.value) for one in answer.features] == [
        ("words", pytest.approx(2 / 3)),
        ("unmet", 0),
    ]
    assert answer.probability == pytest.approx(1 / (1 + math.exp(-(8 / 3 - 1))))
    assert found.decision == (
        "Beide oordelen zijn ja: de passage gaat over het onderwerp, en het antwoord staat erin. "
        "Wat de doorslag gaf: beste zin lijkt op de vraag, woorden van de vraag in de passage."
    )

    best, other = found.sentences
    # .9 + .05 * 2/3 + .12 * 2/3; .7 + 0 + .12 * 2/3
    assert (best.text, best.span, best.quoted) == ("De kat slaapt.", Span(0, 14), True)
    assert (best.nearness, best.words, best.known, best.score) == pytest.approx(
        (0.9, 2 / 3, 2 / 3, 0.9 + 0.34 / 3)
    )
    assert (other.text, other.quoted) == ("Zij is moe.", True)
    assert other.score == pytest.approx(0.78)


def test_what_is_not_quoted_is_told_apart() -> None:
    found = explained("slaapt kat", [hit(CAT, 2.0, 0.5)], quoted=(Span(0, 14),))
    assert [one.quoted for one in found.sentences] == [True, False]
    assert found.ahead == ()


def test_too_far_from_the_question() -> None:
    # 2 * .2 - 1 < 0; from .5 it is 0, which is a half
    found = explained("kat", [hit(CAT, 0.2, 0.5)])
    assert found.outcome == "unrelated"
    assert (
        found.decision
        == "Geen zin ligt dicht genoeg bij de vraag: de beste zin haalt 0,20, en 0,50 was nodig."
    )
    assert [(one.name, one.yes, one.counts) for one in found.judgements] == [
        ("subject", False, True),
        ("answer", True, False),
    ]
    assert found.sentences == ()


def test_a_kind_of_answer_that_is_missing() -> None:
    # 4 * 2/3 - 1 - 2 < 0, and without the missing year above 0
    found = explained("In welk jaar slaapt de kat?", [hit(CAT, 2.0, 0.5)])
    assert found.outcome == "related"
    assert (
        found.decision
        == "De vraag vraagt om een jaartal, en dat staat niet in de zin die er het beste bij past."
    )
    assert found.sentences == ()


def test_too_few_words() -> None:
    # one of three words is met: 4/3 - 1 > 0; one of five: 4/5 - 1 < 0, and from 1/4 it is 0
    found = explained("kat vis paard muis koe", [hit(CAT, 2.0, 0.5)])
    assert found.outcome == "related"
    assert found.decision == (
        "Van de woorden van de vraag staat te weinig in deze passage: 20 %, en 25 % was nodig."
    )


def test_shares_that_round_to_the_same_percent_have_a_decimal() -> None:
    # one of five words is met: 4/5 - 0.816 < 0, and from 0.816 / 4 = 20.4 % it is 0
    judge = replace(EXPLAINER.judge, answer=replace(ANSWER, intercept=-0.816))
    found = explained(
        "kat vis paard muis koe", [hit(CAT, 2.0, 0.5)], explainer=replace(EXPLAINER, judge=judge)
    )
    assert found.decision == (
        "Van de woorden van de vraag staat te weinig in deze passage: 20,0 %, en 20,4 % was nodig."
    )


def test_too_few_words_and_a_kind_of_answer_that_is_missing() -> None:
    # 0 - 1 is not enough without the missing kind either; with it 4 * words = 3 would be needed
    found = explained("Hoe duur is de muis?", [hit(CAT, 2.0, 0.5)])
    assert found.decision == (
        "Van de woorden van de vraag staat te weinig in deze passage: 0 %, en 75 % was nodig. "
        "De vraag vraagt om een bedrag, en dat staat niet in de zin die er het beste bij past."
    )


def test_a_kind_of_answer_that_is_there() -> None:
    year = passage("De kat slaapt sinds 2019.", "De kat slaapt sinds 2019.")
    found = explained("In welk jaar slaapt de kat?", [hit(year, 2.0, 0.5)])
    assert found.decision == (
        "Beide oordelen zijn ja: de passage gaat over het onderwerp, en het antwoord staat erin. "
        "De vraag vraagt om een jaartal, en dat staat in de zin die er het beste bij past. "
        "Wat de doorslag gaf: beste zin lijkt op de vraag, woorden van de vraag in de passage."
    )


def test_nothing_found() -> None:
    found = explained("kat", [])
    assert (found.outcome, found.decision) == ("unrelated", "Er is geen enkele passage gevonden.")
    assert (found.candidates, found.judgements, found.ahead) == ((), (), ())


def test_a_ranking_that_is_no_weighted_sum_has_no_parts() -> None:
    explainer = replace(EXPLAINER, weights={})
    search = Search(Query("kat", "kat"), (hit(CAT, 2.0, 0.5), hit(DOG, 1.0, 0.0)), passages=20)
    features = features_of(search, lambda _: "Dieren", explainer.rarity)
    grounds = Grounds(search.query, search, features, explainer.judge.verdict(features))
    found = explainer.explain(grounds, [citation(1, search.hits[0]), citation(2, search.hits[1])])
    assert [one.parts for one in found.candidates] == [(), ()]
    assert found.ahead == ()


@pytest.mark.parametrize("kind", SmallTalkKind)
def test_small_talk(kind: SmallTalkKind) -> None:
    found = explain_small_talk(kind)
    assert found.outcome == "smalltalk"
    assert found.searched is None
    assert found.decision.startswith("Als praatje herkend (")
    assert SMALL_TALK_NAMES[kind] in found.decision


def test_everything_has_a_dutch_name() -> None:
    assert set(PART_NAMES) == set(WEIGHTS)
    assert set(FEATURE_NAMES) == set(Features.__slots__)
    assert set(JUDGEMENT_NAMES) == set(Answerability.__slots__) - {"embedder"}
    assert set(KIND_WORDS) == {expectation.name for expectation in EXPECTATIONS}


@given(st.floats(-5, 5), st.floats(0.1, 5), st.floats(-5, 5), st.floats(0.05, 0.95))
def test_with_the_value_needed_the_probability_is_where_yes_begins(
    value: float, weight: float, intercept: float, yes_from: float
) -> None:
    regression = Regression({"sentence": weight, "words": 1.0}, intercept, yes_from)
    features = Features(value, letters=0, length=0, words=0.3, unmet=0)
    needed = value_needed(regression, features, "sentence")
    assert regression.probability(replace(features, sentence=needed)) == pytest.approx(yes_from)


def test_a_feature_without_weight_can_never_be_enough() -> None:
    features = Features(1, letters=1, length=1, words=1, unmet=1)
    assert value_needed(ANSWER, features, "letters") == math.inf
    assert value_needed(ANSWER, features, "unmet") == math.inf


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=300).filter(str.strip))
def test_first_words_are_the_start_on_one_short_line(text: str) -> None:
    own = citation(1, hit(DOG, 0, 0))
    words = Candidate(replace(own, text=text), ()).first_words
    assert len(words) <= 82
    start = words.removesuffix(" …")
    assert start
    assert " ".join(text.split()).startswith(start)


def test_numbers_as_dutch_readers_write_them() -> None:
    assert (number(1234.5), number(-0.001), number(-0.126, 1)) == ("1234,50", "0,00", "-0,1")
