import json
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from retrieval.checking import check_index, text_problems
from retrieval.errors import BrokenIndexError
from retrieval.records import Document, Passage, Span

TEXT = "Katten\n\nDe kat eet. De kat slaapt."


@pytest.fixture
def index(aivd_index: Path, tmp_path: Path) -> Path:
    """A copy of the index of corpus/, to damage."""
    return Path(shutil.copytree(aivd_index, tmp_path / "index"))


def generation(index: Path) -> Path:
    return index / "generations" / (index / "CURRENT").read_text("utf-8").strip()


def document(text: str = TEXT) -> Document:
    return Document("katten.txt", text, sha256(TEXT.encode()).hexdigest(), "Katten", ())


def passage(start: int, end: int, text: str, *sentences: Span) -> tuple[int, Passage]:
    return 7, Passage("katten.txt", Span(start, end), text, (), sentences)


def test_a_passage_is_compared_with_its_text() -> None:
    good = passage(8, 34, "De kat eet. De kat slaapt.", Span(8, 19), Span(20, 34))
    assert [*text_problems(document(), [good])] == []
    moved = passage(9, 20, "De kat eet.", Span(9, 20))
    outside = passage(8, 19, "De kat eet.", Span(8, 19), Span(20, 34))
    assert [*text_problems(document(), [moved, outside])] == [
        "katten.txt: passage 7 is not what stands at 9 to 20",
        "katten.txt: passage 7 at 8 to 19 has a sentence outside itself",
    ]


def test_a_text_is_compared_with_its_hash() -> None:
    changed = document(TEXT.replace("eet", "zit"))
    expected = sha256(TEXT.encode()).hexdigest()[:12]
    assert [*text_problems(changed, [])] == [f"katten.txt: its text is not that of its sha256 {expected}…"]


def test_an_index_that_is_whole(aivd_index: Path) -> None:
    manifest = json.loads((generation(aivd_index) / "manifest.json").read_text("utf-8"))
    check = check_index(aivd_index)
    assert (check.problems, check.advice, check.notes) == ((), "", ())
    assert (check.generation, check.documents, check.passages) == (generation(aivd_index).name, 1, 13)
    assert check.files == len(manifest["files"])
    assert check.size == sum(entry["size"] for entry in manifest["files"].values())


def test_every_file_that_is_damaged_is_told(index: Path) -> None:
    vectors, store = generation(index) / "sentences.npy", generation(index) / "store.sqlite"
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"!")
    store.unlink()
    check = check_index(index)
    vectors_problem, store_problem = check.problems
    assert vectors_problem.startswith(f"{vectors}: sha256 ")
    assert store_problem == f"{store}: cannot be read (No such file or directory)"
    assert check.advice == "rebuild with: vraagbaak index"
    assert (check.documents, check.passages) == (0, 0)


def test_another_generation_may_serve_meanwhile(index: Path) -> None:
    older = index / "generations" / "20200101T000000000000Z-00000000"
    shutil.copytree(generation(index), older)
    (generation(index) / "store.sqlite").unlink()
    assert check_index(index).advice == (
        "rebuild with: vraagbaak index; "
        "until then bring back another with: vraagbaak index --rollback 20200101T000000000000Z-00000000"
    )


def test_a_passage_that_was_wrong_from_the_start_is_found(index: Path) -> None:
    store, path = generation(index) / "store.sqlite", generation(index) / "manifest.json"
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE passages SET text = 'De minister.' WHERE id = 3")
    manifest = json.loads(path.read_text("utf-8"))
    manifest["files"]["store.sqlite"] = {
        "size": store.stat().st_size,
        "sha256": sha256(store.read_bytes()).hexdigest(),
    }
    path.write_text(json.dumps(manifest), "utf-8")
    check = check_index(index)
    (problem,) = check.problems
    assert problem.startswith("met-wie-werken-wij-samen.txt: passage 3 is not what stands at ")
    assert check.advice == f"delete {generation(index)}, then rebuild with: vraagbaak index"


def test_what_else_stands_there_and_cannot_serve_is_told(index: Path) -> None:
    draft = index / "draft-20260101T000000000000Z"
    draft.mkdir()
    unnamed = Path(
        shutil.copytree(generation(index), index / "generations" / "20990101T000000000000Z-00000000")
    )
    (index / "NEXT").write_text(f"{unnamed.name}\n", "utf-8")
    half = Path(shutil.copytree(generation(index), index / "generations" / "20200101T000000000000Z-00000000"))
    (half / "store.sqlite").unlink()

    check = check_index(index)

    cleared = "of a build that was killed, or is under way; the next vraagbaak index clears it"
    assert (check.problems, check.advice) == ((), "")
    assert check.notes == (
        f"{draft}: {cleared}",
        f"{unnamed}: {cleared}",
        f"{index / 'NEXT'}: {cleared}",
        f"{half / 'store.sqlite'}: cannot be read (No such file or directory); "
        f"{half.name} cannot be brought back, and goes when newer ones take its place",
    )


def test_there_is_nothing_to_check_without_an_index(tmp_path: Path) -> None:
    with pytest.raises(BrokenIndexError, match="no index here"):
        check_index(tmp_path)
