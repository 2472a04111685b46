from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.records import Block, BlockKind, Document, Span
from retrieval.web.moved_quotes import place_now


def document(*lines: str) -> Document:
    """A document of paragraphs; a line that begins with # is a heading."""
    text = "\n\n".join(lines)
    blocks, at = [], 0
    for line in lines:
        kind = BlockKind.HEADING if line.startswith("#") else BlockKind.PARAGRAPH
        blocks.append(Block(kind, Span(at, at + len(line)), 1 if line.startswith("#") else 0))
        at += len(line) + 2
    return Document("a.md", text, sha256(text.encode()).hexdigest(), "Titel", tuple(blocks))


def now_at(quote: str, before: Document, now: Document) -> Span | None:
    start = before.text.index(quote)
    return place_now(before, Span(start, start + len(quote)), now)


def test_a_quote_is_found_where_it_stands_now() -> None:
    before = document("Het loket is open.", "Kom langs.")
    now = document("Nieuw.", "Het loket is open. Altijd.")
    assert now_at("Het loket is open.", before, now) == Span(8, 26)


def test_blanks_and_line_ends_may_differ() -> None:
    before = document("Het loket\nis open.")
    now = document("Zeker: het nieuwe. Het\u00a0 loket is\n  open.")
    found = now_at("Het loket\nis open.", before, now)
    assert found == Span(19, 40)
    assert now.text[19:40] == "Het\u00a0 loket is\n  open."


@pytest.mark.parametrize(
    "now", ["Het is dicht.", "het kost 10 euro", "HetXkost 10 euro", "Het kost 10 eurocent"]
)
def test_a_quote_that_is_gone_has_no_place(now: str) -> None:
    assert now_at("Het kost 10 euro", document("Het kost 10 euro"), document(now)) is None


@pytest.mark.parametrize("now", ["Het kost € 10,50.", "Het kost € 105.", "Het kost € 10.000."])
def test_a_number_that_goes_on_is_another_number(now: str) -> None:
    assert now_at("Het kost € 10", document("Het kost € 10."), document(now)) is None


def test_a_quote_that_moved_below_another_heading_is_sure_only_where_its_own_is_gone() -> None:
    before = document("# Tarieven", "Het kost 70 euro.")
    withdrawn = document("# Tarieven", "Het kost 80 euro.", "# Vervallen", "Het kost 70 euro.")
    assert now_at("Het kost 70 euro.", before, withdrawn) is None
    renamed = document("# Prijzen", "Het kost 70 euro.")
    assert now_at("Het kost 70 euro.", before, renamed) == Span(11, 28)


def test_words_that_stand_everywhere_are_found_nowhere() -> None:
    everywhere = document("# Kop", "de " * 3_000)
    assert place_now(everywhere, Span(7, 9), everywhere) is None


def test_a_quote_that_stands_there_twice_is_sure_below_its_heading_alone() -> None:
    before = document("# Paspoort", "Kom langs.", "# Rijbewijs", "Bel.")
    moved = document("# Rijbewijs", "Kom langs.", "# Paspoort", "Echt. Kom langs.")
    assert now_at("Kom langs.", before, moved) == Span(moved.text.rindex("Kom"), len(moved.text))
    assert now_at("Kom langs.", before, document("# Paspoort", "Kom langs. Kom langs.")) is None
    assert now_at("Kom langs.", before, document("Kom langs.", "# Balie", "Kom langs.")) is None


def test_blanks_alone_have_no_place() -> None:
    assert place_now(document("a", "b"), Span(1, 3), document("a", "b")) is None


@given(st.text("ab .\n", max_size=30), st.text("cde", min_size=1, max_size=9), st.text("ab .\n", max_size=30))
def test_words_found_are_the_words_that_were_quoted(head: str, quote: str, tail: str) -> None:
    now = document(f"{head} {quote} {tail}")
    place = now_at(quote, document(f"Eerst. {quote}"), now)
    assert place == Span(len(head) + 1, len(head) + 1 + len(quote))
