"""Personal data in what a visitor types: found, so that it is not sent or kept without need.

static/persoonsgegevens.js does the same in the browser, and is tested against the same cases. The patterns
give what has the form; python-stdnum and phonenumbers say whether it is one. They are imported at first use.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from retrieval.records import Span

Kind = Literal["bsn", "email", "phone", "iban", "address"]

MASKS: Mapping[Kind, str] = {
    "bsn": "[bsn]",
    "email": "[e-mailadres]",
    "phone": "[telefoonnummer]",
    "iban": "[iban]",
    "address": "[adres]",
}


@dataclass(frozen=True, slots=True)
class PersonalData:
    """A stretch of a text that looks like personal data; ``span`` counts in characters of that text."""

    kind: Kind
    span: Span


def find_personal_data(text: str) -> tuple[PersonalData, ...]:
    """What looks like a BSN, an e-mail address, a phone number, an IBAN or an address, in the text's order.

    An address is a postcode with a house number. No two overlap: digits of an IBAN are no phone number.
    """
    found: list[PersonalData] = []
    rest = text.translate(_PLAIN)
    for kind, pattern, whole in _FORMS:
        for match in tuple(pattern.finditer(rest)):
            end = whole(match)
            if end is None:
                continue
            found.append(PersonalData(kind, Span(match.start("it"), end)))
            rest = f"{rest[: match.start('it')]}{';' * (end - match.start('it'))}{rest[end:]}"
    return tuple(sorted(found, key=lambda one: one.span.start))


def masked(text: str) -> str:
    """The text with each find replaced by the word for its kind."""
    parts, done = [], 0
    for one in find_personal_data(text):
        parts += [text[done : one.span.start], MASKS[one.kind]]
        done = one.span.end
    return "".join([*parts, text[done:]])


_PLAIN = str.maketrans({"\u00a0": " ", "\u2009": " ", "\u202f": " ", "‐": "-", "‑": "-", "–": "-", "−": "-"})
"""Spaces and dashes of typography; one character for one, so that spans stay right."""

_pattern = partial(re.compile, flags=re.ASCII)  # ASCII: words and digits as JavaScript counts them

_EMAIL = _pattern(
    r'(?P<it>[^\s@,;:<>()[\]"]{1,64}@(?:[^\s@.,;:<>()[\]"?!/]+\.)+[^\s@.,;:<>()[\]"\'?!/\d-]{2,})'
)
_IBAN = _pattern(r"\b(?P<it>[A-Za-z]{2}\d\d(?:[ .-]?[A-Za-z0-9]){11,30})\b")
_DUTCH_PHONE = _pattern(
    r"(?P<it>(?:\+|\b00)31[ .-]{0,2}(?:\(0\))?(?:[ .-]{0,3}\d){9}"
    # not 0800 and its like, which are nobody's own, and not a date with a time behind it
    r"|\(?\b(?!0[89]0[069])(?!\d\d[-./ ]\d\d[-./ ](?:19|20)\d\d\b)"
    r"0(?:6(?:[)( ./-]{0,3}\d){8}|[1-9]\d(?:[)( ./-]{0,3}\d){7}))\b"
)
_FOREIGN_PHONE = _pattern(r"(?P<it>(?:\+|\b00)(?!31)[1-9](?:[)( ./-]{0,3}\d){6,14})\b")
_BSN = _pattern(r"(?P<amount>€ ?|\d[.,])?\b(?P<it>\d(?:[ .-]?\d){8})\b(?![.,-]\d| ?(?:euro|€))")
_POSTCODE = (
    r"[1-9]\d{3}(?:[A-Za-z]{2}"
    # "tussen 2020 en 2024", "1000 km": a year or an amount before a word of two letters
    r"| (?!(?:al|cm|de|en|er|gb|ik|in|is|je|kg|km|mb|mm|na|nu|of|om|op|te|tm|we|ze|zo)\b)[A-Za-z]{2})"
)
_ADDRESS = _pattern(
    rf"\b(?P<it>{_POSTCODE}[ ,]{{0,2}}(?:(?:huis)?(?:nummer|nr)\.? ?)?"
    r"\d{1,5}(?: ?[A-Za-z]\b|[A-Za-z]{0,2}\b)"
    rf"|\d{{1,5}} ?(?:[A-Za-z]{{1,2}}|[-/]\d{{1,4}})?[ ,\n]{{1,3}}{_POSTCODE})\b"
)


def _whole(match: re.Match[str]) -> int | None:
    return match.end("it")


def _whole_bsn(match: re.Match[str]) -> int | None:
    from stdnum.nl import bsn

    is_one = match["amount"] is None and bsn.is_valid(match["it"])
    return match.end("it") if is_one else None


def _whole_iban(match: re.Match[str]) -> int | None:
    from stdnum import iban

    # a country's own rules would ask for a bank that exists: the browser knows none
    return next(
        (end for end in _ends(match) if iban.is_valid(_from_start(match, end), check_country=False)), None
    )


def _whole_foreign_phone(match: re.Match[str]) -> int | None:
    import phonenumbers

    def is_possible(typed: str) -> bool:
        try:
            number = phonenumbers.parse("+" + re.sub(r"^00|\D", "", typed))
        except phonenumbers.NumberParseException:  # a country that there is none of
            return False
        return phonenumbers.is_possible_number(number)

    return next((end for end in _ends(match) if is_possible(_from_start(match, end))), None)


def _ends(match: re.Match[str]) -> Iterator[int]:
    """Where the thing may end, the furthest first: what follows it may look like a part of it."""
    yield match.end("it")
    start = match.start("it")
    yield from (start + gap.start() for gap in reversed(list(re.finditer(r"\b[^\w]+", match["it"]))))


def _from_start(match: re.Match[str], end: int) -> str:
    return match.string[match.start("it") : end]


# in this order: what is found first is not looked at again
_FORMS: tuple[tuple[Kind, re.Pattern[str], Callable[[re.Match[str]], int | None]], ...] = (
    ("email", _EMAIL, _whole),
    ("iban", _IBAN, _whole_iban),
    ("phone", _DUTCH_PHONE, _whole),
    ("phone", _FOREIGN_PHONE, _whole_foreign_phone),
    ("bsn", _BSN, _whole_bsn),
    ("address", _ADDRESS, _whole),
)
