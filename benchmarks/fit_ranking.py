"""Fit the weights of the ranking: which passage is first for a question?

    python benchmarks/fit_ranking.py [BEIR_FOLDER ...]

Asks the answerable questions of tests/data/calibration of their own page and of all pages together, and the
questions of the BEIR folders that are named, and maximises the likelihood of the passages that answer (of
a BEIR document: any of its passages) among the candidates, by a softmax over the weighted sum of the parts.
Prints the weights beside those in use.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from retrieval.building import update_index
from retrieval.conversation import complete
from retrieval.corpus import Reading, read_document, text_document
from retrieval.embedding import Embedder, open_corpus_embedder
from retrieval.evaluation import read_beir, read_judgments
from retrieval.fusion import WEIGHTS
from retrieval.index import Index
from retrieval.records import Document, Hit, Provenance, Query
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER

PAGES = Path(__file__).resolve().parents[1] / "tests" / "data" / "calibration"
EVERY_CANDIDATE = 150
PENALTY = 0.01
"""Of the squares of the weights of standardised parts."""
BEIR_REPEATS = 2
"""Times that a question of a BEIR folder counts: of these there are fewer."""

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: the parts of each candidate's score (candidates, parts), and which of them answer."""

    parts: Vector
    right: npt.NDArray[np.bool_]


def main() -> None:
    """Ask, fit, and tell."""
    embedder = open_corpus_embedder(DEFAULT_EMBEDDER, None, None)
    pages = sorted(
        path
        for path in PAGES.iterdir()
        if path.suffix in (".txt", ".md") and path.with_suffix(".jsonl").exists()
    )
    asked = [one for page in pages for one in asked_of_pages([page], embedder)]
    asked += asked_of_pages(pages, embedder)
    for folder in map(Path, sys.argv[1:]):
        asked += [*asked_of_folder(folder, embedder)] * BEIR_REPEATS
    weights = fit([one for one in asked if one.right.any()])
    print("| part | fitted | in use |\n|---|---|---|")
    for (name, used), weight in zip(WEIGHTS.items(), weights, strict=True):
        print(f"| {name} | {weight:.2f} | {used} |")


def asked_of_pages(pages: Sequence[Path], embedder: Embedder) -> Iterator[Asked]:
    """The answerable questions of the pages, asked of all of them together."""
    documents = [read_document(page, page.name, Provenance()) for page in pages]
    with TemporaryDirectory(prefix="vraagbaak-") as folder:
        retriever = Retriever(indexed(documents, Path(folder), embedder), embedder)
        for page in pages:
            for judgment in read_judgments(page.with_suffix(".jsonl")):
                if judgment.answerable:
                    hits = retriever.search(
                        complete(judgment.question, judgment.history), EVERY_CANDIDATE
                    ).hits
                    golds = [" ".join(gold.split()) for gold in judgment.gold]
                    texts = [" ".join(hit.passage.text.split()) for hit in hits]
                    yield asked(hits, [any(gold in text for gold in golds) for text in texts])


def asked_of_folder(folder: Path, embedder: Embedder) -> Iterator[Asked]:
    """The judged questions of a BEIR folder."""
    beir = read_beir(folder)
    documents = [text_document(key, *texts) for key, texts in beir.texts.items()]
    with TemporaryDirectory(prefix="vraagbaak-") as aside:
        retriever = Retriever(indexed(documents, Path(aside), embedder), embedder)
        for key, relevant in beir.relevant.items():
            question = beir.questions[key]
            hits = retriever.search(Query(question, question), EVERY_CANDIDATE).hits
            yield asked(hits, [hit.passage.document_id in relevant for hit in hits])


def indexed(documents: Sequence[Document], folder: Path, embedder: Embedder) -> Index:
    """A new index of the documents, opened."""
    update_index(Reading(tuple(documents), ()), folder, lambda: embedder, embedder.fingerprint)
    return Index.open(folder, embedder.fingerprint)


def asked(hits: Sequence[Hit], right: Sequence[bool]) -> Asked:
    """The parts in the order of the weights."""
    return Asked(np.array([[hit.parts[name] for name in WEIGHTS] for hit in hits]), np.array(right))


def fit(questions: Sequence[Asked]) -> Vector:
    """The weights that make the right candidates likeliest, for parts as they are."""
    parts = np.concatenate([one.parts for one in questions])
    scale = parts.std(axis=0)
    parts /= scale
    right = np.concatenate([one.right for one in questions])
    lengths = [len(one.right) for one in questions]
    starts = np.cumsum([0, *lengths[:-1]])
    number = np.repeat(np.arange(len(questions)), lengths)

    def loss(weights: Vector) -> tuple[float, Vector]:
        scores = parts @ weights
        exponents = np.exp(scores - np.maximum.reduceat(scores, starts)[number])
        every = np.add.reduceat(exponents, starts)
        answering = np.add.reduceat(exponents * right, starts)
        pull = exponents / every[number] - exponents * right / answering[number]
        value = -np.log(answering / every).mean() + PENALTY * (weights @ weights)
        return value, pull @ parts / len(questions) + 2 * PENALTY * weights

    found: Vector = minimize(loss, np.zeros(parts.shape[1]), jac=True, method="L-BFGS-B").x
    return found / scale


if __name__ == "__main__":
    main()
