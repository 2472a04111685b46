from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PageMaker = Callable[..., AbstractContextManager[Page]]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_window(
    new_page: PageMaker, address: str, scheme: str, width: int
) -> None:
    # axe is put into the page as an inline script, which the page's own policy would refuse
    window = {"width": width, "height": 800}
    with new_page(address, color_scheme=scheme, viewport=window, bypass_csp=True) as page:
        page.goto(f"{address}/api")
        expect(page.locator("h1")).to_have_text("De API van Vraagbaak")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        violations = Axe().run(page, options=RULES).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations] == []


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
