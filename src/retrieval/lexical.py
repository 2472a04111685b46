"""Words of the passages, or pieces of words, weighed by BM25: an index in memory-mapped files, exact search.

The only importer of bm25s, which makes the index, and of Stemmer (PyStemmer).
"""

import logging
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import Stemmer  # type: ignore[import-not-found]

from retrieval.files import broken, map_array, read_json, writing
from retrieval.ranking import Ranking, best_positive

STEMMER = "dutch"
"""Snowball's Kraaij-Pohlmann stemmer; at least as good as ``dutch_porter`` (docs/experiments.md)."""

K1, B = 1.2, 0.75
"""Saturation and length normalisation: Lucene's defaults, which no others beat (docs/experiments.md)."""

_SNOWBALL_STOP_WORDS = """
aan al alles als altijd andere ben bij daar dan dat de der deze die dit doch doen door dus een eens en er ge
geen geweest haar had heb hebben heeft hem het hier hij hoe hun iemand iets ik in is ja je kan kon kunnen
maar me meer men met mij mijn moet na naar niet niets nog nu of om omdat onder ons ook op over reeds te
tegen toch toen tot u uit uw van veel voor want waren was wat werd wezen wie wil worden wordt zal ze zelf
zich zij zijn zo zonder zou
"""

STOP_WORDS = frozenset(_SNOWBALL_STOP_WORDS.split())
"""The Dutch stop words of the Snowball project (snowballstem.org/algorithms/dutch/stop.txt)."""

KEPT_WORDS = 20_000
"""Words of which the pieces are remembered: most of a text are said again and again; some 15 MB."""

PIECE_LENGTH = 4
"""Letters of a piece of a word; three or five find less (docs/experiments.md, "Ranking")."""

Analysis = Callable[[str], list[str]]
"""What turns a text into the terms by which it is found."""

_WORD = re.compile(r"[^\W_]+")
_ABBREVIATION = re.compile(r"\b[A-Z]{2,}\b")
_WEIGHTS, _PASSAGES, _STARTS = "data.csc.index.npy", "indices.csc.index.npy", "indptr.csc.index.npy"
_VOCABULARY, _PARAMETERS = "vocab.index.json", "params.index.json"


def folded(text: str) -> str:
    """The text in lower case and without accents."""
    if text.isascii():  # most texts: nothing to decompose, and each character need not be looked at
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def content_words(text: str) -> list[str]:
    """The words of a Dutch text, in order: folded, without stop words.

    Whatever is neither letter nor digit parts words, a hyphen too ("CTG-platform": ctg, platform). A
    word in capitals among others is an abbreviation and stays ("OM" is no "om").
    """
    abbreviations = set() if text.isupper() else {folded(word) for word in _ABBREVIATION.findall(text)}
    kept = STOP_WORDS - abbreviations if abbreviations else STOP_WORDS
    return [word for word in _WORD.findall(folded(text)) if word not in kept]


def analyse(text: str) -> list[str]:
    """The stems of the words of a Dutch text, in order."""
    # a stemmer may not be shared by threads, and making one costs a microsecond
    stems: list[str] = Stemmer.Stemmer(STEMMER).stemWords(content_words(text))
    return stems


def word_pieces(text: str) -> list[str]:
    """Every four letters of each word with its ends marked: "kat" gives _kat and kat_.

    Parts of compounds and misspelt words share pieces (McNamee and Mayfield, Information Retrieval 7, 2004).
    """
    return [piece for word in content_words(text) for piece in _pieces(word)]


@lru_cache(KEPT_WORDS)
def _pieces(word: str) -> tuple[str, ...]:
    marked = f"_{word}_"
    return tuple(
        marked[start : start + PIECE_LENGTH] for start in range(max(1, len(marked) - PIECE_LENGTH + 1))
    )


def write_lexical(folder: Path, analysed: Sequence[Sequence[str]]) -> None:
    """Write the index of texts into the new ``folder``: the terms of each, whose place is the passage's id.

    Raises BrokenIndexError where it cannot be written.
    """
    # searching reads the files that bm25s writes without it: its import brings scipy and costs 0.25 s
    import bm25s  # type: ignore[import-untyped]

    logging.getLogger("bm25s").setLevel(logging.WARNING)  # which it sets itself to DEBUG

    vocabulary: dict[str, int] = {}
    terms = [[vocabulary.setdefault(term, len(vocabulary)) for term in own] for own in analysed]
    index = bm25s.BM25(k1=K1, b=B, method="lucene")
    if vocabulary:
        index.index((terms, vocabulary), create_empty_token=False, show_progress=False)
    else:  # bm25s fails on texts without a single term
        index.vocab_dict, index.nonoccurrence_array = {}, None
        index.scores = {
            "data": np.empty(0, np.float32),
            "indices": np.empty(0, np.int32),
            "indptr": np.zeros(1, np.int32),
            "num_docs": len(analysed),
        }
    with writing(folder):
        index.save(folder, allow_pickle=False, show_progress=False)


class LexicalIndex:
    """BM25 scores of the passages for the words of a query.

    The files are those of bm25s: a sparse matrix by columns, one column a term, that holds what the
    term adds to the score of each passage that it stands in.
    """

    def __init__(self, folder: Path, analysis: Analysis) -> None:
        self._analysis = analysis
        self._vocabulary = read_json(folder / _VOCABULARY)
        self._passage_count: int = read_json(folder / _PARAMETERS)["num_docs"]
        self._starts: npt.NDArray[np.int32] = map_array(folder / _STARTS)
        self._passages: npt.NDArray[np.int32] = map_array(folder / _PASSAGES)
        self._weights: npt.NDArray[np.float32] = map_array(folder / _WEIGHTS)
        if not len(self._passages) == len(self._weights) == self._starts[-1]:
            raise broken(
                folder / _WEIGHTS,
                f"{len(self._weights)} weights for {len(self._passages)} places, expected {self._starts[-1]}",
            )

    @classmethod
    def open(cls, folder: Path, analysis: Analysis = analyse) -> Self:
        """Map the files that were written with this ``analysis`` into memory; the vocabulary alone is read.

        Raises BrokenIndexError where a file is missing or damaged.
        """
        return cls(folder, analysis)

    def __len__(self) -> int:
        return self._passage_count

    def search(self, query: str, k: int) -> Ranking:
        """The ``k`` best of the passages that share a term with ``query``; there may be fewer, or none."""
        return best_positive(self._scores(self._analysis(query)), k)

    def scores(self, query: str, ids: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """The scores of the passages ``ids``, in that order; 0 for one that shares no term with ``query``."""
        return self._scores(self._analysis(query))[np.asarray(ids, dtype=np.int64)]

    def shares(self, query: str) -> npt.NDArray[np.float32]:
        """Every passage's score, as a share of what the terms, known or not, could add: 0 to 1."""
        terms = self._analysis(query)
        most = sum(self.rarity(term) for term in terms)
        scores = self._scores(terms)
        return scores / np.float32(most) if most else scores

    def rarity(self, term: str) -> float:
        """The inverse document frequency of a term, as BM25 weighs it; the greatest for an unknown one."""
        column = self._vocabulary.get(term)
        holding = 0 if column is None else int(self._starts[column + 1] - self._starts[column])
        return math.log(1 + (self._passage_count - holding + 0.5) / (holding + 0.5))

    def _scores(self, terms: Sequence[str]) -> npt.NDArray[np.float32]:
        scores = np.zeros(self._passage_count, dtype=np.float32)
        for term in terms:
            column = self._vocabulary.get(term)
            if column is not None:
                start, end = self._starts[column], self._starts[column + 1]
                # a passage stands once in a column, so that nothing is added to the same place twice
                scores[self._passages[start:end]] += self._weights[start:end]
        return scores
