"""An index that is built in a moment: texts of which each edition changes one, and a real chatbot on it.

``python small_index.py FOLDER PRICE`` builds it, and waits for a line on stdin before texts are embedded.
"""

import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np

from retrieval.answerability import Answerability
from retrieval.building import BuildReport, update_index
from retrieval.chatbot import Chatbot
from retrieval.checking import check_index
from retrieval.corpus import Reading
from retrieval.index import Index
from retrieval.ranking import Vectors
from retrieval.records import Answer, Block, BlockKind, Document, Provenance, Span
from retrieval.rehearsing import Rehearsal
from retrieval.retriever import Retriever

WORDS = ("gemeentehuis", "open", "uur", "paspoort", "kost", "euro", "afval", "maandag")
QUESTION = "Wat kost een paspoort?"
BEFORE, AFTER = "Een paspoort kost 70 euro.", "Een paspoort kost 80 euro."
OTHERS = 12
"""Documents that are the same in both editions."""
KEEP = 2
"""Generations that stay: the third build deletes one."""


class CountingEmbedder:
    """A vector counts the words of WORDS in a text, and holds 1 more so that it is never zero.

    ``between`` is called before texts are embedded.
    """

    fingerprint = "counting-1"
    dimension = len(WORDS) + 1
    max_tokens = 100

    def __init__(self, between: Callable[[], object] = lambda: None) -> None:
        self._between = between

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        return self._embedded(queries)

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        self._between()
        return self._embedded(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def _embedded(self, texts: Sequence[str]) -> Vectors:
        words = [text.lower().replace(".", " ").replace("?", " ").split() for text in texts]
        rows = [[*(own.count(word) for word in WORDS), 1] for own in words]
        vectors = np.array(rows, np.float32).reshape(len(texts), self.dimension)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def build(folder: Path, price: str, between: Callable[[], object] = lambda: None) -> BuildReport:
    """Bring the index in ``folder`` up to date with the edition that names this price."""
    embedder = CountingEmbedder(between)
    return update_index(
        Reading(edition(price), ()),
        folder,
        lambda: embedder,
        embedder.fingerprint,
        rehearse=Rehearsal(embedder, Answerability.load()),
        keep=KEEP,
    )


def built_twice(folder: Path) -> None:
    """Make an index of two generations, of which the second says BEFORE."""
    build(folder, "Een paspoort kost 60 euro.")
    build(folder, BEFORE)


def answer(folder: Path) -> str:
    """What a real chatbot quotes to QUESTION from the index, of which everything is whole."""
    check = check_index(folder)
    assert (check.problems, check.documents) == ((), OTHERS + 1)
    embedder = CountingEmbedder()
    index = Index.open(folder, embedder.fingerprint)
    with Chatbot(Retriever(index, embedder), Answerability.load()) as chatbot:
        reply = chatbot.reply(QUESTION)
    assert isinstance(reply, Answer)
    return reply.quotes[0].text


def edition(price: str) -> tuple[Document, ...]:
    """The paspoort's price, and texts that stay the same."""
    others = [
        _document(
            f"afval{number}.txt", f"Afval {number}", f"Het afval van wijk {number} gaat op maandag weg."
        )
        for number in range(OTHERS)
    ]
    return (_document("paspoort.txt", "Paspoort", price, "Het gemeentehuis is open om 9 uur."), *others)


def _document(id_: str, title: str, *paragraphs: str) -> Document:
    parts = (title, *paragraphs)
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + len(part) + 2)
    kinds = [BlockKind.TITLE, *(BlockKind.PARAGRAPH for _ in paragraphs)]
    blocks = tuple(
        Block(kind, Span(start, following - 2))
        for kind, (start, following) in zip(kinds, pairwise(starts), strict=True)
    )
    text = "\n\n".join(parts)
    hashed = sha256(text.encode()).hexdigest()
    return Document(
        id_, text, hashed, title, blocks, Provenance(questions=(QUESTION,) if "paspoort" in id_ else ())
    )


def _wait() -> None:
    print("embedding", flush=True)  # noqa: T201
    sys.stdin.readline()


if __name__ == "__main__":
    build(Path(sys.argv[1]), sys.argv[2], _wait)
