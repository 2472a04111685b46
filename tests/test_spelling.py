import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import BrokenIndexError
from retrieval.spelling import Spelling, dutch_words, write_spelling

TEXTS = (
    "De AIVD en de Koninklijke Marechaussee.",
    "Burgemeesters lezen een ambtsbericht van de AIVD.",
    "De burgemeesters, de IND en het Openbaar Ministerie (OM).",
    "Coördinatie van de terrorismebestrijding.",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index") / "spelling"
    write_spelling(folder, TEXTS)
    return folder


@pytest.fixture(scope="module")
def spelling(folder: Path) -> Spelling:
    return Spelling.open(folder)


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("wat is een amtsbericht?", "wat is een ambtsbericht?"),  # a letter lost
        ("wie krijgt het van de avid", "wie krijgt het van de AIVD"),  # two letters changed places
        ("wat doet de marechausee", "wat doet de Marechaussee"),
        ("Burgermeesters?", "burgemeesters?"),  # the form that is written most often, of equals the first
        ("mag de coordinator dat", "mag de coordinator dat"),  # a Dutch word that the corpus lacks
        ("terorismebestrijdin", "terrorismebestrijding"),  # two errors in a long word
        ("minsterie en openbar", "Ministerie en Openbaar"),
    ],
)
def test_misspelt_words_become_words_of_the_corpus(spelling: Spelling, typed: str, searched: str) -> None:
    assert spelling.corrected(typed).lower() == searched.lower()


@pytest.mark.parametrize(
    "text",
    [
        "Hoe bak ik een appeltaart?",
        "Wie is de baas van de AIVD?",
        "coördinatie of coordinatie",
        "inf",  # short words are one letter from many others
        "4711 ambtsbericht",
        "xqzwvk",
        "",
        "🙂 ’s avonds\n\tniet",
    ],
)
def test_what_is_right_short_or_near_nothing_stays_as_it_is(spelling: Spelling, text: str) -> None:
    assert spelling.corrected(text) == text


def test_the_form_is_the_one_that_is_written_most_often(spelling: Spelling) -> None:
    assert spelling.corrected("marechausee avid") == "Marechaussee AIVD"


def test_of_equally_near_words_the_one_that_starts_alike_is_taken_then_the_more_frequent(
    tmp_path: Path,
) -> None:
    write_spelling(tmp_path / "spelling", ["Zorbana Morbana", "Morbana", "Korbani Korbanu", "Korbanu"])
    spelling = Spelling.open(tmp_path / "spelling")

    assert spelling.corrected("Zorbane") == "Zorbana"  # Morbana is two letters away
    assert spelling.corrected("Korbane") == "Korbanu"  # as near as Korbani, and in two texts


def test_two_words_put_together_are_no_word_with_two_errors(tmp_path: Path) -> None:
    write_spelling(
        tmp_path / "spelling", ["De voorkant en de medewerkers.", "Een kaartenlijst; het bestand."]
    )
    spelling = Spelling.open(tmp_path / "spelling")

    assert spelling.corrected("wie heeft voorrang") == "wie heeft voorrang"  # two letters from "voorkant"
    assert spelling.corrected("bijstand") == "bijstand"
    assert spelling.corrected("paardenlijst") == "paardenlijst"  # with -en- between
    assert spelling.corrected("voorkrnat") == "voorkant"  # a letter too many, and "rn" for "nr"
    assert spelling.corrected("medewreker") == "medewerkers"  # one error, and the ending is lacking
    assert spelling.corrected("medewrekers") == "medewerkers"  # "mede" and "wrekers", but one error


@given(st.text(max_size=60))
def test_everything_but_words_stays_and_words_of_the_corpus_too(spelling: Spelling, text: str) -> None:
    corrected = spelling.corrected(f"{text} AIVD")
    assert corrected.endswith(" AIVD")
    assert [c for c in corrected if not c.isalpha()] == [c for c in f"{text} AIVD" if not c.isalpha()]


def test_common_words_are_known_and_folded() -> None:
    words = set(dutch_words())
    assert {"baas", "hoofdkantoor", "solliciteren", "cooperatie"} <= words
    assert "burgermeester" not in words


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("wat doet de eivt", "wat doet de AIVD"),  # by its sound
        ("wat doet de maregausee", "wat doet de Marechaussee"),  # three errors, by its sound
        ("wat doet de avid", None),  # that is corrected already
        ("wat doet de bakker", None),  # a Dutch word
        ("wat doet de AIVD", None),
        ("wat doet de xqzwvk", None),
        ("", None),
    ],
)
def test_a_name_that_an_unknown_word_resembles(spelling: Spelling, question: str, meant: str | None) -> None:
    assert spelling.meant_instead(question) == meant


def test_names_are_abbreviations_and_words_with_a_capital_of_their_own(spelling: Spelling) -> None:
    # "De" and "Burgemeesters" start a sentence, and "OM" has two letters
    assert sorted(spelling.names) == ["AIVD", "IND", "Koninklijke", "Marechaussee", "Ministerie", "Openbaar"]


def test_the_dutch_words_of_another_list_are_not_taken_over(tmp_path: Path, folder: Path) -> None:
    write_spelling(tmp_path / "same", TEXTS[:1], folder)
    assert (tmp_path / "same" / "dutch.npy").read_bytes() == (folder / "dutch.npy").read_bytes()
    assert Spelling.open(tmp_path / "same").names == ["AIVD", "Koninklijke", "Marechaussee"]

    words = tmp_path / "same" / "words.json"
    words.write_text(words.read_text().replace(f'"{version("simplemma")}"', '"0.1"'))
    np.save(tmp_path / "same" / "dutch.npy", np.zeros(1, np.uint32))
    write_spelling(tmp_path / "anew", TEXTS, tmp_path / "same")
    assert (tmp_path / "anew" / "dutch.npy").read_bytes() == (folder / "dutch.npy").read_bytes()


def test_the_dutch_words_of_the_same_list_are_taken_over(tmp_path: Path, folder: Path) -> None:
    shutil.copytree(folder, tmp_path / "before")
    np.save(tmp_path / "before" / "dutch.npy", np.zeros(1, np.uint32))
    write_spelling(tmp_path / "after", TEXTS, tmp_path / "before")
    assert np.load(tmp_path / "after" / "dutch.npy").tolist() == [0]


@pytest.mark.parametrize("name", ["words.json", "dutch.npy"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write_spelling(tmp_path / "spelling", TEXTS)
    path = tmp_path / "spelling" / name
    path.unlink()

    with pytest.raises(BrokenIndexError) as raised:
        Spelling.open(tmp_path / "spelling")

    assert str(raised.value).startswith(f"{path}: cannot be read (No such file or directory)")


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("wat doet het om?", "wat doet het OM?"),
        ("contact met het om", "contact met het OM"),
        ("het om en de politie", "het OM en de politie"),
        ("Waar gaat het om?", "Waar gaat het om?"),
        ("gaat het om geld?", "gaat het om geld?"),
        ("is het om te lachen", "is het om te lachen"),
        ("om de burgemeester", "om de burgemeester"),
    ],
)
def test_an_abbreviation_that_looks_like_a_small_word_is_one_where_it_is_asked_about(
    spelling: Spelling, typed: str, searched: str
) -> None:
    assert spelling.corrected(typed) == searched
