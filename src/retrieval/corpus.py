"""Files of a folder → Documents: what ``parsing.py`` reads of them, with their provenance.

A file that cannot be read is left out with its reason, the rest goes on.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path

from retrieval.errors import CorpusError, UnreadableFileError
from retrieval.parsing import Parser
from retrieval.provenance import is_sidecar, read_provenances
from retrieval.readers.content import Content, period_of
from retrieval.readers.formats import READERS
from retrieval.readers.plain_text import paragraphs_of
from retrieval.records import Document, Provenance, sha256_of_text

MAX_REASONS = 10
"""Reasons that one message names; a folder full of pictures needs no line for each."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that was left out: its path below the corpus folder, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a corpus folder holds, in the order of the documents' ids."""

    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]


def read_corpus(
    folder: Path, parser: Parser | None = None, progress: Callable[[int, int], None] | None = None
) -> Reading:
    """Read every file below ``folder``, except hidden ones, by ``parser`` or one for this alone.

    ``progress`` is told how many files are read by now, and how many there are.
    What is wrong in the provenance files is left out of them, and told as a file that is left out; so are
    pages without text of a file that is read.
    Raises CorpusError where the folder is missing, is not a folder or holds no file that can be read.
    """
    if not folder.exists():
        raise CorpusError(f"corpus folder {folder} does not exist: make it and put texts in it")
    if not folder.is_dir():
        raise CorpusError(f"corpus {folder} is a file, expected a folder: name the folder that holds it")
    files, skipped = _files_below(folder)
    provenances, mistakes = read_provenances(folder, [name for name, _ in files])
    files = [(name, path) for name, path in files if not is_sidecar(name)]
    documents = []
    with nullcontext(parser) if parser else Parser() as reader:
        for number, (name, path) in enumerate(files, 1):
            try:
                content = _content_of(path, reader)
                documents.append(_document(path, name, content, provenances.get(name, Provenance())))
                skipped += [Skipped(name, part) for part in content.left_out]
            except UnreadableFileError as error:
                skipped.append(Skipped(name, str(error)))
            if progress:
                progress(number, len(files))
        reader.forget_others()
    if not documents:
        raise CorpusError(_nothing_readable(folder, skipped))
    skipped += [Skipped(path, mistake) for path, mistake in mistakes]
    return Reading(tuple(documents), tuple(sorted(skipped, key=lambda left_out: left_out.path)))


def read_document(path: Path, document_id: str, provenance: Provenance) -> Document:
    """Read one file as the document ``document_id``.

    The editor's title comes before the text's own, and the file's name is used where neither is
    known. Raises UnreadableFileError.
    """
    with Parser() as parser:
        return _document(path, document_id, _content_of(path, parser), provenance)


def _merged(editors: Provenance, files_own: Provenance) -> Provenance:
    """What the editor says, and the file itself where the editor says nothing."""
    said = {part.name: getattr(editors, part.name) for part in fields(editors)}
    own = _not_against(editors, files_own)
    merged = replace(own, **{name: value for name, value in said.items() if value})
    if period_of(merged.valid_from, merged.valid_until) == (merged.valid_from, merged.valid_until):
        return merged
    return replace(merged, valid_from=editors.valid_from, valid_until=editors.valid_until)


def _not_against(editors: Provenance, files_own: Provenance) -> Provenance:
    """A file's own, without a day of publication after the editor's last change, or a change before it."""
    date, modified = files_own.date, files_own.modified
    if editors.modified and date and date > editors.modified:
        date = None
    if editors.date and modified and modified < editors.date:
        modified = None
    return replace(files_own, date=date, modified=modified)


def text_document(document_id: str, title: str, text: str) -> Document:
    """A document of plain text that comes from no file, and whose title is not a part of it."""
    return Document(document_id, text, sha256_of_text(text), title, paragraphs_of(text))


def _content_of(path: Path, parser: Parser) -> Content:
    content = parser.read(path)
    if not content.blocks:
        raise UnreadableFileError("no text to be seen in it: add text, or remove the file")
    return content


def _document(path: Path, document_id: str, content: Content, provenance: Provenance) -> Document:
    return Document(
        id=document_id,
        text=content.text,
        sha256=sha256_of_text(content.text),
        title=provenance.title or content.title or _readable(path.stem),
        blocks=content.blocks,
        provenance=_merged(provenance, content.known),
        page_starts=content.page_starts,
        anchors=content.anchors,
    )


def _files_below(folder: Path) -> tuple[list[tuple[str, Path]], list[Skipped]]:
    root = folder.resolve()
    files: list[tuple[str, Path]] = []
    skipped: list[Skipped] = []
    for path in _entries(folder, skipped):
        name = path.relative_to(folder).as_posix()
        reason = _reason_to_leave_out(path, root)
        if reason is not None:
            shown = os.fsencode(name).decode(errors="replace")
            skipped.append(Skipped(shown, reason))
        else:
            files.append((name, path))
    return sorted(files), skipped


def _entries(folder: Path, skipped: list[Skipped]) -> Iterator[Path]:
    def leave_out(error: OSError) -> None:
        name = Path(error.filename).relative_to(folder).as_posix()
        reason = f"this folder cannot be opened ({error.strerror}): allow it to be read"
        skipped.append(Skipped(name, reason))

    for parent, folders, files in os.walk(folder, onerror=leave_out):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield Path(parent, name)
        yield from (Path(parent, name) for name in folders if Path(parent, name).is_symlink())


def _reason_to_leave_out(path: Path, root: Path) -> str | None:
    try:
        path.name.encode()
        str(path.relative_to(path.anchor or ".")).encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8: rename it"
    if path.is_symlink():
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return "a link to nothing: remove it, or put the file itself here"
        if not target.is_relative_to(root):
            return "a link to outside the corpus folder: put the file itself here"
        if target.is_dir():
            return "a link to a folder: what it links to is read in its own place"
    if not path.is_file():
        return "neither a file nor a folder: move it out of the corpus folder"
    return None


def _nothing_readable(folder: Path, skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return f"corpus folder {folder} is empty: put texts in it ({', '.join(READERS)})"
    by_path = sorted(skipped, key=lambda left_out: left_out.path)
    reasons = "; ".join(f"{left_out.path}: {left_out.reason}" for left_out in by_path[:MAX_REASONS])
    more = f"; and {len(skipped) - MAX_REASONS} more" if len(skipped) > MAX_REASONS else ""
    return f"corpus folder {folder} holds no file that can be read: {reasons}{more}"


def _readable(stem: str) -> str:
    words = re.sub(r"[-_\s]+", " ", stem).strip() or stem
    return words[:1].upper() + words[1:]
