import json
from importlib.resources import files
from math import exp, log

import pytest

from retrieval.answerability import Answerability, Features, Verdict, coverage, features_of
from retrieval.records import Hit, Passage, Query, Span
from retrieval.retriever import Search

JUDGE = Answerability(
    weights={"sentence": 1.0, "words": 2.0, "length": 0.0},
    intercept=-1.0,
    answered_from=0.6,
    related_from=0.3,
)


def features(sentence: float, words: float) -> Features:
    return Features(sentence=sentence, words=words, length=9.0)


def search(text: str, *, sentence_score: float, headings: tuple[str, ...] = ()) -> Search:
    passage = Passage("a.txt", Span(0, len(text)), text, headings, (Span(0, len(text)),))
    hit = Hit(0, passage, 0.9, 0.8, sentence_score, 1.0, (sentence_score,))
    return Search(Query("kat en hond", "kat en hond"), (hit,), background_level=0.5, background_spread=0.1)


def test_probability_by_hand() -> None:
    # -1 + 1 * 0.5 + 2 * 1 = 1.5
    assert JUDGE.probability(features(0.5, 1.0)) == pytest.approx(1 / (1 + exp(-1.5)))


def test_verdicts() -> None:
    assert JUDGE.verdict([features(0.5, 1.0), features(-9, 0)]) is Verdict.ANSWERED
    assert JUDGE.verdict([features(0.5, 0.0), features(9, 1)]) is Verdict.RELATED
    assert JUDGE.verdict([features(-0.5, 0.0)]) is Verdict.UNRELATED
    assert JUDGE.verdict([]) is Verdict.UNRELATED


def test_features_by_hand() -> None:
    found = search("De kat slaapt.", sentence_score=0.8, headings=("Honden",))
    (one,) = features_of(found, lambda _: "Dieren", rarity=lambda _: 1.0)
    assert one.sentence == pytest.approx(3)
    assert one.words == 1  # "kat" in the text, "hond" in the heading
    assert one.length == pytest.approx(log(3))


@pytest.mark.parametrize(
    ("terms", "held", "share"),
    [
        (["kat", "hond"], ["kat", "vis"], 0.5),
        (["kat"], ["kat"], 1.0),
        (["kat"], [], 0.0),
        ([], ["kat"], 0.0),
        # letters in common 8 and 9 of 8 + 10: 2 * 8 / 18
        (["informti"], ["informatie"], 2 * 8 / 18),
        # a part of a compound counts .85
        (["terrorism"], ["terrorismebestrijd"], 0.85),
        # short words within others are chance
        (["kat"], ["katholiek"], 0.0),
    ],
)
def test_coverage_by_hand(terms: list[str], held: list[str], share: float) -> None:
    assert coverage(terms, [1.0] * len(terms), held) == pytest.approx(share)


def test_rare_words_weigh_more() -> None:
    assert coverage(["kat", "hond"], [3.0, 1.0], ["kat"]) == pytest.approx(0.75)


def test_the_weights_of_the_package_name_every_feature() -> None:
    data = json.loads((files("retrieval") / "data" / "verdict.json").read_text("utf-8"))
    assert set(data) == {"weights", "intercept", "answered_from", "related_from"}
    judge = Answerability.load()
    assert set(judge.weights) == set(Features.__slots__)
    assert 0 < judge.related_from <= judge.answered_from < 1
