import re
from base64 import b64encode
from hashlib import sha384
from html import unescape

import httpx
import pytest

pytestmark = pytest.mark.anyio


def snippets(html: str) -> list[str]:
    """The lines to copy, as a browser shows them."""
    return [unescape(line) for line in re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", html, re.DOTALL)]


async def test_the_lines_to_copy_name_the_host_that_was_asked(client: httpx.AsyncClient) -> None:
    response = await client.get("/widget", headers={"host": "vragen.gemeente.example:8443"})
    plain, inline, pinned = snippets(response.text)
    assert inline == f"<vraagbaak-chat></vraagbaak-chat>\n{plain}"
    assert plain == '<script src="http://vragen.gemeente.example:8443/widget.js" async></script>'
    found = re.fullmatch(
        r'<script src="http://vragen\.gemeente\.example:8443(/widget-[0-9a-f]{8}\.js)" '
        r'integrity="sha384-([A-Za-z0-9+/=]{64})" crossorigin="anonymous" async></script>',
        pinned,
    )
    assert found is not None
    script = await client.get(found[1])
    assert "immutable" in script.headers["cache-control"]
    assert b64encode(sha384(script.content).digest()).decode() == found[2]
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "host",
    ["", '"><script>alert(1)</script>', "a.example/x", "a.example:99999999", "a b", "[zz]", "a@b.example"],
)
async def test_a_host_that_is_none_stands_nowhere_on_the_page(client: httpx.AsyncClient, host: str) -> None:
    html = (await client.get("/widget", headers={"host": host})).text
    # httpx's transport says that this is where the server listens, at no port
    assert snippets(html)[0] == '<script src="http://vraagbaak.test/widget.js" async></script>'
    assert "alert" not in html


async def test_an_address_of_ipv6_is_a_host(client: httpx.AsyncClient) -> None:
    html = (await client.get("/widget", headers={"host": "[::1]:7860"})).text
    assert snippets(html)[0] == '<script src="http://[::1]:7860/widget.js" async></script>'


def test_behind_a_proxy_the_scheme_is_the_visitor_s(address: str) -> None:
    html = httpx.get(f"{address}/widget", headers={"host": "a.example", "x-forwarded-proto": "https"}).text
    assert snippets(html)[0] == '<script src="https://a.example/widget.js" async></script>'


async def test_the_page_is_as_strict_as_the_sites_that_have_the_widget(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/widget")
    assert response.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src data:; require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self' http://localhost:* http://127.0.0.1:*"
    )
    scripts = re.findall(r"<script[^>]*>[^<]*", response.text)
    assert len(scripts) == 1
    assert re.fullmatch(r'<script src="/widget-[0-9a-f]{8}\.js" async>', scripts[0])
    assert not re.search(r"\son\w+=|style=", response.text)


async def test_editors_find_it_from_the_list_of_sources(client: httpx.AsyncClient) -> None:
    assert '<a href="/widget">Vraagbaak op uw website</a>' in (await client.get("/bronnen")).text
