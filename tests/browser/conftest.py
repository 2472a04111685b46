"""A real Chromium, and pages of it that watch what the browser asks for, says and keeps.

Whatever a test does with it: at the end no page may have asked for anything of another host.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

sys.path.append(str(Path(__file__).parent))  # for chromium and host_sites
sys.path.append(str(Path(__file__).parents[1] / "web"))  # for three_sentences and web_serving

PATIENCE = 6_000
"""Milliseconds that something may take to appear on a busy machine; reached only where it fails."""

OWN_HOSTS = {"127.0.0.1", "localhost", "elders.example"}
"""This machine, and the name of it by which it is another website (chromium.py)."""

HOSTS = pytest.StashKey[set[str]]()

PageMaker = Callable[..., AbstractContextManager[Page]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell which hosts the browser asked."""
    if hosts := config.stash.get(HOSTS, set()):
        terminalreporter.write_line(f"hosts that the browser asked: {', '.join(sorted(hosts))}")


@pytest.fixture(scope="session")
def hosts(request: pytest.FixtureRequest) -> Iterator[set[str]]:
    """The hosts that any page asked in this run; an error at its end where one is another machine."""
    asked: set[str] = set()
    request.config.stash[HOSTS] = asked
    yield asked
    assert sorted(asked - OWN_HOSTS) == [], "the browser asked other hosts"


@pytest.fixture(scope="module")
def browser(hosts: set[str]) -> Iterator[Browser]:
    """One Chromium for the tests of a file, whose every request is noted.

    Not for the session: Playwright keeps an event loop running, beside which async tests cannot run theirs.
    """
    from chromium import FLAGS, chromium_path, note_hosts

    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(
            executable_path=chromium_path(playwright.chromium.executable_path), args=FLAGS
        )
        browser.on("context", lambda context: note_hosts(context, hosts))
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
