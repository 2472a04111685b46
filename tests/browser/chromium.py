"""The Chromium that the tests drive."""

import os
import shutil
from pathlib import Path

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
