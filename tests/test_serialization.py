import json

from hypothesis import given
from hypothesis import strategies as st

from retrieval.records import Abstention, Answer, Citation, Contact, Lead, Quote, Reply, SmallTalk, Span
from retrieval.serialization import reply_to_json

CITATION = Citation(
    number=1,
    document_id="map/bron.txt",
    title="Bron",
    headings=("Kop", "Onderkop"),
    url=None,
    span=Span(26, 40),
    text="Een. Twee é 🙂.",
    sha256="3f9a1c2e" + "0" * 56,
    highlights=(Span(5, 14),),
    score=0.91,
)
CITATION_JSON = {
    "number": 1,
    "document_id": "map/bron.txt",
    "title": "Bron",
    "headings": ["Kop", "Onderkop"],
    "url": None,
    "source_url": "/bronnen/map/bron.txt?v=3f9a1c2e&start=31&end=40#p-26",
    "start": 26,
    "end": 40,
    "text": "Een. Twee é 🙂.",
    "sha256": "3f9a1c2e" + "0" * 56,
    "highlights": [[5, 14]],
    "score": 0.91,
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


texts = st.text(st.characters(codec="utf-8"), max_size=20)
replies: st.SearchStrategy[Reply] = st.one_of(
    st.builds(Abstention, texts, texts, st.just((CITATION,)), st.tuples(texts), st.builds(Contact, texts)),
    st.builds(SmallTalk, texts, texts, st.tuples(texts)),
)


@given(replies)
def test_it_survives_json_unchanged(reply: Reply) -> None:
    as_json = reply_to_json(reply)
    assert json.loads(json.dumps(as_json)) == as_json
