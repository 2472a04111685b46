"""Which ranking finds the passage: each part alone, reciprocal rank fusion, and what the retriever does.

    python benchmarks/ranking.py

Asks the answerable questions of tests/data/questions (the shipped page) and tests/data/calibration (five
others), follow-ups made whole, and prints passage@1 and passage@3 without any verdict, with 95 %
bootstrap intervals, and how far the retriever is ahead of reciprocal rank fusion on the same questions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from retrieval.conversation import complete
from retrieval.corpus import Reading, read_document
from retrieval.embedding import Embedder, open_corpus_embedder
from retrieval.evaluation import Judgment, bootstrap, read_judgments
from retrieval.fusion import Scores, reciprocal_ranks, weighted_sum
from retrieval.index import Index, update_index
from retrieval.records import Hit, Provenance
from retrieval.retriever import PASSAGE_WEIGHT, SENTENCE_WEIGHT, WORD_WEIGHT, Retriever
from retrieval.settings import DEFAULT_EMBEDDER

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "corpus" / "met-wie-werken-wij-samen.txt"
OTHERS = ROOT / "tests" / "data" / "calibration"
EVERYTHING = 1_000
OURS, BASELINE = "retriever", "RRF of passage and BM25"


@dataclass(frozen=True, slots=True)
class Parts:
    """The scores of every passage for one question, and which of the passages answer it."""

    passage: Scores
    sentence: Scores
    words: Scores
    right: frozenset[int]


RANKINGS: Mapping[str, Callable[[Parts], Scores]] = {
    "passage vectors": lambda parts: parts.passage,
    "best sentence's vector": lambda parts: parts.sentence,
    "BM25": lambda parts: parts.words,
    BASELINE: lambda parts: reciprocal_ranks([parts.passage, parts.words]),
    "RRF of all three": lambda parts: reciprocal_ranks([parts.passage, parts.sentence, parts.words]),
    "retriever without BM25": lambda parts: weighted_sum([(1, parts.passage), (1, parts.sentence)]),
    "retriever without sentences": lambda parts: weighted_sum([(4, parts.passage), (0.75, parts.words)]),
    OURS: lambda parts: weighted_sum(
        [(PASSAGE_WEIGHT, parts.passage), (SENTENCE_WEIGHT, parts.sentence), (WORD_WEIGHT, parts.words)]
    ),
}


def main() -> None:
    """Print a table for the shipped page, and one for the five others together."""
    embedder = open_corpus_embedder(DEFAULT_EMBEDDER, None, None)
    shipped = parts_of(SHIPPED, ROOT / "tests" / "data" / "questions" / "aivd.jsonl", embedder)
    others = [
        parts
        for page in sorted(OTHERS.glob("*.txt"))
        for parts in parts_of(page, page.with_suffix(".jsonl"), embedder)
    ]
    print_table("aivd", shipped)
    print_table("calibration", others)


def parts_of(page: Path, questions: Path, embedder: Embedder) -> list[Parts]:
    """The scores of every answerable question on a page."""
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


def scored(judgment: Judgment, hits: Sequence[Hit]) -> Parts:
    """The scores of all passages of a small page in the order of their ids."""
    ordered = sorted(hits, key=lambda hit: hit.passage_id)
    texts = [" ".join(hit.passage.text.split()) for hit in ordered]
    golds = [" ".join(gold.split()) for gold in judgment.gold]
    return Parts(
        passage=np.array([hit.passage_score for hit in ordered], np.float32),
        sentence=np.array([hit.best_sentence_score for hit in ordered], np.float32),
        words=np.array([hit.word_score for hit in ordered], np.float32),
        right=frozenset(place for place, text in enumerate(texts) if any(gold in text for gold in golds)),
    )


def print_table(name: str, questions: Sequence[Parts]) -> None:
    """A line a ranking."""
    print(f"\n{name}: {len(questions)} answerable questions\n")
    print("| ranking | passage@1 | 95 % interval | passage@3 | 95 % interval |\n|---|---|---|---|---|")
    firsts = {}
    for label, ranking in RANKINGS.items():
        orders = [np.argsort(-ranking(parts), kind="stable") for parts in questions]
        cells = []
        for depth in (1, 3):
            found = [
                float(not parts.right.isdisjoint(order[:depth].tolist()))
                for parts, order in zip(questions, orders, strict=True)
            ]
            measure = bootstrap(found)
            cells += [f"{measure.value:.3f}", f"{measure.low:.3f} - {measure.high:.3f}"]
            firsts.setdefault(label, found)
        print("| " + " | ".join([label, *cells]) + " |")
    ahead = bootstrap([ours - base for ours, base in zip(firsts[OURS], firsts[BASELINE], strict=True)])
    print(f"\n{OURS} less {BASELINE}, passage@1: {ahead.value:+.3f} ({ahead.low:+.3f} to {ahead.high:+.3f})")


if __name__ == "__main__":
    main()
