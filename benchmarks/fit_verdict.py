"""Fit the verdict: is what was found about the subject of the question, and does it answer it?

    python benchmarks/fit_verdict.py [--write]

Asks the judged questions of tests/data/calibration (pages of which none is about the corpus that is
shipped), fits both logistic regressions on the features of the first hit, and prints what they reach with
each page left out of the fit in turn. Every answerable question is asked once more of its page without
the passages that answer it: then it is a question about the subject that the page does not answer. With
--write the weights go into the package.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from retrieval.answerability import Features, Regression, features_of
from retrieval.conversation import complete
from retrieval.corpus import Reading, read_document
from retrieval.embedding import Embedder, open_corpus_embedder
from retrieval.evaluation import Judgment, read_judgments
from retrieval.index import Index, update_index
from retrieval.passages import cut_passages
from retrieval.records import Document, Passage, Provenance
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "tests" / "data" / "calibration"
WEIGHTS = ROOT / "src" / "retrieval" / "data" / "verdict.json"
NEAR, FAR, REMOVED = "unanswerable-near", "unanswerable-far", "removed"
FOLDS = 3
"""A page is asked this many times with every third passage taken out."""

SUBJECT = ("sentence", "letters", "length")
ANSWER = ("letters", "words", "unmet", "unmet_nearby")
"""The features of the two regressions (docs/experiments.md, "The verdict")."""
SUBJECT_SHARES = {"answerable": 0.3, NEAR: 0.2, FAR: 0.5}
ANSWER_SHARES = {"answerable": 0.4, NEAR: 0.3, REMOVED: 0.3}
"""The share of the weight that each kind of question has in a fit; the others have none."""
NOT_ABOUT, NOT_ANSWERED = 0.06, 0.03
"""The answerable questions that are given up by each of the two, pages left out in turn."""

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """A question with the features of its first hit; ``kind`` is "answerable" for all that are."""

    page: str
    kind: str
    features: Features


def main() -> None:
    """Fit, tell, and write if asked to."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", action="store_true", help="put the weights into the package")
    write = options.parse_args().write
    embedder = open_corpus_embedder(DEFAULT_EMBEDDER, None, None)
    pages = sorted(filter(_is_page, PAGES.iterdir()))
    rows = [row for page in pages for row in judged_rows(page, embedder)]
    judges = {
        "subject": fitted(rows, SUBJECT, SUBJECT_SHARES, FAR, NOT_ABOUT),
        "answer": fitted(rows, ANSWER, ANSWER_SHARES, None, NOT_ANSWERED),
    }
    told = {
        name: {"weights": dict(one.weights), "intercept": one.intercept, "yes_from": one.yes_from}
        for name, (one, _) in judges.items()
    }
    print(json.dumps(told, indent=2))
    print_table(rows, *(found - one.yes_from for one, found in judges.values()))
    if write:
        WEIGHTS.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


def judged_rows(page: Path, embedder: Embedder) -> Iterator[Row]:
    """The questions of a page as they are judged, then the answerable ones without what answers them."""
    document = read_document(page, page.name, Provenance())
    judgments = read_judgments(page.with_suffix(".jsonl"))
    yield from asked(page.stem, document, judgments, embedder)
    passages = cut_passages(document, embedder.count_tokens, embedder.max_tokens)
    answering = {judgment.id: _answering(judgment, passages) for judgment in judgments}
    for fold in range(FOLDS):
        taken = {place for place in range(1, len(passages)) if place % FOLDS == fold}
        removed = [
            replace(judgment, kind=REMOVED, answerable=False)
            for judgment in judgments
            if judgment.answerable and not judgment.history and answering[judgment.id] <= taken
        ]
        rest = without(page, document, [passages[place] for place in taken])
        yield from asked(page.stem, rest, removed, embedder)


def asked(page: str, document: Document, judgments: Sequence[Judgment], embedder: Embedder) -> Iterator[Row]:
    """The features of the first hit for each of the questions, asked of the document alone."""
    with TemporaryDirectory(prefix="vraagbaak-") as folder:
        update_index(Reading((document,), ()), Path(folder), lambda: embedder, embedder.fingerprint)
        with Index.open(Path(folder), embedder.fingerprint) as index:
            retriever = Retriever(index, embedder)
            for judgment in judgments:
                search = retriever.search(complete(judgment.question, judgment.history), 1)
                found = features_of(search, lambda _: document.title, index.lexical.rarity)
                yield Row(page, "answerable" if judgment.answerable else judgment.kind, found[0])


def without(page: Path, document: Document, passages: Sequence[Passage]) -> Document:
    """The document as it would be read without these passages."""
    text = document.text
    for passage in sorted(passages, key=lambda one: -one.span.start):
        text = text[: passage.span.start] + text[passage.span.end :]
    with TemporaryDirectory(prefix="vraagbaak-") as folder:
        path = Path(folder) / page.name
        path.write_text(text, "utf-8")
        return read_document(path, page.name, Provenance())


def fitted(
    rows: Sequence[Row], names: Sequence[str], shares: Mapping[str, float], no: str | None, given_up: float
) -> tuple[Regression, Vector]:
    """The regression over all rows, and every row's probability by a fit without its page.

    The kind ``no`` is what it says no to; without one, that is everything but answerable. It says yes
    from where ``given_up`` of the answerable questions are lost.
    """
    values: Vector = np.array([[getattr(row.features, name) for name in names] for row in rows])
    kinds = np.array([row.kind for row in rows])
    pages = np.array([row.page for row in rows])
    yes = kinds != no if no else kinds == "answerable"
    left_out = np.zeros(len(rows))
    for page in dict.fromkeys(pages):
        own = pages == page
        weights, intercept = fit(values[~own], yes[~own], kinds[~own], shares)
        left_out[own] = 1 / (1 + np.exp(-(values[own] @ weights + intercept)))
    weights, intercept = fit(values, yes, kinds, shares)
    yes_from = float(np.quantile(left_out[kinds == "answerable"], given_up))
    told = {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)}
    return Regression(told, round(intercept, 4), round(yes_from, 4)), left_out


def fit(
    values: Vector, yes: npt.NDArray[np.bool_], kinds: npt.NDArray[np.str_], shares: Mapping[str, float]
) -> tuple[Vector, float]:
    """Weights (for features as they are) and intercept."""
    used = np.isin(kinds, list(shares))
    values, yes, kinds = values[used], yes[used], kinds[used]
    centre, scale = values.mean(axis=0), values.std(axis=0)
    share = np.array([shares[kind] / (kinds == kind).sum() for kind in kinds]) * len(kinds)
    model = LogisticRegression(max_iter=1_000).fit((values - centre) / scale, yes, share)
    weights: Vector = model.coef_[0] / scale
    return weights, float(model.intercept_[0] - (centre * weights).sum())


def print_table(rows: Sequence[Row], about: Vector, answers: Vector) -> None:
    """A line a page, each judged by a fit without it; both margins are at least 0 where it is a yes."""
    kinds = np.array([row.kind for row in rows])
    pages = np.array([row.page for row in rows])
    refused = (about < 0) | (answers < 0)
    print("\n| page left out | false refusals | far refused | near refused | AUC far | AUC near |")
    print("|---|---|---|---|---|---|")
    for name in [*dict.fromkeys(pages), "all"]:
        here = (pages == name) | (name == "all")
        yes, far, near = (here & (kinds == kind) for kind in ("answerable", FAR, NEAR))
        cells = [float(refused[one].mean()) for one in (yes, far, near)]
        cells += [auc(about, yes, far), auc(answers, yes, near)]
        print("| " + " | ".join([str(name), *(f"{value:.2f}" for value in cells)]) + " |")


def auc(found: Vector, yes: npt.NDArray[np.bool_], no: npt.NDArray[np.bool_]) -> float:
    """The chance that an answerable question scores above one of the others."""
    either: Sequence[int] = np.flatnonzero(yes | no)
    return float(roc_auc_score(yes[either], found[either]))


def _answering(judgment: Judgment, passages: Sequence[Passage]) -> set[int]:
    golds = [" ".join(gold.split()) for gold in judgment.gold]
    texts = [" ".join(passage.text.split()) for passage in passages]
    return {place for place, text in enumerate(texts) if any(gold in text for gold in golds)}


def _is_page(path: Path) -> bool:
    return path.suffix in (".txt", ".md") and path.with_suffix(".jsonl").exists()


if __name__ == "__main__":
    main()
