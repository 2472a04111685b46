import pytest

from retrieval.provenance_text import dutch_date, elsewhere, origin, outdated, validity
from retrieval.records import Citation, Provenance, Span


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (Provenance(), ()),
        (Provenance(date="2024-03-09", publisher="Ede"), ("9 maart 2024", "Ede")),
        (
            Provenance(date="2024-03-09", modified="2025-05-03", version="2.1"),
            ("Bijgewerkt 3 mei 2025", "versie 2.1"),
        ),
        (Provenance(date="2025-05-03", modified="2025-05-03"), ("Bijgewerkt 3 mei 2025",)),
        (Provenance(date="2025-05-03", modified="2024-05-03"), ("3 mei 2025",)),
        (Provenance(modified="2025-05-03"), ("Bijgewerkt 3 mei 2025",)),
        (Provenance(title="T", licence="CC0-1.0", language="nl"), ()),
    ],
)
def test_when_of_whom_and_which_version(known: Provenance, told: tuple[str, ...]) -> None:
    assert origin(known) == told


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (None, "2025-05-31", "Gold tot en met 31 mei 2025"),
        ("2025-06-01", None, "Geldt pas vanaf 1 juni 2025"),
        ("2025-06-01", "2025-12-31", "Geldt alleen van 1 juni 2025 tot en met 31 december 2025"),
        (None, None, ""),
    ],
)
def test_when_a_source_holds_that_is_outdated(first: str | None, last: str | None, told: str) -> None:
    known = Provenance(valid_from=first, valid_until=last)
    assert validity(known) == told
    cited = Citation(1, "a", "A", (), None, Span(0, 1), "a", "ab", (), 1.0, known, is_outdated=True)
    assert outdated(cited) == told
    assert outdated(Citation(1, "a", "A", (), None, Span(0, 1), "a", "ab", (), 1.0, known)) == ""


def test_a_date_is_written_in_dutch() -> None:
    assert dutch_date("2024-02-29") == "29 februari 2024"
    assert dutch_date("vorig jaar") == "vorig jaar"


def test_at_how_many_other_places() -> None:
    assert elsewhere(1) == "Staat ook op één andere plek"
    assert elsewhere(40) == "Staat ook op 40 andere plekken"
