"""What an editor knows of each source: ``bronnen.toml``, and a file of the same keys beside a source.

Of what is said of one file the nearest counts: the file beside it (``a.pdf.toml``), then its entry in
``bronnen.toml``, then that of its folder, then that of the folder above. What is wrong is left out and told.
"""

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from retrieval.errors import UnreadableFileError
from retrieval.readers.content import (
    MAX_TITLE_CHARACTERS,
    MAX_TOLD,
    MAX_VALUE_CHARACTERS,
    bytes_of,
    decoded,
    flaw_of,
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

MAX_CENTRAL_BYTES = 1_000_000
"""Of ``bronnen.toml``: some thousand entries as long as that of this project's own text."""

MAX_SIDECAR_BYTES = 100_000
"""Of a file beside a source, which tells of one text."""

MAX_DOTS = 100
"""Of one line: tomllib's time grows with the square of the names that dots join, and an address has few."""

SHOWN_CHARACTERS = 100
"""Of a name or a value that is told as a mistake."""

Mistake = tuple[str, str]
"""The file that says what is wrong, and what that is."""


class _Mistakes:
    """What is wrong in each file: the first MAX_TOLD are told, of the others how many they are.

    Words are made of those alone that are told: a file may hold thousands.
    """

    def __init__(self) -> None:
        self._told: dict[str, list[str]] = {}
        self._more: Counter[str] = Counter()

    def add(self, file: str, words: Callable[[], str]) -> None:
        told = self._told.setdefault(file, [])
        if len(told) < MAX_TOLD:
            told.append(words())
        else:
            self._more[file] += 1

    def told(self) -> Iterator[Mistake]:
        for file, told in self._told.items():
            yield from ((file, words) for words in told)
            if self._more[file]:
                yield file, f"and {self._more[file]:,} more mistakes"


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is said of one file, or of all in a folder, with how it and the lines of its keys are named."""

    source: str
    said: Mapping[str, Any]
    name: str
    place_of: Callable[[str], str]

    def tell(self, mistakes: _Mistakes, key: str, what: Callable[[], str]) -> None:
        mistakes.add(self.source, lambda: f"{self.name}{self.place_of(key)}: {what()}")


def is_sidecar(name: str) -> bool:
    """Whether a file tells of the one beside it, and is no text itself."""
    return name.endswith(SIDECAR)


def read_provenances(folder: Path, names: Sequence[str]) -> tuple[dict[str, Provenance], list[Mistake]]:
    """What is known of each file below ``folder``, and what is wrong.

    ``names`` are those of all files that may be opened: no other is.
    """
    texts = [name for name in names if not is_sidecar(name)]
    sidecars = [name for name in names if is_sidecar(name) and name != PROVENANCE_FILE]
    mistakes = _Mistakes()
    entries = _central_entries(folder, texts, mistakes) if PROVENANCE_FILE in names else {}
    beside = _sidecar_entries(folder, sidecars, set(texts), mistakes)
    provenances: dict[str, Provenance] = {}
    meanings: dict[str, tuple[str, str]] = {}
    for text in texts:
        above = [entries[name] for name in _folders_above(text) if name in entries]
        chain = [*above, *(one[text] for one in (entries, beside) if text in one)]
        if not chain:
            continue
        if text in entries and text in beside:
            _tell_contradictions(entries[text], beside[text], mistakes)
        said = _merged(chain, mistakes)
        said["synonyms"] = _agreed(said.get("synonyms", {}), text, chain[-1], meanings, mistakes)
        provenances[text] = _provenance(said)
    return provenances, list(mistakes.told())


def _folders_above(text: str) -> list[str]:
    """The folders that a file lies in, the corpus itself first, as entries name them."""
    return ["/", *(text[: slash.end()] for slash in re.finditer("/", text))]


def _central_entries(folder: Path, texts: Sequence[str], mistakes: _Mistakes) -> dict[str, _Entry]:
    """The entries of ``bronnen.toml`` by the names of files and folders."""
    try:
        text, tables = _read(folder / PROVENANCE_FILE, MAX_CENTRAL_BYTES, "leave out what a file says itself")
    except UnreadableFileError as error:
        problem = f"{error}; until then nothing is known of the sources"
        mistakes.add(PROVENANCE_FILE, lambda: problem)
        return {}
    lines = _Lines(text)
    known = {*texts, *(above for name in texts for above in _folders_above(name)), "/"}
    entries: dict[str, _Entry] = {}
    for name, table in tables.items():
        if isinstance(table, dict) and name in known:
            called = f"entry {_shown(name)}, "
            entry = _Entry(PROVENANCE_FILE, table, called, partial(lines.place_in, name))
            entries[name] = _checked(entry, _OF_FOLDER if name.endswith("/") else _EXPECTED, mistakes)
        else:
            mistakes.add(PROVENANCE_FILE, partial(_no_such_file, name, texts, lines))
    return entries


def _sidecar_entries(
    folder: Path, sidecars: Sequence[str], texts: Collection[str], mistakes: _Mistakes
) -> dict[str, _Entry]:
    """What stands beside the files, by their names."""
    entries: dict[str, _Entry] = {}
    for sidecar in sidecars:
        name = sidecar.removesuffix(SIDECAR)
        if name not in texts:
            problem = (
                f"there is no file {Path(name).name!r} beside it that this would tell of: "
                "give it the name of the file it tells of, with .toml behind it, or remove it"
            )
            mistakes.add(sidecar, partial(str, problem))
            continue
        try:
            text, table = _read(folder / sidecar, MAX_SIDECAR_BYTES, "shorten it, it tells of one text")
        except UnreadableFileError as error:
            problem = f"{error}; until then it tells nothing of {name}"
            mistakes.add(sidecar, partial(str, problem))
            continue
        entries[name] = _checked(_Entry(sidecar, table, "", _Lines(text).place), _EXPECTED, mistakes)
    return entries


def _read(path: Path, max_bytes: int, advice: str) -> tuple[str, dict[str, Any]]:
    """A file of TOML: its text and what that says. Raises UnreadableFileError."""
    text = decoded(bytes_of(path, max_bytes, advice))
    dotted = next((number for number, line in _numbered(text) if line.count(".") > MAX_DOTS), None)
    if dotted is not None:
        raise UnreadableFileError(
            f"line {dotted} has more than {MAX_DOTS} dots: write it on several lines, or correct it"
        )
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableFileError(f"not TOML: {_cut(str(error))}: correct that line") from error
    except (ValueError, RecursionError, MemoryError) as error:  # thousands of digits, or of [
        raise UnreadableFileError(f"not TOML that can be read ({error}): correct it") from error


def _no_such_file(name: str, names: Sequence[str], lines: "_Lines") -> str:
    called = f"entry {_shown(name)}, {lines.place(name)}"
    if name.endswith("/"):
        return f"{called}: no file that can be read lies in such a folder: correct the name, or remove it"
    near = difflib.get_close_matches(name, names, n=1, cutoff=MEANT_LIKENESS)
    meant = f" (is {near[0]!r} meant?)" if near else ""
    return (
        f"{called}: this is not the name of a file in the corpus folder{meant}: "
        'write it as ["folder/file.txt"], between quotes, or remove it'
    )


def _shown(value: object) -> str:
    try:
        return _cut(repr(value))
    except (ValueError, RecursionError):  # thousands of digits, or of tables in tables
        return f"of the type {type(value).__name__}, and very long"


def _cut(words: str) -> str:
    return words if len(words) <= SHOWN_CHARACTERS else f"{words[:SHOWN_CHARACTERS]}…"


# What an entry says


def _checked(entry: _Entry, expected: "_Expectations", mistakes: _Mistakes) -> _Entry:
    """The entry without what is wrong in it, which is added to the mistakes."""
    said = {}
    for key, value in entry.said.items():
        if key not in expected:
            entry.tell(mistakes, key, partial(_unknown, key, expected))
        elif not expected[key][1](value):
            entry.tell(mistakes, key, partial(_unexpected, key, value, expected[key][0]))
        elif (flaw := _flaw_in(key, value)) is not None:
            entry.tell(mistakes, key, partial(_flawed, key, flaw))
        else:
            said[key] = value
    return _Entry(entry.source, _without_reversed_period(said, entry, mistakes), entry.name, entry.place_of)


def _unknown(key: str, expected: "_Expectations") -> str:
    return f"unknown key {_shown(key)}, expected one of {', '.join(expected)}"


def _unexpected(key: str, value: object, expected: str) -> str:
    return f"{key} is {_shown(value)}, expected {expected}: correct it or remove it"


def _flawed(key: str, flaw: str) -> str:
    return f"{key} {flaw}: correct it or remove it"


def _flaw_in(key: str, value: Any) -> str | None:
    """What keeps a value, or one in it, from being shown; None where nothing does."""
    if isinstance(value, Mapping):
        value = [words for pair in value.items() for words in pair]
    most = MAX_TITLE_CHARACTERS if key == "title" else MAX_VALUE_CHARACTERS
    all_words = value if isinstance(value, list) else [str(value)]
    return next(filter(None, (flaw_of(words, most) for words in all_words)), None)


def _without_reversed_period(said: dict[str, Any], entry: _Entry, mistakes: _Mistakes) -> dict[str, Any]:
    first, last = str(said.get("valid_from", "")), str(said.get("valid_until", ""))
    if not first or not last or first <= last:
        return said
    problem = (
        f"valid_from {first} is after valid_until {last}: correct one of them; until then neither counts"
    )
    entry.tell(mistakes, "valid_from", lambda: problem)
    return {key: value for key, value in said.items() if key not in ("valid_from", "valid_until")}


def _tell_contradictions(central: _Entry, beside: _Entry, mistakes: _Mistakes) -> None:
    """Tell the keys that a file beside a source and its entry in ``bronnen.toml`` say differently."""
    for key, here in beside.said.items():
        there = central.said.get(key, here)
        if here != there:
            problem = (
                f"{key} is {_shown(here)} here and {_shown(there)} in {PROVENANCE_FILE}; "
                "what stands here counts: remove one of them"
            )
            beside.tell(mistakes, key, partial(str, problem))


def _merged(chain: Sequence[_Entry], mistakes: _Mistakes) -> dict[str, Any]:
    """What several entries say of one file; the last counts."""
    said = {key: value for entry in chain for key, value in entry.said.items()}
    return _without_reversed_period(said, chain[-1], mistakes) if len(chain) > 1 else said


def _agreed(
    synonyms: Mapping[str, str],
    text: str,
    entry: _Entry,
    meanings: dict[str, tuple[str, str]],
    mistakes: _Mistakes,
) -> Mapping[str, str]:
    """The synonyms, or none where a name has another meaning in a text before; ``meanings`` is added to."""
    for name, meant in synonyms.items():
        known, before = meanings.get(name.lower(), (meant, text))
        if known != meant:
            problem = (
                f"{_shown(name)} is {_shown(meant)} here and {_shown(known)} in entry {before!r}: "
                "a name means the same in all texts; correct one of them"
            )
            entry.tell(mistakes, "synonyms", partial(str, problem))
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

_NAME = r"""(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*"""
_START = re.compile(rf"""(\[{{0,2}})\s*{_NAME}(?:\.\s*{_NAME})?[=.\]]""")
"""How a line begins, without its indent, with a table or a key: a name, and the one joined to it by a dot."""


class _Lines:
    """The lines on which the tables and keys of a text are found, looked up once."""

    def __init__(self, text: str) -> None:
        self._text = text

    def place(self, name: str) -> str:
        """The line of a table, or of a key above all tables."""
        return self.place_in(name, "")

    def place_in(self, table: str, key: str) -> str:
        """The line of a key, or else of its table."""
        number = self._found.get((table, key)) or self._found.get((table, ""))
        return f"line {number}" if number else "somewhere"

    @cached_property
    def _found(self) -> Mapping[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        table = ""
        for number, line in _numbered(self._text):
            start = _START.match(line.lstrip())
            if start is None:
                continue
            first, second = (next(filter(None, start.group(*names)), "") for names in ((2, 3, 4), (5, 6, 7)))
            if start[1]:
                table = first
            keys = [(first, ""), (first, second)] if start[1] or not table else [(table, first)]
            for key in keys:
                found.setdefault(key, number)
        return found


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.split("\n"), 1)
