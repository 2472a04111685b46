"""The tools for assistants, called by the client of the protocol's own SDK over HTTP."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client, types
from three_sentences import DOCUMENT, DOCUMENT_ID, OPEN, PASSPORT, TEXT, ThreeSentences
from web_serving import SOURCES, THREE_SENTENCES, client_of, hosts_outside, served, watch_works, watched_by

from retrieval.records import Document
from retrieval.settings import Settings
from retrieval.web.answering import Answering, RateLimit
from retrieval.web.mcp import (
    MOST_READ,
    Caller,
    ReadSourceArguments,
    ToolError,
    Tools,
    is_trusted_origin,
    next_stretch,
)
from retrieval.web.origins import Origins
from retrieval.web.server import create_app

LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPTED = {"Accept": "application/json, text/event-stream"}
OVERSIZED = "🕵️" * MOST_READ + "Het einde.\n"
"""Two code points a pair, four or five UTF-16 code units: 2 * MOST_READ + 11 characters."""


async def call(address: str, name: str, arguments: Mapping[str, Any]) -> types.CallToolResult:
    async with Client(f"{address}/mcp") as client:
        return await client.call_tool(name, dict(arguments))


def called(address: str, name: str, **arguments: Any) -> types.CallToolResult:
    """What a tool gives to an assistant."""
    return asyncio.run(call(address, name, arguments))


def text_of(result: types.CallToolResult) -> str:
    """The last block of text."""
    block = result.content[-1]
    assert isinstance(block, types.TextContent)
    return block.text


def refusal_of(result: types.CallToolResult) -> str:
    """Why a tool gave nothing."""
    assert result.is_error
    assert result.structured_content is None
    return text_of(result)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_an_assistant_finds_two_tools_that_change_nothing(address: str, mode: Any) -> None:
    async def look() -> tuple[str, str | None, list[types.Tool]]:
        async with Client(f"{address}/mcp", mode=mode) as client:
            return client.server_info.name, client.instructions, (await client.list_tools()).tools

    name, instructions, tools = asyncio.run(look())
    assert name == "vraagbaak"
    assert instructions is not None
    assert "verbatim" in instructions
    ask, read_source = tools
    assert (ask.name, read_source.name) == ("ask", "read_source")
    assert ask.input_schema["required"] == ["question"]
    assert ask.input_schema["properties"]["question"]["maxLength"] == 500
    assert ask.input_schema["properties"]["history"]["items"] == {"type": "string", "maxLength": 500}
    assert ask.input_schema["additionalProperties"] is False
    assert read_source.input_schema["required"] == ["document_id"]
    assert set(read_source.input_schema["properties"]) == {"document_id", "start", "end"}
    assert "explanation" not in ask.output_schema["properties"]
    assert "abstained" in ask.description
    assert "verbatim" in ask.description
    assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("Wanneer is het gemeentehuis open?", "answered"),
        ("Hoe heet de burgemeester van het gemeentehuis?", "abstained"),
        ("Hoeveel regen viel er?", "abstained"),
        ("hallo", "smalltalk"),
    ],
)
def test_ask_gives_what_the_api_gives_and_whole_links(address: str, question: str, status: str) -> None:
    of_the_api = httpx.post(f"{address}/api/v1/answers", json={"question": question}).json()
    result = called(address, "ask", question=question)
    assert not result.is_error
    content = dict(result.structured_content)
    links = content.pop("source_links")
    assert content == of_the_api
    assert content["status"] == status
    assert links == [address + citation["source_url"] for citation in content["citations"]]
    assert all(httpx.get(link).status_code == 200 for link in links)
    shown = text_of(result)
    assert shown.startswith(content["text"])
    assert all(link in shown for link in links)


def test_the_text_of_an_answer_names_title_place_and_document(address: str) -> None:
    result = called(address, "ask", question="Waar vraag ik een paspoort aan?")
    start = TEXT.index(PASSPORT)
    shown = text_of(result)
    assert shown.startswith(f"{PASSPORT}\n\n[1] Het gemeentehuis › Balie\nhttp://127.0.0.1:")
    assert shown.endswith(
        f"\ndocument_id: {DOCUMENT_ID}, start: {start}, end: {start + len(PASSPORT)}"
        "\npublisher: Gemeente, date: 2024-03-09"
    )


def test_earlier_questions_count(address: str) -> None:
    history = ["Wanneer is het gemeentehuis open?"]
    result = called(address, "ask", question="en dan?", history=history)
    assert OPEN in [quote["text"] for quote in result.structured_content["quotes"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"question": "x" * 501}, "Uw vraag is 501 tekens lang. Maak hem korter: hoogstens 500 tekens."),
        ({"question": "  "}, "Typ eerst een vraag."),
        ({"question": "Hoe?", "history": ["a"] * 11}, "Stuur hooguit 10 eerdere vragen mee; dit zijn er 11."),
        ({"question": "kapot geheim"}, "Er ging iets mis. Probeer het later opnieuw."),
        ({"question": 5}, "These arguments do not fit the tool: question: Input should be a valid string."),
        ({}, "These arguments do not fit the tool: question: Field required."),
        (
            {"question": "Hoe?", "explain": True},
            "These arguments do not fit the tool: explain: Extra inputs are not permitted.",
        ),
    ],
)
def test_a_question_that_is_not_answered(address: str, arguments: dict[str, Any], said: str) -> None:
    assert refusal_of(called(address, "ask", **arguments)) == said


def test_a_source_is_read_whole(address: str) -> None:
    result = called(address, "read_source", document_id=DOCUMENT_ID)
    assert text_of(result) == TEXT
    assert result.structured_content == {
        "document_id": "over ons/gemeentehuis.txt",
        "title": "Het gemeentehuis",
        "url": "https://gemeente.example/",
        "sha256": DOCUMENT.sha256,
        "characters": len(TEXT),
        "start": 0,
        "end": len(TEXT),
        "text": TEXT,
        "next": None,
    }


def test_the_place_of_a_quote_reads_as_the_quote(address: str) -> None:
    answer = called(address, "ask", question="Waar vraag ik een paspoort aan?").structured_content
    quote = answer["quotes"][0]
    place = {"start": quote["start"], "end": quote["end"]}
    read = called(address, "read_source", document_id=answer["citations"][0]["document_id"], **place)
    assert text_of(read) == quote["text"] == PASSPORT
    assert read.structured_content["sha256"] == answer["citations"][0]["sha256"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"document_id": "nergens.txt"}, "There is no source with this document_id; "),
        ({"document_id": "kapot geheim"}, "Er ging iets mis. Probeer het later opnieuw."),
        ({"document_id": DOCUMENT_ID, "start": 8, "end": 8}, "start (8) does not lie before end (8); "),
        ({"document_id": DOCUMENT_ID, "start": 99_999}, "start (99999) lies behind this source, "),
        ({"document_id": DOCUMENT_ID, "start": -1}, "These arguments do not fit the tool: start: "),
        ({"document_id": DOCUMENT_ID, "start": "0"}, "These arguments do not fit the tool: start: "),
    ],
)
def test_a_source_that_is_not_read(address: str, arguments: dict[str, Any], said: str) -> None:
    refusal = refusal_of(called(address, "read_source", **arguments))
    assert refusal.startswith(said)
    assert "geheim" not in refusal


def test_another_tool_is_told_to_be_none(address: str) -> None:
    assert refusal_of(called(address, "delete_all")).startswith("There is no such tool here")


class OneSource:
    """A library of one long source; the store is the library itself."""

    def __init__(self, text: str):
        self._document = Document("lang.txt", text, "0" * 64, "Lang", (), DOCUMENT.provenance)

    @property
    def store(self) -> "OneSource":
        return self

    def documents(self) -> list[Any]:
        return []

    def document(self, document_id: str) -> Document | None:
        return self._document if document_id == "lang.txt" else None

    def passages_of(self, document_id: str) -> list[Any]:
        return []

    def id_of_version(self, version_prefix: str) -> str | None:
        return None

    def document_version(self, document_id: str, version_prefix: str) -> Document | None:
        return self.document(document_id)


async def pages(tools: Tools, start: int | None, end: int | None) -> list[Mapping[str, Any]]:
    """A source as an assistant reads it that follows ``next``."""
    read = []
    following = start
    while True:
        result = await tools.read_source(
            ReadSourceArguments(document_id="lang.txt", start=following, end=end)
        )
        read.append(result.content)
        following = result.content["next"]
        if following is None:
            return read


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("start", "end", "calls"), [(None, None, 3), (1, 20_001, 1), (5, 20_006, 2), (40_010, None, 1)]
)
async def test_the_pages_of_a_long_source_joined(start: int | None, end: int | None, calls: int) -> None:
    read = await pages(Tools(None, lambda: nullcontext(OneSource(OVERSIZED)), RateLimit("off")), start, end)
    assert "".join(page["text"] for page in read) == OVERSIZED[start:end]
    assert len(read) == calls
    assert {page["characters"] for page in read} == {40_011}


@given(st.integers(0, 100_000), st.integers(0, 100_000), st.integers(0, 100_000))
def test_stretches_follow_on_one_another_to_the_end(length: int, start: int, end: int) -> None:
    if start >= min(end, length):
        with pytest.raises(ToolError):
            next_stretch(length, start, end)
        return
    at: int | None = start
    reached = start
    while at is not None:
        place, at = next_stretch(length, at, end)
        assert place.start == reached
        assert place.end - place.start <= MOST_READ
        assert at is None or at == place.end > place.start
        reached = place.end
    assert reached == min(end, length)


@pytest.mark.anyio
async def test_a_visitor_asks_so_many_questions_and_may_read_on() -> None:
    answering = Answering(ThreeSentences())
    tools = Tools(answering, lambda: nullcontext(ThreeSentences.index), RateLimit("1/minute"))
    caller = Caller("192.0.2.1", "")
    question = {"question": "hallo"}
    await tools.call("ask", question, caller)
    with pytest.raises(ToolError, match=r"^U stelt veel vragen achter elkaar\. Probeer het over \d+ seconde"):
        await tools.call("ask", question, caller)
    await tools.call("ask", question, Caller("192.0.2.2", ""))
    await tools.call("read_source", {"document_id": DOCUMENT_ID}, caller)
    answering.close()


@pytest.fixture(scope="module")
def strict_address() -> Iterator[str]:
    """A server that takes two questions a minute, and lets one website in."""
    program = (
        "from three_sentences import ThreeSentences; from retrieval.web.server import serve; "
        "from retrieval.settings import load_settings; "
        "serve(ThreeSentences(), load_settings({'port': 0, 'rate_limit': '2/minute'}))"
    )
    environment = {
        "PYTHONPATH": os.pathsep.join((str(SOURCES), str(Path(__file__).parent))),
        "VRAAGBAAK_ALLOWED_ORIGINS": "https://www.gemeente.example",
    }
    with served(sys.executable, "-c", program, environment=environment) as address:
        yield address


def test_questions_to_the_tool_and_to_the_api_count_together(strict_address: str) -> None:
    httpx.post(f"{strict_address}/api/v1/answers", json={"question": "hallo"}).raise_for_status()
    assert not called(strict_address, "ask", question="hallo").is_error
    assert refusal_of(called(strict_address, "ask", question="hallo")).startswith("U stelt veel vragen")
    assert httpx.post(f"{strict_address}/api/v1/answers", json={"question": "hallo"}).status_code == 429


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://www.gemeente.example", 200),
        ("https://gemeente.example", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_a_browser_s_page_of_elsewhere_may_not_call(strict_address: str, origin: str, status: int) -> None:
    headers = {**ACCEPTED, "Origin": origin}
    response = httpx.post(f"{strict_address}/mcp", json=LIST_TOOLS, headers=headers)
    assert response.status_code == status
    if status == 403:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["detail"] == "Deze website mag hier niets vragen."


def test_a_page_of_this_host_may_call(strict_address: str) -> None:
    headers = {**ACCEPTED, "Origin": strict_address}
    httpx.post(f"{strict_address}/mcp", json=LIST_TOOLS, headers=headers).raise_for_status()


@pytest.mark.parametrize(
    ("origin", "host", "trusted"),
    [
        ("https://a.example", "b.example", True),
        ("http://a.example", "b.example", False),
        ("http://localhost:7860", "localhost:7860", True),
        ("http://LOCALHOST:7860", "localhost:7860", True),
        ("http://127.0.0.1:7860", "127.0.0.1:7860", True),
        ("http://[::1]:7860", "[::1]:7860", True),
        ("http://127.0.0.1:9999", "127.0.0.1:7860", False),
        ("http://rebound.example:7860", "rebound.example:7860", False),  # a name that leads here by now
        ("http://127.0.0.1.nip.example", "127.0.0.1.nip.example", False),
        ("file://127.0.0.1", "127.0.0.1", False),
        ("http://[::1", "[::1", False),
        ("http://", "", False),
        ("null", "null", False),
    ],
)
def test_which_origins_are_trusted(origin: str, host: str, trusted: bool) -> None:
    assert is_trusted_origin(origin, host, Origins(("https://a.example",))) is trusted


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
def test_nothing_but_post(address: str, method: str) -> None:
    response = httpx.request(method, f"{address}/mcp", headers=ACCEPTED)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.headers["content-type"] == "application/problem+json"


def test_a_body_that_is_too_large_or_none_of_the_protocol(address: str) -> None:
    large = httpx.post(f"{address}/mcp", content=b"x" * (128 * 1024 + 1), headers=ACCEPTED)
    assert large.status_code == 413
    broken = httpx.post(
        f"{address}/mcp", content=b"{", headers={**ACCEPTED, "Content-Type": "application/json"}
    )
    assert broken.status_code == 400
    assert broken.json()["error"]["code"] == -32700  # "Parse error", as JSON-RPC has it
    form = httpx.post(f"{address}/mcp", data={"a": "b"}, headers=ACCEPTED)
    assert form.status_code == 400
    assert form.headers["content-type"] == "application/problem+json"


def test_an_unknown_version_is_told_which_there_are(address: str) -> None:
    headers = {**ACCEPTED, "MCP-Protocol-Version": "2031-01-01"}
    response = httpx.post(f"{address}/mcp", json=LIST_TOOLS, headers=headers)
    assert response.status_code == 400
    assert response.json()["jsonrpc"] == "2.0"


def test_a_host_that_is_none_gives_links_without_it(address: str) -> None:
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "ask", "arguments": {"question": "paspoort?"}},
    }
    headers = {**ACCEPTED, "Host": "<b>x</b>"}
    content = httpx.post(f"{address}/mcp", json=body, headers=headers).json()["result"]["structuredContent"]
    assert content["source_links"] == [content["citations"][0]["source_url"]]


def test_without_an_index_the_tools_say_so() -> None:
    with served(*THREE_SENTENCES, "--without-index") as address:
        assert "nog niet klaar" in refusal_of(called(address, "ask", question="Hoe?"))
        assert "nog niet klaar" in refusal_of(called(address, "read_source", document_id=DOCUMENT_ID))


@pytest.mark.anyio
async def test_switched_off_there_is_no_such_path() -> None:
    async with client_of(create_app(ThreeSentences(), Settings(mcp=False))) as client:
        assert (await client.post("/mcp", json=LIST_TOOLS, headers=ACCEPTED)).status_code == 404


@pytest.mark.parametrize("on", [True, False])
def test_composing_the_application_imports_nothing_of_it(on: bool) -> None:
    program = (
        "import asyncio, sys; from three_sentences import ThreeSentences; "
        "from retrieval.settings import Settings; from retrieval.web.server import create_app\n"
        f"async def main(): create_app(ThreeSentences(), Settings(mcp={on}))\n"
        "asyncio.run(main())\n"
        "print([name for name in ('gradio', 'mcp', 'mcp_types', 'jsonschema', 'jwt') if name in sys.modules])"
    )
    path = os.pathsep.join((str(SOURCES), str(Path(__file__).parent)))
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "['gradio']"


def raw_calls(questions: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Messages of the protocol that hold what was asked, in places where it belongs and where it doesn't."""
    for question in questions:
        for name, key in (("ask", "question"), ("read_source", "document_id"), (question, question)):
            parameters: Any = {"name": name, "arguments": {key: question}}
            yield {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": parameters}
        yield {"jsonrpc": "2.0", "id": question, "method": question, "params": {question: question}}
        yield {"jsonrpc": "2.0", "method": f"notifications/{question}", "params": {"requestId": question}}
        yield {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {question: question}}
        yield {question: question}


def test_no_log_holds_what_was_asked() -> None:
    """Not even where everything is logged that anyone has to say."""
    talkative = (
        "import logging, runpy, sys; logging.basicConfig(level=logging.DEBUG); "
        f"sys.argv = [{THREE_SENTENCES[1]!r}]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    variables = {**os.environ, "PYTHONPATH": str(SOURCES)}
    with subprocess.Popen(
        [sys.executable, "-c", talkative],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=variables,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().split(" at ")[1].split()[0]
        for body in raw_calls(["geheim", "kapot geheim", "geheim\x00"]):
            for version in (
                {},
                {"MCP-Protocol-Version": "2025-06-18"},
                {"MCP-Protocol-Version": "2026-07-28"},
            ):
                httpx.post(f"{address}/mcp", json=body, headers={**ACCEPTED, **version})
        httpx.post(
            f"{address}/mcp", content=b'{"geheim', headers={**ACCEPTED, "Content-Type": "application/json"}
        )
        process.terminate()
        logged = process.stderr.read()
        assert process.wait(timeout=20) == 0
    assert "geheim" not in logged
    assert "Traceback" not in logged
    assert len(re.findall("answering failed: RuntimeError at .* in reply", logged)) >= 1
    assert len(re.findall("a tool failed: RuntimeError at .* in document", logged)) >= 1


def test_calls_at_once_are_all_answered_and_reach_no_other_host(tmp_path: Path) -> None:
    async def ask_all(address: str) -> list[types.CallToolResult]:
        calls = (call(address, "ask", {"question": "paspoort?"}) for _ in range(20))
        return await asyncio.gather(*calls)

    with served(*THREE_SENTENCES, environment=watched_by(tmp_path)) as address:
        results = asyncio.run(ask_all(address))
    assert [json.dumps(result.structured_content) for result in results] == [
        json.dumps(results[0].structured_content)
    ] * 20
    assert not results[0].is_error
    assert watch_works(tmp_path)
    assert hosts_outside(tmp_path) == []


@pytest.mark.anyio
async def test_what_is_quoted_from_the_real_corpus_stands_at_its_place(aivd_index: Path) -> None:
    from retrieval import Chatbot

    caller = Caller("192.0.2.1", "https://vragen.example")
    with Chatbot.open(aivd_index) as chatbot:
        answering = Answering(chatbot)
        tools = Tools(answering, lambda: nullcontext(chatbot.index), RateLimit("off"))
        answer = await tools.call("ask", {"question": "Wie krijgt informatie van de AIVD?"}, caller)
        document_id = answer.content["citations"][0]["document_id"]
        whole = await tools.call("read_source", {"document_id": document_id}, caller)
        assert answer.content["status"] == "answered"
        assert answer.content["quotes"][0]["text"].startswith("De AIVD voorziet bestuurders, politici, ")
        assert answer.content["source_links"][0].startswith("https://vragen.example/bronnen/met-wie-")
        for quote in answer.content["quotes"]:
            place = {"start": quote["start"], "end": quote["end"]}
            read = await tools.call("read_source", {"document_id": document_id, **place}, caller)
            assert read.texts[-1] == read.content["text"] == quote["text"]
            assert whole.content["text"][quote["start"] : quote["end"]] == quote["text"]
        answering.close()
    text = (Path(__file__).parents[2] / "corpus" / document_id).read_text(encoding="utf-8")
    assert whole.content["text"] == text
