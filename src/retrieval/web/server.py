"""One process, one port: composes the chat, the HTTP interface and the source pages, and serves them."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from retrieval.errors import SettingsError
from retrieval.feedback import FeedbackFile
from retrieval.serving import LiveChatbot, Servable
from retrieval.settings import Settings
from retrieval.web.accessibility import add_accessibility
from retrieval.web.answering import Answering, RateLimit, Replies
from retrieval.web.api import add_api, add_feedback
from retrieval.web.assets import add_static_files
from retrieval.web.chat import mount_chat
from retrieval.web.mcp import Tools, add_mcp
from retrieval.web.messages import NOT_READY, notice_html, welcome_html
from retrieval.web.openapi import API_INFO, contact_info
from retrieval.web.origins import check_origins
from retrieval.web.page import ChatPage
from retrieval.web.problems import problem_of_request
from retrieval.web.question_log import LoggedReplies
from retrieval.web.reference import add_reference
from retrieval.web.security import DOORS, MCP_DOOR, Guard
from retrieval.web.sources import SourceLibrary, Sources, add_sources
from retrieval.web.theme import THEME_NAME, load_theme
from retrieval.web.widget import add_widget

MOST_SUGGESTED = 4
"""Questions that the chat opens with: as many as a phone shows without scrolling."""

MOST_NAMED = 3
"""Titles that the words of welcome name; of more texts they give the number."""

SECONDS_TO_FINISH = 2
"""Seconds that open connections (a chat keeps one) get when the server stops."""


class ServedChatbot(Servable, Protocol):
    """What is served: a chatbot, what it can be asked, and the index that it quotes from."""

    @property
    def index(self) -> SourceLibrary:
        """The sources that it quotes from."""
        ...

    @property
    def suggestions(self) -> Sequence[str]:
        """Questions that make a good first try."""
        ...


Served = ServedChatbot | LiveChatbot[Any]
"""A chatbot for good, or one of which another may take the place."""


def create_app(chatbot: Served | None, settings: Settings) -> Guard:
    """The whole web application; without a chatbot it is up, and tells that there is no index.

    Raises SettingsError where an allowed origin is none or the theme cannot be used,
    FeedbackError where the file of feedback is none.
    """
    origins = check_origins(settings.allowed_origins)
    theme = load_theme(settings.theme) if settings.theme is not None else None
    app = FastAPI(
        **API_INFO,
        contact=contact_info(settings.contact),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.add_exception_handler(Exception, _failed)
    live = _live(chatbot) if chatbot is not None else None
    answering = _answering(live, settings)
    sources = _sources(live) if live is not None else None
    rate_limit = RateLimit(settings.rate_limit)
    add_api(app, answering, rate_limit)
    if settings.feedback is not None:
        add_feedback(app, _feedback_file(settings.feedback), RateLimit(settings.rate_limit))
    add_reference(app)
    add_sources(app, sources)
    add_widget(app, origins.frame_ancestors, settings.feedback is not None)
    add_accessibility(app, settings.contact)
    add_static_files(app, {THEME_NAME: theme.asset} if theme is not None else {})
    if settings.mcp:
        add_mcp(app, Tools(answering, sources, rate_limit), origins)
    # last: it takes every path that is left
    greet = mount_chat(app, answering, rate_limit, notice_html(NOT_READY))
    if live is not None:
        live.tell(lambda chatbot: greet(_welcome(chatbot)))
    doors = (*DOORS, MCP_DOOR) if settings.mcp else DOORS
    return Guard(ChatPage(app, origins.frame_ancestors), origins, doors, theme)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()  # a pipe would hold it back


def serve(chatbot: Served | None, settings: Settings, announce: Callable[[str], None] = _tell) -> None:
    """Serve until SIGTERM or Ctrl-C; ``announce`` is told the address when it answers.

    Raises SettingsError where the address cannot be had.
    """
    listening = _listen(settings.host, settings.port)
    app = create_app(chatbot, settings)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )
    ready = f"Vraagbaak is ready at {_address(listening)} (stop it with Ctrl-C)"
    server = _Server(config, lambda: announce(ready), app.stop)
    # uvicorn raises the signal again when it has stopped: that must not end the process as a failure
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _already_stopped)
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    """Tells when it answers, and when it stops."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stopping: Callable[[], None]):
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell, then stop."""
        self._stopping()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        # a name that is not found has a negative number, and words of its own
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise SettingsError(
            f"cannot serve on {host} port {port}: {reason}; "
            "stop what uses it, or choose another with --port (and --host)"
        ) from error


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _already_stopped(_number: int, _frame: FrameType | None) -> None:
    """The signal has done its work."""


def _failed(request: Request, _: Exception) -> Response:
    """What is sent; Starlette raises the error again, and the guard logs it."""
    return problem_of_request(request.scope, 500)


def _live(chatbot: Served) -> LiveChatbot[ServedChatbot]:
    return chatbot if isinstance(chatbot, LiveChatbot) else LiveChatbot(chatbot)


def _sources(live: LiveChatbot[ServedChatbot]) -> Sources:
    @contextmanager
    def present() -> Iterator[SourceLibrary]:
        with live.held() as chatbot:
            yield chatbot.index

    return present


def _answering(chatbot: Replies | None, settings: Settings) -> Answering | None:
    if chatbot is None:
        return None
    return Answering(LoggedReplies(chatbot) if settings.log_questions else chatbot)


def _feedback_file(path: Path) -> FeedbackFile:
    file = FeedbackFile(path)
    file.check()
    return file


def _welcome(chatbot: ServedChatbot) -> str:
    entries = chatbot.index.store.documents()
    subjects = (
        [f"“{entry.title}”" for entry in entries]
        if len(entries) <= MOST_NAMED
        else [f"een van de {len(entries)} bronnen"]
    )
    return welcome_html(subjects, chatbot.suggestions[:MOST_SUGGESTED])
