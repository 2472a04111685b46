"""Misspelt words of a question become the words of the corpus that they are nearest to.

The only importer of simplemma, whose list of Dutch word forms tells which words are not misspelt; the
index keeps that list as hashes, so that it need not be read at each start.
"""

import json
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from retrieval.files import map_array, read_json, write_array
from retrieval.lexical import folded

LEAST_LENGTH = 4
"""Shorter words are left alone: most of them are one letter from another word."""
LONG_WORD = 8
"""Letters from which a word may have two errors instead of one."""
MOST_CANDIDATES = 6
"""Nearest words among which the one that starts alike and stands in most passages is taken."""

_WORD = re.compile(r"[^\W\d_]+")
_WORDS, _DUTCH = "words.json", "dutch.npy"


def write_spelling(folder: Path, texts: Sequence[str]) -> None:
    """Write the words of ``texts`` and the known Dutch words into the new ``folder``."""
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
    }
    (folder / _WORDS).write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    known = np.unique(np.array([_hash(word) for word in dutch_words()], np.uint32))
    write_array(folder / _DUTCH, known.shape, known.dtype, [known])


def dutch_words() -> Iterable[str]:
    """Some 370,000 Dutch word forms, folded."""
    from simplemma.strategies.dictionaries import DefaultDictionaryFactory

    return (folded(word) for word in DefaultDictionaryFactory().get_dictionary("nl"))


class Spelling:
    """The words of one index, and the Dutch words that stay as they are typed."""

    def __init__(
        self,
        words: Sequence[str],
        forms: Sequence[str],
        passages: Sequence[int],
        dutch: npt.NDArray[np.uint32],
    ) -> None:
        self._words = {word: (form, count) for word, form, count in zip(words, forms, passages, strict=True)}
        self._by_length: defaultdict[int, list[str]] = defaultdict(list)
        for word in words:
            if len(word) >= LEAST_LENGTH:
                self._by_length[len(word)].append(word)
        self._dutch = dutch

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the words and map the hashes into memory.

        Raises BrokenIndexError where a file is missing or damaged.
        """
        content = read_json(folder / _WORDS)
        return cls(content["words"], content["forms"], content["passages"], map_array(folder / _DUTCH))

    def corrected(self, text: str) -> str:
        """The text with each misspelt word replaced; as it is where there is none."""
        return _WORD.sub(lambda match: self._corrected_word(match.group()), text)

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
        if not near:
            return typed
        return min(
            (distance, candidate[0] != word[0], -self._words[candidate][1], self._words[candidate][0])
            for candidate, distance, _ in near
        )[-1]

    def _is_dutch(self, word: str) -> bool:
        value = _hash(word)
        place = int(np.searchsorted(self._dutch, value))
        return place < len(self._dutch) and int(self._dutch[place]) == value


def _hash(word: str) -> int:
    # 32 bits: of ten thousand misspelt words one is taken for a known one
    return zlib.crc32(word.encode())
