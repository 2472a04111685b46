import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from html import escape
from typing import Any
from urllib.parse import quote

import pytest
from chat_page import ANSWERS, TEXTBOX, ask, open_chat
from playwright.sync_api import Locator, Page, Route, expect
from three_sentences import OPEN, PARTY, PASSAGES, PASSPORT, QUESTIONS, SUNDAY

PageMaker = Callable[..., AbstractContextManager[Page]]
PHONE = {"width": 375, "height": 667}

ENGLISH = re.compile(
    r"\b(textbox|chatbot|message|messages|type|copy|stop|send|submit|clear|undo|retry|close|loading|share|like"
    r"|dislike|scroll|bottom|bot's|user's|conversation|settings|built with|use via|error|button|label|input"
    r"|the|and|with|your|question|answer|sources?)\b",
    re.IGNORECASE,
)


def quotes_of(answer: Locator) -> list[str]:
    """The quotes as they stand in the page, character for character."""
    expect(answer.locator("blockquote").first).to_be_visible()
    return [text or "" for text in answer.locator("blockquote p").all_text_contents()]


def box_of(locator: Locator) -> dict[str, float]:
    """Where an element is in the window."""
    box = locator.bounding_box()
    assert box is not None
    return dict(box)  # type: ignore[call-overload]


def in_window(page: Page, locator: Locator) -> bool:
    """Whether the top of an element is within the window."""
    size = page.viewport_size
    assert size is not None
    return 0 <= box_of(locator)["y"] < size["height"]


def test_a_typed_question_gets_its_quote_word_for_word_and_its_source(
    new_page: PageMaker, address: str
) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        answer = ask(page, "wat neem ik mee voor een paspoort?")
        assert quotes_of(answer) == [PASSPORT]
        link = answer.locator("blockquote .vb-bron a")
        assert link.inner_text() == "Het gemeentehuis › Balie"
        assert link.get_attribute("target") == "_blank"
        assert "noopener" in (link.get_attribute("rel") or "")
        expect(page.locator(TEXTBOX)).to_be_focused()
        expect(page.locator(TEXTBOX)).to_have_value("")


def test_markdown_and_html_in_a_source_stay_text(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        answer = ask(page, "is het zondag open?")
        assert quotes_of(answer) == [SUNDAY]
        assert answer.locator("blockquote p > *").count() == 0
        answer.locator("summary").click()
        assert answer.locator("figure p").text_content() == PASSAGES[0].text
        assert answer.locator("figure mark").all_text_contents() == [SUNDAY]


def test_a_suggestion_is_asked_at_once(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        assert page.locator(".vb-suggestie").all_text_contents() == list(QUESTIONS)
        page.get_by_role("button", name=QUESTIONS[1]).click()
        answer = page.locator(ANSWERS).nth(1)
        assert quotes_of(answer) == [PASSPORT]
        assert page.locator(".vb-vraag").all_text_contents() == [QUESTIONS[1]]
        expect(page.locator(TEXTBOX)).to_be_focused()
        answer.locator(".vb-suggestie").first.click()
        assert OPEN in quotes_of(page.locator(ANSWERS).nth(2))


def test_the_button_asks_as_enter_does(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        page.fill(TEXTBOX, "wat neem ik mee voor een paspoort?")
        page.get_by_role("button", name="Vraag", exact=True).click()
        assert quotes_of(page.locator(ANSWERS).nth(1)) == [PASSPORT]
        expect(page.locator(TEXTBOX)).to_be_focused()


@pytest.mark.parametrize("slowdown", [1, 6])
def test_a_question_in_the_fragment_is_asked_at_once_and_only_once(
    new_page: PageMaker, address: str, slowdown: int
) -> None:
    question = "zondag & <b>paspoort</b>?"
    with new_page(address) as page:
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        open_chat(page, address, f"#q={quote(question)}")
        assert quotes_of(page.locator(ANSWERS).nth(1)) == [SUNDAY, PASSPORT]
        assert page.locator(".vb-vraag").all_text_contents() == [question]
        assert page.url == f"{address}/"
        page.reload()
        expect(page.locator(ANSWERS)).to_have_count(1)


def test_the_earlier_questions_are_asked_along(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        expect(ask(page, "en daar?")).to_contain_text("Dat staat niet in deze bronnen.")
        ask(page, "zondag?")
        assert quotes_of(ask(page, "en daar?")) == [SUNDAY]
        page.get_by_role("link", name="Nieuw gesprek").click()
        expect(page.locator(ANSWERS)).to_have_count(1)
        expect(ask(page, "en daar?")).to_contain_text("Dat staat niet in deze bronnen.")


def test_an_abstention_and_small_talk_have_suggestions_and_the_contact(
    new_page: PageMaker, address: str
) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        for question in ("wie won het toernooi?", "hallo"):
            answer = ask(page, question)
            assert answer.locator(".vb-suggestie").count() == 2
            assert answer.locator(".vb-contact a").get_attribute("href") == "tel:14010"
            assert answer.locator("blockquote").count() == 0
        related = ask(page, "hoe heet de burgemeester van het gemeentehuis?")
        expect(related).to_contain_text("maar deze passages gaan erover")
        assert related.locator("figure p").text_content() == PASSAGES[0].text


def test_the_citation_opens_the_source_with_the_place_marked_and_in_view(
    new_page: PageMaker, address: str
) -> None:
    for viewport in ({"width": 1280, "height": 800}, PHONE):
        with new_page(address, viewport=viewport) as page:
            open_chat(page, address)
            link = ask(page, "wat neem ik mee voor een paspoort?").locator("blockquote .vb-bron a")
            with page.context.expect_page() as opened:
                link.click()
            source = opened.value
            mark = source.locator("mark#citaat")
            expect(mark).to_be_in_viewport(ratio=1)
            assert mark.text_content() == PASSPORT
            expect(source.get_by_role("heading", level=1)).to_have_text("Het gemeentehuis")
            assert source.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_on_a_phone_the_answer_is_visible_from_its_top(new_page: PageMaker, address: str) -> None:
    with new_page(address, viewport=PHONE) as page:
        open_chat(page, address)
        for question in ("gemeentehuis, zondag of paspoort?", "wat neem ik mee voor een paspoort?"):
            quote_shown = ask(page, question).locator("blockquote").first
            expect(quote_shown).to_be_visible()
            expect(page.locator(".vb-vraag").last).to_be_in_viewport(ratio=1)
            head, bar = box_of(page.locator("#vb-kop")), box_of(page.locator("#vb-vraagbalk"))
            page.wait_for_timeout(0)
            top = box_of(quote_shown)["y"]
            assert head["y"] + head["height"] <= top < bar["y"] - 60
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        assert page.evaluate("document.querySelector('#vb-gesprek [role=log]').scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_the_chat_fills_the_window_and_nothing_sticks_out(
    new_page: PageMaker, address: str, width: int
) -> None:
    with new_page(address, viewport={"width": width, "height": 667}) as page:
        open_chat(page, address)
        ask(page, "gemeentehuis, zondag of paspoort?").locator("summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        foot = box_of(page.locator("#vb-voet"))
        assert foot["y"] + foot["height"] == pytest.approx(667, abs=1)
        assert box_of(page.locator("#vb-gesprek"))["height"] > 667 / 2


def test_a_question_with_html_is_shown_as_text(new_page: PageMaker, address: str) -> None:
    question = (
        "<img src=x onerror=\"document.title='gekraakt'\"><b>vet</b> **ook** $$a$$ [l](http://x.example)"
    )
    with new_page(address) as page:
        open_chat(page, address)
        ask(page, question)
        shown = page.locator(".vb-vraag")
        expect(shown).to_have_text(question)
        assert shown.locator("*").count() == 0
        assert page.title() == "Vraagbaak"


def test_an_empty_line_in_a_question_does_not_end_its_message(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        ask(page, "zondag?\n\n# geen kop\n<u>geen streep</u>")
        assert page.locator(".vb-vraag").text_content() == "zondag?\n\n# geen kop\n<u>geen streep</u>"


def test_a_failure_leaves_a_working_chat_and_tells_nothing(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        failed = ask(page, "dit is kapot")
        expect(failed).to_contain_text("Er ging iets mis bij het beantwoorden van uw vraag.")
        assert "RuntimeError" not in page.content()
        assert "broken" not in page.content()
        expect(page.locator(TEXTBOX)).to_be_focused()
        expect(page.locator(TEXTBOX)).to_have_value("dit is kapot")
        assert quotes_of(ask(page, "wat neem ik mee voor een paspoort?")) == [PASSPORT]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("x" * 501, "Uw vraag is 501 tekens lang. Maak hem korter: hoogstens 500 tekens."),
        ("   ", "Typ eerst een vraag."),
        ("wat\u0001?", "Uw vraag bevat tekens die geen tekst zijn. Typ de vraag opnieuw."),
    ],
)
def test_a_question_outside_the_limits_is_told_and_the_text_is_kept(
    new_page: PageMaker, address: str, typed: str, told: str
) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        expect(ask(page, typed)).to_have_text(told)
        expect(page.locator(TEXTBOX)).to_have_value(typed)
        assert page.locator(".vb-vraag").count() == 0
        assert quotes_of(ask(page, "wat neem ik mee voor een paspoort?")) == [PASSPORT]


def test_a_question_that_grows_too_long_is_told_while_typing(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        page.fill(TEXTBOX, "x" * 503)
        expect(page.locator("#vb-status")).to_have_text("Uw vraag is 3 tekens te lang.")
        page.fill(TEXTBOX, "🙂" * 500)  # characters as the server counts them, not the halves of JavaScript
        expect(page.locator("#vb-status")).to_have_text("")


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 800}, PHONE])
def test_sending_an_empty_text_box_leaves_the_introduction_in_view(
    new_page: PageMaker, address: str, viewport: dict[str, int]
) -> None:
    with new_page(address, viewport=viewport) as page:
        open_chat(page, address)
        page.press(TEXTBOX, "Enter")
        told = page.locator(ANSWERS).nth(1)
        expect(told).to_contain_text("Typ eerst een vraag.")
        expect(told.locator(".vb-melding")).to_be_in_viewport(ratio=1)
        expect(page.locator(".vb-welkom")).to_be_in_viewport(ratio=1)
        expect(page.locator(TEXTBOX)).to_be_focused()


def test_a_quote_is_copied_with_its_source_and_a_question_as_a_link(
    new_page: PageMaker, address: str
) -> None:
    question = "wat neem ik mee voor een paspoort & pas?"
    with new_page(address, permissions=["clipboard-read", "clipboard-write"]) as page:
        open_chat(page, address)
        answer = ask(page, question)
        answer.get_by_role("button", name="Kopieer met bron").click()
        expect(page.locator("#vb-status")).to_have_text("Gekopieerd.")
        link = answer.locator(".vb-bron a").evaluate("link => link.href")
        pasted = page.evaluate("navigator.clipboard.readText()")
        assert pasted == f"“{PASSPORT}” — Het gemeentehuis › Balie, 9 maart 2024, Gemeente, {link}"
        assert link.startswith(f"{address}/bronnen/")
        rich = page.evaluate(
            "navigator.clipboard.read().then(([item]) => item.getType('text/html'))"
            ".then((blob) => blob.text())"
        )
        assert f'href="{escape(link)}"' in rich
        page.get_by_role("button", name="Kopieer link naar deze vraag").click()
        expect(page.locator("#vb-status")).to_have_text("Gekopieerd.")
        assert page.evaluate("navigator.clipboard.readText()") == f"{address}/#q={quote(question, safe='')}"


def test_signs_outside_the_basic_plane_move_no_quote(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        answer = ask(page, "vanaf koningsdag?")
        assert quotes_of(answer) == [PARTY]
        answer.locator("summary").click()
        assert answer.locator("figure mark").all_text_contents() == [PARTY]
        with page.context.expect_page() as opened:
            answer.locator(".vb-bron a").click()
        assert opened.value.locator("mark#citaat").text_content() == PARTY


def test_the_whole_conversation_is_printed(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        for _ in range(4):
            answer = ask(page, "gemeentehuis, zondag of paspoort?")
        page.emulate_media(media="print")
        for part in ("#vb-vraagbalk", "#vb-voet", "#vb-kop nav", ".vb-kopieer", ".vb-suggestie"):
            expect(page.locator(part).first).to_be_hidden()
        expect(answer.locator("figure p").first).to_be_visible()
        last = box_of(answer.locator("figure").last)
        assert page.evaluate("document.documentElement.scrollHeight") >= last["y"] + last["height"] > 2000
        assert page.evaluate("document.querySelector('#vb-gesprek [role=log]').scrollTop") == 0
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf())) >= 3


BSN_QUESTION = "wat neem ik mee voor een paspoort? Mijn bsn is 1234 56 782."


def sent_texts(page: Page) -> list[str]:
    """All that the page asks for from now on: addresses and what is sent along."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
    return sent


@pytest.mark.parametrize("way", ["enter", "button", "fragment"])
def test_a_question_with_personal_data_is_sent_only_after_a_warning(
    new_page: PageMaker, address: str, way: str
) -> None:
    with new_page(address) as page:
        sent = sent_texts(page)
        open_chat(page, address, f"#q={quote(BSN_QUESTION)}" if way == "fragment" else "")
        if way != "fragment":
            page.fill(TEXTBOX, BSN_QUESTION)
        if way == "enter":
            page.press(TEXTBOX, "Enter")
        elif way == "button":
            page.get_by_role("button", name="Vraag", exact=True).click()
        expect(page.get_by_role("alert")).to_have_text(
            "Uw vraag lijkt een burgerservicenummer te bevatten. Dat is niet nodig om antwoord te krijgen. "
            "Uw vraag is nog niet verstuurd."
        )
        expect(page.get_by_role("button", name="Aanpassen")).to_be_focused()
        page.wait_for_timeout(500)
        assert [one for one in sent if "56" in one and "782" in one] == []
        page.get_by_role("button", name="Toch versturen").click()
        assert quotes_of(page.locator(ANSWERS).nth(1)) == [PASSPORT]
        assert len([one for one in sent if "1234 56 782" in one]) == 1
        expect(page.locator("#vb-waarschuwing")).to_be_hidden()
        expect(page.locator(TEXTBOX)).to_be_focused()


@pytest.mark.parametrize("way", ["button", "escape", "typing"])
def test_a_question_that_is_warned_at_can_be_adjusted(new_page: PageMaker, address: str, way: str) -> None:
    with new_page(address) as page:
        sent = sent_texts(page)
        open_chat(page, address)
        page.fill(TEXTBOX, f"{BSN_QUESTION} Bel 0612345678 of mail jan@example.nl.")
        page.press(TEXTBOX, "Enter")
        expect(page.get_by_role("alert")).to_contain_text(
            "lijkt een burgerservicenummer, een e-mailadres en een telefoonnummer te bevatten"
        )
        if way == "button":
            page.get_by_role("button", name="Aanpassen").click()
        elif way == "escape":
            page.keyboard.press("Escape")
        if way != "typing":
            expect(page.locator(TEXTBOX)).to_be_focused()
            expect(page.locator(TEXTBOX)).to_have_value(re.compile("1234 56 782"))
        page.fill(TEXTBOX, "wat neem ik mee voor een paspoort?")
        expect(page.locator("#vb-waarschuwing")).to_be_hidden()
        page.press(TEXTBOX, "Enter")
        assert quotes_of(page.locator(ANSWERS).nth(1)) == [PASSPORT]
        assert [one for one in sent if "56 782" in one or "jan@" in one] == []


def test_what_was_sent_anyway_is_warned_at_again(new_page: PageMaker, address: str) -> None:
    with new_page(address) as page:
        open_chat(page, address)
        for _ in range(2):
            page.fill(TEXTBOX, BSN_QUESTION)
            page.press(TEXTBOX, "Enter")
            page.get_by_role("button", name="Toch versturen").click()
            expect(page.locator(TEXTBOX)).to_have_value("")
        expect(page.locator(ANSWERS)).to_have_count(3)


def words_of(page: Page) -> list[str]:
    """Everything that a page says, to the eye or to a screen reader."""
    return page.evaluate(
        """() => {
          const shown = (e) => e.checkVisibility({ visibilityProperty: true });
          const said = [document.title, document.body.innerText];
          for (const e of document.querySelectorAll("body *")) {
            if (!shown(e)) continue;
            for (const name of ["aria-label", "placeholder", "title", "alt", "aria-description"]) {
              if (e.hasAttribute(name)) said.push(e.getAttribute(name));
            }
            if (e.matches(".sr-only, [class*=visually-hidden]")) said.push(e.textContent);
          }
          return said;
        }"""
    )


@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
def test_it_speaks_dutch_whatever_the_browser_s_language(
    new_page: PageMaker, address: str, locale: str
) -> None:
    with new_page(address, locale=locale) as page:
        open_chat(page, address)
        assert page.locator("html").get_attribute("lang") == "nl"
        said = words_of(page)
        ask(page, "wat neem ik mee voor een paspoort?")
        ask(page, "dit is kapot")
        said += words_of(page)
        page.get_by_role("button", name="Kopieer met bron").click()
        page.fill(TEXTBOX, BSN_QUESTION)
        page.press(TEXTBOX, "Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        said += words_of(page)
        page.get_by_role("button", name="Aanpassen").click()
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/gradio_api/queue/data*", hold)  # no answer comes
        page.fill(TEXTBOX, "wat neem ik mee voor een paspoort?")
        page.press(TEXTBOX, "Enter")
        expect(page.locator("#vb-status")).to_have_text("Even zoeken…")
        said += words_of(page)
        held[0].continue_()
        expect(page.locator("#vb-status")).to_be_empty()
        page.goto(f"{address}/bronnen")
        said += words_of(page)
    assert "Typ uw vraag" in said
    assert "Gesprek" in said
    found = [(match.group(), text) for text in said for match in ENGLISH.finditer(text)]
    assert found == []


def test_a_server_that_is_gone_is_told_in_dutch_and_the_question_is_kept(
    browser: Any, new_page: PageMaker
) -> None:
    from web_serving import THREE_SENTENCES, served

    context = browser.new_context()
    page = context.new_page()
    with served(*THREE_SENTENCES) as address:
        open_chat(page, address)
    page.fill(TEXTBOX, "wat neem ik mee voor een paspoort?")
    page.press(TEXTBOX, "Enter")
    expect(page.locator("#vb-status")).to_have_text(
        re.compile("^(De verbinding is even weg|Er ging iets mis bij het versturen)")
    )
    expect(page.locator(TEXTBOX)).to_have_value("wat neem ik mee voor een paspoort?")
    assert [text for text in words_of(page) if ENGLISH.search(text)] == []
    context.close()
