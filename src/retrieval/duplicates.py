"""Passages that say the same, word for word or nearly: a footer on forty pages is one, in forty places."""

import re
from collections.abc import Sequence

FILLERS = frozenset("de het een deze dit die dat er dan nog ook eens even graag".split())
"""Words that change nothing of what a text says; any other word, a name, a number or a denial, does
(docs/experiments.md, "What stands on many pages")."""

_EDGES = ".,;:!?…\"'“”‘’„()[]*•·–—"
"""Marks around a word that are no part of it; one within, before or behind a number or a letter is."""

_ITEM = re.compile(r"^[ \t]*(?:[-*+•·–—▪◦])[ \t]", re.MULTILINE)


def first_of_each_kind(texts: Sequence[str]) -> list[int]:
    """For each text the place of the first one that says the same, which may be its own.

    Capitals, blanks, fillers, and marks around words make no difference: "Bel 14 010." and "bel 14 010", not
    "-5 graden" and "5 graden".
    """
    first: dict[tuple[str, ...], int] = {}
    return [first.setdefault(_words(text) or (text,), place) for place, text in enumerate(texts)]


def _words(text: str) -> tuple[str, ...]:
    stripped = (word.strip(_EDGES) for word in _ITEM.sub("", text.lower()).split())
    return tuple(word for word in stripped if word and word not in FILLERS)
