"""A chatbot that knows three sentences, and a server of it: what the web is tested with.

``python three_sentences.py`` serves it at a free port and prints the address.
"""

import hashlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from retrieval.explanation import Candidate, Explanation
from retrieval.records import (
    EVERY_SOURCE,
    Abstention,
    Answer,
    Block,
    BlockKind,
    Citation,
    Contact,
    Document,
    Passage,
    Provenance,
    Quote,
    Reply,
    SmallTalk,
    SourceFilter,
    Span,
)
from retrieval.settings import load_settings
from retrieval.store import DocumentEntry
from retrieval.web.server import serve

DOCUMENT_ID = "over ons/gemeentehuis.txt"
OPEN = "Het gemeentehuis is open van 9 tot 17 uur."
SUNDAY = "Op *zondag* is het <b>gesloten</b> & stil, zie [hier](http://x.example/) en ![x](http://x.example/x.png)."
PASSPORT = (
    "Een paspoort vraagt u aan de balie aan: neem $$pasfoto's$$ mee,  __twee__ `stuks` &amp; uw_oude_pas."
)
PARTY = "De 🎈ballonnen hangen er vanaf koningsdag."
FILLING = "Deze regel vult de pagina en beantwoordt niets."
TEXT = (
    f"Het gemeentehuis\n\nOpeningstijden\n\n{OPEN} {SUNDAY}\n\n"
    + "".join(f"{FILLING}\n\n" for _ in range(40))
    + f"Balie\n\n{PASSPORT}\n\nFeest\n\n🎉👩🏽‍🚀 Hoera! {PARTY}\n"
)
OLD_TEXT = "Het gemeentehuis\n\nHet gemeentehuis is dicht. Kom maandag terug.\n"
TABULAR_TEXT = "Het gemeentehuis\n\nNeem mee\n\n- uw oude pas\n- een pasfoto\n\nDag | Tijd\nma | 9 uur\n"
CONTACT = Contact("Bel de gemeente", "tel:14010")
QUESTIONS = ("Wanneer is het gemeentehuis open?", "Waar vraag ik een paspoort aan?")


def document_of(text: str) -> Document:
    """A document of a title, headings without a full stop, paragraphs, items and rows, each on a line."""
    blocks = []
    for number, match in enumerate(re.finditer(r"[^\n]+", text)):
        kind = (
            BlockKind.TITLE
            if number == 0
            else BlockKind.LIST_ITEM
            if match.group().startswith("- ")
            else BlockKind.TABLE_ROW
            if " | " in match.group()
            else BlockKind.PARAGRAPH
            if match.group().endswith(".")
            else BlockKind.HEADING
        )
        blocks.append(Block(kind, Span(match.start(), match.end()), 1 if kind is BlockKind.HEADING else 0))
    return Document(
        DOCUMENT_ID,
        text,
        hashlib.sha256(text.encode()).hexdigest(),
        "Het gemeentehuis",
        tuple(blocks),
        Provenance(
            url="https://gemeente.example/", publisher="Gemeente", date="2024-03-09", questions=QUESTIONS
        ),
    )


DOCUMENT = document_of(TEXT)
OLD_DOCUMENT = document_of(OLD_TEXT)
TABULAR_DOCUMENT = document_of(TABULAR_TEXT)


def passages_of(document: Document) -> tuple[Passage, ...]:
    """A passage for each paragraph."""
    passages, headings = [], ()
    for block in document.blocks:
        text = document.text[block.span.start : block.span.end]
        if block.kind is BlockKind.HEADING:
            headings = (text,)
        elif block.kind is BlockKind.PARAGRAPH:
            passages.append(Passage(document.id, block.span, text, headings, (block.span,)))
    return tuple(passages)


PASSAGES = passages_of(DOCUMENT)


@dataclass(frozen=True)
class ThreeSentencesStore:
    """The one document."""

    def documents(self) -> list[DocumentEntry]:
        return [
            DocumentEntry(DOCUMENT.id, DOCUMENT.title, DOCUMENT.sha256, DOCUMENT.provenance, len(PASSAGES))
        ]

    def document(self, document_id: str) -> Document | None:
        if "kapot" in document_id:
            raise RuntimeError(f"broken by {document_id}")
        return DOCUMENT if document_id == DOCUMENT_ID else None

    def passages_of(self, document_id: str) -> list[tuple[int, Passage]]:
        return list(enumerate(PASSAGES)) if document_id == DOCUMENT_ID else []


@dataclass(frozen=True)
class ThreeSentencesIndex:
    """The one document, and what it was before."""

    store: ThreeSentencesStore = ThreeSentencesStore()

    def id_of_version(self, version_prefix: str) -> str | None:
        return DOCUMENT_ID if DOCUMENT.sha256.startswith(version_prefix) else None

    def document_version(self, document_id: str, version_prefix: str) -> Document | None:
        kept = (DOCUMENT, OLD_DOCUMENT, TABULAR_DOCUMENT) if document_id == DOCUMENT_ID else ()
        return next((document for document in kept if document.sha256.startswith(version_prefix)), None)


class ThreeSentences:
    """Answers with the sentences that share a word of five letters or more with the questions so far."""

    index = ThreeSentencesIndex()
    suggestions = QUESTIONS

    def reply(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> Reply:
        if "kapot" in question:
            raise RuntimeError(f"broken by {question}")
        if question.startswith("hallo"):
            return SmallTalk("s1", "Hallo! Vraag maar.", self.suggestions, CONTACT)
        asked = {word.casefold() for line in (question, *history) for word in re.findall(r"\w{5,}", line)}
        known = (OPEN, SUNDAY, PASSPORT, PARTY) if _lets_in(source_filter) else ()
        found = [sentence for sentence in known if asked & _words(sentence)]
        if not found:
            text = f"Dat staat niet in deze bronnen.\n\n{CONTACT.text} {CONTACT.url}"
            return Abstention("a1", text, (), self.suggestions, CONTACT)
        citations = tuple(_citation(number, sentence) for number, sentence in enumerate(found, start=1))
        if "burgemeester" in asked:
            related = tuple(replace(citation, highlights=()) for citation in citations)
            text = f"Ik vind hier geen antwoord op, maar deze passages gaan erover.\n\n“{related[0].text}”"
            return Abstention("a2", text, related, self.suggestions, CONTACT)
        quotes = tuple(_quote(citation) for citation in citations)
        return Answer("q1", "\n\n".join(quote.text for quote in quotes), quotes, citations, self.suggestions)

    def close(self) -> None:
        """There is nothing to give back."""

    def reply_explained(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> tuple[Reply, Explanation]:
        reply = self.reply(question, history, source_filter)
        match reply:
            case SmallTalk():
                return reply, Explanation("smalltalk", "Het begint met hallo.")
            case Answer():
                outcome, decision = "answered", "Er zijn zinnen met een woord van de vraag."
            case Abstention():
                outcome, decision = "unrelated", "Geen zin heeft een woord van de vraag."
        candidates = tuple(Candidate(citation, ()) for citation in reply.citations)
        return reply, Explanation(outcome, decision, question, bool(history), candidates=candidates)


def _lets_in(source_filter: SourceFilter) -> bool:
    return source_filter.lets_in(DOCUMENT.id, DOCUMENT.provenance)


def _words(sentence: str) -> set[str]:
    return {word.casefold() for word in re.findall(r"\w{5,}", sentence)}


def _citation(number: int, sentence: str) -> Citation:
    passage = next(passage for passage in PASSAGES if sentence in passage.text)
    at = passage.text.index(sentence)
    return Citation(
        number=number,
        document_id=DOCUMENT.id,
        title=DOCUMENT.title,
        headings=passage.headings,
        url=DOCUMENT.provenance.url,
        span=passage.span,
        text=passage.text,
        sha256=DOCUMENT.sha256,
        highlights=(Span(at, at + len(sentence)),),
        score=1 / number,
        provenance=DOCUMENT.provenance,
    )


def _quote(citation: Citation) -> Quote:
    place = citation.highlights[0]
    return Quote(citation.text[place.start : place.end], citation.number, place.shifted(citation.span.start))


if __name__ == "__main__":
    chatbot = None if "--without-index" in sys.argv else ThreeSentences()
    serve(chatbot, load_settings({"port": 0, "rate_limit": "off"}))
