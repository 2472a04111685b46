"""The browser's check for personal data: the same cases as the server's, and the same finds on others."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page
from stdnum import iban

from retrieval.personal_data import MASKS, find_personal_data

CASES = json.loads((Path(__file__).parents[1] / "data" / "personal_data.json").read_text(encoding="utf-8"))
SCRIPT = files("retrieval.web") / "static" / "persoonsgegevens.js"

digits = st.integers(0, 9).map(str)
gaps = st.sampled_from(["", "", "", " ", ".", "-"])


def spread(characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The same with spaces, dots and dashes in it."""
    return characters.flatmap(
        lambda text: st.lists(gaps, min_size=len(text), max_size=len(text)).map(
            lambda between: "".join(a + b for a, b in zip(text, between, strict=True)).rstrip(" .-")
        )
    )


def with_check_digits(country: str, rest: str) -> str:
    """An IBAN of which the sum is right."""
    return f"{country}{iban.calc_check_digits(f'{country}00{rest}')}{rest}"


bsns = spread(st.lists(digits, min_size=9, max_size=9).map("".join))
ibans = spread(
    st.builds(
        lambda bank, account: with_check_digits("NL", bank + account),
        st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=4, max_size=4),
        st.lists(digits, min_size=10, max_size=10).map("".join),
    )
)
wrong_ibans = ibans.map(lambda text: f"{text[:-1]}{(int(text[-1]) + 1) % 10}")
postcodes = st.builds(
    "{}{}{}{}{}".format,
    st.integers(1000, 9999),
    st.sampled_from(["", " "]),
    st.text("ABenZisx", min_size=2, max_size=2),
    st.sampled_from(["", " ", ", ", " nr. "]),
    st.one_of(st.just(""), st.integers(1, 9999).map(str)),
)
dutch_phones = spread(st.lists(digits, min_size=7, max_size=10).map(lambda rest: "".join(["0", *rest])))
foreign_phones = st.builds(
    lambda region, form: phonenumbers.format_number(phonenumbers.example_number(region), form),
    st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)),
    st.sampled_from([phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL]),
)
forms = st.one_of(bsns, ibans, wrong_ibans, postcodes, dutch_phones, foreign_phones)
sentences = st.lists(forms, min_size=1, max_size=3).map(lambda found: "Ik bedoel " + "; ".join(found) + ".")


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """An empty page with the script."""
    page = browser.new_page()
    page.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield page
    page.close()


def found_by_browser(page: Page, texts: list[str]) -> list[list[str]]:
    """The kinds that the script finds in each text."""
    return page.evaluate("texts => texts.map(personalData)", texts)


def found_by_server(text: str) -> list[str]:
    """The kinds that the server finds, in the same order."""
    found = {one.kind for one in find_personal_data(text)}
    return [kind for kind in MASKS if kind in found]


def test_the_cases_written_by_hand(page: Page) -> None:
    found = found_by_browser(page, [case["text"] for case in CASES])
    assert found == [case["kinds"] for case in CASES]


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(sentences, min_size=60, max_size=60))
def test_browser_and_server_find_the_same(page: Page, texts: list[str]) -> None:
    assert found_by_browser(page, texts) == [found_by_server(text) for text in texts]


def test_it_defines_one_name(browser: Browser) -> None:
    page = browser.new_page()
    before = set(page.evaluate("Object.getOwnPropertyNames(window)"))
    page.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    assert set(page.evaluate("Object.getOwnPropertyNames(window)")) - before == {"personalData"}
    page.close()
