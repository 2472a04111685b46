"""The guard in front of everything: known doors, small bodies, safe headers, and what other sites may read.

Gradio opens more than a chat needs (uploads, monitoring, its own API); what is not listed here is
answered with 404 before it gets there.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retrieval.web.answering import describe_failure
from retrieval.web.joins import JOIN_PATH, checked_join
from retrieval.web.origins import Origins
from retrieval.web.problems import GRADIO_PREFIX, MCP_PATH, NOT_DONE, Problem, problem_of_request
from retrieval.web.theme import Theme, themed

MOST_BODY = 128 * 1024
"""Bytes of a request's body."""

MOST_DRAINED = 16 * 1024 * 1024
"""Bytes read and thrown away of a body that is too large, so that the sender gets to read the refusal."""

BODY_SECONDS = 20.0
"""Seconds that a body may take to arrive."""

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
_KEPT_OF_FOREIGN = ("allow", "vary")
_STRIPPED = re.compile(r"set-cookie|server|x-powered-by|access-control-.*")
"""Headers of the wrapped application that are not passed on; Gradio's own would let every origin in."""

FOR_ANYONE = re.compile(r"/api/v1/openapi\.json|/widget(-[0-9a-f]{8})?\.js")
"""What a page of any website may read: the description of the API (NL GOV API Design Rules), and the script
of the widget, which a browser checks by its ``integrity`` only where it may be read."""

_READABLE = {"Access-Control-Expose-Headers": "API-Version, Retry-After"}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "7200",  # seconds; Chromium keeps no answer longer
}
_NOT_LISTED = (
    "Deze website staat niet op de lijst van websites die hier vragen mogen stellen. "
    "De beheerder stelt die lijst in met VRAAGBAAK_ALLOWED_ORIGINS."
)

QUEUE_PATH = "/gradio_api/queue/data"
"""Where the chat's page listens for what becomes of its questions."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Door:
    """Paths that match ``pattern`` whole may be asked for with ``methods``.

    Where OPTIONS is one of them, pages of the other websites that are let in may ask too.
    """

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
    _door(r"/widget(-[0-9a-f]{8})?\.js", "GET", "HEAD"),
    _door(r"/(widget|toegankelijkheid)", "GET", "HEAD"),
    _door(r"/vraagbaak/[a-z.-]+", "GET", "HEAD"),
    _door(r"/(healthz|readyz|robots\.txt)", "GET", "HEAD"),
    # what Gradio's page asks for, seen by driving it in a browser
    _door(r"/assets/[A-Za-z0-9._-]+\.(js|css|woff2?)", "GET", "HEAD"),
    _door(r"/static/js/iframeResizer\.contentWindow\.min\.js", "GET", "HEAD"),
    _door(r"/theme\.css", "GET", "HEAD"),
    _door(r"/gradio_api/(heartbeat/[A-Za-z0-9]{1,64}|app_id)", "GET"),
    _door(re.escape(QUEUE_PATH), "GET"),
    _door(re.escape(JOIN_PATH), "POST"),
)
"""Every path that is served, with its methods."""

MCP_DOOR = _door(re.escape(MCP_PATH), "POST")
"""The one for assistants, which a setting shuts."""


class Guard:
    """Wraps an application: only known doors, bodies of at most 128 kB, safe headers on every response.

    Its pages, refusals too, get the theme of the operator, if there is one.
    """

    def __init__(
        self,
        app: ASGIApp,
        origins: Origins | None = None,
        doors: Sequence[Door] = DOORS,
        theme: Theme | None = None,
    ):
        self._app = app
        self._doors = tuple(doors)
        self._theme = theme
        self._origins = origins or Origins()
        self._stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        path = scope["path"]
        door = next((door for door in self._doors if door.pattern.fullmatch(path)), None)
        headed = _with_headers(send, self._origins.frame_ancestors, self._sharing(scope, door))
        dressed = headed if self._theme is None else themed(headed, self._theme)
        await self._guarded(scope, receive, dressed, door)

    def stop(self) -> None:
        """End what is held open: a chat keeps one connection for as long as its page is there."""
        self._stopping.set()

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, door: Door | None) -> None:
        path, method = scope["path"], scope["method"]
        if door is None:
            refusal = problem_of_request(scope, 404)
            await refusal(scope, receive, send)
            return
        if method not in door.methods:
            allowed = ", ".join(door.methods)
            refusal = problem_of_request(scope, 405, f"Gebruik hier {allowed}.", {"Allow": allowed})
            await refusal(scope, receive, send)
            return
        if method == "OPTIONS":
            await self._options(scope, door)(scope, receive, send)
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

    def _sharing(self, scope: Scope, door: Door | None) -> Mapping[str, str]:
        """Who may read the response, or ask for it, as CORS says it; never with cookies."""
        more = _PREFLIGHT if scope["method"] == "OPTIONS" else _READABLE
        if FOR_ANYONE.fullmatch(scope["path"]):
            return {"Access-Control-Allow-Origin": "*", **more}
        if door is None or "OPTIONS" not in door.methods:
            return {}
        origin = Headers(scope=scope).get("origin", "")
        if not self._origins.lets_in(origin):
            return {"Vary": "Origin"}
        return {"Vary": "Origin", "Access-Control-Allow-Origin": origin, **more}

    def _options(self, scope: Scope, door: Door) -> Response:
        """To a browser that asks for another website whether it may ask: yes or no; to others the methods."""
        headers = Headers(scope=scope)
        if "origin" not in headers or "access-control-request-method" not in headers:
            return Response(status_code=204, headers={"Allow": ", ".join(door.methods)})
        if "Access-Control-Allow-Origin" in self._sharing(scope, door):
            return Response(status_code=204)
        return problem_of_request(scope, 403, _NOT_LISTED)

    async def _passed_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sender(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sender)
        except Exception as failure:  # noqa: BLE001  # the server would log its message, and so the question
            if started and scope["path"] == QUEUE_PATH:
                # so Gradio ends the stream of a session that it does not know: anyone could fill the log
                await sender({"type": "http.response.body"})
                return
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


def _with_headers(send: Send, frame_ancestors: str, sharing: Mapping[str, str]) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name in filter(_STRIPPED.fullmatch, set(headers)):
                del headers[name]
            headers.update(_HEADERS)
            is_page = headers.get("content-type", "").startswith("text/html")
            for name, value in (_of_page(frame_ancestors) if is_page else _OF_OTHERS).items():
                headers.setdefault(name, value)
            for name, value in sharing.items():
                if name == "Vary":
                    headers.add_vary_header(value)
                else:
                    headers[name] = value
        await send(message)

    return sender


def _policy(frame_ancestors: str) -> str:
    """For every response that does not bring a policy of its own: nothing runs on it."""
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src data:; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors {frame_ancestors}"
    )


def _of_page(frame_ancestors: str) -> Mapping[str, str]:
    """A page may stand in a frame, also on a site that demands that what it shows says so (COEP)."""
    # no X-Frame-Options: it cannot name an origin
    return {
        "Content-Security-Policy": _policy(frame_ancestors),
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


_OF_OTHERS: Mapping[str, str] = {
    "Content-Security-Policy": _policy("'none'"),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""What is no page never stands in a frame, and other sites load it by CORS only."""


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
    if path == MCP_PATH and kind == "application/json":
        return False  # an error of the protocol, which an assistant's program reads
    return kind not in (Problem.media_type, "text/html") or path.startswith(GRADIO_PREFIX)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _without_body(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sender
