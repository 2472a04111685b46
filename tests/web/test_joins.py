import json
from typing import Any

import httpx
import pytest

from retrieval.web.joins import JOIN_PATH, checked_join

pytestmark = pytest.mark.anyio

# as the page sends it, seen by driving it in a browser
SENT = {"data": ["paspoort?", None], "fn_index": 0, "trigger_id": 4, "session_hash": "uvh5t464nap"}
FILE = {"path": "/dev/zero", "meta": {"_type": "gradio.FileData"}}
ADDRESS = {"path": "x", "url": "http://192.0.2.1/x", "meta": {"_type": "gradio.FileData"}}

BAD: list[Any] = [
    # files, addresses and other things where text is to stand
    *({**SENT, "data": [value, None]} for value in (FILE, ADDRESS, [FILE], ["a"], {"a": FILE}, 1, None)),
    *({**SENT, "data": ["paspoort?", value]} for value in (FILE, {}, [], "", 0, False)),
    # too little and too much
    *({**SENT, "data": data} for data in ([], ["paspoort?"], ["paspoort?", None, None], FILE, "ab", None)),
    *({key: value for key, value in SENT.items() if key != left_out} for left_out in ("data", "fn_index")),
    {key: value for key, value in SENT.items() if key != "session_hash"},
    *({**SENT, key: None} for key in ("event_id", "batched", "simple_format", "oauth_token", "request")),
    # values that no page of ours sends
    *({**SENT, "fn_index": value} for value in (1, -1, "0", 0.0, False, None, FILE)),
    *({**SENT, "session_hash": value} for value in ("", "a/b", "a\n", "é", "a" * 65, 1, None, FILE)),
    *({**SENT, "trigger_id": value} for value in ("4", 4.0, True, FILE)),
    *({**SENT, "event_data": value} for value in ({}, FILE, 0, "")),
    # no object
    [SENT], [], "paspoort?", 0, None,
]  # fmt: skip


@pytest.mark.parametrize("join", BAD, ids=json.dumps)
async def test_what_the_page_would_not_send_is_refused(client: httpx.AsyncClient, join: Any) -> None:
    assert checked_join(json.dumps(join).encode()) is None
    response = await client.post(JOIN_PATH, json=join)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "Dit verzoek is niet gelukt."


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"data": ["\\ud800", null], "fn_index": 0']
)
async def test_what_is_no_json_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post(JOIN_PATH, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422


def test_half_a_surrogate_pair_is_refused() -> None:
    assert checked_join(json.dumps({**SENT, "data": ["\ud800", None]}).encode()) is None


@pytest.mark.parametrize(
    "join", [SENT, {**SENT, "data": ['é🙂\n"', None]}, {**SENT, "trigger_id": None, "event_data": None}]
)
def test_what_the_page_sends_goes_on_as_it_is(join: dict[str, Any]) -> None:
    body = checked_join(json.dumps(join).encode())
    assert body is not None
    assert json.loads(body) == join


def test_of_a_key_that_stands_twice_only_what_was_checked_goes_on() -> None:
    body = checked_join(
        json.dumps(SENT).replace('{"data"', f'{{"data": [{json.dumps(FILE)}, null], "data"').encode()
    )
    assert body is not None
    assert b"FileData" not in body
    assert json.loads(body) == SENT
