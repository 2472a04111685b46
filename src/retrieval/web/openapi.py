"""The OpenAPI description: what the framework reads from type hints, and what it cannot know.

It keeps to the API Design Rules of the Dutch government where they apply: docs/api-design-rules.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from retrieval.records import Contact
from retrieval.web.bodies import AnswerBody, AnswerRequest, FeedbackBody, FeedbackRequest, ProblemBody
from retrieval.web.problems import API_VERSION, BASE_PATH

API_INFO: Mapping[str, Any] = {
    "title": "Vraagbaak",
    "version": API_VERSION,
    "summary": "Antwoorden op vragen: letterlijke zinnen uit een verzameling teksten, met hun vindplaats.",
    "description": (
        "Stel een vraag in gewoon Nederlands. U krijgt de zinnen die haar beantwoorden, woord voor woord "
        "uit de bronnen, met de plek waar ze staan; of de mededeling dat de bronnen het antwoord niet "
        "geven. Er wordt geen tekst gemaakt. Plekken zijn geteld in tekens (Unicode-codepunten) van de "
        "tekst van het document: het eerste teken heeft nummer 0, en `end` hoort er niet meer bij. "
        "Verzoeken worden streng gelezen: een onbekend veld, een veld dat twee keer voorkomt, of tekst waar "
        "een getal moet staan, is een fout. Een sleutel of aanmelding is niet nodig."
    ),
    "license_info": {"name": "Apache License 2.0 (de software)", "identifier": "Apache-2.0"},
    "servers": [{"url": BASE_PATH, "description": "Deze server"}],
    "openapi_tags": [
        {"name": "answers", "description": "Vragen stellen."},
        {"name": "feedback", "description": "Zeggen of een antwoord hielp."},
        {"name": "description", "description": "Deze beschrijving."},
    ],
}
"""What the document says of the whole, as arguments of ``FastAPI``."""

IN_ENGLISH = "x-description-en"
"""The extension (OpenAPI 3.1, 4.9) that tells a reader without Dutch what the whole and each operation do."""

_WHOLE_IN_ENGLISH = (
    "Ask a question in ordinary Dutch. You get the sentences that answer it, word for word from the "
    "sources, with the place where they stand; or the message that the sources hold no answer. No text is"
    " made up. `start` and `end` count Unicode code points of the document's text, from 0; `end` is the "
    "first that is no longer part. Requests are read strictly: an unknown field, a field given twice or a"
    " value of another type is an error. No key is needed. Names of fields are English, descriptions and "
    "messages Dutch."
)
_OPERATIONS_IN_ENGLISH: Mapping[str, str] = {
    "answer": (
        "Answers a question with sentences from the sources. For a follow-up, send the earlier questions "
        "in `history`, oldest first. `status`: `answered` has at least one quote, the best first; "
        "`abstained` has none, and may cite passages about the subject; `smalltalk` was no question. With"
        " `explain` the reply says why it is what it is."
    ),
    "giveFeedback": (
        "Keeps whether an answer helped, for the editors of the sources. Personal data that is recognised is "
        "masked first; who sent it is not kept."
    ),
    "describe": "Gives this description, in OpenAPI 3.1.",
}


def contact_info(contact: Contact | None) -> dict[str, str] | None:
    """Whom to turn to, where that is set: a web address as ``url``, a mail address as ``email``."""
    if contact is None:
        return None
    info = {"name": contact.text}
    if contact.url and contact.url.startswith("mailto:"):
        info["email"] = contact.url.removeprefix("mailto:").partition("?")[0]
    elif contact.url and contact.url.startswith(("https://", "http://")):
        info["url"] = contact.url
    return info


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 description of the interface of ``app``; its paths count from ``BASE_PATH``."""
    document = app.openapi()
    paths = {
        path.removeprefix(BASE_PATH): {
            method: {**operation, IN_ENGLISH: _OPERATIONS_IN_ENGLISH[operation["operationId"]]}
            for method, operation in document["paths"][path].items()
        }
        for path in sorted(document["paths"])
    }
    sent: list[type[BaseModel]] = [AnswerRequest, ProblemBody]
    if "/feedback" in paths:
        sent.append(FeedbackRequest)
    used = {tag for path in paths.values() for operation in path.values() for tag in operation["tags"]}
    schemas = {**document["components"]["schemas"], **_schemas(sent)}
    return {
        **document,
        "info": {**document["info"], IN_ENGLISH: _WHOLE_IN_ENGLISH},
        "tags": [tag for tag in document["tags"] if tag["name"] in used],
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items())), "headers": _HEADERS, "examples": _EXAMPLES},
    }


def _schemas(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    asked: list[tuple[type[BaseModel], Literal["validation"]]] = [(model, "validation") for model in models]
    _, schemas = models_json_schema(asked, ref_template="#/components/schemas/{model}")
    return dict(schemas["$defs"])


_HEADERS: Mapping[str, Any] = {
    "API-Version": {
        "description": "De volledige versie van deze API.",
        "required": True,
        "schema": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "example": API_VERSION,
    },
    "Retry-After": {
        "description": "Na zoveel seconden kunt u het opnieuw proberen.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 30,
    },
}
_VERSION = {"API-Version": {"$ref": "#/components/headers/API-Version"}}
_VERSION_AND_WAIT = {**_VERSION, "Retry-After": {"$ref": "#/components/headers/Retry-After"}}

_EVERY_PROBLEM: Mapping[int, str] = {
    405: "Een andere methode dan die hier beschreven is.",
    500: "Er ging iets mis op de server.",
}
_PROBLEMS_OF_A_BODY: Mapping[int, str] = {
    400: "De JSON klopt niet.",
    408: "De inhoud kwam niet binnen 20 seconden helemaal aan.",
    413: "De inhoud is groter dan 128 kB.",
    415: "De inhoud is geen `application/json` in UTF-8.",
    422: "Een veld ontbreekt, is onbekend, leeg of te lang, of heeft een ander type; zie `errors`.",
    429: "Te veel verzoeken; `Retry-After` zegt hoe lang u moet wachten.",
}


def _problems(descriptions: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "description": descriptions[status],
            "headers": _VERSION_AND_WAIT if status in (429, 503) else _VERSION,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
        }
        for status in sorted(descriptions)
    }


def _sent(model: type[BaseModel], examples: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The body of a request, which the framework does not know: it is read by ``reading.py``."""
    content = {
        "schema": {"$ref": f"#/components/schemas/{model.__name__}"},
        "examples": {
            name: {"summary": summary, "value": value} for name, (summary, value) in examples.items()
        },
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


_QUESTION = "Waarvoor dient een ambtsbericht?"
_QUOTE = "Via een ambtsbericht kan het OM in stelling worden gebracht zodat het kan optreden."
_PASSAGE = (
    "Het Openbaar Ministerie (OM) geeft leiding aan (strafrechtelijke) opsporing en vervolging. Via een "
    "aantal speciaal hiertoe aangewezen Landelijke Officieren van Justitie Terrorismebestrijding onderhoudt "
    "de AIVD "
    f"contact met het OM. {_QUOTE}"
)
_ANSWER_EXAMPLE: Mapping[str, Any] = {
    "id": "61e26858c0bb2028",
    "status": "answered",
    "text": f"“{_QUOTE}”\nBron: Met wie werken wij samen? › Openbaar Ministerie",
    "quotes": [{"text": _QUOTE, "citation": 1, "start": 967, "end": 1050, "lead": None}],
    "citations": [
        {
            "number": 1,
            "document_id": "met-wie-werken-wij-samen.txt",
            "title": "Met wie werken wij samen?",
            "headings": ["Openbaar Ministerie"],
            "page": None,
            "date": None,
            "modified": None,
            "valid_from": None,
            "valid_until": None,
            "version": None,
            "publisher": "Algemene Inlichtingen- en Veiligheidsdienst (AIVD)",
            "licence": None,
            "language": "nl",
            "outdated": False,
            "identifier": None,
            "url": None,
            "original_url": None,
            "source_url": "/bronnen/met-wie-werken-wij-samen.txt?v=b4c23887&start=967&end=1050#p-737",
            "start": 737,
            "end": 1050,
            "text": _PASSAGE,
            "sha256": "b4c23887e3ca8f5a1b20ce03a18c70635ca7696f848cd56313bb64edee4a3eec",
            "highlights": [[230, 313]],
            "score": 0.94,
            "other_places": [],
            "other_place_count": 0,
        }
    ],
    "suggestions": ["Wie krijgt informatie van de AIVD?"],
    "contact": None,
    "notice": None,
}

# named here, shown in the components: the framework leaves out what is null
_EXAMPLES: Mapping[str, Any] = {"Answered": {"summary": "Een antwoord", "value": _ANSWER_EXAMPLE}}
_EXAMPLES_OF_ANSWERS = {"antwoord": {"$ref": "#/components/examples/Answered"}}

ANSWER: Mapping[str, Any] = {
    "operation_id": "answer",
    "summary": "Beantwoord een vraag met zinnen uit de bronnen",
    "description": (
        "Stuur bij een vervolgvraag de eerdere vragen mee in `history`; de antwoorden zijn niet nodig. "
        "`status` zegt wat u krijgt: `answered`: er is minstens één citaat, en het eerste is het beste; "
        "`abstained`: geen citaat, wel kunnen er vindplaatsen zijn die erover gaan; `smalltalk`: het was "
        "geen vraag."
    ),
    "tags": ["answers"],
    "response_model": AnswerBody,
    "response_description": "Een antwoord, of de mededeling dat de bronnen het niet geven.",
    "responses": {
        200: {"headers": _VERSION, "content": {"application/json": {"examples": _EXAMPLES_OF_ANSWERS}}},
        **_problems(
            {
                **_EVERY_PROBLEM,
                **_PROBLEMS_OF_A_BODY,
                503: "Er is geen index, of het is te druk; `Retry-After` zegt hoe lang u moet wachten.",
            }
        ),
    },
    "openapi_extra": _sent(
        AnswerRequest,
        {
            "vraag": ("Een vraag", {"question": _QUESTION}),
            "vervolgvraag": (
                "Een vervolgvraag",
                {"question": "En de burgemeesters?", "history": ["Wie krijgt informatie van de AIVD?"]},
            ),
            "filter": (
                "Alleen uit bronnen die sinds 2024 zijn bijgewerkt",
                {"question": _QUESTION, "filter": {"since": "2024-01-01"}},
            ),
        },
    ),
}
"""Of ``POST /answers``, as arguments of a route."""

FEEDBACK: Mapping[str, Any] = {
    "operation_id": "giveFeedback",
    "summary": "Zeg of een antwoord hielp",
    "description": (
        "De beoordeling wordt bewaard voor de redactie van de bronnen. Een BSN, e-mailadres, "
        "telefoonnummer, IBAN of postcode met huisnummer wordt vóór het bewaren onleesbaar gemaakt. Wie u "
        "bent wordt niet bewaard."
    ),
    "tags": ["feedback"],
    "status_code": 201,
    "response_model": FeedbackBody,
    "response_description": "De beoordeling is bewaard.",
    "responses": {
        201: {"headers": _VERSION},
        **_problems(
            {
                **_EVERY_PROBLEM,
                **_PROBLEMS_OF_A_BODY,
                503: "De beoordeling kon niet bewaard worden; `Retry-After` zegt hoe lang u moet wachten.",
            }
        ),
    },
    "openapi_extra": _sent(
        FeedbackRequest,
        {
            "nee": (
                "Het antwoord hielp niet",
                {
                    "question": _QUESTION,
                    "answer_id": "61e26858c0bb2028",
                    "helpful": False,
                    "reason": "te oud",
                    "comment": "Dit is sinds mei anders.",
                },
            ),
            "ja": (
                "Het antwoord hielp",
                {"question": _QUESTION, "answer_id": "61e26858c0bb2028", "helpful": True},
            ),
        },
    ),
}
"""Of ``POST /feedback``."""

DESCRIBE: Mapping[str, Any] = {
    "operation_id": "describe",
    "summary": "Geef deze beschrijving",
    "description": "Alles wat hier staat, voor programma's: in OpenAPI 3.1.",
    "tags": ["description"],
    "response_description": "De beschrijving van deze API, in OpenAPI 3.1.",
    "responses": {
        200: {"headers": _VERSION, "content": {"application/json": {"schema": {"type": "object"}}}},
        **_problems(_EVERY_PROBLEM),
    },
}
"""Of ``GET /openapi.json``."""
