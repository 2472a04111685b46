from collections.abc import Callable
from contextlib import AbstractContextManager

from playwright.sync_api import Page, expect

PageMaker = Callable[..., AbstractContextManager[Page]]


def test_it_is_found_from_the_sources_and_leads_to_each_part_under_its_own_policy(
    new_page: PageMaker, address: str
) -> None:
    with new_page(address) as page:
        page.goto(f"{address}/bronnen")
        page.get_by_role("link", name="de API").click()
        page.get_by_role("link", name="Zeg of een antwoord hielp").click()
        expect(page.get_by_role("heading", name="Zeg of een antwoord hielp")).to_be_in_viewport()
        page.get_by_role("link", name="FeedbackRequest").first.click()
        expect(page.locator("#FeedbackRequest")).to_be_in_viewport()
        assert page.locator("#schemas code", has_text="answer_id").count() == 1
