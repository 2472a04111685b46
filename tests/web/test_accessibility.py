import httpx
import pytest
from three_sentences import ThreeSentences
from web_serving import client_of

from retrieval.settings import Settings, load_settings
from retrieval.web.server import create_app

pytestmark = pytest.mark.anyio

PATH = "/toegankelijkheid"


async def page_of(settings: Settings) -> httpx.Response:
    async with client_of(create_app(ThreeSentences(), settings)) as client:
        return await client.get(PATH)


async def test_it_says_what_was_not_tested_who_answers_for_it_and_of_when_it_is() -> None:
    response = await page_of(load_settings({}))
    assert response.status_code == 200
    assert "script-src" not in response.headers["content-security-policy"]
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "Er zijn geen tests gedaan met mensen met een beperking." in response.text
    assert "Besluit digitale toegankelijkheid overheid" in response.text
    assert "Deze pagina is van 24 november 2026." in response.text
    assert "de organisatie die u Vraagbaak aanbiedt; op haar website" in response.text


async def test_a_problem_is_reported_to_the_contact_of_the_settings() -> None:
    linked = load_settings({"contact_text": "Mail <ons>", "contact_url": "mailto:hulp@gemeente.example"})
    html = (await page_of(linked)).text
    assert 'Laat het weten: <a href="mailto:hulp@gemeente.example">Mail &lt;ons&gt;</a>. Vertel' in html
    assert "op haar website" not in html
    assert (
        "Laat het weten: Bel 14 010. Vertel"
        in (await page_of(load_settings({"contact_text": "Bel 14 010"}))).text
    )


async def test_every_page_leads_to_it() -> None:
    async with client_of(create_app(ThreeSentences(), load_settings({}))) as client:
        for path in ("/", "/bronnen", "/api", "/widget", "/bronnen/geen", PATH):
            assert f'<a href="{PATH}">Toegankelijkheid</a>' in (await client.get(path)).text
