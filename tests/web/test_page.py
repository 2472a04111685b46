import json
import re

import httpx
import pytest

from retrieval.web.page import rewrite_page

pytestmark = pytest.mark.anyio


async def test_the_page_is_dutch_and_names_no_other_host(client: httpx.AsyncClient) -> None:
    html = (await client.get("/", headers={"accept-encoding": "br, gzip", "accept-language": "de-DE"})).text
    assert re.search(r'<html\s+lang="nl"', html)
    assert "<title>Vraagbaak</title>" in html
    assert html.index("/vraagbaak/taal.js") < html.index('type="module"')
    assert 'property="og:' not in html
    assert 'name="twitter:' not in html
    assert "manifest.json" not in html
    # the configuration names Gradio's own site; the page itself links to no other host
    assert not re.findall(r'<(?:script|link|img|a|meta)[^>]*(?:src|href|content)="(?:https?:)?//[^"]*"', html)


async def test_the_chat_is_set_up_with_nothing_open_that_it_does_not_need(client: httpx.AsyncClient) -> None:
    html = (await client.get("/")).text
    found = re.search(r"window\.gradio_config = (\{.*?\});</script>", html, re.DOTALL)
    assert found is not None
    config = json.loads(found.group(1))
    assert config["analytics_enabled"] is False
    assert config["show_error"] is False
    assert config["footer_links"] == []
    assert not config.get("is_space")
    targets = [target[1] for dependency in config["dependencies"] for target in dependency["targets"]]
    assert targets == ["submit", "click"]
    assert [dependency["api_visibility"] for dependency in config["dependencies"]] == ["private"]
    kinds = {component["type"]: component["props"] for component in config["components"]}
    assert kinds["chatbot"]["sanitize_html"] is True
    assert kinds["chatbot"]["latex_delimiters"] == []
    assert kinds["chatbot"]["buttons"] == []


async def test_a_head_is_there_before_any_script_has_run(client: httpx.AsyncClient) -> None:
    html = (await client.get("/")).text
    assert (
        html.index('<header id="vb-kop">') < html.index("<gradio-app") < html.index('<footer id="vb-voet">')
    )
    assert "Zet JavaScript aan" in html


def test_what_a_title_says_ends_no_script() -> None:
    html = rewrite_page('<html lang="en"><script>x</script><script src="a"></script>', "abc")
    assert html.count('<script nonce="abc"') == 2
    assert 'lang="nl"' in html


async def test_there_is_no_font_to_be_fetched(client: httpx.AsyncClient) -> None:
    css = (await client.get("/theme.css")).text
    assert "@import" not in css
    assert "fonts.g" not in css
    assert "system-ui" in css
