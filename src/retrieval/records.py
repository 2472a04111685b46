"""The things that the rest of the package hands around: frozen, and free of any library.

All offsets are in characters (Unicode code points) of the text of the document, half open, so that
``document.text[start:end]`` is the text meant.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote as percent_encoded

from retrieval.text_fragments import first_words, link_to_original

VERSION_LENGTH = 8
"""Hexadecimal digits of a document's sha256 that ``?v=`` carries in a link to a source."""

DEFAULT_LANGUAGE = "nl"
"""Of a document that does not say in which language it is."""

OWN_WEIGHT = 2
"""Times that a follow-up's own words are added to the question it was made whole with
(docs/experiments.md, "Follow-ups")."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a document's text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"span {self.start}:{self.end}: expected 0 <= start < end")

    def shifted(self, by: int) -> "Span":
        """The same stretch, counted from elsewhere."""
        return Span(self.start + by, self.end + by)


class BlockKind(StrEnum):
    """What a reader found a stretch of text to be."""

    TITLE = "title"
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    CODE = "code"
    TABLE_HEADER = "table_header"
    TABLE_ROW = "table_row"


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a document as its format sets it apart.

    ``level`` is that of a heading (1 to 6), and of an item of a list in how many others it lies.
    """

    kind: BlockKind
    span: Span
    level: int = 0


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a document comes from, as its editor or it itself says, and questions it answers well.

    Days are written YYYY-MM-DD: ``date`` of publication, ``modified`` of the last change, and the first and
    the last day on which it holds. ``synonyms`` are pairs: a name that visitors use, and the words of the
    text for the same.
    """

    title: str | None = None
    url: str | None = None
    publisher: str | None = None
    language: str | None = None
    date: str | None = None
    modified: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    version: str | None = None
    licence: str | None = None
    questions: tuple[str, ...] = ()
    synonyms: tuple[tuple[str, str], ...] = ()

    def holds_on(self, day: str) -> bool:
        """Whether what the document says holds on a day; where no days are known it does."""
        return (self.valid_from or day) <= day <= (self.valid_until or day)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place of the original that can be linked to, at the offset of its heading.

    ``fragment`` is the id of the heading there, ``identifier`` that of an article of a law (Juriconnect).
    """

    start: int
    fragment: str | None = None
    identifier: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A source: its text, what that text consists of, and where it comes from.

    ``id`` is the path below the corpus folder, with ``/``; ``sha256`` is that of ``text`` in UTF-8.
    ``blocks`` are in the order of the text, do not overlap, and hold every character that is not
    blank. ``page_starts`` are the offsets at which its pages start, in order; none where it has no pages.
    ``anchors`` are in the order of the text.
    """

    id: str
    text: str
    sha256: str
    title: str
    blocks: tuple[Block, ...]
    provenance: Provenance = Provenance()
    page_starts: tuple[int, ...] = ()
    anchors: tuple[Anchor, ...] = ()

    @property
    def version(self) -> str:
        """The start of ``sha256``, as links carry it."""
        return self.sha256[:VERSION_LENGTH]


def sha256_of_text(text: str) -> str:
    """The hash of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def page_at(page_starts: Sequence[int], offset: int) -> int | None:
    """The page, counted from 1, that an offset stands on; None where there are no pages."""
    return bisect_right(page_starts, offset) or None


def anchor_at(anchors: Sequence[Anchor], offset: int) -> Anchor | None:
    """The last anchor up to an offset; None where there is none."""
    place = bisect_right(anchors, offset, key=lambda anchor: anchor.start)
    return anchors[place - 1] if place else None


@dataclass(frozen=True, slots=True)
class Lead:
    """What an item of a list, or a row of a table, is read with: the lead-in, the table's header, or both.

    ``text == document.text[span.start:span.end]``.
    """

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """One paragraph, or a part of a long one, with the headings above it.

    ``text == document.text[span.start:span.end]``; ``sentences`` are spans in the document, in
    order, and together hold every character of the passage that is not blank. All that stands behind
    ``lead`` is items or rows that are read with it; where a long list was cut, it stands before the
    passage.
    """

    document_id: str
    span: Span
    text: str
    headings: tuple[str, ...]
    sentences: tuple[Span, ...]
    lead: Lead | None = None

    @property
    def lead_before(self) -> str:
        """The words of a lead that stands before the passage; empty where none does."""
        return self.lead.text if self.lead and self.lead.span.start < self.span.start else ""

    def lead_of(self, number: int) -> Lead | None:
        """What sentence ``number`` is read with; None where it is no item or row below a lead."""
        lead = self.lead
        return lead if lead and self.sentences[number].start >= lead.span.end else None

    def with_lead(self, number: int) -> str:
        """The words of sentence ``number``, and before them those of what it is read with."""
        lead = self.lead_of(number)
        return f"{lead.text} {self.sentence_text(number)}" if lead else self.sentence_text(number)

    def sentence_text(self, number: int) -> str:
        """The words of sentence ``number``, counted from 0."""
        sentence = self.sentences[number]
        return self.text[sentence.start - self.span.start : sentence.end - self.span.start]


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: ``text``, made whole with earlier questions, and ``own``, this turn's words.

    The two are equal where the question stands by itself.
    """

    text: str
    own: str

    @property
    def leans_back(self) -> bool:
        """Whether earlier questions are part of it."""
        return self.text != self.own

    @property
    def words(self) -> str:
        """The words to search by: this turn's count more than those it leans on ("En de IND?")."""
        return f"{self.text}{f' {self.own}' * OWN_WEIGHT}" if self.leans_back else self.text


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """Which documents may answer: those that are one of each kind that is named.

    ``sources`` are ids of documents, or folders of them that end in ``/``; ``since`` is the day from which on
    they were published or changed, ``valid_on`` the day on which they hold, both YYYY-MM-DD.
    """

    sources: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    since: str | None = None
    valid_on: str | None = None

    def lets_in(self, document_id: str, provenance: Provenance) -> bool:
        """Whether a document may answer; one of which is not known what is asked for may not.

        Capitals make no difference, and a language stands for its regions: "nl" for "nl-BE". A document that
        does not say its language is in DEFAULT_LANGUAGE.
        """
        language = (provenance.language or DEFAULT_LANGUAGE).lower()
        return (
            _is_among(self.sources, lambda one: document_id == one or _is_below(document_id, one))
            and _is_among(self.publishers, _equals(provenance.publisher))
            and _is_among(self.languages, lambda one: f"{language}-".startswith(f"{one.lower()}-"))
            and _is_among(self.licences, _equals(provenance.licence))
            and (self.since is None or max(provenance.date or "", provenance.modified or "") >= self.since)
            and (self.valid_on is None or provenance.holds_on(self.valid_on))
        )


EVERY_SOURCE = SourceFilter()
"""The filter that lets every document answer."""


def _is_among(named: Sequence[str], fits: Callable[[str], bool]) -> bool:
    return not named or any(fits(one) for one in named)


def _equals(known: str | None) -> Callable[[str], bool]:
    lowered = (known or "").lower()
    return lambda one: one.lower() == lowered


def _is_below(document_id: str, folder: str) -> bool:
    return folder.endswith("/") and document_id.startswith(folder)


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, with the score that ranks it and the parts which that was made of.

    ``parts`` are named and told in retriever.py; ``sentence_scores`` are the inner products of each
    sentence with the query. ``duplicates`` are the ids of other passages that say the same.
    """

    passage_id: int
    passage: Passage
    score: float
    parts: Mapping[str, float]
    sentence_scores: tuple[float, ...]
    duplicates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """One or two consecutive sentences or a short list, word for word, and the number of their citation.

    ``lead`` is what an item or a row is read with; it may stand further up in the document.
    """

    text: str
    citation: int
    span: Span
    lead: Lead | None = None


@dataclass(frozen=True, slots=True)
class OtherPlace:
    """Another passage that says the same, word for word or nearly."""

    document_id: str
    title: str
    headings: tuple[str, ...]
    url: str | None
    span: Span
    sha256: str

    @property
    def source_url(self) -> str:
        """The path of the source page with the passage marked."""
        return _source_url(self.document_id, self.sha256, self.span, self.span.start)


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that is shown with an answer or an abstention.

    ``highlights`` are offsets in the citation's own ``text``; ``score`` (0 to 1) orders the
    citations of one answer and means nothing else. ``provenance`` is that of the document, and
    ``is_outdated`` tells whether that holds no longer, or not yet. ``page``, counted from 1, is that on which
    the quote starts, or the passage where nothing is quoted; ``anchor`` is the last one above that place.
    ``other_places`` are some of the ``other_place_count`` where the same stands.
    """

    number: int
    document_id: str
    title: str
    headings: tuple[str, ...]
    url: str | None
    span: Span
    text: str
    sha256: str
    highlights: tuple[Span, ...]
    score: float
    provenance: Provenance = Provenance()
    is_outdated: bool = False
    page: int | None = None
    anchor: Anchor | None = None
    other_places: tuple[OtherPlace, ...] = ()
    other_place_count: int = 0

    @property
    def place(self) -> str:
        """Where it stands, to be read: "Jaarverslag › Glas, p. 12"."""
        return " › ".join((self.title, *self.headings)) + (f", p. {self.page}" if self.page else "")

    @property
    def source_url(self) -> str:
        """The path of the source page with the quote marked, or the passage where nothing is quoted."""
        marked = self.highlights[0].shifted(self.span.start) if self.highlights else self.span
        return _source_url(self.document_id, self.sha256, marked, self.span.start)

    @property
    def original_url(self) -> str | None:
        """``url`` with the quote, or the start of the passage, as text fragment; None if it is not http.

        Before that the id of the heading above it, for browsers that know no text fragments. Of a PDF,
        ``url`` with the page.
        """
        fragment = self.anchor.fragment if self.anchor else None
        quoted = self.highlights[0] if self.highlights else None
        words = self.text[quoted.start : quoted.end] if quoted else first_words(self.text)
        return link_to_original(self.url, self.page, words, fragment)


def _source_url(document_id: str, sha256: str, marked: Span, passage_start: int) -> str:
    return (
        f"/bronnen/{percent_encoded(document_id)}?v={sha256[:VERSION_LENGTH]}"
        f"&start={marked.start}&end={marked.end}#p-{passage_start}"
    )


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom a visitor can turn to when the sources hold no answer."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The sources answer: at least one quote, the best first; at most 3 quotes, 5 citations.

    ``text`` begins with the ``notice``, where there is one: that other words were searched than were typed.
    """

    id: str
    text: str
    quotes: tuple[Quote, ...]
    citations: tuple[Citation, ...]
    suggestions: tuple[str, ...] = ()
    contact: Contact | None = None
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class Abstention:
    """The sources hold no answer; ``citations`` are passages about the subject, if there are any.

    ``text`` begins with the ``notice``, where there is one: which words were searched, or may be meant.
    """

    id: str
    text: str
    citations: tuple[Citation, ...] = ()
    suggestions: tuple[str, ...] = ()
    contact: Contact | None = None
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """Not a question about the texts: a greeting, thanks, a question about this service."""

    id: str
    text: str
    suggestions: tuple[str, ...] = ()
    contact: Contact | None = None
    notice: str | None = None


Reply = Answer | Abstention | SmallTalk
