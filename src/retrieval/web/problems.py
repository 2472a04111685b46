"""Errors for visitors and programs: RFC 9457 ``application/problem+json`` in Dutch, or a small page."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Scope

from retrieval.web.pages import render_page

API_PREFIX = "/api/"
BASE_PATH = "/api/v1"
"""Where the interface begins; its OpenAPI description counts from there."""

GRADIO_PREFIX = "/gradio_api/"
MCP_PATH = "/mcp"
API_VERSION = "1.0.0"
VERSION_HEADERS = {"API-Version": API_VERSION}

TITLES: Mapping[int, str] = {
    400: "Ongeldige JSON",
    403: "Niet toegestaan",
    404: "Niet gevonden",
    405: "Methode niet toegestaan",
    408: "Verzoek duurde te lang",
    413: "Verzoek te groot",
    415: "Geen JSON",
    416: "Bereik bestaat niet",
    422: "Ongeldige invoer",
    429: "Te veel verzoeken",
    500: "Interne fout",
    503: "Niet beschikbaar",
}
"""What each status is called; the detail says more."""

NOT_DONE = "Dit verzoek is niet gelukt."
DETAILS: Mapping[int, str] = {
    404: "Deze pagina bestaat niet.",
    500: "Er ging iets mis. Probeer het later opnieuw.",
}
"""What is said where no more is known than the status."""


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


def problem_for(
    path: str, status: int, detail: str, headers: Mapping[str, str] | None = None, accept: str = ""
) -> Response:
    """The error in the form that suits the path and what is accepted: for a program, or for a browser."""
    is_page = path == "/" or path.startswith("/bronnen")
    if is_page or ("text/html" in accept.lower() and not path.startswith((API_PREFIX, GRADIO_PREFIX))):
        return HTMLResponse(render_page("fout.html", title=TITLES[status], detail=detail), status, headers)
    return Problem(status, detail, headers=headers)


def problem_of_request(
    scope: Scope, status: int, detail: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """The error for a request, in the form that it asks for; without ``detail`` what its status says."""
    known = status if status in TITLES else 400 if status < 500 else 500
    accept = Headers(scope=scope).get("accept", "")
    return problem_for(scope["path"], known, detail or DETAILS.get(known, NOT_DONE), headers, accept)
