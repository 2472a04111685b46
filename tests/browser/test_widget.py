"""The widget on the page of another site, under the strictest policy that it is promised to work under."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from axe import violations
from chromium import FLAGS, chromium_path, note_hosts
from host_sites import host_site, page_of, strict_policy
from playwright.sync_api import Browser, Locator, Page, Response, Route, expect
from three_sentences import PASSAGES, PASSPORT, SUNDAY

PHONE = {"width": 375, "height": 667}
DESKTOP = {"width": 1280, "height": 800}
SUGGESTED = "Wanneer is het gemeentehuis open?|Waar vraag ik een paspoort aan?"
BOX = "vraagbaak-chat textarea"
LAUNCHER = "vraagbaak-chat .launcher"
PANEL = "vraagbaak-chat .panel"
TURNS = "vraagbaak-chat .turn"

WATCH = """
window.said = [];
window.heard = [];
window.addEventListener("DOMContentLoaded", () => {
  for (const name of ["open", "close", "question", "answer", "error", "feedback"]) {
    document.addEventListener(`vraagbaak:${name}`, (event) => window.heard.push([name, event.detail]));
  }
  customElements.whenDefined("vraagbaak-chat").then(() => {
    const live = document.querySelector("vraagbaak-chat").shadowRoot.querySelector('[role="status"]');
    const listen = () => live.textContent && window.said.push(live.textContent);
    new MutationObserver(listen).observe(live, { childList: true, characterData: true, subtree: true });
  });
});
"""

Sites = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def widget_page(browser: Browser, address: str) -> Sites:
    """Opens a page of a site that embeds; it may ask that site and ours alone."""

    @contextmanager
    def make(
        script: str = "",
        element: str = "",
        head: str = "",
        complaints: tuple[str, ...] = (),
        policy: str | None = None,
        **options: Any,
    ) -> Iterator[Page]:
        body = f'<p>Welkom. <a href="/verder">Verder</a></p>{element}'
        line = f'<script src="{address}/widget.js" async {script}></script>'
        pages = {"/": page_of(body + line, head), "/verder": page_of(body + line, head)}
        options.setdefault("viewport", DESKTOP)
        with host_site(pages, strict_policy(address) if policy is None else policy) as site:
            context = browser.new_context(**options)
            context.add_init_script(WATCH)
            asked: list[str] = []
            told: list[str] = []
            context.on("request", lambda request: asked.append(request.url))
            context.on("weberror", lambda error: told.append(str(error.error)))
            context.on(
                "console",
                lambda message: told.append(message.text) if message.type in ("error", "warning") else None,
            )
            page = context.new_page()
            page.goto(f"{site}/")
            expect(page.locator(f"{LAUNCHER}:visible, {BOX}:visible").first).to_be_visible()
            yield page
            cookies = context.cookies()
            context.close()
            outside = [url for url in asked if not url.startswith((f"{site}/", f"{address}/", "data:"))]
            assert outside == []
            assert [text for text in told if not any(part in text for part in complaints)] == []
            assert cookies == []

    return make


def open_panel(page: Page) -> None:
    """Open the panel with a click."""
    page.locator(LAUNCHER).click()
    expect(page.locator(PANEL)).to_be_visible()


def ask(page: Page, question: str) -> Locator:
    """Type a question, press Enter, and give what is shown with it."""
    before = page.locator(TURNS).count()
    page.fill(BOX, question)
    page.press(BOX, "Enter")
    turn = page.locator(TURNS).nth(before)
    expect(turn.locator(".answer > *").first).to_be_visible()
    expect(turn.locator(".waiting")).to_have_count(0)
    return turn


def quotes_of(turn: Locator) -> list[str]:
    """The quotes as they stand in the page, character for character."""
    return turn.locator("blockquote p:not(.lead)").all_text_contents()


def focused(page: Page) -> str:
    """What has the focus, inside the widget too: its class, id or words."""
    script = """() => {
      let element = document.activeElement;
      while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      return element.id || element.className || element.textContent;
    }"""
    return str(page.evaluate(script))


def said(page: Page) -> list[str]:
    """What the live region was given to say, in order; on a slow machine also that it searches."""
    page.wait_for_timeout(150)  # it is emptied first, and filled a moment later
    return [text for text in page.evaluate("window.said") if text != "Even zoeken…"]


def test_one_line_gives_a_button_and_a_panel_that_answers_word_for_word(
    widget_page: Sites, address: str
) -> None:
    with widget_page() as page:
        expect(page.locator(PANEL)).to_be_hidden()
        open_panel(page)
        turn = ask(page, "wat neem ik mee voor een paspoort?")
        assert quotes_of(turn) == [PASSPORT]
        link = turn.locator("figcaption a").first
        assert link.locator("span").first.inner_text() == "Het gemeentehuis › Balie"
        with page.context.expect_page() as opened:
            link.click()
        mark = opened.value.locator("mark#citaat")
        expect(mark).to_be_in_viewport(ratio=1)
        assert mark.text_content() == PASSPORT
        assert opened.value.url.startswith(f"{address}/bronnen/")


def test_markdown_and_html_in_a_source_stay_text_and_the_passage_is_marked(widget_page: Sites) -> None:
    with widget_page() as page:
        open_panel(page)
        turn = ask(page, "is het zondag open?")
        assert quotes_of(turn) == [SUNDAY]
        assert turn.locator("blockquote p > *").count() == 0
        turn.locator("summary").click()
        assert turn.locator(".passage p").text_content() == PASSAGES[0].text
        assert turn.locator("mark").all_text_contents() == [SUNDAY]


def test_highlights_count_characters_as_the_server_does(widget_page: Sites, address: str) -> None:
    citation = {
        "number": 1,
        "title": "D",
        "headings": [],
        "source_url": "/bronnen/d",
        "text": "👩🏽a\u0301bc",
        "highlights": [[4, 5]],
    }
    quote = {"text": "b", "citation": 1, "start": 4, "end": 5, "lead": None}
    reply = {"id": "e1", "status": "answered", "quotes": [quote], "citations": [citation], "suggestions": []}
    with widget_page() as page:
        page.route(f"{address}/api/v1/answers", partial(answer_with, reply=reply))
        open_panel(page)
        assert ask(page, "b?").locator("mark").all_text_contents() == ["b"]


def reply_citing(**more: object) -> dict[str, object]:
    """An answer of one quote, with more said of its source."""
    citation = {
        "number": 1,
        "title": "Afval",
        "headings": [],
        "source_url": "/bronnen/afval",
        "text": "Grijs is dinsdag.",
        "highlights": [[0, 17]],
        **more,
    }
    quote = {"text": "Grijs is dinsdag.", "citation": 1, "start": 0, "end": 17, "lead": None}
    return {"id": "e2", "status": "answered", "quotes": [quote], "citations": [citation], "suggestions": []}


@pytest.mark.parametrize(
    ("known", "language", "told"),
    [
        (
            {"date": "2024-03-09", "modified": "2025-05-03", "publisher": "Ede", "version": "2.1"},
            "nl",
            ["Bijgewerkt 3 mei 2025", "Ede", "v2.1"],
        ),
        ({"date": "2024-03-09", "modified": None}, "nl", ["9 maart 2024"]),
        ({"date": None, "modified": "2025-05-03"}, "en", ["Updated May 3, 2025"]),
        (
            {"date": None, "outdated": True, "valid_from": None, "valid_until": "2025-05-31"},
            "nl",
            ["Let op: geldt alleen tot en met 31 mei 2025"],
        ),
        (
            {"outdated": True, "valid_from": "2025-01-01", "valid_until": "2025-05-31"},
            "en",
            ["Note: holds only from January 1, 2025 until May 31, 2025"],
        ),
        ({"outdated": False, "valid_until": "2025-05-31"}, "nl", []),
    ],
)
def test_a_quote_tells_when_its_source_was_changed_and_when_it_holds(
    widget_page: Sites, address: str, known: dict[str, object], language: str, told: list[str]
) -> None:
    with widget_page(f'data-lang="{language}"') as page:
        page.route(f"{address}/api/v1/answers", partial(answer_with, reply=reply_citing(**known)))
        open_panel(page)
        assert ask(page, "grijs?").locator(".quote .date").all_text_contents() == told


def test_a_passage_names_the_other_places_where_it_stands(widget_page: Sites, address: str) -> None:
    place = {"title": "Folder", "headings": ["Grijs"], "source_url": "/bronnen/folder"}
    reply = reply_citing(other_places=[place], other_place_count=12)
    with widget_page() as page:
        page.route(f"{address}/api/v1/answers", partial(answer_with, reply=reply))
        open_panel(page)
        turn = ask(page, "grijs?")
        turn.get_by_text("Lees de hele passage").click()
        turn.get_by_text("Staat ook op 12 andere plekken").click()
        link = turn.get_by_role("link", name="Folder › Grijs")
        expect(link).to_be_visible()
        assert link.get_attribute("href") == f"{address}/bronnen/folder"


def test_the_site_says_which_sources_may_answer(widget_page: Sites, address: str) -> None:
    attributes = (
        'data-sources="afval/, wonen/huur.html" data-publishers="Gemeente Ede" data-languages="nl,fy" '
        'data-licences="CC0-1.0" data-since="2024-01-01" data-valid-on="2025-05-03"'
    )
    with widget_page(attributes) as page:
        page.route(f"{address}/api/v1/answers", partial(answer_with, reply=reply_citing()))
        open_panel(page)
        with page.expect_request(f"{address}/api/v1/answers") as sent:
            ask(page, "grijs?")
    assert sent.value.post_data_json == {
        "question": "grijs?",
        "history": [],
        "filter": {
            "sources": ["afval/", "wonen/huur.html"],
            "publishers": ["Gemeente Ede"],
            "languages": ["nl", "fy"],
            "licences": ["CC0-1.0"],
            "since": "2024-01-01",
            "valid_on": "2025-05-03",
        },
    }


def hold(route: Route, *, held: list[Route]) -> None:
    """Leave a request without an answer."""
    held.append(route)


def answer_with(route: Route, *, reply: object) -> None:
    """Answer in the place of the server, as it would: readable from elsewhere."""
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Content-Type"}
    route.fulfill(status=200, headers=headers, content_type="application/json", body=json.dumps(reply))


def test_an_abstention_shows_the_way_to_a_human_and_what_can_be_asked(widget_page: Sites) -> None:
    with widget_page() as page:
        open_panel(page)
        turn = ask(page, "wie won het toernooi?")
        assert turn.locator(".answer > div").first.text_content() == "Dat staat niet in deze bronnen."
        assert turn.locator(".contact a").get_attribute("href") == "tel:14010"
        assert turn.locator("blockquote").count() == 0
        assert turn.locator(".suggestion").count() == 2
        related = ask(page, "hoe heet de burgemeester van het gemeentehuis?")
        expect(related.locator(".answer")).to_contain_text("maar deze passages gaan erover")
        assert related.locator(".passage p").text_content() == PASSAGES[0].text
        talk = ask(page, "hallo")
        expect(talk.locator(".answer")).to_contain_text("Hallo! Vraag maar.")
        assert talk.locator(".feedback").count() == 0


def test_the_earlier_questions_are_sent_along_until_a_new_conversation(widget_page: Sites) -> None:
    with widget_page() as page:
        open_panel(page)
        expect(ask(page, "en daar?")).to_contain_text("Dat staat niet")
        ask(page, "zondag?")
        assert quotes_of(ask(page, "en daar?")) == [SUNDAY]
        page.get_by_role("button", name="Nieuw gesprek").click()
        expect(page.locator(TURNS)).to_have_count(0)
        assert focused(page) == "box"
        expect(ask(page, "en daar?")).to_contain_text("Dat staat niet")


def test_a_suggestion_is_asked_and_what_was_being_typed_is_kept(widget_page: Sites) -> None:
    with widget_page(f'data-suggestions="{SUGGESTED}"') as page:
        open_panel(page)
        assert page.locator(".welcome .suggestion").all_text_contents() == SUGGESTED.split("|")
        page.fill(BOX, "half af")
        page.get_by_role("button", name="Waar vraag ik een paspoort aan?").click()
        expect(page.locator(".quote")).to_have_count(1)
        assert quotes_of(page.locator(TURNS).first) == [PASSPORT]
        expect(page.locator(BOX)).to_have_value("half af")


# ---- keyboard and screen reader


def test_with_the_keyboard_alone(widget_page: Sites) -> None:
    with widget_page() as page:
        page.keyboard.press("Tab")
        assert focused(page) == "Verder"
        page.keyboard.press("Tab")
        assert focused(page) == "launcher"
        page.keyboard.press("Enter")
        assert focused(page) == "box"
        page.keyboard.type("gemeentehuis, zondag of paspoort?")
        page.keyboard.press("Enter")
        expect(page.locator(".quote")).to_have_count(3)
        assert focused(page) == "box"
        reached = []
        for _ in range(20):
            page.keyboard.press("Shift+Tab")
            reached.append(focused(page))
            if reached[-1] == "log":
                break
        for title, count in (("Het gemeentehuis › Openingstijden", 2), ("Het gemeentehuis › Balie", 1)):
            assert [text.startswith(title) for text in reached].count(True) == count
        assert reached[-1] == "log"
        page.keyboard.press("Escape")
        expect(page.locator(PANEL)).to_be_hidden()
        assert focused(page) == "launcher"


def test_escape_shows_what_lies_behind_the_panel_and_leaves_the_focus_there(widget_page: Sites) -> None:
    with widget_page() as page:
        open_panel(page)
        page.get_by_role("link", name="Verder").focus()
        page.keyboard.press("Escape")
        expect(page.locator(PANEL)).to_be_hidden()
        assert focused(page) == "Verder"


def test_the_focus_goes_back_to_what_opened_the_panel(widget_page: Sites) -> None:
    with widget_page() as page:
        page.get_by_role("link", name="Verder").focus()
        page.evaluate("document.querySelector('vraagbaak-chat').open()")
        assert focused(page) == "box"
        page.get_by_role("button", name="Sluiten").click()
        assert focused(page) == "Verder"


def test_on_a_phone_the_panel_is_modal_and_the_page_behind_it_out_of_reach(widget_page: Sites) -> None:
    with widget_page(viewport=PHONE) as page:
        open_panel(page)
        for _ in range(12):
            page.keyboard.press("Tab")
            assert focused(page) != "Verder"
        page.keyboard.press("Escape")
        expect(page.locator(PANEL)).to_be_hidden()
        assert focused(page) == "launcher"


def test_a_screen_reader_is_told_each_answer_once(widget_page: Sites) -> None:
    with widget_page() as page:
        open_panel(page)
        ask(page, "wie won het toernooi?")
        assert said(page) == ["Dat staat niet in deze bronnen."]
        ask(page, "wat neem ik mee voor een paspoort?")
        assert said(page)[1:] == [f"Antwoord: {PASSPORT} Bron: Het gemeentehuis."]
        assert page.locator("[aria-live], [role=log]").count() == 0


def test_names_roles_and_states(widget_page: Sites) -> None:
    with widget_page('data-heading="Vraag het ons"') as page:
        launcher = page.get_by_role("button", name="Stel een vraag")
        assert launcher.get_attribute("aria-haspopup") == "dialog"
        launcher.click()
        dialog = page.get_by_role("dialog", name="Vraag het ons")
        expect(dialog).to_be_visible()
        assert dialog.get_attribute("lang") == "nl"
        expect(dialog.get_by_role("textbox", name="Uw vraag")).to_be_focused()
        expect(dialog.get_by_role("region", name="Gesprek")).to_be_visible()
        turn = ask(page, "zondag?")
        expect(turn.get_by_role("heading", level=3, name="U vroeg: zondag?")).to_be_visible()
        expect(turn.get_by_role("group", name="Heeft u hier iets aan?")).to_be_visible()


# ---- privacy


@pytest.mark.parametrize("how", ["typed", "method"])
def test_personal_data_is_not_sent_before_the_visitor_says_so(widget_page: Sites, how: str) -> None:
    question = "mijn bsn is 123456782, wat nu met mijn paspoort?"
    with widget_page() as page:
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.post_data or ""))
        open_panel(page)
        if how == "typed":
            page.fill(BOX, question)
            page.press(BOX, "Enter")
        else:
            page.evaluate("question => document.querySelector('vraagbaak-chat').ask(question)", question)
        warning = page.get_by_role("alert")
        expect(warning).to_contain_text("Uw vraag lijkt een burgerservicenummer te bevatten.")
        page.get_by_role("button", name="Aanpassen").click()
        expect(warning).to_be_hidden()
        expect(page.locator(BOX)).to_be_focused()
        expect(page.locator(BOX)).to_have_value(question)
        page.press(BOX, "Enter")
        page.keyboard.press("Escape")
        expect(warning).to_be_hidden()
        expect(page.locator(PANEL)).to_be_visible()
        page.press(BOX, "Enter")
        page.locator(BOX).press_sequentially(" x")  # what is changed is looked at again
        expect(warning).to_be_hidden()
        page.fill(BOX, question)
        assert [body for body in sent if "123456782" in body] == []
        page.press(BOX, "Enter")
        page.get_by_role("button", name="Toch versturen").click()
        expect(page.locator(".quote")).to_have_count(1)
        assert quotes_of(page.locator(TURNS).first) == [PASSPORT]
        assert [json.loads(body)["question"] for body in sent if "123456782" in body] == [question]


def test_personal_data_that_was_not_sent_is_kept_nowhere(widget_page: Sites) -> None:
    with widget_page() as page:
        open_panel(page)
        page.fill(BOX, "mijn bsn is 123456782")
        page.press(BOX, "Enter")
        page.get_by_role("button", name="Aanpassen").click()
        page.get_by_role("link", name="Verder").click()
        page.wait_for_url("**/verder")
        assert "123456782" not in page.evaluate("JSON.stringify({...sessionStorage})")
        page.fill(BOX, "half af")
        page.get_by_role("button", name="Nieuw gesprek").click()
        expect(page.locator(BOX)).to_have_value("")


def test_a_suggestion_with_personal_data_is_warned_at_too(widget_page: Sites) -> None:
    with widget_page('data-suggestions="Is 079-3205050 het nummer?"', element="") as page:
        open_panel(page)
        page.get_by_role("button", name="Is 079-3205050 het nummer?").click()
        expect(page.get_by_role("alert")).to_contain_text("een telefoonnummer")
        expect(page.get_by_role("button", name="Aanpassen")).to_be_focused()
        assert page.locator(TURNS).count() == 0


def test_in_the_text_escape_takes_the_warning_away(widget_page: Sites) -> None:
    with widget_page(element="<vraagbaak-chat></vraagbaak-chat>") as page:
        page.fill(BOX, "mijn bsn is 123456782")
        page.press(BOX, "Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("alert")).to_be_hidden()
        expect(page.locator(BOX)).to_be_focused()


def test_two_elements_on_one_page_have_a_conversation_each(widget_page: Sites) -> None:
    with widget_page(element="<vraagbaak-chat></vraagbaak-chat><vraagbaak-chat></vraagbaak-chat>") as page:
        first = page.locator("vraagbaak-chat").first
        first.locator("textarea").fill("zondag?")
        first.locator("textarea").press("Enter")
        expect(first.locator(".quote")).to_have_count(1)
        page.reload()
        expect(first.locator(".quote")).to_have_count(1)
        expect(page.locator("vraagbaak-chat").nth(1).locator(".turn")).to_have_count(0)


def test_a_dialog_of_the_site_takes_its_escape_first(widget_page: Sites) -> None:
    with widget_page(element="<dialog>Van de site <button>Ja</button></dialog>") as page:
        open_panel(page)
        page.evaluate("document.querySelector('dialog').showModal()")
        page.keyboard.press("Escape")
        expect(page.get_by_text("Van de site")).to_be_hidden()
        expect(page.locator(PANEL)).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(PANEL)).to_be_hidden()


def test_a_panel_becomes_modal_where_the_window_becomes_small(widget_page: Sites) -> None:
    with widget_page() as page:
        open_panel(page)
        page.fill(BOX, "half af")
        modal = "document.querySelector('vraagbaak-chat').shadowRoot.querySelector(':modal') !== null"
        assert not page.evaluate(modal)
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        page.wait_for_timeout(200)
        assert page.evaluate(modal)
        assert focused(page) == "box"
        page.evaluate("document.body.prepend(document.querySelector('vraagbaak-chat'))")
        assert page.evaluate(modal)
        page.keyboard.press("Escape")
        expect(page.locator(PANEL)).to_be_hidden()
        assert focused(page) == "launcher"


def test_while_an_answer_is_waited_for_no_suggestion_is_asked_and_no_draft_lost(
    widget_page: Sites, address: str
) -> None:
    with widget_page(f'data-suggestions="{SUGGESTED}"', complaints=("ERR_",)) as page:
        held: list[Route] = []
        page.route(f"{address}/api/v1/answers", partial(hold, held=held))
        open_panel(page)
        page.evaluate("document.querySelector('vraagbaak-chat').ask('zondag?')")
        page.fill(BOX, "half af")
        page.get_by_role("button", name="Waar vraag ik een paspoort aan?").click()
        expect(page.locator("#hint")).to_contain_text("Uw vorige vraag wordt nog beantwoord.")
        page.evaluate("document.querySelector('vraagbaak-chat').ask('paspoort?')")
        expect(page.locator(BOX)).to_have_value("half af")
        held[0].continue_()
        expect(page.locator(".quote")).to_have_count(1)
        expect(page.locator("#hint")).to_have_text("")
        expect(page.locator(BOX)).to_have_value("half af")


def test_storage_that_something_else_wrote_is_left_alone(widget_page: Sites) -> None:
    with widget_page() as page:
        version = page.evaluate("customElements.get('vraagbaak-chat').version")
        for kept in ({"turns": [{"question": "q", "reply": {"status": "answered"}}]}, {"turns": 3}, {}):
            stored = json.dumps({"version": version, "isOpen": True, "draft": "", **kept})
            page.evaluate(
                "kept => { window.onpagehide = () => Object.keys(sessionStorage)"
                ".forEach((key) => sessionStorage.setItem(key, kept)) }",
                stored,
            )
            page.reload()
            open_panel(page)
            assert page.locator(TURNS).count() == 0
            page.locator("vraagbaak-chat").evaluate("chat => chat.close()")


def test_a_long_warning_in_a_low_window_can_be_scrolled_to(widget_page: Sites) -> None:
    with widget_page(viewport={"width": 320, "height": 430}) as page:
        open_panel(page)
        page.fill(BOX, "mijn bsn is 123456782, mail a@b.nl of bel 079-3205050, want ik wil dit graag weten")
        page.press(BOX, "Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        for part in (page.get_by_role("button", name="Toch versturen"), page.get_by_text("Elk citaat staat")):
            part.scroll_into_view_if_needed()
            expect(part).to_be_in_viewport(ratio=1)


def test_an_element_that_is_moved_or_taken_out_leaves_nothing_behind(widget_page: Sites) -> None:
    with widget_page() as page:
        open_panel(page)
        ask(page, "zondag?")
        page.evaluate(
            "window.chat = document.querySelector('vraagbaak-chat'); document.body.prepend(window.chat)"
        )
        assert quotes_of(page.locator(TURNS).first) == [SUNDAY]
        page.evaluate("window.chat.remove()")
        page.keyboard.press("Escape")
        assert [name for name, _ in page.evaluate("window.heard")] == ["open", "question", "answer"]


def test_nothing_is_kept_where_the_site_says_so(widget_page: Sites) -> None:
    with widget_page('data-storage="none"') as page:
        open_panel(page)
        ask(page, "zondag?")
        page.get_by_role("link", name="Verder").click()
        expect(page.locator(LAUNCHER)).to_be_visible()
        assert page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
        assert page.locator(TURNS).count() == 0


def test_with_cookies_and_storage_blocked_it_answers_all_the_same(
    browser: Browser, hosts: set[str], address: str, tmp_path: Path
) -> None:
    (tmp_path / "Default").mkdir()
    blocked = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(blocked))
    page_text = page_of(f'<script src="{address}/widget.js" async></script>')
    with host_site({"/": page_text}, strict_policy(address)) as site:
        context = browser.browser_type.launch_persistent_context(
            str(tmp_path), executable_path=chromium_path(), args=FLAGS
        )
        note_hosts(context, hosts)
        page = context.new_page()
        page.goto(f"{site}/")
        is_blocked = "() => { try { return sessionStorage && false } catch { return true } }"
        assert page.evaluate(is_blocked)
        open_panel(page)
        assert quotes_of(ask(page, "zondag?")) == [SUNDAY]
        context.close()


# ---- from page to page


def test_the_conversation_moves_along_to_the_next_page(widget_page: Sites) -> None:
    with widget_page() as page:
        open_panel(page)
        ask(page, "zondag?")
        page.fill(BOX, "half af")
        page.get_by_role("link", name="Verder").click()
        page.wait_for_url("**/verder")
        expect(page.locator(PANEL)).to_be_visible()
        assert quotes_of(page.locator(TURNS).first) == [SUNDAY]
        expect(page.locator(BOX)).to_have_value("half af")
        assert page.evaluate("document.activeElement === document.body")
        assert said(page) == []
        assert quotes_of(ask(page, "en daar?")) == [SUNDAY]


def test_a_question_that_was_under_way_when_the_page_was_left_can_be_asked_again(
    widget_page: Sites, address: str
) -> None:
    with widget_page(complaints=("ERR_",)) as page:
        held: list[Route] = []
        page.route(f"{address}/api/v1/answers", partial(hold, held=held))
        open_panel(page)
        page.fill(BOX, "zondag?")
        page.press(BOX, "Enter")
        expect(page.locator(".waiting")).to_have_text("Even zoeken…")
        page.get_by_role("link", name="Verder").click()
        page.wait_for_url("**/verder")
        page.unroute(f"{address}/api/v1/answers")
        turn = page.locator(TURNS).first
        expect(turn).to_contain_text("Uw vraag is nog niet beantwoord.")
        page.get_by_role("button", name="Opnieuw proberen").click()
        expect(page.locator(".quote")).to_have_count(1)
        assert quotes_of(page.locator(TURNS).first) == [SUNDAY]


# ---- a slow or missing server


def test_a_missing_server_is_told_and_trying_again_works(widget_page: Sites, address: str) -> None:
    with widget_page(complaints=("ERR_",)) as page:
        page.route(f"{address}/api/v1/answers", lambda route: route.abort())
        open_panel(page)
        turn = ask(page, "zondag?")
        expect(turn).to_contain_text("er is geen verbinding. Uw vraag is bewaard.")
        page.unroute(f"{address}/api/v1/answers")
        page.get_by_role("button", name="Opnieuw proberen").click()
        expect(page.locator(".quote")).to_have_count(1)
        assert page.locator(TURNS).count() == 1
        assert focused(page) == "box"
        assert [name for name, _ in page.evaluate("window.heard")] == [
            "open", "question", "error", "question", "answer",
        ]  # fmt: skip


def test_a_slow_server_is_told_and_given_up_in_the_end(widget_page: Sites, address: str) -> None:
    with widget_page(complaints=("ERR_",)) as page:
        page.clock.install()
        page.reload()
        held: list[Route] = []
        page.route(f"{address}/api/v1/answers", partial(hold, held=held))
        open_panel(page)
        page.fill(BOX, "zondag?")
        page.press(BOX, "Enter")
        page.clock.run_for(500)
        expect(page.locator(".waiting")).to_have_text("Even zoeken…")
        page.fill(BOX, "nog een vraag")
        page.press(BOX, "Enter")
        expect(page.locator("#hint")).to_have_text("Uw vorige vraag wordt nog beantwoord. Nog even geduld.")
        expect(page.locator(BOX)).to_have_value("nog een vraag")
        page.clock.run_for(5_000)
        expect(page.locator(".waiting")).to_contain_text("Dit duurt langer dan anders.")
        page.clock.run_for(25_000)
        expect(page.locator(".notice")).to_contain_text("Het antwoord blijft te lang uit.")


@pytest.mark.parametrize("language", ["nl", "en-GB"])
def test_what_the_server_refuses_is_told_in_the_language_of_the_labels(
    widget_page: Sites, language: str
) -> None:
    with widget_page(f'data-lang="{language}"', complaints=("500",)) as page:
        open_panel(page)
        turn = ask(page, "dit is kapot")
        told = {"nl": "Er ging iets mis bij het beantwoorden", "en-GB": "Something went wrong"}
        expect(turn.locator(".notice")).to_contain_text(told[language])
        assert "RuntimeError" not in page.content()


@pytest.mark.parametrize(("status", "told"), [(429, "too many questions at once"), (502, "our fault")])
def test_what_stands_between_is_told_with_its_status(
    widget_page: Sites, address: str, status: int, told: str
) -> None:
    with widget_page('data-lang="en"', complaints=(str(status),)) as page:
        shared = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Content-Type"}
        page.route(
            f"{address}/api/v1/answers",
            lambda route: route.fulfill(status=status, headers=shared, body="<h1>Bad gateway</h1>"),
        )
        open_panel(page)
        expect(ask(page, "zondag?").locator(".notice")).to_contain_text(told)
        assert page.evaluate("window.heard").pop() == ["error", {"question": "zondag?", "status": status}]


def test_what_is_no_answer_at_all_is_told_too(widget_page: Sites, address: str) -> None:
    with widget_page() as page:
        for body in ({}, [], "tekst", {"status": "answered", "quotes": [{}]}):
            page.route(f"{address}/api/v1/answers", partial(answer_with, reply=body))
            if page.locator(PANEL).is_hidden():
                open_panel(page)
            expect(ask(page, "zondag?").locator(".notice")).to_contain_text("Er ging iets mis")
            page.unroute(f"{address}/api/v1/answers")


@pytest.mark.parametrize(
    ("typed", "told"),
    [("   ", "Typ eerst een vraag."), ("x" * 501, "Uw vraag is 1 teken te lang. Hoogstens 500.")],
)
def test_what_cannot_be_asked_is_told_and_kept(widget_page: Sites, typed: str, told: str) -> None:
    with widget_page() as page:
        open_panel(page)
        page.fill(BOX, typed)
        page.press(BOX, "Enter")
        expect(page.locator("#hint")).to_have_text(told)
        assert page.locator(TURNS).count() == 0
        assert said(page) == [told]


# ---- feedback


def test_a_thumb_is_sent_with_its_reason(widget_page: Sites) -> None:
    with widget_page() as page:
        sent: list[dict[str, Any]] = []
        statuses: list[int] = []

        def note(response: Response) -> None:
            if response.url.endswith("/feedback") and response.request.method == "POST":
                sent.append(json.loads(response.request.post_data or "{}"))
                statuses.append(response.status)

        page.on("response", note)
        open_panel(page)
        turn = ask(page, "wie won het toernooi?")
        turn.get_by_role("button", name="Nee", exact=True).click()
        expect(turn.get_by_role("button")).to_have_count(5)  # three reasons, two suggestions
        assert focused(page) == "small"
        turn.get_by_role("button", name="Iets anders").click()
        expect(turn.locator(".feedback")).to_have_text("Bedankt voor uw reactie.")
        turn = ask(page, "zondag?")
        turn.get_by_role("button", name="Ja", exact=True).click()
        expect(turn.locator(".feedback")).to_have_text("Bedankt voor uw reactie.")
        asked_why = {"question": "wie won het toernooi?", "answer_id": "a1"}
        assert sent == [
            {**asked_why, "helpful": False},
            {**asked_why, "helpful": False, "reason": "Iets anders"},
            {"question": "zondag?", "answer_id": "q1", "helpful": True},
        ]
        assert statuses == [201, 201, 201]
        page.get_by_role("link", name="Verder").click()
        page.wait_for_url("**/verder")
        expect(page.locator(TURNS)).to_have_count(2)
        assert page.locator(".feedback").count() == 0
        assert page.locator("vraagbaak-chat").get_by_text("null").count() == 0
        expect(page.locator(TURNS).last.locator(".suggestion")).to_have_count(2)


def test_a_thumb_is_sent_once_and_leaves_the_focus_where_it_is(widget_page: Sites, address: str) -> None:
    with widget_page() as page:
        held: list[Route] = []
        page.route(f"{address}/api/v1/feedback", partial(hold, held=held))
        open_panel(page)
        turn = ask(page, "zondag?")
        turn.get_by_role("button", name="Ja", exact=True).dblclick()
        page.locator(BOX).focus()
        page.keyboard.type("volgende ")
        assert len(held) == 1
        held[0].continue_()
        expect(turn.locator(".feedback")).to_have_text("Bedankt voor uw reactie.")
        page.keyboard.type("vraag")
        expect(page.locator(BOX)).to_have_value("volgende vraag")


def test_a_thumb_that_was_not_kept_can_be_given_again(widget_page: Sites, address: str) -> None:
    with widget_page(complaints=("ERR_",)) as page:
        page.route(f"{address}/api/v1/feedback", lambda route: route.abort())
        open_panel(page)
        turn = ask(page, "zondag?")
        turn.get_by_role("button", name="Ja", exact=True).click()
        expect(turn.locator(".feedback")).to_contain_text("Uw reactie kon niet worden bewaard.")
        assert focused(page) == "small"
        page.unroute(f"{address}/api/v1/feedback")
        turn.get_by_role("button", name="Ja", exact=True).click()
        expect(turn.locator(".feedback")).to_have_text("Bedankt voor uw reactie.")


def test_feedback_can_be_switched_off(widget_page: Sites) -> None:
    with widget_page('data-feedback="off"') as page:
        open_panel(page)
        ask(page, "zondag?")
        assert page.locator(".feedback").count() == 0
        assert page.locator("vraagbaak-chat").get_by_text("null").count() == 0


# ---- attributes, events, methods


def test_attributes_of_the_script_are_those_of_the_element(widget_page: Sites) -> None:
    attributes = (
        'data-heading="Vraag het ons" data-welcome="Welkom bij ons." data-position="left" data-open '
        'data-color="#ffd800" data-lang="en"'
    )
    with widget_page(attributes) as page:
        expect(page.locator(PANEL)).to_be_visible()
        assert page.evaluate("document.activeElement === document.body")
        assert page.locator(".welcome").inner_text() == "Welkom bij ons."
        box = page.locator(PANEL).bounding_box()
        assert box is not None
        assert box["x"] < 100
        header = page.locator(".header")
        expect(header).to_have_css("background-color", "rgb(255, 216, 0)")
        expect(header).to_have_css("color", "rgb(0, 0, 0)")
        expect(page.get_by_role("textbox", name="Your question")).to_be_visible()
        assert page.locator(PANEL).get_attribute("lang") == "en"
        turn = ask(page, "zondag?")
        assert turn.locator("blockquote").get_attribute("lang") == "nl"
        expect(turn.get_by_role("button", name="Copy with source")).to_be_visible()


@pytest.mark.parametrize("colour", ["nonsense", "red; } * { display: none", "rgb(0 0 0 / 50%)"])
def test_a_colour_that_is_none_leaves_the_default_and_is_told_to_the_editor(
    widget_page: Sites, colour: str
) -> None:
    with widget_page(f'data-color="{colour}" data-open', complaints=("is not used",)) as page:
        expect(page.locator(".header")).to_have_css("background-color", "rgb(20, 80, 125)")


def test_an_element_of_the_page_stands_in_the_text_and_keeps_the_button_away(widget_page: Sites) -> None:
    element = '<vraagbaak-chat heading="Vraag het ons"></vraagbaak-chat><p>Daarna.</p>'
    with widget_page(element=element) as page:
        assert page.locator("vraagbaak-chat").count() == 1
        expect(page.get_by_role("region", name="Vraag het ons")).to_be_visible()
        assert page.locator(LAUNCHER).count() == 0
        assert page.get_by_role("button", name="Sluiten").count() == 0
        turn = ask(page, "gemeentehuis, zondag of paspoort?")
        expect(turn.locator("h3")).to_be_in_viewport()
        after, panel = page.get_by_text("Daarna.").bounding_box(), page.locator(PANEL).bounding_box()
        assert after is not None
        assert panel is not None
        assert after["y"] >= panel["y"] + panel["height"]


def test_events_tell_the_page_and_methods_serve_it(widget_page: Sites) -> None:
    with widget_page() as page:
        page.evaluate("document.querySelector('vraagbaak-chat').ask('  zondag?  ')")
        expect(page.locator(".quote")).to_have_count(1)
        page.evaluate("document.querySelector('vraagbaak-chat').restart()")
        expect(page.locator(TURNS)).to_have_count(0)
        page.evaluate("document.querySelector('vraagbaak-chat').close()")
        expect(page.locator(PANEL)).to_be_hidden()
        heard = page.evaluate("window.heard")
        assert [name for name, _ in heard] == ["open", "question", "answer", "close"]
        assert heard[1][1] == {"question": "zondag?"}
        assert heard[2][1]["question"] == "zondag?"
        assert heard[2][1]["reply"]["quotes"][0]["text"] == SUNDAY


def test_an_answer_of_a_conversation_that_was_left_is_not_shown(widget_page: Sites, address: str) -> None:
    with widget_page(complaints=("ERR_",)) as page:
        held: list[Route] = []
        page.route(f"{address}/api/v1/answers", partial(hold, held=held))
        open_panel(page)
        page.fill(BOX, "zondag?")
        page.press(BOX, "Enter")
        expect(page.locator(".waiting")).to_be_visible()
        page.get_by_role("button", name="Nieuw gesprek").click()
        page.unroute(f"{address}/api/v1/answers")
        assert quotes_of(ask(page, "paspoort?")) == [PASSPORT]
        assert page.locator(TURNS).count() == 1


def test_a_quote_is_copied_with_its_source(widget_page: Sites, address: str) -> None:
    with widget_page(permissions=["clipboard-read", "clipboard-write"]) as page:
        open_panel(page)
        button = ask(page, "zondag?").get_by_role("button", name="Kopieer met bron")
        button.click()
        expect(button.or_(page.get_by_role("button", name="Gekopieerd"))).to_have_text("Gekopieerd")
        pasted = page.evaluate("navigator.clipboard.readText()")
        told = f"“{SUNDAY}” — Het gemeentehuis › Openingstijden, 9 maart 2024, Gemeente, {address}/bronnen/"
        assert pasted.startswith(told)
        assert re.search(r"#p-\d+$", pasted)


# ---- look


@pytest.mark.parametrize(
    ("width", "height"), [(320, 667), (375, 667), (768, 1024), (1280, 800), (320, 200), (667, 375)]
)
def test_nothing_sticks_out_and_nothing_scrolls_two_ways(widget_page: Sites, width: int, height: int) -> None:
    """320 by 200 is what 400 % zoom leaves of 1280 by 800."""
    with widget_page(viewport={"width": width, "height": height}) as page:
        open_panel(page)
        ask(page, "gemeentehuis, zondag of paspoort?").locator("summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for part in (PANEL, "vraagbaak-chat .log"):
            assert page.locator(part).evaluate("element => element.scrollWidth <= element.clientWidth")
        page.locator(".quote").first.scroll_into_view_if_needed()
        expect(page.locator(".quote").first).to_be_in_viewport()
        page.locator(BOX).scroll_into_view_if_needed()
        expect(page.locator(BOX)).to_be_in_viewport(ratio=0.9)


def test_the_newest_question_stands_at_the_top_with_its_answer_below(widget_page: Sites) -> None:
    with widget_page(viewport=PHONE) as page:
        open_panel(page)
        for question in ("wie won het toernooi?", "gemeentehuis, zondag of paspoort?", "hallo"):
            turn = ask(page, question)
            log, asked = page.locator(".log").bounding_box(), turn.locator("h3").bounding_box()
            assert log is not None
            assert asked is not None
            assert 0 <= asked["y"] - log["y"] <= 40
            expect(turn.locator(".answer > *").first).to_be_in_viewport(ratio=1)


def test_the_style_of_the_site_stays_outside(widget_page: Sites, address: str) -> None:
    head = (
        "<style>html{font-size:62.5%} *{color:red!important;text-transform:uppercase!important} "
        "button{display:none!important}</style>"
    )
    policy = strict_policy(address).replace("style-src", "style-src 'unsafe-inline'")
    with widget_page(head=head, policy=policy) as page:
        open_panel(page)
        box = page.locator(BOX)
        expect(box).to_have_css("font-size", "16px")
        expect(box).to_have_css("text-transform", "none")
        expect(box).to_have_css("color", "rgb(27, 34, 42)")


def test_the_spacing_of_text_that_a_visitor_sets_gets_in_and_nothing_is_lost(
    widget_page: Sites, address: str
) -> None:
    """WCAG 2.2, 1.4.12, with the values that it names."""
    spacing = "line-height:1.5!important;letter-spacing:0.12em!important;word-spacing:0.16em!important"
    policy = strict_policy(address).replace("style-src", "style-src 'unsafe-inline'")
    with widget_page(head=f"<style>*{{{spacing}}}</style>", policy=policy, viewport=PHONE) as page:
        open_panel(page)
        turn = ask(page, "gemeentehuis, zondag of paspoort?")
        expect(turn.locator("blockquote p").first).not_to_have_css("letter-spacing", "normal")
        for part in (PANEL, "vraagbaak-chat .log"):
            assert page.locator(part).evaluate("element => element.scrollWidth <= element.clientWidth")
        expect(page.locator("vraagbaak-chat .promise")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_right_is_right_in_every_direction_of_writing(widget_page: Sites, direction: str) -> None:
    with widget_page(element=f'<p dir="{direction}">.</p>') as page:
        page.evaluate("direction => { document.documentElement.dir = direction }", direction)
        open_panel(page)
        box = page.locator(PANEL).bounding_box()
        assert box is not None
        assert box["x"] > 640
        expect(page.locator(PANEL)).to_have_css("direction", "ltr")


def test_nothing_moves(widget_page: Sites) -> None:
    with widget_page(reduced_motion="no-preference") as page:
        open_panel(page)
        ask(page, "zondag?")
        moving = "chat => chat.shadowRoot.getAnimations().length"
        assert page.locator("vraagbaak-chat").evaluate(moving) == 0
        for element in page.locator("vraagbaak-chat .panel *").all():
            expect(element).to_have_css("transition-duration", "0s")


def test_a_theme_of_the_site_is_taken_over(widget_page: Sites, address: str) -> None:
    head = (
        "<style>:root{--utrecht-document-background-color:rgb(250,240,230);--utrecht-document-color:rgb(1,2,3);"
        "--utrecht-link-color:rgb(90,0,90);--utrecht-button-primary-action-background-color:rgb(0,90,0);"
        "--utrecht-button-primary-action-color:rgb(255,255,254);--utrecht-document-font-family:serif}</style>"
    )
    policy = strict_policy(address).replace("style-src", "style-src 'unsafe-inline'")
    with widget_page(head=head, policy=policy) as page:
        open_panel(page)
        panel = page.locator(PANEL)
        expect(panel).to_have_css("background-color", "rgb(250, 240, 230)")
        expect(panel).to_have_css("color", "rgb(1, 2, 3)")
        expect(panel).to_have_css("font-family", "serif")
        expect(page.locator(".header")).to_have_css("background-color", "rgb(0, 90, 0)")
        expect(page.locator(".header")).to_have_css("color", "rgb(255, 255, 254)")
        expect(ask(page, "zondag?").locator("figcaption a").first).to_have_css("color", "rgb(90, 0, 90)")


@pytest.mark.parametrize(
    ("theme", "head", "background"),
    [
        ("", "", "rgb(255, 255, 255)"),
        ("", '<meta name="color-scheme" content="light dark">', "rgb(26, 34, 43)"),
        ('data-theme="dark"', "", "rgb(26, 34, 43)"),
        ('data-theme="system"', "", "rgb(26, 34, 43)"),
        ('data-theme="light"', '<meta name="color-scheme" content="light dark">', "rgb(255, 255, 255)"),
    ],
)
def test_it_is_dark_where_the_page_is(widget_page: Sites, theme: str, head: str, background: str) -> None:
    with widget_page(theme, head=head, color_scheme="dark") as page:
        open_panel(page)
        expect(page.locator(PANEL)).to_have_css("background-color", background)


def test_in_forced_colours_everything_keeps_an_edge(widget_page: Sites) -> None:
    with widget_page(forced_colors="active") as page:
        for part in (LAUNCHER, PANEL, "vraagbaak-chat .primary"):
            if part == PANEL:
                open_panel(page)
            expect(page.locator(part)).to_have_css("border-top-style", "solid")
            expect(page.locator(part)).not_to_have_css("border-top-width", "0px")


AXE_STATES: dict[str, dict[str, Any]] = {
    "desktop": {},
    "phone": {"viewport": PHONE},
    "dark": {"script": 'data-theme="dark"'},
    "dark phone": {"script": 'data-theme="dark"', "viewport": PHONE},
    "forced colours": {"forced_colors": "active"},
    "english": {"script": 'data-lang="en"'},
    "colour": {"script": 'data-color="#ffd800"'},
    "inline": {"element": f'<vraagbaak-chat suggestions="{SUGGESTED}"></vraagbaak-chat>'},
    "inline dark": {"element": '<vraagbaak-chat theme="dark"></vraagbaak-chat>'},
}


@pytest.mark.parametrize("name", AXE_STATES)
def test_axe_finds_nothing_in_any_state(widget_page: Sites, address: str, name: str) -> None:
    with widget_page(complaints=("500",), **AXE_STATES[name]) as page:
        found = {"at first": violations(page)}
        if page.locator(LAUNCHER).count() > 0:
            open_panel(page)
            found["open"] = violations(page)
        turn = ask(page, "gemeentehuis, zondag of paspoort?")
        turn.locator("summary").click()
        found["answered"] = violations(page)
        turn.locator(".feedback button").nth(1).click()
        expect(turn.locator(".feedback button")).to_have_count(4)
        found["asked why"] = violations(page)
        ask(page, "wie won het toernooi?")
        found["abstained"] = violations(page)
        ask(page, "hoe heet de burgemeester van het gemeentehuis?")
        found["related"] = violations(page)
        ask(page, "dit is kapot")
        found["failed"] = violations(page)
        page.fill(BOX, "mijn bsn is 123456782")
        page.press(BOX, "Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        found["warned"] = violations(page)
        assert {state: ids for state, ids in found.items() if ids} == {}
