"""A law as the XML of the Basiswettenbestand (BWB): its articles, with their numbers and identifiers."""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from retrieval.errors import UnreadableFileError
from retrieval.readers.content import Content, FoundHeading, Page, anchors_of, day_of
from retrieval.records import BlockKind, Provenance

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_NESTING = 100
"""Elements within one another; a law has some twenty."""

_PARTS = frozenset(
    "boek deel hoofdstuk titeldeel afdeling paragraaf sub-paragraaf artikel bijlage circulaire.divisie "
    "divisie model".split()
)
"""Elements with a heading of their own (``kop``)."""

_NO_TEXT = frozenset(
    "meta-data kop citeertitel intitule noot plaatje illustratie officiele-inhoudsopgave".split()
)
_REFERENCE = re.compile(r"jci(\d+\.\d+):[a-z]:\S+\Z")
LAST_LEVEL = 6


def read_law(data: bytes) -> Content:
    """The text of a law, one heading for each part and article; paragraphs (leden) keep their numbers.

    An anchor holds the Juriconnect identifier (jci) that the file names, and the id of the article on
    wetten.overheid.nl. Raises UnreadableFileError where the bytes are not XML, or XML of something else.
    """
    root = _parsed(data)
    law = root if root.tag == "wetgeving" else root.find("wetgeving")
    if law is None:
        raise UnreadableFileError(
            f"XML of another kind (its root is {root.tag!r}), expected a law of the Basiswettenbestand "
            "(toestand): save the text in another format, or move the file out of the corpus folder"
        )
    page = Page()
    title = _words(law.find("citeertitel")) or _words(law.find("intitule"))
    page.add(BlockKind.HEADING, title, 1)
    page.add(BlockKind.PARAGRAPH, _words(law.find("intitule")), 0)
    headings = []
    for kind, words, level, element in _blocks(law, 2, ""):
        count = len(page.blocks)
        page.add(kind, words, level)
        if element is not None and len(page.blocks) > count:
            path = element.get("bwb-ng-variabel-deel", "").strip("/").replace("/", "_")
            headings.append(FoundHeading(page.blocks[-1], path or None, _identifier(element)))
    number = root.get("bwb-id", "")
    return Content(
        page.text,
        title or None,
        tuple(page.blocks),
        known=Provenance(
            url=f"https://wetten.overheid.nl/{number}" if re.fullmatch(r"BWB[RVW]\d{7}", number) else None,
            valid_from=day_of(root.get("inwerkingtreding") or law.get("inwerkingtredingsdatum")),
        ),
        anchors=anchors_of(headings),
    )


def _parsed(data: bytes) -> "Element":
    """The root of the tree; what declares a document type may grow without end, and is refused."""
    from xml.etree.ElementTree import ParseError, iterparse

    if not data:
        raise UnreadableFileError("the file is empty (0 bytes): add text, or remove the file")
    if re.search(rb"<!(?:DOCTYPE|ENTITY)", data):
        raise UnreadableFileError(
            "XML that declares a document type, expected none: save it without <!DOCTYPE …>"
        )
    depth = 0
    try:
        # without a document type there are no entities that grow
        for event, found in iterparse(io.BytesIO(data), ("start", "end")):  # noqa: S314
            element = found
            depth += 1 if event == "start" else -1
            if depth > MAX_NESTING:
                raise UnreadableFileError(
                    f"its elements are nested deeper than {MAX_NESTING}, expected a law of the "
                    "Basiswettenbestand: remove it"
                )
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadableFileError(f"not XML ({error}): save it anew") from error
    root: Element = element  # the last to end
    return root


_Found = tuple[BlockKind, str, int, "Element | None"]
"""Kind, words and level of a block; the element that a heading belongs to."""


def _blocks(parent: "Element", level: int, number: str) -> Iterator[_Found]:
    """What stands in an element, in order; ``number`` is written before the first paragraph."""
    for element in parent:
        if element.tag in _PARTS:
            if heading := _heading(element):
                yield BlockKind.HEADING, heading, min(level, LAST_LEVEL), element
            yield from _blocks(element, level + 1, "")
        elif element.tag == "al":
            if words := _words(element):
                yield BlockKind.PARAGRAPH, f"{number}{words}", 0, None
                number = ""
            yield from _lists_in(element)
        elif element.tag == "lid":
            counted = _words(element.find("lidnr")).rstrip(".")
            yield from _blocks(element, level, f"{counted}. " if counted else "")
        elif element.tag == "lijst":
            yield from _items(element)
        elif element.tag == "table":
            yield from _rows(element)
        elif element.tag not in _NO_TEXT and element.tag != "lidnr":
            yield from _blocks(element, level, "")


def _lists_in(paragraph: "Element") -> Iterator[_Found]:
    for inner in paragraph.iterfind("lijst"):
        yield from _items(inner)


def _items(items: "Element") -> Iterator[_Found]:
    for item in items.iterfind("li"):
        marker = _words(item.find("li.nr"))
        for element in item:
            if element.tag == "al":
                if words := _words(element):
                    yield BlockKind.LIST_ITEM, f"{marker} {words}".strip(), 0, None
                    marker = ""
                yield from _lists_in(element)
            elif element.tag == "lijst":
                yield from _items(element)
            elif element.tag == "table":
                yield from _rows(element)


def _rows(table: "Element") -> Iterator[_Found]:
    for tag, kind in (("thead", BlockKind.TABLE_HEADER), ("tbody", BlockKind.TABLE_ROW)):
        for part in table.iter(tag):
            for row in part.iterfind("row"):
                cells = [_words(entry) for entry in row.iterfind("entry")]
                if any(cells):
                    yield kind, " | ".join(cells), 0, None


def _heading(element: "Element") -> str:
    """Label, number and title, as "Artikel 1:3 Besluit"."""
    head = element.find("kop")
    parts = (head.find(tag) for tag in ("label", "nr", "titel")) if head is not None else ()
    return " ".join(filter(None, map(_words, parts)))


def _identifier(element: "Element") -> str | None:
    """The Juriconnect reference to the element itself, of the newest version that is named."""
    references = (one.get("verwijzing", "") for one in element.iterfind("meta-data/jcis/jci"))
    versions = {float(found[1]): one for one in references if (found := _REFERENCE.match(one))}
    return versions[max(versions)] if versions else None


def _words(element: "Element | None") -> str:
    """The text of an element on one line, without notes, what is said of it, and lists, which are blocks."""
    return " ".join("".join(_pieces(element)).split()) if element is not None else ""


def _pieces(element: "Element") -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag not in ("noot", "meta-data", "lijst"):
            yield from _pieces(child)
        yield child.tail or ""
