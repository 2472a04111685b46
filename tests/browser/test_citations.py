"""What is cited stands in its file, as another program shows that, and is marked on the source's page.

The files are those of tests/data/formats and tests/data/html, the server is the real one.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser
from selectolax.lexbor import LexborHTMLParser

from retrieval.embedding import known_fingerprint
from retrieval.index import Index
from retrieval.records import Passage
from retrieval.settings import DEFAULT_EMBEDDER

DATA = Path(__file__).parents[1] / "data"
KNOWN = (".html", ".htm", ".pdf", ".docx", ".md", ".txt")
SEED, MOST = 6, 100


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of mixed files, and room for an index."""
    folder = tmp_path_factory.mktemp("citations")
    (folder / "corpus").mkdir()
    for path in sorted([*(DATA / "formats").iterdir(), *(DATA / "html").iterdir()]):
        if path.suffix in KNOWN and path.name != "README.md":
            shutil.copy(path, folder / "corpus" / path.name)
    return folder


@pytest.fixture(scope="module")
def served_index(folder: Path) -> Iterator[tuple[str, Index]]:
    """Where ``vraagbaak serve`` serves them, and the index that it made."""
    from web_serving import served

    environment = {"VRAAGBAAK_CORPUS": str(folder / "corpus"), "VRAAGBAAK_INDEX": str(folder / "index")}
    environment |= {"VRAAGBAAK_PORT": "0", "VRAAGBAAK_RATE_LIMIT": "off"}
    with served(sys.executable, "-m", "retrieval.cli", "serve", environment=environment) as address:
        fingerprint = known_fingerprint(DEFAULT_EMBEDDER, None, None)
        with Index.open(folder / "index", fingerprint or "") as index:
            yield address, index


def passages_of(index: Index) -> list[Passage]:
    return [passage for entry in index.documents() for _, passage in index.passages_of(entry.id)]


def chosen(things: Sequence[Any], most: int) -> list[Any]:
    return Random(SEED).sample(things, min(most, len(things)))  # noqa: S311 - no secret


def test_the_words_of_passages_stand_in_their_files(
    browser: Browser, folder: Path, served_index: tuple[str, Index]
) -> None:
    from originals import stands_in, words_of

    passages = passages_of(served_index[1])
    page = browser.new_page()
    files = {passage.document_id for passage in passages}
    originals = {name: words_of(folder / "corpus" / name, page) for name in files}
    page.close()
    tried = chosen(passages, MOST)
    assert len(tried) >= 50
    assert {Path(passage.document_id).suffix for passage in tried} >= {
        ".html",
        ".htm",
        ".pdf",
        ".docx",
        ".md",
    }
    assert [
        (passage.document_id, passage.text)
        for passage in tried
        if not stands_in(passage.text, originals[passage.document_id])
    ] == []


def test_quotes_are_marked_to_the_letter_on_the_page_that_is_told(
    folder: Path, served_index: tuple[str, Index]
) -> None:
    from originals import pages_of_pdf, words

    address, index = served_index
    sentences = [
        passage.sentence_text(number)
        for passage in passages_of(index)
        for number in range(len(passage.sentences))
        if len(passage.sentence_text(number).split()) >= 4 and len(passage.sentence_text(number)) <= 500
    ]
    quotes = in_pdf = 0
    with httpx.Client(base_url=address) as client:
        for question in (*index.suggestions.made.values(), *chosen(sentences, 60)):
            answer = client.post("/api/v1/answers", json={"question": question}).json()
            for quote in answer["quotes"]:
                citation = answer["citations"][quote["citation"] - 1]
                document = index.document(citation["document_id"])
                assert document is not None
                assert document.text[quote["start"] : quote["end"]] == quote["text"]
                quotes += 1
                if citation["page"] is not None:
                    pages = pages_of_pdf(folder / "corpus" / document.id)
                    start = " ".join(words(quote["text"])[:3])
                    assert start in " ".join(pages[citation["page"] - 1])
                    in_pdf += 1
            for citation in answer["citations"]:
                own = [one for one in answer["quotes"] if one["citation"] == citation["number"]]
                if own:
                    page = LexborHTMLParser(client.get(citation["source_url"]).raise_for_status().text)
                    marked = "".join(mark.text() for mark in page.css("mark"))
                    assert without_blanks(marked) == without_blanks(own[0]["text"])
    assert quotes >= 40
    assert in_pdf >= 10


def without_blanks(text: str) -> str:
    """The end of a line between two blocks is in neither."""
    return "".join(text.split())


@pytest.mark.parametrize(
    ("passage", "original", "stands"),
    [
        ("- uw oude paspoort", "Neem mee:\n• uw oude paspoort\n• geld", True),
        ("de gemeente betaalt", "De gemeente. de gemeen-\nte betaalt niet", True),
        ("de stads-secretaris", "de stads-\nsecretaris", True),
        ("de gemeente betaalt", "de gemeente\u00ad zelf betaalt", False),
        ("betaalt de gemeente", "de gemeente betaalt", False),
        ("Naam | Prijs gewoon\nPas | 3 euro", "Naam Prijs\ngewoon\nPas\t3 euro", True),
        ("Naam | Prijs gewoon\nPas | 4 euro", "Naam Prijs\ngewoon\nPas\t3 euro", False),
    ],
)
def test_the_rules_tell_what_stands_there(passage: str, original: str, stands: bool) -> None:
    from originals import stands_in, words

    assert stands_in(passage, words(original)) is stands
