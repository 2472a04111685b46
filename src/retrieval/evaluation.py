"""How good the answers are: judged questions and BEIR folders become tables of measures.

Every measure is a mean over questions, with a 95 % interval from a percentile bootstrap
(Efron 1979; 2,000 resamples with a fixed seed, so that a table can be made again to the digit).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from retrieval.errors import JudgmentsError, QuestionError
from retrieval.records import Abstention, Answer, Reply, SmallTalk

RESAMPLES = 2_000
SEED = 20_240_229
SMALL_TALK = "smalltalk"

_WHOLE_NUMBER = re.compile(r"-?[0-9]+")


@dataclass(frozen=True, slots=True)
class Judgment:
    """A question with what answers it: ``gold`` sentences, any of which will do."""

    id: str
    kind: str
    history: tuple[str, ...]
    question: str
    gold: tuple[str, ...]
    answerable: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over questions and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A table: each measure over all the questions it applies to, and its value by kind of question."""

    set: str
    questions: int
    measures: Mapping[str, Measure]
    kinds: Mapping[str, Mapping[str, float]]

    def to_json(self) -> dict[str, Any]:
        """The JSON of ``vraagbaak evaluate --json``."""
        return {
            "set": self.set,
            "questions": self.questions,
            "measures": {
                name: {"value": m.value, "low": m.low, "high": m.high} for name, m in self.measures.items()
            },
            "kinds": {kind: dict(values) for kind, values in self.kinds.items()},
        }


class Replies(Protocol):
    """Whatever can be asked a question."""

    def reply(self, question: str, history: Sequence[str] = ()) -> Reply:
        """Answer, abstain or make small talk."""
        ...


@dataclass(frozen=True, slots=True)
class BeirSet:
    """A BEIR folder: texts by document id, questions by id, and judged documents by question id."""

    name: str
    texts: Mapping[str, tuple[str, str]]
    questions: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]


def read_judgments(path: Path) -> tuple[Judgment, ...]:
    """Read a file of judged questions, one JSON object a line.

    Raises JudgmentsError naming the file and the line where a key is missing or of the wrong type.
    """
    judgments = tuple(_judgment(row, path, line) for line, row in _json_lines(path))
    if not judgments:
        raise JudgmentsError(f"{path}: no question found; expected one JSON object a line")
    return judgments


def evaluate_judgments(bot: Replies, judgments: Sequence[Judgment], name: str) -> Evaluation:
    """Ask every judged question and count; the measures are told in docs/quality.md.

    Raises JudgmentsError where a question is outside the limits.
    """
    return tabulate(
        name, [(judgment.kind, _outcome(_asked(bot, judgment), judgment)) for judgment in judgments]
    )


def read_beir(folder: Path) -> BeirSet:
    """Read a BEIR folder: corpus.jsonl, queries.jsonl and qrels/test.tsv.

    Raises JudgmentsError where one of them is missing or not of that form.
    """
    for needed in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        if not (folder / needed).is_file():
            raise JudgmentsError(f"{folder}: no {needed} found; expected a BEIR folder with it")
    relevant: dict[str, dict[str, int]] = {}
    qrels = folder / "qrels/test.tsv"
    for line, row in _lines(qrels, "query-id, corpus-id and a whole score a line"):
        fields = row.split("\t")
        if line == 1 and not _WHOLE_NUMBER.fullmatch(fields[-1]):  # the names of the columns
            continue
        if len(fields) != 3 or not _WHOLE_NUMBER.fullmatch(fields[2]):
            raise JudgmentsError(
                f"{qrels}, line {line}: expected query-id, corpus-id and a whole score, tabs between"
            )
        relevant.setdefault(fields[0], {})[fields[1]] = int(fields[2])
    corpus = folder / "corpus.jsonl"
    texts = {
        _text(row, "_id", corpus, line): (str(row.get("title") or ""), _text(row, "text", corpus, line))
        for line, row in _json_lines(corpus)
    }
    if not texts:
        raise JudgmentsError(f"{corpus}: no document found; expected one JSON object a line")
    queries = folder / "queries.jsonl"
    questions = {
        _text(row, "_id", queries, line): _text(row, "text", queries, line)
        for line, row in _json_lines(queries)
    }
    if questions.keys().isdisjoint(relevant):
        raise JudgmentsError(f"{qrels}: judges no question of {queries.name}; expected at least one")
    return BeirSet(folder.resolve().name, texts, questions, relevant)


def evaluate_beir(beir: BeirSet, search: Callable[[str], Sequence[str]]) -> Evaluation:
    """Rank documents for every judged question; ``search`` gives document ids, best first, each once.

    The measures are those of ir-measures: nDCG@10, RR@10 (named MRR@10 once averaged) and Recall@5.
    """
    import ir_measures

    asked = {key: text for key, text in beir.questions.items() if key in beir.relevant}
    # places instead of scores: trec_eval would put equal scores in an order of its own
    run = {key: {id_: -float(place) for place, id_ in enumerate(search(text))} for key, text in asked.items()}
    qrels = {key: dict(beir.relevant[key]) for key in asked}
    names = {"nDCG@10": "nDCG@10", "MRR@10": "RR@10", "Recall@5": "R@5"}
    outcomes: dict[str, dict[str, float]] = {key: {} for key in asked}
    for name, measure in names.items():
        for metric in ir_measures.iter_calc([ir_measures.parse_measure(measure)], qrels, run):
            outcomes[metric.query_id][name] = float(metric.value)
    return tabulate(beir.name, [("question", values) for values in outcomes.values()])


def tabulate(name: str, outcomes: Sequence[tuple[str, Mapping[str, float]]]) -> Evaluation:
    """Means, intervals and means by kind of (kind, {measure: value}) of every question."""
    names = list(dict.fromkeys(measure for _, values in outcomes for measure in values))
    kinds = list(dict.fromkeys(kind for kind, _ in outcomes))
    return Evaluation(
        set=name,
        questions=len(outcomes),
        measures={measure: bootstrap(_values(outcomes, measure)) for measure in names},
        kinds={
            kind: {
                measure: float(np.mean(values))
                for measure in names
                if (values := _values([row for row in outcomes if row[0] == kind], measure))
            }
            for kind in kinds
        },
    )


def bootstrap(values: Sequence[float]) -> Measure:
    """The mean of the values, with the bounds of its 95 % percentile-bootstrap interval."""
    sample: npt.NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    picks = np.random.default_rng(SEED).integers(0, len(sample), size=(RESAMPLES, len(sample)))
    low, high = np.percentile(sample[picks].mean(axis=1), (2.5, 97.5))
    return Measure(float(sample.mean()), float(low), float(high))


def _asked(bot: Replies, judgment: Judgment) -> Reply:
    try:
        return bot.reply(judgment.question, judgment.history)
    except QuestionError as error:
        raise JudgmentsError(f"question {judgment.id!r} cannot be asked: {error}") from error


def _outcome(reply: Reply, judgment: Judgment) -> dict[str, float]:
    if judgment.kind == SMALL_TALK:
        return {"smalltalk": float(isinstance(reply, SmallTalk))}
    if not judgment.answerable:
        return {"correct_refusal": float(isinstance(reply, Abstention))}
    answered = isinstance(reply, Answer)
    cited = [citation.text for citation in reply.citations] if isinstance(reply, Answer) else []
    quoted = [reply.quotes[0].text] if isinstance(reply, Answer) else []
    return {
        "passage@1": float(_holds_gold(cited[:1], judgment)),
        "passage@3": float(_holds_gold(cited[:3], judgment)),
        "quote": float(_holds_gold(quoted, judgment)),
        "false_refusal": float(not answered),
    }


def _holds_gold(texts: Iterable[str], judgment: Judgment) -> bool:
    # gold sentences are written with ordinary spaces where the source may have others
    plain = [" ".join(text.split()) for text in texts]
    return any(" ".join(gold.split()) in text for gold in judgment.gold for text in plain)


def _values(outcomes: Iterable[tuple[str, Mapping[str, float]]], measure: str) -> list[float]:
    return [values[measure] for _, values in outcomes if measure in values]


def _judgment(row: Mapping[str, Any], path: Path, line: int) -> Judgment:
    answerable = row.get("answerable")
    if not isinstance(answerable, bool):
        raise JudgmentsError(
            f"{path}, line {line}: expected true or false under 'answerable', found {answerable!r}"
        )
    return Judgment(
        id=_text(row, "id", path, line),
        kind=_text(row, "kind", path, line),
        history=_texts(row, "history", path, line),
        question=_text(row, "question", path, line),
        gold=_texts(row, "gold", path, line),
        answerable=answerable,
    )


def _text(row: Mapping[str, Any], key: str, path: Path, line: int) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise JudgmentsError(f"{path}, line {line}: expected a text under {key!r}, found {value!r}")
    return value


def _texts(row: Mapping[str, Any], key: str, path: Path, line: int) -> tuple[str, ...]:
    value = row.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise JudgmentsError(f"{path}, line {line}: expected a list of texts under {key!r}, found {value!r}")
    return tuple(value)


def _json_lines(path: Path) -> Iterable[tuple[int, Mapping[str, Any]]]:
    for number, text in _lines(path, "one JSON object a line"):
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            raise JudgmentsError(
                f"{path}, line {number}: not JSON ({error.msg}); expected one JSON object a line"
            ) from error
        if not isinstance(row, dict):
            raise JudgmentsError(f"{path}, line {number}: expected a JSON object, found {text[:40]!r}")
        yield number, row


def _lines(path: Path, expected: str) -> Iterable[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise JudgmentsError(
            f"{path} cannot be read: {error}; expected a UTF-8 file of {expected}"
        ) from error
    return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
