"""The chat and the light pages, held against WCAG 2.2 AA; /toegankelijkheid claims what is tested here.

The widget is held against it in test_widget.py.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from axe import violations
from axe_playwright_python.sync_playwright import Axe
from chat_page import TEXTBOX, ask, open_chat
from playwright.sync_api import Page, expect
from three_sentences import DOCUMENT_ID, OLD_DOCUMENT, OPEN, PASSPORT, QUESTIONS, SUNDAY, TABULAR_DOCUMENT

from retrieval.web.accessibility import AXE_VERSION
from retrieval.web.messages import FAILED
from retrieval.web.sources import source_path

PageMaker = Callable[..., AbstractContextManager[Page]]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 375, "height": 667}
NARROW = {"width": 320, "height": 667}
ZOOMED = {"width": 320, "height": 200}
"""What 400 % zoom leaves of 1280 by 800."""

SOURCE = source_path(DOCUMENT_ID)
PAGES = (
    f"{SOURCE}?start=34&end=76",  # a place marked
    f"{SOURCE}?v={OLD_DOCUMENT.sha256}",
    f"{SOURCE}?v={TABULAR_DOCUMENT.sha256}",
    f"{SOURCE}?v=00000000&start=0&end=5",  # a text that is gone
    "/bronnen",
    "/widget",
    "/api",
    "/toegankelijkheid",
    "/bronnen/geen",  # 404
)
REFUSALS = ("404",)
"""What the browser reports where PAGES are opened."""


def light_pages(page: Page, address: str) -> Iterator[str]:
    """Opens one after the other; gives its path."""
    for path in PAGES:
        page.goto(address + path)
        expect(page.locator("h1")).to_be_visible()
        if path == "/widget":
            expect(page.locator("vraagbaak-chat .launcher")).to_be_visible()
        yield path


def chat_states(page: Page, address: str) -> Iterator[str]:
    """Brings the chat from one state to the next; gives the name of each."""
    open_chat(page, address)
    yield "empty"
    ask(page, "gemeentehuis, zondag of paspoort?").locator("summary").click()
    yield "answered"
    ask(page, "hoe heet de burgemeester van het gemeentehuis?")
    yield "refused with passages"
    ask(page, "wie won het toernooi?")
    yield "refused without"
    ask(page, "hallo")
    yield "small talk"
    ask(page, "dit is kapot")
    yield "failed"
    page.fill(TEXTBOX, "mijn bsn is 123456782")
    page.press(TEXTBOX, "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    yield "personal data"
    page.get_by_role("button", name="Aanpassen").click()
    page.fill(TEXTBOX, "x" * 501)
    expect(page.locator("#vb-status")).to_have_text("Uw vraag is 1 teken te lang.")
    yield "too long"


def in_every_look(page: Page) -> dict[str, list[str]]:
    """What axe finds in both sizes and both colour schemes, where that is anything."""
    found = {}
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found[f"{size['width']} {scheme}"] = violations(page)
    return {look: told for look, told in found.items() if told}


# ---- axe


@pytest.mark.parametrize("states", [chat_states, light_pages])
def test_axe_finds_nothing_in_any_state_size_and_scheme(
    new_page: PageMaker, address: str, states: Callable[[Page, str], Iterator[str]]
) -> None:
    refusals = REFUSALS if states is light_pages else ()
    with new_page(address, refusals=refusals, bypass_csp=True, reduced_motion="reduce") as page:
        found = {state: in_every_look(page) for state in states(page, address)}
        assert {state: told for state, told in found.items() if told} == {}


@pytest.mark.parametrize("states", [chat_states, light_pages])
def test_axe_finds_nothing_in_forced_colours(
    new_page: PageMaker, address: str, states: Callable[[Page, str], Iterator[str]]
) -> None:
    refusals = REFUSALS if states is light_pages else ()
    with new_page(address, refusals=refusals, bypass_csp=True, forced_colors="active") as page:
        found = {state: violations(page) for state in states(page, address)}
        assert {state: told for state, told in found.items() if told} == {}


def test_axe_would_find_a_small_target_a_faint_text_and_a_part_outside_landmarks(
    new_page: PageMaker, address: str
) -> None:
    faults = (
        '<div style="color: #888; background: #999">flauw</div>'
        '<p><button style="width: 9px; height: 9px; padding: 0">a</button>'
        '<button style="width: 9px; height: 9px; padding: 0">b</button></p>'
    )
    with new_page(address, bypass_csp=True) as page:
        page.goto(f"{address}/bronnen")
        page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", faults)
        rules = {told.partition(":")[0] for told in violations(page)}
        assert rules == {"color-contrast", "target-size", "region"}


def test_the_page_names_the_axe_that_these_tests_run() -> None:
    assert f"axe v{AXE_VERSION}\n" in Axe().axe_script


# ---- keyboard


STOP = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const shows = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const words = element.getAttribute("aria-label") ?? element.textContent.trim();
  return [words, shows && box.bottom > 0 && box.top < innerHeight];
}"""
"""What has the focus, and whether one can see that: its outline, and in the window."""


def stops(page: Page, key: str, count: int) -> list[str]:
    """What ``count`` presses of ``key`` reach, each of which must be seen to have the focus."""
    reached = []
    for _ in range(count):
        page.keyboard.press(key)
        words, is_seen = page.evaluate(STOP)
        assert is_seen, f"the focus cannot be seen on {words!r}"
        reached.append(words)
    return reached


def test_with_the_keyboard_alone(new_page: PageMaker, address: str) -> None:
    quoted = ["Het gemeentehuis › Openingstijden", "Op de oorspronkelijke pagina", "Kopieer met bron"]
    other = ["Het gemeentehuis › Balie", *quoted[1:]]
    way = ["Nieuw gesprek", "Bronnen", "Gesprek", *QUESTIONS, "Kopieer link naar deze vraag"]
    way += [*quoted, *quoted, *other, "Lees alle 3 passages", *QUESTIONS]
    with new_page(address) as page:
        open_chat(page, address)
        expect(page.locator(TEXTBOX)).to_be_focused()
        page.keyboard.type("gemeentehuis, zondag of paspoort?")
        page.keyboard.press("Enter")
        expect(page.locator(".vb-citaat")).to_have_count(3)
        expect(page.locator(TEXTBOX)).to_be_focused()
        assert stops(page, "Shift+Tab", len(way)) == way[::-1]
        assert stops(page, "Tab", len(way) - 1) == way[1:]
        assert stops(page, "Tab", 1) == [""]
        expect(page.locator(TEXTBOX)).to_be_focused()
        assert stops(page, "Tab", 2) == ["Vraag", "Toegankelijkheid"]
        stops(page, "Shift+Tab", 2 + 3)
        page.keyboard.press("Enter")  # on the passages
        expect(page.locator(".vb-passage").first).to_be_visible()
        assert stops(page, "Tab", 1) == ["Het gemeentehuis › Openingstijden"]
        page.locator(TEXTBOX).focus()
        stops(page, "Shift+Tab", 1)
        page.keyboard.press("Enter")  # on a suggestion
        expect(page.locator(".vb-vraag")).to_have_count(2)
        expect(page.locator(TEXTBOX)).to_be_focused()


def test_a_warning_is_left_with_the_keyboard_alone(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        page.keyboard.type("mijn bsn is 123456782")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Aanpassen")).to_be_focused()
        assert stops(page, "Tab", 1) == ["Toch versturen"]
        assert stops(page, "Shift+Tab", 1) == ["Aanpassen"]
        page.keyboard.press("Enter")
        expect(page.locator(TEXTBOX)).to_be_focused()


def test_on_the_pages_the_focus_is_seen_and_goes_all_the_way_round(new_page: PageMaker, address: str) -> None:
    with new_page(address, refusals=REFUSALS, reduced_motion="reduce") as page:
        for path in light_pages(page, address):
            if path == "/widget":
                continue  # its button has the focus inside it, and is tested in test_widget.py
            page.evaluate("document.body.tabIndex = -1; document.body.focus()")
            links = page.locator("a[href], summary, [tabindex='0']").filter(visible=True).count()
            assert stops(page, "Tab", links)[-1] == "Toegankelijkheid", path


# ---- screen readers


WATCH = """
window.said = [];
const LIVE = "[aria-live], [role=log], [role=status], [role=alert]";
new MutationObserver((changes) => {
  const regions = new Map();
  for (const { target, addedNodes, type } of changes) {
    const element = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
    const region = element?.closest(LIVE);
    const words = type === "characterData" ? target.data : [...addedNodes].map((n) => n.textContent).join("");
    if (!region || region.getAttribute("aria-live") === "off" || words.trim() === "") continue;
    regions.set(region, (regions.get(region) ?? "") + words);
  }
  window.said.push(...regions.values());
}).observe(document, { childList: true, characterData: true, subtree: true });
"""
"""Notes what any live region of the page is given to say."""


def said(page: Page) -> list[str]:
    """What screen readers were told since this was last asked."""
    page.wait_for_timeout(300)  # it is told a moment after it is shown
    return list(page.evaluate("window.said.splice(0)"))


def test_screen_readers_are_told_each_answer_once_and_no_buttons(new_page: PageMaker, address: str) -> None:
    quotes = (
        f"Antwoord: {OPEN} Bron: Het gemeentehuis, Openingstijden. "
        f"{SUNDAY} Bron: Het gemeentehuis, Openingstijden. {PASSPORT} Bron: Het gemeentehuis, Balie."
    )
    no_answer = "Ik vind hier geen antwoord op, maar deze passages gaan erover."
    told = {
        "wie won het toernooi?": "Dat staat niet in deze bronnen.",
        "hallo": "Hallo! Vraag maar.",
        "dit is kapot": FAILED,
        "wat neem ik mee voor een paspoort?": f"Antwoord: {PASSPORT} Bron: Het gemeentehuis, Balie.",
        "en wat nog meer?": f"Antwoord: {PASSPORT} Bron: Het gemeentehuis, Balie.",
        "gemeentehuis, zondag of paspoort?": quotes,
        "hoe heet de burgemeester?": f"{no_answer} Er staan 3 passages bij.",
    }
    with new_page(address) as page:
        page.add_init_script(WATCH)
        open_chat(page, address)
        said(page)
        for question, words in told.items():
            ask(page, question)
            assert said(page) == [words]
        page.fill(TEXTBOX, "mijn bsn is 123456782")
        page.press(TEXTBOX, "Enter")
        warning = (
            "Uw vraag lijkt een burgerservicenummer te bevatten. Dat is niet nodig om antwoord te krijgen."
        )
        assert said(page) == [f"{warning} Uw vraag is nog niet verstuurd."]
        open_chat(page, address)
        said(page)
        ask(page, "hoe heet de burgemeester van het gemeentehuis?")
        assert said(page) == [f"{no_answer} Er staat 1 passage bij."]


def test_everything_has_a_name_and_no_name_is_source_code(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        ask(page, "wat neem ik mee voor een paspoort?")
        expect(page.get_by_role("log", name="Gesprek")).to_have_attribute("aria-live", "off")
        expect(page.get_by_role("textbox", name="Uw vraag")).to_be_visible()
        assert page.locator("#vb-gesprek [data-testid][aria-label]").count() == 0


# ---- narrow and low windows


SIDEWAYS = """() => [...document.querySelectorAll("*")]
  .filter((element) => element === document.documentElement
    || ["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX))
  .filter((element) => element.scrollWidth > element.clientWidth && element.clientWidth > 1)
  .map((element) => `${element.localName}.${element.className} ${element.scrollWidth}`)"""
"""What is wider than the room it has, so that it scrolls sideways or is cut off."""


@pytest.mark.parametrize("window", [NARROW, ZOOMED], ids=["320 wide", "400 % zoom"])
@pytest.mark.parametrize("states", [chat_states, light_pages])
def test_nothing_scrolls_sideways(
    new_page: PageMaker,
    address: str,
    states: Callable[[Page, str], Iterator[str]],
    window: dict[str, int],
) -> None:
    refusals = REFUSALS if states is light_pages else ()
    with new_page(address, refusals=refusals, viewport=window) as page:
        found = {state: page.evaluate(SIDEWAYS) for state in states(page, address)}
        assert {state: told for state, told in found.items() if told} == {}


def test_a_wide_table_is_scrolled_by_itself_with_the_keyboard(new_page: PageMaker, address: str) -> None:
    with new_page(address, viewport=NARROW, reduced_motion="reduce") as page:
        page.goto(f"{address}{SOURCE}?v={TABULAR_DOCUMENT.sha256}")
        table = page.get_by_role("region", name="Tabel 1: Neem mee")
        table.evaluate(
            "region => region.querySelectorAll('tr').forEach("
            "row => row.append(...Array.from({length: 9}, () => row.lastElementChild.cloneNode(true))))"
        )
        assert [told.split()[0] for told in page.evaluate(SIDEWAYS)] == ["div.tabel"]
        table.focus()
        page.keyboard.press("ArrowRight")
        expect(table).to_have_js_property("scrollLeft", 40)  # what Chromium scrolls by a key


def test_at_400_percent_an_answer_is_read_and_the_next_question_asked(
    new_page: PageMaker, address: str
) -> None:
    with new_page(address, viewport=ZOOMED) as page:
        open_chat(page, address)
        for _ in range(2):
            answer = ask(page, "wat neem ik mee voor een paspoort?")
            expect(page.locator(".vb-vraag").last).to_be_in_viewport(ratio=1)
            for part in (
                answer.locator(".vb-bron a"),
                answer.locator(".vb-kopieer"),
                page.locator(TEXTBOX),
                page.locator("#vb-voet a"),
            ):
                part.scroll_into_view_if_needed()
                expect(part).to_be_in_viewport(ratio=1)
                assert part.evaluate(
                    "element => { const box = element.getBoundingClientRect();"
                    " return element.contains(document.elementFromPoint(box.x + 5, box.y + box.height / 2)) }"
                )
        page.fill(TEXTBOX, "mijn bsn is 123456782")
        page.press(TEXTBOX, "Enter")
        for name in ("Aanpassen", "Toch versturen"):
            button = page.get_by_role("button", name=name)
            button.scroll_into_view_if_needed()
            expect(button).to_be_in_viewport(ratio=1)


# ---- motion and targets


MOVING = """() => document.getAnimations().length + [...document.querySelectorAll("*")].filter((element) =>
  ["", "::before", "::after"].some((part) => {
    const style = getComputedStyle(element, part || null);
    return style.scrollBehavior === "smooth" || style.animationName !== "none"
      || style.transitionDuration.split(", ").some((time) => parseFloat(time) > 0
        && style.transitionProperty !== "none");
  })).length"""
"""How many elements move, or would when something about them changes."""


@pytest.mark.parametrize("states", [chat_states, light_pages])
def test_nothing_moves_where_the_visitor_asks_for_less_motion(
    new_page: PageMaker, address: str, states: Callable[[Page, str], Iterator[str]]
) -> None:
    refusals = REFUSALS if states is light_pages else ()
    with new_page(address, refusals=refusals, reduced_motion="reduce") as page:
        found = {state: page.evaluate(MOVING) for state in states(page, address)}
        assert {state: count for state, count in found.items() if count} == {}
        page.emulate_media(reduced_motion="no-preference")
        assert page.evaluate(MOVING) > 0


SMALL = """() => [...document.querySelectorAll("a[href], button, summary, textarea")].filter((element) => {
  if (!element.checkVisibility({ visibilityProperty: true })) return false;
  const line = element.parentElement.cloneNode(true);
  for (const target of line.querySelectorAll("a, button")) target.remove();
  const isInText = getComputedStyle(element).display === "inline" && line.textContent.trim() !== "";
  const { width, height, bottom } = element.getBoundingClientRect();
  return !isInText && bottom > 0 && Math.min(width, height) < 24;
}).map((element) => element.outerHTML.slice(0, 120))"""
"""Links and buttons that stand by themselves and are less than 24 by 24 pixels."""


@pytest.mark.parametrize("window", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("states", [chat_states, light_pages])
def test_targets_are_24_pixels_or_more(
    new_page: PageMaker,
    address: str,
    states: Callable[[Page, str], Iterator[str]],
    window: dict[str, int],
) -> None:
    refusals = REFUSALS if states is light_pages else ()
    with new_page(address, refusals=refusals, viewport=window) as page:
        found = {state: page.evaluate(SMALL) for state in states(page, address)}
        assert {state: told for state, told in found.items() if told} == {}
