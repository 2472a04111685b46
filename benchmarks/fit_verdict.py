"""Fit the verdict: does what was found answer the question?

    python benchmarks/fit_verdict.py [--write]

Asks the judged questions of tests/data/calibration (five pages, none of them about the corpus that is
shipped), fits a logistic regression on the features of the first hit, and prints what it reaches with
each page left out of the fit in turn. With --write the weights go into the package.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from retrieval.answerability import Features, features_of
from retrieval.conversation import complete
from retrieval.corpus import Reading, read_document
from retrieval.embedding import Embedder, open_corpus_embedder
from retrieval.evaluation import Judgment, read_judgments
from retrieval.index import Index, update_index
from retrieval.records import Provenance
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "tests" / "data" / "calibration"
WEIGHTS = ROOT / "src" / "retrieval" / "data" / "verdict.json"
NEAR, FAR = "unanswerable-near", "unanswerable-far"

NEAR_WEIGHT = 0.1
"""The share of the unanswerable questions' weight that near ones have: these features tell far ones."""
FALSE_REFUSALS = 0.04
"""The answerable calibration questions that are given up, pages left out in turn."""
UNRELATED = 0.9
"""The far questions that get no passages at all, of the calibration questions likewise."""

Matrix = npt.NDArray[np.float64]


def main() -> None:
    """Fit, tell, and write if asked to."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", action="store_true", help="put the weights into the package")
    write = options.parse_args().write
    embedder = open_corpus_embedder(DEFAULT_EMBEDDER, None, None)
    pages = {path.stem: judged_features(path, embedder) for path in sorted(PAGES.glob("*.txt"))}
    sets = np.array([page for page, rows in pages.items() for _ in rows])
    judgments = [judgment for rows in pages.values() for judgment, _ in rows]
    features: Matrix = np.array([astuple(one) for rows in pages.values() for _, one in rows])
    kinds = np.array([judgment.kind for judgment in judgments])
    answerable = np.array([judgment.answerable for judgment in judgments])

    left_out = np.zeros(len(kinds))
    for page in pages:
        weights, intercept = fit(features[sets != page], answerable[sets != page], kinds[sets != page])
        left_out[sets == page] = probabilities(features[sets == page], weights, intercept)
    answered_from = float(np.quantile(left_out[answerable], FALSE_REFUSALS))
    related_from = min(answered_from, float(np.quantile(left_out[kinds == FAR], UNRELATED)))
    weights, intercept = fit(features, answerable, kinds)
    names = [field.name for field in fields(Features)]
    told = {
        "weights": {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)},
        "intercept": round(intercept, 4),
        "answered_from": round(answered_from, 4),
        "related_from": round(related_from, 4),
    }
    print(json.dumps(told, indent=2))
    print_table(sets, kinds, answerable, left_out, answered_from)
    if write:
        WEIGHTS.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


def judged_features(page: Path, embedder: Embedder) -> list[tuple[Judgment, Features]]:
    """The features of the first hit of every judged question of a page."""
    document = read_document(page, page.name, Provenance())
    with TemporaryDirectory(prefix="vraagbaak-") as folder:
        update_index(Reading((document,), ()), Path(folder), lambda: embedder, embedder.fingerprint)
        with Index.open(Path(folder), embedder.fingerprint) as index:
            retriever = Retriever(index, embedder)
            rows = []
            for judgment in read_judgments(page.with_suffix(".jsonl")):
                search = retriever.search(complete(judgment.question, judgment.history), 1)
                found = features_of(search, lambda _: document.title, index.lexical.rarity)
                rows.append((judgment, found[0]))
            return rows


def fit(
    features: Matrix, answerable: npt.NDArray[np.bool_], kinds: npt.NDArray[np.str_]
) -> tuple[Matrix, float]:
    """Weights (for features as they are) and intercept; answerable and unanswerable count alike."""
    centre, scale = features.mean(axis=0), features.std(axis=0)
    share = np.where(
        answerable,
        1 / answerable.sum(),
        np.where(kinds == FAR, (1 - NEAR_WEIGHT) / (kinds == FAR).sum(), NEAR_WEIGHT / (kinds == NEAR).sum()),
    )
    model = LogisticRegression().fit((features - centre) / scale, answerable, share * len(kinds))
    weights: Matrix = model.coef_[0] / scale
    return weights, float(model.intercept_[0] - (centre * weights).sum())


def probabilities(features: Matrix, weights: Matrix, intercept: float) -> Matrix:
    """That each row's hit answers its question."""
    result: Matrix = 1 / (1 + np.exp(-(features @ weights + intercept)))
    return result


def print_table(
    sets: npt.NDArray[np.str_],
    kinds: npt.NDArray[np.str_],
    answerable: npt.NDArray[np.bool_],
    found: Matrix,
    threshold: float,
) -> None:
    """A line a page, each judged by a fit without it."""
    print("\n| page left out | false refusals | far refused | near refused | AUC far | AUC near |")
    print("|---|---|---|---|---|---|")
    for name in [*dict.fromkeys(sets), "all"]:
        here = (sets == name) | (name == "all")
        refused = [
            float((found[here & kind] < threshold).mean())
            for kind in (answerable, kinds == FAR, kinds == NEAR)
        ]
        aucs = [auc(found, answerable & here, (kinds == kind) & here) for kind in (FAR, NEAR)]
        print("| " + " | ".join([str(name), *(f"{value:.2f}" for value in (*refused, *aucs))]) + " |")


def auc(found: Matrix, yes: npt.NDArray[np.bool_], no: npt.NDArray[np.bool_]) -> float:
    """The chance that an answerable question scores above one of the others."""
    either: Sequence[int] = np.flatnonzero(yes | no)
    return float(roc_auc_score(yes[either], found[either]))


if __name__ == "__main__":
    main()
