"""Measure every number in docs/quality.md again, and write them into it.

    python benchmarks/quality.py        (make quality)

A table of the page stands between `<!-- table: NAME -->` and `<!-- end -->`; what is around them is prose,
and stays. Nothing else than the shipped model, corpus and test data is used; the index that serves is left
alone. Each index is built once, for all the questions and rankings that are asked of it.
"""

import os
import platform
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.metadata import version
from io import StringIO
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from retrieval.answerability import Answerability
from retrieval.building import update_index
from retrieval.chatbot import Chatbot
from retrieval.corpus import Reading, read_corpus, text_document
from retrieval.embedding import Embedder, open_corpus_embedder
from retrieval.evaluation import (
    Evaluation,
    Finder,
    differences,
    evaluate_beir,
    evaluate_judgments,
    read_beir,
    read_judgments,
)
from retrieval.fusion import rankings
from retrieval.index import Index
from retrieval.printing import measures_table
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "quality.md"
CORPUS = ROOT / "corpus"
DATA = ROOT / "tests" / "data"
RANKINGS = ("fused", "dense", "bm25", "rrf")
"""The retriever's own, then what it is compared with."""
LABELLED = "overheid-faq-onbeantwoord"

JUDGED = {CORPUS: ("aivd", "aivd-2"), DATA / "tables": ("tabellen", "tabellen-2")}
"""The judged questions of each folder of texts."""

TABLES = (*chain(*JUDGED.values()), "public", "answerability", "pages", "machine")
"""Every table of the page."""

MARKED = re.compile(r"(<!-- table: (.*?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

Sets = Mapping[str, Mapping[str, Evaluation]]
"""Evaluations by the name of a set, then by that of a ranking."""


def main() -> None:
    """Measure, telling how far it is, and write the page."""
    start = time.monotonic()
    embedder = open_corpus_embedder(DEFAULT_EMBEDDER, None, None)
    made = {}
    for texts, names in JUDGED.items():
        made |= judged_tables(read_corpus(texts), names, embedder)
    told("judged questions", start)
    sets = evaluated_sets(embedder)
    made |= {"public": public_table(sets), "answerability": measures_table(sets[LABELLED][RANKINGS[0]])}
    told("public sets", start)
    made |= {"pages": pages_table(embedder)}
    told("pages left out", start)
    made |= {"machine": machine(time.monotonic() - start)}
    PAGE.write_text(filled(PAGE.read_text("utf-8"), made), "utf-8")


def judged_tables(reading: Reading, names: Sequence[str], embedder: Embedder) -> dict[str, str]:
    """The judged questions on these texts, with the verdict."""
    with indexed(reading, embedder) as index:
        bot = Chatbot(Retriever(index, embedder), Answerability.load())
        return {
            name: measures_table(
                evaluate_judgments(bot, read_judgments(DATA / "questions" / f"{name}.jsonl"), name)
            )
            for name in names
        }


def evaluated_sets(embedder: Embedder) -> Sets:
    """Every file of queries of every BEIR folder, with each ranking."""
    evaluations = {}
    for folder in sorted(path for path in (DATA / "beir").iterdir() if path.is_dir()):
        texts = read_beir(folder).texts
        reading = Reading(tuple(text_document(key, *text) for key, text in texts.items()), ())
        with indexed(reading, embedder) as index:
            for queries in sorted(folder.glob("queries*.jsonl")):
                beir = read_beir(folder, queries.name)
                evaluations[beir.name] = {
                    name: evaluate_beir(
                        beir, Finder(Retriever(index, embedder, rankings()[name]), Answerability.load()).find
                    )
                    for name in RANKINGS
                }
    return evaluations


def public_table(sets: Sets) -> str:
    """How well the judged documents are ranked: a line for each set and ranking."""
    head = [
        "set", "ranking", "nDCG@10", "95 % interval", "MRR@10", "Recall@5", f"nDCG@10 less {RANKINGS[0]}",
        "95 % interval",
    ]  # fmt: skip
    rows = [
        [set_name, ranking, *figures(evaluation), *difference(evaluation, by_ranking[RANKINGS[0]])]
        for set_name, by_ranking in sets.items()
        for ranking, evaluation in by_ranking.items()
    ]
    return table(head, rows)


def figures(evaluation: Evaluation) -> list[str]:
    """The measures of a ranking, the first with its interval."""
    ndcg, mrr, recall = (evaluation.measures[name] for name in ("nDCG@10", "MRR@10", "Recall@5"))
    interval = f"{ndcg.low:.3f} - {ndcg.high:.3f}"
    return [f"{ndcg.value:.3f}", interval, f"{mrr.value:.3f}", f"{recall.value:.3f}"]


def difference(evaluation: Evaluation, first: Evaluation) -> list[str]:
    """How much another ranking has more than the first, with its interval; two empty cells for the first."""
    if evaluation is first:
        return ["", ""]
    less = differences(evaluation, first)["nDCG@10"]
    return [f"{less.value:+.3f}", f"{less.low:+.3f} to {less.high:+.3f}"]


def pages_table(embedder: Embedder) -> str:
    """The calibration pages, each by a fit without it."""
    import fit_verdict as fit

    pages = sorted(path for path in fit.PAGES.iterdir() if path.suffix in (".txt", ".md"))
    judged = [page for page in pages if page.with_suffix(".jsonl").exists()]
    rows = [row for page in judged for row in fit.judged_rows(page, embedder)]
    _, margins = fit.fitted_on(rows, embedder.fingerprint)
    with redirect_stdout(StringIO()) as printed:
        fit.print_table(rows, margins)
    return printed.getvalue().strip()


def machine(seconds: float) -> str:
    """What this was measured with."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    wide = "AVX-512" if any(" avx512f" in line for line in lines) else "no AVX-512"
    return (
        f"{names[0]} ({wide}), {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"openvino {version('openvino')}; `make quality` took {seconds / 60:.0f} minutes."
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def tables_of(text: str) -> dict[str, str]:
    """What stands between the marks of a page, by name."""
    return {name: content.strip() for _, name, content, _ in MARKED.findall(text)}


def filled(text: str, made: Mapping[str, str]) -> str:
    """The page with these tables; KeyError where it asks for another one."""
    return MARKED.sub(lambda mark: f"{mark[1]}\n{made[mark[2]]}\n\n{mark[4]}", text)


@contextmanager
def indexed(reading: Reading, embedder: Embedder) -> Iterator[Index]:
    """A new index, there as long as it is asked."""
    with TemporaryDirectory(prefix="vraagbaak-") as folder:
        update_index(reading, Path(folder), lambda: embedder, embedder.fingerprint)
        with Index.open(Path(folder), embedder.fingerprint) as index:
            yield index


def told(what: str, start: float) -> None:
    """Say on stderr what is done."""
    print(f"{what}: measured, {time.monotonic() - start:.0f} s since the start", file=sys.stderr)


if __name__ == "__main__":
    main()
