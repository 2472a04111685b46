"""What a question costs beside its embedding, and what ten thousand questions leave in memory.

    python benchmarks/question.py [QUESTIONS]

Asks distinct questions of an index of corpus/, each in turn with embedding the same question alone plus
one FAISS search, and prints both, their ratio, and the resident memory after a tenth and after all.
"""

import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

from retrieval.answerability import Answerability
from retrieval.chatbot import Chatbot
from retrieval.embedding import open_query_embedder
from retrieval.evaluation import read_judgments
from retrieval.index import Index
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER

ROOT = Path(__file__).resolve().parents[1]
TIMED = 300
"""Questions that are timed; the rest is asked for the memory alone."""
FOUND = 5


def main() -> None:
    """Ask, time, and tell."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    judged = read_judgments(ROOT / "tests" / "data" / "questions" / "aivd-2.jsonl")
    texts = [judgment.question for judgment in judged if judgment.kind != "smalltalk"]
    with TemporaryDirectory(prefix="vraagbaak-") as folder:
        # by another process: building brings torch into memory, answering does not
        building = [sys.executable, "-m", "retrieval.cli", "index", "--index", folder]
        subprocess.run(building, cwd=ROOT, check=True, capture_output=True)
        embedder = open_query_embedder(DEFAULT_EMBEDDER, None, None)
        index = Index.open(Path(folder), embedder.fingerprint)
        with Chatbot(Retriever(index, embedder), Answerability.load()) as bot:
            alone, whole = [], []
            idle, at_a_tenth = resident_kib(), 0
            for number in range(total):
                question = f"{texts[number % len(texts)]} {number}"
                if number < TIMED:
                    start = perf_counter()
                    index.dense.search(embedder.embed_queries([question])[0], FOUND)
                    alone.append(perf_counter() - start)
                start = perf_counter()
                bot.reply(question)
                if number < TIMED:
                    whole.append(perf_counter() - start)
                if number + 1 == total // 10:
                    at_a_tenth = resident_kib()
            print(f"CPU: {cpu_name()}\n")
            print("| | p50, ms | p95, ms |\n|---|---|---|")
            for label, times in (("embedding and one FAISS search", alone), ("Chatbot.reply", whole)):
                print(f"| {label} | {median(times) * 1e3:.1f} | {quantiles(times, n=20)[-1] * 1e3:.1f} |")
            print(
                f"| ratio | {median(whole) / median(alone):.2f} "
                f"| {quantiles(whole, n=20)[-1] / quantiles(alone, n=20)[-1]:.2f} |"
            )
            print(
                f"\nresident before the first question {idle / 1024:.1f} MB, "
                f"after {total // 10:,} questions {at_a_tenth / 1024:.1f} MB, "
                f"after {total:,} {(resident_kib() - at_a_tenth) / 1024:+.1f} MB"
            )


def resident_kib() -> int:
    """The process's resident memory, in KiB."""
    status = Path("/proc/self/status").read_text("utf-8").splitlines()
    return int(next(line.split()[1] for line in status if line.startswith("VmRSS:")))


def cpu_name() -> str:
    """The processor as Linux names it."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


if __name__ == "__main__":
    main()
