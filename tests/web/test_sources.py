import re
from contextlib import nullcontext
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from three_sentences import (
    DOCUMENT,
    FILLING,
    OLD_DOCUMENT,
    OPEN,
    PASSAGES,
    PASSPORT,
    SUNDAY,
    TABULAR_DOCUMENT,
    TEXT,
    ThreeSentencesIndex,
    ThreeSentencesStore,
    document_of,
    passages_of,
)
from web_serving import client_of

from retrieval.records import Anchor, Block, BlockKind, Document, Passage, Provenance, Span
from retrieval.store import DocumentEntry
from retrieval.web.security import Guard
from retrieval.web.source_page import shown_blocks
from retrieval.web.sources import (
    BAD_PLACE,
    OLDER_TEXT,
    QUOTE_NOT_FOUND,
    QUOTE_STANDS,
    TEXT_CHANGED,
    add_sources,
    identifier,
    original_url,
    read_place,
    source_path,
)

pytestmark = pytest.mark.anyio

PAGE = "/bronnen/over%20ons/gemeentehuis.txt"
VERSION = DOCUMENT.sha256[:8]
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
BLOCKS = {*HEADINGS, "p", "pre", "li", "tr"}


class Outline(HTMLParser):
    """What a page says: the text of each block of its article, its marks, its anchors and its headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.blocks: list[str] = []
        self.marked: list[str] = []
        self.ids: list[str] = []
        self.headings: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("meta", "link", "img"):
            return
        self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if "article" in self.open and tag in BLOCKS:
            self.blocks.append("")
        if tag in HEADINGS:
            self.headings.append((tag, ""))
        if tag == "mark":
            self.marked.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "the page is not well formed"

    def handle_data(self, data: str) -> None:
        if "article" in self.open and BLOCKS.intersection(self.open):
            self.blocks[-1] += data
        if HEADINGS.intersection(self.open):
            self.headings[-1] = (self.headings[-1][0], self.headings[-1][1] + data)
        if "mark" in self.open:
            self.marked[-1] += data


async def outline_of(client: httpx.AsyncClient, path: str) -> Outline:
    response = await client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return Outline(response.text)


async def test_the_list_names_title_publisher_date_and_links(client: httpx.AsyncClient) -> None:
    html = (await client.get("/bronnen")).text
    assert f'<a href="{PAGE}">Het gemeentehuis</a>' in html
    assert "<span>9 maart 2024</span><span>Gemeente</span>" in html
    assert '<html lang="nl">' in html


async def test_the_text_of_every_block_is_on_the_page_as_it_is(client: httpx.AsyncClient) -> None:
    outline = await outline_of(client, PAGE)
    assert outline.blocks == [TEXT[block.span.start : block.span.end] for block in DOCUMENT.blocks]
    assert SUNDAY in outline.blocks[2]


async def test_the_outline_of_headings(client: httpx.AsyncClient) -> None:
    outline = await outline_of(client, PAGE)
    assert outline.headings == [
        ("h1", "Het gemeentehuis"),
        *(("h2", head) for head in ("Openingstijden", "Balie", "Feest")),
    ]


async def test_every_passage_has_its_anchor_once(client: httpx.AsyncClient) -> None:
    outline = await outline_of(client, PAGE)
    anchors = [identifier for identifier in outline.ids if identifier.startswith("p-")]
    assert anchors == [f"p-{passage.span.start}" for passage in PASSAGES]
    assert len(set(outline.ids)) == len(outline.ids)


async def test_the_place_is_marked_where_it_is(client: httpx.AsyncClient) -> None:
    start = TEXT.index(SUNDAY)
    outline = await outline_of(client, f"{PAGE}?v={VERSION}&start={start}&end={start + len(SUNDAY)}")
    assert outline.marked == [SUNDAY]
    assert "citaat" in outline.ids


async def test_a_place_across_blocks_is_marked_in_each(client: httpx.AsyncClient) -> None:
    start, end = TEXT.index("Openings"), TEXT.index("is open van")
    outline = await outline_of(client, f"{PAGE}?start={start}&end={end}")
    assert outline.marked == ["Openingstijden", "Het gemeentehuis "]
    assert outline.ids.count("citaat") == 1


@pytest.mark.parametrize(
    "query",
    ["start=5", "end=5", "start=5&end=5", "start=9&end=5", "start=-1&end=5", "start=a&end=b",
     "start=0&end=99999999", "start=0&end=9999999999999", "start=1.5&end=3", "start=²&end=³",
     "start=%3Cb%3E&end=9"],
)  # fmt: skip
async def test_a_place_that_is_none_is_told_and_the_page_is_there(
    client: httpx.AsyncClient, query: str
) -> None:
    response = await client.get(f"{PAGE}?v={VERSION}&{query}")
    assert response.status_code == 200
    assert BAD_PLACE in response.text
    assert "<mark" not in response.text
    assert OPEN in response.text


async def test_an_earlier_text_that_is_kept_is_shown(client: httpx.AsyncClient) -> None:
    sentence = "Het gemeentehuis is dicht."
    start = OLD_DOCUMENT.text.index(sentence)
    path = f"{PAGE}?v={OLD_DOCUMENT.sha256[:8]}&start={start}&end={start + len(sentence)}"
    html = (await client.get(path)).text
    assert QUOTE_NOT_FOUND in html
    assert f'<a href="{PAGE}">Bekijk de tekst van nu</a>' in html
    assert Outline(html).marked == [sentence]
    assert f"p-{start}" in Outline(html).ids
    assert FILLING not in html


async def test_in_an_earlier_text_a_passage_may_start_at_any_sentence(client: httpx.AsyncClient) -> None:
    text = OLD_DOCUMENT.text
    first, second = text.index("Het gemeentehuis is"), text.index("Kom maandag")
    outline = await outline_of(client, f"{PAGE}?v={OLD_DOCUMENT.sha256[:8]}")
    assert outline.ids == ["inhoud", f"p-{first}", f"p-{second}"]
    marked = await outline_of(
        client, f"{PAGE}?v={OLD_DOCUMENT.sha256[:8]}&start={second + 4}&end={second + 11}"
    )
    assert marked.ids == ["inhoud", f"p-{first}", f"p-{second}", f"p-{second + 4}", "citaat"]
    assert marked.blocks[1] == "Het gemeentehuis is dicht. Kom maandag terug."


@pytest.mark.parametrize("start", range(0, len(OLD_DOCUMENT.text) - 1, 3))
async def test_in_an_earlier_text_the_start_of_the_place_has_an_anchor(
    client: httpx.AsyncClient, start: int
) -> None:
    outline = await outline_of(client, f"{PAGE}?v={OLD_DOCUMENT.sha256[:8]}&start={start}&end={start + 1}")
    assert outline.ids.count(f"p-{start}") == (OLD_DOCUMENT.text[start] != "\n")


async def test_an_earlier_text_that_is_gone_is_told(client: httpx.AsyncClient) -> None:
    html = (await client.get(f"{PAGE}?v=00000000&start=0&end=5")).text
    assert TEXT_CHANGED in html
    assert "<mark" not in html
    assert PASSPORT in unescape(html)


@pytest.mark.parametrize("document_id", ["a\nb.txt", "a.txt\n", "\n", "\r\n/a\u2028.txt"])
async def test_a_name_of_more_than_one_line_reaches_its_document(document_id: str) -> None:
    class Store(ThreeSentencesStore):
        def document(self, asked: str) -> Document | None:
            return DOCUMENT if asked == document_id else None

    application = FastAPI()
    add_sources(application, lambda: nullcontext(ThreeSentencesIndex(Store())))
    async with client_of(Guard(application)) as client:
        response = await client.get(source_path(document_id))
    assert response.status_code == 200
    assert PASSPORT in unescape(response.text)


@pytest.mark.parametrize("version", ["xyz", "0" * 65, "%3Cscript%3E"])
async def test_a_version_that_is_none_is_taken_for_the_current_one(
    client: httpx.AsyncClient, version: str
) -> None:
    html = (await client.get(f"{PAGE}?v={version}&start=0&end=5")).text
    assert TEXT_CHANGED not in html
    assert Outline(html).marked == ["Het g"]


@pytest.mark.parametrize(
    "path", ["geen.txt", "..%2f..%2fetc%2fpasswd", "<script>alert(1)</script>", "gemeentehuis.txt?v=00000000"]
)
async def test_a_source_that_is_not_there(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(f"/bronnen/{path}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "Deze bron bestaat niet, of niet meer." in response.text
    assert "<script" not in response.text


async def test_no_page_of_the_sources_needs_a_script_or_another_host(client: httpx.AsyncClient) -> None:
    for path in ("/bronnen", PAGE, "/bronnen/geen"):
        html = (await client.get(path)).text
        assert "<script" not in html
        loaded = re.findall(r'<(?:link|img)[^>]*(?:href|src)="([^"]+)"', html)
        assert loaded
        assert all(address.startswith("/vraagbaak/") for address in loaded)


async def test_what_a_page_loads_is_there_and_kept(client: httpx.AsyncClient) -> None:
    html = (await client.get("/bronnen")).text
    for address in set(re.findall(r'"(/vraagbaak/[^"]+)"', html)):
        response = await client.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
    assert (await client.get("/vraagbaak/geen.css")).status_code == 404


def test_markdown_levels_become_an_outline_below_the_title() -> None:
    spans = [Span(at, at + 1) for at in range(4)]
    blocks = (
        Block(BlockKind.HEADING, spans[0], 2),
        Block(BlockKind.HEADING, spans[1], 4),
        Block(BlockKind.CODE, spans[2]),
        Block(BlockKind.LIST_ITEM, spans[3]),
    )
    document = Document("a.md", "abcd", "0" * 64, "Titel", blocks)
    shown = shown_blocks(document, [], None)
    assert [(block.tag, block.kind) for block in shown] == [
        ("h2", "heading"),
        ("h4", "heading"),
        ("pre", "code"),
        ("li", "list-item"),
    ]


def test_a_passage_inside_a_block_has_its_anchor_there() -> None:
    document = document_of("Titel\n\nEen zin. En nog een.\n")
    first, second = Span(7, 15), Span(16, 28)
    (_, paragraph) = shown_blocks(document, [first, second], Span(11, 20))
    assert [(part.anchors, "".join(piece.text for piece in part.pieces)) for part in paragraph.parts] == [
        (("p-7",), "Een zin."),
        ((), " "),
        (("p-16",), "En nog een."),
    ]
    assert [piece.text for part in paragraph.parts for piece in part.pieces if piece.marked] == [
        "zin.",
        " ",
        "En n",
    ]


def test_the_anchor_of_a_long_passage_stands_at_a_place_far_into_it() -> None:
    document = document_of("Titel\n\n" + "x" * 400 + ".\n")
    passage = Span(7, 408)
    (_, near) = shown_blocks(document, [passage], Span(307, 320))
    (_, far) = shown_blocks(document, [passage], Span(308, 320))
    assert [(part.anchors, len("".join(piece.text for piece in part.pieces))) for part in near.parts] == [
        (("p-7",), 401)
    ]
    assert [(part.anchors, len("".join(piece.text for piece in part.pieces))) for part in far.parts] == [
        ((), 301),
        (("p-7",), 100),
    ]


def test_no_anchor_is_lost_where_several_stand_at_one_place() -> None:
    document = document_of("Titel\n\n" + "x" * 400 + ".\n")
    passages = [Span(7, 408), Span(10, 408), Span(350, 408)]
    (_, paragraph) = shown_blocks(document, passages, Span(350, 360))
    assert [part.anchors for part in paragraph.parts] == [(), ("p-7", "p-10", "p-350")]


@given(st.lists(st.text("ab <&\u00a0é🙂", min_size=1), min_size=1), st.data())
def test_pieces_joined_are_the_block_and_marks_joined_are_the_place(
    lines: list[str], data: st.DataObject
) -> None:
    text = "\n".join(lines)
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
    blocks = tuple(
        Block(BlockKind.PARAGRAPH, Span(start, start + len(line)))
        for start, line in zip(starts, lines, strict=True)
    )
    document = Document("a", text, "0" * 64, "a", blocks)
    offsets = st.integers(0, len(text))
    bounds = sorted(data.draw(st.sets(offsets, min_size=2, max_size=2)))
    place = Span(bounds[0], bounds[1])
    cuts = sorted(data.draw(st.sets(offsets, max_size=6)))
    passages = [Span(start, end) for start, end in pairwise(cuts)]
    shown = shown_blocks(document, passages, place)
    joined = ["".join(piece.text for part in block.parts for piece in part.pieces) for block in shown]
    assert joined == lines
    marked = "".join(
        piece.text for block in shown for part in block.parts for piece in part.pieces if piece.marked
    )
    # line ends between blocks are not on the page
    in_blocks = "".join(
        text[at]
        for at in range(place.start, place.end)
        if any(b.span.start <= at < b.span.end for b in blocks)
    )
    assert marked == in_blocks


@given(st.sets(st.integers(0, 60), min_size=2), st.data())
def test_every_bound_of_a_passage_cuts_the_blocks_that_it_lies_in(
    block_bounds: set[int], data: st.DataObject
) -> None:
    blocks = tuple(
        Block(BlockKind.PARAGRAPH, Span(start, end)) for start, end in pairwise(sorted(block_bounds))
    )
    document = Document("a", "x" * 60, "0" * 64, "a", blocks)
    cuts = data.draw(st.lists(st.tuples(st.integers(0, 59), st.integers(1, 9)), max_size=9))
    passages = [Span(start, min(60, start + length)) for start, length in cuts]
    bounds = {bound for passage in passages for bound in (passage.start, passage.end)}
    lengths = [
        [len("".join(piece.text for piece in part.pieces)) for part in block.parts]
        for block in shown_blocks(document, passages, None)
    ]
    assert lengths == [
        [
            end - start
            for start, end in pairwise(
                [
                    block.span.start,
                    *(at for at in range(block.span.start + 1, block.span.end) if at in bounds),
                    block.span.end,
                ]
            )
        ]
        for block in blocks
    ]


def test_the_work_for_a_page_grows_with_its_blocks_and_not_with_their_square() -> None:
    compared = 0

    class Offset(int):
        """Counts how often it is compared."""

        def __lt__(self, other: int) -> bool:
            nonlocal compared
            compared += 1
            return int(self) < int(other)

        def __gt__(self, other: int) -> bool:
            nonlocal compared
            compared += 1
            return int(self) > int(other)

    count = 1_000
    spans = [Span(2 * number, 2 * number + 1) for number in range(count)]
    blocks = tuple(Block(BlockKind.PARAGRAPH, span) for span in spans)
    document = Document("a", "x\n" * count, "0" * 64, "a", blocks)
    passages = [Span(Offset(span.start), Offset(span.end)) for span in spans]
    assert len(shown_blocks(document, passages, None)) == count
    assert compared < 100 * count  # for sorting and bisecting; each block against each passage: 2000 * count


def test_reading_a_place() -> None:
    assert read_place("0", "5", 5) == Span(0, 5)
    assert read_place("00", "5", 5) == Span(0, 5)
    assert read_place("0", "6", 5) is None
    assert read_place("5", "5", 5) is None


def test_a_path_with_blanks_and_signs_is_encoded() -> None:
    assert source_path("a b/c?d#e%.txt") == "/bronnen/a%20b/c%3Fd%23e%25.txt"


async def test_the_original_page_is_linked_at_the_marked_place(client: httpx.AsyncClient) -> None:
    start = TEXT.index(OPEN)
    page = (await client.get(f"{PAGE}?start={start}&end={start + len('Het gemeentehuis')}")).text
    assert 'href="https://gemeente.example/#:~:text=Het%20gemeentehuis"' in page
    assert 'href="https://gemeente.example/"' in (await client.get(PAGE)).text


def test_a_pdf_is_linked_at_the_page_of_the_marked_place() -> None:
    provenance = Provenance(url="https://gemeente.example/verslag.pdf")
    document = Document("a.pdf", "Glas. Papier.", "0" * 64, "a", (), provenance, page_starts=(0, 6))
    assert original_url(document, Span(6, 13)) == "https://gemeente.example/verslag.pdf#page=2"
    assert original_url(document, None) == "https://gemeente.example/verslag.pdf"


class Versions:
    """A library of one document under a name of its own, as it is and as it was; the store is the library."""

    def __init__(self, now: Document, *before: Document) -> None:
        self._now = now
        self._before = before

    @property
    def store(self) -> "Versions":
        return self

    def documents(self) -> list[DocumentEntry]:
        return [DocumentEntry(self._now.id, self._now.title, self._now.sha256, self._now.provenance, 1)]

    def document(self, document_id: str) -> Document | None:
        return self._now if document_id == self._now.id else None

    def passages_of(self, document_id: str) -> list[tuple[int, Passage]]:
        return list(enumerate(passages_of(self._now))) if document_id == self._now.id else []

    def id_of_version(self, version_prefix: str) -> str | None:
        return self._now.id if self._now.sha256.startswith(version_prefix) else None

    def document_version(self, document_id: str, version_prefix: str) -> Document | None:
        kept = (self._now, *self._before) if document_id == self._now.id else ()
        return next((one for one in kept if one.sha256.startswith(version_prefix)), None)


BEFORE = document_of("Het gemeentehuis\n\nBalie\n\nEerst dit. Kom op maandag.\n\nFeest\n\nHoera.\n")
NOW = document_of("Het gemeentehuis\n\nNieuw.\n\nFeest\n\nHoera.\n\nBalie\n\nKom op\u00a0 maandag.\n")


async def opened(library: Versions, path: str) -> httpx.Response:
    application = FastAPI()
    add_sources(application, lambda: nullcontext(library))
    async with client_of(Guard(application)) as client:
        return await client.get(path)


def link_to(document: Document, words: str) -> str:
    start = document.text.index(words)
    return f"{PAGE}?v={document.sha256[:8]}&start={start}&end={start + len(words)}"


async def test_a_quote_that_still_stands_there_is_marked_in_the_text_of_now() -> None:
    path = link_to(BEFORE, "Kom op maandag.")
    html = (await opened(Versions(NOW, BEFORE), path)).text
    outline = Outline(html)
    assert QUOTE_STANDS in html
    assert outline.marked == ["Kom op\u00a0 maandag."]
    assert "Nieuw." in outline.blocks
    assert f'<a href="{path}&toen=1#citaat">Bekijk de tekst van toen</a>' in unescape(html)
    # where the passage of then began, with its first sentence or the second: the link arrives at the mark
    mark = html.index("<mark")
    for words in ("Eerst dit.", "Kom op maandag."):
        anchor = f'id="p-{BEFORE.text.index(words)}"'
        assert html.count(anchor) == 1
        assert 0 < mark - html.index(anchor) < 200
    assert len(set(outline.ids)) == len(outline.ids)


async def test_the_text_of_then_is_a_link_away() -> None:
    path = f"{link_to(BEFORE, 'Kom op maandag.')}&toen=1"
    html = (await opened(Versions(NOW, BEFORE), path)).text
    assert OLDER_TEXT in html
    assert f'<a href="{PAGE}">Bekijk de tekst van nu</a>' in html
    assert Outline(html).marked == ["Kom op maandag."]
    assert "Eerst dit. Kom op maandag." in Outline(html).blocks


async def test_a_source_that_got_another_name_is_found_by_its_text() -> None:
    response = await opened(Versions(NOW), f"/bronnen/oude%20naam.txt?v={NOW.sha256[:8]}&start=1&end=4")
    assert response.status_code == 303
    assert response.headers["location"] == f"{PAGE}?v={NOW.sha256[:8]}&start=1&end=4"


@pytest.mark.parametrize("version", [NOW.sha256[:7], BEFORE.sha256[:8], "", "zzzzzzzz"])
async def test_a_source_that_is_gone_shows_no_text_of_before(version: str) -> None:
    response = await opened(Versions(NOW, BEFORE), f"/bronnen/oude%20naam.txt?v={version}")
    assert response.status_code == 404
    assert "Deze bron bestaat niet, of niet meer." in response.text


@pytest.mark.parametrize("query", ["", "&start=34&end=40", "&start=60&end=90"])
async def test_items_and_rows_are_elements_and_their_text_is_what_it_was(
    client: httpx.AsyncClient, query: str
) -> None:
    html = (await client.get(f"{PAGE}?v={TABULAR_DOCUMENT.sha256[:8]}&toen=1{query}")).text
    text = TABULAR_DOCUMENT.text
    assert Outline(html).blocks == [text[b.span.start : b.span.end] for b in TABULAR_DOCUMENT.blocks]
    assert html.count('<ul role="list">') == html.count('role="region" aria-label="Tabel 1') == 1
    assert html.count("<td>") == 4


async def test_headings_are_listed_with_links(client: httpx.AsyncClient) -> None:
    html = (await client.get(PAGE)).text
    for words, id_ in (
        ("Openingstijden", "kop-openingstijden"),
        ("Balie", "kop-balie"),
        ("Feest", "kop-feest"),
    ):
        assert f'<li><a href="#{id_}">{words}</a></li>' in html
        assert f'class="heading" id="{id_}"' in html
    assert "<details open>" in html
    assert "<details>" in (await client.get(f"{PAGE}?start=0&end=5")).text


async def test_pages_are_marked_and_are_no_text() -> None:
    paged = replace(NOW, page_starts=(0, NOW.text.index("Feest"), NOW.text.index("maandag")))
    html = (await opened(Versions(paged), PAGE)).text
    assert re.findall(r'id="(pagina-\d)" role="doc-pagebreak" data-pagina="(\d)"', html) == [
        (f"pagina-{number}", f"{number}") for number in (1, 2, 3)
    ]
    assert Outline(html).blocks == [NOW.text[b.span.start : b.span.end] for b in NOW.blocks]


async def test_an_article_of_a_law_is_named_at_its_place() -> None:
    law = replace(NOW, anchors=(Anchor(NOW.text.index("Balie"), "art2", "jci1.3:c:BWBR0005416&artikel=2"),))
    html = unescape((await opened(Versions(law), link_to(law, "Kom op"))).text)
    assert "Wetsartikel: jci1.3:c:BWBR0005416&artikel=2" in html
    assert 'href="https://gemeente.example/#art2:~:text=Kom%20op"' in html
    assert "Wetsartikel" not in (await opened(Versions(law), link_to(law, "Nieuw."))).text
    assert identifier(law, None) is None


async def test_the_page_of_a_source_tells_version_licence_and_that_it_does_not_hold() -> None:
    known = Provenance(
        url="https://ede.example/",
        modified="2025-05-03",
        version="2.1",
        licence="https://licentie.example/",
        valid_until="2025-05-31",
    )
    article = Anchor(0, "Artikel1", "jci1.3:c:BWBR1&artikel=1")
    document = replace(DOCUMENT, provenance=known, anchors=(article,))

    class Store(ThreeSentencesStore):
        def documents(self) -> list[DocumentEntry]:
            return [DocumentEntry(document.id, document.title, document.sha256, known, 1)]

        def document(self, document_id: str) -> Document | None:
            return document if document_id == document.id else None

    app = FastAPI()
    add_sources(app, lambda: nullcontext(ThreeSentencesIndex(Store())))
    async with client_of(app) as client:
        start = TEXT.index(OPEN)
        html = (await client.get(f"{PAGE}?v={document.version}&start={start}&end={start + len(OPEN)}")).text
        listed = (await client.get("/bronnen")).text
    assert "<span>Bijgewerkt 3 mei 2025</span><span>versie 2.1</span>" in html
    assert 'Licentie: <a href="https://licentie.example/" rel="noopener license">' in html
    assert "Wetsartikel: jci1.3:c:BWBR1&amp;artikel=1" in html
    assert "Let op: deze bron geldt vandaag niet. Gold tot en met 31 mei 2025." in html
    assert '<span class="verlopen">Gold tot en met 31 mei 2025</span>' in listed
