"""``POST /mcp``: two tools for assistants, by the Model Context Protocol, to quote the corpus with citations.

The only module that imports mcp, and not before the first request: that costs a quarter of a second.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from retrieval.errors import BusyError, QuestionError
from retrieval.questions import MOST_CHARACTERS, MOST_EARLIER
from retrieval.records import Document, Span
from retrieval.serialization import reply_to_json
from retrieval.web.answering import Answering, AnsweringError, RateLimit, describe_failure, too_many
from retrieval.web.bodies import AnswerRequest, ReplyBody
from retrieval.web.origins import Origins
from retrieval.web.problems import API_VERSION, MCP_PATH, Problem
from retrieval.web.reading import read_request
from retrieval.web.sources import Sources

if TYPE_CHECKING:
    from mcp import types
    from mcp.server.context import ServerRequestContext
    from mcp.server.lowlevel import Server

MOST_READ = 20_000
"""Characters of a source that one call gives: some 5,000 tokens, which every assistant has room for."""

INSTRUCTIONS = (
    "A collection of Dutch texts that answers questions with sentences quoted word for word. Ask with the "
    "tool `ask`, in Dutch. Show its quotes verbatim with their citation (title and link), and keep your "
    "own words apart from them. If the status is `abstained`, say that these sources do not answer the "
    "question."
)

_ASK = (
    "Ask the collection a question in Dutch. The result holds `quotes`: sentences that stand word for word"
    " in a source, each with the number of its citation. Quote them verbatim, in Dutch, with the "
    "citation's title and its link from `source_links`; give a translation or summary only beside the "
    "quote. When `status` is `abstained`, these sources do not answer the question: say so, do not answer "
    "from `citations`, which are then only passages about the subject. `smalltalk` is a courtesy, without "
    "sources. For a follow-up question give the earlier questions in `history`."
)
_READ_SOURCE = (
    "Read a source word for word, by the `document_id` of a citation: the characters from `start` to `end`"
    " (Unicode code points, counted from 0, `end` not included), so that a quote can be checked or read in"
    f" its context. Without them, the source from its beginning. At most {MOST_READ} characters a call; "
    "`next` is the `start` of the following call, or null when all that was asked for has been given. "
    "Compare `sha256` with that of the citation: when they differ, the source has changed since, and "
    "offsets of that citation no longer hold."
)

_FAILED = "Er ging iets mis. Probeer het later opnieuw."
_NO_INDEX = "De bronnen zijn nog niet klaar om te doorzoeken. Probeer het later opnieuw."
_FOREIGN_ORIGIN = "Deze website mag hier niets vragen."

_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")

_log = logging.getLogger(__name__)


class _Arguments(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class AskArguments(_Arguments):
    """What `ask` takes."""

    question: str = Field(
        description="The question, in Dutch.",
        json_schema_extra={"minLength": 1, "maxLength": MOST_CHARACTERS},
    )
    history: list[str] = Field(
        default_factory=list,
        description="Earlier questions of this conversation, oldest first.",
        json_schema_extra={
            "maxItems": MOST_EARLIER,
            "items": {"type": "string", "maxLength": MOST_CHARACTERS},
        },
    )


class ReadSourceArguments(_Arguments):
    """What `read_source` takes."""

    document_id: str = Field(description="The document_id of a citation.")
    start: int | None = Field(
        default=None, ge=0, description="The first character; the beginning if left out."
    )
    end: int | None = Field(
        default=None, ge=0, description="Where to stop; the end of the source if left out."
    )


class AskResult(ReplyBody):
    """What POST /api/v1/answers gives, and where to read on."""

    source_links: list[str] = Field(
        description="For each citation, in order: its source_url as a whole address, with the place marked."
    )


class ReadSourceResult(BaseModel):
    """A stretch of a source, word for word."""

    document_id: str
    title: str
    url: str | None = Field(description="The address of the original source.")
    sha256: str = Field(description="Of the text of the whole source, in UTF-8.")
    characters: int = Field(description="Length of the whole source, in Unicode code points.")
    start: int
    end: int
    text: str = Field(description="The source from start to end, word for word.")
    next: int | None = Field(description="Where what was asked for goes on; null when it is complete.")


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gives: blocks of text for every assistant, and the same as JSON."""

    texts: tuple[str, ...]
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls a tool: the address they come from, and the one they called (``https://host``, or empty)."""

    address: str
    called: str


class ToolError(Exception):
    """A tool gives nothing; the message is for the assistant, and tells nothing of the inside."""


class Tools:
    """The two tools, over what the chat and the API answer from; without them they say so.

    Raises, from each of its methods: ToolError where there is nothing to give.
    """

    def __init__(self, answering: Answering | None, sources: Sources | None, rate_limit: RateLimit):
        self._answering = answering
        self._sources = sources
        self._rate_limit = rate_limit

    async def call(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> ToolResult:
        """The result of the tool that is called ``name``."""
        match name:
            case "ask":
                return await self.ask(_checked(AskArguments, arguments), caller)
            case "read_source":
                return await self.read_source(_checked(ReadSourceArguments, arguments))
            case _:
                raise ToolError("There is no such tool here; use ask or read_source.")

    async def ask(self, arguments: AskArguments, caller: Caller) -> ToolResult:
        """The reply to a question, within the limits of the API."""
        asked = read_request(AnswerRequest, arguments.model_dump())
        if isinstance(asked, list):
            raise ToolError(" ".join(error["detail"] for error in asked))
        if self._answering is None:
            raise ToolError(_NO_INDEX)
        if seconds := self._rate_limit.seconds_to_wait(caller.address):
            raise ToolError(too_many(seconds))
        history = [earlier.strip() for earlier in asked.history if earlier.strip()]
        try:
            reply = reply_to_json(await self._answering.answer(asked.question.strip(), history))
        except (QuestionError, BusyError) as error:
            raise ToolError(str(error)) from error
        except AnsweringError as error:
            raise ToolError(_FAILED) from error
        links = [caller.called + citation["source_url"] for citation in reply["citations"]]
        return ToolResult((shown_text(reply, links),), {**reply, "source_links": links})

    async def read_source(self, arguments: ReadSourceArguments) -> ToolResult:
        """A stretch of a source, with what is needed to cite it."""
        if self._sources is None:
            raise ToolError(_NO_INDEX)
        document = await run_in_threadpool(_document, self._sources, arguments.document_id)
        if document is None:
            raise ToolError(
                "There is no source with this document_id; take it from a citation that `ask` gives."
            )
        end = len(document.text) if arguments.end is None else arguments.end
        place, following = next_stretch(len(document.text), arguments.start or 0, end)
        return _stretch_result(document, place, following)


def add_mcp(app: FastAPI, tools: Tools, origins: Origins) -> None:
    """Serve the tools at ``/mcp`` of ``app``; ``origins`` are the websites that may call from a browser."""
    app.router.routes.append(Route(MCP_PATH, McpEndpoint(tools, origins), include_in_schema=False))


class McpEndpoint:
    """Speaks the protocol: each request stands alone, and is answered with JSON."""

    def __init__(self, tools: Tools, origins: Origins):
        self._tools = tools
        self._origins = origins
        self._server: Server[Any] | None = None
        self._building = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, unless a website of someone else has a browser send it."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and not is_trusted_origin(origin, headers.get("host", ""), self._origins):
            await Problem(403, _FOREIGN_ORIGIN)(scope, receive, send)
            return
        server = await self._built_server()
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        # one for each request: nothing is kept between them, so nothing is left open when serving stops
        manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, receive, send)

    async def _built_server(self) -> "Server[Any]":
        async with self._building:
            if self._server is None:
                self._server = await run_in_threadpool(build_server, self._tools)
            return self._server


def build_server(tools: Tools) -> "Server[Any]":
    """The server of the protocol, which lists the tools and calls them."""
    from mcp import types
    from mcp.server.lowlevel import Server

    # its messages may hold what was asked; what fails here is logged below and by the guard, without that
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    listed = types.ListToolsResult(tools=_tool_list())

    async def list_tools(
        _: "ServerRequestContext[Any]", __: "types.PaginatedRequestParams | None"
    ) -> "types.ListToolsResult":
        return listed

    async def call_tool(
        context: "ServerRequestContext[Any]", params: "types.CallToolRequestParams"
    ) -> "types.CallToolResult":
        try:
            result = await tools.call(params.name, params.arguments or {}, _caller(context.request))
        except ToolError as error:
            return _error_result(str(error))
        except Exception as failure:  # noqa: BLE001  # its message might repeat what was asked
            _log.error("a tool failed: %s", describe_failure(failure))
            return _error_result(_FAILED)
        blocks: list[types.ContentBlock] = [types.TextContent(text=text) for text in result.texts]
        return types.CallToolResult(content=blocks, structured_content=dict(result.content))

    return Server(
        "vraagbaak",
        version=API_VERSION,
        title="Vraagbaak",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def is_trusted_origin(origin: str, host: str, allowed: Origins) -> bool:
    """Whether a browser's page of this origin may call: an allowed one, or the host itself by number.

    A name proves nothing: whoever owns one can let it lead to this machine (DNS rebinding), so that
    origin and host agree. An IP address and localhost cannot be taken over like that.
    """
    if allowed.lets_in(origin):
        return True
    scheme, _, called = origin.partition("://")
    return scheme in ("http", "https") and called.lower() == host.lower() and _is_number(called)


def next_stretch(length: int, start: int, end: int) -> tuple[Span, int | None]:
    """What one call gives of a text of ``length`` characters, and where what was asked for goes on.

    Raises ToolError where nothing stands between them.
    """
    if start >= length:
        raise ToolError(f"start ({start}) lies behind this source, which has {length} characters.")
    if start >= end:
        raise ToolError(f"start ({start}) does not lie before end ({end}); give an end that is larger.")
    asked_until = min(end, length)
    stop = min(asked_until, start + MOST_READ)
    return Span(start, stop), stop if stop < asked_until else None


def shown_text(reply: Mapping[str, Any], links: Sequence[str]) -> str:
    """All that is to be shown of a reply, with where each citation stands."""
    cited = [
        f"[{citation['number']}] {_place(citation)}\n{link}\n"
        f"document_id: {citation['document_id']}, start: {citation['start']}, end: {citation['end']}"
        f"{_known(citation)}"
        for citation, link in zip(reply["citations"], links, strict=True)
    ]
    return "\n\n".join((reply["text"], *cited))


def _known(citation: Mapping[str, Any]) -> str:
    """What is known of the source, on a line of its own."""
    names = ("publisher", "date", "modified", "valid_from", "valid_until", "version", "licence", "identifier")
    known = ", ".join(f"{name}: {citation[name]}" for name in names if citation[name])
    return f"\n{known}" if known else ""


def _place(citation: Mapping[str, Any]) -> str:
    place = " › ".join((citation["title"], *citation["headings"]))
    return f"{place}, p. {citation['page']}" if citation["page"] else place


_Model = TypeVar("_Model", bound=_Arguments)


def _document(sources: Sources, document_id: str) -> Document | None:
    with sources() as library:
        return library.store.document(document_id)


def _checked(model: type[_Model], arguments: Mapping[str, Any]) -> _Model:
    try:
        return model.model_validate(dict(arguments))
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)
        )
        raise ToolError(f"These arguments do not fit the tool: {'; '.join(problems)}.") from None


def _stretch_result(document: Document, place: Span, following: int | None) -> ToolResult:
    text = document.text[place.start : place.end]
    read = ReadSourceResult(
        document_id=document.id,
        title=document.title,
        url=document.provenance.url,
        sha256=document.sha256,
        characters=len(document.text),
        start=place.start,
        end=place.end,
        text=text,
        next=following,
    )
    heading = f"{document.title}\ncharacters {place.start} to {place.end} of {len(document.text)}"
    about = (heading, document.provenance.url, None if following is None else f"next: {following}")
    return ToolResult(("\n".join(line for line in about if line), text), read.model_dump())


def _tool_list() -> "list[types.Tool]":
    from mcp import types

    reading = types.ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    tools: tuple[tuple[str, str, str, type[BaseModel], type[BaseModel]], ...] = (
        ("ask", "Vraag het de bronnen", _ASK, AskArguments, AskResult),
        ("read_source", "Lees een bron", _READ_SOURCE, ReadSourceArguments, ReadSourceResult),
    )
    return [
        types.Tool(
            name=name,
            title=title,
            description=description,
            input_schema=taken.model_json_schema(),
            output_schema=given.model_json_schema(),
            annotations=reading,
        )
        for name, title, description, taken, given in tools
    ]


def _error_result(text: str) -> "types.CallToolResult":
    from mcp import types

    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)


def _caller(request: Request | None) -> Caller:
    if request is None:
        return Caller("", "")
    host = request.headers.get("host", "")
    called = f"{request.url.scheme}://{host}" if _HOST.fullmatch(host) else ""
    return Caller(request.client.host if request.client else "", called)


def _is_number(called: str) -> bool:
    """Whether a host with its port is localhost or an IP address."""
    try:
        name = urlsplit(f"//{called}").hostname or ""
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False
