"""Every example of docs/inbedden.md and of the README, served by a site of its own and used."""

import re
from pathlib import Path

import pytest
from host_sites import host_site, page_of
from playwright.sync_api import Browser, Frame, Page, expect
from three_sentences import PASSPORT

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "inbedden.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
STATIC = ROOT / "src" / "retrieval" / "web" / "static"
EXAMPLES, README_EXAMPLES = (
    re.findall(r"^```html\n(.*?)^```", text, re.MULTILINE | re.DOTALL) for text in (GUIDE, README)
)
HOST = "https://vragen.example.nl"
QUESTION = "wat neem ik mee voor een paspoort?"


def test_the_guide_and_the_readme_have_their_examples() -> None:
    assert len(EXAMPLES) == 6
    assert len(README_EXAMPLES) == 1


@pytest.mark.parametrize("number", range(len([*EXAMPLES, *README_EXAMPLES])))
def test_each_example_answers(browser: Browser, address: str, number: int) -> None:
    example = [*EXAMPLES, *README_EXAMPLES][number].replace(HOST, address)
    with host_site({"/": page_of(example)}) as site:
        page = browser.new_page()
        page.goto(f"{site}/")
        if "<iframe" in example:
            frame = page.frame_locator("iframe")
            frame.locator("#vb-invoer textarea").fill(QUESTION)
            frame.locator("#vb-invoer textarea").press("Enter")
            expect(frame.locator("blockquote p").first).to_have_text(PASSPORT)
        else:
            ask_widget(page)
        page.close()


def ask_widget(page: Page | Frame) -> None:
    """Ask the widget a question as a visitor would."""
    box = page.locator("vraagbaak-chat textarea")
    expect(page.locator("vraagbaak-chat .launcher, vraagbaak-chat textarea").first).to_be_visible()
    if not box.is_visible():
        page.locator("vraagbaak-chat .launcher").click()
    box.fill(QUESTION)
    box.press("Enter")
    expect(page.locator("vraagbaak-chat blockquote p").first).to_have_text(PASSPORT)


def test_the_policy_of_the_guide_is_enough(browser: Browser, address: str) -> None:
    found = re.search(r"^Content-Security-Policy: (.+)$", GUIDE, re.MULTILINE)
    assert found is not None
    policy = found[1].replace(HOST, address)
    for line in EXAMPLES[:3]:
        with host_site({"/": page_of(line.replace(HOST, address))}, policy) as site:
            page = browser.new_page()
            told: list[str] = []
            page.on("console", lambda message, told=told: told.append(message.text))
            page.goto(f"{site}/")
            ask_widget(page)
            assert told == []
            page.close()


def test_the_example_of_a_theme_is_taken_over(browser: Browser, address: str) -> None:
    example = next(one for one in EXAMPLES if "--utrecht" in one).replace(HOST, address)
    with host_site({"/": page_of(example)}) as site:
        page = browser.new_page()
        page.goto(f"{site}/")
        ask_widget(page)
        expect(page.locator("vraagbaak-chat .header")).to_have_css("background-color", "rgb(21, 66, 115)")
        expect(page.locator("vraagbaak-chat .quote")).to_have_css("border-top-left-radius", "0px")
        page.close()


def test_the_button_of_the_example_asks(browser: Browser, address: str) -> None:
    example = next(one for one in EXAMPLES if "<button" in one).replace(HOST, address)
    with host_site({"/": page_of(example)}) as site:
        page = browser.new_page()
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.goto(f"{site}/")
        expect(page.locator("vraagbaak-chat .launcher")).to_be_visible()
        page.get_by_role("button", name="Vraag over paspoorten").click()
        expect(page.locator("vraagbaak-chat blockquote p").first).to_have_text(PASSPORT)
        assert told == ["answered"]
        page.close()


def test_the_guide_names_every_attribute_event_part_and_property() -> None:
    script = (STATIC / "widget.js").read_text(encoding="utf-8")
    style = (STATIC / "widget.css").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", GUIDE, re.MULTILINE))
    filters = re.search(r'const FILTERS = "([a-z_ ]+)"', script)
    assert filters is not None
    read = set(re.findall(r'(?:get|has)Attribute\("([a-z]+)"\)', script)) | {"lang"}
    assert listed == read | {"theme"} | set(filters[1].replace("_", "-").split())
    properties = set(re.findall(r"--(?:utrecht|vraagbaak)-[a-z-]+", style))
    assert properties == set(re.findall(r"--(?:utrecht|vraagbaak)-[a-z-]+", GUIDE))
    parts = set(re.findall(r'part: "([a-z]+)"', script))
    told = re.search(r"Met `::part\(…\)`(.*?)\n\n", GUIDE, re.DOTALL)
    assert told is not None
    assert set(re.findall(r"`([a-z]+)`", told[1])) == parts
    events = {f"vraagbaak:{name}" for name in re.findall(r'#emit\("([a-z]+)"', script)}
    assert events <= set(re.findall(r"`(vraagbaak:[a-z]+)`", GUIDE))
