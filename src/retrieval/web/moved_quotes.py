"""Where a quote stands in the text that its document has now; blanks and line ends may differ."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate, islice

from retrieval.records import BlockKind, Document, Span

MOST_PLACES = 1_000
"""Places of the same words that are looked at; what stands there more often is found again nowhere."""

_WORD = re.compile(r"\S+")


def place_now(before: Document, place: Span, now: Document) -> Span | None:
    """The place in ``now`` of the words that stood at ``place``, or None where that is not sure.

    It is sure where they stand there once below the heading that they stood below, or, where there is no such
    heading any more, once in all.
    """
    words = _WORD.findall(before.text, place.start, place.end)
    if not words:
        return None
    found = list(islice(_places(words, now.text), MOST_PLACES + 1))
    if len(found) > MOST_PLACES:
        return None
    heading, heading_now = _headings(before)(place.start), _headings(now)
    below = [span for span in found if heading_now(span.start) == heading]
    if not below and not _has_heading(now, heading):
        below = found
    return below[0] if len(below) == 1 else None


def _places(words: list[str], text: str) -> Iterator[Span]:
    """Where these words stand in a text, whatever blanks are between them; in time linear in the text."""
    matches = [match.span() for match in _WORD.finditer(text)]
    starts = list(accumulate((end - start + 1 for start, end in matches), initial=0))
    joined = " ".join(text[start:end] for start, end in matches)
    sought = " ".join(words)
    at = joined.find(sought)
    while at >= 0:
        end = at + len(sought)
        if not _is_part(joined, at, end):
            yield Span(_offset(at, starts, matches), _offset(end - 1, starts, matches) + 1)
        at = joined.find(sought, at + 1)


def _is_part(text: str, start: int, end: int) -> bool:
    """Whether what stands there is a part of another word or number: "€ 10" does not stand in "€ 10,50"."""
    is_within_word = start > 0 and re.match(r"\w", text[start - 1]) is not None
    return is_within_word or re.match(r"\w|[.,]\d", text[end : end + 2]) is not None


def _offset(at: int, starts: list[int], matches: list[tuple[int, int]]) -> int:
    number = bisect_right(starts, at) - 1
    return matches[number][0] + at - starts[number]


def _has_heading(document: Document, words: list[str]) -> bool:
    return any(
        document.text[block.span.start : block.span.end].split() == words
        for block in document.blocks
        if block.kind is BlockKind.HEADING
    )


def _headings(document: Document) -> Callable[[int], list[str]]:
    """What tells the words of the heading above an offset; none above the first."""
    headings = [block.span for block in document.blocks if block.kind is BlockKind.HEADING]
    starts = [heading.start for heading in headings]

    def above(offset: int) -> list[str]:
        number = bisect_right(starts, offset)
        return document.text[headings[number - 1].start : headings[number - 1].end].split() if number else []

    return above
