"""How good the answers are: judged questions and BEIR folders become tables of measures.

Every measure is a mean over questions, or an area under the ROC curve (AUC), with a 95 % interval from a
percentile bootstrap (Efron 1979; 2,000 resamples with a fixed seed, so that a table can be made again to
the digit, and that two rankings are compared on the same resampled questions).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from retrieval.answerability import Answerability, Verdict, features_of
from retrieval.conversation import complete
from retrieval.errors import JudgmentsError, QuestionError
from retrieval.records import Abstention, Answer, Hit, Reply, SmallTalk
from retrieval.retriever import Retriever

RESAMPLES = 2_000
SEED = 20_240_229
SMALL_TALK = "smalltalk"

QUERIES = "queries.jsonl"
"""The questions of a BEIR folder, unless another file is named."""
LABELS = "answerability.tsv"
"""Which of them the folder's corpus answers; a folder may be without."""
ANSWERABLE, NEAR, FAR, DOUBTFUL = "answerable", "unanswerable-near", "unanswerable-far", "doubtful"
"""The labels in it."""
DEPTH = 100
"""Passages ranked for a question of a BEIR folder, so that ten documents are found among them."""
MEASURES = {"nDCG@10": "nDCG@10", "MRR@10": "RR@10", "Recall@5": "R@5"}
"""What ir-measures calls the measures of a ranking; a mean of reciprocal ranks (RR) is named MRR."""

Vector = npt.NDArray[np.float64]

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
    """A measure over questions and the bounds of its 95 % interval.

    ``resampled`` holds the measure over each of the resamples (RESAMPLES,), which are the same questions
    for every measure over as many questions.
    """

    value: float
    low: float
    high: float
    resampled: Vector = field(repr=False, compare=False)

    def to_json(self) -> dict[str, float]:
        """Value and interval."""
        return {"value": self.value, "low": self.low, "high": self.high}


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
            "measures": {name: measure.to_json() for name, measure in self.measures.items()},
            "kinds": {kind: dict(values) for kind, values in self.kinds.items()},
        }


class Replies(Protocol):
    """Whatever can be asked a question."""

    def reply(self, question: str, history: Sequence[str] = ()) -> Reply:
        """Answer, abstain or make small talk."""
        ...


@dataclass(frozen=True, slots=True)
class BeirSet:
    """A BEIR folder: texts by document id, questions by id, and judged documents by question id.

    ``labels`` tells by question id whether the texts answer it; it is empty where nobody labelled them.
    """

    name: str
    texts: Mapping[str, tuple[str, str]]
    questions: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]
    labels: Mapping[str, str]

    def kinds(self) -> dict[str, str]:
        """The kind of every question that counts, by its id: its label, or "question" without labels."""
        if self.labels:
            return {key: label for key, label in self.labels.items() if label != DOUBTFUL}
        return {key: "question" for key in self.questions if key in self.relevant}


@dataclass(frozen=True, slots=True)
class Found:
    """What a question found: ids of documents, best first, each once, and the verdict on the first hit.

    ``subject`` and ``answer`` are the probabilities of the verdict's regressions; 0 where there is no hit.
    """

    documents: tuple[str, ...]
    answered: bool
    subject: float
    answer: float


class Finder:
    """Asks an index whose documents are those of a BEIR folder, and ``judge`` whether its hits answer."""

    def __init__(self, retriever: Retriever, judge: Answerability) -> None:
        index = retriever.index
        self._retriever = retriever
        self._rarity = index.lexical.rarity
        self._titles = {entry.id: entry.title for entry in index.documents()}
        self._judge = judge

    def find(self, question: str) -> Found:
        """The documents of the hits, each at the place of its best passage."""
        search = self._retriever.search(complete(question), DEPTH)
        features = features_of(replace(search, hits=search.hits[:1]), self._title, self._rarity)
        return Found(
            documents=tuple(dict.fromkeys(hit.passage.document_id for hit in search.hits)),
            answered=self._judge.verdict(features) is Verdict.ANSWERED,
            subject=self._judge.subject.probability(features[0]) if features else 0.0,
            answer=self._judge.answer.probability(features[0]) if features else 0.0,
        )

    def _title(self, hit: Hit) -> str:
        return self._titles[hit.passage.document_id]


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


def read_beir(folder: Path, queries: str = QUERIES) -> BeirSet:
    """Read a BEIR folder: corpus.jsonl, a file of queries, qrels/test.tsv and, if there, answerability.tsv.

    Raises JudgmentsError where one of the first three is missing, or one is not of its form.
    """
    for needed in ("corpus.jsonl", queries, "qrels/test.tsv"):
        if not (folder / needed).is_file():
            raise JudgmentsError(f"{folder}: no {needed} found; expected a BEIR folder with it")
    relevant = _relevant(folder / "qrels/test.tsv")
    corpus = folder / "corpus.jsonl"
    texts = {
        _text(row, "_id", corpus, line): (str(row.get("title") or ""), _text(row, "text", corpus, line))
        for line, row in _json_lines(corpus)
    }
    if not texts:
        raise JudgmentsError(f"{corpus}: no document found; expected one JSON object a line")
    questions = {
        _text(row, "_id", folder / queries, line): _text(row, "text", folder / queries, line)
        for line, row in _json_lines(folder / queries)
    }
    if questions.keys().isdisjoint(relevant):
        raise JudgmentsError(
            f"{folder / 'qrels/test.tsv'}: judges no question of {queries}; expected at least one"
        )
    name = folder.resolve().name + ("" if queries == QUERIES else f"/{Path(queries).stem}")
    beir = BeirSet(name, texts, questions, relevant, {})
    return replace(beir, labels=_labels(folder / LABELS, beir)) if (folder / LABELS).exists() else beir


def evaluate_beir(beir: BeirSet, find: Callable[[str], Found]) -> Evaluation:
    """Ask every question that counts: is what was judged found, and, if labelled, what is the verdict?

    The measures of a ranking are those of ir-measures, over the questions that are judged: nDCG@10, MRR@10
    and Recall@5. With labels there are besides: false_refusal (of the answerable questions),
    correct_refusal (of the others), and the chance that an answerable question scores above a far one
    (auc_far, by the probability that the hit is about the subject) or a near one (auc_near, that it answers).
    """
    kinds = beir.kinds()
    found = {key: find(beir.questions[key]) for key in kinds}
    ranked = _ranked({key: one.documents for key, one in found.items() if key in beir.relevant}, beir)
    outcomes = [
        (kind, ranked.get(key, {}) | _refusal(found[key], beir.labels.get(key)))
        for key, kind in kinds.items()
    ]
    table = tabulate(beir.name, outcomes)
    by_kind: dict[str, list[Found]] = {}
    for key, kind in kinds.items():
        by_kind.setdefault(kind, []).append(found[key])
    return replace(table, measures={**table.measures, **_areas(by_kind)})


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
    sample: Vector = np.asarray(values, dtype=np.float64)
    picks = np.random.default_rng(SEED).integers(0, len(sample), size=(RESAMPLES, len(sample)))
    return _measure(float(sample.mean()), sample[picks].mean(axis=1))


def auc(yes: Sequence[float] | Vector, no: Sequence[float] | Vector) -> float:
    """The chance that one of ``yes`` is above one of ``no``, equal ones counting half (neither is empty).

    That is the area under the ROC curve (Hanley and McNeil 1982).
    """
    ordered = np.sort(no)
    below, not_above = (np.searchsorted(ordered, yes, side) for side in ("left", "right"))
    return float((below + not_above).mean() / 2 / len(ordered))


def bootstrap_auc(yes: Sequence[float], no: Sequence[float]) -> Measure:
    """The AUC with the bounds of its interval; both sides are resampled, each by itself."""
    random = np.random.default_rng(SEED)
    above, below = np.asarray(yes, dtype=np.float64), np.asarray(no, dtype=np.float64)
    resampled = [
        auc(random.choice(above, len(above)), random.choice(below, len(below))) for _ in range(RESAMPLES)
    ]
    return _measure(auc(above, below), np.array(resampled))


def differences(evaluation: Evaluation, first: Evaluation) -> dict[str, Measure]:
    """Each measure less that of ``first``, over the same questions: a paired bootstrap."""
    return {
        name: _measure(
            measure.value - first.measures[name].value, measure.resampled - first.measures[name].resampled
        )
        for name, measure in evaluation.measures.items()
    }


def comparison_to_json(evaluations: Mapping[str, Evaluation]) -> list[dict[str, Any]]:
    """The JSON of ``vraagbaak evaluate --json`` for several rankings; each is compared with the first."""
    first = next(iter(evaluations.values()))
    return [
        {"ranking": name, **evaluation.to_json()}
        | (
            {"difference": {key: one.to_json() for key, one in differences(evaluation, first).items()}}
            if evaluation is not first
            else {}
        )
        for name, evaluation in evaluations.items()
    ]


def _measure(value: float, resampled: Vector) -> Measure:
    low, high = np.percentile(resampled, (2.5, 97.5))
    return Measure(value, float(low), float(high), resampled)


def _ranked(rankings: Mapping[str, Sequence[str]], beir: BeirSet) -> dict[str, dict[str, float]]:
    """The measures of each ranking of documents, by question id."""
    import ir_measures

    # places instead of scores: trec_eval would put equal scores in an order of its own
    run = {key: {id_: -float(place) for place, id_ in enumerate(ids)} for key, ids in rankings.items()}
    qrels = {key: dict(beir.relevant[key]) for key in rankings}
    outcomes: dict[str, dict[str, float]] = {key: {} for key in rankings}
    for name, measure in MEASURES.items():
        for metric in ir_measures.iter_calc([ir_measures.parse_measure(measure)], qrels, run):
            outcomes[metric.query_id][name] = float(metric.value)
    return outcomes


def _refusal(found: Found, label: str | None) -> dict[str, float]:
    if label is None:
        return {}
    return {"false_refusal" if label == ANSWERABLE else "correct_refusal": float(not found.answered)}


def _areas(found: Mapping[str, Sequence[Found]]) -> dict[str, Measure]:
    """The areas of the kinds that are there."""
    yes, near, far = (found.get(kind, ()) for kind in (ANSWERABLE, NEAR, FAR))
    areas = {}
    if yes and near:
        areas["auc_near"] = bootstrap_auc([one.answer for one in yes], [one.answer for one in near])
    if yes and far:
        areas["auc_far"] = bootstrap_auc([one.subject for one in yes], [one.subject for one in far])
    return areas


def holds_gold(texts: Iterable[str], judgment: Judgment) -> bool:
    """Whether one of the texts holds a sentence that answers the question."""
    # gold sentences are written with ordinary spaces where the source may have others
    plain = [" ".join(text.split()) for text in texts]
    return any(" ".join(gold.split()) in text for gold in judgment.gold for text in plain)


def unknown_gold(judgments: Iterable[Judgment], texts: Iterable[str]) -> list[tuple[str, str]]:
    """The sentences that are to answer and stand in none of the texts, each after the id of its question."""
    plain = [" ".join(text.split()) for text in texts]
    return [
        (judgment.id, gold)
        for judgment in judgments
        for gold in judgment.gold
        if not any(" ".join(gold.split()) in text for text in plain)
    ]


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
        "passage@1": float(holds_gold(cited[:1], judgment)),
        "passage@3": float(holds_gold(cited[:3], judgment)),
        "quote": float(holds_gold(quoted, judgment)),
        "false_refusal": float(not answered),
    }


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


def _relevant(qrels: Path) -> dict[str, dict[str, int]]:
    relevant: dict[str, dict[str, int]] = {}
    for line, row in _lines(qrels, "query-id, corpus-id and a whole score a line"):
        fields = row.split("\t")
        if line == 1 and not _WHOLE_NUMBER.fullmatch(fields[-1]):  # the names of the columns
            continue
        if len(fields) != 3 or not _WHOLE_NUMBER.fullmatch(fields[2]):
            raise JudgmentsError(
                f"{qrels}, line {line}: expected query-id, corpus-id and a whole score, tabs between"
            )
        relevant.setdefault(fields[0], {})[fields[1]] = int(fields[2])
    return relevant


def _labels(path: Path, beir: BeirSet) -> dict[str, str]:
    """The label of each question that the file names."""
    labels: dict[str, str] = {}
    for line, row in _lines(path, "query-id and label a line"):
        if line == 1 and row == "query-id\tlabel":
            continue
        key, tab, label = row.partition("\t")
        if not tab or label not in (ANSWERABLE, NEAR, FAR, DOUBTFUL):
            raise JudgmentsError(
                f"{path}, line {line}: expected query-id, a tab, and one of {ANSWERABLE}, {NEAR}, {FAR}, "
                f"{DOUBTFUL}; found {row[:80]!r}"
            )
        if key not in beir.questions:
            raise JudgmentsError(f"{path}, line {line}: no question {key!r} is asked; expected one that is")
        if key in labels:
            raise JudgmentsError(f"{path}, line {line}: {key!r} is labelled twice; expected one label")
        if label == ANSWERABLE and key not in beir.relevant:
            raise JudgmentsError(
                f"{path}, line {line}: {key!r} is {ANSWERABLE}, but qrels/test.tsv names no document for it"
            )
        labels[key] = label
    if ANSWERABLE not in labels.values():
        raise JudgmentsError(f"{path}: labels no question as {ANSWERABLE}; expected at least one")
    return labels


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


_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def _json_lines(path: Path) -> Iterable[tuple[int, Mapping[str, Any]]]:
    for number, text in _lines(path, "one JSON object a line"):
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            raise JudgmentsError(
                f"{path}, line {number}: not JSON ({error.msg}); expected one JSON object a line"
            ) from error
        if _HALF_A_PAIR.search(json.dumps(row, ensure_ascii=False)):
            raise JudgmentsError(
                f"{path}, line {number}: half of a surrogate pair, which is no character; write it in UTF-8"
            )
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
