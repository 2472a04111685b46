"""The OpenAPI description: what the framework reads from type hints, and what it cannot know."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from retrieval.web.bodies import AnswerRequest, ProblemBody

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

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
    }
    for status, description in _PROBLEMS.items()
}

REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AnswerRequest"}}},
    }
}


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
