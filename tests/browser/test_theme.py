"""A theme of the operator's own on the chat, the pages and the widget, in a real Chromium."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from web_serving import THREE_SENTENCES, served

from conftest import PageMaker

Check = Callable[[Page, str, str, str, str], None]
"""What is looked at: a page, its address, and three colours."""

GROUND, TEXT, LINK, BUTTON = "rgb(250, 240, 230)", "rgb(40, 30, 20)", "rgb(160, 0, 0)", "rgb(0, 90, 60)"
DARK_GROUND, DARK_LINK = "rgb(30, 10, 10)", "rgb(255, 180, 180)"
LIGHT_ONLY = f"""
.voorbeeld-theme {{
  --utrecht-surface-background-color: {GROUND};
  --utrecht-document-background-color: {GROUND};
  --utrecht-document-color: {TEXT};
  --utrecht-link-color: {LINK};
  --utrecht-button-primary-action-background-color: {BUTTON};
  --utrecht-button-border-radius: 0;
}}
"""
WITH_DARK = f"""{LIGHT_ONLY}
@media (prefers-color-scheme: dark) {{
  .voorbeeld-theme {{
    --utrecht-surface-background-color: {DARK_GROUND};
    --utrecht-document-background-color: {DARK_GROUND};
    --utrecht-document-color: white;
    --utrecht-link-color: {DARK_LINK};
  }}
}}
"""
OUR_SOFT, OUR_SOFT_DARK = "rgb(82, 96, 109)", "rgb(172, 184, 196)"
"""What kleuren.css gives --utrecht-form-field-description-color, which the themes leave alone."""


def themed_address(folder: Path, css: str) -> Iterator[str]:
    path = folder / "huisstijl.css"
    path.write_text(css, encoding="utf-8")
    with served(*THREE_SENTENCES, environment={**os.environ, "VRAAGBAAK_THEME": str(path)}) as address:
        yield address


@pytest.fixture(scope="module")
def light_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a theme without dark colours is served."""
    yield from themed_address(tmp_path_factory.mktemp("light"), LIGHT_ONLY)


@pytest.fixture(scope="module")
def with_dark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a theme with dark colours is served."""
    yield from themed_address(tmp_path_factory.mktemp("dark"), WITH_DARK)


def check_chat(page: Page, address: str, ground: str, link: str, soft: str) -> None:
    page.goto(f"{address}/#q=Wanneer+is+het+gemeentehuis+open%3F")
    expect(page.locator("#vb-gesprek blockquote .vb-bron").first).to_have_css("color", soft)
    expect(page.locator("#vb-gesprek blockquote").first).to_have_css("background-color", ground)
    expect(page.locator("#vb-gesprek blockquote a").first).to_have_css("color", link)
    expect(page.locator("body")).to_have_css("background-color", ground)
    expect(page.locator("#vb-verstuur")).to_have_css("background-color", BUTTON)
    expect(page.locator("#vb-verstuur")).to_have_css("border-top-left-radius", "0px")


def check_source(page: Page, address: str, ground: str, link: str, soft: str) -> None:
    page.goto(f"{address}/bronnen/over%20ons/gemeentehuis.txt")
    expect(page.locator("article")).to_have_css("background-color", ground)
    expect(page.locator("body")).to_have_css("background-color", ground)
    expect(page.locator(".kop nav a").first).to_have_css("color", link)
    expect(page.locator(".herkomst").first).to_have_css("color", soft)


def check_widget(page: Page, address: str, ground: str, link: str, soft: str) -> None:
    page.goto(f"{address}/widget")
    page.locator("vraagbaak-chat .launcher").click()
    page.locator("vraagbaak-chat textarea").fill("Wanneer is het gemeentehuis open?")
    page.locator("vraagbaak-chat textarea").press("Enter")
    expect(page.locator("vraagbaak-chat .quote a").first).to_have_css("color", link)
    expect(page.locator("vraagbaak-chat .panel")).to_have_css("background-color", ground)
    expect(page.locator("vraagbaak-chat .header")).to_have_css("background-color", BUTTON)
    expect(page.locator("vraagbaak-chat .promise")).to_have_css("color", soft)


CHECKS = (check_chat, check_source, check_widget)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_theme_without_dark_colours_is_light_for_everyone(
    new_page: PageMaker, light_only: str, check: Check, scheme: str
) -> None:
    with new_page(light_only, color_scheme=scheme) as page:
        check(page, light_only, GROUND, LINK, OUR_SOFT)
        expect(page.locator("html")).to_have_class("voorbeeld-theme vb-licht")


@pytest.mark.parametrize("check", CHECKS)
def test_a_theme_with_dark_colours_follows_the_visitor(
    new_page: PageMaker, with_dark: str, check: Check
) -> None:
    with new_page(with_dark) as page:
        check(page, with_dark, GROUND, LINK, OUR_SOFT)
        expect(page.locator("html")).to_have_class("voorbeeld-theme")
    with new_page(with_dark, color_scheme="dark") as page:
        check(page, with_dark, DARK_GROUND, DARK_LINK, OUR_SOFT_DARK)
