from pathlib import Path

import pytest

from retrieval.corpus import Reading, Skipped, read_corpus
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
