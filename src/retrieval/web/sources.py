"""The pages of the sources: a list, and each source with the cited place marked; no JavaScript needed.

The text stands on the page as it is in the document, character for character: what is copied from it
can be checked against the citation.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Protocol
from urllib.parse import quote as percent_encoded

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, Response
from starlette.convertors import PathConvertor, register_url_convertor

from retrieval.passages import split_sentences
from retrieval.records import Block, BlockKind, Document, Passage, Span, anchor_at, page_at
from retrieval.store import DocumentEntry
from retrieval.text_fragments import link_to_page, link_to_text
from retrieval.web.pages import render_page
from retrieval.web.problems import problem_for

DEFAULT_LANGUAGE = "nl"
FIRST_HEADING, LAST_HEADING = 2, 6
"""Levels of headings below the title, which is the ``h1``."""

_OFFSET = re.compile(r"[0-9]{1,12}")
"""An offset in a link; no document is longer than twelve digits can say."""

FAR = 300
"""Characters into a passage (eight lines of a phone) from which its anchor stands at the marked place
instead of its start, or following the link would leave the mark out of view."""

BAD_PLACE = "De plek in deze link klopt niet. U ziet de hele bron, zonder markering."
TEXT_CHANGED = (
    "Deze bron is veranderd sinds het antwoord werd gegeven, en de oude tekst is er niet meer. "
    "U ziet de tekst van nu; de aangehaalde plek is daarom niet gemarkeerd."
)
OLDER_TEXT = "U ziet een eerdere tekst van deze bron: die waaruit het antwoord komt."
NO_SOURCES = "De bronnen zijn nog niet klaar om te lezen. Probeer het later opnieuw."


class SourceStore(Protocol):
    """The documents of one generation; read from several threads."""

    def documents(self) -> Sequence[DocumentEntry]:
        """Every document, without its text."""
        ...

    def document(self, document_id: str) -> Document | None:
        """A document with its text."""
        ...

    def passages_of(self, document_id: str) -> Sequence[tuple[int, Passage]]:
        """The passages of a document with their ids, in order."""
        ...


class SourceLibrary(Protocol):
    """Where sources are read from: the index that serves."""

    @property
    def store(self) -> SourceStore:
        """The documents as they are now."""
        ...

    def document_version(self, document_id: str, version_prefix: str) -> Document | None:
        """A document whose sha256 starts so, from any generation that is kept."""
        ...


Sources = Callable[[], AbstractContextManager[SourceLibrary]]
"""Gives the index that serves now, open within the context: what is read there is of one generation."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that is marked or not; ``anchor`` is the id of the first marked one."""

    text: str
    marked: bool
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a block that no passage starts or ends in; ``anchors`` are the ids that stand there."""

    pieces: tuple[Piece, ...]
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """A block of the page: its HTML element, its class and what stands in it."""

    tag: str
    kind: str
    parts: tuple[Part, ...]


def add_sources(app: FastAPI, sources: Sources | None) -> None:
    """Serve ``/bronnen`` and the source pages from ``app``."""
    register_url_convertor("document", _DocumentConvertor())
    router = APIRouter(include_in_schema=False)

    @router.get("/bronnen")
    def list_sources() -> Response:
        if sources is None:
            return problem_for("/bronnen", 503, NO_SOURCES, {"Retry-After": "30"})
        with sources() as library:
            entries = sorted(library.store.documents(), key=lambda entry: (entry.title.casefold(), entry.id))
        return _page(render_page("bronnen.html", entries=entries, source_path=source_path, today=_today()))

    @router.get("/bronnen/{document_id:document}")
    def show_source(document_id: str, v: str = "", start: str = "", end: str = "") -> Response:
        if sources is None:
            return problem_for("/bronnen", 503, NO_SOURCES, {"Retry-After": "30"})
        with sources() as library:
            document, notes = _asked_document(library, document_id, v)
            current = library.store.document(document_id)
            passages = [passage.span for _, passage in library.store.passages_of(document_id)]
        if document is None:
            return problem_for("/bronnen", 404, "Deze bron bestaat niet, of niet meer.")
        is_asked_text = TEXT_CHANGED not in notes
        place = read_place(start, end, len(document.text)) if is_asked_text else None
        if is_asked_text and place is None and (start or end):
            notes.append(BAD_PLACE)
        starts = (
            passages
            if current is not None and current.sha256 == document.sha256
            else _possible_passages(document, place)
        )
        return _page(
            render_page(
                "bron.html",
                document=document,
                original_url=original_url(document, place),
                language=document.provenance.language or DEFAULT_LANGUAGE,
                blocks=shown_blocks(document, starts, place),
                has_title_block=any(block.kind is BlockKind.TITLE for block in document.blocks),
                notes=notes,
                identifier=_identifier(document, place),
                today=_today(),
            )
        )

    app.include_router(router)


def original_url(document: Document, place: Span | None) -> str | None:
    """Where the document was taken from; at the marked place, where its page can be scrolled to it."""
    url = document.provenance.url
    if place is None:
        return url
    in_pdf = link_to_page(url, page_at(document.page_starts, place.start))
    return in_pdf or link_to_text(url, document.text[place.start : place.end]) or url


class _DocumentConvertor(PathConvertor):
    """Takes the rest of a path, of which Starlette's own leaves out what follows on a line end."""

    regex = r"[\s\S]*"


def _today() -> str:
    return datetime.now().astimezone().date().isoformat()


def _identifier(document: Document, place: Span | None) -> str | None:
    """That of the article in which the marked place stands."""
    anchor = anchor_at(document.anchors, place.start) if place else None
    return anchor.identifier if anchor else None


def source_path(document_id: str) -> str:
    """The path of a source's page."""
    return f"/bronnen/{percent_encoded(document_id)}"


def read_place(start: str, end: str, length: int) -> Span | None:
    """The span that a link names, or None where it is no span of a text of ``length`` characters."""
    if not (_OFFSET.fullmatch(start) and _OFFSET.fullmatch(end)):
        return None
    first, last = int(start), int(end)
    return Span(first, last) if first < last <= length else None


def shown_blocks(document: Document, passages: Sequence[Span], place: Span | None) -> list[ShownBlock]:
    """The blocks of a page, with an anchor where each passage starts and ``place`` marked.

    The text of the pieces of a block, joined, is that of the block.
    """
    levels = _heading_levels(document.blocks)
    anchors = _anchors(passages, place)
    bounds = sorted({*anchors, *(span.end for span in passages)})
    shown = []
    mark_is_open = False
    for block, level in zip(document.blocks, levels, strict=True):
        parts = []
        for part in _cut(block.span, bounds):
            pieces = []
            for piece in _cut(part, [place.start, place.end] if place else []):
                marked = place is not None and place.start <= piece.start and piece.end <= place.end
                anchor = "citaat" if marked and not mark_is_open else None
                mark_is_open = mark_is_open or marked
                pieces.append(Piece(document.text[piece.start : piece.end], marked, anchor))
            parts.append(Part(tuple(pieces), tuple(anchors.get(part.start, ()))))
        tag = f"h{level}" if level else _TAGS.get(block.kind, "p")
        shown.append(ShownBlock(tag, block.kind.value.replace("_", "-"), tuple(parts)))
    return shown


_HEADS = (BlockKind.TITLE, BlockKind.HEADING)
_TAGS = {BlockKind.CODE: "pre"}


def _asked_document(
    library: SourceLibrary, document_id: str, version: str
) -> tuple[Document | None, list[str]]:
    current = library.store.document(document_id)
    if not _is_version(version) or (current is not None and current.sha256.startswith(version)):
        return current, []
    older = library.document_version(document_id, version)
    if older is not None:
        return older, [OLDER_TEXT]
    return current, [TEXT_CHANGED]


def _is_version(text: str) -> bool:
    return 0 < len(text) <= 64 and set(text) <= set("0123456789abcdef")


def _heading_levels(blocks: Sequence[Block]) -> list[int]:
    """The level of each block on the page: 1 for the title, from 2 on for headings, 0 for the rest."""
    highest = min((block.level for block in blocks if block.kind is BlockKind.HEADING), default=1)
    return [
        1
        if block.kind is BlockKind.TITLE
        else min(LAST_HEADING, FIRST_HEADING + block.level - highest)
        if block.kind is BlockKind.HEADING
        else 0
        for block in blocks
    ]


def _anchors(passages: Sequence[Span], place: Span | None) -> dict[int, dict[str, None]]:
    """The ids of the passages by the offsets where they stand."""
    anchors: dict[int, dict[str, None]] = {}  # of the inner ones the keys count, in order
    for start, end in sorted({(span.start, span.end) for span in passages}):
        is_far = place is not None and start + FAR < place.start < end
        stands_at = place.start if place is not None and is_far else start
        anchors.setdefault(stands_at, {})[f"p-{start}"] = None
    return anchors


def _possible_passages(document: Document, place: Span | None) -> list[Span]:
    """Where the passages of a text may have been that is no longer cut: from any sentence of its blocks.

    And from ``place``: of what is longer than a passage may be, it is where a link leads to.
    """
    possible = []
    for block in document.blocks:
        start, end = block.span.start, block.span.end
        starts = set()
        if block.kind not in _HEADS:
            starts = {
                start,
                *(sentence.shifted(start).start for sentence in split_sentences(document.text[start:end])),
            }
        if place is not None and start <= place.start < end:
            starts.add(place.start)
        possible += [Span(at, end) for at in sorted(starts)]
    return possible


def _cut(span: Span, offsets: Sequence[int]) -> Iterator[Span]:
    """The span cut at those of the offsets, which are sorted and differ, that lie within it."""
    within = offsets[bisect_right(offsets, span.start) : bisect_left(offsets, span.end)]
    return (Span(start, end) for start, end in pairwise([span.start, *within, span.end]))


def _page(html: str) -> HTMLResponse:
    return HTMLResponse(html, headers={"Cache-Control": "no-cache"})
