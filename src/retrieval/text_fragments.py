"""Links into a page: browsers scroll to the words that a text fragment names, and open a PDF at its page.

The form is that of https://wicg.github.io/scroll-to-text-fragment/; where the page does not hold the words
(any more), or the browser knows no text fragments, the page opens at its top.
"""

import re
from urllib.parse import quote as percent_encoded

MOST_WORDS = 12
"""Words that are named one by one; of a longer text its start and its end are."""

END_WORDS = 5
"""Words of that start and of that end: enough to be found once on a page, and to keep the link short."""

DIRECTIVE = ":~:"
"""What stands between a fragment and what is for the browser alone."""

_PDF_URL = re.compile(r"https?://[^/\s]+/[^?#]*\.pdf(?:[?#]|\Z)", re.IGNORECASE)

_BARS = re.compile(r"(?:^|(?<=\s))\|(?=\s|$)")
"""Of a row of a table: they are set between its cells, and around them."""

_MARKER = re.compile(r"\A(?:[-*+•]|\d{1,3}[.)])\s+")
"""Of an item of a list; on a page it is no text."""


def link_to_original(url: str | None, page: int | None, text: str, element_id: str | None) -> str | None:
    """The address of ``text`` in the original: of a PDF that of its page, else that of the words."""
    return link_to_page(url, page) or link_to_text(url, text, element_id)


def link_to_text(url: str | None, text: str, element_id: str | None = None) -> str | None:
    """The address of ``text`` on the page at ``url``, or None where ``url`` is no http address.

    A browser that knows no text fragments, or does not find the text, opens the page at ``element_id``.
    """
    if url is None or re.match(r"https?://[^/\s]", url, re.IGNORECASE) is None:
        return None
    page = url.partition(DIRECTIVE)[0]
    if element_id and "#" not in page:
        page += f"#{percent_encoded(element_id)}"
    fragment = text_directive(text)
    if not fragment:
        return page
    return f"{page}{'' if '#' in page else '#'}{DIRECTIVE}{fragment}"


def link_to_page(url: str | None, page: int | None) -> str | None:
    """The address of a page of the PDF at ``url``; None where ``url`` names no PDF, or no page is known.

    Browsers and Acrobat open ``#page=`` (RFC 8118, section 3).
    """
    if page is None or url is None or _PDF_URL.match(url) is None:
        return None
    return f"{url.partition('#')[0]}#page={page}"


def text_directive(text: str) -> str:
    """``text=…`` for a text; empty where it has no words.

    What stands on one line is found as a whole; more lines may be more elements of a page, and so may the
    cells of a row, of which only the start and the end can be named.
    """
    lines = _elements(text)
    if not lines:
        return ""
    if len(lines) == 1 and len(lines[0]) <= MOST_WORDS:
        return f"text={_encoded(lines[0])}"
    return f"text={_encoded(lines[0][:END_WORDS])},{_encoded(lines[-1][-END_WORDS:])}"


def first_words(text: str) -> str:
    """The start of a text: what is linked to where nothing of it is quoted."""
    return " ".join(next(iter(_elements(text)), [])[:MOST_WORDS])


def _elements(text: str) -> list[list[str]]:
    """The words of each line and cell, without the marks between them, which stand on no page."""
    lines = (part for line in text.splitlines() for part in _BARS.split(line))
    return [words for line in lines if (words := _MARKER.sub("", line.strip()).split())]


def _encoded(words: list[str]) -> str:
    # a dash sets a prefix or suffix apart, and is the one sign of these that is left as it is
    return percent_encoded(" ".join(words), safe="").replace("-", "%2D")
