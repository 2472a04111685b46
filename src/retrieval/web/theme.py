"""An operator's own style sheet (a theme of the NL Design System, for one), checked, and put on every page.

It is linked after ours and its classes stand on ``<html>``, where such a theme puts its tokens.
"""

import re
from dataclasses import dataclass
from pathlib import Path

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

_TOKEN = re.compile(
    r"""/\*.*?(?:\*/|\Z)                            # a comment
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?<![\w-])url\(\s*(?P<bare>[^\s"')][^)]*)\)  # an address without quotes
    """,
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
_IMPORT = re.compile(r"@import\b", re.IGNORECASE)
_LOADS = re.compile(r"(?<![\w-])(url|src|image-set)\(\s*$", re.IGNORECASE)
_OF_HOST = re.compile(r"(https?:)?//", re.IGNORECASE)
_NAMESPACE = re.compile(r"@namespace\b[^;]*$", re.IGNORECASE)
_CLASS = re.compile(r"\.([A-Za-z][\w-]*?-theme(?:--media-query[\w-]*)?)(?![\w-])")
_KNOWS_DARK = re.compile(r"color-scheme|light-dark\(", re.IGNORECASE)
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
    bare = _checked(css, path)
    classes = tuple(dict.fromkeys(_CLASS.findall(bare)))
    only_light = () if _KNOWS_DARK.search(bare) else (ONLY_LIGHT,)
    return Theme(asset_of(css.encode(), MEDIA_TYPES[".css"]), classes + only_light)


def _checked(css: str, path: Path) -> str:
    """The style sheet without comments and without what stands in strings and addresses."""
    parts: list[str] = []
    done = 0
    for token in _TOKEN.finditer(css):
        parts.append(css[done : token.start()])
        done = token.end()
        before = "".join(parts[-2:])
        if (string := token["string"]) is not None:
            loads = bool(_LOADS.search(before))
            names_host = bool(_OF_HOST.match(string[1:].lstrip())) and not _NAMESPACE.search(before)
            if loads or names_host:
                _check_address(string[1:-1], path)
            parts.append('""')
        elif (address := token["bare"]) is not None:
            _check_address(address, path)
            parts.append('url("")')
        else:
            parts.append(" ")
    bare = "".join([*parts, css[done:]])
    if (found := _IMPORT.search(bare)) is not None:
        raise _refusal(path, f"has {found[0]}", "put what it imports in the file itself")
    return bare


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
