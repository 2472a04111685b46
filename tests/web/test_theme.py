import re
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from three_sentences import ThreeSentences
from web_serving import client_of

from retrieval.errors import SettingsError
from retrieval.settings import Settings
from retrieval.web.assets import static_folder
from retrieval.web.server import create_app
from retrieval.web.theme import MOST_BYTES, load_theme, themed

THEME = """@charset "utf-8";
@namespace svg "http://www.w3.org/2000/svg";
/* .not-this-theme is a comment, and so is @import "x.css"; */
.voorbeeld-theme, .ander-theme.voorbeeld-theme { --utrecht-link-color: #a00; }
@media (prefers-color-scheme: dark) {
  .voorbeeld-theme--media-query-color-scheme { --utrecht-link-color: #faa; }
}
.voorbeeld-theme--dark, .themed, .voorbeeld-themes { --utrecht-link-color: #fbb; }
.icon {
  background: url("data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>"), url(data:,a);
}
.icon::after { content: ".quoted-theme"; filter: url(#soft); }
"""


def theme_file(folder: Path, css: str) -> Path:
    """A file with this style sheet."""
    path = folder / "huisstijl.css"
    path.write_text(css, encoding="utf-8")
    return path


def test_the_classes_of_the_rules_are_found(tmp_path: Path) -> None:
    theme = load_theme(theme_file(tmp_path, THEME))
    assert theme.classes == (
        "voorbeeld-theme",
        "ander-theme",
        "voorbeeld-theme--media-query-color-scheme",
    )
    assert theme.asset.content.decode() == THEME
    assert re.fullmatch(r"/vraagbaak/thema\.css\?v=[0-9a-f]{8}", theme.url)


@pytest.mark.parametrize(
    ("css", "classes"),
    [
        (":root { --utrecht-link-color: red }", ("vb-licht",)),
        (":root { color-scheme: dark }", ()),
        (":root { --utrecht-link-color: light-dark(red, pink) }", ()),
        (".a-theme { color: red } /* color-scheme: dark */", ("a-theme", "vb-licht")),
    ],
)
def test_a_theme_without_colours_for_the_dark_stays_light(
    tmp_path: Path, css: str, classes: tuple[str, ...]
) -> None:
    assert load_theme(theme_file(tmp_path, css)).classes == classes


@pytest.mark.parametrize(
    ("css", "told"),
    [
        ('@import "other.css";', "has @import; put what it imports in the file itself"),
        ("@IMPORT url(data:text/css,a);", "has @IMPORT"),
        ("a { background: url(https://cdn.example/a.png) }", "loads 'https://cdn.example/a.png'"),
        ("a { background: URL( '//cdn.example/a.png' ) }", "loads '//cdn.example/a.png'"),
        (r"a { background: \75rl(http://x.example/) }", "loads 'http://x.example/'"),
        ('a { content: "\nbackground: url(http://x.example/)', "loads 'http://x.example/'"),
        ('a { background: image-set(url(data:,a) 1x, "rel.png" 2x) }', "loads 'rel.png'"),
        ('a { --b: "/x"; background: image-set(var(--b) 1x) }', "loads 'var() in image-set()'"),
        ("((((( a { background: url(a.png) }", "loads 'a.png'"),
        ("a { background: url(../a.png) }", "loads '../a.png', expected data: addresses alone"),
        ('a { background: image-set("data:x" 1x, "https://b.example" 2x) }', "loads 'https://b.example'"),
        ('@font-face { src: src("a.woff2") }', "loads 'a.woff2'"),
        ('a { content: "/*"; background: url(//x.example) } /* */', "loads '//x.example'"),
    ],
)
def test_what_would_load_something_is_refused(tmp_path: Path, css: str, told: str) -> None:
    path = theme_file(tmp_path, css)
    with pytest.raises(SettingsError) as refused:
        load_theme(path)
    assert f"theme {path} {told}" in str(refused.value)
    assert str(refused.value).endswith(", or unset VRAAGBAAK_THEME")


def test_a_file_that_is_no_style_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file or directory; name a CSS file"):
        load_theme(tmp_path / "none.css")
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load_theme(tmp_path)
    path = tmp_path / "theme.css"
    path.write_bytes(b"a { content: '\xe9' }")
    with pytest.raises(SettingsError, match="is not UTF-8 at byte 14; save it as UTF-8"):
        load_theme(path)
    path.write_bytes(b" " * MOST_BYTES)
    assert load_theme(path).classes == ("vb-licht",)
    path.write_bytes(b" " * (MOST_BYTES + 1))
    with pytest.raises(SettingsError, match="has 1048577 bytes, expected at most 1048576"):
        load_theme(path)


@settings(deadline=None)  # it writes files
@given(st.text(alphabet="/*'\"\\()url@import;.a-theme{}:# \n"))
def test_any_text_is_a_theme_or_refused(tmp_path_factory: pytest.TempPathFactory, css: str) -> None:
    path = theme_file(tmp_path_factory.getbasetemp(), css)
    try:
        theme = load_theme(path)
    except SettingsError:
        return
    assert all(re.fullmatch(r"[\w-]+", name) for name in theme.classes)


@pytest.mark.parametrize("css", ["url(" * 200_000, '"\\' * 200_000, "(" * 200_000, ".a-theme" * 100_000])
def test_a_large_theme_of_any_kind_is_read(tmp_path: Path, css: str) -> None:
    assert len(load_theme(theme_file(tmp_path, css)).classes) <= 2


def test_an_address_that_is_only_shown_is_no_address(tmp_path: Path) -> None:
    load_theme(theme_file(tmp_path, 'a::after { content: "https://www.gemeente.example" }'))


def test_every_colour_of_the_pages_has_a_name_and_a_value() -> None:
    neutral = (static_folder() / "kleuren.css").read_text(encoding="utf-8")
    defined = set(re.findall(r"^\s*(--[a-z0-9-]+):", neutral, re.MULTILINE))
    used: set[str] = set()
    for name in ("kleuren.css", "bronnen.css", "chat.css", "api.css"):
        used |= set(re.findall(r"var\((--[a-z0-9-]+)", (static_folder() / name).read_text(encoding="utf-8")))
    assert used == defined
    assert all(name.startswith(("--utrecht-", "--vraagbaak-")) for name in defined)


PAGES = {
    "/": 200,
    "/bronnen": 200,
    "/bronnen/over%20ons/gemeentehuis.txt": 200,
    "/bronnen/none": 404,
    "/widget": 200,
    "/api": 200,
}
"""Every kind of page, with its status."""


@pytest.mark.anyio
async def test_every_page_has_the_theme_and_nothing_else_has(tmp_path: Path) -> None:
    path = theme_file(tmp_path, THEME)
    theme = load_theme(path)
    app = create_app(ThreeSentences(), Settings(rate_limit="off", theme=path))
    async with client_of(app) as client:
        for page, status in PAGES.items():
            response = await client.get(page)
            assert response.status_code == status
            links = re.findall(r'<link rel="stylesheet" href="(/vraagbaak/[^"]+)"', response.text)
            assert links[0].startswith("/vraagbaak/kleuren.css")
            assert links[-1] == theme.url
            assert f'<html class="{" ".join(theme.classes)}"' in response.text
            assert int(response.headers["content-length"]) == len(response.content)
            assert "default-src" in response.headers["content-security-policy"]
            head = await client.head(page)
            assert (head.status_code, head.content) == (response.status_code, b"")
        served = await client.get(theme.url)
        assert served.text == THEME
        assert served.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "thema.css" not in (await client.get("/widget.js")).text


@pytest.mark.anyio
async def test_without_a_theme_there_is_none(client: httpx.AsyncClient) -> None:
    assert "thema.css" not in (await client.get("/bronnen")).text
    assert (await client.get("/vraagbaak/thema.css")).status_code == 404


def in_pieces(content: bytes, media_type: bytes) -> ASGIApp:
    """Sends ``content`` a byte at a time."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", media_type)]})
        for byte in content:
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


@pytest.mark.anyio
async def test_a_page_in_pieces_is_dressed_once_it_is_whole_and_a_stream_runs_on(tmp_path: Path) -> None:
    theme = load_theme(theme_file(tmp_path, ".a-theme { color-scheme: light }"))
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    page = "<html><head></head>é</html>".encode()
    await in_pieces(page, b"text/html; charset=utf-8")({}, nothing, themed(send, theme))
    link = f'<link rel="stylesheet" href="{theme.url}">\n'
    whole = f'<html class="a-theme"><head>{link}</head>é</html>'.encode()
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[1]["body"] == whole
    assert (b"content-length", str(len(whole)).encode()) in sent[0]["headers"]
    sent.clear()
    await in_pieces(b"abc", b"text/event-stream")({}, nothing, themed(send, theme))
    assert [message.get("body") for message in sent] == [None, b"a", b"b", b"c", b""]
