"""Passages that say the same, word for word or nearly: a footer on forty pages is one, in forty places."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence, Set

LIKENESS = 0.9
"""The part of the runs of three words of two texts that both hold, from which on they say nearly the same."""

LEAST_WORDS = 20
"""Words of a text that may be nearly another; in a shorter one a single word makes the difference."""

RUN = 3
"""Words of a run (w-shingling: Broder, On the resemblance and containment of documents, 1997)."""

TELLING = frozenset("geen niet nooit niemand nergens niets wel alleen behalve zonder tenzij mits".split())
"""Words that turn a sentence around: texts that differ in these, or in a number, do not say the same."""

_WORD = re.compile(r"\w+")

_Run = tuple[str, ...]


def first_of_each_kind(texts: Sequence[str]) -> list[int]:
    """For each text the place of the first one that says the same, which may be its own.

    Capitals, marks and blanks make no difference. A text that is nearly two others joins the first of them.
    """
    words = [tuple(_WORD.findall(text.lower())) for text in texts]
    first: dict[tuple[str, ...], int] = {}
    exact = [
        first.setdefault(own or (text,), place)
        for place, (own, text) in enumerate(zip(words, texts, strict=True))
    ]
    alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place in sorted(set(exact)):
        if len(words[place]) >= LEAST_WORDS:
            alike[_telling(words[place])].append(place)
    joined: dict[int, int] = {}
    for places in alike.values():
        joined |= _nearly_the_same({place: _runs(words[place]) for place in places})
    return [joined.get(place, place) for place in exact]


def _nearly_the_same(runs: dict[int, Set[_Run]]) -> dict[int, int]:
    """Of texts by their places, which rise, those that are nearly one before them, and which that is.

    Two sets of that likeness share one of their rarest runs (prefix filtering: Bayardo, Ma and Srikant,
    Scaling up all pairs similarity search, 2007); only what joins no other is looked up again.
    """
    counts = Counter(run for own in runs.values() for run in own)
    holding: defaultdict[_Run, list[int]] = defaultdict(list)
    joined: dict[int, int] = {}
    for place, own in runs.items():
        rarest = sorted(own, key=lambda run: (counts[run], run))
        rarest = rarest[: len(own) - math.ceil(LIKENESS * len(own)) + 1]
        others = sorted({other for run in rarest for other in holding[run]})
        before = next((other for other in others if _likeness(runs[other], own) >= LIKENESS), None)
        if before is not None:
            joined[place] = before
        else:
            for run in rarest:
                holding[run].append(place)
    return joined


def _likeness(one: Set[_Run], other: Set[_Run]) -> float:
    """The Jaccard index."""
    both = len(one & other)
    return both / (len(one) + len(other) - both)


def _telling(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word in TELLING or any(map(str.isdigit, word)))


def _runs(words: Sequence[str]) -> frozenset[_Run]:
    return frozenset(tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1))
