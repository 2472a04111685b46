"""Plain text: titles and headings told by where they stand and how long they are."""

import re
from collections.abc import Sequence

from retrieval.readers.content import Content
from retrieval.records import Block, BlockKind, Span

MAX_TITLE_CHARACTERS = 200
"""A first line longer than this is a paragraph: search engines show 60 characters of a title."""

MAX_HEADING_CHARACTERS = 100
"""A line of its own up to this length is a heading; the longest heading of the AIVD page has 62."""


def read_plain_text(text: str) -> Content:
    """Plain text: the first line is the title, a short line of its own without a full stop a heading.

    A first line that is too long for a title, or all there is, is a paragraph. The text stays as it is.
    """
    runs = _runs_of_lines(text)
    if not runs:
        return Content(text, None, ())
    first = runs[0][0]
    if first.end - first.start > MAX_TITLE_CHARACTERS or runs == [[first]]:
        return Content(text, None, tuple(_plain_block(text, run) for run in runs))
    below = [runs[0][1:]] if runs[0][1:] else []
    blocks = [Block(BlockKind.TITLE, first, level=1)]
    # what stands directly under the title is no line of its own
    blocks += [Block(BlockKind.PARAGRAPH, Span(run[0].start, run[-1].end)) for run in below]
    blocks += [_plain_block(text, run) for run in runs[1:]]
    return Content(text, text[first.start : first.end], tuple(blocks))


def paragraphs_of(text: str) -> tuple[Block, ...]:
    """The blocks of a text without a title: paragraphs, and headings among them."""
    return tuple(_plain_block(text, run) for run in _runs_of_lines(text))


def _runs_of_lines(text: str) -> list[list[Span]]:
    """The lines that are not blank, trimmed, in runs without a blank line between them."""
    runs: list[list[Span]] = []
    start = 0
    was_blank = True
    for line in text.split("\n"):
        trimmed = line.strip()
        if trimmed:
            left = start + len(line) - len(line.lstrip())
            span = Span(left, left + len(trimmed))
            if was_blank:
                runs.append([span])
            else:
                runs[-1].append(span)
        was_blank = not trimmed
        start += len(line) + 1
    return runs


def _plain_block(text: str, run: Sequence[Span]) -> Block:
    span = Span(run[0].start, run[-1].end)
    if len(run) == 1 and _is_heading(text[span.start : span.end]):
        return Block(BlockKind.HEADING, span, level=2)
    return Block(BlockKind.PARAGRAPH, span)


def _is_heading(line: str) -> bool:
    return (
        len(line) <= MAX_HEADING_CHARACTERS
        and not line.rstrip("\"'”’»)]").endswith(".")
        and re.match(r"[-*+•·–—]\s", line) is None
    )
