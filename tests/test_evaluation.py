import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from retrieval.corpus import read_document
from retrieval.errors import JudgmentsError, QuestionError
from retrieval.evaluation import (
    RESAMPLES,
    BeirSet,
    Evaluation,
    Found,
    Judgment,
    Measure,
    auc,
    bootstrap,
    bootstrap_auc,
    comparison_to_json,
    differences,
    evaluate_beir,
    evaluate_judgments,
    read_beir,
    read_judgments,
    tabulate,
    unknown_gold,
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
    quote = Measure(0.5, 0, 1, np.zeros(RESAMPLES))
    evaluation = Evaluation("dieren", 2, {"quote": quote}, {"direct": {"quote": 0.5}})

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


def test_an_auc_by_hand() -> None:
    # of the six pairs .9 wins both and .5 ties one and wins one, .1 loses one and ties one: 2 + 1.5 + .5
    assert auc([0.9, 0.5, 0.1], [0.5, 0.1]) == pytest.approx(4 / 6)
    assert auc([0.9], [0.1, 0.2]) == 1
    assert auc([0.1, 0.2], [0.9]) == 0


SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), min_size=1, max_size=20)


@given(SCORES, SCORES)
def test_an_auc_counts_pairs_as_scikit_learn_does(yes: list[float], no: list[float]) -> None:
    pairs = [(a > b) + (a == b) / 2 for a in yes for b in no]

    assert auc(yes, no) == pytest.approx(sum(pairs) / len(pairs))
    assert auc(yes, no) == pytest.approx(roc_auc_score([1] * len(yes) + [0] * len(no), yes + no))


def test_the_interval_of_an_auc() -> None:
    apart = bootstrap_auc([0.8, 0.9], [0.1, 0.2])
    # one yes above and one below all of the others: a resample holds the first 0, 1 or 2 times
    mixed = bootstrap_auc([0.9, 0.1], [0.4, 0.5, 0.6])

    assert (apart.value, apart.low, apart.high) == (1, 1, 1)
    assert (mixed.value, mixed.low, mixed.high) == (0.5, 0, 1)
    assert np.mean(mixed.resampled == 0.5) == pytest.approx(0.5, abs=0.05)


def test_the_interval_of_an_auc_is_as_wide_as_its_standard_error() -> None:
    # Hanley and McNeil 1982 for an AUC of .5 and n of each kind: variance (2 n + 1) / (12 n²), here .0017
    scores = [number / 200 for number in range(200)]
    measure = bootstrap_auc(scores[::2], scores[1::2])

    assert measure.value == pytest.approx(0.5, abs=0.01)
    assert measure.high - measure.low == pytest.approx(2 * 1.96 * math.sqrt(201 / 120_000), rel=0.1)


def only(measure: Measure) -> Evaluation:
    return Evaluation("dieren", 4, {"quote": measure}, {})


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_a_difference_is_that_of_each_question(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = (bootstrap(values) for values in zip(*pairs, strict=True))

    difference = differences(only(ours), only(theirs))["quote"]

    expected = bootstrap([our - their for our, their in pairs])
    assert difference.value == pytest.approx(expected.value)
    assert (difference.low, difference.high) == (
        pytest.approx(expected.low, abs=1e-12),
        pytest.approx(expected.high, abs=1e-12),
    )


def test_a_difference_of_areas_is_that_of_the_same_questions() -> None:
    area, same = (bootstrap_auc([0.1, 0.5, 0.9], [0.2, 0.6, 0.4]) for _ in range(2))

    difference = differences(only(same), only(area))["quote"]

    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_rankings_are_compared_with_the_first() -> None:
    first, second = only(bootstrap([0, 1, 0, 1])), only(bootstrap([1, 1, 1, 1]))

    one, other = comparison_to_json({"fused": first, "rrf": second})

    assert one == {"ranking": "fused", **first.to_json()}
    assert other == {
        "ranking": "rrf",
        **second.to_json(),
        # 1 0 1 0 question by question: one resample of 16 holds only ones, as many only zeros
        "difference": {"quote": {"value": 0.5, "low": 0, "high": 1}},
    }


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
        {},
    )


def test_other_questions_of_a_beir_folder(beir: Path) -> None:
    written(beir / "queries_typo.jsonl", {"_id": "q1", "text": "vrag 1"})

    read = read_beir(beir, "queries_typo.jsonl")

    assert (read.name, read.questions) == ("dieren/queries_typo", {"q1": "vrag 1"})


def found(*documents: str, answered: bool = True, subject: float = 1, answer: float = 1) -> Found:
    return Found(documents, answered, subject, answer)


def test_the_measures_of_a_beir_folder_are_those_of_trec(beir: Path) -> None:
    replies = {
        "vraag 1": found("vis", "kat", "hond"),
        "vraag 2": found("vis", "kat"),
        "vraag 3": found(answered=False),  # without labels nobody asks whether it is refused
    }

    evaluation = evaluate_beir(read_beir(beir), replies.__getitem__)

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

    beir = BeirSet("dieren", {}, {"q": "kat?"}, {"q": {"kat": 1}}, {})

    evaluation = evaluate_beir(beir, lambda _: found(*ranking))

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


HEADER = "query-id\tlabel"


@pytest.fixture
def labelled(beir: Path) -> Path:
    """The same folder with three questions more, and a label for each of the seven."""
    written(
        beir / "queries.jsonl",
        *({"_id": f"q{number}", "text": f"vraag {number}"} for number in range(1, 8)),
    )
    written(
        beir / "answerability.tsv",
        HEADER,
        *(f"q{number}\tanswerable" for number in (1, 2, 3)),
        "q4\tdoubtful",
        *(f"q{number}\tunanswerable-near" for number in (5, 6)),
        "q7\tunanswerable-far",
    )
    return beir


def test_labelled_questions_by_hand(labelled: Path) -> None:
    replies = {
        "vraag 1": found("kat", subject=0.9, answer=0.8),
        "vraag 2": found("kat", "vis", subject=0.6, answer=0.5),
        "vraag 3": found("vis", answered=False, subject=0.3, answer=0.4),
        "vraag 5": found("vis", subject=0.8, answer=0.6),
        "vraag 6": found("vis", answered=False, subject=0.7, answer=0.5),
        "vraag 7": found(answered=False, subject=0.3, answer=0.9),
    }

    evaluation = evaluate_beir(read_beir(labelled), replies.__getitem__)  # vraag 4, doubtful, is not asked

    third = pytest.approx(1 / 3)
    two_thirds = pytest.approx(2 / 3)
    assert (evaluation.set, evaluation.questions) == ("dieren", 6)
    assert {name: measure.value for name, measure in evaluation.measures.items()} == {
        "nDCG@10": two_thirds,
        "MRR@10": two_thirds,
        "Recall@5": two_thirds,
        "false_refusal": third,
        "correct_refusal": two_thirds,
        # answers .8 .5 .4 against .6 .5: 2 + .5 + 0 of six pairs
        "auc_near": pytest.approx(2.5 / 6),
        # subjects .9 .6 .3 against .3: 1 + 1 + .5 of three
        "auc_far": pytest.approx(2.5 / 3),
    }
    assert evaluation.kinds == {
        "answerable": {
            "nDCG@10": two_thirds,
            "MRR@10": two_thirds,
            "Recall@5": two_thirds,
            "false_refusal": third,
        },
        "unanswerable-near": {"correct_refusal": 0.5},
        "unanswerable-far": {"correct_refusal": 1},
    }


def test_a_kind_that_nobody_asked_has_no_measure(labelled: Path) -> None:
    written(labelled / "answerability.tsv", HEADER, "q1\tanswerable", "", "q7\tunanswerable-far")

    evaluation = evaluate_beir(read_beir(labelled), lambda _: found("kat"))

    assert list(evaluation.measures) == [
        "nDCG@10",
        "MRR@10",
        "Recall@5",
        "false_refusal",
        "correct_refusal",
        "auc_far",
    ]


LABELS = "answerable, unanswerable-near, unanswerable-far, doubtful"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("q4 doubtful", f"expected query-id, a tab, and one of {LABELS}; found 'q4 doubtful'"),
        ("q4\tmisschien", f"expected query-id, a tab, and one of {LABELS}; found 'q4\\tmisschien'"),
        ("q9\tdoubtful", "no question 'q9' is asked; expected one that is"),
        ("q1\tdoubtful", "'q1' is labelled twice; expected one label"),
        ("q5\tanswerable", "'q5' is answerable, but qrels/test.tsv names no document for it"),
    ],
)
def test_a_label_that_cannot_be_used_is_named(row: str, problem: str, labelled: Path) -> None:
    path = written(labelled / "answerability.tsv", HEADER, "q1\tanswerable", row)

    assert reading_error(labelled) == f"{path}, line 3: {problem}"


def test_labels_of_nothing_that_can_be_answered(labelled: Path) -> None:
    path = written(labelled / "answerability.tsv", HEADER, "q4\tdoubtful")

    assert reading_error(labelled) == f"{path}: labels no question as answerable; expected at least one"


SHIPPED = Path(__file__).parent / "data" / "beir"


@pytest.mark.parametrize(
    ("name", "queries", "texts", "asked"),
    [
        ("overheid-faq", "queries.jsonl", 90, {"question": 101}),
        ("overheid-faq", "queries_typo.jsonl", 90, {"question": 101}),
        ("algoritmekader", "queries.jsonl", 247, {"question": 120}),
        (
            "overheid-faq-onbeantwoord",
            "queries.jsonl",
            154,
            {"answerable": 176, "unanswerable-near": 33, "unanswerable-far": 80},
        ),
    ],
)
def test_the_sets_that_are_shipped_are_whole(
    name: str, queries: str, texts: int, asked: Mapping[str, int]
) -> None:
    beir = read_beir(SHIPPED / name, queries)

    assert len(beir.texts) == texts
    assert Counter(beir.kinds().values()) == asked
    assert {document for judged in beir.relevant.values() for document in judged} <= beir.texts.keys()


def test_sentences_that_are_to_answer_are_looked_for_in_the_texts() -> None:
    judgments = [
        Judgment("a", "direct", (), "Slaapt de kat?", ("De kat\nslaapt.", "Zij slaapt."), answerable=True),
        Judgment("b", "direct", (), "Blaft de hond?", ("De hond blaft.",), answerable=True),
        Judgment("c", "far", (), "Hoe laat is het?", (), answerable=False),
    ]
    texts = ["Kop\n\nDe\u00a0kat slaapt. Zij is moe.", "Zij slaapt niet."]
    assert unknown_gold(judgments, texts) == [("a", "Zij slaapt."), ("b", "De hond blaft.")]
    assert unknown_gold(judgments[2:], []) == []


def test_half_a_surrogate_pair_is_named(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n", "utf-8")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "Wat?"}\n', "utf-8")
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d", "text": "half \\ud83d"}\n', "utf-8")
    with pytest.raises(JudgmentsError, match=r"corpus.jsonl, line 1: half of a surrogate pair"):
        read_beir(tmp_path)
