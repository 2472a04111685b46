"""Which questions are suggested to a visitor: those of the passages near the answer, never one asked already.

What an index knows of its own questions is a file of the generation; choosing reads that and embeds nothing.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

from retrieval.files import broken, read_json, writing
from retrieval.lexical import analyse

MOST_SUGGESTIONS = 3
"""Questions that one reply suggests."""

_SAYS_LITTLE = frozenset(analyse("doet staat is"))
"""Words by which two questions about one subject may differ and still ask the same."""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What came of asking an index the questions that it should answer.

    ``made`` holds for some passages a question that the passage was cited first for. ``own`` holds the
    questions of the editors that were answered, and the passage cited first; ``unanswered`` those that were
    not, and ``unclear`` those that say too little without an earlier question to be asked at all.
    ``asked_by`` tells with what was asked; it is empty where nothing was.
    """

    made: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    own: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    unanswered: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    asked_by: str = ""

    @classmethod
    def read(cls, path: Path) -> "Suggestions":
        """Read the file of ``write``. Raises BrokenIndexError where it is missing or damaged."""
        content: dict[str, Any] = read_json(path)
        try:
            return cls(
                {int(passage): str(question) for passage, question in content["made"]},
                {str(question): int(passage) for question, passage in content["own"]},
                tuple(map(str, content["unanswered"])),
                tuple(map(str, content["unclear"])),
                str(content["asked_by"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise broken(path, f"not whole suggestions ({error!r})") from error

    def write(self, path: Path) -> None:
        """Write all of it as JSON. Raises BrokenIndexError where it cannot be written."""
        content = {
            "made": list(self.made.items()),
            "own": list(self.own.items()),
            "unanswered": list(self.unanswered),
            "unclear": list(self.unclear),
            "asked_by": self.asked_by,
        }
        with writing(path):
            path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")

    def by_passage(self) -> dict[int, tuple[str, ...]]:
        """The questions that each passage answers, those of the editors first."""
        questions: dict[int, list[str]] = {}
        for question, passage in chain(self.own.items(), ((made, at) for at, made in self.made.items())):
            questions.setdefault(passage, []).append(question)
        return {passage: tuple(dict.fromkeys(own)) for passage, own in questions.items()}


def starting_questions(own: Iterable[Sequence[str]], made: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Questions to begin with: the editors' own, in turn from each source, then made ones in the same way."""
    turns = chain(*zip_longest(*own), *zip_longest(*made))
    return chosen((question for question in turns if question), ())


def near(found: Sequence[int], quoted: Iterable[int], document: range) -> Iterator[int]:
    """The passages to suggest questions of: those found beside the quoted ones, then those next to the best.

    ``found`` is best first; ``document`` holds the passages of the document of the first.
    """
    left_out = set(quoted)
    yield from (passage for passage in found if passage not in left_out)
    left_out.update(found)
    beside = sorted(document, key=lambda passage: (abs(passage - found[0]), passage < found[0]))
    yield from (passage for passage in beside if passage not in left_out)


def chosen(questions: Iterable[str], asked: Iterable[str]) -> tuple[str, ...]:
    """The first MOST_SUGGESTIONS of ``questions`` that ask what was not asked yet, each something else."""
    known = {subject_of(question) for question in asked}
    suggested: list[str] = []
    for question in questions:
        subject = subject_of(question)
        if not any(_ask_the_same(subject, other) for other in known):
            known.add(subject)
            suggested.append(question)
            if len(suggested) == MOST_SUGGESTIONS:
                break
    return tuple(suggested)


def _ask_the_same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two subjects are the same, or one of at least two words lies within the other."""
    fewer, more = sorted((one, other), key=len)
    return one == other or (len(fewer) > 1 and fewer <= more)


def subject_of(question: str) -> frozenset[str]:
    """What the question asks about: two questions with the same content words ask the same."""
    stems = frozenset(analyse(question))
    return stems - _SAYS_LITTLE or stems
