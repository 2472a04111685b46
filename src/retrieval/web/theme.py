"""An operator's own style sheet (a theme of the NL Design System, for one), checked, and put on every page.

It is linked after ours and its classes stand on ``<html>``, where such a theme puts its tokens.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from retrieval.errors import SettingsError
from retrieval.web.assets import MEDIA_TYPES, STATIC_PATH, Asset, asset_of

THEME_NAME = "thema.css"
"""What the style sheet is called where it is served, whatever its file is called."""

MOST_BYTES = 1024 * 1024
"""Bytes of a theme; the largest of the NL Design System that were looked at have 0.2 MB."""

ONLY_LIGHT = "vb-licht"
"""The class for a theme without colours for the dark; kleuren.css then keeps to the light ones."""

_LOADING = ("url", "src", "image", "image-set", "-webkit-image-set", "cross-fade", "-webkit-cross-fade")
"""Functions of CSS whose strings are addresses."""

_CLASS = re.compile(r"[A-Za-z][\w-]*?-theme(?:--media-query[\w-]*)?")
_HTML_TAG = re.compile(r"<html\b")
_HEAD_END = "</head>"


@dataclass(frozen=True, slots=True)
class Theme:
    """A style sheet as it is served; ``classes`` are what its rules expect on ``<html>``."""

    asset: Asset
    classes: tuple[str, ...]

    @property
    def url(self) -> str:
        """Its address, which changes with it."""
        return f"{STATIC_PATH}/{THEME_NAME}?v={self.asset.version}"

    def put_on(self, html: str) -> str:
        """The page with the classes and, after the style sheets that it has, a link to this one."""
        link = f'<link rel="stylesheet" href="{self.url}">\n'
        html = html.replace(_HEAD_END, link + _HEAD_END, 1)
        if not self.classes:
            return html
        return _HTML_TAG.sub(f'<html class="{" ".join(self.classes)}"', html, count=1)


def load_theme(path: Path) -> Theme:
    """Read and check a style sheet.

    Raises SettingsError where it cannot be read, is too large, or would load something that is not in it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror}", "name a CSS file") from error
    if len(content) > MOST_BYTES:
        found = f"has {len(content)} bytes, expected at most {MOST_BYTES}"
        raise _refusal(path, found, "leave out what is not about tokens, such as embedded fonts and pictures")
    try:
        css = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(path, f"is not UTF-8 at byte {error.start}", "save it as UTF-8") from error
    tokens = list(_tokens(css))
    for token in tokens:
        _check(token, path)
    classes = tuple(dict.fromkeys(_classes(tokens)))
    only_light = () if any(_tells_of_dark(token) for token in tokens) else (ONLY_LIGHT,)
    return Theme(asset_of(css.encode(), MEDIA_TYPES[".css"]), classes + only_light)


def _tokens(css: str) -> Iterator[Any]:
    """Every token of a style sheet in order, a block before what stands in it, without comments."""
    import tinycss2  # type: ignore[import-untyped]

    waiting = tinycss2.parse_component_value_list(css, skip_comments=True)[::-1]
    while waiting:
        token = waiting.pop()
        yield token
        waiting += _inside(token)[::-1]


def _inside(token: Any) -> list[Any]:
    return list(token.arguments if token.type == "function" else getattr(token, "content", None) or ())


def _check(token: Any, path: Path) -> None:
    """Raises SettingsError where the token loads what is not in the file."""
    match token.type:
        case "at-keyword" if token.lower_value == "import":
            raise _refusal(path, f"has @{token.value}", "put what it imports in the file itself")
        case "url":
            _check_address(token.value, path)
        case "function" if token.lower_name in _LOADING:
            for inner in _inside(token):
                if inner.type == "string":
                    _check_address(inner.value, path)
                elif inner.type == "function" and inner.lower_name == "var":
                    _check_address(f"var() in {token.name}()", path)


def _classes(tokens: Sequence[Any]) -> Iterator[str]:
    for dot, name in pairwise(tokens):
        if dot == "." and name.type == "ident" and _CLASS.fullmatch(name.value):
            yield name.value


def _tells_of_dark(token: Any) -> bool:
    if token.type == "function":
        return bool(token.lower_name == "light-dark")
    return token.type == "ident" and "color-scheme" in token.lower_value


def _check_address(address: str, path: Path) -> None:
    if not address.strip().lower().startswith(("data:", "#")):
        raise _refusal(
            path,
            f"loads {address.strip()[:80]!r}, expected data: addresses alone",
            "leave that rule out, or put the picture or font in the file as data:",
        )


def _refusal(path: Path, found: str, advice: str) -> SettingsError:
    return SettingsError(f"theme {path} {found}; {advice}, or unset VRAAGBAAK_THEME")


def themed(send: Send, theme: Theme) -> Send:
    """Sends on what it gets, pages with the theme put on."""
    start: Message | None = None
    body = bytearray()

    async def sender(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                start = message  # held back until the page is whole
                return
        if start is None:
            await send(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body", False):
            return
        page = theme.put_on(body.decode()).encode()
        headers = MutableHeaders(scope=start)
        if page:
            headers["content-length"] = str(len(page))
        else:  # the answer to HEAD
            del headers["content-length"]
        await send(start)
        await send({"type": "http.response.body", "body": page})

    return sender
