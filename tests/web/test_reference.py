import contextlib
import io
import json
import shutil
import subprocess
from typing import Any

import httpx
import pytest
from three_sentences import ThreeSentences
from web_serving import client_of

from retrieval.settings import Settings
from retrieval.web.bodies import AnswerBody, AnswerRequest, FeedbackRequest
from retrieval.web.reading import read_request
from retrieval.web.reference import kind_of, limits_of, operations_of
from retrieval.web.server import create_app

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("schema", "kind", "limits"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 500}, "tekst", "1 tot 500 tekens"),
        ({"type": "string", "maxLength": 1000}, "tekst", "hoogstens 1000 tekens"),
        ({"type": "boolean"}, "true of false", ""),
        ({"type": "number", "minimum": 0, "maximum": 1}, "getal", "0 tot 1"),
        ({"type": "integer", "minimum": 1}, "geheel getal", "minstens 1"),
        ({"enum": ["a", "b"], "type": "string"}, '"a" of "b"', ""),
        ({"$ref": "#/components/schemas/LeadBody"}, "LeadBody", ""),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "tekst of null", ""),
        (
            {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 500}},
            "lijst van: tekst",
            "hoogstens 10 stuks, elk hoogstens 500 tekens",
        ),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}]},
            "lijst van geheel getal en geheel getal",
            "",
        ),
    ],
)
def test_types_and_limits_in_dutch(schema: dict[str, Any], kind: str, limits: str) -> None:
    assert (kind_of(schema), limits_of(schema)) == (kind, limits)


async def test_the_page_says_all_that_the_document_says(client: httpx.AsyncClient) -> None:
    page = await client.get("/api")
    document = (await client.get("/api/v1/openapi.json")).json()
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    assert "<script" not in page.text
    for name, schema in document["components"]["schemas"].items():
        assert f'<h3 id="{name}">' in page.text
        for field, told in schema["properties"].items():
            assert f"<dt><code>{field}</code>" in page.text
            assert told["description"]
    for operation in operations_of(document, "http://vraagbaak.test"):
        assert f"<code>{operation.method} {operation.path}</code>" in page.text
        assert {outcome.status for outcome in operation.outcomes} >= {"405", "500"}
        first_words = operation.in_english.partition(" ")[0]
        assert f'<p class="engels" lang="en">{first_words} ' in page.text
    for link in page.text.split('href="#')[1:]:
        assert f'id="{link.split(chr(34))[0]}"' in page.text


async def test_a_contact_that_is_set_stands_in_the_document_and_on_the_page() -> None:
    settings = Settings(contact_text="Team <web>", contact_url="mailto:web@a.example?subject=API")
    async with client_of(create_app(ThreeSentences(), settings)) as client:
        info = (await client.get("/api/v1/openapi.json")).json()["info"]
        page = await client.get("/api")
    assert info["contact"] == {"name": "Team <web>", "email": "web@a.example"}
    assert 'Team &lt;web&gt;: <a href="mailto:web@a.example">web@a.example</a>' in page.text


async def test_it_is_linked_to_from_the_sources(client: httpx.AsyncClient) -> None:
    assert '<a href="/api">de API</a>' in (await client.get("/bronnen")).text


async def test_the_examples_of_the_document_are_as_it_says(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/v1/openapi.json")).json()
    for path, model in (("/answers", AnswerRequest), ("/feedback", FeedbackRequest)):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        for example in content["examples"].values():
            assert isinstance(read_request(model, example["value"]), model)
    answer = document["components"]["examples"]["Answered"]["value"]
    AnswerBody.model_validate_json(json.dumps(answer))
    (citation,), (quote,) = answer["citations"], answer["quotes"]
    ((start, end),) = citation["highlights"]
    assert citation["text"][start:end] == quote["text"]
    assert (quote["start"], quote["end"]) == (citation["start"] + start, citation["start"] + end)


async def test_the_examples_of_the_page_work(address: str) -> None:
    """Of answers and the description; feedback would leave a file behind."""
    document = httpx.get(f"{address}/api/v1/openapi.json").json()
    tried = 0
    for operation in operations_of(document, address):
        if operation.id == "giveFeedback":
            continue
        for example in operation.examples:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(example.python, {})  # noqa: S102
            assert printed.getvalue().startswith("{'")
            if shutil.which("curl"):
                command = example.curl.replace("curl ", "curl --silent --fail ", 1)
                done = subprocess.run(["sh", "-c", command], capture_output=True, check=True)
                assert json.loads(done.stdout)
            tried += 1
    assert tried == 4
