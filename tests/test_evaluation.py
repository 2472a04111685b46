import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.corpus import read_document
from retrieval.errors import JudgmentsError, QuestionError
from retrieval.evaluation import (
    BeirSet,
    Evaluation,
    Judgment,
    Measure,
    bootstrap,
    evaluate_beir,
    evaluate_judgments,
    read_beir,
    read_judgments,
    tabulate,
)
from retrieval.records import Abstention, Answer, Citation, Provenance, Quote, Reply, SmallTalk, Span

CALIBRATION = Path(__file__).parent / "data" / "calibration"
PAGES = [path for path in sorted(CALIBRATION.glob("*.*[dt]")) if path.with_suffix(".jsonl").exists()]

CAT = "De kat slaapt op\u00a0de mat."
DOG = "De hond blaft. De hond eet."
FISH = "De vis zwemt."
SENTENCES = (CAT, DOG, FISH)


class ThreeSentences:
    """Cites the sentences whose numbers the question names, quotes the first; "geen" finds nothing.

    A question after an earlier one names the numbers of both.
    """

    def reply(self, question: str, history: Sequence[str] = ()) -> Reply:
        if question == "lang":
            raise QuestionError("Uw vraag is te lang.")
        if question == "hallo":
            return SmallTalk("s", "Hallo!")
        numbers = [int(word) for asked in (*history, question) for word in asked if word.isdigit()]
        citations = tuple(
            _citation(place, SENTENCES[number]) for place, number in enumerate(numbers, start=1)
        )
        if question.startswith("geen"):
            return Abstention("a", "Dat staat niet in deze bronnen.", citations)
        quoted = citations[0].text.split(". ")[0]
        return Answer("q", quoted, (Quote(quoted, 1, Span(0, len(quoted))),), citations)


def _citation(number: int, text: str) -> Citation:
    span = Span(0, len(text))
    return Citation(number, "dieren.txt", "Dieren", (), None, span, text, "0" * 64, (), 1 / number)


def judgment(question: str, *gold: str, kind: str = "direct", history: tuple[str, ...] = ()) -> Judgment:
    return Judgment(question, kind, history, question, gold, answerable=bool(gold))


def measures(*judgments: Judgment) -> dict[str, float]:
    evaluation = evaluate_judgments(ThreeSentences(), judgments, "dieren")
    return {name: measure.value for name, measure in evaluation.measures.items()}


@pytest.mark.parametrize(
    ("question", "first", "among_three", "quote", "refused"),
    [
        ("vraag 1", 1, 1, 0, 0),  # cited first, but it is the first sentence of the passage that is quoted
        ("vraag 2 1", 0, 1, 0, 0),
        ("vraag 2 0 1", 0, 1, 0, 0),
        ("vraag 2 0 2 1", 0, 0, 0, 0),
        ("geen 1", 0, 0, 0, 1),  # what an abstention cites is no answer
    ],
)
def test_an_answerable_question(
    question: str, first: int, among_three: int, quote: int, refused: int
) -> None:
    assert measures(judgment(question, "De hond eet.")) == {
        "passage@1": first,
        "passage@3": among_three,
        "quote": quote,
        "false_refusal": refused,
    }


def test_the_quote_is_right_where_it_holds_a_gold_sentence() -> None:
    assert measures(judgment("vraag 2 1", "De hond eet.", "De vis zwemt."))["quote"] == 1
    assert measures(judgment("vraag 1 2", "De hond eet.", "De vis zwemt."))["quote"] == 0


def test_gold_is_compared_without_regard_to_the_kind_of_blanks() -> None:
    # the passage has a no-break space, this gold an ordinary one and a line end
    assert measures(judgment("vraag 0", "De kat slaapt op de\nmat."))["quote"] == 1
    assert measures(judgment("vraag 0", "De kat slaapt opde mat."))["quote"] == 0


def test_small_talk_as_the_answer_to_a_question_is_a_false_refusal() -> None:
    assert measures(judgment("hallo", "De vis zwemt.")) == {
        "passage@1": 0,
        "passage@3": 0,
        "quote": 0,
        "false_refusal": 1,
    }


@pytest.mark.parametrize(("question", "refused"), [("geen", 1), ("geen 1", 1), ("vraag 1", 0), ("hallo", 0)])
def test_an_unanswerable_question(question: str, refused: int) -> None:
    assert measures(judgment(question, kind="far")) == {"correct_refusal": refused}


@pytest.mark.parametrize(("question", "right"), [("hallo", 1), ("geen", 0), ("vraag 1", 0)])
def test_small_talk(question: str, right: int) -> None:
    assert measures(judgment(question, kind="smalltalk")) == {"smalltalk": right}


def test_a_follow_up_is_asked_with_its_history() -> None:
    assert measures(judgment("en 0?", FISH, history=("vraag 2",)))["passage@1"] == 1


def test_the_table_has_means_over_all_and_by_kind() -> None:
    evaluation = evaluate_judgments(
        ThreeSentences(),
        [
            judgment("vraag 2", FISH),
            judgment("vraag 0 2", FISH),
            judgment("geen 2", FISH, kind="followup"),
            judgment("geen", kind="far"),
            judgment("hallo", kind="smalltalk"),
        ],
        "dieren",
    )

    assert (evaluation.set, evaluation.questions) == ("dieren", 5)
    assert {name: measure.value for name, measure in evaluation.measures.items()} == {
        "passage@1": pytest.approx(1 / 3),
        "passage@3": pytest.approx(2 / 3),
        "quote": pytest.approx(1 / 3),
        "false_refusal": pytest.approx(1 / 3),
        "correct_refusal": 1,
        "smalltalk": 1,
    }
    assert evaluation.kinds == {
        "direct": {"passage@1": 0.5, "passage@3": 1, "quote": 0.5, "false_refusal": 0},
        "followup": {"passage@1": 0, "passage@3": 0, "quote": 0, "false_refusal": 1},
        "far": {"correct_refusal": 1},
        "smalltalk": {"smalltalk": 1},
    }


def test_a_table_as_json() -> None:
    evaluation = Evaluation("dieren", 2, {"quote": Measure(0.5, 0, 1)}, {"direct": {"quote": 0.5}})

    assert evaluation.to_json() == {
        "set": "dieren",
        "questions": 2,
        "measures": {"quote": {"value": 0.5, "low": 0, "high": 1}},
        "kinds": {"direct": {"quote": 0.5}},
    }


def test_a_question_outside_the_limits_is_named() -> None:
    with pytest.raises(JudgmentsError) as raised:
        measures(judgment("vraag 2", FISH), judgment("lang", FISH))

    assert str(raised.value) == "question 'lang' cannot be asked: Uw vraag is te lang."


VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(VALUES)
def test_an_interval_holds_the_mean_and_lies_between_the_values(values: list[float]) -> None:
    measure = bootstrap(values)

    assert measure.value == pytest.approx(math.fsum(values) / len(values))
    rounding = 1e-12
    assert min(values) - rounding <= measure.low <= measure.value + rounding
    assert measure.value - rounding <= measure.high <= max(values) + rounding


@given(st.floats(0, 1), st.integers(1, 30))
def test_the_interval_of_a_constant_has_no_width(value: float, count: int) -> None:
    measure = bootstrap([value] * count)

    assert (measure.low, measure.high) == (measure.value, measure.value)


@given(VALUES)
def test_an_interval_is_the_same_each_time(values: list[float]) -> None:
    assert bootstrap(values) == bootstrap(values)


def test_the_interval_of_a_coin_is_that_of_the_binomial() -> None:
    # 100 tosses, half of them heads: 95 % of the resamples lie within 1.96 × √(0.25 / 100) = 0.098
    measure = bootstrap([0, 1] * 50)

    assert measure.value == 0.5
    assert measure.low == pytest.approx(0.402, abs=0.011)
    assert measure.high == pytest.approx(0.598, abs=0.011)


def test_more_questions_make_the_interval_narrower() -> None:
    few, many = bootstrap([0, 1] * 10), bootstrap([0, 1] * 1000)

    assert many.high - many.low < (few.high - few.low) / 5


def test_no_outcome_makes_an_empty_table() -> None:
    assert tabulate("niets", []) == Evaluation("niets", 0, {}, {})


JUDGED = {
    "id": "d001",
    "kind": "followup",
    "history": ["Wat doet de kat?"],
    "question": "En de vis?",
    "gold": ["De vis zwemt."],
    "answerable": True,
}


def written(path: Path, *rows: Mapping[str, Any] | str) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def reading_error(path: Path) -> str:
    with pytest.raises(JudgmentsError) as raised:
        read_beir(path) if path.is_dir() else read_judgments(path)
    return str(raised.value)


def test_a_file_of_judged_questions_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "vragen.jsonl", JUDGED, "", {**JUDGED, "id": "d002", "note": "and more"})

    expected = Judgment("d001", "followup", ("Wat doet de kat?",), "En de vis?", ("De vis zwemt.",), True)
    first, second = read_judgments(path)
    assert first == expected
    assert second.id == "d002"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({**JUDGED, "answerable": "ja"}, "expected true or false under 'answerable', found 'ja'"),
        ({**JUDGED, "id": 7}, "expected a text under 'id', found 7"),
        (
            {key: value for key, value in JUDGED.items() if key != "question"},
            "expected a text under 'question', found None",
        ),
        ({**JUDGED, "gold": "De vis."}, "expected a list of texts under 'gold', found 'De vis.'"),
        ({**JUDGED, "history": [1]}, "expected a list of texts under 'history', found [1]"),
        ('{"id": }', "not JSON (Expecting value); expected one JSON object a line"),
        ('["d001"]', "expected a JSON object, found '[\"d001\"]'"),
    ],
)
def test_a_line_that_is_no_judged_question_is_named(
    row: Mapping[str, Any] | str, problem: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "vragen.jsonl", JUDGED, "", row)

    assert reading_error(path) == f"{path}, line 3: {problem}"


def test_a_file_without_questions(tmp_path: Path) -> None:
    path = written(tmp_path / "vragen.jsonl", "", "")

    assert reading_error(path) == f"{path}: no question found; expected one JSON object a line"


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "vragen.jsonl"

    assert reading_error(path) == (
        f"{path} cannot be read: [Errno 2] No such file or directory: '{path}'; "
        "expected a UTF-8 file of one JSON object a line"
    )


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "vragen.jsonl"
    path.write_bytes(b'{"id": "caf\xe9"}')

    assert reading_error(path) == (
        f"{path} cannot be read: 'utf-8' codec can't decode byte 0xe9 in position 11: "
        "invalid continuation byte; expected a UTF-8 file of one JSON object a line"
    )


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    """Three documents and four questions, of which the last is not judged."""
    folder = tmp_path / "dieren"
    written(
        folder / "corpus.jsonl",
        {"_id": "kat", "title": "Katten", "text": CAT},
        {"_id": "hond", "title": None, "text": DOG},
        {"_id": "vis", "text": FISH, "metadata": {}},
    )
    written(
        folder / "queries.jsonl",
        *({"_id": f"q{number}", "text": f"vraag {number}"} for number in range(1, 5)),
    )
    written(
        folder / "qrels/test.tsv",
        "query-id\tcorpus-id\tscore",
        "q1\tkat\t1",
        "q2\tkat\t2",
        "q2\tvis\t1",
        "q3\thond\t1",
    )
    return folder


def test_a_beir_folder_is_read(beir: Path) -> None:
    assert read_beir(beir) == BeirSet(
        "dieren",
        {"kat": ("Katten", CAT), "hond": ("", DOG), "vis": ("", FISH)},
        {"q1": "vraag 1", "q2": "vraag 2", "q3": "vraag 3", "q4": "vraag 4"},
        {"q1": {"kat": 1}, "q2": {"kat": 2, "vis": 1}, "q3": {"hond": 1}},
    )


def test_the_measures_of_a_beir_folder_are_those_of_trec(beir: Path) -> None:
    rankings = {"vraag 1": ["vis", "kat", "hond"], "vraag 2": ["vis", "kat"], "vraag 3": []}

    evaluation = evaluate_beir(read_beir(beir), rankings.__getitem__)

    # q1: the one that counts is second; q2: gains 1, 2 where 2, 1 is best; q3: nothing is found
    second = 1 / math.log2(3)
    ndcg = (second + (1 + 2 * second) / (2 + second) + 0) / 3
    expected = {
        "nDCG@10": pytest.approx(ndcg),
        "MRR@10": pytest.approx((1 / 2 + 1 + 0) / 3),
        "Recall@5": pytest.approx((1 + 1 + 0) / 3),
    }
    assert (evaluation.set, evaluation.questions) == ("dieren", 3)
    assert {name: measure.value for name, measure in evaluation.measures.items()} == expected
    assert evaluation.kinds == {"question": expected}


@pytest.mark.parametrize(
    ("place", "ndcg", "reciprocal", "recall"),
    [
        (1, 1, 1, 1),
        (5, 1 / math.log2(6), 1 / 5, 1),
        (6, 1 / math.log2(7), 1 / 6, 0),
        (10, 1 / math.log2(11), 1 / 10, 0),
        (11, 0, 0, 0),
    ],
)
def test_the_measures_look_as_deep_as_they_say(
    place: int, ndcg: float, reciprocal: float, recall: float
) -> None:
    ranking = [f"ander {number:02}" for number in range(1, 13)]
    ranking[place - 1] = "kat"

    evaluation = evaluate_beir(BeirSet("dieren", {}, {"q": "kat?"}, {"q": {"kat": 1}}), lambda _: ranking)

    assert [measure.value for measure in evaluation.measures.values()] == [
        pytest.approx(ndcg),
        pytest.approx(reciprocal),
        recall,
    ]


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_folder_that_is_no_beir_folder(name: str, beir: Path) -> None:
    (beir / name).unlink()

    assert reading_error(beir) == f"{beir}: no {name} found; expected a BEIR folder with it"


@pytest.mark.parametrize(
    "row", ["q2 kat 1", "q2\tkat", "q2\tkat\thoog", "q2\t0\tkat\t1", "q2\tkat\t²", "q2\tkat\t--1"]
)
def test_a_line_of_qrels_that_judges_nothing_is_named(row: str, beir: Path) -> None:
    path = written(beir / "qrels/test.tsv", "query-id\tcorpus-id\tscore", "q1\tkat\t1", row)

    assert reading_error(beir) == (
        f"{path}, line 3: expected query-id, corpus-id and a whole score, tabs between"
    )


def test_qrels_may_be_without_a_header_and_hold_empty_lines(beir: Path) -> None:
    written(beir / "qrels/test.tsv", "q1\tkat\t1", "", "q2\tvis\t-1", "")

    assert read_beir(beir).relevant == {"q1": {"kat": 1}, "q2": {"vis": -1}}


def test_qrels_that_are_not_utf8(beir: Path) -> None:
    (beir / "qrels/test.tsv").write_bytes(b"q1\tcaf\xe9\t1\n")

    assert reading_error(beir) == (
        f"{beir / 'qrels/test.tsv'} cannot be read: 'utf-8' codec can't decode byte 0xe9 in position 6: "
        "invalid continuation byte; expected a UTF-8 file of query-id, corpus-id and a whole score a line"
    )


def test_qrels_of_other_questions(beir: Path) -> None:
    path = written(beir / "qrels/test.tsv", "query-id\tcorpus-id\tscore", "q9\tkat\t1")

    assert reading_error(beir) == f"{path}: judges no question of queries.jsonl; expected at least one"


def test_a_corpus_without_documents(beir: Path) -> None:
    path = written(beir / "corpus.jsonl", "")

    assert reading_error(beir) == f"{path}: no document found; expected one JSON object a line"


def test_a_document_without_a_text(beir: Path) -> None:
    path = written(beir / "corpus.jsonl", {"_id": "kat", "text": CAT}, {"_id": "hond", "title": "Honden"})

    assert reading_error(beir) == f"{path}, line 2: expected a text under 'text', found None"


def test_a_question_without_an_id(beir: Path) -> None:
    path = written(beir / "queries.jsonl", {"text": "vraag"})

    assert reading_error(beir) == f"{path}, line 1: expected a text under '_id', found None"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_sentence_that_is_to_answer_stands_in_the_page_as_it_is_read(page: Path) -> None:
    text = " ".join(read_document(page, page.name, Provenance()).text.split())
    for judgment in read_judgments(page.with_suffix(".jsonl")):
        assert all(" ".join(gold.split()) in text for gold in judgment.gold), judgment.id
