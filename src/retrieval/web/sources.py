"""The pages of the sources: a list, and each source with the cited place marked; no JavaScript needed.

A link of an older answer opens too: at the place where its quote stands now, or in the text of then.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self
from urllib.parse import quote as percent_encoded

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.convertors import PathConvertor, register_url_convertor

from retrieval.passages import split_sentences
from retrieval.records import (
    DEFAULT_LANGUAGE,
    VERSION_LENGTH,
    BlockKind,
    Document,
    Passage,
    Span,
    anchor_at,
    page_at,
)
from retrieval.store import DocumentEntry
from retrieval.text_fragments import link_to_original
from retrieval.web.moved_quotes import place_now
from retrieval.web.pages import render_page
from retrieval.web.problems import problem_for
from retrieval.web.source_page import grouped, outline, shown_blocks

_OFFSET = re.compile(r"[0-9]{1,12}")
"""An offset in a link; no document is longer than twelve digits can say."""

_HEADS = (BlockKind.TITLE, BlockKind.HEADING)
_NOT_KEPT = {"Cache-Control": "no-cache"}

MOST_HEADINGS_OPEN = 12
"""Headings up to which the outline of a page is open: half the height of a phone."""

LONGEST_PASSAGE = 4_000
"""Characters that no passage exceeds: 510 tokens, of which Dutch has one in some five characters."""

BAD_PLACE = "De plek in deze link klopt niet. U ziet de hele bron, zonder markering."
TEXT_CHANGED = (
    "Deze bron is veranderd sinds het antwoord werd gegeven, en de oude tekst is er niet meer. "
    "U ziet de tekst van nu; de aangehaalde plek is daarom niet gemarkeerd."
)
OLDER_TEXT = "U ziet een eerdere tekst van deze bron: die waaruit het antwoord komt."
QUOTE_STANDS = (
    "Deze bron is veranderd sinds het antwoord werd gegeven. Het citaat staat er nog, hier gemarkeerd."
)
QUOTE_NOT_FOUND = (
    "Deze bron is veranderd sinds het antwoord werd gegeven. Het citaat is niet met zekerheid terug te "
    "vinden in de tekst van nu. U ziet daarom de tekst van toen."
)
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
        """A document whose sha256 starts so, of a document that is still there."""
        ...

    def id_of_version(self, version_prefix: str) -> str | None:
        """The id of the document whose text has a sha256 that starts so, or had one before."""
        ...


Sources = Callable[[], AbstractContextManager[SourceLibrary]]
"""Gives the index that serves now, open within the context: what is read there is of one generation."""


@dataclass(frozen=True, slots=True)
class AskedPlace:
    """What a link asks for, as it came: a version and a place in it; ``then`` asks for the text of then."""

    version: str
    start: str
    end: str
    then: bool

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """What stands behind the ``?`` of a link."""
        version, start, end = (query.get(name, "") for name in ("v", "start", "end"))
        return cls(version, start, end, bool(query.get("toen")))


@dataclass(frozen=True, slots=True)
class Note:
    """What a visitor must know of the text on the page, and a link to another one."""

    text: str
    link_text: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What a link shows: a text of a document, where passages of it start, and the place that is marked.

    ``arrivals`` are starts of passages of an older text, to which the link may lead.
    """

    document: Document
    passages: Sequence[Span]
    place: Span | None
    notes: tuple[Note, ...] = ()
    arrivals: Collection[int] = ()


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
    def show_source(request: Request, document_id: str) -> Response:
        if sources is None:
            return problem_for("/bronnen", 503, NO_SOURCES, {"Retry-After": "30"})
        asked = AskedPlace.of(request.query_params)
        with sources() as library:
            view = view_of(library, document_id, asked)
            renamed = None if view else _renamed(library, asked.version)
            if renamed == document_id:  # it is no more, under this name either
                renamed = None
        if renamed is not None:
            # a browser keeps the fragment
            return RedirectResponse(f"{source_path(renamed)}?{request.url.query}", 303, _NOT_KEPT)
        if view is None:
            return problem_for("/bronnen", 404, "Deze bron bestaat niet, of niet meer.")
        document = view.document
        blocks = shown_blocks(document, view.passages, view.place, view.arrivals)
        return _page(
            render_page(
                "bron.html",
                document=document,
                original_url=original_url(document, view.place),
                identifier=identifier(document, view.place),
                language=document.provenance.language or DEFAULT_LANGUAGE,
                blocks=grouped(document, blocks),
                outline=outline(document),
                is_outline_open=view.place is None
                and sum(block.id is not None for block in blocks) <= MOST_HEADINGS_OPEN,
                has_title_block=any(block.kind is BlockKind.TITLE for block in document.blocks),
                notes=view.notes,
                today=_today(),
            )
        )

    app.include_router(router)


def view_of(library: SourceLibrary, document_id: str, asked: AskedPlace) -> View | None:
    """What a link shows; None where there is no such document."""
    current = library.store.document(document_id)
    if current is None:
        return None
    passages = [passage.span for _, passage in library.store.passages_of(document_id)]
    if not _is_version(asked.version) or current.sha256.startswith(asked.version):
        return View(current, passages, *_place_in(current, asked))
    older = library.document_version(document_id, asked.version)
    if older is None:
        return View(current, passages, None, (Note(TEXT_CHANGED),))
    place, notes = _place_in(older, asked)
    # what is longer than a passage is cited nowhere, and would take long to look for
    is_sought = place is not None and place.end - place.start <= LONGEST_PASSAGE and not asked.then
    now = place_now(older, place, current) if place and is_sought else None
    if place and now:
        query = f"v={asked.version}&start={place.start}&end={place.end}&toen=1"
        link = f"{source_path(document_id)}?{query}#citaat"
        note = Note(QUOTE_STANDS, "Bekijk de tekst van toen", link)
        return View(current, passages, now, (note,), _arrivals(older, place))
    told = QUOTE_NOT_FOUND if is_sought else OLDER_TEXT
    note = Note(told, "Bekijk de tekst van nu", source_path(document_id))
    return View(older, _possible_passages(older, place), place, (note, *notes))


def original_url(document: Document, place: Span | None) -> str | None:
    """Where the document was taken from; at the marked place, where its page can be scrolled to it."""
    url = document.provenance.url
    if place is None:
        return url
    page, anchor = page_at(document.page_starts, place.start), anchor_at(document.anchors, place.start)
    words = document.text[place.start : place.end]
    return link_to_original(url, page, words, anchor.fragment if anchor else None) or url


def identifier(document: Document, place: Span | None) -> str | None:
    """What the marked place is called, as an article of a law (Juriconnect); None where it has no name."""
    anchor = anchor_at(document.anchors, place.start) if place else None
    return anchor.identifier if anchor else None


class _DocumentConvertor(PathConvertor):
    """Takes the rest of a path, of which Starlette's own leaves out what follows on a line end."""

    regex = r"[\s\S]*"


def _today() -> str:
    return datetime.now().astimezone().date().isoformat()


def source_path(document_id: str) -> str:
    """The path of a source's page."""
    return f"/bronnen/{percent_encoded(document_id)}"


def read_place(start: str, end: str, length: int) -> Span | None:
    """The span that a link names, or None where it is no span of a text of ``length`` characters."""
    if not (_OFFSET.fullmatch(start) and _OFFSET.fullmatch(end)):
        return None
    first, last = int(start), int(end)
    return Span(first, last) if first < last <= length else None


def _place_in(document: Document, asked: AskedPlace) -> tuple[Span | None, tuple[Note, ...]]:
    place = read_place(asked.start, asked.end, len(document.text))
    is_wrong = place is None and (asked.start or asked.end)
    return place, (Note(BAD_PLACE),) if is_wrong else ()


def _renamed(library: SourceLibrary, version: str) -> str | None:
    """The id of the document that has or had the text which a link to another id names, if one did."""
    if not _is_version(version) or len(version) < VERSION_LENGTH:
        return None
    return library.id_of_version(version)


def _arrivals(older: Document, place: Span) -> set[int]:
    """Where the passage of an older text may have started that a link to ``place`` leads to."""
    heads = (block.span.end for block in older.blocks if block.kind in _HEADS)
    heading_end = max((end for end in heads if end <= place.start), default=0)
    first = max(place.start - LONGEST_PASSAGE, heading_end)
    return {span.start for span in _possible_passages(older, place) if first <= span.start <= place.start}


def _is_version(text: str) -> bool:
    return 0 < len(text) <= 64 and set(text) <= set("0123456789abcdef")


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


def _page(html: str) -> HTMLResponse:
    return HTMLResponse(html, headers=_NOT_KEPT)
