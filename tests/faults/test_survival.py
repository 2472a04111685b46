"""Two builds at once, folders that cannot be written, clocks that jump, and indexes that were copied."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from small_index import AFTER, BEFORE, CountingEmbedder, answer, build, built_twice

from retrieval.checking import check_index
from retrieval.errors import BrokenIndexError
from retrieval.generations import kept_generations, leftovers, list_generations, roll_back
from retrieval.index import Index

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
VARIABLES = os.environ | {"PYTHONPATH": str(ROOT / "src")}
LATER = "Een paspoort kost 90 euro."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index that says BEFORE. Only copy it."""
    folder = tmp_path_factory.mktemp("made") / "index"
    built_twice(folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "index"))


def generation(folder: Path) -> Path:
    return folder / "generations" / (folder / "CURRENT").read_text("utf-8").strip()


@contextmanager
def build_under_way(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A build in another process, which embeds when it is told to go on."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "small_index.py"), str(folder), AFTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=VARIABLES,
    ) as process:
        limit = threading.Timer(60, process.kill)
        limit.start()
        assert process.stdout is not None
        assert process.stdout.readline() == "embedding\n"
        yield process
        limit.cancel()


# two at once


def test_a_second_process_is_told_who_builds_and_the_first_goes_on(folder: Path) -> None:
    with build_under_way(folder) as first:
        with pytest.raises(BrokenIndexError) as raised:
            build(folder, LATER)
        with pytest.raises(BrokenIndexError, match=f"process {first.pid} on host "):
            roll_back(folder, CountingEmbedder.fingerprint)
        assert answer(folder) == BEFORE
        assert first.communicate("\n") == ("", None)
    assert re.fullmatch(
        rf"{folder / 'LOCK'}: process {first.pid} on host {os.uname().nodename} has been building this index "
        r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; wait until it is done, or stop it",
        str(raised.value),
    )
    assert (first.returncode, answer(folder)) == (0, AFTER)


def test_the_lock_of_a_killed_process_holds_nobody_up(folder: Path) -> None:
    with build_under_way(folder) as first:
        first.kill()
    assert first.returncode == -signal.SIGKILL
    assert str(first.pid) in (folder / "LOCK").read_text("utf-8")
    build(folder, AFTER)
    assert answer(folder) == AFTER


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00garbage", b"4711\n", b"1 host\nname now\n", b"x" * 5000]
)
def test_a_lock_that_says_something_else(folder: Path, content: bytes) -> None:
    with build_under_way(folder) as first:
        (folder / "LOCK").write_bytes(content)
        with pytest.raises(BrokenIndexError) as raised:
            build(folder, LATER)
        first.communicate("\n")
    assert str(raised.value) == (
        f"{folder / 'LOCK'}: another process, which it does not name, is building this index; "
        "wait until it is done, or stop it"
    )


# copies


def test_an_index_knows_no_path_but_below_itself(folder: Path) -> None:
    build(folder, AFTER)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [path for path in files if str(folder).encode() in path.read_bytes()] == []


def test_a_copy_serves_and_is_built_on(made: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "index.tar", "w") as archive:
        archive.add(made, "elsewhere", filter=_of_another_owner_and_time)
    with tarfile.open(tmp_path / "index.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    copied = tmp_path / "elsewhere"
    (copied / "LOCK").write_text("4711 another-host 2020-01-01T00:00:00Z\n", "utf-8")

    assert answer(copied) == BEFORE
    assert build(copied, AFTER).embedded == 1
    assert answer(copied) == AFTER


def _of_another_owner_and_time(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 4711, 4711, "", ""
    return entry


def test_a_copy_without_the_cache_embeds_everything_again(folder: Path) -> None:
    shutil.rmtree(folder / "cache")
    assert answer(folder) == BEFORE
    report = build(folder, AFTER)
    assert (report.embedded, report.reused) == (report.passages, 0)
    assert answer(folder) == AFTER


def test_a_copy_that_is_made_while_a_build_is_under_way(folder: Path, tmp_path: Path) -> None:
    with build_under_way(folder) as process:
        copied = Path(shutil.copytree(folder, tmp_path / "copy"))
        process.communicate("\n")
    assert answer(copied) == BEFORE
    build(copied, LATER)
    assert (answer(copied), leftovers(copied)) == (LATER, [])


@pytest.mark.parametrize("missing", ["store.sqlite", "manifest.json", "lexical", "sentences.npy"])
def test_a_copy_of_half_a_generation_is_told_and_repaired(folder: Path, missing: str) -> None:
    half = generation(folder) / missing
    shutil.rmtree(half) if half.is_dir() else half.unlink()

    with pytest.raises(BrokenIndexError) as raised:
        Index.open(folder, CountingEmbedder.fingerprint)
    message = str(raised.value)
    assert message.startswith(f"{half}")
    assert message.endswith(": cannot be read (No such file or directory); rebuild with: vraagbaak index")
    if missing == "manifest.json":
        with pytest.raises(BrokenIndexError, match=r"manifest\.json: cannot be read"):
            check_index(folder)
    else:
        check = check_index(folder)
        assert all(str(half) in problem for problem in check.problems)
        assert check.advice.startswith("rebuild with: vraagbaak index; until then bring back another with: ")
    build(folder, BEFORE)
    assert answer(folder) == BEFORE


def test_a_copy_without_the_generation_that_serves_says_what_can_be_brought_back(folder: Path) -> None:
    older = kept_generations(folder)[1].name
    shutil.rmtree(generation(folder))

    with pytest.raises(BrokenIndexError) as raised:
        check_index(folder)
    command = f"vraagbaak index --rollback {older}"
    assert str(raised.value).endswith(f"; rebuild with: vraagbaak index; until then: {command}")
    roll_back(folder, CountingEmbedder.fingerprint, older)
    assert answer(folder) == "Een paspoort kost 60 euro."
    build(folder, AFTER)
    assert answer(folder) == AFTER


# clocks


def test_generations_sort_by_age_whatever_the_clock_says(folder: Path) -> None:
    serving = generation(folder)
    ahead = serving.with_name(f"2999{serving.name[4:]}")  # made when the clock was far ahead
    serving.rename(ahead)
    (folder / "CURRENT").write_text(f"{ahead.name}\n", "utf-8")

    build(folder, AFTER)
    first = generation(folder)
    build(folder, LATER)

    assert [one.name for one in kept_generations(folder)] == [generation(folder).name, first.name]
    assert roll_back(folder, CountingEmbedder.fingerprint) == first
    assert answer(folder) == AFTER


def test_times_of_files_play_no_part(folder: Path) -> None:
    newest, oldest = kept_generations(folder)
    for path, seconds in ((newest, 0), (oldest, 4_000_000_000)):
        for one in (path, *path.rglob("*")):
            os.utime(one, (seconds, seconds))

    assert [one.name for one in list_generations(folder, None)] == [newest.name, oldest.name]
    assert answer(folder) == BEFORE
    build(folder, AFTER)
    assert kept_generations(folder) == [generation(folder), newest]


@pytest.mark.parametrize(
    "name",
    [
        "99991231T235959999999Z-00000000",  # no moment comes after it
        "123450101T000000000000Z-00000000",
        "20261332T250000000000Z-00000000",
        "20260101T0000000Z-00000000",
        "20260101T000000000000Z-00000000 copy",
        "lost+found",
        "٢٠٢٦٠١٠١T000000000000Z-00000000",
    ],
)
def test_what_is_no_generation_is_left_alone(folder: Path, name: str) -> None:
    strange = folder / "generations" / name
    strange.mkdir()

    for price in (AFTER, LATER):
        build(folder, price)

    assert answer(folder) == LATER
    assert strange.is_dir()
    assert name not in {one.name for one in list_generations(folder, None)}


# folders that cannot be written


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def plain_user(*arguments: str | Path) -> list[str]:
    return [sys.executable, str(HERE / "as_plain_user.py"), *map(str, arguments)]


def told(*arguments: str | Path) -> tuple[int, str, str]:
    done = subprocess.run(
        plain_user(*arguments), capture_output=True, text=True, env=VARIABLES, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_a_read_only_index_is_asked_and_served_but_not_built(aivd_index: Path, tmp_path: Path) -> None:
    index = Path(shutil.copytree(aivd_index, tmp_path / "index"))
    with read_only(index):
        status, out, err = told("index", "--index", index, "--corpus", ROOT / "corpus")
        assert (status, out) == (1, "")
        what_to_do = "make room or give access, then rebuild with: vraagbaak index\n"
        cache = index / "cache" / "readings.sqlite"
        denied = f"vraagbaak: {cache}: cannot be written (unable to open database file); {what_to_do}"
        assert err == denied

        status, out, err = told("ask", "Wie krijgt informatie van de AIVD?", "--index", index)
        assert (status, err) == (0, "")
        assert "Het openbaar bestuur is de belangrijkste afnemer" in out
        assert told("check", "--index", index)[0] == 0

        serve = plain_user("serve", "--index", index, "--corpus", ROOT / "corpus", "--port", "0")
        with subprocess.Popen(
            serve, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=VARIABLES
        ) as process:
            limit = threading.Timer(120, process.kill)
            limit.start()
            assert process.stdout is not None
            address = re.search(r"http://\S+", process.stdout.readline())
            assert address is not None
            ready = httpx.get(f"{address[0].rstrip('/')}/readyz")
            process.send_signal(signal.SIGINT)
            _, err = process.communicate()
            limit.cancel()
    assert ready.status_code == 200
    serves_on = "vraagbaak: the index was not brought up to date, the old one serves on: "
    assert denied.replace("vraagbaak: ", serves_on, 1) in err


def test_a_folder_that_may_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    with read_only(tmp_path / "closed"):
        status, _, err = told("index", "--index", tmp_path / "closed" / "index", "--corpus", ROOT / "corpus")
    assert (status, list((tmp_path / "closed").iterdir())) == (1, [])
    assert err.startswith(
        f"vraagbaak: {tmp_path / 'closed' / 'index'}: cannot be written (Permission denied); "
    )
