"""The first hits of a search read once more, beside the question: by a cross-encoder, where one is set.

It is slower than all the rest of a search, and off by default (docs/settings.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from retrieval.fusion import to_unit_interval
from retrieval.indexed_texts import embedded_texts
from retrieval.records import Hit

DEPTH = 20
"""Hits that are read again. Each costs a pass of the network over question and passage; of 872 questions
asked of 319 passages .86 have their answer among the first 10, .89 among 20, .92 among 50
(docs/experiments.md, "Ranking")."""


class Reranker(Protocol):
    """Reads a question and a text together, and says how well the text answers it."""

    def scores(self, question: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """One score for each text, (n,); the higher, the better it answers, on any scale."""


def open_reranker(name: str) -> Reranker:
    """The cross-encoder of a folder, or else of a name on the hub.

    Raises RerankerError where there is no such model, or none that gives one score for a text.
    """
    from retrieval.sentence_transformer import CrossEncoderReranker

    return CrossEncoderReranker.load(name)


def reranked(
    hits: Sequence[Hit], question: str, reranker: Reranker, title_of: Callable[[Hit], str]
) -> tuple[Hit, ...]:
    """The same hits: the first DEPTH in the order of the reranker's scores, then the others as they were.

    A hit that was read has that score among its ``parts``, as "reranker". Each ``score`` is made anew, so
    that the scores fall from the first hit to the last; of equal ones the order stays. A passage is read
    below its headings or else its document's title, and the lead of a list that was cut, as it is embedded.
    """
    read, others = hits[:DEPTH], hits[DEPTH:]
    if not read:
        return ()
    texts = [
        embedded_texts(hit.passage.text, hit.passage.headings, title_of(hit), hit.passage.lead_before)[1]
        for hit in read
    ]
    found = reranker.scores(question, texts)
    order = np.argsort(-found, kind="stable")
    # what was not read stands one lower than the least that was, the next one lower again, and so on
    below = found[order[-1]] - np.arange(1, len(others) + 1)
    scores = to_unit_interval(np.concatenate([found[order], below]))
    best = [
        replace(read[place], parts={**read[place].parts, "reranker": float(found[place])}) for place in order
    ]
    return tuple(
        replace(hit, score=float(score)) for hit, score in zip([*best, *others], scores, strict=True)
    )
