"""Replies as JSON: the one form in which the HTTP interface and ``vraagbaak ask --json`` give them.

Every key is there in every status; lists may be empty. Offsets are in characters of the document's
text, those of ``highlights`` in the citation's own ``text``.
"""

from typing import Any, Literal

from retrieval.records import Abstention, Answer, Citation, Contact, Lead, Quote, Reply, SmallTalk

Status = Literal["answered", "abstained", "smalltalk"]


def reply_to_json(reply: Reply) -> dict[str, Any]:
    """What ``POST /api/v1/answers`` gives for this reply, ready for ``json.dumps``."""
    quotes: tuple[Quote, ...] = reply.quotes if isinstance(reply, Answer) else ()
    citations: tuple[Citation, ...] = () if isinstance(reply, SmallTalk) else reply.citations
    return {
        "id": reply.id,
        "status": status_of(reply),
        "text": reply.text,
        "quotes": [_quote_to_json(quote) for quote in quotes],
        "citations": [_citation_to_json(citation) for citation in citations],
        "suggestions": list(reply.suggestions),
        "contact": _contact_to_json(reply.contact),
        "notice": reply.notice,
    }


def status_of(reply: Reply) -> Status:
    """The word for the kind of reply."""
    match reply:
        case Answer():
            return "answered"
        case Abstention():
            return "abstained"
        case SmallTalk():
            return "smalltalk"


def _quote_to_json(quote: Quote) -> dict[str, Any]:
    return {
        "text": quote.text,
        "citation": quote.citation,
        "start": quote.span.start,
        "end": quote.span.end,
        "lead": _lead_to_json(quote.lead),
    }


def _lead_to_json(lead: Lead | None) -> dict[str, Any] | None:
    return None if lead is None else {"text": lead.text, "start": lead.span.start, "end": lead.span.end}


def _citation_to_json(citation: Citation) -> dict[str, Any]:
    return {
        "number": citation.number,
        "document_id": citation.document_id,
        "title": citation.title,
        "headings": list(citation.headings),
        "url": citation.url,
        "source_url": citation.source_url,
        "start": citation.span.start,
        "end": citation.span.end,
        "text": citation.text,
        "sha256": citation.sha256,
        "highlights": [[span.start, span.end] for span in citation.highlights],
        "score": citation.score,
    }


def _contact_to_json(contact: Contact | None) -> dict[str, Any] | None:
    return None if contact is None else {"text": contact.text, "url": contact.url}
