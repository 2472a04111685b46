import gzip
import re
from base64 import b64encode
from hashlib import sha256, sha384
from pathlib import Path

import brotli
import httpx
import pytest

from retrieval.web.assets import assemble_widget, asset_of, static_folder, static_url

pytestmark = pytest.mark.anyio

MOST_OF_WIDGET = 12_000
"""Bytes, gzipped: what the widget may cost the pages that it stands on."""

STYLE = ':host { content: "“\\\\"; }\n'
PERSONAL_DATA = "function personalData(text) {\n  return [];\n}\n"
ELEMENT = "const shown = STYLE;\n"


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    (tmp_path / "widget.css").write_text(STYLE, encoding="utf-8")
    (tmp_path / "persoonsgegevens.js").write_text(PERSONAL_DATA, encoding="utf-8")
    (tmp_path / "widget.js").write_text(ELEMENT, encoding="utf-8")
    return tmp_path


def test_the_widget_is_put_together_in_this_form(parts: Path) -> None:
    widget = assemble_widget(parts, takes_feedback=True)
    assert widget.asset.content.decode() == (
        "// Vraagbaak widget. SPDX-License-Identifier: Apache-2.0\n"
        "(() => {\n"
        '"use strict";\n'
        r'const STYLE = ":host{content:\"“\\\\\"}";'
        "\n"
        f'const VERSION = "{widget.version}";\n'
        "const TAKES_FEEDBACK = true;\n"
        "function personalData(text){return[];}\n"
        "const shown=STYLE;\n"
        "})();\n"
    )
    assert re.fullmatch("[0-9a-f]{8}", widget.version)
    assert widget.path == f"/widget-{widget.version}.js"


def test_names_that_only_the_element_knows_are_short(parts: Path) -> None:
    (parts / "widget.js").write_text(
        "const WIDE = 60;\nconst narrow = 6;\nclass A {\n  #size = WIDE;\n  #grow() {}\n  get size() {\n"
        '    this.#grow();\n    return this.#size + narrow + "#fff" + STYLE;\n  }\n}\n',
        encoding="utf-8",
    )
    script = assemble_widget(parts, takes_feedback=True).asset.content.decode()
    assert script.splitlines()[-3:-1] == [
        "const $a=60;const narrow=6;class A{#b=$a;#a(){}",
        'get size(){this.#a();return this.#b+narrow+"#fff"+STYLE;}}',
    ]


@pytest.mark.parametrize(
    ("name", "more"), [("widget.css", "a{}"), ("persoonsgegevens.js", "let a;"), ("widget.js", "let a;")]
)
def test_the_version_is_another_when_a_part_is(parts: Path, name: str, more: str) -> None:
    before = assemble_widget(parts, takes_feedback=True).version
    assert assemble_widget(parts, takes_feedback=True).version == before
    (parts / name).write_text((parts / name).read_text(encoding="utf-8") + more, encoding="utf-8")
    assert assemble_widget(parts, takes_feedback=True).version != before


def test_the_widget_is_small() -> None:
    content = assemble_widget(static_folder(), takes_feedback=True).asset.content
    assert len(gzip.compress(content, 9)) <= MOST_OF_WIDGET


async def test_the_widget_is_found_at_both_addresses(client: httpx.AsyncClient) -> None:
    newest = await client.get("/widget.js")
    assert newest.headers["content-type"] == "text/javascript; charset=utf-8"
    assert newest.headers["cache-control"] == "public, max-age=300"
    version = re.search('const VERSION = "([0-9a-f]{8})";', newest.text)
    assert version is not None
    current = await client.get(f"/widget-{version[1]}.js")
    assert current.content == newest.content
    assert current.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_an_older_address_gives_the_widget_of_now_unkept(
    client: httpx.AsyncClient,
) -> None:
    older = await client.get("/widget-0123abcd.js")
    assert older.content == (await client.get("/widget.js")).content
    assert older.headers["cache-control"] == "no-cache"
    assert (await client.get("/widget-nope.js")).status_code == 404


CONTENT = b"p { margin: 0; }\n" * 100


def test_each_form_is_the_file_and_no_form_is_larger() -> None:
    asset = asset_of(CONTENT, "text/css")
    assert list(asset.bodies) == ["br", "gzip", "identity"]
    assert brotli.decompress(asset.bodies["br"]) == CONTENT
    assert gzip.decompress(asset.bodies["gzip"]) == CONTENT
    assert asset.version == sha256(CONTENT).hexdigest()[:8]
    assert asset.integrity == f"sha384-{b64encode(sha384(CONTENT).digest()).decode()}"
    assert asset_of(b"p{}", "text/css").bodies == {"identity": b"p{}"}


SERVED = ("/widget.js", "/vraagbaak/bronnen.css", "/vraagbaak/chat.js", "/vraagbaak/icoon.svg")


@pytest.mark.parametrize("path", SERVED)
@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.000, gzip;q=0", None),
        ("identity", None),
        ("", None),
        ("deflate", None),
    ],
)
async def test_a_file_comes_in_the_form_that_is_taken(
    client: httpx.AsyncClient, path: str, accepted: str, encoding: str | None
) -> None:
    plain = await client.get(path, headers={"accept-encoding": "identity"})
    response = await client.get(path, headers={"accept-encoding": accepted})
    assert response.headers.get("content-encoding") == encoding
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.content == plain.content  # httpx has unpacked it
    assert (int(response.headers["content-length"]) < len(plain.content)) == (encoding is not None)


@pytest.mark.parametrize("path", SERVED)
async def test_what_a_browser_has_is_not_sent_again(client: httpx.AsyncClient, path: str) -> None:
    first = await client.get(path)
    tag = first.headers["etag"]
    for known in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = await client.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "vary", "cache-control", "cross-origin-resource-policy"):
            assert again.headers[name] == first.headers[name]
    other = await client.get(path, headers={"if-none-match": 'W/"other"'})
    assert other.status_code == 200


async def test_a_static_file_is_kept_for_a_year_at_the_address_of_its_version_alone(
    client: httpx.AsyncClient,
) -> None:
    kept = await client.get(static_url("bronnen.css"))
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-type"] == "text/css; charset=utf-8"
    for address in ("/vraagbaak/bronnen.css", "/vraagbaak/bronnen.css?v=00000000"):
        assert (await client.get(address)).headers["cache-control"] == "public, max-age=300"


async def test_there_is_no_way_out_of_the_folder(client: httpx.AsyncClient) -> None:
    for path in ("/vraagbaak/..%2fassets.py", "/vraagbaak/%2e%2e", "/vraagbaak/", "/vraagbaak/nope.css"):
        assert (await client.get(path)).status_code == 404
