"""Markdown (CommonMark and tables) as the text that a reader sees of it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from retrieval.errors import UnreadableFileError
from retrieval.readers.content import (
    INDENT,
    MAX_TOLD,
    Content,
    FoundHeading,
    Page,
    anchors_of,
    day_of,
    is_address,
    is_language,
    licence_name,
    period_of,
)
from retrieval.records import BlockKind, Provenance

if TYPE_CHECKING:
    from markdown_it.token import Token

MAX_MARKDOWN_NESTING = 100
"""Lists, their items and quotes within one another, at which the parser drops what lies deeper."""

_QUOTED = re.compile(r"""(["'])(.*)\1(?:\s+#.*)?""")
"""A value of front matter between quotes, and the comment behind it."""

MAX_SHOWN = 40
"""Characters of a wrong value that are told."""

_HEADING_ID = re.compile(r"(?<=\S)\s+\{#([\w:.-]+)\}\Z")
"""How a heading names its id itself, as in Pandoc and kramdown."""


def read_markdown(text: str) -> Content:
    """Markdown (CommonMark and tables) as the text that a reader sees of it.

    Blocks are separated by a blank line, items of a list and rows of a table by a line end. Marks,
    addresses of links, tags, comments, ids of headings ("{#id}") and front matter are not part of it.
    Raises UnreadableFileError where lists or quotes lie deeper in one another than MAX_MARKDOWN_NESTING.
    """
    from markdown_it import MarkdownIt

    known, wrong, body = _front_matter(text)
    parser = MarkdownIt("commonmark", {"maxNesting": MAX_MARKDOWN_NESTING}).enable(["table", "strikethrough"])
    tokens = parser.parse(body)
    _check_nesting(tokens, text.count("\n") - body.count("\n"))
    page = Page()
    headings = []
    for kind, visible, level in _markdown_blocks(tokens):
        named = _HEADING_ID.search(visible) if kind is BlockKind.HEADING else None
        page.add(kind, visible[: named.start()] if named else visible, level)
        if named and page.blocks:
            headings.append(FoundHeading(page.blocks[-1], named[1]))
    return Content(
        page.text,
        known.title or page.title,
        tuple(page.blocks),
        replace(known, title=None),
        anchors=anchors_of(headings),
        left_out=_told(wrong),
    )


def _check_nesting(tokens: Sequence["Token"], lines_before: int) -> None:
    """Raise UnreadableFileError where the parser came to its limit and left out what it found there."""
    for token in tokens:
        if token.type in ("list_item_open", "blockquote_open") and token.level + 1 >= MAX_MARKDOWN_NESTING:
            line = lines_before + (token.map[0] if token.map else 0) + 1
            raise UnreadableFileError(
                f"line {line}: lists or quotes lie too deep in one another, expected fewer than "
                f"{MAX_MARKDOWN_NESTING // 2} lists or {MAX_MARKDOWN_NESTING} quotes: take some of them out"
            )


def _markdown_blocks(tokens: Sequence["Token"]) -> Iterator[tuple[BlockKind, str, int]]:
    """Kind, visible text and level of each block, in order."""
    level = 0  # of the heading that is open
    lists = 0  # how many are open
    marker = ""  # of the item that is open, until it is written
    cells: list[str] | None = None  # of the row that is open
    row_kind = BlockKind.TABLE_ROW
    for number, token in enumerate(tokens):
        match token.type:
            case "heading_open" | "heading_close":
                level = int(token.tag[1:]) if token.nesting > 0 else 0
            case "bullet_list_open" | "bullet_list_close" | "ordered_list_open" | "ordered_list_close":
                lists += token.nesting
            case "list_item_open" | "list_item_close":
                marker = _marker(token)
            case "tr_open":
                in_head = tokens[number - 1].type == "thead_open"
                cells, row_kind = [], BlockKind.TABLE_HEADER if in_head else BlockKind.TABLE_ROW
            case "tr_close":
                row = " | ".join(cells or ())
                cells = None
                yield row_kind, row if row.strip(" |") else "", 0
            case "fence" | "code_block":
                yield BlockKind.CODE, token.content, 0
            case "html_block":
                yield from ((BlockKind.PARAGRAPH, part, 0) for part in _html_paragraphs(token.content))
            case "inline":
                visible = _visible(token.children or ()).strip()
                if cells is not None:
                    cells.append(visible)
                elif level or not lists:
                    yield BlockKind.HEADING if level else BlockKind.PARAGRAPH, visible, level
                elif visible:
                    yield BlockKind.LIST_ITEM, INDENT * (lists - 1) + marker + visible, lists - 1
                    marker = ""


def _marker(item: "Token") -> str:
    if item.nesting < 0:
        return ""
    return f"{item.info}{item.markup} " if item.info else "- "


def _visible(tokens: Sequence["Token"]) -> str:
    parts = []
    for token in tokens:
        match token.type:
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "html_inline":
                parts.append("\n" if re.match(r"<br\b", token.content, re.IGNORECASE) else "")
            case "image":
                parts.append(_visible(token.children or ()))
            case _:
                parts.append(token.content)
    return "".join(parts)


FRONT_MATTER: Mapping[str, str] = {
    name: field
    for field, names in {
        "title": "title titel",
        "url": "url canonical canonical_url",
        "publisher": "publisher uitgever",
        "language": "language lang taal",
        "date": "date datum",
        "modified": "modified lastmod last_modified updated gewijzigd bijgewerkt",
        "valid_from": "valid_from geldig_vanaf",
        "valid_until": "valid_until geldig_tot_en_met geldig_tot",
        "version": "version versie",
        "licence": "licence license licentie",
    }.items()
    for name in names.split()
}
"""What the names in front matter stand for; capitals and dashes make no difference."""


_Used = Callable[[str], str | None]
"""What is made of the words of front matter; None where they are not what is expected."""

_DAY: tuple[str, _Used] = ("a day as 2025-01-31", day_of)
_EXPECTED: Mapping[str, tuple[str, _Used]] = {
    "url": ("an address as https://…", lambda words: words if is_address(words) else None),
    "language": ("a language as nl or nl-BE", lambda words: words if is_language(words) else None),
    "licence": ("the name of a licence", licence_name),
    **dict.fromkeys(("date", "modified", "valid_from", "valid_until"), _DAY),
}
"""By field what is expected, in words, and what is made of it; any words are where nothing is said."""


def _front_matter(text: str) -> tuple[Provenance, list[str], str]:
    """What the front matter says, if there is any, what is wrong in it, and the text without it."""
    lines = re.DOTALL | re.MULTILINE
    found = re.match(r"---[ \t]*\n(?=[\w-]+:)(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", text, lines)
    if found is None:
        return Provenance(), [], text
    said: dict[str, str] = {}
    wrong: list[str] = []
    for number, line in enumerate(found[1].split("\n"), 2):  # below the first line, which is ---
        name, colon, value = line.partition(":")
        field = FRONT_MATTER.get(name.lower().replace("-", "_")) if colon else None
        if field is None:
            continue
        try:
            if words := _value(field, value.strip()):
                said.setdefault(field, words)
        except UnreadableFileError as error:
            wrong.append(f"line {number}, front matter: {name} is {error}; that line is not used")
    first, last = said.get("valid_from"), said.get("valid_until")
    if period_of(first, last) != (first, last):
        wrong.append(
            f"front matter: it holds from {first} until {last}, which is before that; neither is used"
        )
        said = {field: words for field, words in said.items() if field not in ("valid_from", "valid_until")}
    return Provenance(questions=(), synonyms=(), **said), wrong, text[found.end() :]


def _value(field: str, written: str) -> str:
    """What a line says, without its quotes. Raises UnreadableFileError where it is not what is expected."""
    quoted = _QUOTED.fullmatch(written)
    if quoted is None and written.startswith(("'", '"')):
        raise UnreadableFileError(f"{written[:MAX_SHOWN]!r}, expected another {written[0]} at its end")
    words = quoted[2].strip() if quoted else written
    expected, used = _EXPECTED.get(field, ("", str))
    made = used(words) if words else ""
    if made is None:
        raise UnreadableFileError(f"{words[:MAX_SHOWN]!r}, expected {expected}")
    return made


def _told(wrong: Sequence[str]) -> tuple[str, ...]:
    more = len(wrong) - MAX_TOLD
    return (
        *wrong[:MAX_TOLD],
        *([f"front matter: and {more:,} more lines that are not used"] if more > 0 else []),
    )


def _html_paragraphs(html: str) -> list[str]:
    parser = _HtmlText()
    parser.feed(html)
    parser.close()
    paragraphs = (" ".join(part.split()) for part in "".join(parser.parts).split("\0"))
    return [paragraph for paragraph in paragraphs if paragraph]


class _HtmlText(HTMLParser):
    """Collects what a browser would show of a piece of HTML; a NUL stands between paragraphs."""

    INVISIBLE = frozenset(("script", "style", "template", "title"))
    INLINE = frozenset(
        (
            "a",
            "abbr",
            "b",
            "cite",
            "code",
            "em",
            "i",
            "kbd",
            "mark",
            "q",
            "s",
            "small",
            "span",
            "strong",
            "sub",
            "sup",
            "u",
        )
    )

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._invisible = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._invisible += tag in self.INVISIBLE
        if tag == "img":
            self.parts.append(dict(attrs).get("alt") or "")
        elif tag not in self.INLINE:
            self.parts.append("\0")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.INVISIBLE:
            self._invisible = max(0, self._invisible - 1)
        if tag not in self.INLINE:
            self.parts.append("\0")

    def handle_data(self, data: str) -> None:
        if not self._invisible:
            self.parts.append(data)
