"""The guard in front of everything: known doors only, small bodies, and headers that hold browsers back.

Gradio opens more than a chat needs (uploads, monitoring, its own API); what is not listed here is
answered with 404 before it gets there.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retrieval.errors import SettingsError
from retrieval.web.answering import describe_failure
from retrieval.web.joins import JOIN_PATH, checked_join
from retrieval.web.problems import GRADIO_PREFIX, NOT_DONE, Problem, problem_of_request

MOST_BODY = 128 * 1024
"""Bytes of a request's body."""

MOST_DRAINED = 16 * 1024 * 1024
"""Bytes read and thrown away of a body that is too large, so that the sender gets to read the refusal."""

BODY_SECONDS = 20.0
"""Seconds that a body may take to arrive."""

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?|https?://\[[0-9A-Fa-f:]+\](:\d{1,5})?")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_BODY_REFUSED = {
    408: "De vraag kwam niet op tijd helemaal aan.",
    413: f"Stuur hooguit {MOST_BODY // 1024} kB.",
    422: NOT_DONE,
}
_KEPT_OF_FOREIGN = ("allow", "vary", "access-control-allow-origin")
_STRIPPED = ("set-cookie", "server", "x-powered-by")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Door:
    """Paths that match ``pattern`` whole may be asked for with ``methods``."""

    pattern: re.Pattern[str]
    methods: tuple[str, ...]


def _door(pattern: str, *methods: str) -> Door:
    return Door(re.compile(pattern), methods)


DOORS = (
    _door(r"/", "GET", "HEAD"),
    _door(r"/api", "GET", "HEAD"),
    _door(r"/api/v1/(answers|feedback)", "POST", "OPTIONS"),
    _door(r"/api/v1/openapi\.json", "GET", "HEAD", "OPTIONS"),
    _door(r"/bronnen(/[\s\S]+)?", "GET", "HEAD"),
    _door(r"/vraagbaak/[a-z.-]+", "GET", "HEAD"),
    _door(r"/(healthz|readyz|robots\.txt)", "GET", "HEAD"),
    # what Gradio's page asks for, seen by driving it in a browser
    _door(r"/assets/[A-Za-z0-9._-]+\.(js|css|woff2?)", "GET", "HEAD"),
    _door(r"/static/js/iframeResizer\.contentWindow\.min\.js", "GET", "HEAD"),
    _door(r"/theme\.css", "GET", "HEAD"),
    _door(r"/gradio_api/(heartbeat/[A-Za-z0-9]{1,64}|queue/data|app_id)", "GET"),
    _door(re.escape(JOIN_PATH), "POST"),
)
"""Every path that is served, with its methods."""


def check_origins(origins: Sequence[str]) -> tuple[str, ...]:
    """The origins that may embed and ask from elsewhere.

    Raises SettingsError where one is not of the form ``https://host`` or ``https://host:port``.
    """
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"setting 'allowed_origins': found {origin!r}, expected https://host or https://host:port, "
                "without a path; correct VRAAGBAAK_ALLOWED_ORIGINS"
            )
    return tuple(origins)


def frame_ancestors(origins: Sequence[str]) -> str:
    """Who may show these pages in a frame, as a Content-Security-Policy says it."""
    return " ".join(("'self'", *origins))


class Guard:
    """Wraps an application: only known doors, bodies of at most 128 kB, safe headers on every response."""

    def __init__(self, app: ASGIApp, origins: Sequence[str] = (), doors: Sequence[Door] = DOORS):
        self._app = app
        self._doors = tuple(doors)
        self._origins = tuple(origins)
        self._stopping = asyncio.Event()
        # for every page that does not bring a policy of its own: nothing runs on it
        self._policy = (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
            f"form-action 'none'; frame-ancestors {frame_ancestors(origins)}"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._guarded(scope, receive, _with_headers(send, self._policy))

    def stop(self) -> None:
        """End what is held open: a chat keeps one connection for as long as its page is there."""
        self._stopping.set()

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        door = next((door for door in self._doors if door.pattern.fullmatch(path)), None)
        if door is None:
            refusal = problem_of_request(scope, 404)
            await refusal(scope, receive, send)
            return
        if method not in door.methods:
            allowed = ", ".join(door.methods)
            refusal = problem_of_request(scope, 405, f"Gebruik hier {allowed}.", {"Allow": allowed})
            await refusal(scope, receive, send)
            return
        if method == "OPTIONS" and not self._is_preflight(scope):
            told = Response(status_code=204, headers={"Allow": ", ".join(door.methods)})
            await told(scope, receive, send)
            return
        if method == "POST":
            body = await _read_body(receive, path)
            if isinstance(body, int):
                refusal = problem_of_request(scope, body, _BODY_REFUSED[body], {"Connection": "close"})
                await refusal(scope, receive, send)
                return
            receive = _replayed(body, receive)
        if method == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        if path.startswith(GRADIO_PREFIX):
            receive = self._until_stopped(receive)
        await self._passed_on(scope, receive, _own_problems(send, scope))

    def _is_preflight(self, scope: Scope) -> bool:
        """Whether a browser asks for one of the other origins if it may ask."""
        headers = Headers(scope=scope)
        return headers.get("origin") in self._origins and "access-control-request-method" in headers

    async def _passed_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sender(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sender)
        except Exception as failure:  # noqa: BLE001  # the server would log its message, and so the question
            _log.error("a request failed: %s", describe_failure(failure))
            if not started:
                await problem_of_request(scope, 500)(scope, receive, send)

    def _until_stopped(self, receive: Receive) -> Receive:
        async def receiver() -> Message:
            message = asyncio.ensure_future(receive())
            stopping = asyncio.ensure_future(self._stopping.wait())
            try:
                await asyncio.wait((message, stopping), return_when=asyncio.FIRST_COMPLETED)
                return message.result() if message.done() else {"type": "http.disconnect"}
            finally:
                message.cancel()
                stopping.cancel()

        return receiver


async def _read_body(receive: Receive, path: str) -> bytes | int:
    """The whole body, or the status of its refusal: 413 too large, 408 too slow, 422 not for Gradio."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _read_limited(receive)
    except TimeoutError:
        return 408
    if path != JOIN_PATH or isinstance(body, int):
        return body
    checked = checked_join(body)
    return 422 if checked is None else checked


async def _read_limited(receive: Receive) -> bytes | int:
    body = bytearray()
    arrived = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return 408
        chunk = message.get("body", b"")
        arrived += len(chunk)
        if arrived <= MOST_BODY:
            body += chunk
        if arrived > MOST_DRAINED:
            return 413
        if not message.get("more_body", False):
            return bytes(body) if arrived <= MOST_BODY else 413


def _replayed(body: bytes, receive: Receive) -> Receive:
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _with_headers(send: Send, policy: str) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name in _STRIPPED:
                del headers[name]
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Content-Security-Policy", policy)
        await send(message)

    return sender


def _own_problems(send: Send, scope: Scope) -> Send:
    """The refusals of Gradio and Starlette, which may quote what was sent and speak English, by ours."""
    refused = False

    async def sender(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start" and _is_foreign(message, scope["path"]):
            refused = True
            kept = {
                name: value
                for name, value in Headers(raw=message["headers"]).items()
                if name in _KEPT_OF_FOREIGN
            }
            await problem_of_request(scope, message["status"], headers=kept)(scope, _nothing, send)
        elif not refused:
            await send(message)

    return sender


def _is_foreign(start: Message, path: str) -> bool:
    """Whether this begins an error that is not in our words: no problem document, no page of ours."""
    if start["status"] < 400:
        return False
    kind = Headers(raw=start["headers"]).get("content-type", "").partition(";")[0]
    return kind not in (Problem.media_type, "text/html") or path.startswith(GRADIO_PREFIX)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _without_body(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sender
