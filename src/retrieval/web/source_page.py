"""A document as the blocks of a page: headings, lists, tables and the rest, with anchors and a marked place.

The text stands on the page as it is in the document, character for character: what is copied from it
can be checked against the citation.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from retrieval.records import Block, BlockKind, Document, Span

FIRST_HEADING, LAST_HEADING = 2, 6
"""Levels of headings below the title, which is the ``h1``."""

DEEPEST_LIST = 5
"""In how many items one lies at most on the page: more are lost on a phone."""

FEWEST_HEADINGS = 3
"""Headings from which on a page has an outline."""

FAR = 300
"""Characters into a passage (eight lines of a phone) from which its anchor stands at the marked place
instead of its start, or following the link would leave the mark out of view."""

_TAGS = {
    BlockKind.CODE: "pre",
    BlockKind.LIST_ITEM: "li",
    BlockKind.TABLE_HEADER: "tr",
    BlockKind.TABLE_ROW: "tr",
}
_ROWS = (BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW)

_SEPARATOR = re.compile(r"\A\| ?| \|(?: |\Z)")
"""What the readers set between the cells of a row."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that is marked or not; ``anchor`` is the id of the first marked one."""

    text: str
    marked: bool
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a block that no passage and no page starts or ends in.

    ``anchors`` are the ids that stand at its start, ``pages`` the numbers of the pages that start there.
    What ``separates`` the cells of a row stands in the text, and is not seen.
    """

    pieces: tuple[Piece, ...]
    anchors: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    separates: bool = False


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """A block of the page: its HTML element, its class and what stands in it.

    ``id`` is that of a heading; ``pages`` start right before it; ``cells`` are the parts of a row.
    """

    tag: str
    kind: str
    parts: tuple[Part, ...]
    id: str | None = None
    pages: tuple[int, ...] = ()
    cells: tuple[tuple[Part, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An item of a list, and the items that lie in it."""

    block: ShownBlock
    below: "tuple[ShownItem, ...]"


@dataclass(frozen=True, slots=True)
class ShownList:
    """Items of a list."""

    items: tuple[ShownItem, ...]
    tag: str = "ul"


@dataclass(frozen=True, slots=True)
class ShownTable:
    """Rows of a table, of ``columns`` cells or fewer; ``name`` tells it from others for who cannot see it."""

    name: str
    head: tuple[ShownBlock, ...]
    body: tuple[ShownBlock, ...]
    columns: int
    tag: str = "table"


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of the outline: the words of a heading, its id, and the headings below it."""

    text: str
    id: str
    below: "tuple[Heading, ...]"


def shown_blocks(
    document: Document, passages: Sequence[Span], place: Span | None, arrivals: Collection[int] = ()
) -> list[ShownBlock]:
    """The blocks of a page, with an anchor where each passage starts and ``place`` marked.

    The text of the pieces of a block, joined, is that of the block. ``arrivals`` are starts of passages of
    another text, to which links lead that are to arrive at ``place``.
    """
    anchors = _anchors(passages, place, arrivals)
    pages = _pages(document)
    bounds = sorted({*anchors, *pages, *(span.end for span in passages)})
    cutter = _Cutter(document.text, bounds, anchors, pages, place)
    levels, ids = _heading_levels(document.blocks), _heading_ids(document)
    return [
        _shown(block, f"h{level}" if level else _TAGS.get(block.kind, "p"), id_, cutter)
        for block, level, id_ in zip(document.blocks, levels, ids, strict=True)
    ]


def grouped(document: Document, shown: Sequence[ShownBlock]) -> list[ShownBlock | ShownList | ShownTable]:
    """What ``shown_blocks`` made of the document, items put together to lists and rows to tables."""
    together: list[ShownBlock | ShownList | ShownTable] = []
    heading, tables = "", 0
    for first, end in _runs(document):
        kind, run = document.blocks[first].kind, tuple(shown[first:end])
        if kind is BlockKind.LIST_ITEM:
            levels = [min(block.level, DEEPEST_LIST) for block in document.blocks[first:end]]
            together.append(ShownList(_items(run, levels)))
        elif kind in _ROWS:
            tables += 1
            together.append(_table(run, f"Tabel {tables}{heading and f': {heading}'}"))
        else:
            together += run
        if kind is BlockKind.HEADING:
            heading = _words(document, document.blocks[first])
    return together


def outline(document: Document) -> tuple[Heading, ...]:
    """The headings as a tree; none where there are fewer than FEWEST_HEADINGS."""
    levels, ids = _heading_levels(document.blocks), _heading_ids(document)
    flat = [
        (level, _words(document, block), id_)
        for block, level, id_ in zip(document.blocks, levels, ids, strict=True)
        if id_ is not None
    ]
    return _tree(flat) if len(flat) >= FEWEST_HEADINGS else ()


@dataclass(slots=True)
class _Cutter:
    """Cuts stretches of the text at the bounds, in the order of the text: the first mark gets an anchor."""

    text: str
    bounds: Sequence[int]
    anchors: Mapping[int, Collection[str]]
    pages: Mapping[int, tuple[int, ...]]
    place: Span | None
    mark_is_open: bool = False

    def parts(self, span: Span, separates: bool = False) -> tuple[Part, ...]:
        """The parts of a stretch."""
        return tuple(
            Part(
                tuple(self._pieces(part)),
                tuple(self.anchors.get(part.start, ())),
                self.pages.get(part.start, ()),
                separates,
            )
            for part in _cut(span, self.bounds)
        )

    def _pieces(self, part: Span) -> Iterator[Piece]:
        place = self.place
        for piece in _cut(part, [place.start, place.end] if place else []):
            marked = place is not None and place.start <= piece.start and piece.end <= place.end
            anchor = "citaat" if marked and not self.mark_is_open else None
            self.mark_is_open |= marked
            yield Piece(self.text[piece.start : piece.end], marked, anchor)


def _shown(block: Block, tag: str, id_: str | None, cutter: _Cutter) -> ShownBlock:
    kind, span = block.kind.value.replace("_", "-"), block.span
    if block.kind in _ROWS:
        cells = tuple(
            tuple(
                part
                for start, end, separates in stretches
                for part in cutter.parts(Span(start, end).shifted(span.start), separates)
            )
            for stretches in _cells(cutter.text[span.start : span.end])
        )
        return ShownBlock(tag, kind, tuple(part for cell in cells for part in cell), cells=cells)
    parts = cutter.parts(span)
    if block.kind is BlockKind.LIST_ITEM:
        return ShownBlock(tag, kind, parts)
    first = Part(parts[0].pieces, parts[0].anchors)
    return ShownBlock(tag, kind, (first, *parts[1:]), id_, parts[0].pages)


def _cells(row: str) -> list[list[tuple[int, int, bool]]]:
    """The stretches of each cell of a row, as start, end and whether it separates; together they are the row.

    A cell ends with what separates it from the next; a bar at an end of the row stands beside an empty cell.
    """
    cells: list[list[tuple[int, int, bool]]] = [[]]
    at = 0
    for match in _SEPARATOR.finditer(row):
        start, end = match.span()
        if at < start:
            cells[-1].append((at, start, False))
        cells[-1].append((start, end, True))
        at = end
        cells.append([])
    if at < len(row):
        cells[-1].append((at, len(row), False))
    return cells


def _runs(document: Document) -> Iterator[tuple[int, int]]:
    """The numbers of the first block and behind the last of each list, each table and each other block."""
    blocks = document.blocks
    starts = [
        number
        for number in range(len(blocks))
        if number == 0 or not _goes_on(document.text, blocks[number - 1], blocks[number])
    ]
    return pairwise([*starts, len(blocks)]) if starts else iter(())


def _goes_on(text: str, before: Block, block: Block) -> bool:
    if block.kind is BlockKind.LIST_ITEM:
        return before.kind is block.kind
    if before.kind not in _ROWS or block.kind not in _ROWS:
        return False
    starts_anew = block.kind is BlockKind.TABLE_HEADER and before.kind is BlockKind.TABLE_ROW
    return not starts_anew and text.count("\n", before.span.end, block.span.start) <= 1


def _items(run: Sequence[ShownBlock], levels: Sequence[int]) -> tuple[ShownItem, ...]:
    """An item holds those behind it that are deeper."""
    items = []
    first = 0
    while first < len(run):
        end = next((at for at in range(first + 1, len(run)) if levels[at] <= levels[first]), len(run))
        items.append(ShownItem(run[first], _items(run[first + 1 : end], levels[first + 1 : end])))
        first = end
    return tuple(items)


def _table(rows: Sequence[ShownBlock], name: str) -> ShownTable:
    heads = sum(row.kind == "table-header" for row in rows)  # they come first
    return ShownTable(name, tuple(rows[:heads]), tuple(rows[heads:]), max(len(row.cells) for row in rows))


def _tree(flat: Sequence[tuple[int, str, str]]) -> tuple[Heading, ...]:
    """A heading holds those behind it that are deeper."""
    tree = []
    first = 0
    while first < len(flat):
        level, text, id_ = flat[first]
        end = next((at for at in range(first + 1, len(flat)) if flat[at][0] <= level), len(flat))
        tree.append(Heading(text, id_, _tree(flat[first + 1 : end])))
        first = end
    return tuple(tree)


def _words(document: Document, block: Block) -> str:
    return " ".join(document.text[block.span.start : block.span.end].split())


def _heading_levels(blocks: Sequence[Block]) -> list[int]:
    """The level of each block on the page: 1 for the title, from 2 on for headings, 0 for the rest."""
    highest = min((block.level for block in blocks if block.kind is BlockKind.HEADING), default=1)
    return [
        1
        if block.kind is BlockKind.TITLE
        else min(LAST_HEADING, FIRST_HEADING + block.level - highest)
        if block.kind is BlockKind.HEADING
        else 0
        for block in blocks
    ]


def _heading_ids(document: Document) -> list[str | None]:
    """The id of each block that is a heading, made of its words, so that it stays when others change."""
    used: set[str] = set()
    numbers: Counter[str] = Counter()
    ids: list[str | None] = []
    for block in document.blocks:
        if block.kind is not BlockKind.HEADING:
            ids.append(None)
            continue
        name = "-".join(["kop", *re.findall(r"\w+", _words(document, block).lower())])
        id_ = None
        while id_ is None or id_ in used:
            numbers[name] += 1
            id_ = name if numbers[name] == 1 else f"{name}-{numbers[name]}"
        used.add(id_)
        ids.append(id_)
    return ids


def _pages(document: Document) -> dict[int, tuple[int, ...]]:
    """The pages by the offset where their text starts; those behind the last of it are left out."""
    pages: dict[int, tuple[int, ...]] = {}
    ends = [block.span.end for block in document.blocks]
    for page, start in enumerate(document.page_starts, 1):
        following = bisect_right(ends, start)
        if following < len(ends):
            at = max(start, document.blocks[following].span.start)
            pages[at] = (*pages.get(at, ()), page)
    return pages


def _anchors(
    passages: Sequence[Span], place: Span | None, arrivals: Collection[int]
) -> dict[int, dict[str, None]]:
    """The ids of the passages by the offsets where they stand."""
    anchors: dict[int, dict[str, None]] = {}  # of the inner ones the keys count, in order
    for start, end in sorted({(span.start, span.end) for span in passages}):
        is_far = place is not None and start + FAR < place.start < end
        stands_at = place.start if place is not None and is_far else start
        if start not in arrivals:
            anchors.setdefault(stands_at, {})[f"p-{start}"] = None
    if place is not None and arrivals:
        anchors.setdefault(place.start, {}).update((f"p-{start}", None) for start in sorted(arrivals))
    return anchors


def _cut(span: Span, offsets: Sequence[int]) -> Iterator[Span]:
    """The span cut at those of the offsets, which are sorted and differ, that lie within it."""
    within = offsets[bisect_right(offsets, span.start) : bisect_left(offsets, span.end)]
    return (Span(start, end) for start, end in pairwise([span.start, *within, span.end]))
