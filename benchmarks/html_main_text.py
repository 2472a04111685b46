"""How much of a page's own text is read, and how much around it: ours beside trafilatura and jusText.

    apt-get install libreoffice-help-nl
    python -m pip install trafilatura==2.3.1 lxml_html_clean==0.4.6 jusText==3.0.2
    python benchmarks/html_main_text.py /usr/share/libreoffice/help/nl/text

The packages are for an environment of their own. What is right is told by the pages' own mark-up: all
words in ``#DisplayArea`` but scripts and what is hidden. Words are counted, not their order.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import justext
import trafilatura
from selectolax.lexbor import LexborHTMLParser

from retrieval.readers.html_page import read_html


def own_words(html: bytes) -> Counter[str]:
    """The words of a help page, by its mark-up."""
    tree = LexborHTMLParser(html.decode())
    tree.strip_tags(["script", "style", "noscript", "template"])
    for hidden in tree.css("[hidden]"):
        hidden.decompose()
    area = tree.css_first("#DisplayArea")
    return Counter() if area is None else words(area.text(separator=" "))


def words(text: str) -> Counter[str]:
    """Words and how often; marks are left out."""
    return Counter(re.findall(r"\w+", text.lower()))


def ours(html: bytes) -> str:
    """As the index has it."""
    return read_html(html).text


def by_trafilatura(html: bytes) -> str:
    """With all that it can be told to keep."""
    return trafilatura.extract(html, favor_recall=True, include_comments=False, include_tables=True) or ""


def by_justext(html: bytes) -> str:
    """With its Dutch stop words."""
    parts = justext.justext(html, justext.get_stoplist("Dutch"))
    return "\n".join(part.text for part in parts if not part.is_boilerplate)


def measure(name: str, read: Callable[[bytes], str], pages: list[bytes]) -> None:
    """Print a row of the table."""
    found = wanted = read_words = empty = half = 0
    seconds = 0.0
    for page in pages:
        right = own_words(page)
        started = time.perf_counter()
        text = words(read(page))
        seconds += time.perf_counter() - started
        shared = (right & text).total()
        found, wanted, read_words = found + shared, wanted + right.total(), read_words + text.total()
        empty += not text
        half += shared < right.total() / 2
    print(
        f"| {name} | {found / wanted:.3f} | {found / read_words:.3f} | {empty} | {half} "
        f"| {1000 * seconds / len(pages):.1f} |"
    )


def main() -> None:
    """Measure every page below the folder that is named."""
    paths = sorted(Path(sys.argv[1]).rglob("*.html"))
    pages = [page for page in (path.read_bytes() for path in paths) if own_words(page)]
    print(f"{len(pages)} of {len(paths)} pages\n")
    print("| reader | own words found | of words read, own | pages empty | less than half | ms a page |")
    print("|---|---|---|---|---|---|")
    measure("ours", ours, pages)
    measure("trafilatura", by_trafilatura, pages)
    measure("jusText", by_justext, pages)


if __name__ == "__main__":
    main()
