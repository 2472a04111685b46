"""Other names for what the texts speak of ("geheime dienst" for "AIVD"), as their editors know them.

A question is searched with the words of the texts; what was replaced can be told.
"""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

_WORD = re.compile(r"[^\W_]+")
_ANOTHER = r"een|geen|elke?|iedere?|andere?|welke?|vreemde|militaire|(?!nederlandse\b)\w+s(?:ch)?e"
"""After one of these a name is that of another: "een geheime dienst", "de Russische geheime dienst"."""


class Synonyms:
    """Names by which visitors call things, and what the texts call each of them."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._meant: dict[str, str] = {}
        for name, meant in pairs:
            self._meant.setdefault(_key(name), meant)
        # what the texts say stays as it is, also where it holds a name: "Koninklijke Marechaussee"
        known = self._meant.keys() | {_key(meant) for meant in self._meant.values()}
        # the longest first: "militaire inlichtingendienst" before "inlichtingendienst"
        ordered = sorted(known, key=lambda name: (-len(name), name))
        alternatives = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in ordered)
        self._names = re.compile(
            rf"(?<![\w-])(?:(?P<name>{alternatives})|(?:{_ANOTHER})\s+(?:{alternatives}))(?![\w-])",
            re.IGNORECASE,
        )

    def replaced(self, text: str) -> str:
        """The text with each whole name as the texts call it, unless it is that of another."""
        return self._names.sub(self._replacement, text) if self._meant else text

    def _replacement(self, found: re.Match[str]) -> str:
        name = _key(found["name"] or "")
        # a letter may be matched that is another in lower case, as the I with a dot
        meant = self._meant.get(name)
        return found[0] if meant is None or _key(meant) == name else meant


def replaced_words(typed: str, searched: str) -> list[tuple[str, str]]:
    """The stretches of words that differ between what was typed and what was searched, in order.

    None is empty unless a whole text is: words that were only added or left out come with a neighbour.
    """
    before, after = _WORD.findall(typed), _WORD.findall(searched)
    found: list[tuple[str, str]] = []
    for kind, start, end, other_start, other_end in SequenceMatcher(None, before, after, False).get_opcodes():
        if kind == "replace" and end - start == other_end - other_start:
            found += zip(before[start:end], after[other_start:other_end], strict=True)
        elif kind != "equal":
            left = kind != "replace" and min(start, other_start, 1)
            right = kind != "replace" and not left
            pair = before[start - left : end + right], after[other_start - left : other_end + right]
            found.append((" ".join(pair[0]), " ".join(pair[1])))
    return found


def _key(name: str) -> str:
    return " ".join(name.lower().split())
