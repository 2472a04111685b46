"""The page ``/api``: the OpenAPI description for people to read, made from the document itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from retrieval.web.openapi import IN_ENGLISH, openapi_document
from retrieval.web.pages import own_address, render_page

_KINDS: Mapping[str, str] = {
    "string": "tekst",
    "integer": "geheel getal",
    "number": "getal",
    "boolean": "true of false",
    "object": "object",
    "null": "null",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body; ``link`` names the schema that its kind speaks of, or is empty."""

    name: str
    kind: str
    link: str
    is_required: bool
    limits: str
    description: str


@dataclass(frozen=True, slots=True)
class Schema:
    """A body, or a part of one."""

    name: str
    description: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A request, as a command and as a program."""

    summary: str
    curl: str
    python: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A response: its status, media type, the schema of its body, and headers worth knowing."""

    status: str
    description: str
    media_type: str
    link: str
    headers: tuple[str, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """What can be asked; ``takes`` names the schema of the body, or is empty."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    in_english: str
    takes: str
    examples: tuple[Example, ...]
    outcomes: tuple[Outcome, ...]


def add_reference(app: FastAPI) -> None:
    """Serve the page from ``app``."""

    @app.get("/api", include_in_schema=False)
    def show_reference(request: Request) -> HTMLResponse:
        html = reference_html(openapi_document(app), own_address(request))
        # the address in it is what this request called the host: nobody may keep that for others
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})


def reference_html(document: Mapping[str, Any], address: str) -> str:
    """The page of an OpenAPI document; its examples send to ``address``."""
    return render_page(
        "api.html",
        info=document["info"],
        in_english=document["info"].get(IN_ENGLISH, ""),
        base=document["servers"][0]["url"],
        operations=operations_of(document, address),
        schemas=schemas_of(document),
        headers=document["components"]["headers"],
    )


def operations_of(document: Mapping[str, Any], address: str) -> tuple[Operation, ...]:
    """Every operation, in the order of the document, with examples that send to ``address``."""
    base = document["servers"][0]["url"]
    return tuple(
        Operation(
            operation["operationId"],
            method.upper(),
            f"{base}{path}",
            operation["summary"],
            operation.get("description", ""),
            operation.get(IN_ENGLISH, ""),
            _link(_sent(operation).get("schema", {})),
            _examples(f"{address}{base}{path}", _sent(operation).get("examples", {})),
            tuple(_outcome(document, *told) for told in operation["responses"].items()),
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )


def schemas_of(document: Mapping[str, Any]) -> tuple[Schema, ...]:
    """Every schema, by name."""
    return tuple(
        Schema(name, schema.get("description", ""), _fields(schema))
        for name, schema in document["components"]["schemas"].items()
    )


def kind_of(schema: Mapping[str, Any]) -> str:
    """The type of a value in Dutch; of a part with a name, that name."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " of ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if "anyOf" in schema:
        return " of ".join(kind_of(option) for option in schema["anyOf"])
    if "prefixItems" in schema:
        return f"lijst van {' en '.join(kind_of(item) for item in schema['prefixItems'])}"
    if schema.get("type") == "array":
        return f"lijst van: {kind_of(schema['items'])}"
    return _KINDS[schema["type"]]


def limits_of(schema: Mapping[str, Any]) -> str:
    """The limits of a value in Dutch, and of the items of a list; empty where there are none."""
    told = [
        _between(schema.get("minLength"), schema.get("maxLength"), "tekens"),
        _between(schema.get("minItems"), schema.get("maxItems"), "stuks"),
        _between(schema.get("minimum"), schema.get("maximum"), ""),
    ]
    items = schema.get("items", {})
    if "maxLength" in items:
        told.append(f"elk {_between(items.get('minLength'), items['maxLength'], 'tekens')}")
    return ", ".join(part for part in told if part)


def _between(least: float | None, most: float | None, unit: str) -> str:
    if least is None and most is None:
        return ""
    if least is None:
        return f"hoogstens {most} {unit}".strip()
    if most is None:
        return f"minstens {least} {unit}".strip()
    return f"{least} tot {most} {unit}".strip()


def _fields(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    required = schema.get("required", ())
    return tuple(
        Field(
            name,
            kind_of(field),
            _link(field),
            name in required,
            limits_of(field),
            field.get("description", ""),
        )
        for name, field in schema.get("properties", {}).items()
    )


def _link(schema: Mapping[str, Any]) -> str:
    """The name of the first schema that is referred to, or nothing."""
    options: Sequence[Mapping[str, Any]] = schema.get("anyOf", [])
    inner = [schema, schema.get("items", {}), *options]
    return next((part["$ref"].rpartition("/")[2] for part in inner if "$ref" in part), "")


def _sent(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    content: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    body: Mapping[str, Any] = content.get("application/json", {})
    return body


def _examples(url: str, examples: Mapping[str, Any]) -> tuple[Example, ...]:
    if not examples:
        return (Example("", f"curl {url}", _program(url, "")),)
    return tuple(
        Example(one["summary"], _command(url, one["value"]), _program(url, repr(one["value"])))
        for one in examples.values()
    )


def _command(url: str, value: Any) -> str:
    body = json.dumps(value, ensure_ascii=False).replace("'", "'\\''")
    return f"curl {url} \\\n  --header 'Content-Type: application/json' \\\n  --data '{body}'"


def _program(url: str, value: str) -> str:
    lines = ["import json", "from urllib.request import Request, urlopen", ""]
    if value:
        lines += [
            f"body = {value}",
            f'request = Request("{url}", json.dumps(body).encode())',
            'request.add_header("Content-Type", "application/json")',
        ]
    else:
        lines.append(f'request = Request("{url}")')
    return "\n".join([*lines, "with urlopen(request) as response:", "    print(json.load(response))"])


def _outcome(document: Mapping[str, Any], status: str, response: Mapping[str, Any]) -> Outcome:
    ((media_type, content),) = response["content"].items()
    example = next(iter(content.get("examples", {}).values()), None)
    return Outcome(
        status,
        response["description"],
        media_type,
        _link(content["schema"]),
        tuple(response["headers"]),
        ""
        if example is None
        else json.dumps(_resolved(document, example)["value"], ensure_ascii=False, indent=2),
    )


def _resolved(document: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in part:
        return part
    found: Any = document
    for key in part["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return dict(found)
