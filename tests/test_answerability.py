import json
from dataclasses import replace
from importlib.resources import files
from math import exp, log
from pathlib import Path

import pytest

from retrieval.answerability import (
    Answerability,
    Features,
    Regression,
    Verdict,
    by_chance,
    features_of,
)
from retrieval.embedding import known_fingerprint
from retrieval.errors import BrokenVerdictError
from retrieval.records import Hit, Passage, Query, Span
from retrieval.retriever import Search
from retrieval.settings import DEFAULT_EMBEDDER

SUBJECT = Regression({"sentence": 1.0}, intercept=-1.0, yes_from=0.5)
ANSWER = Regression({"words": 4.0, "unmet": -2.0}, intercept=-1.0, yes_from=0.6)
JUDGE = Answerability(SUBJECT, ANSWER, embedder="woorden-1")


def features(sentence: float, words: float, unmet: float = 0) -> Features:
    return Features(sentence, letters=9.0, length=9.0, words=words, unmet=unmet)


def search(question: str, *sentences: str, nearest: int = 0, headings: tuple[str, ...] = ()) -> Search:
    text = " ".join(sentences)
    starts = [text.index(sentence) for sentence in sentences]
    spans = tuple(Span(start, start + len(one)) for start, one in zip(starts, sentences, strict=True))
    passage = Passage("a.txt", Span(0, len(text)), text, headings, spans)
    scores = tuple(float(number == nearest) for number in range(len(sentences)))
    hit = Hit(0, passage, 0.9, {"sentence": 3.0, "letters": 0.4}, scores)
    return Search(Query(question, question), (hit,), passages=20)


def test_probability_by_hand() -> None:
    # -1 + 4 * 0.5 - 2 * 1 = -1
    assert ANSWER.probability(features(0, 0.5, unmet=1)) == pytest.approx(1 / (1 + exp(1)))


def test_verdicts() -> None:
    assert JUDGE.verdict([features(1.0, 1.0), features(-9, 0)]) is Verdict.ANSWERED
    assert JUDGE.verdict([features(1.0, 0.0), features(9, 1)]) is Verdict.RELATED
    assert JUDGE.verdict([features(1.0, 0.5, unmet=1)]) is Verdict.RELATED
    assert JUDGE.verdict([features(0.9, 1.0)]) is Verdict.UNRELATED
    assert JUDGE.verdict([]) is Verdict.UNRELATED


def test_what_may_be_quoted_is_about_the_subject_and_answers() -> None:
    assert JUDGE.answers(features(1.0, 1.0))
    assert not JUDGE.answers(features(0.0, 1.0))
    assert not JUDGE.answers(features(1.0, 0.0))


def test_features_by_hand() -> None:
    found = search("kat en hond", "De kat slaapt.", headings=("Honden",))
    (one,) = features_of(found, lambda _: "Dieren", rarity=lambda _: 1.0)
    assert (one.sentence, one.letters) == (3.0, 0.4)
    assert one.words == 1  # "kat" in the text, "hond" in the heading
    assert one.length == pytest.approx(log(3))
    assert one.unmet == 0


def test_the_best_of_many_passages_must_be_nearer() -> None:
    # 3 * (sqrt(2 ln 2000) - sqrt(2 ln 20)) = 3 * (3.89893 - 2.44775)
    assert by_chance(2_000) == pytest.approx(4.3535, abs=1e-3)
    assert by_chance(20) == by_chance(3) == 0


@pytest.mark.parametrize(("told", "unmet"), [("Dat is omdat zij moe is.", 0.0), ("Dat is de afspraak.", 1.0)])
def test_a_kind_of_answer_is_looked_for_in_the_sentence_that_answers_best(told: str, unmet: float) -> None:
    found = search("Waarom slaapt de kat?", "De kat slaapt.", told, nearest=1)
    (one,) = features_of(found, lambda _: "Dieren", rarity=lambda _: 1.0)
    assert one.unmet == unmet


def test_the_weights_of_the_package_are_of_known_features() -> None:
    data = json.loads((files("retrieval") / "data" / "verdict.json").read_text("utf-8"))
    assert set(data) == {"subject", "answer", "embedder", "questions", "estimate"}
    assert data["embedder"] == known_fingerprint(DEFAULT_EMBEDDER, None, None)
    judge = Answerability.load()
    assert set(judge.subject.weights) | set(judge.answer.weights) == set(Features.__slots__)
    assert all(weight < 0 for name, weight in judge.answer.weights.items() if name.startswith("unmet"))
    assert 0 < judge.subject.yes_from < 1
    assert 0 < judge.answer.yes_from < 1


def test_the_features_of_a_hit_are_the_same_alone_and_among_others() -> None:
    one = search("kat en hond", "De kat slaapt.", "De hond blaft.", nearest=1)
    other = search("kat en hond", "Een vis zwemt.", headings=("Katten",))
    both = replace(one, hits=one.hits + other.hits)
    together = features_of(both, lambda _: "Dieren", rarity=len)
    alone = [features_of(found, lambda _: "Dieren", rarity=len)[0] for found in (one, other)]
    assert together == alone
    assert alone[0] != alone[1]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("[" * 100_000, "not JSON"),
        (
            '{"subject": {"weights": {}, "intercept": 1' + "0" * 400 + ', "yes_from": 0.5}}',
            "no whole regression",
        ),
    ],
)
def test_a_file_of_weights_that_no_computer_can_take_is_told_in_a_line(
    tmp_path: Path, content: str, found: str
) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(content, "utf-8")
    with pytest.raises(BrokenVerdictError) as raised:
        Answerability.load(path)
    assert str(raised.value).startswith(f"{path}: {found}")
