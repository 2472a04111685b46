import os
from pathlib import Path

import pytest

from retrieval.corpus import Reading, Skipped, read_corpus
from retrieval.provenance import MAX_CENTRAL_BYTES, MAX_DOTS, MAX_SIDECAR_BYTES
from retrieval.readers.content import MAX_TITLE_CHARACTERS, MAX_TOLD, MAX_VALUE_CHARACTERS
from retrieval.records import Provenance


def reading_of(folder: Path, files: dict[str, str]) -> Reading:
    """What is read of a folder with these files; ``a.txt`` and ``map/b.txt`` lie in it too."""
    for name, content in {"a.txt": "Tekst.", "map/b.txt": "Tekst.", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return read_corpus(folder)


def known(reading: Reading) -> dict[str, Provenance]:
    return {document.id: document.provenance for document in reading.documents}


# Keys


def test_an_entry_says_everything_that_is_shown(tmp_path: Path) -> None:
    toml = (
        '["a.txt"]\npublisher = " Ede "\nlicence = "https://creativecommons.org/publicdomain/zero/1.0/"\n'
        'language = "nl-BE"\ndate = 2024-01-02\nmodified = "2025-05-03"\nvalid_from = 2024-02-01\n'
        'valid_until = 2025-12-31\nversion = "2.1"\n'
    )
    reading = reading_of(tmp_path, {"bronnen.toml": toml})
    assert reading.skipped == ()
    assert known(reading)["a.txt"] == Provenance(
        publisher="Ede",
        licence="CC0-1.0",
        language="nl-BE",
        date="2024-01-02",
        modified="2025-05-03",
        valid_from="2024-02-01",
        valid_until="2025-12-31",
        version="2.1",
    )


def test_a_wrong_key_is_told_and_the_others_count(tmp_path: Path) -> None:
    toml = (
        '["a.txt"]\ntitle = "Titel"\nmodified = 2025-05-03T10:00:00\nlanguage = "Nederlands"\nversion = 2\n'
    )
    reading = reading_of(tmp_path, {"bronnen.toml": toml})
    assert known(reading)["a.txt"] == Provenance(title="Titel")
    assert [left_out.reason for left_out in reading.skipped] == [
        "entry 'a.txt', line 3: modified is datetime.datetime(2025, 5, 3, 10, 0), "
        "expected a date as 2025-01-31: correct it or remove it",
        "entry 'a.txt', line 4: language is 'Nederlands', expected a language as \"nl\" or \"nl-BE\": "
        "correct it or remove it",
        "entry 'a.txt', line 5: version is 2, expected words between quotes, as \"2.1\": "
        "correct it or remove it",
    ]


def test_a_period_that_ends_before_it_begins_does_not_count(tmp_path: Path) -> None:
    toml = '["a.txt"]\nversion = "2"\nvalid_until = 2025-01-01\nvalid_from = 2025-01-02\n'
    reading = reading_of(tmp_path, {"bronnen.toml": toml})
    assert known(reading)["a.txt"] == Provenance(version="2")
    assert reading.skipped == (
        Skipped(
            "bronnen.toml",
            "entry 'a.txt', line 4: valid_from 2025-01-02 is after valid_until 2025-01-01: "
            "correct one of them; until then neither counts",
        ),
    )


def test_a_day_of_the_file_does_not_count_against_the_editors(tmp_path: Path) -> None:
    files = {"c.md": "---\nvalid_from: 2025-06-01\n---\nTekst.\n", "c.md.toml": "valid_until = 2025-05-01\n"}
    reading = reading_of(tmp_path, files)
    assert known(reading)["c.md"] == Provenance(valid_until="2025-05-01")
    assert reading.skipped == ()


# Folders


def test_an_entry_of_a_folder_holds_for_all_files_below_it(tmp_path: Path) -> None:
    toml = (
        '["map/"]\npublisher = "Map"\nlicence = "CC0-1.0"\n["map/diep/"]\npublisher = "Diep"\n["/"]\n'
        'publisher = "Alle"\nversion = "1"\n["map/b.txt"]\nlicence = "CC-BY-4.0"\n'
    )
    reading = reading_of(tmp_path, {"bronnen.toml": toml, "map/diep/c.txt": "Tekst."})
    assert reading.skipped == ()
    assert known(reading) == {
        "a.txt": Provenance(publisher="Alle", version="1"),
        "map/b.txt": Provenance(publisher="Map", version="1", licence="CC-BY-4.0"),
        "map/diep/c.txt": Provenance(publisher="Diep", version="1", licence="CC0-1.0"),
    }


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (
            '["map/b.txt"]\n["map/"]\ntitle = "Titel"\n',
            "entry 'map/', line 3: unknown key 'title', expected one of publisher, licence, language, date, "
            "modified, valid_from, valid_until, version",
        ),
        (
            '\n["weg/"]\nversion = "1"\n',
            "entry 'weg/', line 2: no file that can be read lies in such a folder: "
            "correct the name, or remove it",
        ),
    ],
)
def test_what_is_wrong_of_a_folder_is_told(tmp_path: Path, toml: str, problem: str) -> None:
    assert reading_of(tmp_path, {"bronnen.toml": toml}).skipped == (Skipped("bronnen.toml", problem),)


# Beside a file


def test_a_file_beside_a_source_tells_of_it_and_is_no_text(tmp_path: Path) -> None:
    sidecar = 'title = "Bee"\nversion = "3"\nquestions = ["Wat?"]\n\n[synonyms]\nkliko = "container"\n'
    reading = reading_of(tmp_path, {"map/b.txt.toml": sidecar})
    assert reading.skipped == ()
    assert known(reading) == {
        "a.txt": Provenance(),
        "map/b.txt": Provenance(
            title="Bee", version="3", questions=("Wat?",), synonyms=(("kliko", "container"),)
        ),
    }


def test_what_stands_nearest_counts_and_a_difference_is_told(tmp_path: Path) -> None:
    toml = '["map/"]\nlicence = "CC0-1.0"\n["map/b.txt"]\nversion = "1"\npublisher = "Ede"\n'
    sidecar = 'publisher = "Ede"\nversion = "2"\nlicence = "CC-BY-4.0"\n'
    reading = reading_of(tmp_path, {"bronnen.toml": toml, "map/b.txt.toml": sidecar})
    assert known(reading)["map/b.txt"] == Provenance(publisher="Ede", version="2", licence="CC-BY-4.0")
    assert reading.skipped == (
        Skipped(
            "map/b.txt.toml",
            "line 2: version is '2' here and '1' in bronnen.toml; what stands here counts: "
            "remove one of them",
        ),
    )


@pytest.mark.parametrize(
    ("name", "sidecar", "problem"),
    [
        (
            "weg.pdf.toml",
            'version = "1"\n',
            "there is no file 'weg.pdf' beside it that this would tell of: "
            "give it the name of the file it tells of, with .toml behind it, or remove it",
        ),
        (
            "a.txt.toml",
            "version = 1\n",
            'line 1: version is 1, expected words between quotes, as "2.1": correct it or remove it',
        ),
        (
            "a.txt.toml",
            "version = een\n",
            "not TOML: Invalid value (at line 1, column 11): correct that line; "
            "until then it tells nothing of a.txt",
        ),
        (
            "a.txt.toml",
            "",
            "the file is empty (0 bytes): add text, or remove the file; until then it tells nothing of a.txt",
        ),
    ],
)
def test_what_is_wrong_beside_a_file_is_told(tmp_path: Path, name: str, sidecar: str, problem: str) -> None:
    reading = reading_of(tmp_path, {name: sidecar})
    assert known(reading) == {"a.txt": Provenance(), "map/b.txt": Provenance()}
    assert reading.skipped == (Skipped(name, problem),)


def test_days_of_an_entry_and_of_a_file_beside_the_source_that_exclude_one_another(tmp_path: Path) -> None:
    files = {"bronnen.toml": '["/"]\nvalid_until = 2025-01-01\n', "a.txt.toml": "valid_from = 2025-02-01\n"}
    reading = reading_of(tmp_path, files)
    assert known(reading)["a.txt"] == Provenance()
    assert reading.skipped == (
        Skipped(
            "a.txt.toml",
            "line 1: valid_from 2025-02-01 is after valid_until 2025-01-01: "
            "correct one of them; until then neither counts",
        ),
    )


# What is not what it seems


@pytest.mark.parametrize("name", ["bronnen.toml", "a.txt.toml"])
def test_what_lies_outside_the_folder_is_not_read(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "geheim.toml"
    outside.write_text("title = 'Geheim'\n['a.txt']\ntitle = 'Geheim'\n", encoding="utf-8")
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / name).symlink_to(outside)
    reading = reading_of(folder, {})
    assert known(reading)["a.txt"] == Provenance()
    assert reading.skipped == (
        Skipped(name, "a link to outside the corpus folder: put the file itself here"),
    )


@pytest.mark.parametrize("name", ["bronnen.toml", "a.txt.toml"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert reading_of(tmp_path, {}).skipped == (
        Skipped(name, "neither a file nor a folder: move it out of the corpus folder"),
    )


def test_a_link_to_a_device_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "bronnen.toml").symlink_to("/dev/zero")
    assert reading_of(tmp_path, {}).skipped == (
        Skipped("bronnen.toml", "a link to outside the corpus folder: put the file itself here"),
    )


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "bronnen.toml").symlink_to(".van-ons")
    reading = reading_of(tmp_path, {".van-ons": '["a.txt"]\nversion = "2"\n'})
    assert reading.skipped == ()
    assert known(reading)["a.txt"] == Provenance(version="2")


@pytest.mark.parametrize("name", ["bronnen.toml", "a.txt.toml"])
@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("x = " + "1" * 5000, "not TOML that can be read (Exceeds the limit"),
        ("x = " + "[" * 5000, "not TOML that can be read (maximum recursion depth exceeded"),
        (f"x = 1\n{'a.' * MAX_DOTS}.a = 1", f"line 2 has more than {MAX_DOTS} dots: "),
        ("[a]\n[" + "a" * 5000 + "]\n[" + "a" * 5000 + "]", "not TOML: Cannot declare ('aaaa"),
    ],
)
def test_toml_that_does_harm_is_told_and_the_rest_is_read(
    tmp_path: Path, name: str, toml: str, reason: str
) -> None:
    reading = reading_of(tmp_path, {name: toml})
    assert known(reading) == {"a.txt": Provenance(), "map/b.txt": Provenance()}
    (skipped,) = reading.skipped
    assert skipped.path == name
    assert skipped.reason.startswith(reason)
    assert len(skipped.reason) < 400


@pytest.mark.parametrize(
    ("name", "most"), [("bronnen.toml", MAX_CENTRAL_BYTES), ("a.txt.toml", MAX_SIDECAR_BYTES)]
)
def test_toml_has_a_greatest_size(tmp_path: Path, name: str, most: int) -> None:
    assert reading_of(tmp_path, {name: "#" * most}).skipped == ()
    (skipped,) = reading_of(tmp_path, {name: "#" * (most + 1)}).skipped
    assert skipped.reason.startswith(f"{most + 1:,} bytes is too large, expected at most {most:,}: ")


@pytest.mark.parametrize(
    ("name", "toml"),
    [
        ("bronnen.toml", '["a.txt"]\n' + "".join(f"k{number} = 1\n" for number in range(MAX_TOLD + 3000))),
        ("bronnen.toml", "".join(f"['weg{number}.txt']\n" for number in range(MAX_TOLD + 3000))),
        ("a.txt.toml", "".join(f"k{number} = 1\n" for number in range(MAX_TOLD + 3000))),
    ],
)
def test_of_many_mistakes_the_first_are_told_with_their_lines(tmp_path: Path, name: str, toml: str) -> None:
    *told, more = reading_of(tmp_path, {name: toml}).skipped
    assert len(told) == MAX_TOLD
    first = 2 if toml.startswith('["a.txt"]') else 1
    assert [f"line {number}:" in one.reason for number, one in enumerate(told, first)] == [True] * MAX_TOLD
    assert more == Skipped(name, "and 3,000 more mistakes")


@pytest.mark.parametrize(
    ("toml", "place"),
    [
        ('\n"a.txt" = {auteur = "Jan"}\n', "line 2"),
        ('\n"a.txt".auteur = "Jan"\n', "line 2"),
        ("['b.txt']\n  auteur = 1\n['a.txt']\n\n  'auteur' = 1\n", "line 5"),
        ("[ 'a.txt' . auteur ]\nx = 1\n", "line 1"),
        ('"a\\u002etxt" = {auteur = 1}\n', "somewhere"),
    ],
)
def test_a_mistake_is_told_with_its_line_however_it_is_written(tmp_path: Path, toml: str, place: str) -> None:
    reasons = [one.reason for one in reading_of(tmp_path, {"bronnen.toml": toml}).skipped]
    assert [one for one in reasons if one.startswith(f"entry 'a.txt', {place}: unknown key 'auteur'")]


# Values that cannot be shown


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('title = "Zacht\\u0000"', "title holds the character U+0000, which cannot be shown"),
        ('title = "\\u001b[2J"', "title holds the character U+001B, which cannot be shown"),
        ('url = "https://a.nl/\\u202e"', "url holds the character U+202E, which cannot be shown"),
        ('questions = ["Wat?", "Wie\\n?"]', "questions holds the character U+000A, which cannot be shown"),
        ("synonyms = {kliko = 'bak\\u2066'}".replace("'", '"'), "synonyms holds the character U+2066, which"),
        (f'title = "{"t" * 501}"', "title has 501 characters, expected at most 500"),
        (f'publisher = "{"p" * 2001}"', "publisher has 2,001 characters, expected at most 2,000"),
    ],
)
def test_what_cannot_be_shown_of_an_editor_is_told(tmp_path: Path, toml: str, told: str) -> None:
    reading = reading_of(tmp_path, {"a.txt.toml": f'{toml}\nversion = "2"\n'})
    assert known(reading)["a.txt"] == Provenance(version="2")
    (skipped,) = reading.skipped
    assert skipped.reason.startswith(f"line 1: {told}")


def test_values_of_the_greatest_length_are_shown(tmp_path: Path) -> None:
    title, publisher = "t" * MAX_TITLE_CHARACTERS, "p" * MAX_VALUE_CHARACTERS
    reading = reading_of(tmp_path, {"a.txt.toml": f'title = "{title}"\npublisher = " {publisher[1:]}"\n'})
    assert reading.skipped == ()
    assert known(reading)["a.txt"] == Provenance(title=title, publisher=publisher[1:])


def test_values_of_a_number_of_digits_are_told_in_short(tmp_path: Path) -> None:
    (skipped,) = reading_of(tmp_path, {"a.txt.toml": "title = 0x" + "f" * 5000}).skipped
    assert skipped.reason.startswith("line 1: title is of the type int, and very long, expected words")


# Days of the editor and of the file


PAGE = '<meta name="dcterms.issued" content="{}"><meta name="dcterms.modified" content="{}"><p>Tekst.'


@pytest.mark.parametrize(
    ("own", "editors", "days"),
    [
        # a day of publication after the change that the editor names, and a change before the publication
        (("2026-11-24", "2026-11-25"), "modified = 2025-09-09", (None, "2025-09-09")),
        (("2024-01-01", "2024-02-01"), "date = 2025-09-09", ("2025-09-09", None)),
        (("2025-09-09", "2026-11-25"), "modified = 2025-09-09", ("2025-09-09", "2025-09-09")),
        (("2024-01-01", "2025-09-09"), "date = 2025-09-09", ("2025-09-09", "2025-09-09")),
        (
            ("2026-01-01", "2026-02-01"),
            "date = 2025-09-09\nmodified = 2025-09-10",
            ("2025-09-09", "2025-09-10"),
        ),
    ],
)
def test_a_day_of_the_file_that_the_editors_contradicts_is_dropped(
    tmp_path: Path, own: tuple[str, str], editors: str, days: tuple[str | None, str | None]
) -> None:
    files = {"pagina.html": PAGE.format(*own), "pagina.html.toml": editors}
    provenance = known(reading_of(tmp_path, files))["pagina.html"]
    assert (provenance.date, provenance.modified) == days
