"""The question of the README, asked of the real corpus with the real model in a real browser."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect
from web_serving import hosts_outside, watch_works

PageMaker = Callable[..., AbstractContextManager[Page]]
CORPUS = Path(__file__).parents[2] / "corpus" / "met-wie-werken-wij-samen.txt"
EXPECTED = (
    "De AIVD voorziet bestuurders, politici, bedrijven en andere relevante",
    "Het openbaar bestuur is de belangrijkste afnemer van informatie van de AIVD in Nederland.",
)


def test_who_gets_information_is_quoted_and_its_place_is_marked_in_the_source(
    new_page: PageMaker, real_address: str
) -> None:
    text = CORPUS.read_text(encoding="utf-8")
    with new_page(real_address) as page:
        page.goto(real_address)
        page.get_by_role("textbox", name="Uw vraag").fill("wie krijgt informatie van de AIVD?")
        page.get_by_role("textbox", name="Uw vraag").press("Enter")
        expect(page.locator("blockquote").first).to_be_visible()
        quotes = [quote or "" for quote in page.locator("blockquote p").all_text_contents()]
        assert any(quote.startswith(EXPECTED) for quote in quotes)
        assert all(quote in text for quote in quotes)
        for number, quoted in enumerate(quotes):
            with page.context.expect_page() as opened:
                page.locator("blockquote a").nth(number).click()
            mark = opened.value.locator("mark#citaat")
            expect(mark).to_be_in_viewport()
            assert "".join(opened.value.locator("mark").all_text_contents()) == quoted
            opened.value.close()


def test_a_quote_at_the_end_of_a_long_passage_is_in_view_on_a_phone(
    new_page: PageMaker, real_address: str
) -> None:
    text = CORPUS.read_text(encoding="utf-8")
    passage = text.index("De AIVD werkt ook samen in de Counter Terrorism Group")
    start = text.index("Een voorbeeld van die versterking")
    end = text.index("\n", start)
    with new_page(real_address, viewport={"width": 375, "height": 667}) as page:
        page.goto(f"{real_address}/bronnen/{CORPUS.name}?start={start}&end={end}#p-{passage}")
        expect(page.locator("mark#citaat")).to_be_in_viewport(ratio=1)


def test_making_the_index_starting_and_answering_reach_no_other_host(
    real_address: str, watch_folder: Path
) -> None:
    asked = httpx.post(f"{real_address}/api/v1/answers", json={"question": "wat doet de NCTV?"})
    assert asked.json()["status"] == "answered"
    assert watch_works(watch_folder)
    assert hosts_outside(watch_folder) == []


def test_what_the_text_does_not_tell_is_refused(new_page: PageMaker, real_address: str) -> None:
    with new_page(real_address) as page:
        page.goto(real_address)
        page.get_by_role("textbox", name="Uw vraag").fill("hoe bak ik een appeltaart?")
        page.get_by_role("textbox", name="Uw vraag").press("Enter")
        expect(page.locator(".vb-antwoord").get_by_text("Dat staat niet in deze bronnen.")).to_be_visible()
        assert page.locator("blockquote").count() == 0


def test_a_suggestion_below_an_answer_gets_an_answer(new_page: PageMaker, real_address: str) -> None:
    with new_page(real_address) as page:
        page.goto(real_address)
        page.get_by_role("textbox", name="Uw vraag").fill("wat doet het openbar ministerie?")
        page.get_by_role("textbox", name="Uw vraag").press("Enter")
        answer = page.locator(".vb-beantwoord").first
        expect(answer).to_contain_text("in plaats van “openbar”.")
        suggestion = answer.locator(".vb-suggestie").first
        question = suggestion.text_content() or ""
        suggestion.click()
        expect(page.locator(".vb-vraag").nth(1)).to_have_text(question)
        expect(page.locator(".vb-beantwoord").nth(1).locator("blockquote").first).to_be_visible()
