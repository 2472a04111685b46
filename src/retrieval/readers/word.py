"""Word files (.docx) as the text that a reader sees of them: headings, paragraphs, lists, tables and notes.

Left out are comments, text boxes, pictures, headers and footers, hidden and deleted text, and the
table of contents.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retrieval.errors import UnreadableFileError
from retrieval.readers.content import INDENT, Content, Page, metadata_title
from retrieval.records import BlockKind, Provenance

if TYPE_CHECKING:
    from docx.document import Document as WordDocument

MAX_UNPACKED_BYTES = 100_000_000
"""What a file may say that it holds unpacked: twice the greatest file; text in XML packs to a tenth."""

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
"""How a container of Microsoft's older kind starts: a .doc, or a .docx behind a password."""

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_AROUND_RUNS = frozenset("r ins moveTo hyperlink smartTag fldSimple sdt sdtContent customXml dir bdo".split())
_AROUND_BLOCKS = frozenset("sdt sdtContent customXml ins moveTo".split())
_SIGNS = {"tab": " ", "ptab": " ", "cr": "\n", "noBreakHyphen": "-"}
_HEADING_STYLE = re.compile(r"(?:heading|kop) ([1-9])", re.IGNORECASE)
_TITLE_STYLES = frozenset(("title", "titel"))
_CONTENTS_STYLE = re.compile(r"(?:toc|contents|inhoud|inhopg) (?:[1-9]|heading)|toc ?heading", re.IGNORECASE)
_TABLE_HEAD_STYLES = frozenset(("table heading", "tabelkop"))
_LIST_STYLE = re.compile(r"list (?:bullet|number) ([2-5])")
"""Items of a style that shows its depth by its name alone: each is at the top of a list of its own."""
_DELETED = frozenset("del moveFrom".split())
LAST_LEVEL = 6
"""Of the headings of a document; Word has nine."""

SHOWN_OF_BOX = 40
"""Characters of a text box by which an editor finds it."""


def read_word(data: bytes) -> Content:
    """The text of a .docx; its title, dates, version and language are those of the file's properties.

    The title is else that of the Title style, or the only heading of level 1. A footnote or endnote is a
    paragraph behind the one that refers to it, or behind the list or table of which a part does.
    ``left_out`` tells of text boxes, which stand at no place of the text. Raises UnreadableFileError
    where it is no such file, is broken, is locked by a password, or unpacks to more than
    MAX_UNPACKED_BYTES.
    """
    import docx

    _check_package(data)
    try:
        return _content(docx.Document(io.BytesIO(data)))
    except MemoryError:
        raise
    except Exception as error:  # a damaged file makes the library fail in ways that it does not list
        raise UnreadableFileError(
            f"a damaged Word file ({error or type(error).__name__}): open it in a word processor and save it "
            "again as .docx"
        ) from error


def _check_package(data: bytes) -> None:
    """Raise UnreadableFileError where the bytes are no package, or one that says it is too large.

    One that holds more than it says fails when that comes out, at the latest at the limit of the process.
    """
    if not data:
        raise UnreadableFileError("the file is empty (0 bytes): add text, or remove the file")
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise UnreadableFileError("it is locked by a password: save it without one")
        raise UnreadableFileError("an older Word file (.doc) by the name of .docx: save it as .docx")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            unpacked = sum(entry.file_size for entry in package.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableFileError(
            f"not a whole Word file ({error}): open it in a word processor and save it again as .docx"
        ) from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise UnreadableFileError(
            f"unpacked it holds more than {MAX_UNPACKED_BYTES:,} bytes: take pictures out of it, "
            "or cut the text into smaller files"
        )


def _content(document: "WordDocument") -> Content:
    page = Page()
    styles = _Styles(document)
    body = document.element.body
    found = _nested(_blocks(body, styles, _Numbers(document)))
    paragraphs = list(_with_notes(found, _notes(document)))
    known = document.core_properties
    title = metadata_title(known.title)
    mains = sum(one.kind is BlockKind.HEADING and one.level == 1 for one in paragraphs)
    if mains > 1 and not any(one.kind is BlockKind.TITLE for one in paragraphs):
        page.title = ""  # these are chapters: none of them is the title of the whole
    for one in paragraphs:
        kind = BlockKind.HEADING if one.kind is BlockKind.TITLE else one.kind
        indent = INDENT * one.level if kind is BlockKind.LIST_ITEM else ""
        page.add(kind, indent + one.words, one.level)
    return Content(
        page.text,
        title or page.title or None,
        tuple(page.blocks),
        known=Provenance(
            language=known.language or styles.language,
            date=known.created.date().isoformat() if known.created else None,
            modified=known.modified.date().isoformat() if known.modified else None,
            version=known.version.strip() or None,
        ),
        left_out=tuple(
            f"the text box {box!r} is left out: move its words into the text itself" for box in _boxes(body)
        ),
    )


_Note = tuple[str, str]
"""The name of the element that refers to a note, and the id that it gives."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Kind, visible text and level of a block (of an item: how deep it lies), and the notes it refers to."""

    kind: BlockKind
    words: str
    level: int = 0
    notes: tuple[_Note, ...] = ()


def _nested(blocks: Iterable[_Found]) -> Iterator[_Found]:
    """The same, items one level below the item that they stand under, whichever levels the list skips."""
    open_: list[int] = []
    for block in blocks:
        if block.kind is not BlockKind.LIST_ITEM:
            open_ = []
            yield block
            continue
        while open_ and open_[-1] >= block.level:
            open_.pop()
        yield replace(block, level=len(open_))
        open_.append(block.level)


def _with_notes(blocks: Iterable[_Found], notes: Mapping[_Note, str]) -> Iterator[_Found]:
    """The same, each note behind the block that refers to it, and never within a list or table."""
    waiting: list[_Note] = []
    for block in blocks:
        if block.kind not in _IN_A_ROW:
            yield from (_Found(BlockKind.PARAGRAPH, notes[one]) for one in waiting if one in notes)
            waiting = []
        yield block
        waiting += block.notes
    yield from (_Found(BlockKind.PARAGRAPH, notes[one]) for one in waiting if one in notes)


_IN_A_ROW = (BlockKind.LIST_ITEM, BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW)


def _notes(document: "WordDocument") -> Mapping[_Note, str]:
    """The words of each footnote and endnote."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import parse_xml

    kinds = {"footnote": RELATIONSHIP_TYPE.FOOTNOTES, "endnote": RELATIONSHIP_TYPE.ENDNOTES}
    notes: dict[_Note, str] = {}
    for name, kind in kinds.items():
        try:
            part = document.part.part_related_by(kind)
        except KeyError:  # a document without such notes
            continue
        for note in _children(parse_xml(part.blob), name):
            words = " ".join(" ".join(_words_in(note)).split())
            notes[f"{name}Reference", note.get(f"{_W}id", "")] = words
    return notes


def _references(element: Any) -> tuple[_Note, ...]:
    """The notes that a paragraph or a row refers to, in order."""
    return tuple(
        (_name(one), one.get(f"{_W}id", ""))
        for one in element.iter(f"{_W}footnoteReference", f"{_W}endnoteReference")
        if not any(_name(around) in _DELETED for around in one.iterancestors())
    )


def _boxes(body: Any) -> Iterator[str]:
    """How the words of each text box start; Word writes a box twice, for older programs too."""
    boxes = (" ".join(" ".join(_words_in(box)).split()) for box in body.iter(f"{_W}txbxContent"))
    for words in dict.fromkeys(boxes):
        if words:
            yield words if len(words) <= SHOWN_OF_BOX else f"{words[:SHOWN_OF_BOX].rstrip()} …"


def _blocks(container: Any, styles: "_Styles", numbers: "_Numbers") -> Iterator[_Found]:
    """The blocks of the body or of a cell, in order; ``container`` is an element of lxml."""
    for element in container:
        match _name(element):
            case "p":
                if found := _block(element, styles, numbers):
                    yield found
            case "tbl":
                yield from _rows(element, styles, numbers)
            case name if name in _AROUND_BLOCKS:
                yield from _blocks(element, styles, numbers)


def _block(paragraph: Any, styles: "_Styles", numbers: "_Numbers") -> _Found | None:
    style = _value(paragraph, "pPr", "pStyle")
    names = styles.names(style)
    if any(_CONTENTS_STYLE.fullmatch(name) for name in names):
        return None
    numbering = _numbering(paragraph) or styles.numbering(style)
    words = _visible(paragraph).strip()
    if not words:
        return None
    notes = _references(paragraph)
    marker = numbers.next_marker(numbering)
    if _TITLE_STYLES & set(names[:1]):
        return _Found(BlockKind.TITLE, words, 1, notes)
    level = styles.heading_level(paragraph, style)
    if level:
        numbered = f"{marker} {words}" if marker not in (None, "-") else words
        return _Found(BlockKind.HEADING, numbered.strip(), level, notes)
    if marker is None:
        return _Found(BlockKind.PARAGRAPH, words, notes=notes)
    named = _LIST_STYLE.fullmatch(names[0]) if names else None
    depth = max(numbering[1] if numbering else 0, int(named[1]) - 1 if named else 0)
    return _Found(BlockKind.LIST_ITEM, f"{marker or '-'} {words}", depth, notes)


def _rows(table: Any, styles: "_Styles", numbers: "_Numbers") -> Iterator[_Found]:
    rows = [row for row in _children(table, "tr", "sdt") if _value(row, "trPr", "del") is None]
    cells = [list(_children(row, "tc", "sdt")) for row in rows]
    if len(cells) == 1 and len(cells[0]) == 1:  # a frame around a text
        yield from _blocks(cells[0][0], styles, numbers)
        return
    for number, row in enumerate(cells):
        words = [" ".join(" ".join(_words_in(cell)).split()) for cell in row]
        is_head = number == 0 and len(cells) > 1 and all(words) and _is_head(rows[0], cells, styles)
        kind = BlockKind.TABLE_HEADER if is_head else BlockKind.TABLE_ROW
        if any(words):
            yield _Found(
                kind, " | ".join(words), notes=tuple(one for cell in row for one in _references(cell))
            )


def _is_head(row: Any, cells: list[list[Any]], styles: "_Styles") -> bool:
    """Whether the first row is marked as the head, or is bold from end to end where the next is not."""
    if _is_on(row, "trPr", "tblHeader"):
        return True
    bold = [all(_is_bold(cell, styles) for cell in one) for one in cells[:2]]
    return bold == [True, False]


def _is_bold(cell: Any, styles: "_Styles") -> bool:
    for paragraph in cell.iter(f"{_W}p"):
        style = _value(paragraph, "pPr", "pStyle")
        by_style = bool(_TABLE_HEAD_STYLES & set(styles.names(style)[:1])) or styles.is_bold(style)
        for run in paragraph.iter(f"{_W}r"):
            own = _value(run, "rPr", "b")
            if _visible(run).strip() and not (by_style if own is None else _is_on(run, "rPr", "b")):
                return False
    return True


def _words_in(cell: Any) -> Iterator[str]:
    """The paragraphs of a cell and of the tables in it."""
    for element in cell:
        match _name(element):
            case "p":
                yield _visible(element)
            case "tbl" | "tr" | "tc" | "sdt" | "sdtContent":
                yield from _words_in(element)


def _visible(element: Any) -> str:
    """The words of a paragraph or run: what was inserted is read, what was deleted or hidden is not."""
    parts = []
    for child in element:
        name = _name(child)
        if name == "t":
            parts.append(child.text or "")
        elif name == "br":
            parts.append(" " if child.get(f"{_W}type") in ("page", "column") else "\n")
        elif name in _SIGNS:
            parts.append(_SIGNS[name])
        elif name in _AROUND_RUNS and not _is_on(child, "rPr", "vanish"):
            parts.append(_visible(child))
    return "".join(parts)


class _Styles:
    """The paragraph styles of a document, each with those that it is based on."""

    def __init__(self, document: "WordDocument") -> None:
        element = document.styles.element
        self._by_id = {style.get(f"{_W}styleId"): style for style in _children(element, "style")}
        self._default = next(
            (key for key, style in self._by_id.items()
             if style.get(f"{_W}type") == "paragraph" and style.get(f"{_W}default") in ("1", "true")),
            None,
        )  # fmt: skip
        languages = (one.get(f"{_W}val") for one in element.iterfind(f"{_W}docDefaults//{_W}lang"))
        self.language: str | None = next((one for one in languages if one), None)

    def names(self, style_id: str | None) -> list[str]:
        """The name of a style and of those it is based on, in lower case."""
        return [(_value(style, "name") or "").lower() for style in self._chain(style_id)]

    def heading_level(self, paragraph: Any, style_id: str | None) -> int:
        """The level of a heading, by the name of its style or by its place in the outline; 0 for others."""
        if (outline := _value(paragraph, "pPr", "outlineLvl")) is not None:
            return _level(outline)
        for style in self._chain(style_id):
            if named := _HEADING_STYLE.fullmatch(_value(style, "name") or ""):
                return min(int(named[1]), LAST_LEVEL)
            if (outline := _value(style, "pPr", "outlineLvl")) is not None:
                return _level(outline)
        return 0

    def numbering(self, style_id: str | None) -> tuple[str, int] | None:
        """The list that paragraphs of a style are items of."""
        return next((found for style in self._chain(style_id) if (found := _numbering(style))), None)

    def is_bold(self, style_id: str | None) -> bool:
        """Whether a style, or the nearest that says so, is bold."""
        chain = (style for style in self._chain(style_id) if _value(style, "rPr", "b") is not None)
        return any(_is_on(style, "rPr", "b") for style in list(chain)[:1])

    def _chain(self, style_id: str | None) -> Iterator[Any]:
        seen = set()
        style_id = style_id or self._default
        while style_id in self._by_id and style_id not in seen:
            seen.add(style_id)
            yield self._by_id[style_id]
            style_id = _value(self._by_id[style_id], "basedOn")


class _Numbers:
    """Counts the items of each list, and says what stands before them."""

    def __init__(self, document: "WordDocument") -> None:
        from docx.opc.constants import RELATIONSHIP_TYPE

        self._levels: dict[str, dict[int, Any]] = {}
        self._kinds: dict[str, str] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        try:
            part: Any = document.part.part_related_by(RELATIONSHIP_TYPE.NUMBERING)
        except KeyError:  # a document without lists
            return
        for kind in _children(part.element, "abstractNum"):
            levels = {int(level.get(f"{_W}ilvl")): level for level in _children(kind, "lvl")}
            self._levels[kind.get(f"{_W}abstractNumId")] = levels
        for one in _children(part.element, "num"):
            number = one.get(f"{_W}numId")
            self._kinds[number] = _value(one, "abstractNumId") or ""
            self._restarts[number] = {
                int(level.get(f"{_W}ilvl")): int(start)
                for level in _children(one, "lvlOverride")
                if (start := _value(level, "startOverride"))
            }

    def next_marker(self, numbering: tuple[str, int] | None) -> str | None:
        """What stands before the next item of a list: a dash, "2." or the like; empty where nothing does.

        None for what is no item. A kind of number that is not known is a dash.
        """
        if numbering is None or numbering[0] not in self._kinds:
            return None
        number, depth = numbering
        levels = self._levels.get(self._kinds[number], {})
        counts = self._count(number, depth)
        if _value(levels.get(depth), "numFmt") == "bullet":
            return "-"
        pattern = _value(levels.get(depth), "lvlText") or ""
        shown = {at: _counted(count, _value(levels.get(at), "numFmt")) for at, count in counts.items()}
        if any(shown.get(int(one) - 1) is None for one in re.findall(r"%([1-9])", pattern)):
            return "-"
        return re.sub(r"%([1-9])", lambda found: shown[int(found[1]) - 1] or "", pattern).strip()

    def _count(self, number: str, depth: int) -> dict[int, int]:
        """The numbers at each depth once one more item is counted; lists of one kind count on together."""
        kind = self._kinds[number]
        counts = self._counts.setdefault(kind, {})
        restarts = self._restarts.pop(number, {})  # at the first item of a list
        for at in range(depth + 1):
            if at in restarts:
                counts[at] = restarts[at]
            elif at not in counts:
                counts[at] = int(_value(self._levels.get(kind, {}).get(at), "start") or 1)
            elif at == depth:
                counts[at] += 1
        for deeper in [at for at in counts if at > depth]:
            del counts[deeper]
        return counts


def _counted(number: int, numeral: str | None) -> str | None:
    """A number as numerals or letters; None for a form that is not known here."""
    match numeral:
        case "decimal" | None:
            return str(number)
        case "none":
            return ""
        case "lowerLetter" | "upperLetter" if 1 <= number <= 26:
            return chr(ord("a" if numeral == "lowerLetter" else "A") + number - 1)
        case "lowerRoman" | "upperRoman" if 1 <= number < 40:
            tens, ones = divmod(number, 10)
            roman = "x" * tens + ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")[ones]
            return roman if numeral == "lowerRoman" else roman.upper()
        case _:
            return None


def _level(outline: str) -> int:
    """Word counts levels of the outline from 0; 9 is body text."""
    return min(int(outline) + 1, LAST_LEVEL) if int(outline) < 9 else 0


def _numbering(element: Any) -> tuple[str, int] | None:
    """The list of a paragraph or style and the depth in it, where it names one."""
    number = _value(element, "pPr", "numPr", "numId")
    return (number, int(_value(element, "pPr", "numPr", "ilvl") or 0)) if number is not None else None


def _name(element: Any) -> str:
    """The name of an element of WordprocessingML; empty for all others, comments and entities too."""
    tag = element.tag
    return tag.removeprefix(_W) if isinstance(tag, str) and tag.startswith(_W) else ""


def _children(element: Any, name: str, around: str = "") -> Iterator[Any]:
    """The children of a name; those in the content of ``around`` too."""
    for child in element:
        if _name(child) == name:
            yield child
        elif around and _name(child) in (around, f"{around}Content"):
            yield from _children(child, name, around)


def _value(element: Any, *path: str) -> str | None:
    """The value at the end of a path of names: empty where it has none, None where the path ends before."""
    for name in path:
        element = None if element is None else element.find(f"{_W}{name}")
    return None if element is None else element.get(f"{_W}val", "")


def _is_on(element: Any, *path: str) -> bool:
    return _value(element, *path) not in (None, "0", "false", "off")
