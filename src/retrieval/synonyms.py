"""Other names for what the texts speak of ("geheime dienst" for "AIVD"), as their editors know them.

A question is searched with the words of the texts; what was replaced can be told.
"""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

_WORD = re.compile(r"[^\W_]+")
_INDEFINITE = r"een|geen|elke?|iedere?|andere?|welke?"
"""After one of these a name is no name: "heeft Frankrijk ook een geheime dienst?" asks for another."""


class Synonyms:
    """Names by which visitors call things, and what the texts call each of them."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._meant = {_key(name): meant for name, meant in pairs}
        # the longest first: "militaire inlichtingendienst" before "inlichtingendienst"
        names = sorted(self._meant, key=lambda name: (-len(name), name))
        alternatives = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in names)
        self._names = re.compile(
            rf"(?P<before>\b(?:{_INDEFINITE})\s+)?(?<![\w-])(?P<name>{alternatives})(?![\w-])", re.IGNORECASE
        )

    def replaced(self, text: str) -> str:
        """The text with each whole name as the texts call it, unless "een" or the like stands before it."""
        return self._names.sub(self._replacement, text) if self._meant else text

    def _replacement(self, found: re.Match[str]) -> str:
        return found[0] if found["before"] else self._meant[_key(found["name"])]


def replaced_words(typed: str, searched: str) -> list[tuple[str, str]]:
    """The stretches of words that differ between what was typed and what was searched, in order."""
    before, after = _WORD.findall(typed), _WORD.findall(searched)
    found: list[tuple[str, str]] = []
    for kind, start, end, other_start, other_end in SequenceMatcher(None, before, after, False).get_opcodes():
        if kind == "replace" and end - start == other_end - other_start:
            found += zip(before[start:end], after[other_start:other_end], strict=True)
        elif kind != "equal":
            found.append((" ".join(before[start:end]), " ".join(after[other_start:other_end])))
    return found


def _key(name: str) -> str:
    return " ".join(name.lower().split())
