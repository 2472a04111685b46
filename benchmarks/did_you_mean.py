"""How often a misspelt name is understood, and how often a name is offered where none was meant.

``python benchmarks/did_you_mean.py`` misspells the names of the pages of corpus/ and tests/data/calibration,
once in each of four ways, in questions that are answered when they are spelt right, and prints a table.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from retrieval.answerability import Answerability
from retrieval.building import update_index
from retrieval.chatbot import Chatbot
from retrieval.corpus import Reading, read_corpus
from retrieval.embedding import Embedder, open_query_embedder
from retrieval.evaluation import read_judgments
from retrieval.index import Index
from retrieval.records import Abstention, Answer, Document
from retrieval.retriever import Retriever
from retrieval.settings import DEFAULT_EMBEDDER

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "tests" / "data" / "calibration"
FORMS = ("Wat doet {}?", "Wat is {}?", "Wie werkt er samen met {}?")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SOUNDS = (
    ("ij", "ei"), ("ei", "ij"), ("c", "k"), ("k", "c"), ("d", "dt"), ("t", "dt"), ("au", "ou"), ("ch", "g"),
    ("g", "ch"), ("z", "s"), ("s", "z"), ("v", "f"), ("f", "v"), ("ie", "i"), ("i", "ie"),
    ("oo", "o"), ("ee", "e"),
)  # fmt: skip


def main() -> int:
    """Misspell, ask, and print how often each thing happened."""
    outcomes: dict[str, Counter[str]] = {name: Counter() for name in MISSPELLINGS}
    wrongly = Counter[str]()
    embedder = open_query_embedder(DEFAULT_EMBEDDER, None, None)
    corpus = [
        (document, questions_of(ROOT / "tests" / "data" / "questions")) for document in pages(ROOT / "corpus")
    ]
    calibration = [
        (document, [PAGES / f"{Path(document.id).stem}.jsonl"])
        for document in pages(PAGES)
        if document.id != "README.md"
    ]
    for document, judged in [*corpus, *calibration]:
        with TemporaryDirectory() as folder, opened(document, Path(folder), embedder) as bot:
            for name, question in answered_names(bot):
                for way, misspell in MISSPELLINGS.items():
                    dice = random.Random(f"{way} {name}")  # noqa: S311 - the same misspelling at each run
                    typed = misspell(name, dice)
                    if typed != name:
                        outcomes[way][outcome(bot, question, name, typed)] += 1
            for path in judged:
                for judgment in read_judgments(path):
                    if judgment.kind.startswith("unanswerable"):
                        reply = bot.reply(judgment.question, judgment.history)
                        offered = "Bedoelt u" in (reply.notice or "")
                        wrongly["offered" if offered else "not offered"] += 1
                        if offered:
                            print(f"offered for {judgment.question!r}: {reply.notice}", file=sys.stderr)
    columns = ("corrected", "offered", "answered", "other name", "silence")
    print("| misspelling | n | " + " | ".join(columns) + " |\n|---|---|" + "---|" * len(columns))
    for way, counts in outcomes.items():
        total = counts.total()
        shares = (f"{counts[column] / total:.3f}" for column in columns)
        print(f"| {way} | {total} | " + " | ".join(shares) + " |")
    print(f"\nunanswerable questions: {wrongly['offered']} of {wrongly.total()} were offered a name")
    return 0


def pages(folder: Path) -> tuple[Document, ...]:
    """The documents of a folder."""
    return read_corpus(folder).documents


def questions_of(folder: Path) -> list[Path]:
    """The files of judged questions in a folder."""
    return sorted(folder.glob("*.jsonl"))


def opened(document: Document, folder: Path, embedder: Embedder) -> Chatbot:
    """A chatbot over this document alone."""
    update_index(Reading((document,), ()), folder, lambda: embedder, embedder.fingerprint)
    return Chatbot(Retriever(Index.open(folder, embedder.fingerprint), embedder), Answerability.load())


def answered_names(bot: Chatbot) -> Iterator[tuple[str, str]]:
    """The names of four letters and more of which a question is answered, with the form of that question."""
    for name in bot.index.spelling.names:
        for form in FORMS:
            if len(name) > 3 and isinstance(bot.reply(form.format(name)), Answer):
                yield name, form
                break


def outcome(bot: Chatbot, form: str, name: str, typed: str) -> str:
    """What came of asking with the misspelt name."""
    reply = bot.reply(form.format(typed))
    notice = reply.notice or ""
    if isinstance(reply, Abstention):
        if "Bedoelt u" not in notice:
            return "silence"
        return "offered" if form.format(name).lower() in notice.lower() else "other name"
    if f"op “{name}”".lower() in notice.lower():
        return "corrected"
    return "other name" if notice else "answered"


def two_edits(name: str, dice: random.Random) -> str:
    """Two letters, not the first, lost, doubled or changed."""
    for _ in range(2):
        at = dice.randrange(1, len(name))
        name = name[:at] + dice.choice(("", name[at] * 2, dice.choice(LETTERS))) + name[at + 1 :]
    return name


def swapped(name: str, dice: random.Random) -> str:
    """Two pairs of letters beside each other changed places."""
    for _ in range(2):
        at = dice.randrange(0, len(name) - 1)
        name = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return name


def by_sound(name: str, dice: random.Random) -> str:
    """Written as it sounds, in up to two places."""
    for written, heard in dice.sample([pair for pair in SOUNDS if pair[0] in name.lower()] or [("", "")], 1):
        name = name.replace(written, heard, 1)
    fitting = [pair for pair in SOUNDS if pair[0] in name]
    return name.replace(*dice.choice(fitting), 1) if fitting else name


def three_edits(name: str, dice: random.Random) -> str:
    """One letter more than ``two_edits``."""
    at = dice.randrange(1, len(name))
    return two_edits(name[:at] + name[at + 1 :], dice) if len(name) > 5 else name


MISSPELLINGS: dict[str, Callable[[str, random.Random], str]] = {
    "two edits": two_edits,
    "three edits": three_edits,
    "letters swapped twice": swapped,
    "as it sounds, twice": by_sound,
}


if __name__ == "__main__":
    sys.exit(main())
