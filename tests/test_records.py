"""Where an offset or a citation stands, and which documents may answer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.records import Anchor, Citation, Provenance, SourceFilter, Span, anchor_at, page_at

CITATION = Citation(
    1,
    "a.pdf",
    "Verslag",
    ("Glas",),
    "https://x.nl/a.pdf",
    Span(5, 9),
    "Glas",
    "ab" * 32,
    (),
    1.0,
    page=2,
)


def test_the_page_of_an_offset() -> None:
    starts = (0, 40, 40, 75)  # the second page has no text
    assert [page_at(starts, offset) for offset in (0, 39, 40, 74, 75, 900)] == [1, 1, 3, 3, 4, 4]
    assert page_at((), 40) is None


@given(st.lists(st.integers(1, 50), max_size=8).map(lambda more: [0, *more]).map(sorted), st.integers(0, 60))
def test_a_page_starts_before_what_stands_on_it(starts: list[int], offset: int) -> None:
    page = page_at(starts, offset)
    assert page is not None
    assert starts[page - 1] <= offset
    assert all(start > offset for start in starts[page:])


def test_a_citation_of_a_pdf_names_its_page_and_opens_there() -> None:
    assert CITATION.place == "Verslag › Glas, p. 2"
    assert CITATION.original_url == "https://x.nl/a.pdf#page=2"
    elsewhere = replace(CITATION, url="https://x.nl/verslag")
    assert elsewhere.original_url == "https://x.nl/verslag#:~:text=Glas"
    assert replace(CITATION, page=None).place == "Verslag › Glas"


def test_the_anchor_above_an_offset() -> None:
    first, second = Anchor(5, "een"), Anchor(20, "twee", "jci1.3:c:BWBR0005537&artikel=1:3")
    found = [anchor_at((first, second), offset) for offset in (4, 5, 19, 20, 900)]
    assert found == [None, first, first, second, second]
    assert anchor_at((), 4) is None


def test_a_citation_opens_the_page_at_its_quote_and_else_at_its_heading() -> None:
    page = replace(CITATION, url="https://x.nl/verslag", page=None, anchor=Anchor(0, "glas"))
    assert page.original_url == "https://x.nl/verslag#glas:~:text=Glas"


@pytest.mark.parametrize(
    ("named", "lets_in"),
    [
        (SourceFilter(), True),
        (SourceFilter(sources=("loket/balie.md",)), True),
        (SourceFilter(sources=("loket/",)), True),
        (SourceFilter(sources=("loket",)), False),
        (SourceFilter(sources=("raad/", "loket/")), True),
        (SourceFilter(publishers=("gemeente ede",)), True),
        (SourceFilter(publishers=("Gemeente",)), False),
        (SourceFilter(languages=("nl",)), True),
        (SourceFilter(languages=("NL-be",)), True),
        (SourceFilter(languages=("n",)), False),
        (SourceFilter(languages=("en", "fr")), False),
        (SourceFilter(licences=("cc0-1.0",)), True),
        (SourceFilter(licences=("CC-BY-4.0",)), False),
        (SourceFilter(since="2025-05-03"), True),
        (SourceFilter(since="2025-05-04"), False),
        (SourceFilter(valid_on="2025-06-01"), True),
        (SourceFilter(valid_on="2025-05-31"), False),
        (SourceFilter(valid_on="2026-01-01"), False),
        (SourceFilter(sources=("loket/",), languages=("en",)), False),
    ],
)
def test_which_documents_may_answer(named: SourceFilter, lets_in: bool) -> None:
    provenance = Provenance(
        publisher="Gemeente Ede",
        language="nl-BE",
        date="2024-01-01",
        modified="2025-05-03",
        valid_from="2025-06-01",
        valid_until="2025-12-31",
        licence="CC0-1.0",
    )
    assert named.lets_in("loket/balie.md", provenance) is lets_in


def test_what_is_not_known_of_a_document_does_not_let_it_in() -> None:
    unknown = Provenance()
    assert not SourceFilter(publishers=("Gemeente Ede",)).lets_in("a.md", unknown)
    assert not SourceFilter(licences=("CC0-1.0",)).lets_in("a.md", unknown)
    assert not SourceFilter(since="2025-01-01").lets_in("a.md", unknown)
    assert SourceFilter(languages=("nl",), valid_on="2025-01-01").lets_in("a.md", unknown)
