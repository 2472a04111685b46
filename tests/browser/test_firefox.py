"""What visitors do most, in Firefox: with the widget on the page of another site, and in the chat."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import axe_playwright_python
import pytest
from firefox import Firefox, Tab, outside_world, running_firefox
from host_sites import host_site, page_of, strict_policy
from three_sentences import PASSPORT, SUNDAY

TAB, ENTER, ESCAPE = "\ue004", "\ue007", "\ue00c"
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
WIDGET = "document.querySelector('vraagbaak-chat').shadowRoot"
QUOTES = "blockquote p:not(.lead)"
FOCUSED = """(() => {
  let element = document.activeElement;
  while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element.id || element.className || element.textContent;
})()"""


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """One Firefox for the tests of this file; nothing in it, nor itself, asks another machine anything."""
    with outside_world() as (port, asked):
        with running_firefox(tmp_path_factory.mktemp("firefox"), port) as firefox:
            yield firefox
        assert asked == []


@contextmanager
def watched_tab(firefox: Firefox, *sites: str) -> Iterator[Tab]:
    """A tab that asks these sites alone, gives nothing to complain of and keeps no cookie."""
    firefox.events.clear()
    tab = Tab(firefox)
    yield tab
    assert outside(firefox, *sites) == []
    assert firefox.complaints() == []
    assert firefox.cookies() == []
    tab.close()


def outside(firefox: Firefox, *sites: str) -> list[str]:
    """Every address asked that is of none of these sites."""
    known = (*(f"{site}/" for site in sites), "data:", "blob:")
    return [url for _, url in firefox.requests() if not url.startswith(known)]


@contextmanager
def site_with_widget(firefox: Firefox, address: str) -> Iterator[Tab]:
    """A tab with the page of a site that embeds, under the strictest policy."""
    page = page_of(f'<p><a href="/verder">Verder</a></p><script src="{address}/widget.js" async></script>')
    with (
        host_site({"/": page, "/verder": page}, strict_policy(address)) as site,
        watched_tab(firefox, site, address) as tab,
    ):
        tab.goto(f"{site}/")
        yield tab


@pytest.fixture
def widget_tab(firefox: Firefox, address: str) -> Iterator[Tab]:
    """The same in the Firefox of this file."""
    with site_with_widget(firefox, address) as tab:
        yield tab


def shown(selector: str) -> str:
    """JavaScript: whether the widget shows this part of it."""
    return f"{WIDGET}.querySelector({selector!r})?.checkVisibility() ?? false"


def texts(selector: str) -> str:
    """JavaScript: the texts of such parts of the widget, character for character."""
    return f"[...{WIDGET}.querySelectorAll({selector!r})].map((element) => element.textContent)"


def open_with_keys(tab: Tab) -> None:
    """Go to the button with Tab and press Enter."""
    tab.until(shown(".launcher"))
    tab.press(TAB)
    tab.until(FOCUSED, "Verder")
    tab.press(TAB)
    tab.until(FOCUSED, "launcher")
    tab.press(ENTER)
    tab.until(FOCUSED, "box")
    assert tab.evaluate(shown(".panel"))


def test_with_the_keyboard_a_question_gets_its_quote_and_escape_gives_the_focus_back(widget_tab: Tab) -> None:
    widget_tab.until(shown(".launcher"))
    assert not widget_tab.evaluate(shown(".panel"))
    open_with_keys(widget_tab)
    widget_tab.press(f"wat neem ik mee voor een paspoort?{ENTER}")
    widget_tab.until(texts(QUOTES), [PASSPORT])
    assert widget_tab.evaluate(FOCUSED) == "box"
    widget_tab.press(ESCAPE)
    widget_tab.until(shown(".panel"), expected=False)
    widget_tab.until(FOCUSED, "launcher")


def test_the_conversation_moves_along_to_the_next_page(widget_tab: Tab) -> None:
    open_with_keys(widget_tab)
    widget_tab.press(f"zondag?{ENTER}")
    widget_tab.until(texts(QUOTES), [SUNDAY])
    widget_tab.evaluate("document.querySelector('main a').focus()")
    widget_tab.press(ENTER)
    widget_tab.until("location.pathname", "/verder")
    widget_tab.until("customElements.whenDefined('vraagbaak-chat').then(() => true)")
    widget_tab.until(shown(".panel"))
    assert widget_tab.evaluate(texts(QUOTES)) == [SUNDAY]
    widget_tab.evaluate(f"{WIDGET}.querySelector('textarea').focus()")
    widget_tab.press(f"en daar?{ENTER}")
    widget_tab.until(texts(QUOTES), [SUNDAY, SUNDAY])


def test_with_cookies_and_site_data_blocked_it_answers_all_the_same(address: str, tmp_path: Path) -> None:
    blocked = {"network.cookie.cookieBehavior": 2}
    with (
        outside_world() as (port, asked),
        running_firefox(tmp_path, port, blocked) as firefox,
        site_with_widget(firefox, address) as tab,
    ):
        is_blocked = "(() => { try { return sessionStorage && false } catch { return true } })()"
        assert tab.evaluate(is_blocked)
        open_with_keys(tab)
        tab.press(f"zondag?{ENTER}")
        tab.until(texts(QUOTES), [SUNDAY])
    assert asked == []


def test_personal_data_is_not_sent_before_the_visitor_says_so(widget_tab: Tab, address: str) -> None:
    question = "mijn bsn is 123456782, wat nu met mijn paspoort?"
    sending = ("POST", f"{address}/api/v1/answers")
    open_with_keys(widget_tab)
    widget_tab.press(f"{question}{ENTER}")
    widget_tab.until(shown("[role=alert]"))
    told = widget_tab.evaluate(texts("[role=alert]"))
    assert "Uw vraag lijkt een burgerservicenummer te bevatten." in told[0]
    assert sending not in widget_tab.firefox.requests()
    widget_tab.until(FOCUSED, "Aanpassen")
    widget_tab.press(TAB)
    widget_tab.until(FOCUSED, "Toch versturen")
    widget_tab.press(ENTER)
    widget_tab.until(texts(QUOTES), [PASSPORT])
    assert widget_tab.firefox.requests().count(sending) == 1


def test_axe_finds_nothing_when_a_question_is_answered(widget_tab: Tab) -> None:
    open_with_keys(widget_tab)
    widget_tab.press(f"gemeentehuis, zondag of paspoort?{ENTER}")
    widget_tab.until(f"{texts(QUOTES)}.length", 3)
    assert violations(widget_tab) == []


def violations(tab: Tab) -> list[str]:
    """What axe finds wrong by WCAG 2.0 to 2.2, A and AA, and by its best practices."""
    tab.evaluate(f"(() => {{ {AXE.read_text(encoding='utf-8')} }})()")
    found = "axe.run().then((found) => found.violations.map((one) => `${one.id}: ${one.nodes[0].html}`))"
    return list(tab.evaluate(found))


def test_the_chat_answers_word_for_word(firefox: Firefox, address: str) -> None:
    box = "document.querySelector('#vb-invoer textarea')"
    quotes = "[...document.querySelectorAll('#vb-gesprek blockquote p')].map((quote) => quote.textContent)"
    with watched_tab(firefox, address) as tab:
        tab.goto(f"{address}/")
        tab.until(f"{box}?.checkVisibility() ?? false")
        tab.until("document.querySelectorAll('#vb-gesprek .bot-row').length", 1)
        tab.evaluate(f"{box}.focus()")
        tab.press(f"wat neem ik mee voor een paspoort?{ENTER}")
        tab.until(quotes, [PASSPORT])


def test_what_these_tests_watch_for_is_seen(tmp_path: Path) -> None:
    """A page that does all that the others may not."""
    body = (
        '<img src="http://elders.example/stip.png" alt=""><img src="/weg.png" alt="">'
        "<script>console.error('een fout'); document.cookie = 'een=koekje'</script>"
        '<p style="color: red">Rood.</p><h3></h3>'
    )
    with (
        outside_world() as (port, asked),
        running_firefox(tmp_path, port) as firefox,
        host_site({"/": page_of(body)}, "style-src 'none'") as site,
    ):
        tab = Tab(firefox)
        tab.goto(f"{site}/")
        assert outside(firefox, site) == ["http://elders.example/stip.png"]
        complaints = firefox.complaints()
        assert len(complaints) == 3
        for part in ("een fout", f"404 {site}/weg.png", "style-src 'none'"):
            assert any(part in said for said in complaints)
        assert firefox.cookies() == ["een"]
        assert [one.partition(":")[0] for one in violations(tab)] == ["empty-heading", "heading-order"]
    assert asked == ["GET http://elders.example/stip.png"]
