"""The files of ``static/``, the widget made of three of them, and how both are sent.

Everything is read, compressed and hashed once, at the start.
"""

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256, sha384
from importlib.resources import files
from itertools import product
from pathlib import Path
from string import ascii_letters

from fastapi import APIRouter, FastAPI, HTTPException
from starlette.requests import Request
from starlette.responses import Response

STATIC_PATH = "/vraagbaak"
"""Where the files of ``static/`` are served."""

KEPT = "public, max-age=31536000, immutable"
"""For an address that holds the hash of what it gives: a browser keeps that a year and asks no more."""

REFRESHED = "public, max-age=300"
"""For an address that stays: what is new there is seen within five minutes."""

AS_IS = "identity"
"""What HTTP calls a body that is not compressed."""

MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Of the files that are served; others in the folder are not."""

_WIDGET = """// Vraagbaak widget. SPDX-License-Identifier: Apache-2.0
(() => {{
"use strict";
const STYLE = {style};
const VERSION = "{version}";
const TAKES_FEEDBACK = {takes_feedback};
{personal_data}
{element}
}})();
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; ``bodies`` by Content-Encoding, the one preferred first, ``identity`` last."""

    media_type: str
    digest: str
    bodies: Mapping[str, bytes]

    @property
    def version(self) -> str:
        """What stands for the content in an address: 8 hexadecimal digits of its sha256."""
        return self.digest[:8]

    @property
    def content(self) -> bytes:
        """The file itself."""
        return self.bodies[AS_IS]

    @property
    def integrity(self) -> str:
        """What a browser compares the file with before it runs it (Subresource Integrity)."""
        return f"sha384-{b64encode(sha384(self.content).digest()).decode()}"


@dataclass(frozen=True, slots=True)
class Widget:
    """The script of the widget; ``version`` is the one that it says it is."""

    asset: Asset
    version: str

    @property
    def path(self) -> str:
        """The address of this very version."""
        return f"/widget-{self.version}.js"


def static_folder() -> Path:
    """Where the files lie."""
    return Path(str(files("retrieval.web"))) / "static"


@cache
def static_url(name: str) -> str:
    """The address of a file of ``static/``; it changes with the file, so that browsers may keep it."""
    content = (static_folder() / name).read_bytes()
    return f"{STATIC_PATH}/{name}?v={sha256(content).hexdigest()[:8]}"


def add_static_files(app: FastAPI, more: Mapping[str, Asset]) -> None:
    """Serve the files of ``static/``, and ``more`` by name.

    They are kept for a year where the address names this version.
    """
    assets = dict(more) | {
        path.name: asset_of(path.read_bytes(), MEDIA_TYPES[path.suffix])
        for path in static_folder().iterdir()
        if path.suffix in MEDIA_TYPES
    }
    router = APIRouter(prefix=STATIC_PATH, include_in_schema=False)

    @router.get("/{name}")
    async def static_file(name: str, request: Request) -> Response:
        if name not in assets:
            raise HTTPException(404)
        asset = assets[name]
        is_current = request.query_params.get("v") == asset.version
        return asset_response(asset, request, KEPT if is_current else REFRESHED)

    app.include_router(router)


def assemble_widget(folder: Path, takes_feedback: bool) -> Widget:
    """The widget as one script: its style and the check for personal data stand in it.

    So it loads nothing more, and a site's own policy need not let it. Comments and indents are left out, and
    names that only the element knows are short. ``version`` is that of all but itself.
    """
    from rcssmin import cssmin  # type: ignore[import-untyped]
    from rjsmin import jsmin  # type: ignore[import-untyped]

    def source(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    parts = {
        "takes_feedback": json.dumps(takes_feedback),
        "style": json.dumps(cssmin(source("widget.css")), ensure_ascii=False),
        "personal_data": jsmin(source("persoonsgegevens.js")),
        "element": _with_short_names(jsmin(source("widget.js"))),
    }
    version = sha256(_WIDGET.format(version="", **parts).encode()).hexdigest()[:8]
    script = _WIDGET.format(version=version, **parts)
    return Widget(asset_of(script.encode(), MEDIA_TYPES[".js"]), version)


def _with_short_names(script: str) -> str:
    """A script whose private members (``#name``) and constants (``NAME``) have names of a letter or two."""
    private = dict.fromkeys(re.findall(r"(?<=this\.)#[a-z]\w*", script))
    constants = dict.fromkeys(re.findall(r"(?<=const )[A-Z][A-Z_]{2,}(?==)", script))
    names = [*ascii_letters, *map("".join, product(ascii_letters, repeat=2))]
    short = {name: f"#{new}" for name, new in zip(private, names, strict=False)}
    short |= {name: f"${new}" for name, new in zip(constants, names, strict=False)}
    return re.sub(r"#[a-z]\w*|\b[A-Z][A-Z_]{2,}\b", lambda found: short.get(found[0], found[0]), script)


def asset_of(content: bytes, media_type: str) -> Asset:
    """A file with what it is compressed; a form that is no smaller is left out."""
    import brotli  # type: ignore[import-untyped]

    bodies = {"br": brotli.compress(content), "gzip": gzip.compress(content, 9, mtime=0)}
    smaller = {encoding: body for encoding, body in bodies.items() if len(body) < len(content)}
    return Asset(media_type, sha256(content).hexdigest(), {**smaller, AS_IS: content})


def asset_response(asset: Asset, request: Request, cache_control: str) -> Response:
    """The file in the best form that the browser takes, or 304 where it has it already."""
    # weak: one tag for what is the same file in another form (RFC 9110, 8.8.1)
    tag = f'W/"{asset.digest[:16]}"'
    headers = {"ETag": tag, "Vary": "Accept-Encoding", "Cache-Control": cache_control}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    taken = set(_accepted(request.headers.get("accept-encoding", "")))
    encoding = next((encoding for encoding in asset.bodies if encoding in taken), AS_IS)
    if encoding != AS_IS:
        headers["Content-Encoding"] = encoding
    return Response(asset.bodies[encoding], media_type=asset.media_type, headers=headers)


def _has(if_none_match: str, tag: str) -> bool:
    known = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return "*" in known or tag.removeprefix("W/") in known


def _accepted(accept_encoding: str) -> Iterator[str]:
    """The encodings that are named with any weight but zero."""
    for part in accept_encoding.lower().split(","):
        encoding, _, weight = part.replace(" ", "").partition(";q=")
        if weight.strip("0.") or not weight:
            yield encoding
