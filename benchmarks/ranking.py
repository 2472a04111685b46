"""Which ranking finds the passage: each part alone, reciprocal rank fusion, and what the retriever does.

    python benchmarks/ranking.py

Asks the answerable questions of tests/data/questions (the shipped page) and tests/data/calibration (other
pages), follow-ups made whole, and prints passage@1 and passage@3 of every named ranking without any
verdict, with 95 % bootstrap intervals, and how far the retriever is ahead of reciprocal rank fusion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from retrieval.building import update_index
from retrieval.conversation import complete
from retrieval.corpus import Reading, read_document
from retrieval.embedding import Embedder, open_corpus_embedder
from retrieval.evaluation import Judgment, bootstrap, read_judgments
from retrieval.fusion import Parts, rankings
from retrieval.index import Index
from retrieval.records import Hit, Provenance
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "corpus" / "met-wie-werken-wij-samen.txt"
QUESTIONS = ROOT / "tests" / "data" / "questions"
OTHERS = ROOT / "tests" / "data" / "calibration"
EVERYTHING = 1_000
OURS, BASELINE = "fused", "rrf"


@dataclass(frozen=True, slots=True)
class Scored:
    """The parts of every passage's score for one question, and which of the passages answer it."""

    parts: Parts
    right: frozenset[int]


def main() -> None:
    """Print a table for each question set on the shipped page, and one for the other pages together."""
    embedder = open_corpus_embedder(DEFAULT_EMBEDDER, None, None)
    for questions in sorted(QUESTIONS.glob("*.jsonl")):
        print_table(questions.stem, scored_questions(SHIPPED, questions, embedder))
    pages = sorted(
        path for path in OTHERS.iterdir() if path.suffix in (".txt", ".md") and path.stem != "README"
    )
    others = [one for page in pages for one in scored_questions(page, page.with_suffix(".jsonl"), embedder)]
    print_table("calibration", others)


def scored_questions(page: Path, questions: Path, embedder: Embedder) -> list[Scored]:
    """The scores for every answerable question on a page."""
    document = read_document(page, page.name, Provenance())
    with TemporaryDirectory(prefix="vraagbaak-") as folder:
        update_index(Reading((document,), ()), Path(folder), lambda: embedder, embedder.fingerprint)
        with Index.open(Path(folder), embedder.fingerprint) as index:
            retriever = Retriever(index, embedder)
            return [
                scored(
                    judgment, retriever.search(complete(judgment.question, judgment.history), EVERYTHING).hits
                )
                for judgment in read_judgments(questions)
                if judgment.answerable
            ]


def scored(judgment: Judgment, hits: Sequence[Hit]) -> Scored:
    """The parts of all passages of a small page in the order of their ids."""
    ordered = sorted(hits, key=lambda hit: hit.passage_id)
    texts = [" ".join(hit.passage.text.split()) for hit in ordered]
    golds = [" ".join(gold.split()) for gold in judgment.gold]
    return Scored(
        {name: np.array([hit.parts[name] for hit in ordered], np.float32) for name in ordered[0].parts},
        frozenset(place for place, text in enumerate(texts) if any(gold in text for gold in golds)),
    )


def print_table(name: str, questions: Sequence[Scored]) -> None:
    """A line a ranking."""
    print(f"\n{name}: {len(questions)} answerable questions\n")
    print("| ranking | passage@1 | 95 % interval | passage@3 | 95 % interval |\n|---|---|---|---|---|")
    firsts = {}
    for label, ranking in rankings().items():
        orders = [np.argsort(-ranking(one.parts), kind="stable") for one in questions]
        cells = []
        for depth in (1, 3):
            found = [
                float(not one.right.isdisjoint(order[:depth].tolist()))
                for one, order in zip(questions, orders, strict=True)
            ]
            measure = bootstrap(found)
            cells += [f"{measure.value:.3f}", f"{measure.low:.3f} - {measure.high:.3f}"]
            firsts.setdefault(label, found)
        print("| " + " | ".join([label, *cells]) + " |")
    ahead = bootstrap([ours - base for ours, base in zip(firsts[OURS], firsts[BASELINE], strict=True)])
    print(f"\n{OURS} less {BASELINE}, passage@1: {ahead.value:+.3f} ({ahead.low:+.3f} to {ahead.high:+.3f})")


if __name__ == "__main__":
    main()
