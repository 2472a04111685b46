"""Questions with their answers, from a table (.csv) or JSON: each question a heading, its answer below it."""

import codecs
import csv
import html
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retrieval.errors import UnreadableFileError
from retrieval.readers.content import INDENT, MAX_HEADING_CHARACTERS, MAX_TOLD, Content, Page, decoded
from retrieval.readers.html_page import read_html
from retrieval.records import BlockKind

QUESTION = frozenset("vraag vragen question questions".split())
ANSWER = frozenset("antwoord antwoorden answer answers".split())
SUBJECT = frozenset("categorie category onderwerp rubriek".split())
TITLE = frozenset("titel title".split())
PAGE_TITLE = frozenset("name headline".split())
"""What columns and keys are called, in any case."""

SUBJECT_LEVEL, QUESTION_LEVEL, LAST_LEVEL = 1, 2, 6

EXPECTED = 'expected objects as {"vraag": "…", "antwoord": "…"} in a list, or in a list under one key'

_NAMES = {";": "a ;", ",": "a comma", "\t": "a tab"}
"""What may set cells apart."""

_DECLARED = re.compile(r"sep=([;,\t])\n")
"""A first line that Excel itself reads, and takes for no row."""

_ITEM = re.compile(r"[ \t]*(?:[-–•·▪*]|(\d{1,3}[.)]))[ \t]+(?=\S)")
_INLINE = re.compile(r"</?(?:a|b|strong|i|em|u|span|br)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_MARKUP = re.compile(r"<(?:p|div|ul|ol|li|h[1-6]|table|blockquote)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-z]{2,8}|#\d{1,6});", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pair:
    """One entry as it stands in the file; ``place`` says where: "line 3", "entry 2"."""

    place: str
    question: Any
    answer: Any
    subject: Any = None


def read_csv(data: bytes) -> Content:
    """A table whose first row names a column of questions and one of answers.

    A column of subjects becomes headings above them; an empty cell in it means the subject of the row above.
    Other columns are left out. Cells are set apart by ; or , or tabs. Raises UnreadableFileError with the
    line where it is no such table.
    """
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8: "
            'save it as "CSV UTF-8" (in Excel: Save As, and choose that type)'
        ) from error
    return _content(_pairs_of_table(decoded(data)))


def read_json(data: bytes) -> Content:
    """A list of objects with a question and an answer, such a list under one key, or a FAQPage of schema.org.

    Raises UnreadableFileError where it is none of these.
    """
    found = _parsed(decoded(data), "")
    page = _faq_page(found)
    if page is not None:
        return _content(_pairs_of_page(page), _title(page, PAGE_TITLE))
    entries = found if isinstance(found, list) else _only_list(found)
    pairs = (_pair(entry, f"entry {number}") for number, entry in enumerate(entries, 1))
    return _content(pairs, _title(found, TITLE) if isinstance(found, dict) else None)


def read_json_lines(data: bytes) -> Content:
    """Such an object on each line. Raises UnreadableFileError with the line where it is no JSON."""
    lines = enumerate(decoded(data).split("\n"), 1)
    parsed = [(_parsed(line, f"line {number}, "), number) for number, line in lines if line.strip()]
    return _content(_pair(entry, f"line {number}") for entry, number in parsed)


# The file → pairs


def _pairs_of_table(text: str) -> Iterator[Pair]:
    declared = _DECLARED.match(text)
    above, table = (1, text[declared.end() :]) if declared else (0, text)
    head, delimiter = _head(table, declared[1] if declared else "".join(_NAMES), above + 1)
    columns = [_column(head, names) for names in (QUESTION, ANSWER, SUBJECT)]
    for place, row in _rows(table, delimiter, above):
        if any(cell.strip() for cell in row[len(head) :]):
            raise UnreadableFileError(
                f"{place}: {len(row)} cells, expected {len(head)} as in the first row: "
                f"put a text that holds {_NAMES[delimiter]} between quotes"
            )
        yield Pair(place, *("" if at is None or at >= len(row) else row[at] for at in columns))


def _head(table: str, delimiters: str, line: int) -> tuple[list[str], str]:
    """The cells of the first row, and what sets them apart: the sign by which it names both columns."""
    heads = [next(csv.reader(io.StringIO(table), delimiter=sign), []) for sign in delimiters]
    for head, delimiter in zip(heads, delimiters, strict=True):
        if None not in (_column(head, QUESTION), _column(head, ANSWER)):
            return head, delimiter
    named = ", ".join(repr(" ".join(cell.split())[:40]) for cell in max(heads, key=len)[:10])
    raise UnreadableFileError(
        f"line {line}: found the columns {named or 'none'}, expected vraag (or question) and antwoord "
        "(or answer): name them in the first row, set apart by ; or , or tabs"
    )


def _rows(table: str, delimiter: str, above: int) -> Iterator[tuple[str, list[str]]]:
    """The rows below the first one that are not blank, and where each begins."""
    rows = csv.reader(io.StringIO(table), delimiter=delimiter, strict=True)
    line = above + 1
    try:
        for number, row in enumerate(rows):
            if number > 0 and any(cell.strip() for cell in row):
                yield f"line {line}", row
            line = above + rows.line_num + 1
    except csv.Error as error:
        raise UnreadableFileError(
            f'line {line}: {error}: put a text with " in it between quotes, and write each " in it twice'
        ) from error


def _column(head: Sequence[str], names: frozenset[str]) -> int | None:
    return next((at for at, cell in enumerate(head) if cell.strip().casefold() in names), None)


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = place or f"line {error.lineno}, "
        raise UnreadableFileError(f"{at}column {error.colno}: no JSON ({error.msg}): correct it") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists in lists in lists
        raise UnreadableFileError(f"{place}no JSON that can be read ({error}): {EXPECTED}") from error


def _only_list(found: Any) -> list[Any]:
    """The entries of the only list of objects under a key."""
    if not isinstance(found, dict):
        raise UnreadableFileError(f"found a JSON {type(found).__name__}, {EXPECTED}")
    lists = [value for value in found.values() if isinstance(value, list) and any(map(_is_object, value))]
    if len(lists) != 1:
        keys = ", ".join(repr(key[:40]) for key in list(found)[:10])
        raise UnreadableFileError(
            f"found an object with {len(lists)} lists of objects, under the keys {keys or 'none'}; {EXPECTED}"
        )
    return lists[0]


def _pair(entry: Any, place: str) -> Pair:
    if not isinstance(entry, dict):
        return Pair(place, None, None)
    question, answer, subject = (_value(entry, names) for names in (QUESTION, ANSWER, SUBJECT))
    return Pair(place, question, answer, subject)


def _faq_page(found: Any) -> dict[str, Any] | None:
    """The first FAQPage of schema.org among what is found: itself, in a list, or in a graph."""
    graph = found.get("@graph") if _is_object(found) else found
    for one in [found, *(graph if isinstance(graph, list) else ())]:
        kinds = one.get("@type") if _is_object(one) else None
        if "FAQPage" in (kinds if isinstance(kinds, list) else [kinds]):
            return dict(one)
    return None


def _pairs_of_page(page: Mapping[str, Any]) -> Iterator[Pair]:
    for number, entry in enumerate(_listed(page.get("mainEntity")), 1):
        place = f"entry {number} of mainEntity"
        if not _is_object(entry):
            yield Pair(place, None, None)
            continue
        answers = [one for one in _listed(entry.get("acceptedAnswer")) if _is_object(one)]
        yield Pair(place, entry.get("name"), answers[0].get("text") if answers else None)


def _value(entry: Mapping[str, Any], names: frozenset[str]) -> Any:
    return next((value for key, value in entry.items() if key.strip().casefold() in names), None)


def _title(found: Mapping[str, Any], names: frozenset[str]) -> str | None:
    title = _value(found, names)
    return _one_line(title) or None if isinstance(title, str) else None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


# Pairs → the text


def _content(pairs: Iterable[Pair], title: str | None = None) -> Content:
    page = Page()
    page.title = ""  # a heading of level 1 is the subject of some pairs, not of the whole
    subject = ""
    left_out: list[str] = []
    for pair in pairs:
        try:
            question = _heading(_text(pair.question, "question"), "question")
            answer = list(_blocks(_text(pair.answer, "answer")))
            named = _heading(pair.subject, "subject") if isinstance(pair.subject, str) else ""
        except UnreadableFileError as error:
            left_out.append(f"{pair.place}: {error}")
            continue
        if named and named != subject:
            subject = named
            page.add(BlockKind.HEADING, subject, SUBJECT_LEVEL)
        page.add(BlockKind.HEADING, question, QUESTION_LEVEL)
        for kind, words, level in answer:
            page.add(kind, words, level)
    if not page.blocks:
        why = f" ({left_out[0]})" if left_out else ""
        raise UnreadableFileError(f"no question with an answer in it{why}: add them, or remove the file")
    if len(left_out) > MAX_TOLD:
        left_out[MAX_TOLD:] = [f"and {len(left_out) - MAX_TOLD} more pairs that are left out"]
    return Content(page.text, title, tuple(page.blocks), left_out=tuple(left_out))


def _text(value: Any, what: str) -> str:
    """The words of a question or an answer, tags and all. Raises UnreadableFileError where there are none."""
    if not isinstance(value, str | None):
        raise UnreadableFileError(
            f"its {what} is no text but {json.dumps(value)[:40]}: write it between quotes"
        )
    text = _clean(value or "")
    if not _one_line(text):
        raise UnreadableFileError(f"it has no {what}: add it, or remove the pair")
    return text


def _heading(text: str, what: str) -> str:
    """The words on one line. Raises UnreadableFileError where they are too many for a heading."""
    words = _one_line(text)
    if len(words) > MAX_HEADING_CHARACTERS:
        raise UnreadableFileError(
            f"its {what} has {len(words):,} characters, expected at most {MAX_HEADING_CHARACTERS}: shorten it"
        )
    return words


def _clean(text: str) -> str:
    """Line ends as LF, without what JSON can hold and a text cannot."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
    return whole.replace("\r\n", "\n").replace("\r", "\n")


def _one_line(text: str) -> str:
    return " ".join(_plain(text).split())


def _plain(text: str) -> str:
    """Without tags; line ends stay."""
    if _INLINE.search(text) or _MARKUP.search(text):
        return _page_of(text.replace("\n", "<br>")).text
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def _page_of(markup: str) -> Content:
    return read_html(codecs.BOM_UTF8 + f"<main>{markup}</main>".encode())


_Found = tuple[BlockKind, str, int]
"""Kind, words and level of a block."""


def _blocks(answer: str) -> Iterator[_Found]:
    """An answer as paragraphs and items of lists: by its tags where it has those of a page, else by lines."""
    if _MARKUP.search(answer):
        page = _page_of(answer)
        for block in page.blocks:
            is_heading = block.kind in (BlockKind.TITLE, BlockKind.HEADING)
            is_item = block.kind is BlockKind.LIST_ITEM
            level = min(LAST_LEVEL, max(block.level, QUESTION_LEVEL) + 1) if is_heading else block.level
            kind = BlockKind.HEADING if is_heading else block.kind
            indent = INDENT * level if is_item else ""
            yield kind, indent + page.text[block.span.start : block.span.end], level
        return
    for part in re.split(r"\n[ \t]*\n", _plain(answer)):
        yield from ((kind, words, 0) for kind, words in _lines(part))


def _lines(part: str) -> Iterator[tuple[BlockKind, str]]:
    """Lines that belong together as one block; one with the mark of an item before it begins another."""
    kind, lines = BlockKind.PARAGRAPH, list[str]()
    for line in part.split("\n"):
        item = _ITEM.match(line)
        goes_on = kind is BlockKind.PARAGRAPH or line[:1].isspace()  # an item's further lines are indented
        if item or not goes_on:
            yield kind, "\n".join(lines)
            kind, lines = (BlockKind.LIST_ITEM if item else BlockKind.PARAGRAPH), []
        lines.append(f"{item[1] or '-'} {line[item.end() :]}".rstrip() if item else line.strip())
    yield kind, "\n".join(lines)
