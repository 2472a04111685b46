import json
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from three_sentences import ThreeSentences
from web_serving import client_of

from retrieval.errors import FeedbackError
from retrieval.questions import is_text, question_problem
from retrieval.settings import Settings
from retrieval.web.bodies import ANY_TEXT, SOME_TEXT
from retrieval.web.server import create_app

FEEDBACK = "/api/v1/feedback"
HELPED = {"question": "Wanneer is het open?", "answer_id": "q1", "helpful": True}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feedback.sqlite"


@pytest.fixture
async def client(path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_app(ThreeSentences(), Settings(rate_limit="off", feedback=path))) as client:
        yield client


def rows(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT id, question, answer_id, helpful, reason, comment FROM feedback ORDER BY rowid"
        ).fetchall()


def problem_of(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["api-version"] == "1.0.0"
    assert response.json()["status"] == status
    return dict(response.json())


@pytest.mark.anyio
async def test_feedback_is_kept_masked(client: httpx.AsyncClient, path: Path) -> None:
    sent = {
        "question": " Mijn mail is a@b.nl, en nu?\n",
        "answer_id": "x" * 64,
        "helpful": False,
        "reason": " te oud ",
        "comment": "é" * 1_000 + "\n",
    }
    first, second = await client.post(FEEDBACK, json=HELPED), await client.post(FEEDBACK, json=sent)
    for response in (first, second):
        assert response.status_code == 201
        assert response.headers["api-version"] == "1.0.0"
        assert response.headers["cache-control"] == "no-store"
        assert set(response.json()) == {"id"}
    assert rows(path) == [
        (first.json()["id"], "Wanneer is het open?", "q1", 1, None, None),
        (second.json()["id"], "Mijn mail is [e-mailadres], en nu?", "x" * 64, 0, "te oud", "é" * 1_000),
    ]


NO_ID = "Het veld 'answer_id' moet de id van een antwoord zijn: 1 tot 64 letters, cijfers, - of _."
NO_REASON = "Het veld 'reason' is 0 tekens lang; het moeten er 1 tot 100 zijn."
KNOWN = "'question', 'answer_id', 'helpful', 'reason' of 'comment'"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "field", "detail"),
    [
        ({"question": " "}, "question", "Typ eerst een vraag."),
        (
            {"question": "x" * 501},
            "question",
            "Uw vraag is 501 tekens lang. Maak hem korter: hoogstens 500 tekens.",
        ),
        ({"answer_id": ""}, "answer_id", NO_ID),
        ({"answer_id": "x" * 65}, "answer_id", NO_ID),
        ({"answer_id": "q1\n"}, "answer_id", NO_ID),
        ({"answer_id": "é"}, "answer_id", NO_ID),
        ({"answer_id": 1}, "answer_id", "Het veld 'answer_id' moet tekst zijn."),
        ({"helpful": "true"}, "helpful", "Het veld 'helpful' moet true of false zijn."),
        ({"helpful": 1}, "helpful", "Het veld 'helpful' moet true of false zijn."),
        ({"helpful": None}, "helpful", "Het veld 'helpful' moet true of false zijn."),
        ({"reason": ""}, "reason", NO_REASON),
        ({"reason": "  "}, "reason", NO_REASON),
        (
            {"reason": "x" * 101},
            "reason",
            "Het veld 'reason' is 101 tekens lang; het moeten er 1 tot 100 zijn.",
        ),
        ({"reason": None}, "reason", "Het veld 'reason' moet tekst zijn."),
        ({"reason": "a\u0000"}, "reason", "Het veld 'reason' bevat tekens die geen tekst zijn."),
        (
            {"comment": "x" * 1_001},
            "comment",
            "Het veld 'comment' is 1001 tekens lang; het moeten er 0 tot 1000 zijn.",
        ),
        ({"comment": "\ud800"}, "comment", "Het veld 'comment' bevat tekens die geen tekst zijn."),
        ({"email": "a@b.nl"}, "email", f"Het veld 'email' bestaat niet; gebruik {KNOWN}."),
    ],
)
async def test_a_field_that_is_not_right_is_named_and_nothing_kept(
    client: httpx.AsyncClient, path: Path, change: dict[str, Any], field: str, detail: str
) -> None:
    response = await client.post(
        FEEDBACK, content=json.dumps({**HELPED, **change}), headers={"content-type": "application/json"}
    )
    assert problem_of(response, 422)["errors"] == [{"field": field, "detail": detail}]
    assert not path.exists()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content", "kind", "status", "detail"),
    [
        (
            b"[]",
            "application/json",
            422,
            "Stuur een JSON-object met de velden 'question', 'answer_id' en 'helpful'.",
        ),
        (
            b'{"helpful": true, "helpful": true}',
            "application/json",
            400,
            "In deze JSON staat een veld dubbel.",
        ),
        (b"helpful=true", "text/plain", 415, "Stuur het verzoek als application/json."),
        (b" " * 131_073, "application/json", 413, "Stuur hooguit 128 kB."),
    ],
)
async def test_a_body_that_is_not_right(
    client: httpx.AsyncClient, content: bytes, kind: str, status: int, detail: str
) -> None:
    response = await client.post(FEEDBACK, content=content, headers={"content-type": kind})
    assert problem_of(response, status)["detail"] == detail


@pytest.mark.anyio
async def test_a_field_that_is_missing_is_named(client: httpx.AsyncClient) -> None:
    problem = problem_of(await client.post(FEEDBACK, json={}), 422)
    assert [error["field"] for error in problem["errors"]] == ["question", "answer_id", "helpful"]


@pytest.mark.anyio
async def test_feedback_has_a_limit_of_its_own(path: Path) -> None:
    app = create_app(ThreeSentences(), Settings(rate_limit="2/minute", feedback=path))
    async with client_of(app) as client:
        told = [(await client.post(FEEDBACK, json=HELPED)).status_code for _ in range(2)]
        refused = await client.post(FEEDBACK, json=HELPED)
        asked = await client.post("/api/v1/answers", json={"question": "hallo"})
    assert told == [201, 201]
    expected = (
        f"U stuurt veel beoordelingen achter elkaar. Probeer het over {refused.headers['retry-after']} se"
    )
    assert problem_of(refused, 429)["detail"].startswith(expected)
    assert asked.status_code == 200
    assert len(rows(path)) == 2


@pytest.mark.anyio
async def test_where_it_cannot_be_kept_the_visitor_and_the_operator_are_told(
    client: httpx.AsyncClient, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await client.post(FEEDBACK, json=HELPED)
    with closing(sqlite3.connect(path)) as holding:
        holding.execute("BEGIN EXCLUSIVE")
        refused = await client.post(FEEDBACK, json={**HELPED, "comment": "een geheim"})
    assert problem_of(refused, 503)["detail"] == (
        "Uw beoordeling kon niet bewaard worden. Probeer het later opnieuw."
    )
    assert refused.headers["retry-after"] == "60"
    assert (
        f"feedback was not kept: the feedback file {path} cannot be used: database is locked" in caplog.text
    )
    assert "geheim" not in caplog.text
    assert str(path) not in refused.text
    assert (await client.post(FEEDBACK, json=HELPED)).status_code == 201
    assert len(rows(path)) == 2


@pytest.mark.anyio
async def test_where_no_feedback_is_taken_there_is_none_in_the_description_either() -> None:
    async with client_of(create_app(ThreeSentences(), Settings(feedback=None))) as client:
        problem_of(await client.post(FEEDBACK, json=HELPED), 404)
        document = (await client.get("/api/v1/openapi.json")).json()
    assert list(document["paths"]) == ["/answers", "/openapi.json"]
    assert [tag["name"] for tag in document["tags"]] == ["answers", "description"]
    assert "FeedbackRequest" not in document["components"]["schemas"]


@pytest.mark.anyio
async def test_a_file_that_is_no_feedback_file_is_an_error_at_the_start(path: Path) -> None:
    path.write_bytes(b"geen databank" * 100)
    with pytest.raises(FeedbackError, match="file is not a database"):
        create_app(ThreeSentences(), Settings(feedback=path))


@given(st.text(st.characters(codec=None), max_size=20))
def test_the_patterns_of_the_description_are_what_is_taken(text: str) -> None:
    """But for half a surrogate pair, which no pattern of JSON Schema can name."""
    whole = not any("\ud800" <= character <= "\udfff" for character in text)
    assert (re.fullmatch(ANY_TEXT.strip("^$"), text) is not None and whole) == is_text(text)
    assert (re.fullmatch(SOME_TEXT.strip("^$"), text) is not None and whole) == (
        question_problem(text) is None
    )
