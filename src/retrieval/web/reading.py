"""Reads the body of a request: JSON that everyone reads in the same way, then its fields.

What JSON leaves open (a key twice, NaN) is an error.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from retrieval.web.bodies import FieldError, FilterBody, RequestBody

Asked = TypeVar("Asked", bound=RequestBody)

_PARAMETER = re.compile(r';\s*([^\s;="]+)=("[^"]*"|[^\s;"]*)')


class MalformedJsonError(ValueError):
    """A body is not the JSON that everyone reads in the same way."""


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


def read_request(model: type[Asked], body: Any) -> Asked | list[FieldError]:
    """The request that a JSON value holds, or what is wrong with it, field by field."""
    try:
        asked = model.model_validate(body)
    except ValidationError as error:
        return [_field_error(model, detail) for detail in error.errors()]
    return asked.limits_passed() or asked


def _field_error(model: type[RequestBody], error: ErrorDetails) -> FieldError:
    field = ".".join(str(part) for part in error["loc"])
    match error["type"]:
        case "missing":
            detail = f"Het veld {field!r} ontbreekt."
        case "extra_forbidden":
            asked = FilterBody if error["loc"][0] == "filter" and len(error["loc"]) > 1 else model
            known = _listed(list(asked.model_fields), "of")
            detail = f"Het veld {_shortened(field)!r} bestaat niet; gebruik {known}."
        case "string_type":
            detail = f"Het veld {field!r} moet tekst zijn."
        case "bool_type":
            detail = f"Het veld {field!r} moet true of false zijn."
        case "list_type":
            what = "teksten" if field.startswith("filter.") else "vragen"
            detail = f"Het veld {field!r} moet een lijst van {what} zijn."
        case "model_type" if field:
            detail = f"Het veld {field!r} moet een object zijn."
        case "model_type":
            needed = [name for name, field in model.model_fields.items() if field.is_required()]
            which = "het veld" if len(needed) == 1 else "de velden"
            detail = f"Stuur een JSON-object met {which} {_listed(needed, 'en')}."
        case _:
            detail = f"Het veld {_shortened(field)!r} klopt niet."
    return {"field": _shortened(field), "detail": detail}


def _listed(names: Sequence[str], word: str) -> str:
    """The names in quotation marks, with ``word`` before the last."""
    *first, last = (f"'{name}'" for name in names)
    return f"{', '.join(first)} {word} {last}" if first else last


def _shortened(field: str) -> str:
    return field if len(field) <= 40 else f"{field[:40]}…"


def is_json(content_type: str) -> bool:
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
