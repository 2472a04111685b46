import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval.answerability import Answerability, Features, Regression
from retrieval.building import update_index
from retrieval.calibration import (
    ANSWER,
    NOTHING_KNOWN,
    REMOVED,
    Margins,
    Prior,
    Row,
    asked,
    calibrate,
    calibrated,
    counts_of,
    folds_of,
    groups_of,
    left_out,
    measures_of,
    not_answering,
    priors_from,
    warnings_of,
)
from retrieval.cli import main
from retrieval.corpus import read_corpus
from retrieval.embedding import open_query_embedder
from retrieval.errors import BrokenVerdictError, JudgmentsError
from retrieval.evaluation import ANSWERABLE, FAR, NEAR, Judgment, holds_gold, read_judgments
from retrieval.index import Index
from retrieval.ranking import Vectors
from retrieval.records import Hit, Passage, Span
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER

ROOT = Path(__file__).parent.parent
AIVD = ROOT / "tests" / "data" / "questions" / "aivd.jsonl"
SHIPPED = Answerability.load()
OTHER = "woorden-1"


def row(kind: str, strength: float, *gold: str, origin: str = "a", unmet: float = 0) -> Row:
    features = Features(
        sentence=strength,
        letters=strength / 4,
        length=1.5,
        words=strength / 4,
        unmet=unmet,
    )
    return Row(origin, kind, gold, features)


def separable(each: int, origin: str = "a") -> list[Row]:
    """What answers stands out by 3 or more, what is near by 2 or more, what is far by 1 at most."""
    rows = []
    for number in range(each):
        more = number / each
        rows += [
            row(ANSWERABLE, 3 + more, f"{origin}{number}.", origin=origin),
            row(NEAR, 2 + more, origin=origin, unmet=1),
            row(FAR, more, origin=origin, unmet=number % 2),
            row(REMOVED, 1.5 + more, f"{origin}{number}.", origin=origin, unmet=1),
        ]
    return rows


def test_what_is_separable_is_learnt_with_the_right_signs() -> None:
    judge = calibrated(separable(40), priors_from(SHIPPED, OTHER))
    assert judge.embedder == OTHER
    assert judge.subject.weights["sentence"] > 0
    assert judge.answer.weights["words"] > 0
    assert judge.answer.weights["unmet"] < 0
    assert judge.answers(row(ANSWERABLE, 4).features)
    assert not judge.answers(row(NEAR, 2, unmet=1).features)
    assert not judge.subject.says_yes(row(FAR, 0).features)


def test_without_evidence_what_is_known_comes_back() -> None:
    assert calibrated([], priors_from(SHIPPED, SHIPPED.embedder)) == SHIPPED


def test_much_evidence_outweighs_what_is_known() -> None:
    wrong = Regression({"letters": 0.0, "words": -3.0, "unmet": 3.0}, 0.0, 0.5)
    known = Answerability(SHIPPED.subject, wrong, OTHER)
    few, many = (calibrated(separable(each), priors_from(known, OTHER)).answer for each in (2, 500))
    assert few.weights["unmet"] > 2
    assert many.weights["unmet"] < 0 < many.weights["words"]


def test_weights_of_another_embedder_are_not_started_from() -> None:
    assert priors_from(SHIPPED, OTHER).answer == NOTHING_KNOWN
    assert isinstance(priors_from(SHIPPED, SHIPPED.embedder).answer, Prior)
    assert priors_from(SHIPPED, SHIPPED.embedder).answer.regression == SHIPPED.answer


def test_questions_that_share_an_answer_are_one_group() -> None:
    rows = [row(ANSWERABLE, 3, *gold) for gold in (["a"], ["a", "b"], ["b"], ["c"], [], [])]
    first, second, third, *others = groups_of(rows).tolist()
    assert first == second == third
    assert len({first, *others}) == 4


def test_folds_hold_whole_groups_and_a_part_of_each_kind() -> None:
    rows = separable(20)
    folds = folds_of(rows)
    for group in set(groups_of(rows).tolist()):
        assert len(set(folds[groups_of(rows) == group].tolist())) == 1
    far = [fold for fold, one in zip(folds.tolist(), rows, strict=True) if one.kind == FAR]
    assert sorted(far) == sorted([0, 1, 2, 3, 4] * 4)


def test_a_question_is_judged_by_a_fit_that_has_not_seen_its_answer() -> None:
    """Two sets over the same sentences: nothing is left to fit on but what has no gold."""
    rows = separable(6) + [
        Row("b", one.kind, one.gold, one.features) for one in separable(6) if one.kind == ANSWERABLE
    ]
    margins = left_out(rows, priors_from(SHIPPED, SHIPPED.embedder))
    # without answerable questions neither regression has two sides: the known weights judge set b
    known = [SHIPPED.answer.logit(one.features) for one in rows[-6:]]
    bound = np.log(SHIPPED.answer.yes_from / (1 - SHIPPED.answer.yes_from))
    apart = [one for one in rows[:-6] if one.kind in (NEAR, FAR)]
    assert not any(one.kind in ANSWER.yes for one in apart)
    np.testing.assert_allclose(margins.answer[-6:], np.array(known) - bound)


def test_measures_by_hand() -> None:
    rows = [row(kind, 0) for kind in (ANSWERABLE, ANSWERABLE, FAR, NEAR, NEAR, REMOVED)]
    margins = Margins(np.array([1, -1, -2, 1, 1, 1.0]), np.array([2, 3, 1, -1, 2, 5.0]))
    found = {name: measure.value for name, measure in measures_of(rows, margins).items()}
    # near: of four pairs 2 > -1, 3 > -1 and 3 > 2 are won, 2 and 2 are even
    assert found == {
        "false_refusals": 0.5,
        "far_refused": 1.0,
        "near_refused": 0.5,
        "auc_far": 1.0,
        "auc_near": 3.5 / 4,
    }


def test_too_few_questions() -> None:
    with pytest.raises(JudgmentsError, match="found 19 answerable questions, expected at least 20"):
        calibrate(separable(19), priors_from(SHIPPED, SHIPPED.embedder))
    without_far = [one for one in separable(20) if one.kind != FAR]
    with pytest.raises(JudgmentsError, match="found 0 questions of kind unanswerable-far and 40"):
        calibrate(without_far, priors_from(SHIPPED, OTHER))
    judge = calibrate(without_far, priors_from(SHIPPED, SHIPPED.embedder)).judge
    assert judge.subject.weights == SHIPPED.subject.weights
    (warning,) = warnings_of(counts_of(without_far))
    assert warning.startswith("found 0 questions of kind unanswerable-far, expected at least 5")


def test_what_is_left_never_answers() -> None:
    texts = ("De kat slaapt. Zij snurkt.", "De hond blaft.", "Weer: de kat slaapt. De kat slaapt.")
    hits = tuple(
        Hit(number, Passage("a.txt", Span(0, len(text)), text, (), (Span(0, len(text)),)), 0.5, {}, (0.5,))
        for number, text in enumerate(texts)
    )
    judgment = Judgment("1", "direct", (), "Slaapt de kat?", ("De kat\nslaapt.",), answerable=True)
    assert [hit.passage_id for hit in not_answering(hits, judgment)] == [1]
    assert not holds_gold([hit.passage.text for hit in not_answering(hits, judgment)], judgment)


def test_answerable_questions_without_history_are_asked_once_more(aivd_index: Path) -> None:
    embedder = open_query_embedder(DEFAULT_EMBEDDER, None, None)
    judgments = read_judgments(AIVD)[:12]
    with Index.open(aivd_index, embedder.fingerprint) as index:
        rows = list(asked(Retriever(index, embedder), judgments, "aivd"))
    assert [one.kind for one in rows] == [ANSWERABLE, REMOVED] * 12
    assert all(one.features != other.features for one, other in zip(rows[::2], rows[1::2], strict=True))


def test_a_calibrated_file_is_answered_with(
    aivd_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["calibrate", str(AIVD), "--index", str(aivd_index)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("29 answerable, 7 unanswerable-near, 7 unanswerable-far, 25 removed\n")
    assert "| false refusals | " in out
    data = json.loads(Path("verdict.json").read_text("utf-8"))
    assert set(data) == {"subject", "answer", "embedder", "questions", "estimate"}
    assert set(data["estimate"]) == {"false_refusals", "far_refused", "near_refused", "auc_far", "auc_near"}
    assert Answerability.load(Path("verdict.json")) != SHIPPED
    monkeypatch.setenv("VRAAGBAAK_VERDICT", "verdict.json")
    question = "Wie krijgt informatie van de AIVD?"
    assert main(["ask", question, "--index", str(aivd_index), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "answered"
    # a bound that nothing reaches is obeyed: the file is what decides
    data["subject"]["yes_from"] = 1 - 1e-12
    Path("verdict.json").write_text(json.dumps(data), "utf-8")
    assert main(["ask", question, "--index", str(aivd_index), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "abstained"


class LetterEmbedder:
    """How often each letter stands in a text, as a vector of length 1."""

    fingerprint = "letters-1"
    dimension = 27
    max_tokens = 200

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        return self.embed_texts(queries)

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        counts = [[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
        vectors = np.column_stack([np.array(counts), np.full(len(texts), 0.1)]).astype(np.float32)
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


def test_another_embedder_is_calibrated_from_nothing(tmp_path: Path) -> None:
    embedder = LetterEmbedder()
    update_index(read_corpus(ROOT / "corpus"), tmp_path / "index", lambda: embedder, embedder.fingerprint)
    with Index.open(tmp_path / "index", embedder.fingerprint) as index:
        rows = list(asked(Retriever(index, embedder), read_judgments(AIVD), "aivd"))
    calibration = calibrate(rows, priors_from(SHIPPED, embedder.fingerprint))
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(calibration.to_json()), "utf-8")
    assert Answerability.of_settings(path, "letters-1") == calibration.judge
    assert calibration.estimate["auc_far"].value > 0.8
    with pytest.raises(
        BrokenVerdictError, match=r"calibrated for the embedder letters-1…, but VRAAGBAAK_EMB"
    ):
        Answerability.of_settings(path, SHIPPED.embedder)
    assert Answerability.of_settings(None, "letters-1") == SHIPPED


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ('{"subject": ', "not JSON"),
        ("[]", "no whole regression under 'subject'"),
        ({"answer": {}}, "no whole regression under 'answer'"),
        ({"answer": {"weights": {"kleur": 1}, "intercept": 0, "yes_from": 0.5}}, "unknown feature 'kleur'"),
        ({"answer": {"weights": {"words": float("nan")}, "intercept": 0, "yes_from": 0.5}}, "not finite"),
        ({"answer": {"weights": {}, "intercept": 0, "yes_from": 1.5}}, "found 1.5 as 'yes_from'"),
        ({"embedder": None}, "expected a fingerprint under 'embedder', found None"),
    ],
)
def test_a_file_that_is_damaged_is_named(change: str | dict[str, object], found: str, tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    shutil.copy(ROOT / "src" / "retrieval" / "data" / "verdict.json", path)
    whole = json.loads(path.read_text("utf-8"))
    path.write_text(change if isinstance(change, str) else json.dumps(whole | change), "utf-8")
    with pytest.raises(BrokenVerdictError) as raised:
        Answerability.load(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert found in str(raised.value)
    assert "vraagbaak calibrate QUESTIONS" in str(raised.value)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BrokenVerdictError, match="cannot be read"):
        Answerability.load(tmp_path / "verdict.json")


@pytest.mark.parametrize("embedder", [OTHER, SHIPPED.embedder])
def test_what_is_told_apart_without_a_doubt_can_be_loaded_again(tmp_path: Path, embedder: str) -> None:
    far_apart = {"sentence": 300.0, "words": 300.0, "unmet": 0.0}
    apart = [
        replace(one, features=replace(one.features, **far_apart)) if one.kind == ANSWERABLE else one
        for one in separable(120)
    ]
    found = calibrate(apart, priors_from(SHIPPED, embedder))
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(found.to_json()), "utf-8")
    assert Answerability.load(path) == found.judge
