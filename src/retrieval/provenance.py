"""What an editor knows of each source: ``bronnen.toml``, and a file of the same keys beside a source.

Of what is said of one file the nearest counts: the file beside it (``a.pdf.toml``), then its entry in
``bronnen.toml``, then that of its folder, then that of the folder above. What is wrong is left out and told.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from retrieval.errors import UnreadableFileError
from retrieval.readers.content import (
    bytes_of,
    decoded,
    is_address,
    is_date,
    is_language,
    is_words,
    licence_name,
)
from retrieval.records import Provenance

PROVENANCE_FILE = "bronnen.toml"
"""Where an editor writes down what is known of each text; its comment says how."""

SIDECAR = ".toml"
"""What follows the name of a file in that of the file beside it."""

MEANT_LIKENESS = 0.75
"""difflib's ratio from which a name is taken for a misspelling; short names have 0.6 by ".txt" alone."""

Mistake = tuple[str, str]
"""The file that says what is wrong, and what that is."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is said of one file, or of all in a folder, with how it and the lines of its keys are named."""

    source: str
    said: Mapping[str, Any]
    name: str
    place_of: Callable[[str], str]

    def mistake(self, key: str, what: str) -> Mistake:
        return self.source, f"{self.name}{self.place_of(key)}: {what}"


def is_sidecar(name: str) -> bool:
    """Whether a file tells of the one beside it, and is no text itself."""
    return name.endswith(SIDECAR)


def read_provenances(folder: Path, names: Sequence[str]) -> tuple[dict[str, Provenance], list[Mistake]]:
    """What is known of each file below ``folder``, and what is wrong; ``names`` are those of all files."""
    texts = [name for name in names if not is_sidecar(name)]
    entries, mistakes = _central_entries(folder / PROVENANCE_FILE, texts)
    beside, more = _sidecar_entries(folder, [name for name in names if is_sidecar(name)], set(texts))
    mistakes += more
    folders = sorted((name for name in entries if name.endswith("/")), key=len)
    provenances: dict[str, Provenance] = {}
    meanings: dict[str, tuple[str, str]] = {}
    for text in texts:
        above = [entries[name] for name in folders if name == "/" or text.startswith(name)]
        chain = [*above, *(one[text] for one in (entries, beside) if text in one)]
        if not chain:
            continue
        if text in entries and text in beside:
            mistakes += _contradictions(entries[text], beside[text])
        said = _merged(chain, mistakes)
        said["synonyms"] = _agreed(said.get("synonyms", {}), text, chain[-1], meanings, mistakes)
        provenances[text] = _provenance(said)
    return provenances, mistakes


def _central_entries(path: Path, texts: Sequence[str]) -> tuple[dict[str, _Entry], list[Mistake]]:
    """The entries of ``bronnen.toml`` by the names of files and folders."""
    if not path.exists():
        return {}, []
    try:
        text, tables = _read(path)
    except UnreadableFileError as error:
        return {}, [(PROVENANCE_FILE, f"{error}; until then nothing is known of the sources")]
    entries: dict[str, _Entry] = {}
    mistakes: list[Mistake] = []
    for name, table in tables.items():
        place_of, called = partial(_place, text, name), f"entry {name!r}, "
        if not isinstance(table, dict) or not _names_texts(name, texts):
            problem = _no_such_file(name, texts)
            mistakes.append((PROVENANCE_FILE, f"{called}{_place(text, name)}: {problem}"))
            continue
        entry = _Entry(PROVENANCE_FILE, table, called, place_of)
        entries[name] = _checked(entry, _OF_FOLDER if name.endswith("/") else _EXPECTED, mistakes)
    return entries, mistakes


def _sidecar_entries(
    folder: Path, sidecars: Sequence[str], texts: set[str]
) -> tuple[dict[str, _Entry], list[Mistake]]:
    """What stands beside the files, by their names."""
    entries: dict[str, _Entry] = {}
    mistakes: list[Mistake] = []
    for sidecar in sidecars:
        name = sidecar.removesuffix(SIDECAR)
        if name not in texts:
            problem = (
                f"there is no file {Path(name).name!r} beside it that this would tell of: "
                "give it the name of the file it tells of, with .toml behind it, or remove it"
            )
            mistakes.append((sidecar, problem))
            continue
        try:
            text, table = _read(folder / sidecar)
        except UnreadableFileError as error:
            mistakes.append((sidecar, f"{error}; until then it tells nothing of {name}"))
            continue
        entries[name] = _checked(_Entry(sidecar, table, "", partial(_line_of, text)), _EXPECTED, mistakes)
    return entries, mistakes


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """A file of TOML: its text and what that says. Raises UnreadableFileError."""
    text = decoded(bytes_of(path))
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableFileError(f"not TOML: {error}: correct that line") from error


def _names_texts(name: str, texts: Sequence[str]) -> bool:
    return name == "/" or name in texts or (name.endswith("/") and any(map(partial(_below, name), texts)))


def _below(folder: str, text: str) -> bool:
    return text.startswith(folder)


def _no_such_file(name: str, names: Sequence[str]) -> str:
    if name.endswith("/"):
        return "no file that can be read lies in such a folder: correct the name, or remove it"
    near = difflib.get_close_matches(name, names, n=1, cutoff=MEANT_LIKENESS)
    meant = f" (is {near[0]!r} meant?)" if near else ""
    return (
        f"this is not the name of a file in the corpus folder{meant}: "
        'write it as ["folder/file.txt"], between quotes, or remove it'
    )


# What an entry says


def _checked(entry: _Entry, expected: "_Expectations", mistakes: list[Mistake]) -> _Entry:
    """The entry without what is wrong in it, which is added to the mistakes."""
    said = {}
    for key, value in entry.said.items():
        if key not in expected:
            problem = f"unknown key {key!r}, expected one of {', '.join(expected)}"
        elif not expected[key][1](value):
            problem = f"{key} is {value!r}, expected {expected[key][0]}: correct it or remove it"
        else:
            said[key] = value
            continue
        mistakes.append(entry.mistake(key, problem))
    return _Entry(entry.source, _without_reversed_period(said, entry, mistakes), entry.name, entry.place_of)


def _without_reversed_period(said: dict[str, Any], entry: _Entry, mistakes: list[Mistake]) -> dict[str, Any]:
    first, last = str(said.get("valid_from", "")), str(said.get("valid_until", ""))
    if not first or not last or first <= last:
        return said
    problem = (
        f"valid_from {first} is after valid_until {last}: correct one of them; until then neither counts"
    )
    mistakes.append(entry.mistake("valid_from", problem))
    return {key: value for key, value in said.items() if key not in ("valid_from", "valid_until")}


def _contradictions(central: _Entry, beside: _Entry) -> list[Mistake]:
    """The keys that a file beside a source and its entry in ``bronnen.toml`` say differently."""
    return [
        beside.mistake(
            key,
            f"{key} is {beside.said[key]!r} here and {central.said[key]!r} in {PROVENANCE_FILE}; "
            "what stands here counts: remove one of them",
        )
        for key in beside.said
        if key in central.said and beside.said[key] != central.said[key]
    ]


def _merged(chain: Sequence[_Entry], mistakes: list[Mistake]) -> dict[str, Any]:
    """What several entries say of one file; the last counts."""
    said = {key: value for entry in chain for key, value in entry.said.items()}
    return _without_reversed_period(said, chain[-1], mistakes) if len(chain) > 1 else said


def _agreed(
    synonyms: Mapping[str, str],
    text: str,
    entry: _Entry,
    meanings: dict[str, tuple[str, str]],
    mistakes: list[Mistake],
) -> Mapping[str, str]:
    """The synonyms, or none where a name has another meaning in a text before; ``meanings`` is added to."""
    for name, meant in synonyms.items():
        known, before = meanings.get(name.lower(), (meant, text))
        if known != meant:
            problem = (
                f"{name!r} is {meant!r} here and {known!r} in entry {before!r}: "
                "a name means the same in all texts; correct one of them"
            )
            mistakes.append(entry.mistake("synonyms", problem))
            return {}
    meanings.update({name.lower(): (meant, text) for name, meant in synonyms.items()})
    return synonyms


def _provenance(said: Mapping[str, Any]) -> Provenance:
    known = {key: str(said[key]).strip() for key in _OF_FOLDER if key in said}
    if "licence" in known:
        known["licence"] = licence_name(known["licence"])
    title, url = said.get("title"), said.get("url")
    return Provenance(
        title=title and title.strip(),
        url=url,
        questions=tuple(question.strip() for question in said.get("questions", ())),
        synonyms=tuple((name.strip(), meant.strip()) for name, meant in said["synonyms"].items()),
        **known,
    )


def _is_questions(value: object) -> bool:
    return isinstance(value, list) and all(is_words(question) for question in value)


def _is_synonyms(value: object) -> bool:
    return isinstance(value, dict) and all(is_words(words) for pair in value.items() for words in pair)


_Expectations = Mapping[str, tuple[str, Callable[[object], bool]]]
"""By key what is expected, in words, and whether a value is that."""

_DAY = ("a date as 2025-01-31", is_date)
_OF_FOLDER: _Expectations = {
    "publisher": ("words between quotes", is_words),
    "licence": ('words between quotes, as "CC0-1.0"', is_words),
    "language": ('a language as "nl" or "nl-BE"', is_language),
    "date": _DAY,
    "modified": _DAY,
    "valid_from": _DAY,
    "valid_until": _DAY,
    "version": ('words between quotes, as "2.1"', is_words),
}
"""What may be said of all files in a folder at once."""

_EXPECTED: _Expectations = {
    "title": ("words between quotes", is_words),
    "url": ('an address as "https://…"', is_address),
    **_OF_FOLDER,
    "questions": ('a list as ["…?", "…?"]', _is_questions),
    "synonyms": ('pairs as {"other name" = "name in the text"}', _is_synonyms),
}


# Where it stands; tomllib itself tells no lines


def _place(text: str, table: str, key: str | None = None) -> str:
    """The line where the table or its key is found."""
    in_table = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("["):
            in_table = re.match(rf"""\s*\[\s*["']?{re.escape(table)}["']?\s*[\].]""", line) is not None
        if in_table and (key is None or _is_line_of(key, line)):
            return f"line {number}"
        if key is None and re.match(rf"""\s*["']?{re.escape(table)}["']?\s*[=.]""", line):
            return f"line {number}"
    return "somewhere"


def _line_of(text: str, key: str) -> str:
    """The line where a key of a file without tables is found."""
    lines = enumerate(text.split("\n"), 1)
    return next((f"line {number}" for number, line in lines if _is_line_of(key, line)), "somewhere")


def _is_line_of(key: str, line: str) -> bool:
    return re.match(rf"""(?:\[.*\.|\[)?\s*["']?{re.escape(key)}["']?\s*[=\]]""", line) is not None
