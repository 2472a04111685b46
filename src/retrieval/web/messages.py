"""What the chat says, as HTML: quotes first, each with its source, then the passages, folded.

Everything from corpus and visitor is escaped here. A message is one line that starts with a block
element, so that Markdown, through which Gradio takes it, leaves every character of it alone.
"""

from collections.abc import Iterable, Sequence
from html import escape

from retrieval.provenance_text import elsewhere, origin, outdated
from retrieval.records import Abstention, Answer, Citation, Contact, Quote, Reply, SmallTalk, Span

PROMISE = "U krijgt de zinnen te zien die uw vraag beantwoorden, letterlijk en met de bron erbij."
FAILED = (
    "Er ging iets mis bij het beantwoorden van uw vraag. Dat ligt aan ons, niet aan u. Probeer het nog eens."
)
NOT_READY = (
    "Vraagbaak kan nu geen vragen beantwoorden: de bronnen zijn nog niet klaar. Probeer het later opnieuw."
)


def question_html(question: str) -> str:
    """A visitor's question, as it was typed, with a button for a link that asks it; chat.js listens to it."""
    return (
        f'<div class="vb-gevraagd"><p class="vb-vraag">{verbatim(question)}</p>'
        '<button type="button" class="vb-kopieer-vraag">Kopieer link naar deze vraag</button></div>'
    )


def notice_html(text: str) -> str:
    """A message about the service itself: something was refused or failed."""
    return _message("bericht", f'<p class="vb-melding">{verbatim(text)}</p>')


def welcome_html(subjects: Sequence[str], questions: Sequence[str]) -> str:
    """What the chat opens with: what can be asked about, and questions that make a good first try."""
    about = _enumeration(subjects)
    intro = f"Stel een vraag over {about}." if about else "Stel een vraag over deze bronnen."
    return _message(
        "welkom",
        f"<p>{intro} {PROMISE}</p>",
        suggestions_html("Bijvoorbeeld:", questions),
    )


def reply_html(reply: Reply) -> str:
    """A reply, to be shown as one message."""
    match reply:
        case Answer():
            cited = {citation.number: citation for citation in reply.citations}
            return _message(
                "beantwoord",
                _lines_html(reply.notice or ""),
                *(_quote_html(quote, cited[quote.citation]) for quote in reply.quotes),
                _folded_html(reply.citations),
                suggestions_html("Stel ook eens:", reply.suggestions),
                _contact_html(reply.contact),
            )
        case Abstention():
            return _message(
                "geen-antwoord",
                _lines_html(reply.notice or ""),
                # the verdict is the next paragraph; the rest of it is shown below in a form of its own
                _lines_html(reply.text.removeprefix(f"{reply.notice}\n\n").partition("\n\n")[0]),
                _about_html(reply.citations),
                suggestions_html("Dit kunt u wel vragen:", reply.suggestions),
                _contact_html(reply.contact),
            )
        case SmallTalk():
            return _message(
                "praatje",
                _lines_html(reply.text),
                suggestions_html("Bijvoorbeeld:", reply.suggestions),
                _contact_html(reply.contact),
            )


def suggestions_html(label: str, questions: Sequence[str]) -> str:
    """Questions as buttons that ask them at once; chat.js listens to them."""
    if not questions:
        return ""
    buttons = "".join(
        f'<li><button type="button" class="vb-suggestie">{verbatim(question)}</button></li>'
        for question in questions
    )
    return f'<div class="vb-suggesties"><p>{label}</p><ul>{buttons}</ul></div>'


def marked_html(text: str, highlights: Sequence[Span]) -> str:
    """A text with spans of it in ``<mark>``; without its tags and escapes it is the text itself."""
    parts: list[str] = []
    done = 0
    for span in sorted(highlights, key=lambda span: span.start):
        start, end = max(span.start, done), min(span.end, len(text))
        if start >= end:
            continue
        parts += [verbatim(text[done:start]), f"<mark>{verbatim(text[start:end])}</mark>"]
        done = end
    return "".join([*parts, verbatim(text[done:])])


def verbatim(text: str) -> str:
    """Text escaped for HTML, on one line: at an empty line Markdown would take over again."""
    return escape(text).replace("\r", "&#13;").replace("\n", "&#10;")


def _message(kind: str, *parts: str) -> str:
    return f'<div class="vb-antwoord vb-{kind}">{"".join(parts)}</div>'


def _quote_html(quote: Quote, citation: Citation) -> str:
    lead = f'<p class="vb-aanloop">{verbatim(quote.lead.text)}</p>' if quote.lead else ""
    return (
        f'<blockquote class="vb-citaat">{lead}<p>{verbatim(quote.text)}</p>'
        f'<footer><span class="vb-bron">Bron: {_link(citation.source_url, _place(citation))}</span>'
        f"{_origin_html(citation)}{_actions_html(citation)}</footer></blockquote>"
    )


def _origin_html(citation: Citation) -> str:
    told = ", ".join(map(verbatim, origin(citation.provenance)))
    shown = f'<span class="vb-herkomst">{told}</span>' if told else ""
    return f"{shown}{_outdated_html(citation)}"


def _outdated_html(citation: Citation) -> str:
    told = outdated(citation)
    return (
        f'<strong class="vb-verlopen">Let op: {verbatim(told[0].lower() + told[1:])}</strong>' if told else ""
    )


def _actions_html(citation: Citation) -> str:
    """What can be done with a quote; chat.js listens to the button."""
    original = citation.original_url
    link = _link(original, "Op de oorspronkelijke pagina") if original else ""
    button = '<button type="button" class="vb-kopieer">Kopieer met bron</button>'
    return f'<span class="vb-acties">{link}{button}</span>'


def _folded_html(citations: Sequence[Citation]) -> str:
    if not citations:
        return ""
    summary = "Lees de hele passage" if len(citations) == 1 else f"Lees alle {len(citations)} passages"
    return f'<details class="vb-passages"><summary>{summary}</summary>{_passages_html(citations)}</details>'


def _about_html(citations: Sequence[Citation]) -> str:
    return f'<div class="vb-passages">{_passages_html(citations)}</div>' if citations else ""


def _passages_html(citations: Iterable[Citation]) -> str:
    return "".join(
        f'<figure class="vb-passage"><figcaption>{_link(citation.source_url, _place(citation))}</figcaption>'
        f"<p>{marked_html(citation.text, citation.highlights)}</p>"
        f"{_outdated_html(citation)}{_elsewhere_html(citation)}</figure>"
        for citation in citations
    )


def _elsewhere_html(citation: Citation) -> str:
    """The other places where the same stands, folded; of many the first."""
    if not citation.other_place_count:
        return ""
    places = [
        f"<li>{_link(place.source_url, _joined(place.title, place.headings))}</li>"
        for place in citation.other_places
    ]
    more = citation.other_place_count - len(places)
    items = "".join(places) + (f"<li>en nog {more}</li>" if more > 0 else "")
    summary = elsewhere(citation.other_place_count)
    return f'<details class="vb-ook"><summary>{summary}</summary><ul>{items}</ul></details>'


def _contact_html(contact: Contact | None) -> str:
    if contact is None:
        return ""
    text = verbatim(contact.text) if contact.url is None else _link(contact.url, contact.text)
    return f'<p class="vb-contact">{text}</p>'


def _lines_html(text: str) -> str:
    return "".join(f"<p>{verbatim(line)}</p>" for line in text.split("\n") if line.strip())


def _place(citation: Citation) -> str:
    place = _joined(citation.title, citation.headings)
    return f"{place}, p. {citation.page}" if citation.page else place


def _joined(title: str, headings: Sequence[str]) -> str:
    return " › ".join([title, *(heading for heading in headings if heading != title)])


def _link(url: str, text: str) -> str:
    return f'<a href="{verbatim(url)}" target="_blank" rel="noopener">{verbatim(text)}</a>'


def _enumeration(subjects: Sequence[str]) -> str:
    named = [verbatim(subject) for subject in subjects]
    return " en ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
