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
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from retrieval.answerability import Answerability
from retrieval.building import update_index
from retrieval.calibration import (
    ANSWER,
    NOTHING_KNOWN,
    REMOVED,
    SUBJECT,
    Calibration,
    Margins,
    Row,
    asked,
    counts_of,
    fitted,
    margins_against,
    measures_of,
)
from retrieval.corpus import Reading, read_document
from retrieval.embedding import Embedder, open_corpus_embedder
from retrieval.evaluation import Judgment, read_judgments
from retrieval.index import Index
from retrieval.passages import cut_passages
from retrieval.records import Document, Passage, Provenance
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "tests" / "data" / "calibration"
WEIGHTS = ROOT / "src" / "retrieval" / "data" / "verdict.json"
FOLDS = 3
"""A page is asked this many times with every third passage taken out."""


def main() -> None:
    """Fit, tell, and write if asked to."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", action="store_true", help="put the weights into the package")
    write = options.parse_args().write
    embedder = open_corpus_embedder(DEFAULT_EMBEDDER, None, None)
    pages = sorted(filter(_is_page, PAGES.iterdir()))
    rows = [row for page in pages for row in judged_rows(page, embedder)]
    calibration, margins = fitted_on(rows, embedder.fingerprint)
    told = json.dumps(calibration.to_json(), indent=2)
    print(told)
    print_table(rows, margins)
    if write:
        WEIGHTS.write_text(told + "\n", "utf-8")


def fitted_on(rows: Sequence[Row], embedder: str) -> tuple[Calibration, Margins]:
    """The verdict for the embedder of this fingerprint, and each row's margins by a fit without its page."""
    pages = np.array([row.origin for row in rows])
    subject, about = fitted(SUBJECT, rows, pages, NOTHING_KNOWN)
    answer, answers = fitted(ANSWER, rows, pages, NOTHING_KNOWN)
    margins = Margins(margins_against(subject, about), margins_against(answer, answers))
    judge = Answerability(subject, answer, embedder)
    return Calibration(judge, counts_of(rows), measures_of(rows, margins)), margins


def judged_rows(page: Path, embedder: Embedder) -> Iterator[Row]:
    """The questions of a page as they are judged, then the answerable ones without what answers them."""
    document = read_document(page, page.name, Provenance())
    judgments = read_judgments(page.with_suffix(".jsonl"))
    yield from asked_alone(page.stem, document, judgments, embedder)
    passages = cut_passages(document, embedder.count_tokens, embedder.max_tokens)
    answering = {judgment.id: _answering(judgment, passages) for judgment in judgments}
    for fold in range(FOLDS):
        taken = {place for place in range(1, len(passages)) if place % FOLDS == fold}
        removed = [
            judgment
            for judgment in judgments
            if judgment.answerable and not judgment.history and answering[judgment.id] <= taken
        ]
        rest = without(page, document, [passages[place] for place in taken])
        for row in asked_alone(page.stem, rest, removed, embedder):
            yield replace(row, kind=REMOVED)


def asked_alone(
    page: str, document: Document, judgments: Sequence[Judgment], embedder: Embedder
) -> Iterator[Row]:
    """Each of the questions asked of the document alone, as it is."""
    with TemporaryDirectory(prefix="vraagbaak-") as folder:
        update_index(Reading((document,), ()), Path(folder), lambda: embedder, embedder.fingerprint)
        with Index.open(Path(folder), embedder.fingerprint) as index:
            rows = asked(Retriever(index, embedder), judgments, page)
            yield from (row for row in rows if row.kind != REMOVED)


def without(page: Path, document: Document, passages: Sequence[Passage]) -> Document:
    """The document as it would be read without these passages."""
    text = document.text
    for passage in sorted(passages, key=lambda one: -one.span.start):
        text = text[: passage.span.start] + text[passage.span.end :]
    with TemporaryDirectory(prefix="vraagbaak-") as folder:
        path = Path(folder) / page.name
        path.write_text(text, "utf-8")
        return read_document(path, page.name, Provenance())


def print_table(rows: Sequence[Row], margins: Margins) -> None:
    """A line a page, each judged by a fit without it."""
    origins = np.array([row.origin for row in rows])
    print("\n| page left out | false refusals | far refused | near refused | AUC far | AUC near |")
    print("|---|---|---|---|---|---|")
    for name in [*dict.fromkeys(origins), "all"]:
        here = (origins == name) | (name == "all")
        own = [row for row, is_here in zip(rows, here, strict=True) if is_here]
        measures = measures_of(own, Margins(margins.subject[here], margins.answer[here]))
        print("| " + " | ".join([str(name), *(f"{one.value:.2f}" for one in measures.values())]) + " |")


def _answering(judgment: Judgment, passages: Sequence[Passage]) -> set[int]:
    golds = [" ".join(gold.split()) for gold in judgment.gold]
    texts = [" ".join(passage.text.split()) for passage in passages]
    return {place for place, text in enumerate(texts) if any(gold in text for gold in golds)}


def _is_page(path: Path) -> bool:
    return path.suffix in (".txt", ".md") and path.with_suffix(".jsonl").exists()


if __name__ == "__main__":
    main()
