"""Replies and explanations as JSON, as the HTTP interface and ``vraagbaak ask --json`` give them.

Every key is there in every status; lists may be empty. Offsets are in characters of the document's
text, those of ``highlights`` in the citation's own ``text``.
"""

from typing import Any, Literal

from retrieval.explanation import Candidate, Contribution, Explanation, Judgement, Sentence
from retrieval.records import (
    Abstention,
    Answer,
    Citation,
    Contact,
    Lead,
    OtherPlace,
    Provenance,
    Quote,
    Reply,
    SmallTalk,
)

Status = Literal["answered", "abstained", "smalltalk"]

DECIMALS = 4
"""Of the numbers of an explanation; more of them say nothing."""


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


def explained_reply_to_json(reply: Reply, explanation: Explanation) -> dict[str, Any]:
    """The same with the key ``explanation``, which is there only where it was asked for."""
    return {**reply_to_json(reply), "explanation": explanation_to_json(explanation)}


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    """The explanation alone; ``label``, ``decision`` and ``missing`` are Dutch, to be shown.

    ``outcome`` is answered, related (passages about the subject, no answer), unrelated or smalltalk;
    ``searched`` is null for small talk, and then all lists are empty. ``points`` are value times weight;
    ``ahead`` is by how many the first candidate is ahead of the second.
    """
    return {
        "outcome": explanation.outcome,
        "decision": explanation.decision,
        "searched": explanation.searched,
        "joined": explanation.joined,
        "corrections": [{"typed": one.typed, "searched": one.searched} for one in explanation.corrections],
        "candidates": [_candidate_to_json(one) for one in explanation.candidates],
        "ahead": [
            {"name": one.name, "label": one.label, "points": _rounded(one.points)}
            for one in explanation.ahead
        ],
        "judgements": [_judgement_to_json(one) for one in explanation.judgements],
        "sentences": [_sentence_to_json(one) for one in explanation.sentences],
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
        "page": citation.page,
        **_provenance_to_json(citation.provenance),
        "outdated": citation.is_outdated,
        "identifier": citation.anchor.identifier if citation.anchor else None,
        "url": citation.url,
        "original_url": citation.original_url,
        "source_url": citation.source_url,
        "start": citation.span.start,
        "end": citation.span.end,
        "text": citation.text,
        "sha256": citation.sha256,
        "highlights": [[span.start, span.end] for span in citation.highlights],
        "score": citation.score,
        "other_places": [_other_place_to_json(place) for place in citation.other_places],
        "other_place_count": citation.other_place_count,
    }


def _provenance_to_json(provenance: Provenance) -> dict[str, str | None]:
    """What is told of a source with each citation; its title and address stand there already."""
    return {
        "date": provenance.date,
        "modified": provenance.modified,
        "valid_from": provenance.valid_from,
        "valid_until": provenance.valid_until,
        "version": provenance.version,
        "publisher": provenance.publisher,
        "licence": provenance.licence,
        "language": provenance.language,
    }


def _other_place_to_json(place: OtherPlace) -> dict[str, Any]:
    return {
        "document_id": place.document_id,
        "title": place.title,
        "headings": list(place.headings),
        "url": place.url,
        "source_url": place.source_url,
        "start": place.span.start,
        "end": place.span.end,
    }


def _contact_to_json(contact: Contact | None) -> dict[str, Any] | None:
    return None if contact is None else {"text": contact.text, "url": contact.url}


def _candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    citation = candidate.citation
    return {
        "number": citation.number,
        "document_id": citation.document_id,
        "title": citation.title,
        "headings": list(citation.headings),
        "source_url": citation.source_url,
        "start": citation.span.start,
        "end": citation.span.end,
        "first_words": candidate.first_words,
        "quoted": bool(citation.highlights),
        "points": _rounded(candidate.points),
        "parts": [_contribution_to_json(part) for part in candidate.parts],
    }


def _judgement_to_json(judgement: Judgement) -> dict[str, Any]:
    return {
        "name": judgement.name,
        "label": judgement.label,
        "features": [_contribution_to_json(feature) for feature in judgement.features],
        "intercept": _rounded(judgement.intercept),
        "probability": _rounded(judgement.probability),
        "yes_from": _rounded(judgement.yes_from),
        "yes": judgement.yes,
        "counts": judgement.counts,
    }


def _sentence_to_json(sentence: Sentence) -> dict[str, Any]:
    return {
        "text": sentence.text,
        "start": sentence.span.start,
        "end": sentence.span.end,
        "nearness": _rounded(sentence.nearness),
        "words": _rounded(sentence.words),
        "known": _rounded(sentence.known),
        "missing": list(sentence.missing),
        "meaning": sentence.meaning,
        "score": _rounded(sentence.score),
        "quoted": sentence.quoted,
    }


def _contribution_to_json(contribution: Contribution) -> dict[str, Any]:
    return {
        "name": contribution.name,
        "label": contribution.label,
        "value": _rounded(contribution.value),
        "weight": _rounded(contribution.weight),
        "points": _rounded(contribution.points),
    }


def _rounded(value: float) -> float:
    return round(value, DECIMALS)
