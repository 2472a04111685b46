"""Where a quote stands in the text that its document has now; blanks and line ends may differ."""

import re

from retrieval.records import BlockKind, Document, Span


def place_now(before: Document, place: Span, now: Document) -> Span | None:
    """The place in ``now`` of the words that stood at ``place``, or None where that is not sure.

    It is sure where they stand there once, or once below the heading that they stood below.
    """
    words = before.text[place.start : place.end].split()
    if not words:
        return None
    found = [Span(*match.span()) for match in _pattern(words).finditer(now.text)]
    if len(found) > 1:
        heading = _heading_above(before, place.start)
        found = [span for span in found if _heading_above(now, span.start) == heading]
    return found[0] if len(found) == 1 else None


def _pattern(words: list[str]) -> re.Pattern[str]:
    # not as a part of other words or numbers: "€ 10" does not stand in "€ 10,50"
    return re.compile(r"(?<!\w)" + r"\s+".join(map(re.escape, words)) + r"(?!\w|[.,]\d)")


def _heading_above(document: Document, offset: int) -> list[str]:
    heading: list[str] = []
    for block in document.blocks:
        if block.span.start > offset:
            break
        if block.kind is BlockKind.HEADING:
            heading = document.text[block.span.start : block.span.end].split()
    return heading
