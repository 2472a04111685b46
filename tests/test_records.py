"""Where an offset or a citation stands."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from retrieval.records import Citation, Span, page_at

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
