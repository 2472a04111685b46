"""What a question costs beside its embedding, on a small and on a large index, and what it leaves in memory.

    python benchmarks/question.py [QUESTIONS]

Asks distinct questions of an index of corpus/, and of one in which that is among 10,000 passages, each in
turn with embedding the same question alone, and prints both and their ratio. Of the small index
QUESTIONS are asked, and the resident memory after a tenth and after all is told.

The 10,000 passages are those of tests/data/calibration, again and again, with one word in fifteen replaced
by another Dutch word. Embedding them would take minutes: their vectors are those of real texts with noise.
"""

import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from retrieval.answerability import Answerability
from retrieval.building import update_index
from retrieval.chatbot import Chatbot
from retrieval.corpus import Reading, read_corpus, text_document
from retrieval.embedding import Embedder, open_query_embedder
from retrieval.evaluation import read_judgments
from retrieval.index import Index
from retrieval.ranking import Vectors
from retrieval.records import Document
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER
from retrieval.spelling import dutch_words

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
TIMED = 300
"""Questions that are timed; the rest is asked for the memory alone."""
FOUND = 5
PASSAGES = 10_000
PARAGRAPHS = 20
"""Of a document, about as many as a page of tests/data/calibration has."""
REPLACED = 15
"""One word in so many: then 10,000 passages hold some 30,000 different words."""
NOISE = 0.5
"""Length of what is added to a real vector of length 1: the cosine of both is .89."""
SEED = 20_240_229


@dataclass(frozen=True)
class Times:
    """Seconds of each question: its embedding, one FAISS search, and the whole reply, embedding included."""

    embedding: list[float]
    search: list[float]
    reply: list[float]


class NearbyEmbedder:
    """Vectors near those of real texts, at hand at once; the rest is that of the embedder it stands for."""

    def __init__(self, embedder: Embedder, texts: Sequence[str]) -> None:
        self._embedder = embedder
        self._real = embedder.embed_texts(texts)
        self.fingerprint, self.dimension = embedder.fingerprint, embedder.dimension
        self.max_tokens = embedder.max_tokens

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        """The real vectors."""
        return self._embedder.embed_queries(queries)

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """For each text a vector of its own near one of the real ones."""
        numbers = [zlib.crc32(text.encode()) for text in texts]
        rows = self._real[[number % len(self._real) for number in numbers]]
        noise = np.array(
            [np.random.default_rng(number).normal(size=self.dimension) for number in numbers], np.float32
        )
        near = rows + NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        if progress is not None:
            progress(len(texts))
        vectors: Vectors = near / np.linalg.norm(near, axis=1, keepdims=True)
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words, generously: no passage here comes near the limit."""
        return [2 * len(text.split()) for text in texts]


def main() -> None:
    """Ask, time, and tell."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    judged = read_judgments(DATA / "questions" / "aivd-2.jsonl")
    texts = [judgment.question for judgment in judged if judgment.kind != "smalltalk"]
    questions = [f"{texts[number % len(texts)]} {number}" for number in range(total)]
    with TemporaryDirectory(prefix="vraagbaak-") as folder:
        # by another process: building brings torch into memory, answering does not
        building = [sys.executable, "-m", "retrieval.cli", "index", "--index", folder]
        subprocess.run(building, cwd=ROOT, check=True, capture_output=True)
        embedder = open_query_embedder(DEFAULT_EMBEDDER, None, None)
        print(f"CPU: {cpu_name()}\n")
        with opened(Path(folder), embedder) as bot:
            idle = resident_kib()
            tell(bot, timed(bot, embedder, questions[:TIMED]))
            ask(bot, questions[TIMED : total // 10])
            at_a_tenth = resident_kib()
            ask(bot, questions[max(TIMED, total // 10) :])
            print(
                f"\nresident before the first question {idle / 1024:.1f} MB, "
                f"after {total // 10:,} questions {at_a_tenth / 1024:.1f} MB, "
                f"after {total:,} {(resident_kib() - at_a_tenth) / 1024:+.1f} MB\n"
            )
        add_passages(Path(folder), embedder)
        with opened(Path(folder), embedder) as bot:
            tell(bot, timed(bot, embedder, questions[:TIMED]))


def opened(folder: Path, embedder: Embedder) -> Chatbot:
    """A chatbot of the index in the folder."""
    index = Index.open(folder, embedder.fingerprint)
    return Chatbot(Retriever(index, embedder), Answerability.load())


def timed(bot: Chatbot, embedder: Embedder, questions: Sequence[str]) -> Times:
    """Ask each question, and embed it and search for it alone, now the one first and now the other."""
    times = Times([], [], [])

    def alone(question: str) -> None:
        start = perf_counter()
        vector = embedder.embed_queries([question])[0]
        between = perf_counter()
        bot.index.dense.search(vector, FOUND)
        times.embedding.append(between - start)
        times.search.append(perf_counter() - between)

    def whole(question: str) -> None:
        start = perf_counter()
        bot.reply(question)
        times.reply.append(perf_counter() - start)

    for number, question in enumerate(questions):
        first, second = (alone, whole) if number % 2 else (whole, alone)
        first(question)
        second(question)
    return times


def ask(bot: Chatbot, questions: Sequence[str]) -> None:
    """Ask for the sake of what that leaves behind."""
    for question in questions:
        bot.reply(question)


def tell(bot: Chatbot, times: Times) -> None:
    """Print a table of the times."""
    print(f"| {len(bot.index.dense):,} passages | p50, ms | p95, ms |\n|---|---|---|")
    for label, seconds in (
        ("embedding the question", times.embedding),
        ("one FAISS search", times.search),
        ("Chatbot.reply", times.reply),
    ):
        print(f"| {label} | {median(seconds) * 1e3:.2f} | {at_95(seconds) * 1e3:.2f} |")
    print(
        f"| reply / embedding | {median(times.reply) / median(times.embedding):.2f} "
        f"| {at_95(times.reply) / at_95(times.embedding):.2f} |"
    )


def at_95(seconds: Sequence[float]) -> float:
    """The 95th percentile."""
    return quantiles(seconds, n=20)[-1]


def add_passages(folder: Path, embedder: Embedder) -> None:
    """Make the index in the folder one of corpus/ and as many other passages as make 10,000."""
    pages = sorted(path for path in (DATA / "calibration").glob("*.*") if path.suffix in (".txt", ".md"))
    paragraphs = [
        paragraph
        for page in pages
        if page.name != "README.md"
        for paragraph in page.read_text("utf-8").split("\n\n")
        if len(paragraph) > 100
    ]
    near = NearbyEmbedder(embedder, paragraphs)
    corpus = read_corpus(ROOT / "corpus").documents
    with Index.open(folder, embedder.fingerprint) as index:
        missing = PASSAGES - len(index.dense)
    documents = (*corpus, *varied(paragraphs, missing))
    # what stands in corpus/ keeps its vectors: they were made before and are found by their texts
    update_index(Reading(documents, ()), folder, lambda: near, near.fingerprint)


def varied(paragraphs: Sequence[str], count: int) -> Iterator[Document]:
    """Documents of ``count`` paragraphs in all, no two of them the same."""
    random = np.random.default_rng(SEED)
    words = sorted(set(dutch_words()))
    texts = (vary(paragraphs[number % len(paragraphs)], words, random) for number in range(count))
    number = 0
    while page := list(islice(texts, PARAGRAPHS)):
        yield text_document(f"{number}.txt", f"Bladzijde {number}", "\n\n".join(page))
        number += 1


def vary(paragraph: str, words: Sequence[str], random: np.random.Generator) -> str:
    """The paragraph on one line with some words replaced."""
    own = paragraph.split()
    places = random.choice(len(own), size=max(1, len(own) // REPLACED), replace=False)
    for place in places:
        own[place] = words[random.integers(len(words))]
    return " ".join(own)


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
