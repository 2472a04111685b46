"""Files of a folder → Documents: decoded, set apart into blocks, with their provenance.

One reader for one format; a file that cannot be read is left out with its reason, the rest goes on.
"""

import codecs
import datetime
import difflib
import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import CorpusError, UnreadableFileError
from retrieval.records import Block, BlockKind, Document, Provenance, Span

if TYPE_CHECKING:
    from markdown_it.token import Token

PROVENANCE_FILE = "bronnen.toml"
"""Where an editor writes down what is known of each text; its comment says how."""

MAX_FILE_BYTES = 10_000_000
"""A larger file is no text that someone reads: some four times the Dutch Bible."""

MAX_TITLE_CHARACTERS = 200
"""A first line longer than this is a paragraph: search engines show 60 characters of a title."""

MAX_HEADING_CHARACTERS = 100
"""A line of its own up to this length is a heading; the longest heading of the AIVD page has 62."""

MAX_MARKDOWN_NESTING = 100
"""Lists, their items and quotes within one another, at which the parser drops what lies deeper."""

MEANT_LIKENESS = 0.75
"""difflib's ratio from which a name is taken for a misspelling; short names have 0.6 by ".txt" alone."""

MAX_REASONS = 10
"""Reasons that one message names; a folder full of pictures needs no line for each."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that was left out: its path below the corpus folder, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a corpus folder holds, in the order of the documents' ids."""

    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader makes of one file.

    ``title`` is None where the file names none; ``blocks`` keep the promises of ``Document.blocks``;
    ``date`` is the file's own, as YYYY-MM-DD.
    """

    text: str
    title: str | None
    blocks: tuple[Block, ...]
    date: str | None = None


def read_corpus(folder: Path) -> Reading:
    """Read every file below ``folder``, except hidden ones.

    What is wrong in the provenance file is left out of it, and told as a file that is left out.
    Raises CorpusError where the folder is missing, is not a folder or holds no file that can be read.
    """
    if not folder.exists():
        raise CorpusError(f"corpus folder {folder} does not exist: make it and put texts in it")
    if not folder.is_dir():
        raise CorpusError(f"corpus {folder} is a file, expected a folder: name the folder that holds it")
    files, skipped = _files_below(folder)
    provenances, mistakes = _read_provenances(folder / PROVENANCE_FILE, [name for name, _ in files])
    documents = []
    for name, path in files:
        try:
            documents.append(read_document(path, name, provenances.get(name, Provenance())))
        except UnreadableFileError as error:
            skipped.append(Skipped(name, str(error)))
    if not documents:
        raise CorpusError(_nothing_readable(folder, skipped))
    skipped += [Skipped(PROVENANCE_FILE, mistake) for mistake in mistakes]
    return Reading(tuple(documents), tuple(sorted(skipped, key=lambda left_out: left_out.path)))


def read_document(path: Path, document_id: str, provenance: Provenance) -> Document:
    """Read one file as the document ``document_id``.

    The editor's title comes before the text's own, and the file's name is used where neither is
    known. Raises UnreadableFileError.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        found = f"the format {path.suffix}" if path.suffix else "a name without a format"
        raise UnreadableFileError(
            f"{found} cannot be read, expected {', '.join(READERS)}: "
            "save the text in one of these formats, or move the file out of the corpus folder"
        )
    content = reader(_decoded(_bytes_of(path)))
    if not content.blocks:
        raise UnreadableFileError("no text to be seen in it: add text, or remove the file")
    return Document(
        id=document_id,
        text=content.text,
        sha256=hashlib.sha256(content.text.encode()).hexdigest(),
        title=provenance.title or content.title or _readable(path.stem),
        blocks=content.blocks,
        provenance=replace(provenance, date=provenance.date or content.date),
    )


def text_document(document_id: str, title: str, text: str) -> Document:
    """A document of plain text that comes from no file, and whose title is not a part of it."""
    blocks = tuple(_plain_block(text, run) for run in _runs_of_lines(text))
    return Document(document_id, text, hashlib.sha256(text.encode()).hexdigest(), title, blocks)


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


def read_markdown(text: str) -> Content:
    """Markdown (CommonMark and tables) as the text that a reader sees of it.

    Blocks are separated by a blank line, items of a list and rows of a table by a line end. Marks,
    addresses of links, tags, comments and front matter are not part of it. Raises UnreadableFileError
    where lists or quotes lie deeper in one another than MAX_MARKDOWN_NESTING.
    """
    from markdown_it import MarkdownIt

    front_matter, body = _front_matter(text)
    parser = MarkdownIt("commonmark", {"maxNesting": MAX_MARKDOWN_NESTING}).enable(["table", "strikethrough"])
    tokens = parser.parse(body)
    _check_nesting(tokens, text.count("\n") - body.count("\n"))
    page = _Page()
    for kind, visible, level in _markdown_blocks(tokens):
        page.add(kind, visible, level)
    return Content(
        page.text, front_matter.get("title") or page.title, tuple(page.blocks), front_matter.get("date")
    )


READERS: Mapping[str, Callable[[str], Content]] = {
    ".txt": read_plain_text,
    ".md": read_markdown,
    ".markdown": read_markdown,
}
"""The formats that can be read, by the file's suffix in lower case."""


# Files


def _files_below(folder: Path) -> tuple[list[tuple[str, Path]], list[Skipped]]:
    root = folder.resolve()
    files: list[tuple[str, Path]] = []
    skipped: list[Skipped] = []
    for path in _entries(folder, skipped):
        name = path.relative_to(folder).as_posix()
        reason = _reason_to_leave_out(path, root)
        if reason is not None:
            shown = os.fsencode(name).decode(errors="replace")
            skipped.append(Skipped(shown, reason))
        elif name != PROVENANCE_FILE:
            files.append((name, path))
    return sorted(files), skipped


def _entries(folder: Path, skipped: list[Skipped]) -> Iterator[Path]:
    def leave_out(error: OSError) -> None:
        name = Path(error.filename).relative_to(folder).as_posix()
        reason = f"this folder cannot be opened ({error.strerror}): allow it to be read"
        skipped.append(Skipped(name, reason))

    for parent, folders, files in os.walk(folder, onerror=leave_out):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield Path(parent, name)
        yield from (Path(parent, name) for name in folders if Path(parent, name).is_symlink())


def _reason_to_leave_out(path: Path, root: Path) -> str | None:
    try:
        path.name.encode()
        str(path.relative_to(path.anchor or ".")).encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8: rename it"
    if path.is_symlink():
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return "a link to nothing: remove it, or put the file itself here"
        if not target.is_relative_to(root):
            return "a link to outside the corpus folder: put the file itself here"
        if target.is_dir():
            return "a link to a folder: what it links to is read in its own place"
    if not path.is_file():
        return "neither a file nor a folder: move it out of the corpus folder"
    return None


def _bytes_of(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise UnreadableFileError(
                f"{size:,} bytes is too large, expected at most {MAX_FILE_BYTES:,}: "
                "cut the text into smaller files"
            )
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"it cannot be opened ({error.strerror}): allow it to be read") from error


def _decoded(data: bytes) -> str:
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


def _nothing_readable(folder: Path, skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return f"corpus folder {folder} is empty: put texts in it ({', '.join(READERS)})"
    by_path = sorted(skipped, key=lambda left_out: left_out.path)
    reasons = "; ".join(f"{left_out.path}: {left_out.reason}" for left_out in by_path[:MAX_REASONS])
    more = f"; and {len(skipped) - MAX_REASONS} more" if len(skipped) > MAX_REASONS else ""
    return f"corpus folder {folder} holds no file that can be read: {reasons}{more}"


def _readable(stem: str) -> str:
    words = re.sub(r"[-_\s]+", " ", stem).strip() or stem
    return words[:1].upper() + words[1:]


# Provenance


def _read_provenances(path: Path, names: Sequence[str]) -> tuple[dict[str, Provenance], list[str]]:
    """What is known of each file, and what is wrong: of the whole, or one mistake an entry."""
    if not path.exists():
        return {}, []
    try:
        text = _decoded(_bytes_of(path))
        tables = tomllib.loads(text)
    except UnreadableFileError as error:
        return {}, [f"{error}; until then nothing is known of the sources"]
    except tomllib.TOMLDecodeError as error:
        return {}, [f"not TOML: {error}: correct that line; until then nothing is known of the sources"]
    provenances, mistakes = {}, []
    for name, table in tables.items():
        place_of = partial(_place, text, name)
        try:
            if name not in names or not isinstance(table, dict):
                raise _ProvenanceError(f"{place_of()}: {_no_such_file(name, names)}")
            provenances[name] = _provenance(table, place_of)
            _check_synonyms(name, provenances, place_of)
        except _ProvenanceError as error:
            mistakes.append(f"entry {name!r}, {error}")
    return provenances, mistakes


def _check_synonyms(name: str, provenances: dict[str, Provenance], place_of: Callable[[str], str]) -> None:
    """Raise _ProvenanceError, and forget the entry, where a name has another meaning in one before it."""
    meanings = {
        other.lower(): (meant, before)
        for before, provenance in provenances.items()
        if before != name
        for other, meant in provenance.synonyms
    }
    for other, meant in provenances[name].synonyms:
        known, before = meanings.get(other.lower(), (meant, name))
        if known != meant:
            del provenances[name]
            raise _ProvenanceError(
                f"{place_of('synonyms')}: {other!r} is {meant!r} here and {known!r} in entry {before!r}: "
                "a name means the same in all texts; correct one of them"
            )


class _ProvenanceError(CorpusError):
    """An entry of the provenance file is wrong."""


def _no_such_file(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=MEANT_LIKENESS)
    meant = f" (is {near[0]!r} meant?)" if near else ""
    return (
        f"this is not the name of a file in the corpus folder{meant}: "
        'write it as ["folder/file.txt"], between quotes, or remove it'
    )


def _provenance(table: Mapping[str, Any], place_of: Callable[[str], str]) -> Provenance:
    """One table as a record; ``place_of`` tells where a key stands, for the error."""
    for key, value in table.items():
        if key not in _EXPECTED:
            raise _ProvenanceError(
                f"{place_of(key)}: unknown key {key!r}, expected one of {', '.join(_EXPECTED)}"
            )
        expected, fits = _EXPECTED[key]
        if not fits(value):
            raise _ProvenanceError(
                f"{place_of(key)}: {key} is {value!r}, expected {expected}: correct it or remove it"
            )
    known = {key: str(value).strip() for key, value in table.items()}
    return Provenance(
        title=known.get("title"),
        url=known.get("url"),
        publisher=known.get("publisher"),
        language=known.get("language"),
        date=known.get("date"),
        questions=tuple(question.strip() for question in table.get("questions", ())),
        synonyms=tuple((name.strip(), meant.strip()) for name, meant in table.get("synonyms", {}).items()),
    )


def _is_words(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_url(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"https?://\S+", value) is not None


def _is_date(value: object) -> bool:
    if isinstance(value, datetime.datetime) or not isinstance(value, str | datetime.date):
        return False
    try:
        return datetime.date.fromisoformat(str(value)).isoformat() == str(value)
    except ValueError:
        return False


def _is_questions(value: object) -> bool:
    return isinstance(value, list) and all(_is_words(question) for question in value)


def _is_synonyms(value: object) -> bool:
    return isinstance(value, dict) and all(_is_words(words) for pair in value.items() for words in pair)


_EXPECTED: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "title": ("words between quotes", _is_words),
    "url": ('an address as "https://…"', _is_url),
    "publisher": ("words between quotes", _is_words),
    "language": ('a language as "nl"', _is_words),
    "date": ("a date as 2025-01-31", _is_date),
    "questions": ('a list as ["…?", "…?"]', _is_questions),
    "synonyms": ('pairs as {"other name" = "name in the text"}', _is_synonyms),
}


def _place(text: str, table: str, key: str | None = None) -> str:
    """The line where the table or its key is found; tomllib itself tells no lines."""
    in_table = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("["):
            in_table = table in line
        if in_table and (
            key is None or re.match(rf"""(?:\[.*\.)?\s*["']?{re.escape(key)}["']?\s*[=\]]""", line)
        ):
            return f"line {number}"
        if key is None and re.match(rf"""\s*["']?{re.escape(table)}["']?\s*[=.]""", line):
            return f"line {number}"
    return "somewhere"


# Plain text


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


# Markdown


class _Page:
    """The visible text that grows block by block; the first heading of level 1 is its title."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.title: str | None = None
        self._parts: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def add(self, kind: BlockKind, visible: str, level: int) -> None:
        words = visible.strip()
        if not words:
            return
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
                    yield BlockKind.LIST_ITEM, marker + visible, 0
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


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """The title and date of the front matter, if any, and the text without it."""
    lines = re.DOTALL | re.MULTILINE
    found = re.match(r"---[ \t]*\n(?=[\w-]+:)(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", text, lines)
    if found is None:
        return {}, text
    pairs = {key: value.strip().strip("\"'") for key, value in re.findall(r"(?m)^(\w+):(.*)$", found[1])}
    known = {"title": _is_words, "date": _is_date}
    return {key: pairs[key] for key, fits in known.items() if fits(pairs.get(key))}, text[found.end() :]


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
