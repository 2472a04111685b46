"""What a website of another origin can do with the server, and what it cannot."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from three_sentences import PASSPORT

PageMaker = Callable[..., AbstractContextManager[Page]]

ASK = """async (server) => {
  const body = JSON.stringify({ question: "wat neem ik mee voor een paspoort?" });
  const headers = { "Content-Type": "application/json" };
  try {
    const response = await fetch(`${server}/api/v1/answers`, { method: "POST", headers, body });
    return [response.status, response.headers.get("API-Version"), (await response.json()).quotes[0].text];
  } catch (error) {
    return error.name;
  }
}"""
READ = """async (address) => {
  try {
    return (await fetch(address)).status;
  } catch (error) {
    return error.name;
  }
}"""
PAGE = """<!doctype html><html lang="nl"><head><meta charset="utf-8"><title>Een gemeente</title>
<link rel="icon" href="data:,"></head><body>{}</body></html>"""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and tells nothing."""

    def log_request(self, *_: Any) -> None:
        """Not on the terminal of the tests."""


@dataclass(frozen=True)
class Website:
    """A page that is served at one port: as localhost, which is let in, and under a name, which is not."""

    folder: Path
    port: int

    def show(self, body: str) -> None:
        """Put this on the page."""
        (self.folder / "index.html").write_text(PAGE.format(body), encoding="utf-8")

    def at(self, host: str) -> str:
        """The origin of the page under the name of a host."""
        return f"http://{host}:{self.port}"


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    """A website with an empty page."""
    handler = partial(QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        website = Website(tmp_path, server.server_port)
        website.show("")
        yield website
        server.shutdown()
        thread.join()


@pytest.fixture
def here(website: Website) -> str:
    """The website on the visitor's own machine."""
    return website.at("localhost")


@pytest.fixture
def elsewhere(website: Website) -> str:
    """The website under a name of its own."""
    return website.at("elders.example")


def test_a_site_that_is_let_in_may_ask(new_page: PageMaker, address: str, here: str) -> None:
    with new_page(address, sites=[here]) as page:
        page.goto(here)
        assert page.evaluate(ASK, address) == [200, "1.0.0", PASSPORT]


def test_another_site_may_not_ask(new_page: PageMaker, address: str, elsewhere: str) -> None:
    refusals = ["has been blocked by CORS policy", "net::ERR_FAILED"]
    with new_page(address, sites=[elsewhere], refusals=refusals) as page:
        page.goto(elsewhere)
        assert page.evaluate(ASK, address) == "TypeError"


def test_a_site_that_is_let_in_reads_what_is_wrong(new_page: PageMaker, address: str, here: str) -> None:
    empty = """async (server) => {
      const headers = { "Content-Type": "application/json" };
      const response = await fetch(`${server}/api/v1/answers`, { method: "POST", headers, body: "{}" });
      return [response.status, (await response.json()).detail];
    }"""
    with new_page(address, sites=[here], refusals=["422"]) as page:
        page.goto(here)
        assert page.evaluate(empty, address) == [422, "Het veld 'question' ontbreekt."]


def test_any_site_reads_the_description_and_the_script_and_nothing_else(
    new_page: PageMaker, address: str, elsewhere: str
) -> None:
    refusals = ["has been blocked by CORS policy", "net::ERR_FAILED"]
    with new_page(address, sites=[elsewhere], refusals=refusals) as page:
        page.goto(elsewhere)
        for path in ("/api/v1/openapi.json", "/widget.js"):
            assert page.evaluate(READ, f"{address}{path}") == 200
        for path in ("/", "/bronnen", "/widget", "/readyz", "/vraagbaak/chat.js"):
            assert page.evaluate(READ, f"{address}{path}") == "TypeError"


FRAME = '<iframe src="{}" title="Vraagbaak" width="600" height="500"></iframe>'


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_site_that_is_let_in_shows_the_chat_in_a_frame(
    new_page: PageMaker, address: str, website: Website, host: str
) -> None:
    website.show(FRAME.format(f"{address}/"))
    site = website.at(host)
    with new_page(address, sites=[site], refusals=["Blocked autofocusing"]) as page:  # of Gradio's
        page.goto(site)
        frame = page.frame_locator("iframe")
        frame.locator("#vb-invoer textarea").fill("wat neem ik mee voor een paspoort?")
        frame.locator("#vb-invoer textarea").press("Enter")
        expect(frame.locator("blockquote p").first).to_have_text(PASSPORT, use_inner_text=False)


@pytest.mark.parametrize("path", ["/", "/bronnen", "/widget", "/readyz"])
def test_another_site_shows_nothing_in_a_frame(
    new_page: PageMaker, address: str, elsewhere: str, website: Website, path: str
) -> None:
    website.show(FRAME.format(address + path))
    with new_page(address, sites=[elsewhere], refusals=["frame-ancestors"]) as page:
        with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            page.goto(elsewhere)
        body = page.frame_locator("iframe").locator("body")
        body.wait_for(state="attached")
        assert "Vraagbaak" not in (body.text_content() or "")


LINE = re.compile(r"<pre[^>]*><code>(.*?)</code></pre>", re.DOTALL)
TOLD = """ onload="document.title = 'geladen'" onerror="document.title = 'geweigerd'">"""


def lines_to_copy(address: str) -> list[str]:
    """The lines of /widget: plain, with an element, and with a version; each tells what became of it."""
    html = httpx.get(f"{address}/widget").text
    return [unescape(lines).replace(" async>", f" async{TOLD}") for lines in LINE.findall(html)]


@pytest.mark.parametrize("host", ["localhost", "elders.example"])
def test_all_lines_load_the_widget(new_page: PageMaker, address: str, website: Website, host: str) -> None:
    site = website.at(host)
    lines = lines_to_copy(address)
    assert len(lines) == 3
    for line in lines:
        website.show(line)
        with new_page(address, sites=[site]) as page:
            page.goto(site)
            expect(page).to_have_title("geladen")
            assert page.evaluate("customElements.get('vraagbaak-chat') !== undefined")


def test_a_script_that_the_hash_is_not_of_is_not_run(
    new_page: PageMaker, address: str, here: str, website: Website
) -> None:
    pinned = lines_to_copy(address)[2]
    right = re.search(r"sha384-[A-Za-z0-9+/=]{64}", pinned)
    assert right is not None
    website.show(pinned.replace(right[0], f"sha384-{'A' * 64}"))
    with new_page(address, sites=[here], refusals=["'integrity' attribute"]) as page:
        page.goto(here)
        expect(page).to_have_title("geweigerd")
        assert page.evaluate("customElements.get('vraagbaak-chat') === undefined")


def test_an_older_version_runs_where_no_hash_is_named(
    new_page: PageMaker, address: str, here: str, website: Website
) -> None:
    line = lines_to_copy(address)[0].replace("/widget.js", "/widget-0123abcd.js")
    website.show(line)
    with new_page(address, sites=[here]) as page:
        page.goto(here)
        expect(page).to_have_title("geladen")


@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_for_editors_shows_the_widget_under_its_own_policy(
    new_page: PageMaker, address: str, width: int
) -> None:
    with new_page(address, viewport={"width": width, "height": 800}) as page:
        page.goto(f"{address}/widget")
        expect(page.locator("pre.knipsel")).to_have_count(3)
        page.wait_for_load_state("load")
        assert page.evaluate("customElements.get('vraagbaak-chat') !== undefined")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
