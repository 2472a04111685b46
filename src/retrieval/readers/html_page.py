"""HTML as the text that a visitor reads of it: the main text, without menus, footers and scripts."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from retrieval.errors import UnreadableFileError
from retrieval.readers.content import (
    INDENT,
    Content,
    FoundHeading,
    Page,
    anchors_of,
    day_of,
    decoded,
    is_address,
    is_language,
    is_words,
    licence_name,
    period_of,
)
from retrieval.records import Anchor, Block, BlockKind, Provenance

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_HTML_NESTING = 1000
"""Elements within one another; its square is the parser's time: 0.1 s at 10,000, 9 s at 100,000."""

MAX_ATTRIBUTES = 1000
"""Attributes of one tag, for the same reason."""

MAIN_SHARE = 0.25
"""The part of the page's words, those of links left out, that a main text must hold; by hand."""

MAX_REPEATED = 100
"""Characters of a cell over several rows that is read again in each of them; a longer one is no label."""

MAX_SPAN = 50
"""Rows or columns of one cell; a larger number is a mistake."""

MAX_HEADS = 3
"""Rows of nothing but th that are taken for the header, where there is no thead."""

MAX_LINKED_DATA = 100_000
"""Characters of a page's JSON-LD that are read; what tells of a page has a few thousand."""

MAX_REPEATS = 1_000_000
"""Characters of such labels that one table may add."""

HEAD_BYTES = 1024
"""Where the declaration of the encoding must stand (WHATWG HTML, 13.2.3.2)."""

_BLANKS = " \n\xa0\u200b\ufeff"
"""What an editor's empty paragraph consists of."""

INVISIBLE = frozenset(
    "script style template noscript iframe object embed video audio canvas svg map head title select option "
    "optgroup textarea input datalist progress meter rp area frameset".split()
)
FRAME = frozenset("nav footer aside".split())
FRAME_ROLES = frozenset("navigation banner contentinfo search complementary dialog alertdialog".split())
FRAME_CLASS = re.compile(
    r"(js-)?cookie[-_]*(bar|banner|consent|notice|melding|message|popup|wall|overlay|dialog)([-_].*)?"
    r"|breadcrumbs?([-_].*)?|(brood)?kruimel(pad|spoor)|skip-?(to-?)?(link|content|nav)s?"
    r"|visually-?hidden|sr-only|screen-reader-text"
    r"|action--(relations|permalink|version|compare|print|download)"  # wetten.overheid.nl, at each article
)
CONTROLS = frozenset("button label legend output".split())
BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol p pre "
    "search section summary table tbody td tfoot th thead tr ul".split()
)
CLOSES_ITSELF = frozenset(
    "area base br col embed hr img input link meta param source track wbr html head body p li dt dd tr td th "
    "thead tbody tfoot colgroup caption option".split()
)
"""Elements that have no content, or whose end may be left out: they do not nest in themselves."""

MAIN_TEXTS = ("main, [role=main]", "article", "#content, #main, #main-content, #inhoud")
"""Where the main text may stand, the surest first."""

DATES = (
    "article:published_time dcterms.issued dc.date.issued dcterms.date dc.date dcterms.created "
    "dc.date.created"
).split()
MODIFIED = "article:modified_time dcterms.modified dc.date.modified og:updated_time last-modified".split()
_DAY = (
    r"(?:(?:maan|dins|woens|donder|vrij|zater|zon)dag )?"
    r"(?:(?P<day>\d{1,2}) (?P<month>[a-z]+) (?P<year>\d{4})"
    r"|(?P<numbers>\d{1,2}(?P<sign>[-/.])\d{1,2}(?P=sign)\d{4})|(?P<iso>\d{4}-\d\d-\d\d))"
)
_STAMP = re.compile(
    r"(?:deze (?:pagina|informatie|tekst) is )?(?:"
    r"(?P<modified>(?:voor het )?laatst (?:gewijzigd|bijgewerkt|aangepast)"
    r"|laatste (?:wijziging|update|aanpassing)|gewijzigd|bijgewerkt|aangepast)"
    r"|gepubliceerd|geplaatst|publicatiedatum|datum van publicatie)"
    rf"(?: op|:| op:)? {_DAY}(?:,? (?:om )?\d\d?[:.]\d\d(?: uur)?)?\.?",
    re.IGNORECASE,
)
_BETWEEN_STAMPS = re.compile(r" [|·•–-] |\n")
"""Between the day of publication and that of the last change, on one line or two."""
_MONTHS = "januari februari maart april mei juni juli augustus september oktober november december".split()

LICENCES = "dcterms.license dcterms.rights dc.rights".split()
PUBLISHERS = "og:site_name dcterms.publisher dc.publisher dcterms.creator dc.creator".split()


def read_html(data: bytes) -> Content:
    """The main text of a page, and what the page says of itself.

    The main text is what stands in main, article or the like, and otherwise the whole page without
    its menus, header and footer. Blocks are set apart as in Markdown. Raises UnreadableFileError
    where the bytes are no text, or the page is nested too deep to be parsed in reasonable time.
    """
    from selectolax.lexbor import LexborHTMLParser

    text = _text_of(data)
    if re.search(r"<\?xml|//DTD XHTML|//www\.w3\.org/1999/xhtml", text[:HEAD_BYTES]):
        text = _with_end_tags(text)
    _check_nesting(text)
    tree = LexborHTMLParser(text)
    blocks, main = _main_text(tree)
    page = blocks.page
    said = _said(tree)
    return Content(
        page.text,
        page.title or said.get("og:title") or _title(tree, said.get("og:site_name", "")),
        tuple(page.blocks),
        known=_known(tree, main, said, blocks.stamps),
        anchors=_anchors(blocks.headings, _identifiers(tree) if "jci" in text else {}),
    )


# Bytes → text that is safe to parse


def _text_of(data: bytes) -> str:
    """The text, by its byte order mark, else as it declares, else as UTF-8."""
    for start, kind in ((b"%PDF-", "a PDF"), (b"PK\3\4", "a zip file, or Word or the like")):
        if data.startswith(start):
            raise UnreadableFileError(
                f"this is {kind}, expected HTML: give it the right ending, or remove it"
            )
    import webencodings  # type: ignore[import-untyped]

    head = data[:HEAD_BYTES]
    declared = re.search(
        rb"""<(?:meta|\?xml)\b[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([\w:.-]+)""", head, re.I
    )
    marked = {b"\xff\xfe": "utf-16le", b"\xfe\xff": "utf-16be", b"\xef\xbb": "utf-8"}.get(data[:2])
    label = marked or (declared[1].decode() if declared else "utf-8")
    encoding = webencodings.lookup(label)
    if encoding is None:
        raise UnreadableFileError(
            f"the encoding {label!r} is unknown: save the file as UTF-8, and declare that"
        )
    if encoding.name == "utf-8" or (not marked and encoding.name.startswith("utf-16")):
        return decoded(data)  # who can read the declaration does not read UTF-16
    try:
        text, _ = encoding.codec_info.decode(data, "strict")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"byte 0x{data[error.start]:02x} at offset {error.start} is not {encoding.name}, as the page "
            "declares: save the file as UTF-8, and declare that"
        ) from error
    return decoded(text.removeprefix("\ufeff").encode("utf-8", "replace"))


def _with_end_tags(xhtml: str) -> str:
    """XHTML as HTML: an element that is empty and not so in HTML gets its end tag."""

    def ended(found: re.Match[str]) -> str:
        return found[0] if found[1].lower() in _VOID else f"<{found[1]}{found[2]}></{found[1]}>"

    return re.sub(r"<([a-zA-Z][\w:-]*)([^<>]*)/>", ended, xhtml)


_VOID = CLOSES_ITSELF - frozenset(
    "html head body p li dt dd tr td th thead tbody tfoot colgroup caption".split()
)


def _check_nesting(text: str) -> None:
    """Raise UnreadableFileError where the tree would be deeper than can be parsed in reasonable time."""
    depth = drawings = 0
    for found in re.finditer(r"<(/?)([a-zA-Z][^\s/<>]*)([^<>]*)", text):
        name = found[2].lower()
        if name in ("svg", "math"):
            drawings += -1 if found[1] else 1
        ends_itself = name in CLOSES_ITSELF or (drawings > 0 and found[3].endswith("/"))
        if not ends_itself:
            depth = max(0, depth - 1) if found[1] else depth + 1
        crowded = len(found[3]) > 2 * MAX_ATTRIBUTES and (
            len(re.sub(r""""[^"]*"|'[^']*'""", "", found[3]).split()) > MAX_ATTRIBUTES
        )
        if depth > MAX_HTML_NESTING or crowded:
            what = f"more than {MAX_ATTRIBUTES} attributes" if crowded else f"deeper than {MAX_HTML_NESTING}"
            raise UnreadableFileError(
                f"line {text.count(chr(10), 0, found.start()) + 1}: elements are nested, or their attributes "
                f"heaped up, {what}: close what is open, or save the page anew from a browser"
            )


# The tree → what of it is read

_LeavesOut = Callable[["LexborNode", bool], bool]
"""Whether an element is no part of the text; the other argument: whether it stands in main or article."""


def _main_text(tree: "LexborHTMLParser") -> tuple["_Blocks", "LexborNode | None"]:
    """The blocks of the main text, and the element that they were found in."""
    body = tree.body
    if body is None:
        return _Blocks(lambda _node, _in_main: True), None
    opened = {
        name
        for button in tree.css("[aria-expanded][aria-controls]")
        for name in (button.attributes["aria-controls"] or "").split()
    }

    def is_hidden(node: "LexborNode", _in_main: bool) -> bool:
        return _is_hidden(node, opened)

    def is_no_text(node: "LexborNode", in_main: bool) -> bool:
        return _is_hidden(node, opened) or _is_frame(node, in_main)

    whole = _Blocks(is_no_text)
    whole.read(body)
    for places in MAIN_TEXTS:
        blocks = _Blocks(is_no_text)
        found = _outermost(body, places, is_no_text)
        for place in found:
            blocks.read(place, in_main=True)
        if blocks.page.blocks and blocks.unlinked >= MAIN_SHARE * whole.unlinked:
            return blocks, found[0]
    if not whole.page.blocks and not _shows_pictures(body, is_no_text):  # all stands in what is left out
        whole = _Blocks(is_hidden)
        whole.read(body)
    return whole, body


def _shows_pictures(body: "LexborNode", leaves_out: _LeavesOut) -> bool:
    """Whether pictures stand in the page itself that are told of in words: then it is no page of text."""

    def enters(node: "LexborNode") -> bool:
        return not leaves_out(node, False)

    return any(
        node.tag == "img" and is_words(node.attributes.get("alt")) and not leaves_out(node, False)
        for node in _in_order(body, enters)
        if node.is_element_node
    )


def _outermost(body: "LexborNode", places: str, leaves_out: _LeavesOut) -> list["LexborNode"]:
    """The elements that a selector finds, without those that stand in one of the others."""
    ids = {node.mem_id for node in body.css(places)}

    def enters(node: "LexborNode") -> bool:
        return node.mem_id not in ids and not leaves_out(node, False)

    return [
        node
        for node in (_in_order(body, enters) if ids else ())
        if node.mem_id in ids and not leaves_out(node, False)
    ]


def _in_order(root: "LexborNode", enters: Callable[["LexborNode"], bool]) -> Iterator["LexborNode"]:
    """The element and all below it, in the order of the page; below what is not entered, nothing."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if node.is_element_node and enters(node):
            waiting.extend(reversed(list(_children(node))))


def _children(node: "LexborNode") -> Iterator["LexborNode"]:
    child = node.child
    while child is not None:
        yield child
        child = child.next


def _is_hidden(node: "LexborNode", opened: set[str]) -> bool:
    """Whether a browser shows nothing of it, and no button of the page opens it."""
    attributes = node.attributes
    if node.tag in INVISIBLE or (node.tag == "dialog" and "open" not in attributes):
        return True
    if not attributes or attributes.get("id") in opened:
        return False
    hidden = "hidden" in attributes and (attributes["hidden"] or "").lower() != "until-found"
    style = re.sub(r"\s", "", attributes.get("style") or "").lower()
    return hidden or "display:none" in style or "visibility:hidden" in style


def _is_frame(node: "LexborNode", in_main: bool) -> bool:
    """Whether it belongs to the site around the text; a header within the main text belongs to that."""
    tag = node.tag
    if tag in ("html", "body", "main", "article"):
        return False
    if tag in FRAME or (tag == "header" and not in_main):
        return True
    if tag == "form":  # some sites put the whole page in one
        return node.css_first("h1, main, article") is None
    attributes = node.attributes
    role = (attributes.get("role") or "").lower()
    if role == "main":
        return False
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower().split()
    return role in FRAME_ROLES or any(FRAME_CLASS.fullmatch(name) for name in names)


# What is read → blocks


@dataclass
class _List:
    """A list that is open: how its items are counted (nothing: they are not), and the next number."""

    counted: str
    number: int

    def next_marker(self, value: str | None) -> str:
        number = _number(value, self.number)
        self.number = number + 1
        if not self.counted:
            return "- "
        letters = self.counted in "aA" and 1 <= number <= 26
        return f"{chr(ord(self.counted) + number - 1) if letters else number}. "


@dataclass
class _Item:
    """An item that is open: its marker until that is written, how deep it lies, and whether it is a card."""

    marker: str
    depth: int
    is_card: bool = False


def _depth_below(around: _Item | None) -> int:
    """In how many items one lies; an item that says nothing before it, or is a card, does not count."""
    if around is None or around.is_card:
        return 0
    return around.depth if around.marker else around.depth + 1


@dataclass(frozen=True, slots=True)
class _Place:
    """What the elements that are open make of the words in them."""

    heading: int = 0
    head: "LexborNode | None" = None
    details: int = 0
    of_list: _List | None = None
    item: _Item | None = None
    in_main: bool = False
    is_linked: bool = False
    is_code: bool = False
    is_term: bool = False
    is_decoration: bool = False
    is_cell: bool = False


class _Blocks:
    """Grows a page from the elements that are read, in the order of the tree, without recursion."""

    def __init__(self, leaves_out: _LeavesOut) -> None:
        self.page = Page()
        self.headings: list[tuple[Block, LexborNode]] = []
        self.stamps: dict[str, str] = {}  # the days of which a block tells and nothing else, by field
        self.unlinked = 0  # characters outside links
        self._leaves_out = leaves_out
        self._words: list[str] = []  # of the block that is open
        self._level = 0  # of the last heading

    def read(self, root: "LexborNode", in_main: bool = False) -> None:
        """Add what is visible in an element."""
        open_ = [(root, self._place_in(root, _Place(in_main=in_main)))]
        node = root.child
        while open_:
            parent, place = open_[-1]
            if node is None:
                if parent.tag in BLOCKS:
                    self._flush(place)
                open_.pop()
                node = parent.next if open_ else None
            elif node.is_text_node:
                self._add_text(node.text_content or "", place)
                node = node.next
            elif not node.is_element_node:
                node = node.next
            else:
                if node.tag in BLOCKS:
                    self._flush(place)
                if self._is_taken_whole(node, place):
                    node = node.next
                else:
                    open_.append((node, self._place_in(node, place)))
                    node = node.child

    def _is_taken_whole(self, node: "LexborNode", place: _Place) -> bool:
        """Whether nothing is left to read in it: it is no text, or a table or the like, now added."""
        if node.tag in CONTROLS and not (place.heading or place.is_term):
            return True
        if self._leaves_out(node, place.in_main):
            return True
        rows: Iterable[tuple[BlockKind, str]]
        if node.tag == "br":
            self._words.append("\n")
            return True
        if node.tag == "table" and _is_table(node):
            rows = self._table_rows(node, place)
        elif node.tag == "dl" and _is_short(node):
            rows = self._term_rows(node, place)
        else:
            return False
        for kind, words in rows:
            if words.strip(" |"):
                self.page.add(kind, words, 0)
        return True

    def _place_in(self, node: "LexborNode", place: _Place) -> _Place:
        attributes = node.attributes
        level = _heading_level(node)
        changes: dict[str, Any] = {}
        match node.tag:
            case _ if level:
                changes |= {"heading": level, "head": node}
                self._level = level
            case "a":
                changes["is_linked"] = True
            case "main" | "article":
                changes["in_main"] = True
            case "pre":
                changes["is_code"] = True
            case "dt":
                changes |= {"is_term": True, "is_cell": True}
            case "td" | "th" | "dd":
                changes["is_cell"] = True
            case "details":
                changes["details"] = place.details + 1
            case "summary":  # the question of what opens below it
                level = min(6, max(1, self._level) + max(1, place.details))
                changes |= {"heading": level, "head": node}
            case "ul" | "menu" | "dir":
                changes["of_list"] = _List("", 1)
            case "ol":
                changes["of_list"] = _List(attributes.get("type") or "1", _number(attributes.get("start"), 1))
            case "li":
                marker = (place.of_list or _List("", 1)).next_marker(attributes.get("value"))
                changes |= {"item": _Item(marker, _depth_below(place.item)), "of_list": None}
        if attributes.get("aria-hidden") == "true":
            changes["is_decoration"] = True
        return replace(place, **changes) if changes else place

    def _add_text(self, text: str, place: _Place) -> None:
        if place.is_decoration and not any(character.isalnum() for character in text):
            return
        visible = text.replace("\xad", "")  # a soft hyphen is not seen
        self._words.append(visible if place.is_code else re.sub(r"[ \t\n\f\r]+", " ", visible))
        if not place.is_linked:
            self.unlinked += len(text.strip())

    def _flush(self, place: _Place) -> None:
        words = "".join(self._words)
        self._words = []
        if place.is_code:
            self._add(words, place)
            return
        lines = re.sub(r" ?\n ?", "\n", re.sub(r" +", " ", words))
        for paragraph in re.split(r"\n{2,}", re.sub(r"\n[ \n]*\n", "\n\n", lines)):
            self._add(paragraph.strip(" \n"), place)

    def _add(self, words: str, place: _Place) -> None:
        if not words.strip(_BLANKS):
            return
        item = place.item
        if place.heading:
            self.page.add(BlockKind.HEADING, words, place.heading)
            if place.head is not None:
                self.headings.append((self.page.blocks[-1], place.head))
            if item is not None:
                item.is_card = True
        elif place.is_code:
            self.page.add(BlockKind.CODE, words, 0)
        elif not place.is_cell and (stamps := _stamps(words)):
            self.stamps = {**stamps, **self.stamps}
        elif item is None or item.is_card:
            self.page.add(BlockKind.PARAGRAPH, words, 0)
        else:
            self.page.add(BlockKind.LIST_ITEM, INDENT * item.depth + item.marker + words, item.depth)
            item.marker = ""

    def _line(self, node: "LexborNode", in_main: bool) -> str:
        """All that is visible in a cell or a term, on one line."""
        inner = _Blocks(self._leaves_out)
        inner.read(node, in_main)
        self.unlinked += inner.unlinked
        return re.sub(r"[ \t\n]+", " ", inner.page.text)

    def _term_rows(self, terms: "LexborNode", place: _Place) -> Iterator[tuple[BlockKind, str]]:
        """Each term, or terms, with what is said of it."""
        row: list[str] = []
        before = ""
        for part in _in_order(terms, lambda node: node.tag in ("dl", "div")):
            if part.tag in ("dt", "dd") and not self._leaves_out(part, place.in_main):
                if part.tag == "dt" and before == "dd":
                    yield BlockKind.TABLE_ROW, " | ".join(row)
                    row = []
                row.append(self._line(part, place.in_main))
                before = part.tag
        yield BlockKind.TABLE_ROW, " | ".join(row)

    def _table_rows(self, table: "LexborNode", place: _Place) -> Iterator[tuple[BlockKind, str]]:
        """The caption, the header made one row, and the rows, each with the labels that reach into it."""
        labels = _Labels()
        heads: list[list[str | None]] = []
        has_rows = False
        for part in table.css("caption, tr"):
            above = part.parent
            if (
                self._leaves_out(part, place.in_main)
                or above is None
                or self._leaves_out(above, place.in_main)
            ):
                continue
            if part.tag == "caption":
                yield BlockKind.PARAGRAPH, self._line(part, place.in_main)
                continue
            cells = [
                (cell, self._line(cell, place.in_main))
                for cell in _children(part)
                if cell.tag in ("td", "th") and not self._leaves_out(cell, place.in_main)
            ]
            row = labels.columns(cells)
            first = not has_rows and len(heads) < MAX_HEADS and all(cell.tag == "th" for cell, _ in cells)
            if above.tag == "thead" or first:
                heads.append(row)
                continue
            if heads:
                yield BlockKind.TABLE_HEADER, _one_header(heads)
            heads, has_rows = [], True
            yield BlockKind.TABLE_ROW, _joined(row)
        for row in heads:
            yield BlockKind.TABLE_ROW, _joined(row)


class _Labels:
    """Cells of a table that reach into the rows below: read again in each of them, where they are short."""

    def __init__(self) -> None:
        self._below: dict[int, tuple[int, str]] = {}  # by column: the rows still to come, and the words
        self._left = MAX_REPEATS

    def columns(self, cells: "Iterable[tuple[LexborNode, str]]") -> list[str | None]:
        """The words of each column; None where the cell to the left reaches into it."""
        columns: list[str | None] = []
        for cell, words in cells:
            self._reach_into(columns)
            rows, wide = (
                min(MAX_SPAN, max(1, _number(cell.attributes.get(name), 1)))
                for name in ("rowspan", "colspan")
            )
            if rows > 1 and len(words) <= MAX_REPEATED:
                self._below[len(columns)] = (rows, words)
            columns += [words, *[None] * (wide - 1)]
        self._reach_into(columns)
        self._below = {column: (rows - 1, words) for column, (rows, words) in self._below.items() if rows > 1}
        return columns

    def _reach_into(self, columns: list[str | None]) -> None:
        while len(columns) in self._below and self._left > 0:
            _, words = self._below[len(columns)]
            self._left -= len(words) + 1
            columns.append(words)


def _one_header(heads: list[list[str | None]]) -> str:
    """The rows of a header as one: below "Prijs" over two columns, "Prijs gewoon | Prijs spoed"."""
    if len(heads) == 1:
        return _joined(heads[0])
    filled = []
    for head in heads:
        words: list[str] = []
        for cell in head:
            words.append(cell if cell is not None else words[-1])
        filled.append(words)
    columns = zip_longest(*filled, fillvalue="")
    return " | ".join(" ".join(dict.fromkeys(filter(None, column))) for column in columns)


def _joined(row: list[str | None]) -> str:
    return " | ".join(words for words in row if words is not None)


def _is_table(table: "LexborNode") -> bool:
    """Whether it holds data in rows, rather than arranging the page."""
    return (
        table.attributes.get("role") not in ("presentation", "none")
        and not _holds(table, "table, h1, h2, h3")
        and len(table.css("td, th")) > 1
    )


def _is_short(terms: "LexborNode") -> bool:
    """Whether a list of terms reads as rows: nothing but terms and their paragraph of text."""
    if _holds(terms, "ul, ol, dl, table, pre, h2, h3, h4, p + p, blockquote"):
        return False
    allowed = ("dl", "dt", "dd", "div", "script", "template", "-comment")
    return all(
        node.tag in allowed or (node.is_text_node and not (node.text_content or "").strip())
        for node in _in_order(terms, lambda node: node.tag in ("dl", "div"))
    )


def _holds(node: "LexborNode", selector: str) -> bool:
    """Whether something below the element is selected; ``css_first`` itself looks at the element too."""
    return any(child.css_first(selector) is not None for child in _children(node) if child.is_element_node)


def _heading_level(node: "LexborNode") -> int:
    """1 to 6, or 0 where it is no heading."""
    tag = node.tag or ""
    if re.fullmatch(r"h[1-6]", tag):
        return int(tag[1])
    if node.attributes.get("role") == "heading":
        return min(6, max(1, _number(node.attributes.get("aria-level"), 2)))
    return 0


def _number(text: str | None, otherwise: int) -> int:
    found = re.fullmatch(r"\s*(-?[0-9]{1,6})\s*", text or "")
    return int(found[1]) if found else otherwise


# Where the page can be opened

_IDENTIFIER = re.compile(r"jci1\.\d+:[a-z]:\S+\Z")
"""A Juriconnect reference to a law or a part of it; wetten.overheid.nl has addresses that end in one."""


def _anchors(
    headings: Iterable[tuple[Block, "LexborNode"]], identifiers: Mapping[int, str]
) -> tuple[Anchor, ...]:
    return anchors_of(
        FoundHeading(block, _fragment(node), identifiers.get(node.mem_id)) for block, node in headings
    )


def _fragment(heading: "LexborNode") -> str | None:
    """An id of the heading, of what stands in it or empty before it, or of the part that it begins."""
    if (own := _ids_in(heading)) or heading.parent is None:
        return own[0] if own else None
    node: LexborNode | None = heading
    while node is not None and node.tag not in ("body", "html"):
        if node is not heading and (begun := _id(node)):
            return begun
        before = node.prev
        while before is not None and _is_empty(before):
            if before.is_element_node and before.tag not in INVISIBLE and (found := _ids_in(before)):
                return found[-1]
            before = before.prev
        if before is not None:
            return None
        node = node.parent
    return None


def _is_empty(node: "LexborNode") -> bool:
    return node.is_comment_node or node.tag in INVISIBLE or not node.text().strip()


def _ids_in(node: "LexborNode") -> list[str]:
    return [found for one in node.css("[id], a[name]") if (found := _id(one))]


def _id(node: "LexborNode") -> str | None:
    found = node.attributes.get("id") or (node.attributes.get("name") if node.tag == "a" else None) or ""
    return found if re.fullmatch(r"\S+", found) else None


def _identifiers(tree: "LexborHTMLParser") -> Mapping[int, str]:
    """The identifier of each heading that has one in it, or in the permanent link that comes after it."""
    identifiers: dict[int, str] = {}
    heading: LexborNode | None = None
    for node in _in_order(tree.root, lambda _: True) if tree.root is not None else ():
        if not node.is_element_node:
            continue
        attributes = node.attributes
        if _heading_level(node):
            heading = node
            named = next((one.attributes["href"] for one in node.css("a[href*=jci]")), None)
        else:
            is_permanent = "popuppermanentelink" in (attributes.get("class") or "").split()
            named = attributes.get("data-juriconnectverwijzing") or (
                attributes.get("href") if is_permanent else None
            )
        if heading is not None and named and (found := _IDENTIFIER.search(named)):
            identifiers.setdefault(heading.mem_id, found[0])
    return identifiers


# What the page says of itself


def _said(tree: "LexborHTMLParser") -> Mapping[str, str]:
    """What its meta elements say, by name in lower case; the first of a name counts."""
    said: dict[str, str] = {}
    for meta in tree.css("meta[content]"):
        name = meta.attributes.get("property") or meta.attributes.get("name") or ""
        name = re.sub(r"\A(dc|dcterms):", r"\1.", name.strip().lower())
        content = " ".join((meta.attributes["content"] or "").split())
        if is_words(content):
            said.setdefault(name, content)
    return said


def _title(tree: "LexborHTMLParser", site: str) -> str | None:
    """The title element's words, without the name of the site behind them."""
    node = tree.css_first("head > title")
    words = " ".join((node.text() if node is not None else "").replace("\xad", "").split())
    if site and words.endswith(site):
        words = re.sub(r"\s+[|–—·:-]$", "", words.removesuffix(site).rstrip()) or words
    return words or None


def _stamps(words: str) -> Mapping[str, str]:
    """The days on which a page was published and changed, where these words say nothing else."""
    days: dict[str, str] = {}
    for part in _BETWEEN_STAMPS.split(words):
        found = _STAMP.fullmatch(part.replace("\xa0", " "))
        day = _day(found) if found else None
        if found is None or day is None:
            return {}
        days.setdefault("modified" if found["modified"] else "date", day)
    return days


def _day(found: re.Match[str]) -> str | None:
    """The day of a stamp, as YYYY-MM-DD; None where there is no such day."""
    if (month := (found["month"] or "").lower()) in _MONTHS:
        return day_of(f"{found['year']}-{_MONTHS.index(month) + 1:02}-{int(found['day']):02}")
    if numbers := found["numbers"]:
        day, month, year = re.split(r"[-/.]", numbers)
        return day_of(f"{year}-{int(month):02}-{int(day):02}")
    return day_of(found["iso"])


def _known(
    tree: "LexborHTMLParser", main: "LexborNode | None", said: Mapping[str, str], stamps: Mapping[str, str]
) -> Provenance:
    linked = _linked_data(tree)
    root = tree.root
    language = ((root.attributes.get("lang") if root is not None else None) or "").strip()
    url = _address(tree, "link[rel~=canonical][href]")
    first, last = _validity(said.get("dcterms.valid", ""))
    last = last or _first_day(said.get("article:expiration_time"), linked.get("expires"))
    first, last = period_of(first, last)
    licences = [_address(tree, "link[rel~=license][href], a[rel~=license][href]")]
    licences += [said[name] for name in LICENCES if is_address(said.get(name))]
    licence = next(filter(None, [*licences, linked.get("license")]), None)
    return Provenance(
        url=url,
        publisher=next((said[name] for name in PUBLISHERS if name in said), None),
        language=language if is_language(language) else None,
        date=_first_day(
            *(said.get(name) for name in DATES),
            linked.get("datePublished"),
            *_times(main, "time[datetime][itemprop=datePublished], time[datetime][pubdate]"),
            stamps.get("date"),
            *_times(main, "time[datetime]"),
        ),
        modified=_first_day(
            *(said.get(name) for name in MODIFIED),
            linked.get("dateModified"),
            *_times(main, "time[datetime][itemprop=dateModified]"),
            stamps.get("modified"),
        ),
        valid_from=first,
        valid_until=last,
        version=said.get("dcterms.hasversion") or linked.get("version"),
        licence=licence_name(licence) if licence else None,
    )


def _address(tree: "LexborHTMLParser", selector: str) -> str | None:
    """Where the first such link leads, if that is an address of the web."""
    link = tree.css_first(selector)
    address = ((link.attributes["href"] if link is not None else None) or "").strip()
    return address if is_address(address) else None


def _first_day(*stamps: str | None) -> str | None:
    return next(filter(None, map(day_of, stamps)), None)


def _times(main: "LexborNode | None", selectors: str) -> Iterator[str | None]:
    """The dates of the elements that the first selector finds, then of those of the next."""
    if main is not None:
        for selector in selectors.split(", "):
            yield from (time.attributes["datetime"] for time in main.css(selector))


def _validity(period: str) -> tuple[str | None, str | None]:
    """The first and the last day of a DCMI Period, "start=2025-01-01; end=2025-12-31", or of "day/day"."""
    first, slash, last = period.partition("/")
    if slash:
        return day_of(first), day_of(last)
    parts = dict(re.findall(r"(start|end)\s*=\s*([^;]+)", period))
    return day_of(parts.get("start")), day_of(parts.get("end"))


def _linked_data(tree: "LexborHTMLParser") -> Mapping[str, str]:
    """What the JSON-LD of a page says of the page itself; the first of a name counts."""
    said: dict[str, str] = {}
    left = MAX_LINKED_DATA
    for script in tree.css('script[type="application/ld+json"]'):
        text = script.text()
        left -= len(text)
        if left < 0:
            break
        try:
            read = json.loads(text)
        except (ValueError, RecursionError):
            continue
        graph = read.get("@graph", read) if isinstance(read, dict) else read
        for item in graph if isinstance(graph, list) else [graph]:
            if isinstance(item, dict) and _TELLS_OF_PAGE.search(str(item.get("@type"))):
                words = {name: value.strip() for name, value in item.items() if is_words(value)}
                said = {**words, **said}
    return said


_TELLS_OF_PAGE = re.compile(r"(?:Page|Article|Posting|Document|Report|Legislation|CreativeWork)\b")
"""Types of schema.org that stand for a text, and not for a picture on it or who made it."""
