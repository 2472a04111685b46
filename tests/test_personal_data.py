"""The cases by hand are in data/personal_data.json; tests/browser/ holds the browser's check to the same."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from retrieval.personal_data import MASKS, PersonalData, find_personal_data, masked
from retrieval.records import Span

CASES = json.loads((Path(__file__).parent / "data" / "personal_data.json").read_text(encoding="utf-8"))
TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="0123456789 .-+()€,@abNL\n"),
    st.lists(st.sampled_from([case["text"] for case in CASES])).map(" ".join),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"])
def test_the_kinds_that_a_text_holds(case: dict[str, Any]) -> None:
    found = {one.kind for one in find_personal_data(case["text"])}
    assert [kind for kind in MASKS if kind in found] == case["kinds"]


def test_spans_are_those_of_the_text_and_in_its_order() -> None:
    text = "🙂 bel 06-12345678 of mail jan@example.nl"
    assert find_personal_data(text) == (
        PersonalData("phone", Span(6, 17)),
        PersonalData("email", Span(26, 40)),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mijn bsn is 1234 56 782.", "Mijn bsn is [bsn]."),
        ("nl91 abna 0417 1643 00 is van mij", "[iban] is van mij"),
        ("0612345678, 0698765432", "[telefoonnummer], [telefoonnummer]"),
        ("bel +1 212-555-1234 in 2024", "bel [telefoonnummer] in 2024"),
        ("Kerkweg 12a, 2711 CB Delft", "Kerkweg [adres] Delft"),
        ("mail <jan@example.nl>!", "mail <[e-mailadres]>!"),
        ("Wat staat in artikel 1234?", "Wat staat in artikel 1234?"),
    ],
)
def test_only_what_is_found_is_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


@given(text=TEXTS)
def test_finds_do_not_overlap_and_what_is_masked_is_gone(text: str) -> None:
    found = find_personal_data(text)
    ends = [0, *(one.span.end for one in found)]
    starts = [*(one.span.start for one in found), len(text)]
    assert all(end <= start for end, start in zip(ends, starts, strict=True))
    kept = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    between = [MASKS[one.kind] for one in found]
    assert masked(text) == "".join([kept[0], *(a + b for a, b in zip(between, kept[1:], strict=True))])


@given(digits=st.lists(st.integers(0, 9), min_size=8, max_size=8), by=st.integers(1, 9))
def test_the_eleven_test_of_a_bsn(digits: list[int], by: int) -> None:
    assume(digits[:2] != [0, 0])  # which begins a foreign phone number; no BSN begins so
    last = sum(digit * weight for digit, weight in zip(digits, range(9, 1, -1), strict=True)) % 11
    number = "".join(map(str, digits))
    wrong = f"{number}{(last + by) % 10}"
    is_valid = last < 10 and any(digits)
    assert masked(f"nummer {number}{last % 10}!") == (
        "nummer [bsn]!" if is_valid else f"nummer {number}{last % 10}!"
    )
    if is_valid:
        assert masked(f"nummer {wrong}!") == f"nummer {wrong}!"


def test_importing_it_imports_no_library() -> None:
    code = "import sys, retrieval.personal_data; print({'stdnum', 'phonenumbers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
