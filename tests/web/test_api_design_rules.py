"""The API Design Rules of the Dutch government that a document or a response can show, each by its id."""

import re
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    """The OpenAPI document, where /core/publish-openapi wants it."""
    return dict((await client.get("/api/v1/openapi.json")).json())


def responses_of(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        told
        for path in document["paths"].values()
        for operation in path.values()
        for told in operation["responses"].items()
    ]


async def test_core_uri_version_and_semver(document: dict[str, Any]) -> None:
    assert [server["url"] for server in document["servers"]] == ["/api/v1"]
    assert re.fullmatch(r"1\.\d+\.\d+", document["info"]["version"])


async def test_core_version_header(document: dict[str, Any], client: httpx.AsyncClient) -> None:
    for _, response in responses_of(document):
        assert "API-Version" in response["headers"]
    for path in ("/api/v1/openapi.json", "/api/v1/answers", "/api/v1/nergens"):
        told = (await client.get(path)).headers["api-version"]
        assert told == document["info"]["version"]


async def test_core_error_handling_problem_details_and_invalid_input(document: dict[str, Any]) -> None:
    problem = document["components"]["schemas"]["ProblemBody"]
    assert {"status", "title", "detail"} <= set(problem["required"])
    refusals = [response for status, response in responses_of(document) if int(status) >= 400]
    assert len(refusals) == 20
    assert all(list(response["content"]) == ["application/problem+json"] for response in refusals)
    for path in ("/answers", "/feedback"):
        assert "400" in document["paths"][path]["post"]["responses"]


@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v1/answers/", "/api/v1/feedback/"])
async def test_core_no_trailing_slash(client: httpx.AsyncClient, path: str) -> None:
    told = await client.post(path, json={"question": "hallo"}, headers={"accept": "text/html"})
    assert told.status_code == 404
    assert told.headers["content-type"] == "application/problem+json"


async def test_core_path_segments_kebab_case(document: dict[str, Any]) -> None:
    assert all(re.fullmatch(r"/[a-z0-9-]+|/openapi\.json", path) for path in document["paths"])
