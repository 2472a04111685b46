"""The verdict fitted again: judged questions asked of an index become the weights of both regressions.

A fit starts from weights that are known, which few questions move little and many move far; what it is
worth is estimated on questions that it has not seen.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from retrieval.answerability import Answerability, Features, Regression, features_of
from retrieval.candidates import CANDIDATES
from retrieval.chatbot import checked_history, checked_question
from retrieval.conversation import complete
from retrieval.errors import JudgmentsError, QuestionError
from retrieval.evaluation import (
    ANSWERABLE,
    FAR,
    NEAR,
    SMALL_TALK,
    Judgment,
    Measure,
    bootstrap,
    bootstrap_auc,
    holds_gold,
)
from retrieval.records import Hit, Query
from retrieval.retriever import Retriever, Search

REMOVED = "removed"
"""The kind of an answerable question that is asked without what answers it."""

FOLDS = 5
"""Parts of one set of questions, of which each is left out in turn."""
LEAST_ANSWERABLE, LEAST_REFUSED = 20, 5
"""Fewer say nothing: with 20 answerable questions one refusal is 5 %."""
LEAST_BOUND = 0.0001
"""Where yes may begin at the earliest, and as far from 1: the decimals of a weights file."""
SMALLEST = 1e-12
"""What a probability differs from 0 and 1 at least, so that it has a logit."""
WEIGHTS_HELD, BOUND_HELD = 30.0, 100.0
"""What holds a fit at known weights (docs/experiments.md, "Calibrating for one's own texts")."""

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Task:
    """What one of the regressions is to tell apart, by which features.

    ``yes`` and ``no`` are the shares of the weight that each kind of question has in a fit. ``given_up``
    is the share of the answerable questions that it may say no to.
    """

    names: tuple[str, ...]
    yes: Mapping[str, float]
    no: Mapping[str, float]
    given_up: float


SUBJECT = Task(("sentence", "letters", "length"), {ANSWERABLE: 0.3, NEAR: 0.2}, {FAR: 0.5}, 0.08)
ANSWER = Task(("letters", "words", "unmet", "length"), {ANSWERABLE: 0.4}, {NEAR: 0.3, REMOVED: 0.3}, 0.03)
"""Features, shares and what is given up: docs/experiments.md, "The verdict"."""


@dataclass(frozen=True, slots=True)
class Row:
    """A question with the features of its first hit; ``origin`` names the set that it is from.

    ``gold`` holds the sentences that answer it, those taken away from it too.
    """

    origin: str
    kind: str
    gold: tuple[str, ...]
    features: Features


@dataclass(frozen=True, slots=True)
class Prior:
    """What a fit starts from, and the strength that holds it there.

    ``weights`` and ``intercept`` are the precisions of a Gaussian around the regression, for features in
    standard deviations; ``bound`` is the number of answerable questions that its ``yes_from`` counts for.
    """

    regression: Regression
    weights: float
    intercept: float
    bound: float


NOTHING_KNOWN = Prior(Regression({}, 0.0, 0.5), weights=1.0, intercept=0.0, bound=0.0)
"""Weights near 0 and a free intercept: what logistic regressions usually start from."""


@dataclass(frozen=True, slots=True)
class Priors:
    """What both regressions start from, for the hits of one embedder."""

    subject: Prior
    answer: Prior
    embedder: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted verdict, the questions of each kind, and what it reaches on questions not fitted on."""

    judge: Answerability
    questions: Mapping[str, int]
    estimate: Mapping[str, Measure]

    def to_json(self) -> dict[str, Any]:
        """What a file of weights holds; ``Answerability.load`` reads it."""
        return {
            "subject": asdict(self.judge.subject),
            "answer": asdict(self.judge.answer),
            "embedder": self.judge.embedder,
            "questions": dict(self.questions),
            "estimate": measures_to_json(self.estimate),
        }


@dataclass(frozen=True, slots=True)
class Margins:
    """By how much both regressions say yes to each row, in logits: (rows,), a yes from 0."""

    subject: Vector
    answer: Vector


def calibrate(rows: Sequence[Row], priors: Priors) -> Calibration:
    """Fit both regressions to the rows, and estimate what that is worth.

    Raises JudgmentsError where there are too few questions of a kind to say anything.
    """
    counts = counts_of(rows)
    _require(counts, priors)
    estimate = measures_of(rows, left_out(rows, priors))
    return Calibration(calibrated(rows, priors), counts, estimate)


def counts_of(rows: Sequence[Row]) -> dict[str, int]:
    """The number of rows of each kind."""
    counts = Counter(row.kind for row in rows)
    return {kind: counts[kind] for kind in (ANSWERABLE, NEAR, FAR, REMOVED)}


def warnings_of(counts: Mapping[str, int]) -> list[str]:
    """What the questions cannot tell, each in one line for the operator."""
    told = []
    if counts[FAR] < LEAST_REFUSED:
        told.append(
            f"found {counts[FAR]} questions of kind {FAR}, expected at least {LEAST_REFUSED}: what tells "
            "whether a passage is about the subject at all is hardly fitted; add questions about other things"
        )
    if counts[NEAR] < LEAST_REFUSED:
        told.append(
            f"found {counts[NEAR]} questions of kind {NEAR}, expected at least {LEAST_REFUSED}: how many of "
            "those are refused is hardly known; add questions about the subject that the texts do not answer"
        )
    if counts[REMOVED] < counts[ANSWERABLE] / 2:
        told.append(
            f"only {counts[REMOVED]} of {counts[ANSWERABLE]} answerable questions could be asked "
            "without what answers them: follow-ups cannot, nor questions whose 'gold' sentences stand "
            "in no passage that was found; see that these are in the index, word for word"
        )
    return told


def measures_to_json(measures: Mapping[str, Measure]) -> dict[str, dict[str, float]]:
    """Values and bounds of intervals, rounded to three decimals."""
    return {
        name: {bound: round(getattr(measure, bound), 3) for bound in ("value", "low", "high")}
        for name, measure in measures.items()
    }


def priors_from(known: Answerability, embedder: str) -> Priors:
    """Those of the known weights for the embedder that they are of, and else none."""
    if known.embedder != embedder:
        return Priors(NOTHING_KNOWN, NOTHING_KNOWN, embedder)
    return Priors(_known(known.subject), _known(known.answer), embedder)


def asked(retriever: Retriever, judgments: Sequence[Judgment], origin: str) -> Iterator[Row]:
    """A row for each question but small talk, and one for each whose answering passages can be left out.

    Raises JudgmentsError where a question is outside the limits.
    """
    index = retriever.index
    titles = {entry.id: entry.title for entry in index.documents()}

    def row(kind: str, judgment: Judgment, search: Search) -> Row:
        first = replace(search, hits=search.hits[:1])
        found = features_of(first, lambda hit: titles[hit.passage.document_id], index.lexical.rarity)
        return Row(origin, kind, judgment.gold, found[0])

    for judgment in judgments:
        if judgment.kind == SMALL_TALK:
            continue
        search = retriever.search(_query(judgment), 3 * CANDIDATES)
        if search.hits:
            yield row(_kind(judgment), judgment, search)
        rest = not_answering(search.hits, judgment)
        if judgment.answerable and not judgment.history and 0 < len(rest) < len(search.hits):
            yield row(REMOVED, judgment, replace(search, hits=rest))


def not_answering(hits: Sequence[Hit], judgment: Judgment) -> tuple[Hit, ...]:
    """The hits whose passage holds none of the sentences that answer the question."""
    return tuple(hit for hit in hits if not holds_gold([hit.passage.text], judgment))


def calibrated(rows: Sequence[Row], priors: Priors) -> Answerability:
    """Both regressions over all rows; without any row, what they start from."""
    folds = folds_of(rows)
    subject, _ = fitted(SUBJECT, rows, folds, priors.subject)
    answer, _ = fitted(ANSWER, rows, folds, priors.answer)
    return Answerability(subject, answer, priors.embedder)


def margins_of(judge: Answerability, rows: Sequence[Row]) -> Margins:
    """What the regressions say of each row."""
    return Margins(_margins(judge.subject, rows), _margins(judge.answer, rows))


def margins_against(regression: Regression, probabilities: Vector) -> Vector:
    """By how much the probabilities are above where the regression says yes, in logits."""
    bound = _logit(regression.yes_from)
    return np.array([_logit(probability) - bound for probability in probabilities])


def left_out(rows: Sequence[Row], priors: Priors) -> Margins:
    """The margins of each row by a fit that has not seen it, nor any question that the same sentence answers.

    Of several sets each is left out in turn, of one set each of five parts.
    """
    origins = np.array([row.origin for row in rows])
    folds = origins if len(set(origins)) > 1 else folds_of(rows)
    groups = groups_of(rows)
    margins = Margins(np.zeros(len(rows)), np.zeros(len(rows)))
    for fold in dict.fromkeys(folds):
        own = folds == fold
        judge = calibrated(_chosen(rows, ~np.isin(groups, groups[own])), priors)
        found = margins_of(judge, _chosen(rows, own))
        margins.subject[own], margins.answer[own] = found.subject, found.answer
    return margins


def measures_of(rows: Sequence[Row], margins: Margins) -> dict[str, Measure]:
    """How often the verdict refuses, and how well it tells apart (AUC), each where there are such rows."""
    kinds = np.array([row.kind for row in rows])
    refused = ((margins.subject < 0) | (margins.answer < 0)).astype(float)
    yes, far, near = (kinds == kind for kind in (ANSWERABLE, FAR, NEAR))
    measures = {
        name: bootstrap(refused[which])
        for name, which in (("false_refusals", yes), ("far_refused", far), ("near_refused", near))
        if which.any()
    }
    if yes.any() and far.any():
        measures["auc_far"] = bootstrap_auc(margins.subject[yes], margins.subject[far])
    if yes.any() and near.any():
        measures["auc_near"] = bootstrap_auc(margins.answer[yes], margins.answer[near])
    return measures


def fitted(
    task: Task, rows: Sequence[Row], folds: npt.NDArray[Any], prior: Prior
) -> tuple[Regression, Vector]:
    """The regression over all rows, and the probability that a fit without its fold gives each row."""
    probabilities = np.zeros(len(rows))
    for fold in dict.fromkeys(folds):
        own = folds == fold
        rest = _fit(task, _chosen(rows, ~own), prior)
        probabilities[own] = [rest.probability(row.features) for row in _chosen(rows, own)]
    answerable = [p for p, row in zip(probabilities, rows, strict=True) if row.kind == ANSWERABLE]
    whole = _fit(task, rows, prior)
    yes_from = round(_bound(task, answerable, prior), 4)
    return replace(whole, yes_from=min(max(yes_from, LEAST_BOUND), 1 - LEAST_BOUND)), probabilities


def folds_of(rows: Sequence[Row]) -> npt.NDArray[np.int64]:
    """A fold for each row: what the same sentence answers shares one, each kind is spread over all."""
    groups = groups_of(rows)
    sizes = Counter(groups.tolist())
    kinds = {int(group): row.kind for group, row in zip(groups, rows, strict=True)}
    filled: dict[str, list[int]] = {kind: [0] * FOLDS for kind in set(kinds.values())}
    fold_of: dict[int, int] = {}
    for group in sorted(sizes, key=lambda one: (-sizes[one], one)):
        counts = filled[kinds[group]]
        fold_of[group] = counts.index(min(counts))
        counts[fold_of[group]] += sizes[group]
    return np.array([fold_of[group] for group in groups.tolist()], np.int64)


def groups_of(rows: Sequence[Row]) -> npt.NDArray[np.int64]:
    """A number for each row, the same for rows that share a sentence that answers, or do by a third."""
    first: dict[str, int] = {}
    pairs = [(number, first.setdefault(gold, number)) for number, row in enumerate(rows) for gold in row.gold]
    graph = np.zeros((len(rows), len(rows)), np.bool_)
    for one, other in pairs:
        graph[one, other] = True
    groups: npt.NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return groups


def _known(regression: Regression) -> Prior:
    return Prior(regression, weights=WEIGHTS_HELD, intercept=WEIGHTS_HELD, bound=BOUND_HELD)


def _require(counts: Mapping[str, int], priors: Priors) -> None:
    if counts[ANSWERABLE] < LEAST_ANSWERABLE:
        raise JudgmentsError(
            f"found {counts[ANSWERABLE]} answerable questions, expected at least {LEAST_ANSWERABLE} to "
            "calibrate on; add questions that the texts answer, with the sentences that do under 'gold'"
        )
    if priors.subject == NOTHING_KNOWN and min(counts[FAR], counts[NEAR] + counts[REMOVED]) < LEAST_REFUSED:
        raise JudgmentsError(
            f"found {counts[FAR]} questions of kind {FAR} and {counts[NEAR] + counts[REMOVED]} that are "
            f"about the subject and not answered, expected at least {LEAST_REFUSED} of each: for this "
            "embedder no weights are known to start from; add such questions"
        )


def _fit(task: Task, rows: Sequence[Row], prior: Prior) -> Regression:
    """The likeliest weights; those of the prior where there is nothing to tell apart."""
    shares = {**task.yes, **task.no}
    used = [row for row in rows if row.kind in shares]
    yes = np.array([row.kind in task.yes for row in used], np.bool_)
    if yes.all() or not yes.any():
        return prior.regression
    values: Vector = np.array([[getattr(row.features, name) for name in task.names] for row in used])
    centre, scale = values.mean(axis=0), values.std(axis=0)
    scale[scale == 0] = 1  # the same for every question: it stays where it starts from
    counts = Counter(row.kind for row in used)
    share = np.array([shares[row.kind] / counts[row.kind] for row in used])
    share *= np.where(
        yes, sum(task.yes.values()) / share[yes].sum(), sum(task.no.values()) / share[~yes].sum()
    )
    share *= len(used)
    known = np.array([prior.regression.weights.get(name, 0.0) for name in task.names])
    start = np.append(known * scale, prior.regression.intercept + centre @ known)
    held = np.append(np.full(len(known), prior.weights), prior.intercept)
    inputs = np.column_stack([(values - centre) / scale, np.ones(len(used))])
    found = _likeliest(inputs, yes, share, start, held)
    weights = found[:-1] / scale
    return Regression(
        {name: round(float(weight), 4) for name, weight in zip(task.names, weights, strict=True)},
        round(float(found[-1] - centre @ weights), 4),
        prior.regression.yes_from,
    )


def _likeliest(
    inputs: Vector, yes: npt.NDArray[np.bool_], share: Vector, start: Vector, held: Vector
) -> Vector:
    """The coefficients of least logistic loss plus ``held`` / 2 times the square of the way moved."""
    sign = np.where(yes, 1.0, -1.0)

    def loss(coefficients: Vector) -> tuple[float, Vector]:
        moved = coefficients - start
        margin = sign * (inputs @ coefficients)
        value = share @ np.logaddexp(0, -margin) + held @ moved**2 / 2
        slope = -(share * sign * (1 - np.tanh(margin / 2)) / 2) @ inputs + held * moved
        return float(value), slope

    found: Vector = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-6}).x
    return found


def _bound(task: Task, answerable: Sequence[float], prior: Prior) -> float:
    """From where yes is said: where the given-up share of the answerable is below, drawn to the prior's."""
    known = prior.regression.yes_from
    if not answerable:
        return known
    own = float(np.quantile(answerable, task.given_up))
    total = prior.bound * _logit(known) + len(answerable) * _logit(own)
    return 1 / (1 + math.exp(-total / (prior.bound + len(answerable))))


def _margins(regression: Regression, rows: Sequence[Row]) -> Vector:
    return np.array([regression.logit(row.features) - _logit(regression.yes_from) for row in rows])


def _logit(probability: float) -> float:
    within = min(max(probability, SMALLEST), 1 - SMALLEST)  # a sure yes is 1 to a computer
    return math.log(within / (1 - within))


def _chosen(rows: Sequence[Row], which: npt.NDArray[np.bool_]) -> list[Row]:
    return [row for row, taken in zip(rows, which, strict=True) if taken]


def _kind(judgment: Judgment) -> str:
    if judgment.answerable:
        return ANSWERABLE
    return FAR if judgment.kind.endswith("far") else NEAR


def _query(judgment: Judgment) -> Query:
    try:
        return complete(checked_question(judgment.question), checked_history(judgment.history))
    except QuestionError as error:
        raise JudgmentsError(f"question {judgment.id!r} cannot be asked: {error}") from error
