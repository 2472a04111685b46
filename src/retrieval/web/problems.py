"""Errors for visitors and programs: RFC 9457 ``application/problem+json`` in Dutch, or a small page."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from retrieval.web.pages import render_page

API_PREFIX = "/api/"
API_VERSION = "1.0.0"
VERSION_HEADERS = {"API-Version": API_VERSION}

TITLES: Mapping[int, str] = {
    400: "Ongeldige JSON",
    404: "Niet gevonden",
    405: "Methode niet toegestaan",
    408: "Verzoek duurde te lang",
    413: "Verzoek te groot",
    415: "Geen JSON",
    422: "Ongeldige vraag",
    429: "Te veel vragen",
    500: "Interne fout",
    503: "Niet beschikbaar",
}
"""What each status is called; the detail says more."""


class Problem(JSONResponse):
    """An error as RFC 9457 has it."""

    media_type = "application/problem+json"

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ):
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": TITLES[status],
            "status": status,
            "detail": detail,
        }
        if errors:
            content["errors"] = list(errors)
        super().__init__(content, status, {**VERSION_HEADERS, "Cache-Control": "no-store", **(headers or {})})


def problem_for(path: str, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """The error in the form that suits the path: for a program, or for someone with a browser."""
    if path.startswith(("/bronnen", "/vraagbaak")) or path == "/":
        return HTMLResponse(render_page("fout.html", title=TITLES[status], detail=detail), status, headers)
    return Problem(status, detail, headers=headers)
