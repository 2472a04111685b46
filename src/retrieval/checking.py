"""Is the index whole? Every file against the manifest, and every passage against the text it was cut from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import BrokenIndexError
from retrieval.files import REBUILD
from retrieval.generations import (
    Manifest,
    check_hashes,
    current_generation,
    described,
    leftovers,
    list_generations,
)
from retrieval.index import Index
from retrieval.records import Document, Passage, sha256_of_text


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at in the generation that serves, what is wrong with it, and what to do; bytes in all.

    Documents and passages are looked at where the files are whole: ``documents`` and ``passages`` are 0
    otherwise. ``advice`` is empty where there are no ``problems``. ``notes`` tell of what else stands in the
    folder and cannot serve, and what becomes of it.
    """

    generation: str
    files: int
    size: int
    documents: int
    passages: int
    problems: tuple[str, ...]
    advice: str
    notes: tuple[str, ...]


def check_index(folder: Path) -> Check:
    """Read the generation that serves whole, and compare all that can be compared; the others are weighed.

    Raises BrokenIndexError where none serves, or its manifest cannot be read.
    """
    generation = current_generation(folder)
    manifest = described(generation)
    problems = [*_broken_files(generation, manifest)]
    files_are_whole = not problems
    documents = passages = 0
    if files_are_whole:
        try:
            with Index.open(folder, manifest.embedder) as index:
                documents, passages = len(index.documents()), index.store.passage_count
                problems += _broken_texts(index, manifest)
        except BrokenIndexError as error:
            problems.append(_without_advice(error))
    return Check(
        generation=generation.name,
        files=len(manifest.files),
        size=sum(entry.size for entry in manifest.files.values()),
        documents=documents,
        passages=passages,
        problems=tuple(problems),
        advice=_advice(folder, generation, manifest, files_are_whole) if problems else "",
        notes=(*_notes(folder, manifest),),
    )


def text_problems(document: Document, passages: list[tuple[int, Passage]]) -> Iterator[str]:
    """Where the passages of a document do not stand in it, word for word, at their offsets."""
    if sha256_of_text(document.text) != document.sha256:
        yield f"{document.id}: its text is not that of its sha256 {document.sha256[:12]}…"
    for id_, passage in passages:
        span = passage.span
        if document.text[span.start : span.end] != passage.text or not passage.text:
            yield f"{document.id}: passage {id_} is not what stands at {span.start} to {span.end}"
        if any(one.start < span.start or one.end > span.end for one in passage.sentences):
            yield f"{document.id}: passage {id_} at {span.start} to {span.end} has a sentence outside itself"


def _broken_files(generation: Path, manifest: Manifest) -> Iterator[str]:
    for name, entry in manifest.files.items():
        try:
            check_hashes(generation, {name: entry})
        except BrokenIndexError as error:
            yield _without_advice(error)


def _broken_texts(index: Index, manifest: Manifest) -> Iterator[str]:
    found = {entry.id: entry.sha256 for entry in index.documents()}
    expected = {id_: hashes.sha256 for id_, hashes in manifest.documents.items()}
    for id_ in sorted(found.keys() | expected.keys()):
        if found.get(id_) != expected.get(id_):
            yield f"{id_}: sha256 {found.get(id_)}, the manifest says {expected.get(id_)}"
    counted = 0
    for id_ in found:
        document, passages = index.document(id_), index.passages_of(id_)
        counted += len(passages)
        if document is not None:
            yield from text_problems(document, passages)
    if counted != manifest.passages:
        yield f"{counted} passages belong to a document, the manifest says {manifest.passages}"


def _advice(folder: Path, generation: Path, manifest: Manifest, files_are_whole: bool) -> str:
    """What makes it whole again; another generation, if one is there, serves while that is done."""
    # a build takes what is whole to the last byte for good
    anew = f"delete {generation}, then {REBUILD}" if files_are_whole else REBUILD
    others = [
        one for one in list_generations(folder, manifest.embedder) if not one.serves and not one.problem
    ]
    if not others:
        return anew
    return f"{anew}; until then bring back another with: vraagbaak index --rollback {others[0].name}"


def _notes(folder: Path, manifest: Manifest) -> Iterator[str]:
    left = leftovers(folder)
    for path in left:
        yield f"{path}: of a build that was killed, or is under way; the next vraagbaak index clears it"
    names = {path.name for path in left}
    for one in list_generations(folder, manifest.embedder):
        if one.problem and not one.serves and one.name not in names:
            problem = one.problem.removesuffix(f"; {REBUILD}")
            yield f"{problem}; {one.name} cannot be brought back, and goes when newer ones take its place"


def _without_advice(error: BrokenIndexError) -> str:
    return str(error).removesuffix(f"; {REBUILD}")
