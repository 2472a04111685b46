"""Files are read in a process of their own: what stalls, fills or kills it is told, and the next is read."""

import ast
import io
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from textwrap import dedent

import pytest
from packaging.requirements import Requirement

from retrieval.corpus import Skipped, read_corpus
from retrieval.errors import CorpusError, UnreadableFileError
from retrieval.parsing import PARSERS, Limits, Parser, readers_fingerprint
from retrieval.readers.content import MAX_BLOCKS, MAX_TEXT_CHARACTERS, Content, bounded
from retrieval.readers.formats import READERS
from retrieval.records import Provenance

FORMATS = Path(__file__).parent / "data" / "formats"
SOURCE = Path(__file__).parents[1] / "src"
LIMITS = Limits(seconds=2, memory=300_000_000)

OBEDIENT = dedent("""
    import ctypes, os, signal, sys, time
    from retrieval.readers.plain_text import read_plain_text
    from retrieval.readers.worker import serve

    def read(data):
        match data.decode().split():
            case ["slaap"]:
                while True: time.sleep(60)
            case ["reken"]:
                sum(range(10 ** 15))
            case ["geheugen"]:
                bytearray(10 ** 9)
            case ["dood"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["adres"]:
                ctypes.string_at(0)
            case ["einde"]:
                os._exit(5)
            case ["onzin"]:
                os.write(3, b"geen antwoord")
                os.closerange(0, 256)
                time.sleep(60)
            case ["schrijf"]:
                print("Op stdout."); os.write(1, b"Op stdout."); os.write(2, b"Op stderr.")
            case ["bestand"]:
                os.write(os.memfd_create("bestand"), b"x")
            case ["omgeving"]:
                return read_plain_text("\\n".join(sorted(os.environ)))
            case ["fout"]:
                raise KeyError("plek")
            case ["half"]:
                return read_plain_text("Een half teken: \\ud83d.")
        return read_plain_text(data.decode())

    serve({".txt": read}, int(sys.argv[1]))
    """)
"""A program whose reader does what the file says, and is held by the same limits as ours."""

DO = "save it anew with the program that made it"


def written(folder: Path, *words: str) -> list[Path]:
    paths = []
    for number, word in enumerate(words):
        paths.append(folder / f"{number}.txt")
        paths[-1].write_text(word, encoding="utf-8")
    return paths


def children(process: int) -> set[int]:
    return {
        int(child)
        for tasks in Path(f"/proc/{process}/task").glob("*/children")
        for child in tasks.read_text("ascii").split()
    }


def has_ended(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def ends(process: int) -> bool:
    return in_time(lambda: has_ended(process))


def in_time(happens) -> bool:
    until = time.monotonic() + 20
    while not happens():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


# What is read


@pytest.mark.parametrize(
    "name", ["verslag.pdf", "reisdocumenten.docx", "inhoud.md", "verslag-met-scan.pdf", "tarieven.pdf"]
)
def test_what_comes_over_is_what_the_reader_made(name: str) -> None:
    path = FORMATS / name
    with Parser() as parser:
        assert parser.read(path) == READERS[path.suffix].read(path.read_bytes())


def test_one_process_reads_all_and_ends_with_the_parser(tmp_path: Path) -> None:
    before = children(os.getpid())
    with Parser() as parser:
        with pytest.raises(UnreadableFileError, match=r"the format \.odt cannot be read"):
            parser.read(tmp_path / "a.odt")
        assert children(os.getpid()) == before
        read = [parser.read(path).text for path in written(tmp_path, "Een.", "Twee.", "Drie.")]
        assert read == ["Een.", "Twee.", "Drie."]
        (started,) = children(os.getpid()) - before
    assert has_ended(started)


def test_names_and_folders_come_over_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    (folder / 'é "1"\n.txt').write_text("Gelezen.", encoding="utf-8")
    monkeypatch.chdir(folder)
    with Parser() as parser:
        assert parser.read(Path('é "1"\n.txt')).text == "Gelezen."


def test_a_file_that_is_not_there_or_not_open_is_told(tmp_path: Path) -> None:
    with Parser() as parser, pytest.raises(UnreadableFileError, match="cannot be opened"):
        parser.read(tmp_path / "weg.txt")


@pytest.mark.parametrize(
    ("suffix", "most", "advice"),
    [
        (".txt", 10_000_000, "cut the text into smaller files"),
        (".md", 10_000_000, "cut the text into smaller files"),
        (".html", 20_000_000, "save the page without the pictures in it, or its text as .txt or .md"),
        (".docx", 50_000_000, "compress the pictures in it (Picture Format in Word), or cut it up"),
        (".pdf", 100_000_000, "save it anew with smaller pictures, or cut it into parts"),
    ],
)
def test_each_format_has_its_own_greatest_size(tmp_path: Path, suffix: str, most: int, advice: str) -> None:
    path = tmp_path / f"groot{suffix}"
    path.touch()
    os.truncate(path, most + 1)
    with Parser() as parser, pytest.raises(UnreadableFileError) as caught:
        parser.read(path)
    assert str(caught.value) == f"{most + 1:,} bytes is too large, expected at most {most:,}: {advice}"


# What does harm


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("slaap", f"reading it took more than 2 seconds: cut it into smaller files, or {DO}"),
        ("reken", f"reading it took more than 2 seconds: cut it into smaller files, or {DO}"),
        ("geheugen", f"reading it took more than 300 MB of memory: cut it into smaller files, or {DO}"),
        (
            "dood",
            "reading it ended the process that did so (SIGKILL): it is damaged, or made to do harm; "
            f"{DO}, or remove it",
        ),
        (
            "adres",
            "reading it ended the process that did so (SIGSEGV): it is damaged, or made to do harm; "
            f"{DO}, or remove it",
        ),
        (
            "einde",
            "reading it ended the process that did so (exit status 5): it is damaged, or made to do harm; "
            f"{DO}, or remove it",
        ),
        (
            "onzin",
            "reading it ended the process that did so (SIGKILL): it is damaged, or made to do harm; "
            f"{DO}, or remove it",
        ),
        ("fout", "its reader failed on it (KeyError: 'plek'): save it anew, or in another format"),
        (
            "half",
            "its reader failed on it (UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud83d' in "
            "position 112: surrogates not allowed): save it anew, or in another format",
        ),
        (
            "bestand",
            "its reader failed on it (OSError: [Errno 27] File too large): save it anew, "
            "or in another format",
        ),
    ],
)
def test_what_a_file_does_is_told_and_the_rest_is_read(tmp_path: Path, word: str, reason: str) -> None:
    written(tmp_path, "Ervoor.", word, "Erna.", word)
    with Parser(limits=LIMITS, program=("-c", OBEDIENT)) as parser:
        reading = read_corpus(tmp_path, parser)
    assert [document.text for document in reading.documents] == ["Ervoor.", "Erna."]
    assert reading.skipped == (Skipped("1.txt", reason), Skipped("3.txt", reason))


def bomb() -> bytes:
    """A .docx whose text says that it has 1,000 bytes, and unpacks to 1 GB."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(FORMATS / "reisdocumenten.docx") as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
    ):
        for name in source.namelist():
            if name != "word/document.xml":
                target.writestr(name, source.read(name))
        with target.open("word/document.xml", "w") as text:
            for _ in range(1000):
                text.write(bytes(1_000_000))
    size = (1_000_000_000).to_bytes(4, "little")
    assert packed.getvalue().count(size) == 2  # in front of the file, and in the directory
    return packed.getvalue().replace(size, (1000).to_bytes(4, "little"))


def test_hostile_files_do_not_keep_the_others_from_being_read(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(bomb())
    (tmp_path / "b.html").write_text("<div></x>" * 200_000 + "diep", encoding="utf-8")  # seems to close
    (tmp_path / "c.html").write_text("<p>Een gewone pagina.", encoding="utf-8")
    with Parser(limits=LIMITS) as parser:
        reading = read_corpus(tmp_path, parser)
    assert [document.text for document in reading.documents] == ["Een gewone pagina."]
    assert [(one.path, one.reason.partition(":")[0]) for one in reading.skipped] == [
        ("a.docx", "reading it took more than 300 MB of memory"),
        ("b.html", "reading it took more than 2 seconds"),
    ]


def test_a_process_that_is_killed_between_two_files_is_replaced(tmp_path: Path) -> None:
    before = children(os.getpid())
    first, second = written(tmp_path, "Een.", "Twee.")
    with Parser() as parser:
        assert parser.read(first).text == "Een."
        (started,) = children(os.getpid()) - before
        os.kill(started, signal.SIGKILL)
        assert ends(started)
        assert parser.read(second).text == "Twee."


def test_a_process_that_does_not_begin_is_told_with_what_to_run(tmp_path: Path) -> None:
    (path,) = written(tmp_path, "Een.")
    with (
        Parser(limits=LIMITS, program=("-c", "raise SystemExit(3)")) as parser,
        pytest.raises(CorpusError) as caught,
    ):
        parser.read(path)
    assert str(caught.value) == (
        "the process that reads files did not begin (exit status 3); to see why, run: "
        f"{sys.executable} -P -B -c raise SystemExit(3) 300000000"
    )


@pytest.mark.parametrize(
    ("suffix", "head", "one"), [(".txt", "", "a.\n\n"), (".csv", "vraag;antwoord\n", "a;b\n")]
)
def test_more_blocks_than_a_file_may_give_do_not_come_over(
    tmp_path: Path, suffix: str, head: str, one: str
) -> None:
    (tmp_path / f"veel{suffix}").write_text(head + one * (MAX_BLOCKS + 1), encoding="utf-8")
    (tmp_path / "weinig.md").write_text("Een gewone tekst.", encoding="utf-8")
    reading = read_corpus(tmp_path)
    assert [document.id for document in reading.documents] == ["weinig.md"]
    assert reading.skipped == (
        Skipped(f"veel{suffix}", "more than 100,000 paragraphs: cut it into smaller files"),
    )


def test_as_many_blocks_and_characters_as_a_file_may_give_come_over(tmp_path: Path) -> None:
    (path,) = written(tmp_path, "\n\n".join(["a."] * MAX_BLOCKS))
    with Parser() as parser:
        assert len(parser.read(path).blocks) == MAX_BLOCKS
    too_long = Content("a" * (MAX_TEXT_CHARACTERS + 1), None, ())
    with pytest.raises(UnreadableFileError, match="more than 10,000,000 characters of text: cut it"):
        bounded(too_long)
    assert bounded(replace(too_long, text=too_long.text[1:])).text == too_long.text[1:]


def test_values_of_a_file_that_cannot_be_shown_do_not_come_over(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(
        f"---\ntitle: {'t' * 501}\nuitgever: Ede\u202e\nversie: 2\x1b[2J\nurl: https://a.nl/{'u' * 2000}\n"
        "datum: 2025-01-31\n---\nTekst.\n",
        encoding="utf-8",
    )
    with Parser() as parser:
        content = parser.read(path)
    assert (content.title, content.known) == (None, Provenance(date="2025-01-31"))


# What the process is kept from


def test_what_a_library_prints_reaches_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (path,) = written(tmp_path, "schrijf")
    with Parser(limits=LIMITS, program=("-c", OBEDIENT)) as parser:
        assert parser.read(path).text == "schrijf"
    assert capfd.readouterr() == ("", "")


def test_no_key_of_the_environment_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRAAGBAAK_SLEUTEL", "geheim")
    monkeypatch.setenv("LANG", "C.UTF-8")
    (path,) = written(tmp_path, "omgeving")
    with Parser(limits=LIMITS, program=("-c", OBEDIENT)) as parser:
        named = set(parser.read(path).text.split("\n"))
    assert "LANG" in named
    assert named <= {"LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONPATH"}


WATCHED = dedent("""
    import os, sys
    from retrieval.readers.formats import READERS
    from retrieval.readers.plain_text import read_plain_text
    from retrieval.readers.worker import serve

    def watch(event, arguments):
        if event.startswith("socket.") or event in ("subprocess.Popen", "os.fork", "os.posix_spawn"):
            os._exit(99)
    sys.addaudithook(watch)

    def then_modules(read):
        def both(data):
            assert read(data).blocks
            return read_plain_text("\\n".join(sys.modules))
        return both

    serve({suffix: then_modules(known.read) for suffix, known in READERS.items()}, int(sys.argv[1]))
    """)


def test_it_connects_to_nothing_and_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>Tekst.<img src='http://localhost/a.png'>", encoding="utf-8")
    names = ("verslag.pdf", "reisdocumenten.docx", "inhoud.md")
    with Parser(program=("-c", WATCHED)) as parser:
        for path in (tmp_path / "a.html", *(FORMATS / name for name in names)):
            imported = set(parser.read(path).text.split("\n"))
    assert {"selectolax", "docx", "pypdfium2", "markdown_it"} <= imported
    heavy = {"torch", "numpy", "pydantic", "sqlite3", "gradio", "openvino", "faiss", "asyncio"}
    assert imported & heavy == set()


# What is kept


def test_what_is_unchanged_is_read_once_and_needs_no_process(tmp_path: Path) -> None:
    before = children(os.getpid())
    for _ in range(2):
        with Parser(tmp_path / "cache") as parser:
            first = read_corpus(FORMATS, parser)
    with Parser(tmp_path / "cache") as parser:
        assert read_corpus(FORMATS, parser) == first
        assert children(os.getpid()) == before
    assert {document.id for document in first.documents} >= {
        "verslag.pdf",
        "reisdocumenten.docx",
        "inhoud.md",
    }
    assert "scan.pdf" in {skipped.path for skipped in first.skipped}  # is no text: that is kept too


def test_where_nothing_changed_no_parser_is_imported(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from retrieval.corpus import read_corpus; "
        "from retrieval.parsing import Parser\n"
        "with Parser(Path(sys.argv[1])) as parser:\n"
        "    print(len(read_corpus(Path(sys.argv[2]), parser).documents))\n"
        "print({'selectolax', 'docx', 'lxml', 'pypdfium2', 'markdown_it', 'webencodings'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "cache"), str(FORMATS)]
    for _ in range(2):
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env={"PYTHONPATH": str(SOURCE)}
        )
        assert re.fullmatch(r"[1-9]\d*\nset\(\)\n", done.stdout)


def test_the_same_bytes_by_another_format_or_other_bytes_are_read_anew(tmp_path: Path) -> None:
    one, other = tmp_path / "a.txt", tmp_path / "a.md"
    for path in (one, other):
        path.write_text("# Titel\n\n*Tekst*.", encoding="utf-8")
    with Parser(tmp_path / "cache") as parser:
        assert [parser.read(path).text for path in (one, other)] == ["# Titel\n\n*Tekst*.", "Titel\n\nTekst."]
        other.write_text("Anders.", encoding="utf-8")
        assert parser.read(other).text == "Anders."


def test_other_readers_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another version of Python the fingerprint is another: its modules read too."""
    (path,) = written(tmp_path, "schrijf")
    program = ("-c", OBEDIENT.replace('print("Op stdout.")', 'data = b"Tweede lezing."'))
    with Parser(tmp_path / "cache") as parser:
        assert parser.read(path).text == "schrijf"
    with Parser(tmp_path / "cache", program=program) as parser:
        assert parser.read(path).text == "schrijf"
    before = readers_fingerprint()
    monkeypatch.setattr(sys, "version", f"{sys.version} of later")
    assert readers_fingerprint() != before
    with Parser(tmp_path / "cache", program=program) as parser:
        assert parser.read(path).text == "Tweede lezing."


def test_what_another_machine_may_bear_is_tried_again(tmp_path: Path) -> None:
    (path,) = written(tmp_path, "slaap")
    for _ in range(2):
        with (
            Parser(tmp_path / "cache", Limits(0.5, 300_000_000), ("-c", OBEDIENT)) as parser,
            pytest.raises(UnreadableFileError, match=r"more than 0\.5 seconds"),
        ):
            parser.read(path)
    with Parser(tmp_path / "cache") as parser:
        assert parser.read(path).text == "slaap"


def test_a_text_that_was_taken_down_leaves_the_cache(tmp_path: Path) -> None:
    (tmp_path / "teksten").mkdir()
    written(tmp_path / "teksten", "Blijft.", "Geheim gehouden.")
    with Parser(tmp_path / "cache") as parser:
        read_corpus(tmp_path / "teksten", parser)
    (kept,) = (tmp_path / "cache").iterdir()
    assert b"Geheim gehouden." in kept.read_bytes()
    (tmp_path / "teksten" / "1.txt").unlink()
    with Parser(tmp_path / "cache") as parser:
        read_corpus(tmp_path / "teksten", parser)
    assert b"Geheim gehouden." not in kept.read_bytes()
    assert b"Blijft." in kept.read_bytes()


def test_a_reading_that_is_damaged_is_made_again(tmp_path: Path) -> None:
    (path,) = written(tmp_path, "Een.")
    for damage in (b"", b"{}", b"[", b"\xff"):
        with Parser(tmp_path / "cache") as parser:
            assert parser.read(path).text == "Een."
        with sqlite3.connect(tmp_path / "cache" / "readings.sqlite") as connection:
            assert connection.execute("UPDATE readings SET reading = ?", (damage,)).rowcount == 1
        connection.close()
    with Parser(tmp_path / "cache") as parser:
        assert parser.read(path).text == "Een."


def test_several_builds_share_the_cache(tmp_path: Path) -> None:
    (tmp_path / "teksten").mkdir()
    written(tmp_path / "teksten", *(f"Tekst {number}." for number in range(30)))

    def texts() -> list[str]:
        with Parser(tmp_path / "cache") as parser:
            return [document.text for document in read_corpus(tmp_path / "teksten", parser).documents]

    with ThreadPoolExecutor(4) as pool:
        readings = [one.result() for one in [pool.submit(texts) for _ in range(4)]]
    assert [sorted(reading) for reading in readings] == [
        sorted(f"Tekst {number}." for number in range(30))
    ] * 4


def test_builds_of_other_folders_that_drop_each_others_readings_both_go_on(tmp_path: Path) -> None:
    for name in ("een", "twee"):
        (tmp_path / name).mkdir()
        written(tmp_path / name, *(f"Tekst {number} van {name}." for number in range(10)))

    def texts(name: str) -> list[str]:
        with Parser(tmp_path / "cache") as parser:
            return [document.text for document in read_corpus(tmp_path / name, parser).documents]

    with ThreadPoolExecutor(2) as pool:
        read = list(pool.map(texts, ["een", "twee"] * 3))
    assert read == [[f"Tekst {number} van {name}." for number in range(10)] for name in ("een", "twee")] * 3


def test_every_package_that_a_reader_imports_is_in_the_fingerprint() -> None:
    homes = metadata.packages_distributions()
    imported = {
        (node.names[0].name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
        for source in (SOURCE / "retrieval" / "readers").glob("*.py")
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    packages = {homes[name][0] for name in imported - sys.stdlib_module_names - {"retrieval"}}
    brought = {
        Requirement(line).name
        for package in packages
        for line in metadata.requires(package) or ()
        if Requirement(line).marker is None
    }
    assert {"pypdfium2", "lxml"} <= packages | brought
    assert packages | (brought - {"typing-extensions", "typing_extensions"}) == set(PARSERS)


# How it ends

READING = "from pathlib import Path; from retrieval.parsing import Parser; import sys; "
SLEEPING = READING + "Parser(program=('-c', sys.argv[1])).read(Path(sys.argv[2]))"


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("word", ["slaap", "reken"])
def test_it_ends_with_its_parent_in_the_middle_of_a_file(
    tmp_path: Path, signal_: signal.Signals, word: str
) -> None:
    """A terminal sends Ctrl-C to both."""
    (path,) = written(tmp_path, word)
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPING, OBEDIENT, str(path)],
        env={"PYTHONPATH": str(SOURCE)},
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    ) as parent:
        assert in_time(lambda: children(parent.pid))
        (worker,) = children(parent.pid)
        in_time(lambda: "SigIgn" in Path(f"/proc/{worker}/status").read_text("ascii"))
        time.sleep(0.5)
        if signal_ is signal.SIGINT:
            os.killpg(parent.pid, signal_)
        else:
            os.kill(parent.pid, signal_)
        assert parent.wait(20) == -signal_
    assert ends(worker)


@pytest.mark.parametrize("way", ["a script without a guard", "stdin", "an interpreter in the folder"])
def test_programs_of_every_kind_read_a_corpus(tmp_path: Path, way: str) -> None:
    (tmp_path / "teksten").mkdir()
    written(tmp_path / "teksten", "Gelezen.")
    program = "from pathlib import Path\nfrom retrieval.corpus import read_corpus\n"
    program += "print(read_corpus(Path('teksten')).documents[0].text)\n"
    (tmp_path / "mijn.py").write_text(program, encoding="utf-8")
    arguments = {"a script without a guard": ["mijn.py"], "stdin": ["-"]}.get(way, ["-c", "import mijn"])
    done = subprocess.run(
        [sys.executable, *arguments],
        input=program if way == "stdin" else "",
        capture_output=True, text=True, check=True, cwd=tmp_path, env={"PYTHONPATH": str(SOURCE)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("Gelezen.\n", "")
