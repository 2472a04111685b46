"""The words of a file as they stand before someone who opens it: by other ways than those of the readers.

HTML is what Chromium shows, PDF what pypdf reads; Word and Markdown are taken apart here, by hand.
"""

import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from playwright.sync_api import Page
from pypdf import PdfReader

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
"""The soft hyphen and characters without a width."""

MARKER = re.compile(r"^\s*(?:[-*+•◦▪–]|\d{1,3}[.)])\s+")
"""What stands before an item of a list: the readers write it, a browser draws it beside the text."""

OPEN_ALL = """
for (const details of document.querySelectorAll("details")) details.open = true;
for (const control of document.querySelectorAll("[aria-controls]")) {
    document.getElementById(control.getAttribute("aria-controls"))?.removeAttribute("hidden");
}
"""
"""What a click opens is there to be read."""


def words(text: str) -> list[str]:
    """The words between blanks, without markers of items and the bars between cells."""
    lines = (MARKER.sub("", line) for line in text.translate(UNSEEN).splitlines())
    return [word for line in lines for word in line.split() if word != "|"]


def stands_in(passage: str, original: Sequence[str]) -> bool:
    """Whether the words of a passage stand in ``original`` one after another, with nothing between them.

    A cell over several rows or columns is read in each of them, and the header of a table that was cut is far
    from its rows: there each cell is looked for by itself, and of the header each word.
    """
    if _found(words(passage), original):
        return True
    header, *rows = passage.splitlines()
    if " | " not in header:
        return False
    cells = [*words(header), *(cell for row in rows for cell in row.split(" | "))]
    return all(_found(words(cell), original) for cell in cells)


def _found(wanted: Sequence[str], original: Sequence[str]) -> bool:
    starts = (
        place for place, word in enumerate(original) if not wanted or wanted[0].startswith(word.rstrip("-"))
    )
    return not wanted or any(_goes_on(wanted, original, place) for place in starts)


def _goes_on(wanted: Sequence[str], original: Sequence[str], place: int) -> bool:
    """Whether ``wanted`` stands at this place; a word that a line end broke has a hyphen there."""
    for word in wanted:
        whole, *rest = original[place : place + 2] or [""]
        if word == whole:
            place += 1
        elif rest and whole.endswith("-") and word in (whole + rest[0], whole[:-1] + rest[0]):
            place += 2
        else:
            return False
    return True


def words_of(path: Path, browser_page: Page) -> list[str]:
    """The words of a file, in the order in which it shows them."""
    match path.suffix:
        case ".html" | ".htm":
            return words(shown_by_browser(path, browser_page))
        case ".pdf":
            pages = [*pages_of_pdf(path, without_heads=True), *pages_of_pdf(path)]
            return [word for page in pages for word in page]
        case ".docx":
            return words("\n".join(paragraphs_of_word(path)))
        case ".md":
            return words(without_marks(path.read_text("utf-8")))
        case ".txt":
            return words(path.read_text("utf-8"))
    raise ValueError(f"{path}: no rule for {path.suffix}")


def shown_by_browser(path: Path, page: Page) -> str:
    """The visible text of an HTML file."""
    page.goto(path.resolve().as_uri(), wait_until="domcontentloaded")
    page.evaluate(OPEN_ALL)
    return page.inner_text("body")


def pages_of_pdf(path: Path, without_heads: bool = False) -> list[list[str]]:
    """The words of each page; without a first or last line that is alike on every page, numbers aside."""
    pages = [page.extract_text().splitlines() for page in PdfReader(path).pages]
    printed = [lines for lines in pages if lines]
    running = len(printed) > 1 and without_heads
    heads, feet = ({re.sub(r"\d+", "", lines[at]) for lines in printed} for at in (0, -1))
    first, last = int(running and len(heads) == 1), -1 if running and len(feet) == 1 else None
    return [words("\n".join(lines[first:last])) for lines in pages]


def paragraphs_of_word(path: Path) -> Iterator[str]:
    """The text of each paragraph of a Word file, then of each note: tabs and line breaks as blanks."""
    with zipfile.ZipFile(path) as archive:
        names = [f"word/{part}.xml" for part in ("document", "footnotes", "endnotes")]
        parts = [archive.read(name) for name in names if name in archive.namelist()]
    trees = [ElementTree.fromstring(part) for part in parts]  # noqa: S314 - a file of the tests
    for paragraph in (paragraph for tree in trees for paragraph in tree.iter(f"{WORD}p")):
        texts = (
            element.text or "" if element.tag == f"{WORD}t" else " "
            for element in paragraph.iter()
            if element.tag in {f"{WORD}t", f"{WORD}tab", f"{WORD}br"}
        )
        yield "".join(texts)


def without_marks(markdown: str) -> str:
    """Markdown as it reads: without front matter, marks of headings and emphasis, rules, targets of links."""
    text = re.sub(r"\A---\n.*?\n---\n", "", markdown, flags=re.DOTALL)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^\|?[-:| ]+$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^#+ |\*\*|(?<!\w)[*_`](?=\S)|(?<=\S)[*_`](?!\w)", "", text, flags=re.MULTILINE)
    return text.replace("|", " | ")
