import fcntl
import gc
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval.building import update_index
from retrieval.chatbot import Chatbot
from retrieval.cli import main, share_memory_between_threads
from retrieval.corpus import READERS, read_corpus
from retrieval.embedding import known_fingerprint
from retrieval.generations import SCHEMA_VERSION
from retrieval.ranking import Vectors
from retrieval.serialization import reply_to_json
from retrieval.settings import DEFAULT_EMBEDDER

ROOT = Path(__file__).parent.parent
AIVD = "met-wie-werken-wij-samen.txt"
QUESTION = "Wie krijgt informatie van de AIVD?"
MAYORS = "Burgemeesters zijn ook belangrijke afnemers van informatie van de AIVD."
NEAR = "Hoe kan ik solliciteren bij de AIVD?"
FAR = "Hoe bak ik een appeltaart?"
NO_TEXT = "Uw vraag bevat tekens die geen tekst zijn. Typ de vraag opnieuw."
REPLY_KEYS = ["id", "status", "text", "quotes", "citations", "suggestions", "contact", "notice"]
QUOTE_KEYS = ["text", "citation", "start", "end", "lead"]
CITATION_KEYS = (
    "number document_id title headings page date modified valid_from valid_until version publisher licence "
    "language outdated identifier url original_url source_url start end text sha256 highlights score "
    "other_places other_place_count"
).split()
REPORT_KEYS = (
    "documents passages embedded reused removed seconds skipped unchanged new changed renamed gone"
).split()


@dataclass(frozen=True)
class Outcome:
    """What a command gave."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.err == ""
        return json.loads(self.out)

    @property
    def failure(self) -> str:
        """The one line of a command that failed, without the name of the program."""
        assert (self.status, self.out) == (1, "")
        assert self.err.startswith("vraagbaak: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("vraagbaak: ").rstrip("\n")


Run = Callable[..., Outcome]


class LengthEmbedder:
    """A vector of two numbers: texts of an even length are orthogonal to those of an odd one."""

    fingerprint = "length-1"
    dimension = 2
    max_tokens = 100

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        return self.embed_texts(queries)

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        return np.array([[len(text) % 2, 1 - len(text) % 2] for text in texts], np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process."""

    def run(*arguments: str | Path) -> Outcome:
        status = main([str(argument) for argument in arguments])
        return Outcome(status, *capsys.readouterr())

    return run


@pytest.fixture
def index(aivd_index: Path, tmp_path: Path) -> Path:
    """A copy of the index of corpus/, to change."""
    return Path(shutil.copytree(aivd_index, tmp_path / "index"))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A copy of corpus/, to change."""
    return Path(shutil.copytree(ROOT / "corpus", tmp_path / "corpus"))


def by_process(*arguments: str | Path) -> Outcome:
    """Run a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "retrieval.cli", *map(str, arguments)],
        check=False,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def generation(index: Path) -> Path:
    """The folder of the generation that serves."""
    return index / "generations" / (index / "CURRENT").read_text("utf-8").strip()


# index


def test_a_second_run_embeds_nothing(index: Path, corpus: Path, run: Run) -> None:
    done = run("index", "--corpus", corpus, "--index", index, "--json")

    report = done.json
    assert done.status == 0
    assert list(report) == REPORT_KEYS
    assert report.pop("seconds") > 0
    assert report == {
        "documents": 1,
        "passages": 13,
        "embedded": 0,
        "reused": 13,
        "removed": 0,
        "skipped": [],
        "unchanged": 1,
        "new": [],
        "changed": [],
        "renamed": [],
        "gone": [],
    }


def test_the_report_names_what_changed(index: Path, corpus: Path, run: Run) -> None:
    (corpus / AIVD).rename(corpus / "aivd.txt")
    (corpus / "kat.md").write_text("# De kat\n\nDe kat slaapt.\n", "utf-8")
    report = json.loads(run("index", "--json").out)
    assert report["new"] == ["kat.md"]
    assert report["renamed"] == [{"from": AIVD, "to": "aivd.txt"}]
    assert (report["documents"], report["unchanged"], report["removed"], report["gone"]) == (2, 0, 0, [])

    (corpus / "kat.md").write_text("# De kat\n\nDe kat eet.\n", "utf-8")
    (corpus / "aivd.txt").unlink()
    lines = run("index").out.splitlines()
    assert [line for line in lines if line.startswith(("changed:", "removed:", "renamed:"))] == [
        "changed: kat.md",
        "removed: aivd.txt",
    ]


def test_the_folders_are_corpus_and_index_unless_told_otherwise(index: Path, corpus: Path, run: Run) -> None:
    assert (index.name, corpus.name) == ("index", "corpus")

    assert run("index", "--json").json["reused"] == 13
    assert run("ask", QUESTION, "--json").json["status"] == "answered"


def test_the_index_closes_with_a_table(index: Path, corpus: Path, run: Run) -> None:
    done = run("index", "--corpus", corpus, "--index", index)

    rows = dict(line.rsplit(maxsplit=1) for line in done.out.splitlines())
    assert done.status == 0
    assert float(rows.pop("seconds")) >= 0
    assert rows == {
        "documents": "1",
        "unchanged": "1",
        "new": "0",
        "changed": "0",
        "renamed": "0",
        "removed": "0",
        "left out": "0",
        "passages": "13",
        "embedded": "0",
        "reused": "13",
    }


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_is_embedded_is_shown_on_stderr(
    options: Sequence[str], index: Path, corpus: Path, run: Run
) -> None:
    (corpus / AIVD).unlink()
    (corpus / "bronnen.toml").unlink()
    (corpus / "kat.txt").write_text("De kat\n\nDe kat slaapt. De kat eet.\n\nDe kat zit.\n", "utf-8")

    done = run("index", "--corpus", corpus, "--index", index, *options)

    # two passages, of two sentences and of one: four texts, as the last is both, each also below its title;
    # and both passages together
    assert "embedding: 100%" in done.err
    assert "9/9" in done.err
    lines = [line for line in done.out.splitlines() if ": " not in line]
    rows = json.loads(done.out) if options else dict(line.rsplit(maxsplit=1) for line in lines)
    assert [int(rows[name]) for name in ("documents", "embedded", "reused", "removed")] == [1, 2, 0, 1]


@pytest.mark.parametrize("folder", ["", "leeg"])
def test_an_empty_corpus(folder: str, tmp_path: Path, run: Run) -> None:
    empty = tmp_path / "teksten" / folder
    empty.mkdir(parents=True)

    assert run("index", "--corpus", tmp_path / "teksten").failure == (
        f"corpus folder {tmp_path / 'teksten'} is empty: put texts in it ({', '.join(READERS)})"
    )
    assert not (tmp_path / "index").exists()


def test_a_corpus_that_is_missing(tmp_path: Path, run: Run) -> None:
    assert run("index", "--json").failure == (
        "corpus folder corpus does not exist: make it and put texts in it"
    )
    assert not (tmp_path / "index").exists()


def write_latin1(path: Path) -> None:
    path.write_bytes("Het café is open.".encode("latin-1"))


def write_nothing(path: Path) -> None:
    path.touch()


def write_50_megabytes(path: Path) -> None:
    path.touch()
    os.truncate(path, 50_000_000)  # takes no room; that these are no letters is seen by whoever reads it


BAD_FILES = pytest.mark.parametrize(
    ("write", "reason"),
    [
        (write_latin1, "byte 0xe9 at offset 7 is not UTF-8: save the file as UTF-8"),
        (write_nothing, "the file is empty (0 bytes): add text, or remove the file"),
        (
            write_50_megabytes,
            "50,000,000 bytes is too large, expected at most 10,000,000: cut the text into smaller files",
        ),
    ],
)


@BAD_FILES
def test_a_file_that_cannot_be_read_is_left_out(
    write: Callable[[Path], None], reason: str, index: Path, corpus: Path, run: Run
) -> None:
    write(corpus / "fout.txt")

    done = run("index", "--json")

    assert done.status == 3
    assert done.json["documents"] == 1
    assert done.json["skipped"] == [{"path": "fout.txt", "reason": reason}]
    table = run("index")
    assert table.status == 3
    lines = table.out.splitlines()
    assert "left out          1" in lines
    assert lines[-1] == f"left out: fout.txt: {reason}"


def test_a_name_of_a_file_forges_no_line_and_moves_no_cursor(index: Path, corpus: Path, run: Run) -> None:
    name = "b\x1b[2J\nleft out: vals.txt: \u202e\x85café"
    (corpus / f"{name}.odt").write_text("x", "utf-8")
    (corpus / f"{name}.txt").write_text("De kat slaapt.", "utf-8")

    report = json.loads(run("index", "--json").out)
    assert [one["path"] for one in report["skipped"]] == [f"{name}.odt"]
    assert report["new"] == [f"{name}.txt"]
    (corpus / f"{name}.txt").write_text("De kat eet.", "utf-8")
    lines = run("index").out.split("\n")
    shown = "b\\x1b[2J\\nleft out: vals.txt: \\u202e\\x85café"
    assert f"changed: {shown}.txt" in lines
    assert [line.partition(".odt: ")[0] for line in lines if line.startswith("left out: ")] == [
        f"left out: {shown}"
    ]


def test_a_message_is_one_line_that_moves_no_cursor(tmp_path: Path, run: Run) -> None:
    (tmp_path / "b\x1b[2J\nvals.odt").write_text("x", "utf-8")
    told = run("index", "--corpus", tmp_path, "--index", tmp_path / "index").err
    assert "b\\x1b[2J vals.odt" in told
    assert "\x1b" not in told


@BAD_FILES
def test_a_corpus_of_nothing_that_can_be_read(
    write: Callable[[Path], None], reason: str, tmp_path: Path, run: Run
) -> None:
    (tmp_path / "corpus").mkdir()
    write(tmp_path / "corpus" / "fout.txt")

    assert run("index", "--json").failure == (
        f"corpus folder corpus holds no file that can be read: fout.txt: {reason}"
    )


def test_a_mistake_in_the_provenance_does_not_keep_a_deleted_text(
    index: Path, corpus: Path, run: Run
) -> None:
    (corpus / "kat.txt").write_text("De kat eet.", "utf-8")
    (corpus / AIVD).unlink()  # its entry in bronnen.toml stays behind

    done = run("index", "--json")

    report = json.loads(done.out)
    assert done.status == 3
    assert (report["documents"], report["removed"]) == (1, 1)
    assert [left_out["path"] for left_out in report["skipped"]] == ["bronnen.toml"]
    assert report["skipped"][0]["reason"].startswith(f"entry '{AIVD}', line ")


def test_the_name_of_a_file_cannot_break_the_line(tmp_path: Path, run: Run) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "een\ntwee.txt").touch()

    assert run("index").failure == (
        "corpus folder corpus holds no file that can be read: "
        "een twee.txt: the file is empty (0 bytes): add text, or remove the file"
    )


def test_an_index_that_cannot_be_written(corpus: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "index").write_text("a file where the folder should be", "utf-8")

    assert run("index").failure == (
        "index: cannot be written (File exists); make room or give access, then rebuild with: vraagbaak index"
    )


def test_an_edited_text_is_answered_from_its_new_words(index: Path, corpus: Path) -> None:
    path = corpus / AIVD
    edited = "Alleen de minister-president is een afnemer van informatie van de AIVD in Nederland."
    text = path.read_text("utf-8")
    known = "Het openbaar bestuur is de belangrijkste afnemer van informatie van de AIVD in Nederland."
    assert known in text
    path.write_text(text.replace(known, edited), "utf-8")

    built = by_process("index", "--json")
    asked = by_process("ask", "Wie is afnemer van informatie van de AIVD in Nederland?", "--json")

    assert (built.status, asked.status) == (0, 0)
    report = json.loads(built.out)
    assert (report["passages"], report["embedded"], report["reused"]) == (13, 1, 12)
    quotes = [quote["text"] for quote in asked.json["quotes"]]
    assert edited in quotes
    assert known not in asked.out


def test_the_generations_are_listed_and_an_older_one_is_brought_back(
    index: Path, corpus: Path, run: Run
) -> None:
    first = generation(index).name
    (corpus / "kat.txt").write_text("De kat\n\nDe kat eet.", "utf-8")
    assert run("index").status == 0
    second = generation(index).name

    listed = run("index", "--list", "--json").json
    assert [list(one) for one in listed] == [
        ["name", "made", "documents", "passages", "bytes", "serves", "problem"]
    ] * 2
    assert [(one["name"], one["documents"], one["passages"], one["serves"]) for one in listed] == [
        (second, 2, 14, True),
        (first, 1, 13, False),
    ]
    table = run("index", "--list").out.splitlines()
    assert table[1].startswith(f"* {second} ")
    assert table[2].startswith(f"  {first} ")

    assert run("index", "--rollback", "--json").json == {"generation": first}
    assert generation(index).name == first
    assert run("index", "--rollback", second).out.startswith(f"{second} serves again; ")
    assert run("index", "--rollback", "niets").failure.startswith(
        "index/generations: none is called 'niets', "
    )
    assert run("index", "--rollback", first).status == 0
    assert run("index", "--rollback").failure.startswith("index/generations: none older than ")
    assert run("index", "--json").json["documents"] == 2


def test_so_many_generations_stay_as_are_set(
    index: Path, corpus: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VRAAGBAAK_KEEP_GENERATIONS", "2")
    for word in ("eet", "slaapt"):
        (corpus / "kat.txt").write_text(f"De kat\n\nDe kat {word}.", "utf-8")
        assert run("index").status == 0
    assert len(list((index / "generations").iterdir())) == 2


def test_a_folder_is_followed_until_ctrl_c(index: Path, corpus: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "retrieval.cli", "index", "--watch", "--json"]
    variables = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=variables
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        limit = threading.Timer(60, process.kill)
        limit.start()
        reports = [json.loads(process.stdout.readline())]
        broken = index / "LOCK"
        with broken.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (corpus / "kat.txt").write_text("De kat\n\nDe kat eet.", "utf-8")
            told = process.stderr.readline()
        (corpus / "hond.txt").write_text("De hond\n\nDe hond slaapt.", "utf-8")
        reports.append(json.loads(process.stdout.readline()))
        (corpus / "hond.txt").unlink()
        reports.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        limit.cancel()

    assert told.startswith("vraagbaak: the index was not brought up to date, the old one serves on: ")
    assert [(one["documents"], one["removed"]) for one in reports] == [(1, 0), (3, 0), (2, 1)]


def test_a_folder_that_is_deleted_moved_or_put_in_place_of_another_is_followed(
    index: Path, corpus: Path, tmp_path: Path
) -> None:
    def with_cat(folder: str, does: str) -> Path:
        (shutil.copytree(ROOT / "corpus", tmp_path / folder) / "kat.txt").write_text(
            f"De kat\n\nDe kat {does}.", "utf-8"
        )
        return tmp_path / folder

    command = [sys.executable, "-W", "error", "-m", "retrieval.cli", "index", "--watch", "--json"]
    variables = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=variables
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        limit = threading.Timer(90, process.kill)
        limit.start()
        reports = [json.loads(process.stdout.readline())]
        shutil.rmtree(corpus)
        while "corpus folder corpus does not exist" not in (told := process.stderr.readline()):
            assert told
        with_cat("new", "eet").rename(corpus)
        reports.append(json.loads(process.stdout.readline()))
        # as a deployment does it: the folder is there at any moment, but for an instant
        newer = with_cat("newer", "slaapt")
        (newer / "hond.txt").write_text("De hond\n\nDe hond eet.", "utf-8")
        corpus.rename(tmp_path / "old")
        newer.rename(corpus)
        while reports[-1]["documents"] != 3:
            reports.append(json.loads(process.stdout.readline()))
        # and what is written from then on is seen in the new folder
        (corpus / "hond.txt").unlink()
        while reports[-1]["documents"] != 2:
            reports.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        limit.cancel()
    assert [one["documents"] for one in reports[:2]] == [1, 2]


def test_a_folder_that_is_not_there_is_not_followed(tmp_path: Path, run: Run) -> None:
    assert run("index", "--watch").failure == (
        "corpus folder corpus does not exist: make it and put texts in it"
    )


# check


def test_an_index_is_checked(index: Path, run: Run) -> None:
    done = run("check", "--json")
    assert done.status == 0
    report = done.json
    expected = ["generation", "files", "bytes", "documents", "passages", "problems", "advice", "notes"]
    assert list(report) == expected
    assert (report["documents"], report["passages"], report["problems"], report["advice"]) == (1, 13, [], "")
    assert run("check").out.endswith("\nall as it was made\n")

    (index / "draft-1").mkdir()
    *_, note, all_well = run("check").out.splitlines()
    assert note.startswith("note: index/draft-1: of a build that was killed, or is under way; ")
    assert all_well == "all as it was made"

    (generation(index) / "suggestions.json").write_text("{}", "utf-8")
    done = run("check")
    assert (done.status, done.err) == (1, "")
    *_, wrong, advice = done.out.splitlines()
    assert wrong.startswith(f"wrong: {generation(Path('index')) / 'suggestions.json'}: sha256 ")
    assert advice == "to do: rebuild with: vraagbaak index"
    assert len(run("check", "--json").json["problems"]) == 1


# ask


def test_an_answer_is_quoted_word_for_word(aivd_index: Path, run: Run) -> None:
    text = (ROOT / "corpus" / AIVD).read_text("utf-8")

    done = run("ask", QUESTION, "--index", aivd_index, "--json")

    reply = done.json
    assert done.status == 0
    assert list(reply) == REPLY_KEYS
    assert reply["status"] == "answered"
    assert 1 <= len(reply["quotes"]) <= 3
    assert 1 <= len(reply["citations"]) <= 5
    assert [citation["number"] for citation in reply["citations"]] == [
        number for number, _ in enumerate(reply["citations"], start=1)
    ]
    assert reply["quotes"][0]["citation"] == 1
    for quote in reply["quotes"]:
        assert list(quote) == QUOTE_KEYS
        assert text[quote["start"] : quote["end"]] == quote["text"]
        assert quote["text"] in reply["text"]
    for citation in reply["citations"]:
        assert list(citation) == CITATION_KEYS
        assert citation["document_id"] == AIVD
        assert text[citation["start"] : citation["end"]] == citation["text"]


def test_the_answer_is_that_of_the_chatbot(aivd_index: Path, run: Run) -> None:
    with Chatbot.open(aivd_index) as bot:
        expected = reply_to_json(bot.reply("En de burgemeesters?", [QUESTION]))

    done = run("ask", "En de burgemeesters?", "--history", QUESTION, "--index", aivd_index, "--json")

    assert done.json == expected


def test_where_else_the_same_stands_is_told(index: Path, corpus: Path, run: Run) -> None:
    shutil.copy(corpus / AIVD, corpus / "kopie.txt")
    run("index")
    shown = run("ask", QUESTION).out
    reply = run("ask", QUESTION, "--json").json
    first = reply["citations"][0]
    assert {first["document_id"], *(place["document_id"] for place in first["other_places"])} == {
        *(AIVD, "kopie.txt")
    }
    assert (first["other_place_count"], len(reply["citations"])) == (1, 5)
    assert f"  ook in: {first['other_places'][0]['document_id']}\n" in shown


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (("--source", AIVD, "--language", "nl"), "answered"),
        (("--source", "map/", "--source", AIVD), "answered"),
        (("--source", "map/"), "abstained"),
        (("--publisher", "Algemene Inlichtingen- en Veiligheidsdienst (AIVD)"), "answered"),
        (("--publisher", "Iemand anders"), "abstained"),
        (("--licence", "geen"), "abstained"),
        (("--since", "2999-01-01"), "abstained"),
        (("--valid-on", "2025-05-03"), "answered"),
    ],
)
def test_only_the_sources_that_are_asked_for_answer(
    options: Sequence[str], status: str, aivd_index: Path, run: Run
) -> None:
    assert run("ask", QUESTION, *options, "--index", aivd_index, "--json").json["status"] == status


def test_a_day_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ask", QUESTION, "--since", "3 mei 2025"])
    assert ended.value.code == 2
    assert "'3 mei 2025' is no day; expected one as 2025-05-03" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["ask", QUESTION, "--publisher", " "])
    assert "found nothing but blanks" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask", "En de burgemeesters?", "--history", QUESTION),
        ("ask", "--history", QUESTION, "En de burgemeesters?"),
        ("ask", "--history", "Hallo", "--history", QUESTION, "En de burgemeesters?"),
    ],
)
def test_a_follow_up_is_understood_by_the_questions_before_it(
    arguments: Sequence[str], aivd_index: Path, run: Run
) -> None:
    reply = run(*arguments, "--index", aivd_index, "--json").json

    assert reply["status"] == "answered"
    assert MAYORS in reply["quotes"][0]["text"]


def test_an_answer_is_shown_with_its_source(aivd_index: Path) -> None:
    done = by_process("ask", "Wat is de rol van burgemeesters?", "--index", aivd_index)

    assert (done.status, done.err) == (0, "")
    text = (ROOT / "corpus" / AIVD).read_text("utf-8")
    start = text.index(MAYORS)
    assert (
        f"“{MAYORS}”\nBron: Met wie werken wij samen? › Lokaal bestuur\n"
        f"  {AIVD}, teken {start} tot {start + len(MAYORS)}\n"
    ) in done.out


def test_each_quote_and_passage_is_shown_with_its_place_and_address(
    corpus: Path, tmp_path: Path, run: Run
) -> None:
    provenance = corpus / "bronnen.toml"
    titled = '\ntitle = "Met wie werken wij samen?"\n'
    whole = provenance.read_text("utf-8")
    provenance.write_text(whole.replace(titled, titled + 'url = "https://a.example/met-wie"\n', 1), "utf-8")
    at = ("--index", tmp_path / "own-index")
    assert run("index", "--corpus", corpus, *at).status == 0
    for question in ("Met welke landen werkt de Counter Terrorism Group samen?", QUESTION, NEAR):
        reply, shown = run("ask", question, *at, "--json").json, run("ask", question, *at).out
        told = reply["quotes"] or reply["citations"]
        assert told
        places = [
            f"  {AIVD}, teken {one['start']} tot {one['end']} (https://a.example/met-wie)" for one in told
        ]
        assert [line for line in shown.splitlines() if line.startswith(f"  {AIVD}")] == places
        of_whom = "  Algemene Inlichtingen- en Veiligheidsdienst (AIVD)"
        assert shown.splitlines().count(of_whom) == len(places)
        without = [line for line in shown.splitlines() if line not in (*places, of_whom)]
        assert "\n".join(without).startswith(reply["text"])


def test_an_answer_is_explained(aivd_index: Path, run: Run) -> None:
    asked = ("ask", "Wat is de rol van burgemesters?", "--index", aivd_index)
    plain, done = run(*asked), run(*asked, "--explain")

    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(plain.out + "\nWaarom\n------\nBeide oordelen zijn ja: ")
    assert "\nVervangen: burgemesters → Burgemeesters\n" in done.out
    assert "\n1. Met wie werken wij samen? › Lokaal bestuur (geciteerd)\n" in done.out
    assert max(map(len, done.out.removeprefix(plain.out).splitlines())) <= 100


def test_an_explanation_as_json_is_one_key_more(aivd_index: Path, run: Run) -> None:
    asked = ("ask", "En de burgemeesters?", "--history", QUESTION, "--index", aivd_index, "--json")
    plain, explained = run(*asked).json, run(*asked, "--explain").json

    assert list(explained) == [*REPLY_KEYS, "explanation"]
    explanation = explained.pop("explanation")
    assert explained == plain
    assert explanation["joined"] is True
    assert explanation["candidates"][0]["source_url"] == plain["citations"][0]["source_url"]


def test_silence_and_small_talk_are_explained(aivd_index: Path, run: Run) -> None:
    far = run("ask", FAR, "--index", aivd_index, "--explain").out
    assert "\nGeen zin ligt dicht genoeg bij de vraag: de beste zin haalt -" in far
    assert "Dit oordeel telde niet meer: het vorige was al nee.\n" in far
    talk = run("ask", "Bedankt!", "--index", aivd_index, "--explain").out
    assert talk == (
        "Graag gedaan. Heeft u nog een vraag?\n\nWaarom\n------\n"
        "Als praatje herkend (een bedankje): er is niet in de bronnen gezocht.\n"
    )


def test_asking_imports_nothing_that_other_commands_need(aivd_index: Path) -> None:
    program = f"""
        import sys
        from retrieval.cli import main
        main(["ask", {QUESTION!r}, "--index", {str(aivd_index)!r}])
        needless = ("retrieval.corpus", "retrieval.evaluation", "retrieval.web", "jinja2", "tqdm", "torch")
        print([name for name in needless if name in sys.modules])
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=True,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_garbage_is_collected_again_after_a_command(aivd_index: Path, run: Run) -> None:
    run("ask", QUESTION, "--index", aivd_index)
    assert gc.isenabled()
    run("ask", QUESTION, "--index", aivd_index / "nowhere")
    assert gc.isenabled()


def test_an_abstention_is_an_answer_too(aivd_index: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRAAGBAAK_CONTACT_TEXT", "Bel met de gemeente")
    monkeypatch.setenv("VRAAGBAAK_CONTACT_URL", "tel:14010")
    suggestions = [
        QUESTION,
        "Hoe onderhoudt de AIVD contact met het Openbaar Ministerie?",
        "Wat doet de NCTV?",
    ]

    done = run("ask", FAR, "--index", aivd_index, "--json")

    reply = done.json
    assert done.status == 0
    assert list(reply) == REPLY_KEYS
    assert len(reply.pop("id")) == 16
    assert reply == {
        "status": "abstained",
        "text": "Dat staat niet in deze bronnen.\n\nBel met de gemeente tel:14010",
        "quotes": [],
        "citations": [],
        "suggestions": suggestions,
        "contact": {"text": "Bel met de gemeente", "url": "tel:14010"},
        "notice": None,
    }
    shown = run("ask", FAR, "--index", aivd_index)
    assert (shown.status, shown.err) == (0, "")
    assert shown.out == (
        "Dat staat niet in deze bronnen.\n\nBel met de gemeente tel:14010\n\nU kunt bijvoorbeeld vragen:\n"
        + "".join(f"- {one}\n" for one in suggestions)
    )


def test_small_talk(aivd_index: Path, run: Run) -> None:
    done = run("ask", "Bedankt!", "--index", aivd_index, "--json")

    reply = done.json
    assert done.status == 0
    assert len(reply.pop("id")) == 16
    assert reply == {
        "status": "smalltalk",
        "text": "Graag gedaan. Heeft u nog een vraag?",
        "quotes": [],
        "citations": [],
        "suggestions": [],
        "contact": None,
        "notice": None,
    }


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("", "Typ eerst een vraag."),
        (" \t\n\u00a0", "Typ eerst een vraag."),
        ("a" * 501, "Uw vraag is 501 tekens lang. Maak hem korter: hoogstens 500 tekens."),
        ("Wat is \x07dit?", NO_TEXT),
        ("Wat is \x9bdit?", NO_TEXT),
        (os.fsdecode(b"Welk caf\xe9?"), NO_TEXT),
    ],
)
def test_a_question_outside_the_limits(question: str, message: str, aivd_index: Path, run: Run) -> None:
    assert run("ask", question, "--index", aivd_index).failure == message


def test_an_earlier_question_outside_the_limits(aivd_index: Path, run: Run) -> None:
    assert run("ask", QUESTION, "--history", "Wat is \x07dit?", "--index", aivd_index).failure == NO_TEXT


def test_blanks_around_a_question_do_not_count(aivd_index: Path, run: Run) -> None:
    assert run("ask", f"  {'a' * 500}\n", "--index", aivd_index).status == 0


def test_more_history_than_is_read(aivd_index: Path, run: Run) -> None:
    history = [word for _ in range(11) for word in ("--history", QUESTION)]

    assert run("ask", QUESTION, *history, "--index", aivd_index).failure == (
        "Er zijn 11 eerdere vragen meegestuurd. Stuur er hoogstens 10 mee."
    )


def test_html_in_a_question_is_text(aivd_index: Path, run: Run) -> None:
    question = "<b>Wie</b> krijgt informatie van de <a href='javascript:alert(1)'>AIVD</a>?"

    done = run("ask", question, "--index", aivd_index, "--json")

    assert done.status == 0
    assert list(done.json) == REPLY_KEYS
    assert "<" not in done.out


# an index that cannot be used


def test_without_an_index_it_says_how_to_make_one() -> None:
    for command in (["ask", QUESTION], ["ask", QUESTION, "--json"]):
        assert by_process(*command).failure == (
            "index: no index here (CURRENT is missing); rebuild with: vraagbaak index"
        )


def test_an_index_of_another_embedder(tmp_path: Path, run: Run) -> None:
    embedder = LengthEmbedder()
    update_index(read_corpus(ROOT / "corpus"), tmp_path / "index", lambda: embedder, embedder.fingerprint)
    fingerprint = known_fingerprint(DEFAULT_EMBEDDER, None, None)
    assert fingerprint is not None

    assert run("ask", QUESTION).failure == (
        f"{generation(Path('index')) / 'manifest.json'}: made with embedder length-1, "
        f"but VRAAGBAAK_EMBEDDER asks for {fingerprint[:60]}…; "
        "set VRAAGBAAK_EMBEDDER to the embedder of the index, or rebuild with: vraagbaak index"
    )


def test_an_index_of_the_default_is_refused_before_another_embedder_is_loaded(
    index: Path, judged: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(*_: object) -> None:
        raise AssertionError("the embedder was loaded")

    monkeypatch.setenv("VRAAGBAAK_EMBEDDER", "voorbeeld/model")
    monkeypatch.setattr("retrieval.embedding.open_query_embedder", loaded)

    for command in (["ask", QUESTION], ["evaluate", judged]):
        assert "but VRAAGBAAK_EMBEDDER asks for voorbeeld/model; " in run(*command).failure


def test_an_index_of_another_prompt(index: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRAAGBAAK_QUERY_PROMPT", "vraag: ")
    made = known_fingerprint(DEFAULT_EMBEDDER, None, None)
    asked = known_fingerprint(DEFAULT_EMBEDDER, "vraag: ", None)
    assert made is not None
    assert asked is not None

    failure = run("ask", QUESTION).failure
    assert f"made with embedder {made[:60]}…, but VRAAGBAAK_EMBEDDER asks for {asked[:60]}…" in failure


def test_an_index_of_another_schema_version(index: Path, run: Run) -> None:
    path = generation(index) / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**manifest, "schema_version": 999}), "utf-8")

    assert run("ask", QUESTION, "--index", index).failure == (
        f"{path}: schema version 999, expected {SCHEMA_VERSION}; rebuild with: vraagbaak index"
    )


def test_an_index_with_a_truncated_faiss_file(index: Path, corpus: Path, run: Run) -> None:
    path = generation(index) / "passages.faiss"
    whole = path.stat().st_size
    os.truncate(path, whole // 2)

    assert run("ask", QUESTION, "--index", index).failure == (
        f"{path}: {whole // 2} bytes, expected {whole}; rebuild with: vraagbaak index"
    )
    assert run("index", "--json").json["reused"] == 13
    assert run("ask", QUESTION, "--json").json["status"] == "answered"


@pytest.mark.parametrize("name", ["20200101T000000000000Z-00000000", "", "../generations"])
def test_an_index_whose_current_names_nothing(name: str, index: Path, run: Run) -> None:
    left = generation(index).name
    (index / "CURRENT").write_text(f"{name}\n", "utf-8")

    failure = run("ask", QUESTION, "--index", index).failure
    assert failure == (
        f"{index / 'CURRENT'}: names {name!r}, expected the name of a folder in {index / 'generations'}; "
        f"rebuild with: vraagbaak index; until then: vraagbaak index --rollback {left}"
    )
    assert run("check", "--index", index).failure == failure


def test_a_server_without_corpus_and_index_does_not_start(run: Run) -> None:
    assert run("serve").failure == "corpus folder corpus does not exist: make it and put texts in it"


# evaluate


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """Three judged questions about the AIVD page."""
    return written(
        tmp_path / "vragen.jsonl",
        {
            "id": "1",
            "kind": "followup",
            "history": [QUESTION],
            "question": "En de burgemeesters?",
            "gold": [MAYORS],
            "answerable": True,
        },
        {"id": "2", "kind": "far", "history": [], "question": FAR, "gold": [], "answerable": False},
        {"id": "3", "kind": "smalltalk", "history": [], "question": "Hallo", "gold": [], "answerable": False},
    )


def test_judged_questions_are_evaluated(judged: Path, aivd_index: Path, run: Run) -> None:
    done = run("evaluate", judged, "--index", aivd_index, "--json")

    right, wrong = {"value": 1.0, "low": 1.0, "high": 1.0}, {"value": 0.0, "low": 0.0, "high": 0.0}
    assert done.status == 0
    assert done.json == {
        "set": "vragen",
        "questions": 3,
        "measures": {
            "passage@1": right,
            "passage@3": right,
            "quote": right,
            "false_refusal": wrong,
            "correct_refusal": right,
            "smalltalk": right,
        },
        "kinds": {
            "followup": {"passage@1": 1.0, "passage@3": 1.0, "quote": 1.0, "false_refusal": 0.0},
            "far": {"correct_refusal": 1.0},
            "smalltalk": {"smalltalk": 1.0},
        },
    }


def test_an_evaluation_is_shown_as_a_table(judged: Path, aivd_index: Path, run: Run) -> None:
    done = run("evaluate", judged, "--index", aivd_index)

    assert (done.status, done.err) == (0, "")
    assert done.out == (
        "vragen: 3 questions\n\n"
        "| measure | all | 95 % interval | followup | far | smalltalk |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| passage@1 | 1.000 | 1.000 - 1.000 | 1.000 |  |  |\n"
        "| passage@3 | 1.000 | 1.000 - 1.000 | 1.000 |  |  |\n"
        "| quote | 1.000 | 1.000 - 1.000 | 1.000 |  |  |\n"
        "| false_refusal | 0.000 | 0.000 - 0.000 | 0.000 |  |  |\n"
        "| correct_refusal | 1.000 | 1.000 - 1.000 |  | 1.000 |  |\n"
        "| smalltalk | 1.000 | 1.000 - 1.000 |  |  | 1.000 |\n"
    )


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """A BEIR folder of three documents and two questions."""
    folder = tmp_path / "dieren"
    written(
        folder / "corpus.jsonl",
        {"_id": "kat", "title": "Katten", "text": "De kat slaapt overdag.\n\nHij eet vis."},
        {"_id": "fiets", "title": "", "text": "Een lekke band plakt u met een pleister van rubber."},
        {"_id": "brood", "title": "Bakken", "text": "Brood gaat een half uur in een hete oven."},
    )
    written(
        folder / "queries.jsonl",
        {"_id": "q1", "text": "Hoe repareer ik de band van mijn fiets?"},
        {"_id": "q2", "text": "Hoe lang moet brood in de oven?"},
    )
    (folder / "qrels").mkdir()
    (folder / "qrels/test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\tfiets\t1\nq2\tbrood\t1\n", "utf-8"
    )
    return folder


RIGHT = {"value": 1.0, "low": 1.0, "high": 1.0}
NONE = {"value": 0.0, "low": 0.0, "high": 0.0}


def test_a_beir_folder_is_evaluated_without_touching_the_index(
    animals: Path, tmp_path: Path, run: Run
) -> None:
    done = run("evaluate", animals, "--json")

    assert done.status == 0
    assert json.loads(done.out) == {
        "set": "dieren",
        "questions": 2,
        "measures": {"nDCG@10": RIGHT, "MRR@10": RIGHT, "Recall@5": RIGHT},
        "kinds": {"question": {"nDCG@10": 1.0, "MRR@10": 1.0, "Recall@5": 1.0}},
    }
    assert not (tmp_path / "index").exists()


def test_rankings_are_compared_on_one_index(animals: Path, run: Run) -> None:
    written(animals / "kort.jsonl", {"_id": "q2", "text": "brood"}, {"_id": "q1", "text": "tweewieler"})
    asked = ("evaluate", animals, "--queries", "kort.jsonl", "--ranking", "bm25", "--ranking", "dense")

    bm25, dense = json.loads(run(*asked, "--json").out)

    assert (bm25["ranking"], bm25["set"], bm25["questions"]) == ("bm25", "dieren/kort", 2)
    assert "difference" not in bm25
    assert dense["ranking"] == "dense"
    assert dense["difference"].keys() == dense["measures"].keys() == bm25["measures"].keys()
    assert dense["difference"]["MRR@10"]["value"] == pytest.approx(
        dense["measures"]["MRR@10"]["value"] - bm25["measures"]["MRR@10"]["value"]
    )
    table = run(*asked).out.splitlines()
    assert table[2] == "| measure | ranking | all | 95 % interval | less bm25 | 95 % interval | question |"
    assert [row.split(" | ")[:2] for row in table[4:6]] == [["| nDCG@10", "bm25"], ["| nDCG@10", "dense"]]
    assert all(row.count("|") == 8 for row in table[2:])


def test_rankings_are_compared_on_judged_questions(judged: Path, aivd_index: Path, run: Run) -> None:
    asked = ("evaluate", judged, "--index", aivd_index, "--ranking", "fused", "--ranking", "rrf", "--json")

    fused, rrf = run(*asked).json

    assert fused.pop("ranking") == "fused"
    assert fused == run("evaluate", judged, "--index", aivd_index, "--json").json
    assert rrf["difference"]["correct_refusal"] == NONE


def test_the_verdict_is_measured_where_questions_are_labelled(animals: Path, run: Run) -> None:
    written(
        animals / "queries.jsonl",
        {"_id": "q1", "text": "Waarmee plakt u een lekke band?"},
        {"_id": "q2", "text": "Gaat brood in een hete oven?"},
        {"_id": "q3", "text": "Wie bewaakt de grens van Mongolië?"},
        {"_id": "q4", "text": "Wat eet de kat?"},
    )
    labels = animals / "answerability.tsv"
    labels.write_text(
        "query-id\tlabel\nq1\tanswerable\nq2\tanswerable\nq3\tunanswerable-far\nq4\tdoubtful\n", "utf-8"
    )

    evaluation = json.loads(run("evaluate", animals, "--json").out)

    assert (evaluation["set"], evaluation["questions"]) == ("dieren", 3)
    assert evaluation["measures"] == {
        "nDCG@10": RIGHT,
        "MRR@10": RIGHT,
        "Recall@5": RIGHT,
        "false_refusal": NONE,
        "correct_refusal": RIGHT,
        "auc_far": RIGHT,
    }
    assert evaluation["kinds"]["unanswerable-far"] == {"correct_refusal": 1.0}
    labels.write_text("q1\tanswerable\nq2\n", "utf-8")
    assert run("evaluate", animals).failure.startswith(f"{labels}, line 2: expected query-id, a tab, and ")


def test_other_questions_than_those_of_a_folder(animals: Path, judged: Path, run: Run) -> None:
    assert run("evaluate", animals, "--queries", "typo.jsonl").failure == (
        f"{animals}: no typo.jsonl found; expected a BEIR folder with it"
    )
    assert run("evaluate", judged, "--queries", "typo.jsonl").failure == (
        f"{judged} is no folder: --queries names a file in a BEIR folder"
    )


def test_a_ranking_without_a_name(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("evaluate", "vragen.jsonl", "--ranking", "raden")
    assert ended.value.code == 2
    assert "no ranking 'raden'; expected one of fused, dense, bm25, rrf, " in capsys.readouterr().err


def test_judged_questions_that_are_missing(run: Run) -> None:
    assert run("evaluate", "vragen.jsonl").failure == (
        "vragen.jsonl cannot be read: [Errno 2] No such file or directory: 'vragen.jsonl'; "
        "expected a UTF-8 file of one JSON object a line"
    )


def test_a_folder_that_is_no_beir_folder(tmp_path: Path, run: Run) -> None:
    assert run("evaluate", tmp_path).failure == (
        f"{tmp_path}: no corpus.jsonl found; expected a BEIR folder with it"
    )


def test_threads_share_memory_where_there_is_glibc() -> None:
    assert share_memory_between_threads() == (platform.libc_ver()[0] == "glibc")


# usage and settings


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["vraag"],
        ["ask"],
        ["ask", QUESTION, "tweede"],
        ["ask", QUESTION, "--history"],
        ["evaluate"],
        ["index", "--port", "80"],
        ["serve", "--port", "acht"],
        ["serve", "--json"],
        ["index", "--list", "--rollback"],
        ["index", "--watch", "--list"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err.startswith("usage: vraagbaak")


def test_help_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    assert "{" not in capsys.readouterr().out.splitlines()[0]


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"vraagbaak {project['version']}\n"


@pytest.mark.parametrize("command", ["index", "serve"])
def test_the_folder_of_the_texts_is_an_option(command: str, run: Run) -> None:
    assert run(command, "--corpus", "teksten").failure == (
        "corpus folder teksten does not exist: make it and put texts in it"
    )


# output and stopping


def by_shell(script: str, **environment: str) -> Outcome:
    """Run a line of bash in which ``vraagbaak`` is the command; the status is the command's own."""
    done = subprocess.run(
        ["bash", "-c", f'vraagbaak() {{ "{sys.executable}" -m retrieval.cli "$@"; }}; {script}'],
        check=False,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")} | environment,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "arguments", ["ask Hallo", "ask Hallo --json", "--help", "--version", "index --help"]
)
def test_a_reader_that_has_gone_is_no_failure(arguments: str, index: Path) -> None:
    # the pipe's reader ends before anything is written
    done = by_shell(f"{{ sleep 0.2; vraagbaak {arguments}; echo $? >&2; }} | true")

    assert (done.out, done.err) == ("", "0\n")


@pytest.mark.parametrize("arguments", ["ask Hallo", "ask Hallo --json", "--help", "--version"])
def test_output_that_finds_no_room(arguments: str, index: Path) -> None:
    assert by_shell(f"vraagbaak {arguments} > /dev/full").failure == (
        "stdout cannot be written (No space left on device): make room, or send it elsewhere"
    )


def test_an_answer_is_shown_where_only_ascii_can_be(index: Path, run: Run) -> None:
    shown = by_shell(f'vraagbaak ask "{QUESTION}"', PYTHONIOENCODING="ascii")
    told = by_shell(f'vraagbaak ask "{QUESTION}" --json', PYTHONIOENCODING="ascii")

    assert (shown.status, shown.err) == (0, "")
    assert "\\u201c" in shown.out
    assert told.out.isascii()
    assert told.json == run("ask", QUESTION, "--json").json


def test_ctrl_c_while_a_command_runs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    for moment in ("_parser", "_settings", "_open_chatbot"):
        with monkeypatch.context() as patch:
            patch.setattr(f"retrieval.cli.{moment}", interrupted)
            assert run("ask", QUESTION).failure == "stopped"


def test_ctrl_c_while_the_libraries_are_loaded() -> None:
    loading = """
import sys

class Interrupted:
    def find_spec(self, name, *_):
        if name == "faiss":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from retrieval.cli import main
sys.exit(main(["ask", "wie?"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", loading],
        check=False,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    assert Outcome(done.returncode, done.stdout, done.stderr).failure == "stopped"


def test_a_setting_that_is_unknown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRAAGBAAK_INDEKS", "index")

    assert run("index").failure.startswith(
        "unknown setting VRAAGBAAK_INDEKS in the environment; expected one of VRAAGBAAK_ALLOWED_ORIGINS, "
    )


def test_an_option_that_does_not_fit(run: Run) -> None:
    assert run("serve", "--port", "70000").failure == (
        "setting 'port': Input should be less than or equal to 65535 (found 70000); set VRAAGBAAK_PORT "
        "or port in vraagbaak.toml to a value that fits (see docs/settings.md)"
    )


def test_an_option_overrules_the_environment_and_that_the_file(
    aivd_index: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vraagbaak.toml").write_text('index = "uit bestand"', "utf-8")
    found = "no index here (CURRENT is missing); rebuild with: vraagbaak index"

    assert run("ask", QUESTION).failure == f"uit bestand: {found}"
    monkeypatch.setenv("VRAAGBAAK_INDEX", "uit omgeving")
    assert run("ask", QUESTION).failure == f"uit omgeving: {found}"
    assert run("ask", QUESTION, "--index", aivd_index).status == 0


def test_an_embedder_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VRAAGBAAK_EMBEDDER", str(tmp_path / "geen model"))

    assert str(tmp_path / "geen model") in run("ask", QUESTION).failure


# --- a cross-encoder


def test_an_answer_is_of_the_passages_that_the_cross_encoder_puts_first(
    aivd_index: Path, run: Run, monkeypatch: pytest.MonkeyPatch, cross_encoder: Callable[..., Path]
) -> None:
    monkeypatch.setenv("VRAAGBAAK_RERANKER", str(cross_encoder("burgemeesters")))
    done = run("ask", QUESTION, "--index", aivd_index, "--json")
    reply = json.loads(done.out)
    assert reply["status"] == "answered"
    assert reply["quotes"][0]["text"] == MAYORS
    holding = ["burgemeesters" in citation["text"].lower() for citation in reply["citations"]]
    assert holding == sorted(holding, reverse=True)
    assert holding[0]
    scores = [citation["score"] for citation in reply["citations"]]
    assert scores == sorted(scores, reverse=True)


def test_a_beir_folder_is_evaluated_with_the_cross_encoder(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, cross_encoder: Callable[..., Path]
) -> None:
    folder = tmp_path / "dieren"
    texts = {"kat": "De kat slaapt overdag.", "hond": "De hond slaapt in zijn mand.", "vis": "De vis zwemt."}
    written(folder / "corpus.jsonl", *({"_id": key, "text": text} for key, text in texts.items()))
    written(folder / "queries.jsonl", {"_id": "q", "text": "Waar slaapt de hond?"})
    (folder / "qrels").mkdir()
    (folder / "qrels/test.tsv").write_text("q\thond\t1\n", "utf-8")
    plain = run("evaluate", folder, "--json")
    monkeypatch.setenv("VRAAGBAAK_RERANKER", str(cross_encoder("zwemt")))
    reread = run("evaluate", folder, "--json")
    # the fish comes first, and then the dog as it was
    assert json.loads(plain.out)["measures"]["MRR@10"]["value"] == 1
    assert json.loads(reread.out)["measures"]["MRR@10"]["value"] == 0.5


def test_judged_questions_are_evaluated_with_the_cross_encoder(
    aivd_index: Path, run: Run, monkeypatch: pytest.MonkeyPatch, cross_encoder: Callable[..., Path]
) -> None:
    judgment = {"id": "1", "kind": "direct", "history": [], "question": QUESTION, "answerable": True}
    path = written(aivd_index.parent / "wie.jsonl", judgment | {"gold": [MAYORS]})
    found = []
    for word in ("burgemeesters", "marechaussee"):  # in the passage of the gold sentence, and in another
        monkeypatch.setenv("VRAAGBAAK_RERANKER", str(cross_encoder(word)))
        done = run("evaluate", path, "--index", aivd_index, "--json")
        found.append(json.loads(done.out)["measures"]["passage@1"]["value"])
    assert found == [1, 0]


@pytest.mark.parametrize("command", [("ask", QUESTION), ("serve", "--port", "0")])
def test_a_cross_encoder_that_is_not_there(
    command: tuple[str, ...], index: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VRAAGBAAK_RERANKER", str(tmp_path / "geen model"))
    monkeypatch.setenv("VRAAGBAAK_CORPUS", str(ROOT / "corpus"))
    assert run(*command).failure.startswith(f"reranker {tmp_path / 'geen model'}: no such folder, expected")


def test_a_beir_folder_with_a_cross_encoder_that_is_not_there(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VRAAGBAAK_RERANKER", str(tmp_path / "geen model"))
    assert "reranker" in run("evaluate", ROOT / "tests/data/beir/overheid-faq").failure


def test_what_cannot_be_suggested_is_told_at_each_run(corpus: Path, tmp_path: Path, run: Run) -> None:
    provenance = corpus / "bronnen.toml"
    asked = '\nquestions = ["Hoe bak ik een appeltaart?", "Hoe houden ze contact?",'
    provenance.write_text(provenance.read_text("utf-8").replace("\nquestions = [", asked), "utf-8")
    for _ in range(2):
        done = run("index", "--corpus", corpus, "--index", tmp_path / "index", "--json")
        assert done.status == 0
        told = [line for line in done.err.split("\n") if line.startswith("vraagbaak: ")]
        assert told == [
            "vraagbaak: not answered, so not suggested: Hoe bak ik een appeltaart? "
            "(a question of bronnen.toml)",
            "vraagbaak: not to be understood by itself, so not suggested: Hoe houden ze contact? "
            "(a question of bronnen.toml; name in it what it is about)",
        ]


@pytest.mark.parametrize("command", ["evaluate", "calibrate"])
def test_questions_about_other_texts_are_refused(command: str, aivd_index: Path, run: Run) -> None:
    questions = ROOT / "tests" / "data" / "calibration" / "waterschap-dijken.jsonl"
    done = run(command, questions, "--index", aivd_index)
    assert "sentences that are to answer stands in the texts of the index" in done.failure
    assert not Path("verdict.json").exists()


def test_questions_with_sentences_that_the_texts_do_not_hold_are_told_of_once(
    judged: Path, aivd_index: Path, run: Run
) -> None:
    row = {"id": "x", "kind": "direct", "history": [], "question": "Slaapt de kat?", "answerable": True}
    with judged.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row | {"gold": ["De kat slaapt."]}) + "\n")
    done = run("evaluate", judged, "--index", aivd_index, "--ranking", "fused", "--ranking", "rrf")
    assert done.status == 0
    assert done.err == (
        "vraagbaak: 1 of 2 sentences that are to answer stand in no text of the index, first one of "
        "question 'x': 'De kat slaapt.'; write it as it stands there, or index the text that holds it\n"
    )


# another model, and the verdict for it


FOREIGN = "vraagbaak: the verdict (answer or not) was calibrated for another model than this one; "


def test_another_model_is_calibrated_for(
    sentence_transformer: Callable[..., Path],
    aivd_index: Path,
    corpus: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VRAAGBAAK_EMBEDDER", str(sentence_transformer({})))
    at = ("--index", "own-index")
    built = run("index", "--corpus", corpus, *at)
    assert built.status == 0
    assert built.err.count(FOREIGN) == 1

    done = run("calibrate", ROOT / "tests" / "data" / "questions" / "aivd.jsonl", *at, "--json")
    assert done.status == 0
    judge = json.loads(Path("verdict.json").read_text("utf-8"))
    manifest = json.loads((generation(Path("own-index")) / "manifest.json").read_text("utf-8"))
    assert judge["embedder"] == manifest["embedder"] != known_fingerprint(DEFAULT_EMBEDDER, None, None)
    assert json.loads(done.out) == judge | {
        "in_use": json.loads(done.out)["in_use"],
        "output": "verdict.json",
    }

    monkeypatch.setenv("VRAAGBAAK_VERDICT", "verdict.json")
    assert FOREIGN not in run("index", "--corpus", corpus, *at).err
    asked = run("ask", QUESTION, *at)  # the weights file is one that is taken for this model
    assert asked.status == 0
    assert FOREIGN not in asked.err
    monkeypatch.delenv("VRAAGBAAK_EMBEDDER")
    refused = run("ask", QUESTION, "--index", aivd_index).failure
    assert refused.startswith(f"verdict.json: calibrated for the embedder {judge['embedder'][:12]}…, ")


def test_serving_with_another_model_tells_whose_the_verdict_is(
    sentence_transformer: Callable[..., Path], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VRAAGBAAK_EMBEDDER", str(sentence_transformer({})))
    done = run("serve", "--port", "0", "--corpus", "nergens")
    assert done.status == 1
    # the library that loads the model shows a bar of its own
    told, failed = [line for line in done.err.split("\n") if line.startswith("vraagbaak: ")]
    assert told.startswith(FOREIGN)
    assert "nergens" in failed
