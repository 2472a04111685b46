"""The Chromium that the tests drive, and what its pages ask."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext

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


def chromium_path(own: str = "") -> str:
    """The Chromium to drive: CHROMIUM_PATH, one of the machine, or Playwright's ``own``."""
    candidates = [os.environ.get("CHROMIUM_PATH"), *map(shutil.which, CHROMIUM_NAMES)]
    candidates.append(own)
    found = [path for path in candidates if path and Path(path).is_file()]
    assert found, (
        "no Chromium to test with: set CHROMIUM_PATH to one, or run 'apt-get install chromium' "
        "or 'playwright install chromium'"
    )
    return found[0]


def note_hosts(context: BrowserContext, hosts: set[str]) -> None:
    """Add to ``hosts`` whatever a context asks from now on, also what a test answers in their place."""

    def note(url: str) -> None:
        if host := urlsplit(url).hostname:  # data: and blob: have none
            hosts.add(host)

    context.on("request", lambda request: note(request.url))
    context.on("page", lambda page: page.on("websocket", lambda socket: note(socket.url)))
