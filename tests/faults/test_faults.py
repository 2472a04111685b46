"""Each write of a build fails once: the index that served serves on, and the next build makes it whole.

Which writes there are is found by watching a build; a write that no fault here names fails a test.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from interrupting import EMBED, Interrupter, files_of, named
from small_index import AFTER, BEFORE, KEEP, answer, build, built_twice

from retrieval.generations import kept_generations, leftovers

QUESTIONS = "cache/questions.sqlite"
LATER = "Een paspoort kost 90 euro."
WHAT_TO_DO = "; make room or give access, then rebuild with: vraagbaak index"


def nothing(folder: Path) -> None:
    """No index was made before."""


def with_leftovers(folder: Path) -> None:
    """A build was killed before CURRENT named what it had made, another while it deleted an old one."""
    built_twice(folder)
    one = kept_generations(folder)[1]
    shutil.copytree(one, folder / "generations" / "20990101T000000000000Z-00000000")
    (folder / "NEXT").write_text("20990101T000000000000Z-00000000\n", "utf-8")
    (folder / "CURRENT.new").write_text(f"{one.name}\n", "utf-8")
    one.rename(folder / f"draft-{one.name}")


def with_damaged_cache(folder: Path) -> None:
    """The file of the vectors is something else, and SQLite left a journal beside it."""
    built_twice(folder)
    for path in [*(folder / "cache").iterdir()]:
        path.write_bytes(b"no vectors" * 100)
        path.with_name(f"{path.name}-journal").touch()


def with_unknown_questions(folder: Path) -> None:
    """The vectors of the questions that the index is asked are not kept yet."""
    built_twice(folder)
    for path in (folder / "cache").iterdir():
        if named(f"cache/{path.name}") == QUESTIONS:
            path.unlink()


SCENES: dict[str, Callable[[Path], None]] = {
    "first": nothing,
    "next": built_twice,
    "rollback": built_twice,
    "leftovers": with_leftovers,
    "cache": with_damaged_cache,
    "questions": with_unknown_questions,
}

LEXICAL = (
    "data.csc.index.npy",
    "indices.csc.index.npy",
    "indptr.csc.index.npy",
    "params.index.json",
    "vocab.index.json",
)
LEXICAL_FOLDERS = ("lexical", "letters", "document_words", "item_words", "item_letters")
WRITTEN = (
    *(f"draft/{name}/{file}" for name in LEXICAL_FOLDERS for file in LEXICAL),
    *("draft/background.npy", "draft/contexts.npy", "draft/sentences.npy", "draft/sentence_starts.npy"),
    *("draft/passage_contexts.npy", "draft/passage_documents.npy", "draft/passages.npy"),
    *("draft/item_passages.npy", "draft/same_as.npy"),
    *("draft/spelling/dutch.npy", "draft/spelling/words.json", "draft/manifest.json", "NEXT"),
)
"""Files that Python opens, and writes once."""

DAMAGED = (("remove", ""), ("remove", "-journal"), ("connect", " (2)"))
REFUSED = {
    "first": ("mkdir .", "mkdir cache", "mkdir generations"),
    "next": (
        *("open LOCK", "lock LOCK", "truncate LOCK", "write LOCK", "connect cache/vectors.sqlite"),
        *("mkdir draft", "connect draft/store.sqlite", "mkdir draft/spelling"),
        *(f"mkdir draft/{name}" for name in LEXICAL_FOLDERS),
        *(f"connect {QUESTIONS}", "connect texts.sqlite"),
        *("open draft/suggestions.json (2)", "remove draft/passages.npy"),
        *("sync draft/*", "sync draft", "sync NEXT", "sync .", "sync generations", "sync . (2)"),
        *("rename draft", "rename NEXT", "rename generations/one"),
        *("delete draft", "remove in draft", "rmdir in draft", "rmdir draft"),
    ),
    "rollback": ("open CURRENT.new", "sync CURRENT.new", "rename CURRENT.new"),
    "leftovers": (
        *("delete generations/one", "remove in generations", "rmdir in generations", "rmdir generations/one"),
        *("remove NEXT", "remove CURRENT.new"),
    ),
    "questions": (f"connect {QUESTIONS}",),
    "cache": tuple(
        f"{step} cache/{name}.sqlite{rest}" for name in ("vectors", "questions") for step, rest in DAMAGED
    ),
}
"""The steps that are refused, by the scene in which they are."""

FULL = {
    "LOCK": "write LOCK",
    "cache/vectors.sqlite": EMBED,
    QUESTIONS: f"connect {QUESTIONS}",
    "draft/store.sqlite": "connect draft/store.sqlite",
    "draft/passages.faiss": "read draft/passages.npy",  # FAISS writes it from what was read
    "draft/suggestions.json": "open draft/suggestions.json",
    **{path: f"open {path}" for path in WRITTEN},
}
"""The step from which on there is no room for a file, so that writing it fails, in whatever library."""

ALREADY_SERVES = ("sync . (2)",)
"""Steps that fail when CURRENT names the new generation already."""
HARMLESS = (
    *("rename generations/one", "delete draft", "remove in draft", "rmdir in draft", "rmdir draft"),
    "connect texts.sqlite",
)
"""Steps that do not fail the build: the new generation serves, and the next build deletes what is left.

What may be missing then is the text of before in texts.sqlite."""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for name, prepare in SCENES.items():
        folders[name] = tmp_path_factory.mktemp(name) / "index"
        prepare(folders[name])
    return folders


@pytest.fixture
def folder(scenes: dict[str, Path], request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The index of the scene, to break."""
    source, target = scenes[request.param], tmp_path / "index"
    return Path(shutil.copytree(source, target)) if source.exists() else target


def goes_on(folder: Path) -> None:
    """The next build gives the new text, and leaves nothing that does not belong there."""
    build(folder, AFTER)
    assert answer(folder) == AFTER
    assert leftovers(folder) == []
    if len(kept_generations(folder)) > KEEP:  # one that could not be deleted goes with the next new one
        build(folder, LATER)
    assert len(kept_generations(folder)) <= KEEP
    assert {path.name for path in folder.iterdir()} - {"texts.sqlite"} == {
        *("CURRENT", "LOCK", "cache", "generations"),
    }
    assert {path.name for path in (folder / "generations").iterdir()} == {
        one.name for one in kept_generations(folder)
    }


def clear(message: str, folder: Path) -> bool:
    """Whether a message names a place in the index, what was wrong there, and what to do; on one line."""
    place, _, rest = message.partition(": ")
    return (
        Path(place).is_relative_to(folder)
        and "\n" not in message
        and bool(
            re.fullmatch(
                rf"cannot be written \(.+\){WHAT_TO_DO}|cannot be locked \(.+\), expected .+; put .+", rest
            )
        )
    )


@pytest.mark.parametrize(
    ("folder", "step"),
    [(scene, step) for scene, steps in REFUSED.items() for step in steps],
    indirect=["folder"],
)
def test_a_step_that_is_refused(folder: Path, step: str, interrupter: Interrupter) -> None:
    had_index = (folder / "CURRENT").exists()
    is_rollback = step in REFUSED["rollback"]
    done = interrupter.build(folder, AFTER, refused=step, rolls_back=is_rollback)

    assert step in done["steps"]
    if step in HARMLESS:
        assert (done["outcome"], done["message"]) == ("built", "")
        assert answer(folder) == AFTER
    else:
        assert (done["outcome"], done["message"]) == ("failed", done["message"])
        assert clear(done["message"], folder), done["message"]
        if had_index:
            assert answer(folder) == (AFTER if step in ALREADY_SERVES else BEFORE)
    goes_on(folder)


@pytest.mark.parametrize(
    ("path", "folder"),
    [(path, "questions" if path == QUESTIONS else "next") for path in FULL],
    indirect=["folder"],
)
def test_a_file_that_finds_no_room(folder: Path, path: str, interrupter: Interrupter) -> None:
    done = interrupter.build(folder, AFTER, full=FULL[path])

    assert FULL[path] in done["steps"]
    assert (done["outcome"], done["message"]) == ("failed", done["message"])
    assert clear(done["message"], folder), done["message"]
    told = named(Path(done["message"].partition(": ")[0]).relative_to(folder).as_posix())
    # the folder where bm25s writes several, and where NEXT is
    assert told == path or (told == str(Path(path).parent) and (told.startswith("draft/") or path == "NEXT"))
    assert answer(folder) == BEFORE
    goes_on(folder)


@pytest.mark.parametrize(("scene", "folder"), [(name, name) for name in SCENES], indirect=["folder"])
def test_every_write_of_a_build_is_interrupted(scene: str, folder: Path, interrupter: Interrupter) -> None:
    done = interrupter.build(folder, AFTER, rolls_back=scene == "rollback")

    assert (done["outcome"], done["message"]) == ("built", "")
    steps = {step for step in done["steps"] if not step.startswith(("read ", EMBED))}
    interrupted = {*(step for steps in REFUSED.values() for step in steps), *FULL.values()}
    assert {once(step) for step in steps} <= {once(step) for step in interrupted}
    assert set(REFUSED[scene]) <= steps
    if scene == "next":
        # a folder is asked for and a cache opened several times, in the same way
        assert {
            step for step in steps if not re.fullmatch(r"(mkdir|connect) .* \(\d+\)", step)
        } <= interrupted
        opened = {step.removeprefix("open ") for step in steps if step.startswith("open ")}
        # CURRENT was written as NEXT; FAISS and SQLite open files unseen
        written = {once(path) for path in opened | files_of(folder) - {"CURRENT"}}
        assert written - {"texts.sqlite"} == FULL.keys()  # its want of room costs no build, see HARMLESS


def once(step: str) -> str:
    """A step or path without how often it came before."""
    return re.sub(r" \(\d+\)$", "", step)
