"""What a collection of web pages costs to index, beside the bare embedding of the same texts.

    apt-get install libreoffice-help-nl
    python benchmarks/collection.py /usr/share/libreoffice/help/nl/text [--pages N | --all] [--json FILE]

Of the pages below the folder every n-th is taken, 300 of them in all, and copied aside. Each step is a
process of its own: starting, embedding the texts and nothing else, ``vraagbaak index`` from nothing, again
with nothing changed, with one sentence added to one page, and with one page renamed. Prints seconds,
processor time and peak memory of each, and the ratios. On a busy machine the processor times say more than
the seconds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from time import perf_counter, process_time
from typing import Any

import numpy as np

LEFT_OUT = 3
"""The exit status of a build that left a file out: some pages have no text."""

PAGES = 300
FULL_BOUND, CHANGED_BOUND = 1.15, 0.02
"""A full build / the bare embedding; a build with one page changed, less starting / a full build."""
ADDED = "<p>Deze zin is vandaag toegevoegd, en staat nergens anders.</p></body>"


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds by the clock and of the processors, and most memory at once."""

    seconds: float
    processor: float
    peak_mb: float


class Recording:
    """An embedder that keeps what it is to embed, and gives any vectors at once."""

    def __init__(self, embedder: Any, texts: list[list[str]]) -> None:
        self._embedder = embedder
        self._texts = texts
        self.fingerprint, self.dimension = embedder.fingerprint, embedder.dimension
        self.max_tokens = embedder.max_tokens
        self.count_tokens = embedder.count_tokens
        self.embed_queries = embedder.embed_queries

    def embed_texts(self, texts: Sequence[str], _: Callable[[int], None] | None = None) -> Any:
        """Rows of length 1 that mean nothing."""
        self._texts.append(list(texts))
        return np.full((len(texts), self.dimension), self.dimension**-0.5, np.float32)


def main() -> None:
    """Measure and tell."""
    options = parsed()
    paths = chosen(options.folder, None if options.all else options.pages)
    with TemporaryDirectory(prefix="vraagbaak-") as folder:
        found = measured(Path(folder), options.folder, paths)
    print(table(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


def chosen(folder: Path, most: int | None) -> list[Path]:
    """Pages below the folder: all, or ``most`` spread evenly over their sorted paths."""
    paths = sorted(folder.rglob("*.html"))
    if most is None or most >= len(paths):
        return paths
    return [paths[number * len(paths) // most] for number in range(most)]


def copied(paths: Sequence[Path], source: Path, corpus: Path) -> list[Path]:
    """Copies of the pages, at the same places below ``corpus``."""
    copies = [corpus / path.relative_to(source) for path in paths]
    for path, copy in zip(paths, copies, strict=True):
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return copies


def measured(folder: Path, source: Path, paths: Sequence[Path]) -> dict[str, Any]:
    """The cost of each step over copies of the pages, and what the builds reported."""
    corpus, texts = folder / "corpus", folder / "texts.json"
    copies = copied(paths, source, corpus)
    costs: dict[str, Cost] = {}
    reports: dict[str, dict[str, Any]] = {}

    def build(name: str) -> None:
        command = ("-m", "retrieval.cli", "index", "--corpus", corpus, "--index", folder / "index", "--json")
        costs[name], told = run(*command)
        reports[name] = json.loads(told) | {"skipped": len(json.loads(told)["skipped"])}

    costs["starting"], _ = run("-c", "import collection; collection.start()")
    run("-c", "import collection, sys; collection.record(*sys.argv[1:])", corpus, folder / "aside", texts)
    process, told = run("-c", "import collection, sys; collection.embed(sys.argv[1])", texts)
    seconds, processor, count = json.loads(told)
    costs["bare embedding"] = Cost(seconds, processor, process.peak_mb)
    build("full build")
    build("nothing changed")
    page = copies[len(copies) // 2]
    page.write_text(page.read_text("utf-8").replace("</body>", ADDED), "utf-8")
    build("one page changed")
    page.rename(page.with_name(f"hernoemd-{page.name}"))
    build("one page renamed")
    return {
        "cpu": cpu_name(),
        "pages": len(copies),
        "texts": count,
        "costs": {name: asdict(cost) for name, cost in costs.items()},
        "reports": reports,
        "ratios": {unit: ratios(costs, unit) for unit in ("seconds", "processor")},
    }


def ratios(costs: dict[str, Cost], unit: str) -> dict[str, float]:
    """Both ratios that have a bound, by "seconds" or by "processor" time."""
    spent = {name: getattr(cost, unit) for name, cost in costs.items()}
    full = spent["full build"]
    return {
        "full build / bare embedding": full / spent["bare embedding"],
        "(one page changed - starting) / full build": (spent["one page changed"] - spent["starting"]) / full,
    }


def run(*arguments: str | Path) -> tuple[Cost, str]:
    """Run Python, and tell what it and its children took and what it printed."""
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here.parent / "src"), str(here)])}
    before = perf_counter()
    with (
        TemporaryFile("w+") as told,
        subprocess.Popen([sys.executable, *map(str, arguments)], stdout=told, env=environment) as process,
    ):
        _, status, usage = os.wait4(process.pid, 0)  # unlike wait(), with what it took
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = perf_counter() - before
        told.seek(0)
        printed = told.read()
    if process.returncode not in (0, LEFT_OUT):
        raise SystemExit(f"{arguments} ended with {process.returncode}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024), printed


def table(found: dict[str, Any]) -> str:
    """The costs and ratios as Markdown."""
    bounds = dict(zip(found["ratios"]["seconds"], (FULL_BOUND, CHANGED_BOUND), strict=True))
    passages = found["reports"]["full build"]["passages"]
    lines = [
        f"CPU: {found['cpu']}; {found['pages']} pages, {passages:,} passages, {found['texts']:,} texts",
        "",
        "| step | seconds | processor, s | peak MB | passages embedded |",
        "|---|---|---|---|---|",
    ]
    for name, cost in found["costs"].items():
        embedded = found["reports"].get(name, {}).get("embedded", "")
        cells = (name, *(f"{cost[unit]:.1f}" for unit in cost), str(embedded))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| ratio | seconds | processor | bound |", "|---|---|---|---|"]
    for name, bound in bounds.items():
        values = (found["ratios"][unit][name] for unit in ("seconds", "processor"))
        lines.append(f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} | {bound} |")
    return "\n".join(lines)


def cpu_name() -> str:
    """The processor as Linux names it."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="folder with HTML pages")
    parser.add_argument("--pages", type=int, default=PAGES, help=f"how many of them (default: {PAGES})")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there too")
    return parser.parse_args()


# What the processes do


def start() -> None:
    """All that a build imports and opens before it looks at the corpus."""
    from retrieval import corpus, index, rehearsing  # noqa: F401 - that they are imported is what counts
    from retrieval.answerability import Answerability
    from retrieval.embedding import open_query_embedder
    from retrieval.settings import DEFAULT_EMBEDDER

    open_query_embedder(DEFAULT_EMBEDDER, None, None)
    Answerability.load()


def record(corpus: str, index: str, texts: str) -> None:
    """Write what a build of the corpus embeds, in its calls, as JSON."""
    from retrieval.building import update_index
    from retrieval.corpus import read_corpus
    from retrieval.embedding import open_query_embedder
    from retrieval.settings import DEFAULT_EMBEDDER

    calls: list[list[str]] = []
    embedder = Recording(open_query_embedder(DEFAULT_EMBEDDER, None, None), calls)
    update_index(read_corpus(Path(corpus)), Path(index), lambda: embedder, embedder.fingerprint)
    Path(texts).write_text(json.dumps(calls), "utf-8")


def embed(texts: str) -> None:
    """Embed the texts as they were recorded; prints seconds, processor time and the number of texts."""
    from retrieval.embedding import open_corpus_embedder
    from retrieval.settings import DEFAULT_EMBEDDER

    calls = json.loads(Path(texts).read_text("utf-8"))
    embedder = open_corpus_embedder(DEFAULT_EMBEDDER, None, None)
    embedder.embed_texts(["Warm."])
    before, worked = perf_counter(), process_time()
    for call in calls:
        embedder.embed_texts(call)
    print(json.dumps([perf_counter() - before, process_time() - worked, sum(map(len, calls))]))


if __name__ == "__main__":
    main()
