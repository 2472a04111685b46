import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from retrieval.explanation import Candidate, Contribution, Correction, Explanation, Judgement, Sentence
from retrieval.records import (
    Abstention,
    Anchor,
    Answer,
    Citation,
    Contact,
    Lead,
    OtherPlace,
    Provenance,
    Quote,
    Reply,
    SmallTalk,
    Span,
)
from retrieval.serialization import explained_reply_to_json, explanation_to_json, reply_to_json

CITATION = Citation(
    number=1,
    document_id="map/bron.txt",
    title="Bron",
    headings=("Kop", "Onderkop"),
    url="https://x.example/a",
    span=Span(26, 40),
    text="Een. Twee é 🙂.",
    sha256="3f9a1c2e" + "0" * 56,
    highlights=(Span(5, 14),),
    score=0.91,
    provenance=Provenance(
        date="2024-03-09",
        modified="2025-05-03",
        valid_from="2025-06-01",
        valid_until="2026-05-31",
        version="2.1",
        publisher="Gemeente",
        licence="CC0-1.0",
        language="nl",
    ),
    is_outdated=True,
    page=12,
    anchor=Anchor(20, "kop-2", "jci1.3:c:BWBR0005537&artikel=3:41"),
    other_places=(
        OtherPlace("map/ook.txt", "Ook", ("Elders",), "https://x.example/b", Span(7, 21), "ab" * 32),
    ),
    other_place_count=12,
)
CITATION_JSON = {
    "number": 1,
    "document_id": "map/bron.txt",
    "title": "Bron",
    "headings": ["Kop", "Onderkop"],
    "page": 12,
    "date": "2024-03-09",
    "modified": "2025-05-03",
    "valid_from": "2025-06-01",
    "valid_until": "2026-05-31",
    "version": "2.1",
    "publisher": "Gemeente",
    "licence": "CC0-1.0",
    "language": "nl",
    "outdated": True,
    "identifier": "jci1.3:c:BWBR0005537&artikel=3:41",
    "url": "https://x.example/a",
    "original_url": "https://x.example/a#kop-2:~:text=Twee%20%C3%A9%20%F0%9F%99%82.",
    "source_url": "/bronnen/map/bron.txt?v=3f9a1c2e&start=31&end=40#p-26",
    "start": 26,
    "end": 40,
    "text": "Een. Twee é 🙂.",
    "sha256": "3f9a1c2e" + "0" * 56,
    "highlights": [[5, 14]],
    "score": 0.91,
    "other_places": [
        {
            "document_id": "map/ook.txt",
            "title": "Ook",
            "headings": ["Elders"],
            "url": "https://x.example/b",
            "source_url": "/bronnen/map/ook.txt?v=abababab&start=7&end=21#p-7",
            "start": 7,
            "end": 21,
        }
    ],
    "other_place_count": 12,
}


def test_an_answer() -> None:
    quote = Quote("Twee é 🙂.", 1, Span(31, 40), Lead(Span(20, 24), "Een:"))
    contact = Contact("Bel ons", "tel:14010")
    assert reply_to_json(
        Answer("a", "tekst", (quote,), (CITATION,), ("Vraag?",), contact, "Gezocht op “a”.")
    ) == {
        "id": "a",
        "status": "answered",
        "text": "tekst",
        "quotes": [
            {
                "text": "Twee é 🙂.",
                "citation": 1,
                "start": 31,
                "end": 40,
                "lead": {"text": "Een:", "start": 20, "end": 24},
            }
        ],
        "citations": [CITATION_JSON],
        "suggestions": ["Vraag?"],
        "contact": {"text": "Bel ons", "url": "tel:14010"},
        "notice": "Gezocht op “a”.",
    }


def test_an_abstention_with_a_passage_about_the_subject() -> None:
    assert reply_to_json(Abstention("b", "tekst", (CITATION,), (), Contact("Bel ons"))) == {
        "id": "b",
        "status": "abstained",
        "text": "tekst",
        "quotes": [],
        "citations": [CITATION_JSON],
        "suggestions": [],
        "contact": {"text": "Bel ons", "url": None},
        "notice": None,
    }


def test_small_talk() -> None:
    assert reply_to_json(SmallTalk("c", "Hallo!")) == {
        "id": "c",
        "status": "smalltalk",
        "text": "Hallo!",
        "quotes": [],
        "citations": [],
        "suggestions": [],
        "contact": None,
        "notice": None,
    }


EXPLANATION = Explanation(
    outcome="answered",
    decision="Daarom.",
    searched="Wat doet de AIVD?",
    joined=True,
    corrections=(Correction("avid", "AIVD"),),
    candidates=(
        Candidate(CITATION, (Contribution("words", "woorden", 0.5, 3.0),)),
        Candidate(replace(CITATION, highlights=()), (Contribution("words", "woorden", 1 / 3, 3.0),)),
    ),
    judgements=(
        Judgement(
            "subject",
            "Onderwerp?",
            (Contribution("length", "lengte", 2.0, -0.25),),
            -1.0,
            0.123456,
            0.3,
            True,
        ),
    ),
    sentences=(Sentence("Een.", Span(26, 30), 0.87654321, 0.5, 0.75, ("jaar",), False, 0.86, False),),
)


def test_an_explanation() -> None:
    url = "/bronnen/map/bron.txt?v=3f9a1c2e&start=31&end=40#p-26"
    candidate = {
        "number": 1,
        "document_id": "map/bron.txt",
        "title": "Bron",
        "headings": ["Kop", "Onderkop"],
        "source_url": url,
        "start": 26,
        "end": 40,
        "first_words": "Een. Twee é 🙂.",
        "quoted": True,
        "points": 1.5,
        "parts": [{"name": "words", "label": "woorden", "value": 0.5, "weight": 3.0, "points": 1.5}],
    }
    other = {
        "source_url": url.replace("start=31", "start=26"),
        "quoted": False,
        "points": 1.0,
        "parts": [{"name": "words", "label": "woorden", "value": 0.3333, "weight": 3.0, "points": 1.0}],
    }
    assert explanation_to_json(EXPLANATION) == {
        "outcome": "answered",
        "decision": "Daarom.",
        "searched": "Wat doet de AIVD?",
        "joined": True,
        "corrections": [{"typed": "avid", "searched": "AIVD"}],
        "candidates": [candidate, candidate | other],
        "ahead": [{"name": "words", "label": "woorden", "points": 0.5}],
        "judgements": [
            {
                "name": "subject",
                "label": "Onderwerp?",
                "features": [
                    {"name": "length", "label": "lengte", "value": 2.0, "weight": -0.25, "points": -0.5}
                ],
                "intercept": -1.0,
                "probability": 0.1235,
                "yes_from": 0.3,
                "yes": False,
                "counts": True,
            }
        ],
        "sentences": [
            {
                "text": "Een.",
                "start": 26,
                "end": 30,
                "nearness": 0.8765,
                "words": 0.5,
                "known": 0.75,
                "missing": ["jaar"],
                "meaning": False,
                "score": 0.86,
                "quoted": False,
            }
        ],
    }


def test_an_explanation_is_one_key_more() -> None:
    reply = SmallTalk("c", "Hallo!")
    explanation = Explanation("smalltalk", "Een praatje.")
    assert explained_reply_to_json(reply, explanation) == reply_to_json(reply) | {
        "explanation": {
            "outcome": "smalltalk",
            "decision": "Een praatje.",
            "searched": None,
            "joined": False,
            "corrections": [],
            "candidates": [],
            "ahead": [],
            "judgements": [],
            "sentences": [],
        }
    }


texts = st.text(st.characters(codec="utf-8"), max_size=20)
replies: st.SearchStrategy[Reply] = st.one_of(
    st.builds(Abstention, texts, texts, st.just((CITATION,)), st.tuples(texts), st.builds(Contact, texts)),
    st.builds(SmallTalk, texts, texts, st.tuples(texts)),
)


@given(replies)
def test_it_survives_json_unchanged(reply: Reply) -> None:
    as_json = reply_to_json(reply)
    assert json.loads(json.dumps(as_json)) == as_json
