"""The index folder: which generation serves, what its manifest says, how a new one takes its place.

A generation is written aside, synced and renamed, and only then named in CURRENT: a build that
fails or is killed leaves the generation before it serving.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from retrieval.errors import BrokenIndexError
from retrieval.files import REBUILD, broken, read_json, replace_text, sha256_of, sync, writing

SCHEMA_VERSION = 9
"""Raised whenever a generation's files change: layout, embedded texts, lexical analysis, suggestions …"""

SHOWN_FINGERPRINT = 60
"""Characters of an embedder's fingerprint that a message shows."""

_CURRENT, _GENERATIONS, _LOCK, _MANIFEST = "CURRENT", "generations", "LOCK", "manifest.json"
_DRAFT = "draft-"
_NAME = re.compile(r"[0-9A-Za-z-]+")
_MADE = "%Y%m%dT%H%M%S%fZ"
"""When a generation was made, in UTC: how its name begins, so that names sort by age."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What is known of a file of a generation: bytes, and sha256 in hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DocumentHashes:
    """A document's ``sha256`` of its text, and ``record`` of all that is known of it, provenance too."""

    sha256: str
    record: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation was made of and what it consists of; ``files`` are by path inside it."""

    schema_version: int
    embedder: str
    dimension: int
    cutting_version: int
    passages: int
    sentences: int
    documents: Mapping[str, DocumentHashes]
    files: Mapping[str, FileEntry]


@dataclass(frozen=True, slots=True)
class KeptGeneration:
    """A generation on disk; ``size`` is that of its files together, in bytes, ``made`` is in UTC.

    ``documents`` and ``passages`` are 0 where ``problem`` says why it cannot be brought back.
    """

    name: str
    made: datetime
    documents: int
    passages: int
    size: int
    serves: bool
    problem: str | None = None


def current_generation(folder: Path) -> Path:
    """The folder of the generation that serves. Raises BrokenIndexError where there is none."""
    pointer = folder / _CURRENT
    try:
        name = pointer.read_text("utf-8").strip()
    except FileNotFoundError as error:
        raise broken(folder, f"no index here ({_CURRENT} is missing)") from error
    except (OSError, UnicodeDecodeError) as error:
        raise broken(pointer, f"cannot be read ({error})") from error
    generation = folder / _GENERATIONS / name
    if not _NAME.fullmatch(name) or not generation.is_dir():
        raise broken(pointer, f"names {name!r}, expected the name of a folder in {folder / _GENERATIONS}")
    return generation


def kept_generations(folder: Path) -> list[Path]:
    """Every generation on disk, the newest first."""
    return sorted(filter(_is_generation, (folder / _GENERATIONS).glob("*")), reverse=True)


def list_generations(folder: Path, fingerprint: str | None) -> list[KeptGeneration]:
    """What is known of every generation on disk, the newest first; files are weighed, but not read.

    With a ``fingerprint`` a generation of another embedder has a problem. Raises BrokenIndexError where there
    is no generation at all.
    """
    kept = kept_generations(folder)
    if not kept:
        raise broken(folder, "no index here (it keeps no generation)")
    try:
        serving = current_generation(folder).name
    except BrokenIndexError:  # each can still be brought back
        serving = ""
    return [_told_of(generation, fingerprint, generation.name == serving) for generation in kept]


def roll_back(folder: Path, fingerprint: str, name: str | None = None) -> Path:
    """Let an older generation serve again: the one called ``name``, or the one before that which serves.

    Raises BrokenIndexError, and changes nothing, where there is none such, where it was made with another
    embedder or schema or is not whole to the last byte, or where a build is under way.
    """
    kept = {generation.name: generation for generation in kept_generations(folder)}
    if not kept:
        raise broken(folder, "no index here (it keeps no generation)")
    with locked(folder):
        chosen = _older(folder, kept) if name is None else _named(folder, kept, name)
        try:
            manifest = read_manifest(chosen)
            check_embedder(chosen, manifest, fingerprint)
            check_hashes(chosen, manifest.files)
        except BrokenIndexError as error:
            raise BrokenIndexError(f"{chosen.name} was not brought back, nothing changed: {error}") from error
        with writing(folder):
            replace_text(folder / _CURRENT, f"{chosen.name}\n")
    return chosen


def read_manifest(generation: Path) -> Manifest:
    """The manifest of a generation whose files all have the size that it says.

    Raises BrokenIndexError where it is missing, damaged or of another schema version, or where a
    file is missing or of another size.
    """
    manifest = described(generation)
    for name, entry in manifest.files.items():
        _check_size(generation / name, entry.size)
    return manifest


def described(generation: Path) -> Manifest:
    """The manifest of a generation, whatever became of its files; the first three errors of read_manifest."""
    path = generation / _MANIFEST
    fields = read_json(path)
    if fields.get("schema_version") != SCHEMA_VERSION:
        raise broken(path, f"schema version {fields.get('schema_version')}, expected {SCHEMA_VERSION}")
    try:
        return _decoded(fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise broken(path, f"not a whole manifest ({error!r})") from error


def check_embedder(generation: Path, manifest: Manifest, fingerprint: str) -> None:
    """Raise BrokenIndexError where the generation was made with another embedder."""
    if manifest.embedder != fingerprint:
        raise BrokenIndexError(
            f"{generation / _MANIFEST}: made with embedder {_shown(manifest.embedder)}, "
            f"but VRAAGBAAK_EMBEDDER asks for {_shown(fingerprint)}; "
            f"set VRAAGBAAK_EMBEDDER to the embedder of the index, or {REBUILD}"
        )


def check_hashes(generation: Path, files: Mapping[str, FileEntry]) -> None:
    """Read ``files`` of the generation whole; raise BrokenIndexError where one is not what was written."""
    for name, entry in files.items():
        try:
            found = sha256_of(generation / name)
        except OSError as error:
            raise broken(generation / name, f"cannot be read ({error.strerror})") from error
        if found != entry.sha256:
            raise broken(generation / name, f"sha256 {found[:12]}…, expected {entry.sha256[:12]}…")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder against a second build; makes the folder, and clears what a killed build left.

    Raises BrokenIndexError, with the number of the process, where another build is under way.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise BrokenIndexError(
                f"{folder / _LOCK}: process {holder} is building this index; "
                "wait until it is done, or stop it"
            ) from error
        with writing(folder):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            for leftover in folder.glob(f"{_DRAFT}*"):
                shutil.rmtree(leftover)
        yield
    finally:
        os.close(descriptor)  # gives the lock back


@contextmanager
def drafted(folder: Path) -> Iterator[Path]:
    """An empty folder to write a generation in; what ``publish`` did not take away is deleted."""
    draft = folder / f"{_DRAFT}{_next_moment(folder):{_MADE}}"
    draft.mkdir()
    try:
        yield draft
    finally:
        if draft.exists():
            shutil.rmtree(draft)


def file_entries(draft: Path) -> dict[str, FileEntry]:
    """Size and hash of every file in the draft, by its path inside it."""
    paths = sorted(path for path in draft.rglob("*") if path.is_file())
    return {
        path.relative_to(draft).as_posix(): FileEntry(path.stat().st_size, sha256_of(path)) for path in paths
    }


def publish(folder: Path, draft: Path, manifest: Manifest, keep: int) -> None:
    """Make the draft the generation that serves, then delete the oldest beyond the ``keep`` that stay.

    The one that served until now stays: it may be an older one that was brought back.
    """
    encoded = json.dumps(asdict(manifest), indent=1, ensure_ascii=False).encode("utf-8")
    (draft / _MANIFEST).write_bytes(encoded)
    for path in (*draft.rglob("*"), draft):
        sync(path)
    name = f"{draft.name.removeprefix(_DRAFT)}-{hashlib.sha256(encoded).hexdigest()[:8]}"
    generation = folder / _GENERATIONS / name
    generation.parent.mkdir(exist_ok=True)
    draft.replace(generation)
    sync(generation.parent)
    served = _served(folder)
    replace_text(folder / _CURRENT, f"{name}\n")
    stay = {generation, *served}
    others = [old for old in kept_generations(folder) if old not in stay]
    for old in others[max(0, keep - len(stay)) :]:
        shutil.rmtree(old)


def _served(folder: Path) -> tuple[Path, ...]:
    try:
        return (current_generation(folder),)
    except BrokenIndexError:
        return ()


def _is_generation(path: Path) -> bool:
    try:
        return path.is_dir() and bool(_made(path))
    except ValueError:
        return False


def _next_moment(folder: Path) -> datetime:
    """Now, or just after the newest generation where the clock was set back since: names sort by age."""
    now = datetime.now(UTC)
    return max([now, *(_made(one) + timedelta(microseconds=1) for one in kept_generations(folder)[:1])])


def _made(generation: Path) -> datetime:
    return datetime.strptime(generation.name.partition("-")[0], _MADE).replace(tzinfo=UTC)


def _told_of(generation: Path, fingerprint: str | None, serves: bool) -> KeptGeneration:
    documents, passages, problem = 0, 0, None
    try:
        manifest = read_manifest(generation)
        if fingerprint is not None:
            check_embedder(generation, manifest, fingerprint)
        documents, passages = len(manifest.documents), manifest.passages
    except BrokenIndexError as error:
        problem = str(error)
    size = sum(path.stat().st_size for path in generation.rglob("*") if path.is_file())
    return KeptGeneration(generation.name, _made(generation), documents, passages, size, serves, problem)


def _older(folder: Path, kept: Mapping[str, Path]) -> Path:
    serving = current_generation(folder)
    older = [generation for name, generation in kept.items() if name < serving.name]
    if not older:
        raise BrokenIndexError(
            f"{folder / _GENERATIONS}: none older than {serving.name}, which serves; "
            f"name another (vraagbaak index --list), or {REBUILD}"
        )
    return older[0]


def _named(folder: Path, kept: Mapping[str, Path], name: str) -> Path:
    if name not in kept:
        raise BrokenIndexError(
            f"{folder / _GENERATIONS}: none is called {name!r}, expected one of {', '.join(kept)}; "
            "see: vraagbaak index --list"
        )
    return kept[name]


def _decoded(fields: dict[str, Any]) -> Manifest:
    return Manifest(
        schema_version=fields["schema_version"],
        embedder=fields["embedder"],
        dimension=fields["dimension"],
        cutting_version=fields["cutting_version"],
        passages=fields["passages"],
        sentences=fields["sentences"],
        documents={id_: DocumentHashes(**hashes) for id_, hashes in fields["documents"].items()},
        files={name: FileEntry(**entry) for name, entry in fields["files"].items()},
    )


def _check_size(path: Path, expected: int) -> None:
    try:
        found = path.stat().st_size
    except OSError as error:
        raise broken(path, f"cannot be read ({error.strerror})") from error
    if found != expected:
        raise broken(path, f"{found} bytes, expected {expected}")


def _shown(fingerprint: str) -> str:
    return fingerprint if len(fingerprint) <= SHOWN_FINGERPRINT else f"{fingerprint[:SHOWN_FINGERPRINT]}…"
