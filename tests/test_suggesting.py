from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import BrokenIndexError
from retrieval.suggesting import Suggestions, chosen, near, starting_questions, subject_of


def test_starting_questions_take_turns_the_editors_before_the_made_ones() -> None:
    own = [("Wat doet A?", "Wat kost A?"), (), ("Wat doet B?",)]
    assert starting_questions(own, [("Waar is C?",)]) == ("Wat doet A?", "Wat doet B?", "Wat kost A?")
    assert starting_questions(
        [(), ("Wat doet A?",)], [("Wat doet A?",), ("Waar ligt C?", "Waar ligt D?")]
    ) == (
        "Wat doet A?",
        "Waar ligt C?",
        "Waar ligt D?",
    )


def test_other_hits_come_before_neighbours_the_next_before_the_one_before() -> None:
    # 12 is quoted, 3 is of another document, which is left alone
    assert list(near([12, 3, 14], [12], range(10, 16))) == [3, 14, 13, 11, 10, 15]
    assert list(near([5, 4], [5, 4], range(4, 6))) == []


def test_what_was_asked_in_other_words_is_not_chosen() -> None:
    questions = (
        "Wat doet de NCTV?",
        "Wat is de IND?",
        "Wat doet de IND?",
        "Hoe laat?",
        "Waar ligt A?",
        "Wie is B?",
    )
    assert chosen(questions, ["de NCTV?"]) == ("Wat is de IND?", "Hoe laat?", "Waar ligt A?")


@given(st.lists(st.text("abc d?", max_size=8)), st.lists(st.text("abc d?", max_size=8)))
def test_at_most_three_are_chosen_each_about_something_else(questions: list[str], asked: list[str]) -> None:
    subjects = [subject_of(question) for question in chosen(questions, asked)]
    assert len(subjects) == len(set(subjects)) <= 3
    assert not set(subjects) & {subject_of(question) for question in asked}


@given(
    st.dictionaries(st.integers(0, 9), st.text(max_size=9)),
    st.dictionaries(st.text(max_size=9), st.integers(0, 9)),
    st.lists(st.text(max_size=9)),
)
def test_they_survive_the_file(
    tmp_path_factory: pytest.TempPathFactory, made: dict[int, str], own: dict[str, int], unanswered: list[str]
) -> None:
    path = tmp_path_factory.mktemp("suggestions") / "suggestions.json"
    suggestions = Suggestions(made, own, tuple(unanswered), ("Hoe dan?",), "van 1")
    suggestions.write(path)
    assert Suggestions.read(path) == suggestions


def test_the_editors_questions_of_a_passage_come_first() -> None:
    suggestions = Suggestions({0: "Wat doet A?"}, {"Wat kost A?": 0}, ("Wat kost B?",))
    assert suggestions.by_passage() == {0: ("Wat kost A?", "Wat doet A?")}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "suggestions.json"
    path.write_text('{"made": []}', encoding="utf-8")
    with pytest.raises(BrokenIndexError, match="not whole suggestions"):
        Suggestions.read(path)


def test_of_questions_that_ask_nearly_the_same_the_first_is_suggested() -> None:
    questions = (
        "Wanneer is de milieustraat open?",
        "Wanneer is de milieustraat aan de Veenweg open?",
        "Wat is de milieustraat?",
        "Wat kost het ophalen?",
    )
    assert chosen(questions, ["Wat kost het om grof afval te laten ophalen?"]) == (questions[0], questions[2])
