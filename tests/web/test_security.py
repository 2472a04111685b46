import socket
from collections.abc import Iterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from three_sentences import ThreeSentences
from web_serving import client_of

from retrieval.settings import Settings
from retrieval.web.security import MOST_BODY, Guard
from retrieval.web.server import create_app

pytestmark = pytest.mark.anyio

ANSWERS = "/api/v1/answers"
ELSEWHERE = "https://elders.example"
LOCAL = "http://localhost:3000"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/config"),
        ("GET", "/config/"),
        ("GET", "/gradio_api/info"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/gradio_api/monitoring/summary"),
        ("GET", "/monitoring"),
        ("GET", "/monitoring/summary"),
        ("POST", "/gradio_api/upload"),
        ("POST", "/upload"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/file=/etc/passwd"),
        ("GET", "/gradio_api/file/etc/passwd"),
        ("GET", "/gradio_api/proxy=http://x.example/"),
        ("POST", "/gradio_api/run/predict"),
        ("POST", "/gradio_api/api/ask"),
        ("POST", "/gradio_api/call/ask"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/vibe-edit"),
        ("GET", "/gradio_api/runs"),
        ("GET", "/gradio_api/deep_link"),
        ("GET", "/gradio_api/startup-events"),
        ("GET", "/gradio_api/token"),
        ("POST", "/login"),
        ("GET", "/logout"),
        ("GET", "/manifest.json"),
        ("GET", "/pwa_icon"),
        ("GET", "/svelte/x"),
        ("GET", "/static/../../etc/passwd"),
        ("GET", "/assets/..%2f..%2findex.html"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/wp-login.php"),
    ],
)
async def test_doors_that_the_chat_does_not_need_are_shut(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    response = await client.request(method, path)
    assert response.status_code == 404
    assert response.json()["detail"] == "Deze pagina bestaat niet."


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", ANSWERS, "POST, OPTIONS"),
        ("PUT", ANSWERS, "POST, OPTIONS"),
        ("DELETE", "/", "GET, HEAD"),
        ("POST", "/bronnen", "GET, HEAD"),
        ("GET", "/gradio_api/queue/join", "POST"),
        ("TRACE", "/healthz", "GET, HEAD"),
    ],
)
async def test_methods_that_a_door_does_not_have(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    response = await client.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("path", "allowed"), [(ANSWERS, "POST, OPTIONS"), ("/api/v1/openapi.json", "GET, HEAD, OPTIONS")]
)
async def test_options_are_told(client: httpx.AsyncClient, path: str, allowed: str) -> None:
    for headers in ({}, {"origin": LOCAL}, {"access-control-request-method": "POST"}):
        response = await client.options(path, headers=headers)
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["allow"] == allowed


ABSENT = ("/vraagbaak/nope.css", "/vraagbaak/%2e%2e", "/assets/nope.js", "/nonexist", "/gradio_api/x")
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", ABSENT)
async def test_what_is_not_there_is_a_problem_document(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank", "title": "Niet gevonden", "status": 404, "detail": "Deze pagina bestaat niet.",
    }  # fmt: skip


@pytest.mark.parametrize("path", [*ABSENT[:-1], "/wp-login.php"])
async def test_in_a_browser_what_is_not_there_is_a_page(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers=BROWSER)
    assert response.status_code == 404
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<p>Deze pagina bestaat niet.</p>" in response.text


async def test_the_interface_for_programs_has_problem_documents_only(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/nope", ANSWERS):
        response = await client.get(path, headers=BROWSER)
        assert response.headers["content-type"] == "application/problem+json"


async def test_head_is_get_without_a_body(client: httpx.AsyncClient) -> None:
    for path in ("/", "/bronnen", "/healthz", "/api/v1/openapi.json"):
        response = await client.head(path)
        assert (response.status_code, response.content) == (200, b"")


PAGES = (
    "/",
    "/bronnen",
    "/bronnen/geen",
    "/bronnen/over%20ons/gemeentehuis.txt",
    "/bronnen/kapot",
    "/widget",
    "/toegankelijkheid",
)
OTHERS = (
    "/healthz",
    "/readyz",
    "/api/v1/openapi.json",
    ANSWERS,  # 405
    "/nergens",
    "/theme.css",
    "/vraagbaak/bronnen.css",
    "/vraagbaak/icoon.svg",
    "/vraagbaak/nope.css",
    "/gradio_api/queue/data",  # 422 of Gradio
    "/gradio_api/queue/join",  # 405
)
LOCAL_FRAMES = "frame-ancestors 'self' http://localhost:* http://127.0.0.1:*"


def held_back(headers: httpx.Headers) -> tuple[str, str | None, str | None]:
    """The headers that differ from page to page; those that every response has are looked at here."""
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["permissions-policy"].startswith("camera=()")
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert {"set-cookie", "server", "x-powered-by", "access-control-allow-credentials"}.isdisjoint(headers)
    ancestors = headers["content-security-policy"].rpartition("; ")[2]
    return ancestors, headers["cross-origin-resource-policy"], headers.get("x-frame-options")


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_may_stand_in_a_frame_here_and_on_one_s_own_machine(
    client: httpx.AsyncClient, path: str
) -> None:
    response = await client.get(path)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert held_back(response.headers) == (LOCAL_FRAMES, "cross-origin", None)


@pytest.mark.parametrize("path", OTHERS)
async def test_what_is_no_page_stands_in_no_frame(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert "html" not in response.headers["content-type"]
    assert held_back(response.headers) == ("frame-ancestors 'none'", "same-origin", "DENY")


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("POST", b"{}", 422),
        ("POST", b"{", 400),
        ("POST", b'{"question": "hallo"}', 200),
        ("POST", b'{"question": "kapot"}', 500),
        ("POST", b"x" * (MOST_BODY + 1), 413),
        ("OPTIONS", b"", 204),
        ("DELETE", b"", 405),
    ],
)
async def test_an_answer_and_each_refusal_hold_the_browser_back(
    client: httpx.AsyncClient, method: str, body: bytes, status: int
) -> None:
    headers = {"content-type": "application/json", "origin": LOCAL}
    response = await client.request(method, ANSWERS, content=body, headers=headers)
    assert response.status_code == status
    assert held_back(response.headers) == ("frame-ancestors 'none'", "same-origin", "DENY")
    # else the page that asked could not tell the visitor what is wrong
    assert response.headers["access-control-allow-origin"] == LOCAL
    assert response.headers["vary"] == "Origin"


async def test_the_script_of_the_widget_is_for_every_site(client: httpx.AsyncClient) -> None:
    for path in ("/widget.js", "/widget-00000000.js"):
        response = await client.get(path, headers={"origin": ELSEWHERE})
        assert held_back(response.headers) == ("frame-ancestors 'none'", "cross-origin", "DENY")
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["vary"] == "Accept-Encoding"


async def test_nothing_runs_on_a_source_page(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/bronnen")).headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src data:; base-uri 'none'; "
        f"form-action 'none'; {LOCAL_FRAMES}"
    )


async def test_scripts_of_the_chat_come_from_here_or_carry_this_response_s_nonce(
    client: httpx.AsyncClient,
) -> None:
    responses = [await client.get("/") for _ in range(2)]
    nonces = []
    for response in responses:
        policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'self'"
        assert policy["img-src"] == "'self' data:"
        assert policy["script-src"].startswith("'self' 'nonce-")
        assert "unsafe" not in policy["script-src"]
        nonces.append(policy["script-src"].split("'nonce-")[1].rstrip("'"))
        assert response.text.count("<script") == response.text.count(f'<script nonce="{nonces[-1]}"') > 3
    assert nonces[0] != nonces[1]


PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}


async def test_no_other_origin_is_let_in_unless_it_is_named(client: httpx.AsyncClient) -> None:
    for path in (ANSWERS, "/gradio_api/queue/join", "/gradio_api/app_id", "/", "/bronnen", "/readyz"):
        for host in ("vraagbaak.test", "www.vraagbaak.example", "localhost"):
            headers = {"origin": ELSEWHERE, "host": host}
            answered = [
                await client.options(path, headers={**PREFLIGHT, **headers}),
                await client.post(path, json={"question": "hallo"}, headers=headers),
                await client.get(path, headers=headers),
            ]
            assert answered[0].status_code in (403, 405)
            assert [key for r in answered for key in r.headers if key.startswith("access-control-")] == []


async def test_a_preflight_that_is_refused_says_why(client: httpx.AsyncClient) -> None:
    response = await client.options(ANSWERS, headers={"origin": ELSEWHERE, **PREFLIGHT})
    assert (response.status_code, response.headers["vary"]) == (403, "Origin")
    assert response.headers["content-type"] == "application/problem+json"
    assert "VRAAGBAAK_ALLOWED_ORIGINS" in response.json()["detail"]


async def test_an_origin_that_is_named_may_ask_and_embed_and_then_localhost_may_not() -> None:
    settings = Settings(allowed_origins=(ELSEWHERE,), rate_limit="1/minute")
    async with client_of(create_app(ThreeSentences(), settings)) as client:
        preflight = await client.options(ANSWERS, headers={"origin": ELSEWHERE, **PREFLIGHT})
        answered, too_many = [
            await client.post(ANSWERS, json={"question": "hallo"}, headers={"origin": ELSEWHERE})
            for _ in range(2)
        ]
        other = await client.post(ANSWERS, json={"question": "hallo"}, headers={"origin": LOCAL})
        pages = [await client.get(path) for path in ("/", "/bronnen", "/widget")]
    assert preflight.status_code == 204
    told = {key: value for key, value in preflight.headers.items() if key.startswith("access-control-")}
    assert told == {
        "access-control-allow-origin": ELSEWHERE,
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "Content-Type",
        "access-control-max-age": "7200",
    }
    assert (answered.status_code, too_many.status_code) == (200, 429)
    for response in (answered, too_many):
        assert response.headers["access-control-allow-origin"] == ELSEWHERE
        assert response.headers["access-control-expose-headers"] == "API-Version, Retry-After"
    assert "access-control-allow-origin" not in other.headers
    assert other.headers["vary"] == "Origin"
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert policy.endswith(f"; frame-ancestors 'self' {ELSEWHERE}")


@pytest.mark.parametrize("headers", [{}, {"origin": ELSEWHERE}, {"origin": "null"}])
async def test_anyone_may_read_the_description(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await client.get("/api/v1/openapi.json", headers=headers)
    assert response.headers["access-control-allow-origin"] == "*"
    assert "vary" not in response.headers
    if headers:
        preflight = await client.options("/api/v1/openapi.json", headers={**headers, **PREFLIGHT})
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")


def chunks(size: int) -> Iterator[bytes]:
    """A body of ``size`` bytes, of unknown length to who gets it."""
    for at in range(0, size, 65_536):
        yield b"x" * min(65_536, size - at)


@pytest.mark.parametrize("path", [ANSWERS, "/gradio_api/queue/join"])
@pytest.mark.parametrize("size", [MOST_BODY + 1, 10 * 1024 * 1024])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_that_is_too_large(address: str, path: str, size: int, chunked: bool) -> None:
    body = chunks(size) if chunked else b"x" * size
    response = httpx.post(address + path, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "Stuur hooguit 128 kB."


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_of_exactly_the_limit_is_read(address: str, chunked: bool) -> None:
    body = chunks(MOST_BODY) if chunked else b"x" * MOST_BODY
    response = httpx.post(address + ANSWERS, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400


def test_a_body_without_end_is_cut_off(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    head = f"POST {ANSWERS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head)
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        with pytest.raises(ConnectionError):  # the server hangs up long before 64 MB
            connection.sendall(chunk * 1_024)


def test_the_real_server_names_itself_nowhere(address: str) -> None:
    for path in ("/", "/nergens", "/healthz"):
        assert "server" not in httpx.get(address + path).headers


async def test_what_fails_before_it_responds_is_an_error_in_our_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("geheim")

    transport = httpx.ASGITransport(Guard(broken), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://vraagbaak.test") as client:
        response = await client.get("/healthz")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "RuntimeError at " in caplog.text
    assert "geheim" not in caplog.text


def test_what_gradio_refuses_is_told_in_our_words(address: str) -> None:
    refused = httpx.get(f"{address}/gradio_api/queue/data?session=geheim")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.status_code == 422
    assert refused.json()["detail"] == "Dit verzoek is niet gelukt."
    assert "session" not in refused.text


async def test_a_session_that_the_chat_does_not_know_fills_no_log(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await client.get("/gradio_api/queue/data?session_hash=abc")
    assert response.status_code == 200
    assert caplog.messages == []
