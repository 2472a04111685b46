"""Which passages say the same: cases by hand, and a property over random texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.duplicates import FILLERS, first_of_each_kind

FOOTER = (
    "De gemeente doet haar best om deze pagina goed te houden, maar u kunt er geen rechten aan ontlenen. "
    "Ziet u een fout? Laat het ons binnen vijf werkdagen weten met het formulier van de gemeente Ede."
)


def say_the_same(one: str, other: str) -> bool:
    return first_of_each_kind([one, other]) == [0, 0]


def test_each_text_joins_the_first_that_says_the_same() -> None:
    texts = ["Bel 14 010.", "Iets anders.", "bel  14\n010", "BEL 14 010!", "Bel 14 020."]
    assert first_of_each_kind(texts) == [0, 1, 0, 0, 4]


@pytest.mark.parametrize(
    "other",
    [
        FOOTER.upper(),
        FOOTER.replace(" ", "\n"),
        FOOTER.replace(".", ";"),
        FOOTER.replace("met het formulier", "met een formulier"),
        FOOTER.replace("om deze pagina", "om de pagina ook"),
        f"- {FOOTER}",
    ],
)
def test_marks_blanks_capitals_and_fillers_make_no_difference(other: str) -> None:
    assert say_the_same(FOOTER, other)


@pytest.mark.parametrize(
    ("word", "other"),
    [("vijf", "tien"), ("vijf", "5"), ("Ede", "Zeist"), ("geen rechten", "rechten"), ("kunt", "moet")],
)
def test_any_other_word_does_however_long_the_text_is(word: str, other: str) -> None:
    assert not say_the_same(FOOTER, FOOTER.replace(word, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Het is -5 graden.", "Het is 5 graden."),
        ("U betaalt 10 €.", "U betaalt 10 %."),
        ("Leer C++.", "Leer C#."),
        ("Leer C++.", "Leer C."),
        ("Het kost € 10,50.", "Het kost € 1050."),
        ("…", "—"),
        ("…", ""),
    ],
)
def test_a_mark_that_belongs_to_a_word_or_number_counts(one: str, other: str) -> None:
    assert not say_the_same(one, other)
    assert say_the_same(one, one)


@given(st.lists(st.lists(st.sampled_from(["kat", "hond", "de", "een", "Ede"]), max_size=4), max_size=8))
def test_texts_are_parted_by_their_words_that_are_no_fillers(words: list[list[str]]) -> None:
    texts = [" ".join(own) for own in words]
    telling = [[word.lower() for word in own if word not in FILLERS] or own for own in words]
    assert first_of_each_kind(texts) == [telling.index(own) for own in telling]
