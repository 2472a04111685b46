"""Misspelt words of a question become the words of the corpus that they are nearest to.

What is less sure is only offered: the names of the corpus that a word unknown to it resembles.

The only importer of simplemma, whose list of Dutch word forms tells which words are not misspelt; the
index keeps that list as hashes, so that it need not be read at each start.
"""

import json
import re
import shutil
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from retrieval.files import map_array, read_json, write_array, writing
from retrieval.lexical import STOP_WORDS, folded

LEAST_LENGTH = 4
"""Shorter words are left alone: most of them are one letter from another word."""
LONG_WORD = 8
"""Letters from which a word may have two errors instead of one."""
LEAST_PART = 3
"""Letters of each of the two words that a compound is put together of (docs/experiments.md, "Compounds")."""
LINKS = ("", "s", "en")
"""What stands between them."""
ENDINGS = ("", "s", "en")
"""What a compound may lack beside its one error: "burgermeester", where the corpus has "burgemeesters"."""
MOST_CANDIDATES = 6
"""Nearest words among which the one that starts alike and stands in most passages is taken."""

LEAST_NAME_LENGTH = 3
"""Letters of a name that may be offered: "CTG" for "CTC"."""

MOST_ERRORS = {3: 1, 4: 1, 5: 2, 6: 2, 7: 2}
"""Errors up to which a word of so many letters resembles a name; a longer one may have three
(docs/experiments.md, "Did you mean")."""
MOST_ERRORS_LONG = 3
MOST_ERRORS_HEARD = 1
"""Errors up to which a word that is written as it sounds resembles a name."""

_WORD = re.compile(r"[^\W\d_]+")
_WORDS, _DUTCH = "words.json", "dutch.npy"

_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")
_ASKED_ABOUT = (
    r"(?<!\bgaat )(?<!\bging )(?<!\bdraait )\b(?P<before>(?:het|de) ){word}(?=\W*$|,? (?:en|of|met|van) )"
)
"""Where a word behind an article is a noun: last, or before a word that joins; not "waar gaat het om?"."""

_WITHIN_A_SENTENCE = re.compile(r"(?<=[^\W_]{2} |[^\W_][,;] )[A-Z][^\W\d_]*|\b[A-Z]{2,}\b")

_ALIKE = (
    ("sch", "sg"), ("ij", "ei"), ("ou", "au"), ("ch", "g"), ("th", "t"), ("ph", "f"), ("dt", "t"),
    ("qu", "kw"), ("ck", "k"), ("c", "k"), ("d", "t"), ("z", "s"), ("v", "f"), ("y", "i"),
    ("x", "ks"), ("ie", "i"),
)  # fmt: skip
"""Spellings that sound alike in Dutch, or nearly."""


def write_spelling(folder: Path, texts: Sequence[str], before: Path | None = None) -> None:
    """Write the words of ``texts`` and the known Dutch words into the new ``folder``.

    The Dutch words are those of the folder ``before``, where they are of the same list.
    """
    folder.mkdir()
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for form in set(_WORD.findall(text)):
            forms[folded(form)][form] += 1
    # as it is written most often: "AIVD", "Openbaar"
    words = {word: forms[word].most_common(1)[0] for word in sorted(forms)}
    content = {
        "words": [*words],
        "forms": [form for form, _ in words.values()],
        "passages": [forms[word].total() for word in words],
        "capitals": sorted(STOP_WORDS & {folded(form) for text in texts for form in _CAPITALS.findall(text)}),
        "names": {name: sounds(name) for name in sorted(_names(texts, words))},
        "dutch_of": metadata.version("simplemma"),
    }
    with writing(folder / _WORDS):
        (folder / _WORDS).write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    if before and read_json(before / _WORDS).get("dutch_of") == content["dutch_of"]:
        with writing(folder / _DUTCH):
            shutil.copyfile(before / _DUTCH, folder / _DUTCH)
    else:
        known = _dutch_hashes()
        write_array(folder / _DUTCH, known.shape, known.dtype, [known])


def _names(texts: Sequence[str], words: Iterable[str]) -> set[str]:
    """Abbreviations, and words with a capital that no start of a sentence gives them; never in lower case."""
    lower = {word for text in texts for word in _WORD.findall(text) if word.islower()}
    found = {name for text in texts for name in _WITHIN_A_SENTENCE.findall(text) if name.lower() not in lower}
    return {folded(name) for name in found if len(name) >= LEAST_NAME_LENGTH} & set(words)


def dutch_words() -> Iterable[str]:
    """Some 370,000 Dutch word forms, folded."""
    from simplemma.strategies.dictionaries import DefaultDictionaryFactory

    return (folded(word) for word in DefaultDictionaryFactory().get_dictionary("nl"))


@cache
def _dutch_hashes() -> npt.NDArray[np.uint32]:
    """Of all Dutch words, in order: a third of a second, once for all builds of a process."""
    return np.unique(np.array([_hash(word) for word in dutch_words()], np.uint32))


class Spelling:
    """The words of one index, and the Dutch words that stay as they are typed."""

    def __init__(self, content: Mapping[str, Any], dutch: npt.NDArray[np.uint32]) -> None:
        words: list[str] = content["words"]
        counted = zip(content["forms"], content["passages"], strict=True)
        self._words: dict[str, tuple[str, int]] = dict(zip(words, counted, strict=True))
        self._by_length: defaultdict[int, list[str]] = defaultdict(list)
        for word in words:
            if len(word) >= LEAST_LENGTH:
                self._by_length[len(word)].append(word)
        self._dutch = dutch
        self._names: dict[str, str] = content["names"]
        alternatives = rf"(?P<word>{'|'.join(content['capitals'])})"
        self._in_capitals = (
            re.compile(_ASKED_ABOUT.format(word=alternatives), re.IGNORECASE) if content["capitals"] else None
        )

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the words and map the hashes into memory.

        Raises BrokenIndexError where a file is missing or damaged.
        """
        return cls(read_json(folder / _WORDS), map_array(folder / _DUTCH))

    def corrected(self, text: str) -> str:
        """The text with each misspelt word replaced; as it is where there is none.

        What the corpus writes in capitals is an abbreviation where it is asked about: "wat doet het om?".
        """
        corrected = _WORD.sub(lambda match: self._corrected_word(match.group()), text)
        if self._in_capitals is None:
            return corrected
        return self._in_capitals.sub(lambda match: match["before"] + match["word"].upper(), corrected)

    @property
    def names(self) -> list[str]:
        """The names that may be offered, as they are written most often."""
        return [self._words[name][0] for name in self._names]

    def meant_instead(self, question: str) -> str | None:
        """The question with one unknown word replaced by the name that it resembles most; None without one.

        What ``corrected`` makes of the word already is not offered again.
        """
        resembling = [
            (unlikeness, match, name)
            for match in _WORD.finditer(question)
            for unlikeness, name in self._resembling(match.group())
        ]
        if not resembling:
            return None
        _, match, name = min(resembling, key=lambda one: one[0])
        return self.corrected(question[: match.start()] + name + question[match.end() :])

    def _resembling(self, typed: str) -> Iterator[tuple[tuple[float, ...], str]]:
        """The names that the word may be meant for, each with how unlike it is."""
        word = folded(typed)
        if len(word) < LEAST_NAME_LENGTH or word in self._words or self._is_dutch(word):
            return
        sound, corrected = sounds(word), self._corrected_word(typed)
        errors = MOST_ERRORS.get(len(word), MOST_ERRORS_LONG)
        written = extract(word, self._names.keys(), scorer=OSA.distance, score_cutoff=errors, limit=None)
        errors = min(errors, MOST_ERRORS_HEARD)
        heard = extract(sound, self._names, scorer=OSA.distance, score_cutoff=errors, limit=None)
        for name in {name for name, _, _ in written} | {name for _, _, name in heard}:
            form, passages = self._words[name]
            if form != corrected:
                unlike = OSA.distance(sound, self._names[name]) + OSA.distance(word, name)
                yield (unlike, name[0] != word[0], -passages), form

    def _corrected_word(self, typed: str) -> str:
        word = folded(typed)
        if len(word) < LEAST_LENGTH or word in self._words or self._is_dutch(word):
            return typed
        errors = 1 if len(word) < LONG_WORD else 2
        candidates = [
            candidate
            for length in range(len(word) - errors, len(word) + errors + 1)
            for candidate in self._by_length.get(length, ())
        ]
        # restricted Damerau-Levenshtein: "avid" is one error from "aivd"
        near = extract(word, candidates, scorer=OSA.distance, score_cutoff=errors, limit=MOST_CANDIDATES)
        if errors > 1 and near and self._is_compound(word):
            near = [found for found in near if _is_one_error(word, found[0])]
        if not near:
            return typed
        return min(
            (distance, candidate[0] != word[0], -self._words[candidate][1], self._words[candidate][0])
            for candidate, distance, _ in near
        )[-1]

    def _is_compound(self, word: str) -> bool:
        """Whether it is two Dutch words put together: "voorrang", which the list lacks."""
        return any(
            self._is_dutch(word[:end]) and self._is_dutch(word[end + len(link) :])
            for end in range(LEAST_PART, len(word) - LEAST_PART + 1)
            for link in LINKS
            if word.startswith(link, end) and len(word) - end - len(link) >= LEAST_PART
        )

    def _is_dutch(self, word: str) -> bool:
        value = _hash(word)
        place = int(np.searchsorted(self._dutch, value))
        return place < len(self._dutch) and int(self._dutch[place]) == value


def _is_one_error(word: str, candidate: str) -> bool:
    """Whether a word is one error from another, or from that without an ending."""
    return any(OSA.distance(word, candidate.removesuffix(ending)) <= 1 for ending in ENDINGS)


def sounds(word: str) -> str:
    """The folded word as it sounds, roughly: what sounds alike is written alike, and no letter twice."""
    for written, alike in _ALIKE:
        word = word.replace(written, alike)
    return re.sub(r"(.)\1+", r"\1", word)


def _hash(word: str) -> int:
    # 32 bits: of ten thousand misspelt words one is taken for a known one
    return zlib.crc32(word.encode())
