"""Passages that say the same, word for word or nearly: a footer on forty pages is one, in forty places.

The only importer of SetSimilaritySearch.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

LIKENESS = 0.9
"""The part of the runs of three words of two texts that both hold, from which on they say nearly the same."""

LEAST_WORDS = 20
"""Words of a text that may be nearly another; in a shorter one a single word makes the difference."""

RUN = 3
"""Words of a run (w-shingling: Broder, On the resemblance and containment of documents, 1997)."""

TELLING = frozenset("geen niet nooit niemand nergens niets wel alleen behalve zonder tenzij mits".split())
"""Words that turn a sentence around: texts that differ in these, or in a number, do not say the same."""

_WORD = re.compile(r"\w+")


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
    nearly = _nearly_the_same(words, sorted(set(exact)))
    return [nearly.get(place, place) for place in exact]


def _nearly_the_same(words: Sequence[tuple[str, ...]], places: Sequence[int]) -> dict[int, int]:
    """Of ``places``, which rise, those whose text is nearly that of one before them, and which that is."""
    from SetSimilaritySearch import all_pairs  # type: ignore[import-untyped]

    alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place in places:
        if len(words[place]) >= LEAST_WORDS:
            alike[_telling(words[place])].append(place)
    joined: dict[int, int] = {}
    for group in alike.values():
        runs = [list(_runs(words[place])) for place in group]
        # the first text of each pair rises, so that what a text joins has been decided on
        pairs = sorted(
            (group[min(pair)], group[max(pair)])
            for *pair, _ in all_pairs(runs, similarity_func_name="jaccard", similarity_threshold=LIKENESS)
        )
        for before, after in pairs:
            if before not in joined:
                joined.setdefault(after, before)
    return joined


def _telling(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word in TELLING or any(map(str.isdigit, word)))


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}
