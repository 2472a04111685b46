"""What a reader makes of a file, and the visible text that it grows block by block."""

import codecs
import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from retrieval.errors import UnreadableFileError
from retrieval.records import Anchor, Block, BlockKind, Provenance, Span

MAX_TEXT_BYTES = 10_000_000
"""A larger file is no text that someone reads: some four times the Dutch Bible."""

SMALLER_FILES = "cut the text into smaller files"
"""What to do with a larger one."""

MAX_BLOCKS = 100_000
"""Of one file: the Bible has some 31,000 verses. Measured: so many of two characters
take 130 MB where they are held as a whole."""

MAX_TEXT_CHARACTERS = 10_000_000
"""Of the text of one file, as MAX_TEXT_BYTES: a .docx or .pdf may unpack to more."""

MAX_HEADING_CHARACTERS = 500
"""A longer one is a paragraph: a heading stands above every passage below it. The longest in LibreOffice's
2,560 pages of Dutch help has 123."""

LOWEST_LEVEL = 6
"""Of headings."""

MAX_TITLE_CHARACTERS = 500
"""A longer one is none: it stands in every citation. The longest of those pages has 77."""

MAX_VALUE_CHARACTERS = 2_000
"""Of what else is known of a source, as an address: that stands in every citation too."""

MAX_TOLD = 20
"""Mistakes of one file that are told one by one."""

_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters (Cc), line ends of Unicode, and what turns the direction of the text around (UAX 9)."""

_NO_TITLE = re.compile(
    r"\A\Z|\A(?:microsoft word - |powerpoint|untitled|naamloos|document\s*\d*\Z|word document\Z)"
    r"|\.(?:docx?|odt|rtf|pdf|indd|dotx?)\Z",
    re.IGNORECASE,
)


INDENT = "  "
"""Before an item of a list for each item that it lies in: outside of its span."""

NOTHING_KNOWN = Provenance()
"""Of a file that does not say where it comes from."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader makes of one file.

    ``title`` is None where the file names none; ``blocks`` keep the promises of ``Document.blocks``;
    ``known`` is what it says of where it comes from, except its title.
    ``page_starts`` are the offsets at which its pages start, none where it has no pages; ``anchors`` are
    those of its headings; ``left_out`` tells of parts without text, and of what is wrong in it.
    """

    text: str
    title: str | None
    blocks: tuple[Block, ...]
    known: Provenance = NOTHING_KNOWN
    page_starts: tuple[int, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    left_out: tuple[str, ...] = ()


class Page:
    """The visible text that grows block by block; the first heading of level 1 is its title.

    A heading of more than MAX_HEADING_CHARACTERS is a paragraph.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.title: str | None = None
        self._parts: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        """All of it so far."""
        return "".join(self._parts)

    def add(self, kind: BlockKind, visible: str, level: int) -> None:
        """Add a block, set apart from the one before it as its kind asks; one of blanks is left out."""
        words = visible.strip()
        if not words:
            return
        if kind is BlockKind.HEADING and len(words) > MAX_HEADING_CHARACTERS:
            kind, level = BlockKind.PARAGRAPH, 0
        if kind is BlockKind.HEADING and level == 1 and self.title is None:
            kind, self.title = BlockKind.TITLE, words
        self._append(self._separator(kind))
        indented = visible.rstrip().lstrip("\n")  # code keeps the indentation of its first line
        start = self._length + indented.index(words)
        self._append(indented)
        self.blocks.append(Block(kind, Span(start, self._length), level))

    def _separator(self, kind: BlockKind) -> str:
        if not self.blocks:
            return ""
        before = self.blocks[-1].kind
        listed = kind is BlockKind.LIST_ITEM and before is kind
        listed |= kind is BlockKind.TABLE_ROW and before in (BlockKind.TABLE_HEADER, kind)
        return "\n" if listed else "\n\n"

    def _append(self, part: str) -> None:
        self._parts.append(part)
        self._length += len(part)


@dataclass(frozen=True, slots=True)
class FoundHeading:
    """A heading of a file, the id that its original can be opened at, and the identifier of an article."""

    block: Block
    fragment: str | None
    identifier: str | None = None


def anchors_of(headings: Iterable[FoundHeading]) -> tuple[Anchor, ...]:
    """The anchors of headings that come in the order of the text.

    What stands below the heading of an article belongs to that, up to the next heading as high.
    """
    anchors: list[Anchor] = []
    fragment = identifier = None
    article_level = 0
    for heading in headings:
        fragment = heading.fragment or fragment
        level = heading.block.level or LOWEST_LEVEL  # one that is too long for a heading is a paragraph
        if heading.identifier or level <= article_level:
            identifier, article_level = heading.identifier, level
        anchor = Anchor(heading.block.span.start, fragment, identifier)
        before = anchors[-1] if anchors else Anchor(0)
        if (anchor.fragment, anchor.identifier) != (before.fragment, before.identifier):
            anchors.append(anchor)
    return tuple(anchors)


def check_size(path: Path, max_bytes: int, advice: str) -> None:
    """Raise UnreadableFileError where a file is larger, or the system does not tell of it."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise unopened(error) from error
    if size > max_bytes:
        raise UnreadableFileError(f"{size:,} bytes is too large, expected at most {max_bytes:,}: {advice}")


def bytes_of(path: Path, max_bytes: int, advice: str) -> bytes:
    """What a file of text holds. Raises UnreadableFileError where it is too large or cannot be opened."""
    check_size(path, max_bytes, advice)
    try:
        return path.read_bytes()
    except OSError as error:
        raise unopened(error) from error


def unopened(error: OSError) -> UnreadableFileError:
    """What is told of a file that the system does not open."""
    return UnreadableFileError(f"it cannot be opened ({error.strerror}): allow it to be read")


def decoded(data: bytes) -> str:
    """The text of a file without BOM, line ends as LF. Raises UnreadableFileError where it is no UTF-8."""
    if not data:
        raise UnreadableFileError("the file is empty (0 bytes): add text, or remove the file")
    nul = data.find(0)
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        offset = error.start + (len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0)
        raise UnreadableFileError(
            f"byte 0x{data[offset]:02x} at offset {offset} is not UTF-8: save the file as UTF-8"
        ) from error
    if nul >= 0:
        raise UnreadableFileError(
            f"byte 0x00 at offset {nul} is not text: save the file as plain text in UTF-8"
        )
    if not text.strip():
        raise UnreadableFileError("only blanks in the file: add text, or remove the file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def bounded(content: Content) -> Content:
    """The content without the values that cannot be shown.

    Raises UnreadableFileError where it is more than one file may give.
    """
    for count, most, what in (
        (len(content.blocks), MAX_BLOCKS, "paragraphs"),
        (len(content.text), MAX_TEXT_CHARACTERS, "characters of text"),
    ):
        if count > most:
            raise UnreadableFileError(f"more than {most:,} {what}: cut it into smaller files")
    title = content.title if flaw_of(content.title or "", MAX_TITLE_CHARACTERS) is None else None
    values = {part.name: getattr(content.known, part.name) for part in fields(content.known)}
    flawed: dict[str, Any] = {
        name: None for name, value in values.items() if isinstance(value, str) and flaw_of(value)
    }
    return replace(content, title=title, known=replace(content.known, **flawed))


def flaw_of(words: str, most: int = MAX_VALUE_CHARACTERS) -> str | None:
    """What keeps words from being shown beside a citation; None where nothing does."""
    hidden = _HIDDEN.search(words.strip())
    if hidden is not None:
        return f"holds the character U+{ord(hidden[0]):04X}, which cannot be shown"
    if len(words) > most:
        return f"has {len(words):,} characters, expected at most {most:,}"
    return None


def metadata_title(title: str | None) -> str | None:
    """The title that a file's properties name; None for what programs write there by themselves."""
    words = " ".join((title or "").split())
    return None if _NO_TITLE.search(words) else words


def is_words(value: object) -> bool:
    """Whether this is text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def is_date(value: object) -> bool:
    """Whether this is a day, as YYYY-MM-DD or as TOML has it."""
    if isinstance(value, datetime.datetime) or not isinstance(value, str | datetime.date):
        return False
    try:
        return datetime.date.fromisoformat(str(value)).isoformat() == str(value)
    except ValueError:
        return False


def day_of(stamp: str | None) -> str | None:
    """The day of a date, with or without a time; None where it is none, or one of another form."""
    day = (stamp or "").strip()[:10]
    return day if is_date(day) else None


def period_of(first: str | None, last: str | None) -> tuple[str | None, str | None]:
    """The first and the last day, as they are; neither where the one comes after the other."""
    return (None, None) if first and last and first > last else (first, last)


def is_address(value: object) -> bool:
    """Whether this is an address of the web."""
    return isinstance(value, str) and re.fullmatch(r"https?://[^\s/]\S*", value, re.IGNORECASE) is not None


def is_language(value: object) -> bool:
    """Whether this has the form of a tag for a language (BCP 47): "nl", "nl-BE"."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", value) is not None


def licence_name(named: str) -> str:
    """What a licence is called; of Creative Commons the name in SPDX in the place of its address."""
    found = _CREATIVE_COMMONS.match(named)
    if found is None:
        return named
    terms, version = found[1].lower(), found[2]
    return f"CC-{terms.removeprefix('licenses/').upper()}-{version}" if "/" in terms else f"CC0-{version}"


_CREATIVE_COMMONS = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/(?:publicdomain/)?(licenses/[a-z-]+|zero)/(\d\.\d)(?=/|\Z)",
    re.IGNORECASE,
)
