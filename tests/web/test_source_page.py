"""What the blocks of a page are; that the text stays what it was is tested on the pages themselves too."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.records import Block, BlockKind, Document, Span
from retrieval.web.source_page import (
    Heading,
    Part,
    ShownBlock,
    ShownItem,
    ShownList,
    ShownTable,
    grouped,
    outline,
    shown_blocks,
)

KINDS = {
    "#": BlockKind.HEADING,
    "-": BlockKind.LIST_ITEM,
    "=": BlockKind.TABLE_HEADER,
    "|": BlockKind.TABLE_ROW,
}


def document(*lines: tuple[str, str], page_starts: tuple[int, ...] = (), gap: str = "\n") -> Document:
    """Blocks of the kinds that KINDS names by a sign, of level 1, one on a line."""
    blocks, at = [], 0
    for sign, line in lines:
        kind = KINDS.get(sign, BlockKind.PARAGRAPH)
        blocks.append(Block(kind, Span(at, at + len(line)), len(sign) if sign.startswith("#") else 0))
        at += len(line) + len(gap)
    text = gap.join(line for _, line in lines)
    return Document(
        "a", text, sha256(text.encode()).hexdigest(), "Titel", tuple(blocks), page_starts=page_starts
    )


def heads(*lines: tuple[int, str]) -> Document:
    text = "\n".join(line for _, line in lines)
    blocks, at = [], 0
    for level, line in lines:
        blocks.append(Block(BlockKind.HEADING, Span(at, at + len(line)), level))
        at += len(line) + 1
    return Document("a", text, "0" * 64, "Titel", tuple(blocks))


def text_of(parts: tuple[Part, ...]) -> str:
    return "".join(piece.text for part in parts for piece in part.pieces)


def seen(block: ShownBlock) -> list[str]:
    """What is seen of each cell."""
    return [text_of(tuple(part for part in cell if not part.separates)) for cell in block.cells]


def page_of(one: Document) -> list[ShownBlock | ShownList | ShownTable]:
    return grouped(one, shown_blocks(one, [], None))


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("Paspoort | € 83,87", ["Paspoort", "€ 83,87"]),
        ("| dicht |", ["", "dicht", ""]),
        ("a |  | c", ["a", "", "c"]),
        ("| b", ["", "b"]),
        ("a |", ["a", ""]),
        ("alleen", ["alleen"]),
        ("x|y | z", ["x|y", "z"]),
        ("|", ["", ""]),
    ],
)
def test_the_cells_of_a_row(row: str, cells: list[str]) -> None:
    (block,) = shown_blocks(document(("|", row)), [], None)
    assert seen(block) == cells
    assert text_of(block.parts) == row


@given(st.text("a |\u00a0é", min_size=1), st.sets(st.integers(0, 12)), st.integers(0, 11), st.integers(1, 9))
def test_the_cells_joined_are_the_row_wherever_passages_and_marks_stand(
    row: str, cuts: set[int], start: int, length: int
) -> None:
    one = document(("|", row))
    place = Span(start, min(start + length, len(row))) if start < len(row) else None
    passages = [Span(at, len(row)) for at in cuts if at < len(row)]
    (block,) = shown_blocks(one, passages, place)
    pieces = [piece for cell in block.cells for part in cell for piece in part.pieces]
    assert "".join(piece.text for piece in pieces) == row
    marked = "".join(piece.text for piece in pieces if piece.marked)
    assert marked == (row[place.start : place.end] if place else "")
    ids = [anchor for part in block.parts for anchor in part.anchors]
    assert sorted(ids) == sorted(f"p-{passage.start}" for passage in passages)


def test_rows_are_put_together_to_tables_that_are_told_apart() -> None:
    one = document(
        ("#", "Prijzen"), ("=", "Wat | Prijs"), ("|", "Kaart | 3"), ("=", "Dag"), ("|", "ma | 9 | 12")
    )
    _, first, second = page_of(one)
    assert isinstance(first, ShownTable)
    assert isinstance(second, ShownTable)
    assert (first.name, first.columns, len(first.head), len(first.body)) == ("Tabel 1: Prijzen", 2, 1, 1)
    assert (second.name, second.columns, len(second.head), len(second.body)) == ("Tabel 2: Prijzen", 3, 1, 1)


def test_a_blank_line_ends_a_table_and_not_a_list() -> None:
    rows = document(("|", "a | b"), ("|", "c | d"), gap="\n\n")
    assert [table.tag for table in page_of(rows)] == ["table", "table"]
    items = document(("-", "- a"), ("-", "- b"), ("", "Tekst."), ("-", "1. c"), gap="\n\n")
    assert [(one.tag, len(one.items) if isinstance(one, ShownList) else 0) for one in page_of(items)] == [
        ("ul", 2),
        ("p", 0),
        ("ul", 1),
    ]


def test_an_item_holds_the_items_that_lie_in_it() -> None:
    text = "- a\n  - b\n    - c\n  - d\n- e"
    places = [(0, 0), (6, 1), (14, 2), (20, 1), (24, 0)]
    blocks = tuple(Block(BlockKind.LIST_ITEM, Span(at, at + 3), level) for at, level in places)
    (one,) = page_of(Document("a", text, "0" * 64, "Titel", blocks))

    def told(items: tuple[ShownItem, ...]) -> list[object]:
        return [(text_of(item.block.parts), told(item.below)) for item in items]

    assert isinstance(one, ShownList)
    assert told(one.items) == [("- a", [("- b", [("- c", [])]), ("- d", [])]), ("- e", [])]


def test_a_document_without_blocks_is_an_empty_page() -> None:
    assert page_of(Document("a", "", "0" * 64, "Titel", ())) == []


def test_the_outline_is_a_tree_of_headings_with_ids_of_their_words() -> None:
    one = heads((2, "Over  ons"), (3, "Wie?"), (4, "Één & al"), (2, "Wie?"), (4, "…"))
    assert outline(one) == (
        Heading(
            "Over ons",
            "kop-over-ons",
            (Heading("Wie?", "kop-wie", (Heading("Één & al", "kop-één-al", ()),)),),
        ),
        Heading("Wie?", "kop-wie-2", (Heading("…", "kop", ()),)),
    )
    assert [block.id for block in shown_blocks(one, [], None)] == [
        "kop-over-ons", "kop-wie", "kop-één-al", "kop-wie-2", "kop",
    ]  # fmt: skip


def test_two_headings_are_no_outline() -> None:
    assert outline(heads((1, "a"), (1, "b"))) == ()


@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["Wie", "Wie 2", "?"])), min_size=3))
def test_every_heading_stands_in_the_outline_once(lines: list[tuple[int, str]]) -> None:
    one = heads(*lines)

    def flat(tree: tuple[Heading, ...]) -> list[tuple[str, str]]:
        return [pair for heading in tree for pair in [(heading.text, heading.id), *flat(heading.below)]]

    ids = [block.id for block in shown_blocks(one, [], None)]
    assert flat(outline(one)) == list(zip([line for _, line in lines], ids, strict=True))
    assert len(set(ids)) == len(ids)


def test_a_page_starts_before_its_block_or_within_it() -> None:
    # pages 1 and 2 before the first, 3 within the first, 4 in the gap, 5 in a row, 6 behind the text
    one = document(("", "Eerste."), ("-", "- item"), ("|", "a | b"), page_starts=(0, 0, 3, 7, 19, 20))
    first, item, row = shown_blocks(one, [], None)
    assert first.pages == (1, 2)
    assert [(part.pages, text_of((part,))) for part in first.parts] == [((), "Eer"), ((3,), "ste.")]
    assert [(part.pages, text_of((part,))) for part in item.parts] == [((4,), "- item")]
    assert [(part.pages, text_of((part,)), part.separates) for part in row.parts] == [
        ((), "a", False),
        ((), " | ", True),
        ((5,), "b", False),
    ]


def test_links_of_an_older_text_arrive_at_the_marked_place() -> None:
    one = document(("", "Eerste zin. Tweede zin."))
    (block,) = shown_blocks(one, [Span(0, 11), Span(12, 23)], Span(12, 23), {12, 40})
    assert [(part.anchors, text_of((part,))) for part in block.parts] == [
        (("p-0",), "Eerste zin."),
        ((), " "),
        (("p-12", "p-40"), "Tweede zin."),
    ]
