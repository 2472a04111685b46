"""Light pages made on the server: Jinja2 templates with everything escaped, no JavaScript."""

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request

from retrieval.provenance_text import dutch_date, origin, validity
from retrieval.web.assets import static_url

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


def render_page(template: str, **values: Any) -> str:
    """The template of ``templates/`` filled in; a value that it names and does not get is an error."""
    return _environment().get_template(template).render(**values)


def own_address(request: Request) -> str:
    """What the visitor calls this server; where the Host header is no host, what it listens at."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        name, port = request.scope.get("server") or ("localhost", None)
        host = name if port is None else f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    return f"{request.scope['scheme']}://{host}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("retrieval.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static_url"] = static_url
    environment.filters |= {"datum": dutch_date, "herkomst": origin, "geldigheid": validity}
    return environment
