"""A real Chromium, and pages of it that watch what the browser asks for, says and keeps."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "web"))  # for three_sentences and web_serving

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.example 127.0.0.1",  # other websites, on this machine
)
PATIENCE = 20_000
"""Milliseconds that something may take to appear on a busy machine; reached only where it fails."""

PageMaker = Callable[..., AbstractContextManager[Page]]


def chromium_path(playwright: Playwright) -> str:
    """The Chromium to drive: CHROMIUM_PATH, one of the machine, or Playwright's own."""
    candidates = [os.environ.get("CHROMIUM_PATH"), *map(shutil.which, CHROMIUM_NAMES)]
    candidates.append(playwright.chromium.executable_path)
    found = [path for path in candidates if path and Path(path).is_file()]
    assert found, (
        "no Chromium to test with: set CHROMIUM_PATH to one, or run 'apt-get install chromium' "
        "or 'playwright install chromium'"
    )
    return found[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a file.

    Not for the session: Playwright keeps an event loop running, beside which async tests cannot run theirs.
    """
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=chromium_path(playwright), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where another process serves three sentences."""
    from web_serving import THREE_SENTENCES, served

    with served(*THREE_SENTENCES) as address:
        yield address


@pytest.fixture(scope="session")
def watch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the real server's look-ups and connections are noted."""
    return tmp_path_factory.mktemp("watch")


@pytest.fixture(scope="session")
def real_address(tmp_path_factory: pytest.TempPathFactory, watch_folder: Path) -> Iterator[str]:
    """Where ``vraagbaak serve`` makes an index of the project's corpus and serves it, with the real model."""
    from web_serving import served, watched_by

    index = tmp_path_factory.mktemp("index")
    corpus = Path(__file__).parents[2] / "corpus"
    environment = watched_by(watch_folder)
    environment |= {"VRAAGBAAK_CORPUS": str(corpus), "VRAAGBAAK_INDEX": str(index), "VRAAGBAAK_PORT": "0"}
    with served(sys.executable, "-m", "retrieval.cli", "serve", environment=environment) as address:
        yield address


@pytest.fixture
def new_page(browser: Browser) -> PageMaker:
    """Makes a page that, when it is done, has asked no other host, kept no cookie and reported no error.

    But for the ``sites`` that it may ask too, and for ``refusals``: what must be reported, a part of each.
    """

    @contextmanager
    def make(
        address: str, sites: Sequence[str] = (), refusals: Sequence[str] = (), **options: Any
    ) -> Iterator[Page]:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = browser.new_context(**options)
        asked: list[str] = []
        complaints: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        context.on(
            "console",
            lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None,
        )
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on(
            "response",
            lambda response: (
                complaints.append(f"{response.status} {response.url}") if response.status >= 400 else None
            ),
        )
        yield context.new_page()
        cookies = context.cookies()
        context.close()
        known = (*(f"{site}/" for site in (address, *sites)), "data:", "blob:")
        assert [url for url in asked if not url.startswith(known)] == []
        assert [said for said in complaints if not any(part in said for part in refusals)] == []
        assert [part for part in refusals if not any(part in said for said in complaints)] == []
        assert cookies == []

    return make
