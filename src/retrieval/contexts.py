"""What surrounds a passage: stretches of a document of a few passages, embedded as one text.

A paragraph alone often leaves out what it is about; the stretch that it stands in says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.records import Passage

MOST_CHARACTERS = 1_800
"""Of a stretch: what the default model reads, 512 tokens, at 3.5 characters each."""


@dataclass(frozen=True, slots=True)
class Context:
    """The text of some passages that follow each other, under their document's title, and their number."""

    text: str
    passages: int


def contexts_of(passages: Sequence[Passage], title: str) -> tuple[Context, ...]:
    """The stretches of a document, in order; each passage is in exactly one."""
    return tuple(
        Context("\n".join(filter(None, (title, *(passage.text for passage in group)))), len(group))
        for group in _groups(passages)
    )


def _groups(passages: Sequence[Passage]) -> Iterator[list[Passage]]:
    group: list[Passage] = []
    length = 0
    for passage in passages:
        if group and length + len(passage.text) > MOST_CHARACTERS:
            yield group
            group, length = [], 0
        group.append(passage)
        length += len(passage.text)
    if group:
        yield group
