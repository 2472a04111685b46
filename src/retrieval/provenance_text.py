"""What is known of a source, in the Dutch words that chat, pages and command line show."""

from collections.abc import Iterator
from datetime import date

from retrieval.records import Citation, Provenance

MONTHS = (
    "januari", "februari", "maart", "april", "mei", "juni",
    "juli", "augustus", "september", "oktober", "november", "december",
)  # fmt: skip


def dutch_date(text: str) -> str:
    """A date as it is written in Dutch; what is not of the form 2024-03-09 stays as it is."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def origin(provenance: Provenance) -> tuple[str, ...]:
    """From when, from whom and which version: "Bijgewerkt 3 mei 2025", "Gemeente Ede", "versie 2.1"."""
    return tuple(_origin(provenance))


def _origin(provenance: Provenance) -> Iterator[str]:
    published, changed = provenance.date, provenance.modified
    if changed and changed >= (published or changed):
        yield f"Bijgewerkt {dutch_date(changed)}"
    elif published:
        yield dutch_date(published)
    if provenance.publisher:
        yield provenance.publisher
    if provenance.version:
        yield f"versie {provenance.version}"


def validity(provenance: Provenance) -> str:
    """When a source holds that does not hold today; empty where no days are known."""
    first, last = provenance.valid_from, provenance.valid_until
    if first and last:
        return f"Geldt alleen van {dutch_date(first)} tot en met {dutch_date(last)}"
    if last:
        return f"Gold tot en met {dutch_date(last)}"
    return f"Geldt pas vanaf {dutch_date(first)}" if first else ""


def outdated(citation: Citation) -> str:
    """The same of what is cited; empty where it holds."""
    return validity(citation.provenance) if citation.is_outdated else ""


def elsewhere(count: int) -> str:
    """At how many other places the same stands."""
    return "Staat ook op één andere plek" if count == 1 else f"Staat ook op {count} andere plekken"
