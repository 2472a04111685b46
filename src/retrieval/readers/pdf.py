"""PDF files as text: the pieces of print on each page, put in the order of reading, and joined to paragraphs.

What stands where on a page is told by pdfium; what belongs together is told here, by place and size.
"""

import ctypes
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from retrieval.errors import UnreadableFileError
from retrieval.readers.content import Content, Page, is_date, metadata_title
from retrieval.records import BlockKind, Provenance

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument  # type: ignore[import-untyped]

GAP = 1.2
"""Widths of an em from which a gap parts two pieces of one line; a space between words is 0.2 to 0.7."""

MARGIN = 0.15
"""Share of a page, at its top and its foot, in which running heads and page numbers stand."""

SAME_PLACE = 3.0
"""Points that the same thing may stand apart on two pages, or two starts of lines in one column."""

MAX_ASKEW = 5.0
"""Degrees that print may stand off the level; what stands more so is a watermark or a note in the margin."""

COLUMN_LINES, COLUMN_CHARACTERS = 3, 15
"""A column has at least so many lines, of so many characters on average; what has less is a table."""

PARAGRAPH_GAP = 1.25
"""Times the usual distance of lines from which a new paragraph starts."""

USUAL_LEADING = 1.2
"""Distance of lines in sizes of print, where a page does not show its own."""

LARGER = 1.12
"""Times the size of most print from which a line is a heading: 12.5 over 11 points, the smallest in use."""

MAX_HEADING_CHARACTERS = 150
"""A longer text in large print is an introduction."""

LAST_LEVEL = 6

_ITEM = re.compile(r"(?:[-–•·▪◦●○■*]|\d{1,2}[.)]|[a-z][.)])\s+(?=\S)")
_CONTENTS_ENTRY = re.compile(r"(?:[.…] ?){4,}(?:\d+|[ivxlc]+)$", re.IGNORECASE)
"""Of a table of contents: dots that lead to the number of a page."""

_PAGE_NUMBER = re.compile(
    r"(?:pagina|bladzijde|blad|page) (?P<page>\d{1,4})(?: (?:van|of) (?P<count>\d{1,4}))?"
    r"|(?P<part>\d{1,4}) ?/ ?(?P<all>\d{1,4})|[-–] ?\d{1,4} ?[-–]",
    re.IGNORECASE,
)
"""What is the number of a page on whichever page it stands, alone on its line in a margin."""

_BULLET = re.compile(r"[–•·▪◦●○■*]\s+")
_HYPHEN = "\u00ad"
"""What stands at the end of a broken word while lines are joined; pdfium has signs of its own for it."""
_HYPHENS = {"\x02": _HYPHEN, "\ufffe": _HYPHEN, "\u2010": "-", "\ufb00": "ff", "\ufb01": "fi",
            "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\u00a0": " ", "\t": " "}  # fmt: skip
_CLASHES = frozenset("aa ae ai au ee ei eu ie ii ij oe oi oo ou ui uu".split())
"""Vowels that would read as one sound: between these a compound keeps its hyphen ("zee-egel")."""
_BREAKS = (0, 10, 13)


@dataclass(frozen=True, slots=True)
class Piece:
    """Print on one line without a wide gap; edges in points from the page's lower left corner."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float
    bold: bool

    @property
    def middle(self) -> float:
        """Half way between its foot and its top."""
        return (self.bottom + self.top) / 2


@dataclass(frozen=True, slots=True)
class Line:
    """The pieces beside one another in a column, from left to right; ``page`` counts from 0."""

    pieces: tuple[Piece, ...]
    page: int
    column: tuple[float, float]

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(piece.text for piece in self.pieces)

    @property
    def longest(self) -> Piece:
        """What most of it is: a sign before it may be larger, and stand lower."""
        return max(self.pieces, key=lambda piece: len(piece.text))

    @property
    def size(self) -> float:
        """Of most of its print, in half points."""
        return round(self.longest.size * 2) / 2

    @property
    def bold(self) -> bool:
        """Whether all of it is."""
        return all(piece.bold for piece in self.pieces)


def read_pdf(data: bytes) -> Content:
    """The text of a PDF, page after page; title, dates and language are those of the file's properties.

    Running heads, page numbers and the dotted lines of contents are no part of it, nor is print that stands
    askew. ``left_out`` names the pages that show something and have no text. Raises UnreadableFileError where
    none has, and where it is no PDF, is broken or is locked by a password.
    """
    import pypdfium2

    if not data:
        raise UnreadableFileError("the file is empty (0 bytes): add text, or remove the file")
    if b"%PDF-" not in data[:1024]:
        raise UnreadableFileError("not a PDF file (it does not start with %PDF-): save it as PDF again")
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnreadableFileError("it is locked by a password: save it without one") from error
        raise UnreadableFileError(f"a broken PDF file ({error}): save it as PDF again") from error
    try:
        return _content(document)
    except pypdfium2.PdfiumError as error:
        raise UnreadableFileError(f"a broken PDF file ({error}): save it as PDF again") from error
    finally:
        document.close()


def _content(document: "PdfDocument") -> Content:
    pages = []
    heights = []
    for sheet in document:
        pages.append(_pieces_of(sheet))
        heights.append(sheet.get_height())
    pages = without_running(pages, heights)
    scans = [
        number
        for number, pieces in enumerate(pages, 1)
        if not pieces and next(document[number - 1].get_objects(max_depth=1), None) is not None
    ]
    if not any(pages):
        raise UnreadableFileError(
            f"none of its pages has text ({len(pages)} in all): it is a scan; "
            "recognise the text (OCR), and save it again"
        )
    lines = [
        line
        for number, pieces in enumerate(pages)
        for line in lines_of(pieces, number)
        if not _CONTENTS_ENTRY.search(line.text)
    ]
    text = Page()
    starts = _write(text, lines, len(pages))
    known = document.get_metadata_dict()
    return Content(
        text.text,
        metadata_title(known.get("Title")) or text.title or None,
        tuple(text.blocks),
        known=Provenance(
            language=_language(document),
            date=_date(known.get("CreationDate") or ""),
            modified=_date(known.get("ModDate") or ""),
        ),
        page_starts=starts,
        left_out=tuple(
            f"page {number} has no text: it is a scan or a drawing; "
            "recognise its text (OCR), and save it again"
            for number in scans
        ),
    )


def _date(stamp: str) -> str | None:
    found = re.match(r"(?:D:)?(\d{4})(\d\d)(\d\d)", stamp)
    day = "-".join(found.groups()) if found else ""
    return day if is_date(day) else None


def _language(document: "PdfDocument") -> str | None:
    from pypdfium2 import raw

    length = raw.FPDFCatalog_GetLanguage(document, None, 0)
    buffer = (ctypes.c_ushort * (length // 2 + 1))()
    raw.FPDFCatalog_GetLanguage(document, buffer, length)
    return bytes(buffer).decode("utf-16-le", "ignore").rstrip("\0") or None


# What is printed on a page


_Edges = tuple[float, float, float, float]
"""Left, bottom, right and top, in points."""


@dataclass(frozen=True, slots=True)
class _Sign:
    """A character and its number in pdfium's text; blanks have no edges, the end of a line has no letter."""

    letter: str
    number: int
    edges: _Edges | None = None


def _pieces_of(sheet: Any) -> list[Piece]:
    """The print of a page in the order of the file; what stands askew on it is left out."""
    page = sheet.get_textpage()
    runs: list[list[_Sign]] = [[]]
    edges: _Edges | None = None  # of the run so far
    for sign in _signs(page, sheet.get_rotation(), sheet.get_bbox()):
        if not sign.letter or (sign.edges and edges and not _goes_on(edges, sign.edges)):
            runs.append([])
            edges = None
        if sign.letter and (runs[-1] or sign.edges):
            runs[-1].append(sign)
            edges = _around(edges, sign.edges)
    pieces = [_piece(page, run, sheet.get_rotation()) for run in runs if run]
    page.close()
    return [piece for piece in pieces if piece is not None]


def _signs(page: Any, turn: int, paper: _Edges) -> Iterator[_Sign]:
    from pypdfium2 import raw

    box = raw.FS_RECTF()
    for number in range(page.count_chars()):
        code = raw.FPDFText_GetUnicode(page, number)
        letter = chr(code)
        if code in _BREAKS:
            yield _Sign("", number)
        elif letter.isspace() or raw.FPDFText_IsGenerated(page, number) == 1:
            yield _Sign(letter, number)
        elif raw.FPDFText_GetLooseCharBox(page, number, box):
            edges = (box.left, box.bottom, box.right, box.top)
            yield _Sign(letter, number, turned(edges, turn, paper))


def turned(edges: _Edges, turn: int, paper: _Edges) -> _Edges:
    """Edges on a sheet as they lie when it is turned clockwise by so many degrees, as it is shown."""
    left, bottom, right, top = (edge - paper[number % 2] for number, edge in enumerate(edges))
    width, height = paper[2] - paper[0], paper[3] - paper[1]
    match turn:
        case 90:
            return bottom, width - right, top, width - left
        case 180:
            return width - right, height - top, width - left, height - bottom
        case 270:
            return height - top, left, height - bottom, right
        case _:
            return left, bottom, right, top


def _goes_on(run: _Edges, sign: _Edges) -> bool:
    """Whether a character stands on the same line, behind what is there, without a wide gap."""
    height = sign[3] - sign[1]
    is_behind = run[0] <= sign[0] < run[2] + GAP * max(height, run[3] - run[1])
    return is_behind and run[1] - height / 2 < (sign[1] + sign[3]) / 2 < run[3] + height / 2


def _around(run: _Edges | None, sign: _Edges | None) -> _Edges | None:
    if run is None or sign is None:
        return run or sign
    return min(run[0], sign[0]), min(run[1], sign[1]), max(run[2], sign[2]), max(run[3], sign[3])


def _piece(page: Any, run: Sequence[_Sign], turn: int) -> Piece | None:
    """The piece that characters make up; None where these are blanks, or stand askew."""
    from pypdfium2 import raw

    words = _clean("".join(sign.letter for sign in run))
    askew = (math.degrees(raw.FPDFText_GetCharAngle(page, run[0].number)) + turn + 180) % 360 - 180
    edges = None
    for sign in run:
        edges = _around(edges, sign.edges)
    if not words or edges is None or abs(askew) > MAX_ASKEW:
        return None
    inked = [sign.number for sign in run if sign.edges]
    size, _ = _print_of(page, inked[len(inked) // 2])  # a mark in front may be larger
    is_bold = all(_print_of(page, number)[1] for number in (inked[0], inked[-1]))
    return Piece(words, *edges, size=size, bold=is_bold)


def _clean(text: str) -> str:
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    told = "".join(_HYPHENS.get(letter, letter) for letter in whole)
    told = " ".join(told.split())
    return re.sub(f"{_HYPHEN}(?!$)", "", told) if told.strip(_HYPHEN) else ""


def _print_of(page: Any, number: int) -> tuple[float, bool]:
    """The size of a character in points, and whether it is bold."""
    from pypdfium2 import raw

    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(page, number, matrix)
    scale = (matrix.c**2 + matrix.d**2) ** 0.5 or 1.0
    name = ctypes.create_string_buffer(100)
    raw.FPDFText_GetFontInfo(page, number, name, len(name), ctypes.c_int())
    heavy = re.search(rb"bold|black|heavy", name.value, re.IGNORECASE) is not None
    bold = heavy or raw.FPDFText_GetFontWeight(page, number) >= 600
    return raw.FPDFText_GetFontSize(page, number) * scale, bold


# What is on every page


def without_running(pages: Sequence[list[Piece]], heights: Sequence[float]) -> list[list[Piece]]:
    """The pages without what stands at the same place on most, the same words or the page's own number.

    What is written as the number of a page is left out wherever it stands alone in a margin.
    """
    places: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, (pieces, height) in enumerate(zip(pages, heights, strict=True)):
        for piece in pieces:
            if _is_in_margin(piece, height):
                for words in _forms(piece.text, number):
                    places[words].append((number, piece.bottom))

    def is_running(piece: Piece, number: int) -> bool:
        for words in _forms(piece.text, number):
            near = {page for page, at in places[words] if abs(at - piece.bottom) <= SAME_PLACE}
            if len(near) >= 2 and 2 * len(near) >= len(pages) - 1:
                return True
        return False

    return [
        [
            piece
            for piece in pieces
            if not (
                _is_in_margin(piece, height) and (is_running(piece, number) or _is_page_number(piece, pieces))
            )
        ]
        for number, (pieces, height) in enumerate(zip(pages, heights, strict=True))
    ]


def _is_in_margin(piece: Piece, height: float) -> bool:
    return piece.bottom > height * (1 - MARGIN) or piece.top < height * MARGIN


def _is_page_number(piece: Piece, pieces: Sequence[Piece]) -> bool:
    """Whether a piece is written as the number of a page, and nothing stands beside it."""
    found = _PAGE_NUMBER.fullmatch(piece.text)
    if found is None:
        return False
    number, count = found["page"] or found["part"], found["count"] or found["all"]
    is_one = number is None or count is None or 1 <= int(number) <= int(count)
    return is_one and not any(
        piece.bottom < other.middle < piece.top for other in pieces if other is not piece
    )


def _forms(text: str, number: int) -> tuple[str, ...]:
    """A text as it is, and with the first number in it counted from the page that it stands on."""
    counted = re.sub(r"\d{1,5}", lambda found: f"\0{int(found[0]) - number}", text, count=1)
    return (text, counted) if counted != text else (text,)


# The order of reading


def lines_of(pieces: Sequence[Piece], page: int) -> Iterator[Line]:
    """The lines of a page or a part of it: down each column, from one line across the columns to the next."""
    gutter = _gutter(pieces)
    if gutter is None:
        yield from _rows(pieces, page)
        return
    left = [piece for piece in pieces if piece.right <= gutter]
    right = [piece for piece in pieces if piece.left >= gutter]
    across = [piece for piece in pieces if piece.left < gutter < piece.right]
    above = float("inf")
    for rows in [*_grouped(across), None]:
        below = rows[0].middle if rows else float("-inf")
        for column in (left, right):
            yield from lines_of([piece for piece in column if below < piece.middle <= above], page)
        if rows:
            yield from _rows(rows, page)
        above = below


def _gutter(pieces: Sequence[Piece]) -> float | None:
    """Where a page is parted in two columns of running text: just before the right one starts."""
    starts = Counter(round(piece.left) for piece in pieces)
    best: tuple[int, float] | None = None
    for start in (start for start, count in starts.items() if count >= COLUMN_LINES):
        gutter = start - SAME_PLACE
        left = [piece for piece in pieces if piece.right <= gutter]
        right = [piece for piece in pieces if piece.left >= gutter]
        across = len(pieces) - len(left) - len(right)
        if not (_is_column(left) and _is_column(right)):
            continue
        low = max(min(piece.bottom for piece in side) for side in (left, right))
        high = min(max(piece.top for piece in side) for side in (left, right))
        if high > low and (best is None or across < best[0]):
            best = across, gutter
    return best[1] if best else None


def _is_column(pieces: Sequence[Piece]) -> bool:
    characters = sum(len(piece.text) for piece in pieces)
    return len(pieces) >= COLUMN_LINES and characters >= COLUMN_CHARACTERS * len(pieces)


def _grouped(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The pieces line by line, from the top; what stands at the same height is one line."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: -piece.middle):
        if rows and abs(rows[-1][0].middle - piece.middle) < (piece.top - piece.bottom) / 2:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return rows


def _rows(pieces: Sequence[Piece], page: int) -> Iterator[Line]:
    if pieces:
        column = min(piece.left for piece in pieces), max(piece.right for piece in pieces)
        for row in _grouped(pieces):
            yield Line(tuple(sorted(row, key=lambda piece: piece.left)), page, column)


# Paragraphs


def _write(text: Page, lines: Sequence[Line], page_count: int) -> tuple[int, ...]:
    """Add the blocks that lines make up, and tell where each page starts in the text."""
    if not lines:  # nothing but contents
        return (0,) * page_count
    blocks = _with_headings([_block(run) for run in _runs(lines)], lines)
    if sum(block.level == 1 for block in blocks) > 1:
        text.title = ""  # these are chapters: none of them is the title of the whole
    starts: dict[int, int] = {0: 0}
    for block in blocks:
        text.add(block.kind, block.text, block.level)
        for page, offset in block.pages:
            starts.setdefault(page, text.blocks[-1].span.start + offset)
    end = len(text.text)
    for page in reversed(range(page_count)):  # a page without text ends where it starts
        end = starts.setdefault(page, end)
    return tuple(starts[page] for page in range(page_count))


@dataclass(frozen=True, slots=True)
class _Run:
    """The lines of one block."""

    lines: tuple[Line, ...]
    is_row: bool


@dataclass(frozen=True, slots=True)
class _Block:
    """A block to be; ``pages`` are those of its lines, with the offset in ``text`` of the first there."""

    kind: BlockKind
    text: str
    pages: tuple[tuple[int, int], ...]
    run: _Run
    level: int = 0


def _with_headings(blocks: Sequence[_Block], lines: Sequence[Line]) -> list[_Block]:
    """The same with headings, told by large or bold print: the larger, the higher its level."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    body = max(sizes, key=lambda size: sizes[size])
    bold = sum(len(line.text) for line in lines if line.bold)
    bold_tells = bold * 3 < sizes.total()  # where most is bold, it sets nothing apart
    heads = [_heading_size(block, body, bold_tells) for block in blocks]
    levels = sorted({size for size in heads if size is not None}, reverse=True)
    return [
        block
        if size is None
        else replace(block, kind=BlockKind.HEADING, level=min(levels.index(size) + 1, LAST_LEVEL))
        for block, size in zip(blocks, heads, strict=True)
    ]


def _heading_size(block: _Block, body: float, bold_tells: bool) -> float | None:
    """The size of print of a heading, None for what is none; bold print is the lowest of them."""
    if block.run.is_row or len(block.text) > MAX_HEADING_CHARACTERS or block.text.endswith("."):
        return None
    size = max(line.size for line in block.run.lines)
    if size >= LARGER * body:
        return size
    is_bold = bold_tells and size >= body and all(line.bold for line in block.run.lines)
    return body if is_bold and len(block.run.lines) <= 2 and block.text[-1] not in ",;:" else None


def _block(run: _Run) -> _Block:
    words = ""
    pages: dict[int, int] = {}
    for line in run.lines:
        told = " | ".join(piece.text for piece in line.pieces) if run.is_row else line.text
        words, start = joined(words, told)
        pages.setdefault(line.page, start)
    words = words.replace(_HYPHEN, "-")
    if run.is_row or not _ITEM.match(words):
        kind = BlockKind.TABLE_ROW if run.is_row else BlockKind.PARAGRAPH
        return _Block(kind, words, tuple(pages.items()), run)
    marked = _BULLET.sub("- ", words, count=1)
    shift = len(words) - len(marked)
    moved = tuple((page, max(0, offset - shift)) for page, offset in pages.items())
    return _Block(BlockKind.LIST_ITEM, marked, moved, run)


def _runs(lines: Sequence[Line]) -> list[_Run]:
    """The lines of each paragraph, heading, item or row."""
    leading = _leading(lines)
    rows = _table_rows(lines)
    runs: list[list[int]] = []
    for number, line in enumerate(lines):
        usual = leading.get(line.size, USUAL_LEADING * line.size)
        if number == 0 or rows & {number - 1, number} or _starts_block(lines[number - 1], line, usual):
            runs.append([number])
        else:
            runs[-1].append(number)
    return [_Run(tuple(lines[number] for number in run), run[0] in rows) for run in runs]


def _leading(lines: Sequence[Line]) -> dict[float, float]:
    """The most frequent distance between lines of each size, in points."""
    distances: dict[float, Counter[float]] = defaultdict(Counter)
    for before, line in pairwise(lines):
        distance = before.longest.bottom - line.longest.bottom
        together = (before.page, before.column, before.size) == (line.page, line.column, line.size)
        if together and 0 < distance < 2 * line.size:
            distances[line.size][round(distance)] += 1
    return {size: count.most_common(1)[0][0] for size, count in distances.items()}


def _table_rows(lines: Sequence[Line]) -> set[int]:
    """The numbers of lines that are rows of a table: two or more below one another, of the same cells."""
    rows: set[int] = set()
    for number, (before, line) in enumerate(pairwise(lines)):
        cells = len(line.pieces)
        alike = 1 < cells == len(before.pieces) and (before.page, before.column) == (line.page, line.column)
        if (
            alike
            and not _ITEM.match(f"{line.pieces[0].text} x")
            and all(
                min(abs(one.left - two.left), abs(one.right - two.right)) <= SAME_PLACE
                for one, two in zip(before.pieces, line.pieces, strict=True)
            )
        ):
            rows |= {number, number + 1}
    return rows


def _starts_block(before: Line, line: Line, leading: float) -> bool:
    if _ITEM.match(line.text) or abs(before.size - line.size) > 1 or before.bold != line.bold:
        return True
    is_sentence_end = re.search(r"[.?!:;][\"'”’)\]]*$", before.text) is not None
    if (before.page, before.column) != (line.page, line.column):
        return is_sentence_end or not (line.text[0].islower() or before.text.endswith((_HYPHEN, "-")))
    distance = before.longest.bottom - line.longest.bottom
    if not 0 < distance <= PARAGRAPH_GAP * leading + 1:
        return True
    left, right = line.column
    is_short = before.pieces[-1].right < right - 0.25 * (right - left)
    is_indented = line.pieces[0].left > before.pieces[0].left + line.size and not _ITEM.match(before.text)
    return is_sentence_end and (is_short or is_indented)


def joined(before: str, line: str) -> tuple[str, int]:
    """A text and its next line, and where that line starts in it; a word broken between them is made whole.

    A hyphen of the word itself stays: before a capital or digit ("Noord-Holland"), after a single letter
    ("e-mail"), between vowels that would read as one sound ("zee-egel"), and before "en" or "of" ("in- en
    uitvoer").
    """
    if not before:
        return line, 0
    broken = re.search(rf"(\w+)[{_HYPHEN}-]$", before)
    if broken is None:
        return f"{before} {line}", len(before) + 1
    if re.match(r"(?:en|of|tot|als)\b", line):
        return f"{before[:-1]}- {line}", len(before) + 1
    stem = broken[1]
    clash = (stem[-1] + line[0]).lower() in _CLASHES
    if line[0].islower() and stem[-1].isalpha() and len(stem) > 1 and not clash:
        return f"{before[:-1]}{line}", len(before) - 1
    return f"{before[:-1]}-{line}", len(before)
