"""Which passages say the same: cases by hand, and brute force over small random texts."""

from hypothesis import given
from hypothesis import strategies as st

from retrieval.duplicates import LEAST_WORDS, LIKENESS, RUN, first_of_each_kind

FOOTER = (
    "De gemeente doet haar best om deze pagina goed en volledig te houden, maar aan de tekst kunt u geen "
    "rechten ontlenen. Ziet u een fout op deze pagina? Laat het ons dan weten met het formulier dat u "
    "onderaan elke pagina van onze website vindt, of bel met het algemene nummer van de gemeente op een "
    "werkdag tussen negen en vijf uur."
)


def test_capitals_marks_and_blanks_make_no_difference() -> None:
    texts = ["Bel 14 010.", "Iets anders.", "bel  14\n010", "BEL 14 010!", "Bel 14 020."]
    assert first_of_each_kind(texts) == [0, 1, 0, 0, 4]


def test_a_long_text_with_another_word_is_nearly_the_same() -> None:
    other = FOOTER.replace("formulier", "contactformulier")
    assert first_of_each_kind(["Iets anders.", FOOTER, other, FOOTER]) == [0, 1, 1, 1]


def test_another_number_or_a_denial_is_not_the_same() -> None:
    texts = [
        FOOTER,
        FOOTER.replace("negen", "9"),
        FOOTER.replace("geen rechten", "rechten"),
        FOOTER + " Niet.",
    ]
    assert first_of_each_kind(texts) == [0, 1, 2, 3]


def test_a_short_text_with_another_word_is_not_the_same() -> None:
    assert first_of_each_kind(["Loket Noord is maandag open.", "Loket Zuid is maandag open."]) == [0, 1]


def test_texts_without_words_are_the_same_where_they_are_equal() -> None:
    assert first_of_each_kind(["…", "—", "…", ""]) == [0, 1, 0, 3]
    assert first_of_each_kind([]) == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 45), st.sampled_from("abc")), max_size=12))
def test_it_is_brute_force(changes: list[tuple[int, int, str]]) -> None:
    words = [f"{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(48)]
    texts = []
    for kind, place, letter in changes:
        own = [word + "q" * kind for word in words]
        own[place] = letter * 3
        texts.append(" ".join(own))

    def runs(text: str) -> set[tuple[str, ...]]:
        own = text.split()
        return {tuple(own[at : at + RUN]) for at in range(len(own) - RUN + 1)}

    def say_the_same(one: str, other: str) -> bool:
        both = runs(one), runs(other)
        return one == other or len(both[0] & both[1]) >= LIKENESS * len(both[0] | both[1])

    expected: list[int] = []
    for place, text in enumerate(texts):
        firsts = [at for at in range(place) if expected[at] == at and say_the_same(texts[at], text)]
        expected.append(firsts[0] if firsts else place)
    assert all(len(text.split()) >= LEAST_WORDS for text in texts)
    assert first_of_each_kind(texts) == expected
