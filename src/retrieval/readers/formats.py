"""The formats that can be read: the reader of each, how large a file may be, and what to do with more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import UnreadableFileError
from retrieval.readers.content import MAX_TEXT_BYTES, SMALLER_FILES, Content, check_size, decoded
from retrieval.readers.html_page import read_html
from retrieval.readers.law import read_law
from retrieval.readers.markdown import read_markdown
from retrieval.readers.pairs import read_csv, read_json, read_json_lines
from retrieval.readers.pdf import read_pdf
from retrieval.readers.plain_text import read_plain_text
from retrieval.readers.word import read_word


@dataclass(frozen=True, slots=True)
class Format:
    """How files of one format are read; one of more than ``max_bytes`` is not: ``advice`` says what to do."""

    read: Callable[[bytes], Content]
    max_bytes: int
    advice: str


_HTML_BYTES = 20_000_000
"""Pictures may stand in a page itself, as data: addresses; the words are fewer."""

_WORD_BYTES = 50_000_000
"""Mostly pictures: 2 MB of text in a .docx take 0.3 MB."""

_PDF_BYTES = 100_000_000
"""The same: 1,000 full pages of text without pictures take 3.4 MB."""

_PLAIN = Format(lambda data: read_plain_text(decoded(data)), MAX_TEXT_BYTES, SMALLER_FILES)
_MARKDOWN = Format(lambda data: read_markdown(decoded(data)), MAX_TEXT_BYTES, SMALLER_FILES)
_HTML = Format(read_html, _HTML_BYTES, "save the page without the pictures in it, or its text as .txt or .md")
_WORD = Format(
    read_word,
    _WORD_BYTES,
    "compress the pictures in it (Picture Format in Word), or cut it up",
)
_PDF = Format(read_pdf, _PDF_BYTES, "save it anew with smaller pictures, or cut it into parts")

READERS: Mapping[str, Format] = {
    ".txt": _PLAIN,
    ".md": _MARKDOWN,
    ".markdown": _MARKDOWN,
    ".html": _HTML,
    ".htm": _HTML,
    ".xhtml": _HTML,
    ".docx": _WORD,
    ".pdf": _PDF,
    ".csv": Format(read_csv, MAX_TEXT_BYTES, SMALLER_FILES),
    ".json": Format(read_json, MAX_TEXT_BYTES, SMALLER_FILES),
    ".jsonl": Format(read_json_lines, MAX_TEXT_BYTES, SMALLER_FILES),
    ".xml": Format(read_law, MAX_TEXT_BYTES, SMALLER_FILES),
}
"""By the file's suffix in lower case."""


def format_of(path: Path) -> Format:
    """The format of a file that is not too large. Raises UnreadableFileError."""
    known = READERS.get(path.suffix.lower())
    if known is None:
        found = f"the format {path.suffix}" if path.suffix else "a name without a format"
        raise UnreadableFileError(
            f"{found} cannot be read, expected {', '.join(READERS)}: "
            "save the text in one of these formats, or move the file out of the corpus folder"
        )
    check_size(path, known.max_bytes, known.advice)
    return known
