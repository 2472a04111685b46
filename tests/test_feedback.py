import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from retrieval.errors import FeedbackError
from retrieval.feedback import MOST_BYTES, Feedback, FeedbackFile

HELPED = Feedback("Wanneer is het open?", "q1", helpful=True)
COLUMNS = "id, received_at, question, answer_id, helpful, reason, comment"


def rows(path: Path) -> list[tuple[Any, ...]]:
    """Every line of the file, oldest first."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {COLUMNS} FROM feedback ORDER BY rowid").fetchall()  # noqa: S608


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feedback.sqlite"


def test_what_is_added_stands_in_a_file_that_is_made_for_it(path: Path) -> None:
    file = FeedbackFile(path)
    file.check()
    assert not path.exists()
    first = file.add(HELPED)
    second = file.add(
        Feedback("En zondag?", "q_2-b", helpful=False, reason="te oud", comment="Het is\ndicht.")
    )
    told = rows(path)
    assert [(id_, *rest) for id_, _, *rest in told] == [
        (first, "Wanneer is het open?", "q1", 1, None, None),
        (second, "En zondag?", "q_2-b", 0, "te oud", "Het is\ndicht."),
    ]
    assert first != second
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", received_at) for _, received_at, *_ in told)
    file.check()
    assert list(path.parent.iterdir()) == [path]  # nothing is left beside it


def test_personal_data_is_masked_before_it_is_written(path: Path) -> None:
    FeedbackFile(path).add(
        Feedback("Mijn BSN is 111222333, en nu?", "q1", False, "mail a@b.nl", "Bel 06-12345678 of a@b.nl")
    )
    ((_, _, question, _, _, reason, comment),) = rows(path)
    assert question == "Mijn BSN is [bsn], en nu?"
    assert reason == "mail [e-mailadres]"
    assert comment == "Bel [telefoonnummer] of [e-mailadres]"
    assert b"111222333" not in path.read_bytes()


def test_a_new_file_is_for_the_operator_alone(path: Path) -> None:
    FeedbackFile(path).add(HELPED)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_full_takes_no_more(path: Path) -> None:
    FeedbackFile(path).add(HELPED)
    with path.open("r+b") as file:
        file.truncate(MOST_BYTES + 1)  # a hole, which takes no room
    with pytest.raises(FeedbackError, match=f"expected at most {MOST_BYTES}; move it away"):
        FeedbackFile(path).add(HELPED)


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE feedback (other TEXT)")
        connection.execute("PRAGMA user_version = 2")
    before = path.read_bytes()
    for use in (FeedbackFile(path).check, lambda: FeedbackFile(path).add(HELPED)):
        with pytest.raises(FeedbackError) as refused:
            use()
        assert str(refused.value) == (
            f"the feedback file {path} has version 2, this program knows up to 1; "
            "run a newer one, or set another file by VRAAGBAAK_FEEDBACK"
        )
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE passages (text TEXT)")
    with pytest.raises(FeedbackError, match="is a database of something else than feedback"):
        FeedbackFile(path).check()


@pytest.mark.parametrize("use", [FeedbackFile.check, lambda file: file.add(HELPED)])
def test_a_file_that_is_no_database_is_refused(path: Path, use: Any) -> None:
    path.write_bytes(b"geen databank, maar een tekst van meer dan honderd bytes" * 20)
    with pytest.raises(FeedbackError, match="cannot be used: file is not a database"):
        use(FeedbackFile(path))


def test_an_empty_file_is_begun(path: Path) -> None:
    path.touch()
    FeedbackFile(path).check()
    FeedbackFile(path).add(HELPED)
    assert len(rows(path)) == 1


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match="cannot be used: No such file or directory; see that"):
        FeedbackFile(tmp_path / "weg" / "feedback.sqlite").add(HELPED)


def test_a_full_disk_leaves_the_lines_that_were_there(path: Path) -> None:
    """The kernel lets no file grow, as where the disk is full."""
    FeedbackFile(path).add(HELPED)
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from retrieval.errors import FeedbackError\n"
        "from retrieval.feedback import MOST_BYTES, Feedback, FeedbackFile\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"path = Path({str(path)!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, path.stat().st_size))\n"
        "for number in range(200):\n"
        "    try: FeedbackFile(path).add(Feedback('vraag', 'q1', True, comment='woord ' * 150))\n"
        "    except FeedbackError as error: print(number, error); break\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    kept, reason = done.stdout.split(" ", 1)
    assert "cannot be used: " in reason
    assert "woord" not in done.stdout
    assert len(rows(path)) == 1 + int(kept)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    FeedbackFile(path).add(HELPED)
    assert len(rows(path)) == 2 + int(kept)


def test_threads_and_processes_add_at_once_and_none_is_lost(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from retrieval.feedback import Feedback, FeedbackFile\n"
        f"file = FeedbackFile(Path({str(path)!r}))\n"
        "for number in range(20): file.add(Feedback('vraag', f'p{number}', True))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as other:

        def add(name: str) -> None:
            for number in range(5):
                FeedbackFile(path).add(Feedback("vraag", f"{name}{number}", helpful=True))

        threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert other.wait(timeout=60) == 0
    told = rows(path)
    assert sorted(answer_id for _, _, _, answer_id, *_ in told) == sorted(
        [f"p{number}" for number in range(20)] + [f"{name}{number}" for name in "abcd" for number in range(5)]
    )
    assert len({id_ for id_, *_ in told}) == 40
