import json
import threading
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from three_sentences import DOCUMENT, OPEN, PARTY, PASSPORT, SUNDAY, TEXT, ThreeSentences
from web_serving import client_of

from retrieval.chatbot import Chatbot
from retrieval.errors import QuestionError
from retrieval.settings import Settings
from retrieval.web.bodies import AnswerBody
from retrieval.web.reading import MalformedJsonError, read_json
from retrieval.web.server import create_app

pytestmark = pytest.mark.anyio

ANSWERS = "/api/v1/answers"
KEYS = {"id", "status", "text", "quotes", "citations", "suggestions", "contact", "notice"}


def problem_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of a refusal, which is as RFC 9457 has it."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["api-version"] == "1.0.0"
    problem = response.json()
    assert problem["type"] == "about:blank"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return dict(problem)


@pytest.mark.parametrize(
    ("source_filter", "status"),
    [
        ({}, "answered"),
        ({"sources": ["over ons/"], "publishers": [" gemeente "], "languages": ["nl"]}, "answered"),
        ({"since": "2024-03-09", "valid_on": "2025-01-01"}, "answered"),
        ({"since": "2024-03-10"}, "abstained"),
        ({"sources": ["elders/"]}, "abstained"),
        ({"licences": ["CC0-1.0"]}, "abstained"),
    ],
)
@pytest.mark.parametrize("explain", [False, True])
async def test_a_filter_says_which_sources_may_answer(
    source_filter: dict[str, Any], status: str, explain: bool, client: httpx.AsyncClient
) -> None:
    asked = {"question": "wat kost een paspoort?", "filter": source_filter, "explain": explain}
    response = await client.post(ANSWERS, json=asked)
    assert (response.status_code, response.json()["status"]) == (200, status)


async def test_an_answer_has_every_key_of_the_contract(client: httpx.AsyncClient) -> None:
    response = await client.post(ANSWERS, json={"question": "  wat kost een paspoort?\n"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["api-version"] == "1.0.0"
    assert response.headers["cache-control"] == "no-store"
    start = TEXT.index(PASSPORT)
    end = start + len(PASSPORT)
    assert response.json() == {
        "id": "q1",
        "status": "answered",
        "text": PASSPORT,
        "quotes": [{"text": PASSPORT, "citation": 1, "start": start, "end": end, "lead": None}],
        "citations": [
            {
                "number": 1,
                "document_id": "over ons/gemeentehuis.txt",
                "title": "Het gemeentehuis",
                "headings": ["Balie"],
                "page": None,
                "date": "2024-03-09",
                "modified": None,
                "valid_from": None,
                "valid_until": None,
                "version": None,
                "publisher": "Gemeente",
                "licence": None,
                "language": None,
                "outdated": False,
                "identifier": None,
                "url": "https://gemeente.example/",
                "original_url": "https://gemeente.example/#:~:text=Een%20paspoort%20vraagt%20u%20aan,"
                "mee%2C%20__twee__%20%60stuks%60%20%26amp%3B%20uw_oude_pas.",
                "source_url": f"/bronnen/over%20ons/gemeentehuis.txt?v={DOCUMENT.sha256[:8]}"
                f"&start={start}&end={end}#p-{start}",
                "start": start,
                "end": end,
                "text": PASSPORT,
                "sha256": DOCUMENT.sha256,
                "highlights": [[0, len(PASSPORT)]],
                "score": 1.0,
                "other_places": [],
                "other_place_count": 0,
            }
        ],
        "suggestions": ["Wanneer is het gemeentehuis open?", "Waar vraag ik een paspoort aan?"],
        "contact": None,
        "notice": None,
    }


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("wie won het toernooi?", "abstained"),
        ("hoe heet de burgemeester van het gemeentehuis?", "abstained"),
        ("hallo", "smalltalk"),
    ],
)
async def test_every_key_is_there_in_every_status(
    client: httpx.AsyncClient, question: str, status: str
) -> None:
    reply = (await client.post(ANSWERS, json={"question": question})).json()
    assert set(reply) == KEYS
    assert reply["status"] == status
    assert reply["quotes"] == []
    assert reply["contact"] == {"text": "Bel de gemeente", "url": "tel:14010"}


async def test_history_reaches_the_chatbot(client: httpx.AsyncClient) -> None:
    alone = await client.post(ANSWERS, json={"question": "en daar?"})
    after = await client.post(ANSWERS, json={"question": "en daar?", "history": ["zondag?", "  "]})
    assert alone.json()["status"] == "abstained"
    assert [quote["text"] for quote in after.json()["quotes"]] == [SUNDAY]


async def test_a_question_of_500_characters_after_trimming_and_ten_earlier_ones_are_taken(
    client: httpx.AsyncClient,
) -> None:
    asked = {"question": " " * 600 + "gemeentehuis".ljust(500, "?") + "\n", "history": ["x" * 500] * 10}
    response = await client.post(ANSWERS, json=asked)
    assert [quote["text"] for quote in response.json()["quotes"]] == [OPEN]


@pytest.mark.parametrize(
    ("question", "outcome", "searched"),
    [
        ("wat kost een paspoort?", "answered", "wat kost een paspoort?"),
        ("wie won het toernooi?", "unrelated", "wie won het toernooi?"),
        ("hallo", "smalltalk", None),
    ],
)
async def test_an_explanation_is_there_where_it_is_asked_for(
    client: httpx.AsyncClient, question: str, outcome: str, searched: str | None
) -> None:
    plain = (await client.post(ANSWERS, json={"question": question})).json()
    assert set(plain) == KEYS
    assert (await client.post(ANSWERS, json={"question": question, "explain": False})).json() == plain
    explained = await client.post(ANSWERS, json={"question": question, "explain": True})
    assert explained.headers["cache-control"] == "no-store"
    reply = explained.json()
    explanation = reply.pop("explanation")
    assert reply == plain
    assert (explanation["outcome"], explanation["searched"]) == (outcome, searched)
    assert [one["number"] for one in explanation["candidates"]] == [
        one["number"] for one in plain["citations"]
    ]


async def test_history_reaches_the_explanation(client: httpx.AsyncClient) -> None:
    asked = {"question": "en daar?", "history": ["zondag?"], "explain": True}
    reply = (await client.post(ANSWERS, json=asked)).json()
    assert [quote["text"] for quote in reply["quotes"]] == [SUNDAY]
    assert reply["explanation"]["joined"] is True


async def test_the_explanation_of_a_failure_tells_nothing(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await client.post(ANSWERS, json={"question": "mijn geheim is kapot", "explain": True})
    problem_of(response, 500)
    assert "geheim" not in response.text + caplog.text


async def test_an_explanation_counts_as_one_question() -> None:
    async with client_of(create_app(ThreeSentences(), Settings(rate_limit="2/minute"))) as client:
        asked = {"question": "hallo", "explain": True}
        statuses = [(await client.post(ANSWERS, json=asked)).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


@pytest.mark.parametrize(
    ("question", "outcome"),
    [
        ("Waarvoor dient een amtsbericht?", "answered"),
        ("Wie is de baas van de AIVD?", "related"),
        ("Hoe bak ik een appeltaart?", "unrelated"),
        ("Bedankt!", "smalltalk"),
    ],
)
async def test_a_real_explanation_is_as_described(aivd_index: Path, question: str, outcome: str) -> None:
    with Chatbot.open(aivd_index, Settings()) as bot:
        async with client_of(create_app(bot, Settings())) as client:
            response = await client.post(ANSWERS, json={"question": question, "explain": True})
    body = AnswerBody.model_validate_json(response.content)
    assert body.explanation
    assert body.explanation.outcome == outcome


LONG = "Uw vraag is 501 tekens lang. Maak hem korter: hoogstens 500 tekens."
NO_TEXT = "Uw vraag bevat tekens die geen tekst zijn. Typ de vraag opnieuw."


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ({}, "question", "Het veld 'question' ontbreekt."),
        ({"question": ""}, "question", "Typ eerst een vraag."),
        ({"question": " \n\t\u00a0"}, "question", "Typ eerst een vraag."),
        ({"question": "x" * 501}, "question", LONG),
        ({"question": "wat\u0000?"}, "question", NO_TEXT),
        ({"question": "wat\u0007?"}, "question", NO_TEXT),
        ({"question": "wat\u0085?"}, "question", NO_TEXT),
        ({"question": 5}, "question", "Het veld 'question' moet tekst zijn."),
        ({"question": None}, "question", "Het veld 'question' moet tekst zijn."),
        ({"question": ["a"]}, "question", "Het veld 'question' moet tekst zijn."),
        ({"question": True}, "question", "Het veld 'question' moet tekst zijn."),
        ({"question": "a", "history": "b"}, "history", "Het veld 'history' moet een lijst van vragen zijn."),
        ({"question": "a", "history": None}, "history", "Het veld 'history' moet een lijst van vragen zijn."),
        (
            {"question": "a", "history": {"0": "b"}},
            "history",
            "Het veld 'history' moet een lijst van vragen zijn.",
        ),
        ({"question": "a", "history": ["b", 1]}, "history.1", "Het veld 'history.1' moet tekst zijn."),
        ({"question": "a", "history": ["b", "x" * 501]}, "history.1", LONG),
        ({"question": "a", "history": ["\u001b[0m"]}, "history.0", NO_TEXT),
        (
            {"question": "a", "history": ["b"] * 11},
            "history",
            "Stuur hooguit 10 eerdere vragen mee; dit zijn er 11.",
        ),
        (
            {"question": "a", "vraag": "b"},
            "vraag",
            "Het veld 'vraag' bestaat niet; gebruik 'question', 'history', 'explain' of 'filter'.",
        ),
        ({"question": "a", "explain": "ja"}, "explain", "Het veld 'explain' moet true of false zijn."),
        ({"question": "a", "explain": 1}, "explain", "Het veld 'explain' moet true of false zijn."),
        ({"question": "a", "explain": None}, "explain", "Het veld 'explain' moet true of false zijn."),
        ({"question": "a", "filter": []}, "filter", "Het veld 'filter' moet een object zijn."),
        ({"question": "a", "filter": None}, "filter", "Het veld 'filter' moet een object zijn."),
        (
            {"question": "a", "filter": {"bron": ["b"]}},
            "filter.bron",
            "Het veld 'filter.bron' bestaat niet; gebruik 'sources', 'publishers', 'languages', 'licences', "
            "'since' of 'valid_on'.",
        ),
        (
            {"question": "a", "filter": {"sources": "b"}},
            "filter.sources",
            "Het veld 'filter.sources' moet een lijst van teksten zijn.",
        ),
        (
            {"question": "a", "filter": {"sources": ["b"] * 21}},
            "filter.sources",
            "Het veld 'filter.sources' heeft 21 keuzes; het mogen er 20 zijn.",
        ),
        (
            {"question": "a", "filter": {"publishers": [" "]}},
            "filter.publishers",
            "Het veld 'filter.publishers' is 0 tekens lang; het moeten er 1 tot 300 zijn.",
        ),
        (
            {"question": "a", "filter": {"licences": ["a\u0000"]}},
            "filter.licences",
            "Het veld 'filter.licences' bevat tekens die geen tekst zijn.",
        ),
        (
            {"question": "a", "filter": {"since": "3 mei 2025"}},
            "filter.since",
            "Het veld 'filter.since' moet een dag zijn, zoals 2025-05-03.",
        ),
        (
            {"question": "a", "filter": {"valid_on": ""}},
            "filter.valid_on",
            "Het veld 'filter.valid_on' moet een dag zijn, zoals 2025-05-03.",
        ),
        (
            {"question": "a", "filter": {"since": None}},
            "filter.since",
            "Het veld 'filter.since' moet tekst zijn.",
        ),
        ([], "", "Stuur een JSON-object met het veld 'question'."),
        ("wat?", "", "Stuur een JSON-object met het veld 'question'."),
        (None, "", "Stuur een JSON-object met het veld 'question'."),
    ],
)
async def test_a_field_that_is_not_right_is_named(
    client: httpx.AsyncClient, body: Any, field: str, detail: str
) -> None:
    response = await client.post(
        ANSWERS, content=json.dumps(body), headers={"content-type": "application/json"}
    )
    problem = problem_of(response, 422)
    assert problem["errors"] == [{"field": field, "detail": detail}]
    assert problem["detail"] == detail


async def test_half_a_surrogate_pair_is_no_text(client: httpx.AsyncClient) -> None:
    response = await client.post(
        ANSWERS, content=rb'{"question": "wat \ud800?"}', headers={"content-type": "application/json"}
    )
    assert problem_of(response, 422)["detail"] == NO_TEXT


async def test_every_field_that_is_not_right_is_named_at_once(client: httpx.AsyncClient) -> None:
    problem = problem_of(await client.post(ANSWERS, json={"question": 1, "history": 2, "x": 3}), 422)
    assert [error["field"] for error in problem["errors"]] == ["question", "history", "x"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "Dit is geen geldige JSON: fout op regel 1, teken 1."),
        (b'{"question": "a"', "Dit is geen geldige JSON: fout op regel 1, teken 17."),
        (b"{'question': 'a'}", "Dit is geen geldige JSON: fout op regel 1, teken 2."),
        (b'{"question": "a"} {}', "Dit is geen geldige JSON: fout op regel 1, teken 19."),
        (b'{"question": "a\xff"}', "Dit is geen UTF-8: byte 15 klopt niet."),
        (b'{"question": "a", "question": "b"}', "In deze JSON staat een veld dubbel."),
        (b'{"question": NaN}', "NaN bestaat niet in JSON."),
        (b'{"question": -Infinity}', "-Infinity bestaat niet in JSON."),
        (b"[" * 60_000, "Deze JSON is te diep genest of bevat een te lang getal."),
        (b"9" * 5_000, "Deze JSON is te diep genest of bevat een te lang getal."),
    ],
)
async def test_malformed_json(client: httpx.AsyncClient, body: bytes, detail: str) -> None:
    response = await client.post(ANSWERS, content=body, headers={"content-type": "application/json"})
    assert problem_of(response, 400)["detail"] == detail


def test_a_key_twice_is_refused_at_any_depth() -> None:
    with pytest.raises(MalformedJsonError, match="dubbel"):
        read_json(b'[{"a": {"b": 1, "b": 1}}]')
    assert read_json('{"a": {"b": [1.5, "é"]}, "b": null}'.encode()) == {"a": {"b": [1.5, "é"]}, "b": None}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
        "application/json; profile=x; charset=utf-16",
        "application/jsonp",
        "json",
        "",
    ],
)
async def test_only_json_is_taken(client: httpx.AsyncClient, content_type: str) -> None:
    response = await client.post(ANSWERS, content=b"{}", headers={"content-type": content_type})
    assert problem_of(response, 415)["detail"] == "Stuur het verzoek als application/json."


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=UTF-8", "application/json; charset=UTF8",
     'application/json;charset="utf-8"', "application/json; profile=x", "application/json;",
     'application/json; profile="a; charset=b"; charset=utf-8'],
)  # fmt: skip
async def test_json_by_another_spelling_of_its_name(client: httpx.AsyncClient, content_type: str) -> None:
    response = await client.post(
        ANSWERS, content=b'{"question": "hallo"}', headers={"content-type": content_type}
    )
    assert response.status_code == 200


async def test_too_many_questions() -> None:
    async with client_of(create_app(ThreeSentences(), Settings(rate_limit="2/minute"))) as client:
        statuses = [(await client.post(ANSWERS, json={"question": "hallo"})).status_code for _ in range(2)]
        refused = await client.post(ANSWERS, json={"question": "hallo"})
    assert statuses == [200, 200]
    wait = refused.headers["retry-after"]
    assert 1 <= int(wait) <= 60
    expected = f"U stelt veel vragen achter elkaar. Probeer het over {wait} second"
    assert problem_of(refused, 429)["detail"].startswith(expected)


async def test_without_an_index_all_is_503_but_the_process_lives() -> None:
    async with client_of(create_app(None, Settings())) as client:
        refused = await client.post(ANSWERS, json={"question": "hallo"})
        ready, alive = await client.get("/readyz"), await client.get("/healthz")
        chat, sources = await client.get("/"), await client.get("/bronnen")
    assert problem_of(refused, 503)["detail"].startswith("De bronnen zijn nog niet klaar")
    assert refused.headers["retry-after"] == "30"
    assert problem_of(ready, 503)["title"] == "Niet beschikbaar"
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (chat.status_code, "Vraagbaak kan nu geen vragen beantwoorden" in chat.text) == (200, True)
    assert (sources.status_code, "nog niet klaar om te lezen" in sources.text) == (503, True)


async def test_with_an_index_it_is_ready(client: httpx.AsyncClient) -> None:
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


async def test_a_failure_tells_nothing_and_the_log_does_not_repeat_the_question(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await client.post(ANSWERS, json={"question": "mijn geheim is kapot"})
    problem = problem_of(response, 500)
    assert problem["detail"] == (
        "Er ging iets mis bij het beantwoorden van de vraag. Probeer het later opnieuw."
    )
    assert "geheim" not in response.text
    assert "RuntimeError" not in response.text
    assert "geheim" not in caplog.text
    assert "RuntimeError at " in caplog.text
    assert "three_sentences.py" in caplog.text


class Fussy(ThreeSentences):
    """Refuses every question."""

    def reply(self, question: str, history: Any = (), source_filter: Any = None) -> Any:
        raise QuestionError("Dit is geen vraag.")


async def test_a_question_that_the_chatbot_refuses() -> None:
    async with client_of(create_app(Fussy(), Settings())) as client:
        problem = problem_of(await client.post(ANSWERS, json={"question": "a"}), 422)
    assert problem["errors"] == [{"field": "question", "detail": "Dit is geen vraag."}]


class Slow(ThreeSentences):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.told = threading.Event()

    def reply(self, question: str, history: Any = (), source_filter: Any = None) -> Any:
        assert self.told.wait(timeout=30)
        return super().reply(question, history)


async def test_too_busy_and_then_no_more() -> None:
    slow = Slow()
    statuses: list[int] = []
    busy: list[httpx.Response] = []
    async with client_of(create_app(slow, Settings(rate_limit="off"))) as client:

        async def ask() -> None:
            response = await client.post(ANSWERS, json={"question": "hallo"})
            statuses.append(response.status_code)
            if response.status_code == 503:
                busy.append(response)
                slow.told.set()

        async with anyio.create_task_group() as tasks:
            for _ in range(65):  # 4 under way, 60 that wait, and one more
                tasks.start_soon(ask)
        afterwards = await client.post(ANSWERS, json={"question": "hallo"})
    assert sorted(statuses) == [200] * 64 + [503]
    assert problem_of(busy[0], 503)["detail"].startswith("Er zijn nu te veel vragen tegelijk.")
    assert busy[0].headers["retry-after"] == "2"
    assert afterwards.status_code == 200


async def test_the_openapi_description_is_whole_and_true(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/openapi.json")
    assert response.headers["api-version"] == "1.0.0"
    document = response.json()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == "1.0.0"
    assert document["servers"] == [{"url": "/api/v1", "description": "Deze server"}]
    assert list(document["paths"]) == ["/answers", "/feedback", "/openapi.json"]
    operation = document["paths"]["/answers"]["post"]
    assert set(operation["responses"]) == {
        "200", "400", "405", "408", "413", "415", "422", "429", "500", "503"
    }  # fmt: skip
    schemas = document["components"]["schemas"]
    assert set(schemas["AnswerBody"]["required"]) == KEYS
    explanation = schemas["AnswerBody"]["properties"]["explanation"]
    assert explanation["$ref"] == "#/components/schemas/ExplanationBody"
    assert "default" not in explanation
    assert set(schemas["AnswerRequest"]["required"]) == {"question"}
    assert schemas["AnswerRequest"]["properties"]["explain"]["type"] == "boolean"
    assert schemas["AnswerRequest"]["properties"]["question"]["maxLength"] == 500
    assert schemas["AnswerRequest"]["additionalProperties"] is False
    # every reference leads somewhere
    references = [part.split('"')[0] for part in json.dumps(document).split('"#/components/schemas/')[1:]]
    assert references
    assert set(references) <= set(schemas)


async def test_offsets_count_code_points_where_an_emoji_stands_before(client: httpx.AsyncClient) -> None:
    body = (await client.post("/api/v1/answers", json={"question": "vanaf koningsdag?"})).json()
    (quote,), (citation,) = body["quotes"], body["citations"]
    assert quote["text"] == TEXT[quote["start"] : quote["end"]] == PARTY
    (place,) = citation["highlights"]
    assert place == [13, 13 + len(PARTY)]  # 🎉, an astronaut of four code points, a space, "Hoera!", a space
    assert citation["text"][place[0] : place[1]] == PARTY
