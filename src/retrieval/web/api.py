"""The HTTP interface: ``POST /api/v1/answers``, its OpenAPI description, and the two health checks.

Requests are taken strictly: nothing is coerced, unknown fields are refused, and what JSON leaves open
(a key twice, NaN) is an error.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, NoReturn

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema, models_json_schema
from pydantic_core import ErrorDetails

from retrieval.errors import BusyError, QuestionError
from retrieval.questions import (
    MOST_CHARACTERS,
    MOST_EARLIER,
    earlier_question_problem,
    question_problem,
)
from retrieval.serialization import explained_reply_to_json, reply_to_json
from retrieval.web.answering import RETRY_AFTER_BUSY, Answering, AnsweringError, RateLimit, too_many
from retrieval.web.problems import API_PREFIX, VERSION_HEADERS, Problem

RETRY_AFTER_START = 30
"""Seconds after which to look again whether there is an index."""

_FAILED = "Er ging iets mis bij het beantwoorden van de vraag. Probeer het later opnieuw."
_NO_INDEX = "De bronnen zijn nog niet klaar om te doorzoeken. Probeer het later opnieuw."

_PARAMETER = re.compile(r';\s*([^\s;="]+)=("[^"]*"|[^\s;"]*)')


def _without_default(schema: JsonDict) -> None:
    """Leave out the default of a field that is left out itself."""
    del schema["default"]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class AnswerRequest(_Strict):
    """Een vraag, met de vragen ervoor."""

    question: str = Field(
        description="De vraag, in gewone taal.",
        json_schema_extra={"minLength": 1, "maxLength": MOST_CHARACTERS},
        examples=["wie krijgt informatie van de AIVD?"],
    )
    history: list[str] = Field(
        default_factory=list,
        description="Eerdere vragen, de oudste eerst.",
        json_schema_extra={
            "maxItems": MOST_EARLIER,
            "items": {"type": "string", "maxLength": MOST_CHARACTERS},
        },
    )

    explain: bool = Field(default=False, description="Of er ook uitleg bij het antwoord moet.")


class LeadBody(_Strict):
    """De aanloop van een lijst, of de kop van een tabel, letterlijk uit een bron."""

    text: str
    start: int = Field(description="Begin in de tekst van het document, in tekens (Unicode).")
    end: int


class QuoteBody(_Strict):
    """Letterlijk uit een bron: een of twee zinnen, of een hele lijst of tabel van hoogstens 500 tekens.

    Ook een punt van een lijst of een regel van een tabel is zo'n zin.
    """

    text: str
    citation: int = Field(description="Het nummer van de vindplaats.")
    start: int = Field(description="Begin in de tekst van het document, in tekens (Unicode).")
    end: int
    lead: LeadBody | None = Field(
        description="Wat u erbij moet lezen als het een regel uit een lijst of tabel is; het kan hoger staan."
    )


class CitationBody(_Strict):
    """Een passage, met de plek waar die staat."""

    number: int
    document_id: str
    title: str
    headings: list[str]
    date: str | None = Field(description="De datum van de bron, zoals 2024-03-09.")
    publisher: str | None = Field(description="Wie de bron uitgaf.")
    url: str | None = Field(description="Het adres van de oorspronkelijke bron.")
    original_url: str | None = Field(
        description="Dat adres met een tekstfragment: naar het citaat, of het begin van de passage."
    )
    source_url: str = Field(description="De bron op deze server, met de plek gemarkeerd.")
    start: int
    end: int
    text: str
    sha256: str = Field(description="Van de tekst van het document, in UTF-8.")
    highlights: list[tuple[int, int]] = Field(description="Plekken in `text` die geciteerd worden.")
    score: float = Field(
        ge=0, le=1, description="Ordent de vindplaatsen van één antwoord; zegt verder niets."
    )


class ContactBody(_Strict):
    """Waar een vraag naartoe kan die de bronnen niet beantwoorden."""

    text: str
    url: str | None


class CorrectionBody(_Strict):
    """Woorden van de vraag die als andere woorden gezocht zijn."""

    typed: str
    searched: str


class ContributionBody(_Strict):
    """Een waarde met haar gewicht, en wat ze samen bijdragen."""

    name: str
    label: str = Field(description="De naam in het Nederlands.")
    value: float
    weight: float
    points: float = Field(description="Waarde maal gewicht.")


class AheadBody(_Strict):
    """Hoeveel punten de eerste kandidaat op één onderdeel voorligt op de tweede."""

    name: str
    label: str
    points: float


class CandidateBody(_Strict):
    """Een passage die gevonden is, met de onderdelen van haar score."""

    number: int
    document_id: str
    title: str
    headings: list[str]
    source_url: str
    start: int
    end: int
    first_words: str
    quoted: bool
    points: float = Field(description="De som van de onderdelen; daarop zijn de kandidaten geordend.")
    parts: list[ContributionBody]


class JudgementBody(_Strict):
    """Een oordeel over de eerste kandidaat: ja vanaf `yes_from`."""

    name: Literal["subject", "answer"]
    label: str
    features: list[ContributionBody]
    intercept: float = Field(description="De punten waarmee begonnen wordt.")
    probability: float = Field(ge=0, le=1)
    yes_from: float = Field(ge=0, le=1)
    yes: bool
    counts: bool = Field(description="Onwaar als een eerder oordeel al nee was.")


class SentenceBody(_Strict):
    """Een zin van de passage waaruit het eerst geciteerd is."""

    text: str
    start: int
    end: int
    nearness: float = Field(description="Hoe dicht de zin bij de vraag ligt.")
    words: float = Field(description="Het deel van de woorden van de vraag dat erin staat.")
    known: float = Field(description="Hetzelfde, met de zinnen ervoor en de koppen erbij.")
    missing: list[str] = Field(description="Soorten antwoord die gevraagd zijn en er niet in staan.")
    meaning: bool = Field(description="Of de zin zegt wat het gevraagde is: de volle naam van een afkorting.")
    score: float
    quoted: bool


class ExplanationBody(_Strict):
    """Waarom het antwoord is wat het is."""

    outcome: Literal["answered", "related", "unrelated", "smalltalk"]
    decision: str = Field(description="In één of twee zinnen.")
    searched: str | None = Field(description="De vraag zoals die gezocht is; null bij een praatje.")
    joined: bool = Field(description="Of er eerdere vragen bij genomen zijn.")
    corrections: list[CorrectionBody]
    candidates: list[CandidateBody] = Field(max_length=5)
    ahead: list[AheadBody]
    judgements: list[JudgementBody] = Field(max_length=2)
    sentences: list[SentenceBody]


class ReplyBody(_Strict):
    """Een antwoord zonder uitleg. Elke sleutel staat in elk antwoord; lijsten kunnen leeg zijn."""

    id: str
    status: Literal["answered", "abstained", "smalltalk"]
    text: str = Field(description="Alles wat te tonen is, als gewone tekst.")
    quotes: list[QuoteBody] = Field(max_length=3)
    citations: list[CitationBody] = Field(max_length=5)
    suggestions: list[str] = Field(max_length=3, description="Vragen die de bronnen beantwoorden.")
    contact: ContactBody | None
    notice: str | None = Field(
        description="Waarop gezocht is in plaats van op wat er stond, of wat misschien bedoeld is. "
        "Staat ook aan het begin van `text`."
    )


class AnswerBody(ReplyBody):
    """Een antwoord. Elke sleutel staat in elk antwoord, op `explanation` na; lijsten kunnen leeg zijn."""

    explanation: ExplanationBody | SkipJsonSchema[None] = Field(
        default=None,
        description="Alleen als de aanvraag `explain` heeft.",
        json_schema_extra=_without_default,
    )


class FieldProblem(_Strict):
    """Wat er mis is met één veld."""

    field: str
    detail: str


class ProblemBody(_Strict):
    """Een fout, naar RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list)


class MalformedJsonError(ValueError):
    """A body is not the JSON that everyone reads in the same way."""


class RefusedError(Exception):
    """A request is not answered; ``problem`` is what is sent instead."""

    def __init__(self, problem: Problem):
        super().__init__(problem.status_code)
        self.problem = problem


def add_api(app: FastAPI, answering: Answering | None, rate_limit: RateLimit) -> None:
    """Serve the interface from ``app``; without ``answering`` there is no index, and all is 503."""
    router = APIRouter()

    @router.post(
        f"{API_PREFIX}v1/answers",
        operation_id="answer",
        summary="Beantwoord een vraag met zinnen uit de bronnen",
        tags=["answers"],
        response_model=AnswerBody,
        response_description="Een antwoord, of de mededeling dat de bronnen het niet geven.",
        responses=_PROBLEM_RESPONSES,
        openapi_extra=_REQUEST_BODY,
    )
    async def answer(request: Request) -> Response:
        asked = await _asked(request)
        address = request.client.host if request.client else ""
        content = await _answered(answering, rate_limit, asked, address)
        return JSONResponse(content, headers={**VERSION_HEADERS, "Cache-Control": "no-store"})

    @app.get("/healthz", include_in_schema=False)
    async def is_alive() -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    @app.get("/readyz", include_in_schema=False)
    async def is_ready() -> Response:
        if answering is None:
            return Problem(503, _NO_INDEX, headers={"Retry-After": str(RETRY_AFTER_START)})
        return JSONResponse({"status": "ready"}, headers={"Cache-Control": "no-store"})

    @app.get(f"{API_PREFIX}v1/openapi.json", include_in_schema=False)
    async def description() -> JSONResponse:
        return JSONResponse(openapi_document(app), headers=VERSION_HEADERS)

    app.include_router(router)
    app.add_exception_handler(RefusedError, _refused)


async def _asked(request: Request) -> AnswerRequest:
    if not _is_json(request.headers.get("content-type", "")):
        raise RefusedError(Problem(415, "Stuur de vraag als application/json."))
    try:
        body = read_json(await request.body())
    except MalformedJsonError as malformed:
        raise RefusedError(Problem(400, str(malformed))) from malformed
    asked, errors = read_request(body)
    if asked is None:
        raise RefusedError(Problem(422, " ".join(error["detail"] for error in errors), errors))
    return asked


async def _answered(
    answering: Answering | None, rate_limit: RateLimit, asked: AnswerRequest, address: str
) -> dict[str, Any]:
    """The body of the response."""
    if answering is None:
        raise RefusedError(Problem(503, _NO_INDEX, headers={"Retry-After": str(RETRY_AFTER_START)}))
    if seconds := rate_limit.seconds_to_wait(address):
        raise RefusedError(Problem(429, too_many(seconds), headers={"Retry-After": str(seconds)}))
    history = [earlier.strip() for earlier in asked.history if earlier.strip()]
    try:
        if asked.explain:
            return explained_reply_to_json(*await answering.answer_explained(asked.question.strip(), history))
        return reply_to_json(await answering.answer(asked.question.strip(), history))
    except QuestionError as error:
        problem = Problem(422, str(error), [{"field": "question", "detail": str(error)}])
    except BusyError as error:
        problem = Problem(503, str(error), headers={"Retry-After": str(RETRY_AFTER_BUSY)})
    except AnsweringError:
        problem = Problem(500, _FAILED)
    raise RefusedError(problem)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    return error.problem


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 description of ``app``, with what the framework is not told by type hints."""
    document = app.openapi()
    models: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (AnswerRequest, "validation"),
        (ProblemBody, "validation"),
    ]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")
    document["components"]["schemas"].update(schemas["$defs"])
    return document


def read_json(body: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises MalformedJsonError, also for what Python's reader lets through: a key that stands twice in
    one object, NaN and Infinity.
    """
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_object_of_unique_keys, parse_constant=_refuse_constant
        )
    except MalformedJsonError:
        raise
    except UnicodeDecodeError as error:
        raise MalformedJsonError(f"Dit is geen UTF-8: byte {error.start} klopt niet.") from error
    except json.JSONDecodeError as error:
        raise MalformedJsonError(
            f"Dit is geen geldige JSON: fout op regel {error.lineno}, teken {error.colno}."
        ) from error
    except (RecursionError, ValueError) as error:  # nested too deep; a number of thousands of digits
        raise MalformedJsonError("Deze JSON is te diep genest of bevat een te lang getal.") from error


def read_request(body: Any) -> tuple[AnswerRequest | None, list[dict[str, str]]]:
    """The request that a JSON value holds, or what is wrong with it, field by field."""
    try:
        asked = AnswerRequest.model_validate(body)
    except ValidationError as error:
        return None, [_field_problem(detail) for detail in error.errors()]
    problems = _limits_passed(asked)
    return (None, problems) if problems else (asked, [])


def _limits_passed(asked: AnswerRequest) -> list[dict[str, str]]:
    problems = []
    if (problem := question_problem(asked.question)) is not None:
        problems.append({"field": "question", "detail": problem})
    if len(asked.history) > MOST_EARLIER:
        detail = f"Stuur hooguit {MOST_EARLIER} eerdere vragen mee; dit zijn er {len(asked.history)}."
        problems.append({"field": "history", "detail": detail})
    for number, earlier in enumerate(asked.history[:MOST_EARLIER]):
        if (problem := earlier_question_problem(earlier)) is not None:
            problems.append({"field": f"history.{number}", "detail": problem})
    return problems


def _field_problem(error: ErrorDetails) -> dict[str, str]:
    field = ".".join(str(part) for part in error["loc"])
    match error["type"]:
        case "missing":
            detail = f"Het veld {field!r} ontbreekt."
        case "extra_forbidden":
            known = "'question', 'history' of 'explain'"
            detail = f"Het veld {_shortened(field)!r} bestaat niet; gebruik {known}."
        case "string_type":
            detail = f"Het veld {field!r} moet tekst zijn."
        case "bool_type":
            detail = f"Het veld {field!r} moet true of false zijn."
        case "list_type":
            detail = f"Het veld {field!r} moet een lijst van vragen zijn."
        case "model_type":
            detail = "Stuur een JSON-object met het veld 'question'."
        case _:
            detail = f"Het veld {_shortened(field)!r} klopt niet."
    return {"field": _shortened(field), "detail": detail}


def _shortened(field: str) -> str:
    return field if len(field) <= 40 else f"{field[:40]}…"


def _is_json(content_type: str) -> bool:
    """Whether this is JSON in UTF-8; parameters that JSON does not have say nothing (RFC 8259)."""
    kind = content_type.partition(";")[0]
    parameters = _PARAMETER.findall(content_type)
    charsets = {value.strip('"').lower() for name, value in parameters if name.lower() == "charset"}
    return kind.strip().lower() == "application/json" and charsets <= {"utf-8", "utf8"}


def _object_of_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise MalformedJsonError("In deze JSON staat een veld dubbel.")
    return read


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedJsonError(f"{name} bestaat niet in JSON.")


_PROBLEMS: Mapping[int, str] = {
    400: "De JSON klopt niet.",
    405: "Alleen POST.",
    413: "Meer dan 128 kB.",
    415: "Geen application/json.",
    422: "Een veld ontbreekt, is onbekend, leeg of te lang, of is van een ander type.",
    429: "Te veel vragen; Retry-After zegt hoe lang te wachten.",
    500: "Beantwoorden mislukte.",
    503: "Geen index, of te druk; Retry-After zegt hoe lang te wachten.",
}

_PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
    }
    for status, description in _PROBLEMS.items()
}

_REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AnswerRequest"}}},
    }
}
