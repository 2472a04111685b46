"""What an editor knows of each source, read from ``bronnen.toml``; a wrong entry is left out and told."""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from retrieval.errors import CorpusError, UnreadableFileError
from retrieval.readers.content import bytes_of, decoded, is_date, is_words
from retrieval.records import Provenance

PROVENANCE_FILE = "bronnen.toml"
"""Where an editor writes down what is known of each text; its comment says how."""

MEANT_LIKENESS = 0.75
"""difflib's ratio from which a name is taken for a misspelling; short names have 0.6 by ".txt" alone."""


def read_provenances(path: Path, names: Sequence[str]) -> tuple[dict[str, Provenance], list[str]]:
    """What is known of each file, and what is wrong: of the whole, or one mistake an entry."""
    if not path.exists():
        return {}, []
    try:
        text = decoded(bytes_of(path))
        tables = tomllib.loads(text)
    except UnreadableFileError as error:
        return {}, [f"{error}; until then nothing is known of the sources"]
    except tomllib.TOMLDecodeError as error:
        return {}, [f"not TOML: {error}: correct that line; until then nothing is known of the sources"]
    provenances, mistakes = {}, []
    for name, table in tables.items():
        place_of = partial(_place, text, name)
        try:
            if name not in names or not isinstance(table, dict):
                raise _ProvenanceError(f"{place_of()}: {_no_such_file(name, names)}")
            provenances[name] = _provenance(table, place_of)
            _check_synonyms(name, provenances, place_of)
        except _ProvenanceError as error:
            mistakes.append(f"entry {name!r}, {error}")
    return provenances, mistakes


def _check_synonyms(name: str, provenances: dict[str, Provenance], place_of: Callable[[str], str]) -> None:
    """Raise _ProvenanceError, and forget the entry, where a name has another meaning in one before it."""
    meanings = {
        other.lower(): (meant, before)
        for before, provenance in provenances.items()
        if before != name
        for other, meant in provenance.synonyms
    }
    for other, meant in provenances[name].synonyms:
        known, before = meanings.get(other.lower(), (meant, name))
        if known != meant:
            del provenances[name]
            raise _ProvenanceError(
                f"{place_of('synonyms')}: {other!r} is {meant!r} here and {known!r} in entry {before!r}: "
                "a name means the same in all texts; correct one of them"
            )


class _ProvenanceError(CorpusError):
    """An entry of the provenance file is wrong."""


def _no_such_file(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=MEANT_LIKENESS)
    meant = f" (is {near[0]!r} meant?)" if near else ""
    return (
        f"this is not the name of a file in the corpus folder{meant}: "
        'write it as ["folder/file.txt"], between quotes, or remove it'
    )


def _provenance(table: Mapping[str, Any], place_of: Callable[[str], str]) -> Provenance:
    """One table as a record; ``place_of`` tells where a key stands, for the error."""
    for key, value in table.items():
        if key not in _EXPECTED:
            raise _ProvenanceError(
                f"{place_of(key)}: unknown key {key!r}, expected one of {', '.join(_EXPECTED)}"
            )
        expected, fits = _EXPECTED[key]
        if not fits(value):
            raise _ProvenanceError(
                f"{place_of(key)}: {key} is {value!r}, expected {expected}: correct it or remove it"
            )
    known = {key: str(value).strip() for key, value in table.items()}
    return Provenance(
        title=known.get("title"),
        url=known.get("url"),
        publisher=known.get("publisher"),
        language=known.get("language"),
        date=known.get("date"),
        questions=tuple(question.strip() for question in table.get("questions", ())),
        synonyms=tuple((name.strip(), meant.strip()) for name, meant in table.get("synonyms", {}).items()),
    )


def _is_url(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"https?://\S+", value) is not None


def _is_questions(value: object) -> bool:
    return isinstance(value, list) and all(is_words(question) for question in value)


def _is_synonyms(value: object) -> bool:
    return isinstance(value, dict) and all(is_words(words) for pair in value.items() for words in pair)


_EXPECTED: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "title": ("words between quotes", is_words),
    "url": ('an address as "https://…"', _is_url),
    "publisher": ("words between quotes", is_words),
    "language": ('a language as "nl"', is_words),
    "date": ("a date as 2025-01-31", is_date),
    "questions": ('a list as ["…?", "…?"]', _is_questions),
    "synonyms": ('pairs as {"other name" = "name in the text"}', _is_synonyms),
}


def _place(text: str, table: str, key: str | None = None) -> str:
    """The line where the table or its key is found; tomllib itself tells no lines."""
    in_table = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("["):
            in_table = table in line
        if in_table and (
            key is None or re.match(rf"""(?:\[.*\.)?\s*["']?{re.escape(key)}["']?\s*[=\]]""", line)
        ):
            return f"line {number}"
        if key is None and re.match(rf"""\s*["']?{re.escape(table)}["']?\s*[=.]""", line):
            return f"line {number}"
    return "somewhere"
