"""/toegankelijkheid: what was tested for everyone to be able to use the pages, and what was not."""

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from retrieval.records import Contact
from retrieval.web.pages import render_page

AXE_VERSION = "4.12.1"
"""The axe-core that tests/browser/test_accessibility.py ran with when the page was last written."""

WRITTEN = "2026-11-24"
"""When the page was last held against what the tests do."""


def add_accessibility(app: FastAPI, contact: Contact | None) -> None:
    """Serve the page from ``app``; ``contact`` is whom a problem is reported to."""
    html = render_page("toegankelijkheid.html", axe_version=AXE_VERSION, written=WRITTEN, contact=contact)

    @app.get("/toegankelijkheid", include_in_schema=False)
    async def show_statement() -> HTMLResponse:
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})
