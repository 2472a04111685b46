"""That a real browser goes where a text fragment leads."""

from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from retrieval.text_fragments import link_to_text

FILLING = "<p>Deze regel vult de pagina.</p>" * 200
SHORT = "Het zee-egelmuseum, \u00e9\u00e9n & al \U0001f642, is open."
LONG = "Wie een paspoort wil aanvragen neemt een pasfoto mee, het oude paspoort en een pas om mee te betalen."
LIST = "Neem mee:\n- een pasfoto van nu\n- het oude paspoort"
PAGE = (
    "<!doctype html><html lang=nl><meta charset=utf-8><title>Museum</title>"
    f"<h1 id=kop>Museum</h1>{FILLING}<p id=kort>{SHORT.replace('&', '&amp;')}</p>"
    f"{FILLING}<p id=lang>{LONG}</p>{FILLING}"
    "<p id=lijst>Neem mee:</p><ul><li>een pasfoto van nu<li>het oude paspoort</ul>" + FILLING
)


class Museum(BaseHTTPRequestHandler):
    """Serves that one page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.mark.parametrize("fragment", ["", "#kop"])
@pytest.mark.parametrize(("text", "place"), [(SHORT, "kort"), (LONG, "lang"), (LIST, "lijst")])
def test_the_words_are_in_view(browser: Browser, text: str, place: str, fragment: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Museum)
    Thread(target=partial(server.serve_forever, poll_interval=0.05), daemon=True).start()
    link = link_to_text(f"http://127.0.0.1:{server.server_port}/{fragment}", text)
    page = browser.new_page()
    page.goto(link or "")
    expect(page.locator(f"#{place}")).to_be_in_viewport()
    page.close()
    server.shutdown()
    server.server_close()
