from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from retrieval.records import (
    Abstention,
    Answer,
    Citation,
    Contact,
    Lead,
    OtherPlace,
    Provenance,
    Quote,
    SmallTalk,
    Span,
)
from retrieval.web.messages import marked_html, notice_html, question_html, reply_html, verbatim, welcome_html

NASTY = "<img src=x onerror=alert(1)> *a* $$b$$ [c](http://x.example) \"d\" 'e' &amp;\n\n# f\r\n`g`"

anything = st.text(st.characters(codec="utf-8"))


class Reader(HTMLParser):
    """The tags of a message, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.links: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "a":
            self.links.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def citation(text: str, *highlights: Span) -> Citation:
    return Citation(
        1, "a.txt", "Titel", ("Kop",), None, Span(10, 10 + len(text)), text, "ab" * 32, highlights, 1.0
    )


def test_the_page_of_a_pdf_stands_behind_the_place() -> None:
    cited = replace(citation("Een zin.", Span(0, 8)), page=12)
    html = reply_html(Answer("i", "t", (Quote("Een zin.", 1, Span(10, 18)),), (cited,)))
    assert html.count(">Titel › Kop, p. 12</a>") == 2


def test_an_answer_is_quotes_with_their_source_then_the_passages_folded_then_suggestions() -> None:
    text = "Een zin. Nog een."
    quote = Quote("Een zin.", 1, Span(10, 18))
    html = reply_html(Answer("i", "t", (quote,), (citation(text, Span(0, 8)),), ("En nu?",)))
    link = (
        '<a href="/bronnen/a.txt?v=abababab&amp;start=10&amp;end=18#p-10" target="_blank" rel="noopener">'
        "Titel › Kop</a>"
    )
    assert html == (
        '<div class="vb-antwoord vb-beantwoord">'
        f'<blockquote class="vb-citaat"><p>Een zin.</p><footer><span class="vb-bron">Bron: {link}</span>'
        '<span class="vb-acties"><button type="button" class="vb-kopieer">Kopieer met bron</button></span>'
        "</footer></blockquote>"
        '<details class="vb-passages"><summary>Lees de hele passage</summary>'
        f'<figure class="vb-passage"><figcaption>{link}</figcaption>'
        "<p><mark>Een zin.</mark> Nog een.</p></figure></details>"
        '<div class="vb-suggesties"><p>Stel ook eens:</p><ul>'
        '<li><button type="button" class="vb-suggestie">En nu?</button></li></ul></div>'
        "</div>"
    )


def test_a_quote_tells_its_date_its_publisher_and_its_original_page() -> None:
    cited = replace(
        citation("Een zin.", Span(0, 8)),
        url="https://x.example/a",
        provenance=Provenance(date="2024-03-09", publisher="Gemeente <X>"),
    )
    html = reply_html(Answer("i", "t", (Quote("Een zin.", 1, Span(10, 18)),), (cited,)))
    assert '<span class="vb-herkomst">9 maart 2024, Gemeente &lt;X&gt;</span>' in html
    assert (
        '<a href="https://x.example/a#:~:text=Een%20zin." target="_blank" rel="noopener">'
        "Op de oorspronkelijke pagina</a>"
    ) in html


def test_what_holds_no_longer_is_told_in_words_with_quote_and_passage() -> None:
    cited = replace(
        citation("Een zin.", Span(0, 8)),
        provenance=Provenance(modified="2025-05-03", version="2 <b>", valid_until="2025-05-31"),
        is_outdated=True,
    )
    html = reply_html(Answer("i", "t", (Quote("Een zin.", 1, Span(10, 18)),), (cited,)))
    assert '<span class="vb-herkomst">Bijgewerkt 3 mei 2025, versie 2 &lt;b&gt;</span>' in html
    assert html.count('<strong class="vb-verlopen">Let op: gold tot en met 31 mei 2025</strong>') == 2
    assert "vb-verlopen" not in reply_html(Abstention("i", "t", (replace(cited, is_outdated=False),)))


def test_where_else_a_passage_stands_is_folded_below_it() -> None:
    place = OtherPlace("b.txt", "Titel <b>", ("Titel <b>", "Kop"), None, Span(3, 9), "cd" * 32)
    cited = replace(citation("Een zin."), other_places=(place,), other_place_count=12)
    assert (
        '<details class="vb-ook"><summary>Staat ook op 12 andere plekken</summary><ul>'
        '<li><a href="/bronnen/b.txt?v=cdcdcdcd&amp;start=3&amp;end=9#p-3" target="_blank" rel="noopener">'
        "Titel &lt;b&gt; › Kop</a></li><li>en nog 11</li></ul></details>"
    ) in reply_html(Abstention("i", "t", (cited,)))
    alone = replace(cited, other_place_count=1)
    assert ("<summary>Staat ook op één andere plek</summary><ul><li><a href") in reply_html(
        Abstention("i", "t", (alone,))
    )
    assert "en nog" not in reply_html(Abstention("i", "t", (alone,)))


def test_a_row_is_shown_below_what_it_is_read_with() -> None:
    quote = Quote("kind | 5 jaar", 1, Span(40, 53), Lead(Span(10, 25), "Voor | Geldig <"))
    html = reply_html(Answer("i", "t", (quote,), (citation("kind | 5 jaar", Span(0, 13)),)))
    assert '<p class="vb-aanloop">Voor | Geldig &lt;</p><p>kind | 5 jaar</p>' in html


def test_an_abstention_shows_its_verdict_passages_and_contact_once() -> None:
    contact = Contact("Bel ons", "tel:14010")
    text = "Geen antwoord, wel deze.\n\n“Een zin.”\nBron: Titel › Kop\n\nBel ons tel:14010"
    html = reply_html(Abstention("i", text, (citation("Een zin."),), ("Dit?",), contact))
    assert html.startswith('<div class="vb-antwoord vb-geen-antwoord"><p>Geen antwoord, wel deze.</p>')
    assert Reader(html).text.count("Een zin.") == 1
    assert '<a href="tel:14010" target="_blank" rel="noopener">Bel ons</a>' in html
    assert "blockquote" not in html


def test_small_talk_keeps_its_lines() -> None:
    assert reply_html(SmallTalk("i", "Hallo!\nVraag maar.")) == (
        '<div class="vb-antwoord vb-praatje"><p>Hallo!</p><p>Vraag maar.</p></div>'
    )


def test_the_words_of_welcome_name_what_can_be_asked() -> None:
    assert "Stel een vraag over “a”, “b” en “c”. U krijgt" in welcome_html(["“a”", "“b”", "“c”"], [])
    assert "Stel een vraag over “a”. U krijgt" in welcome_html(["“a”"], ["v?"])
    assert "Stel een vraag over deze bronnen. U krijgt" in welcome_html([], [])


def test_nothing_of_corpus_or_visitor_becomes_markup() -> None:
    nasty = Citation(
        1, NASTY, NASTY, (NASTY,), None, Span(0, len(NASTY)), NASTY, "ab" * 32, (Span(3, 9),), 1.0
    )
    contact = Contact(NASTY, "https://x.example/?a=1&b=\"<'")
    messages = [
        reply_html(Answer("i", NASTY, (Quote(NASTY, 1, Span(0, 9)),), (nasty,), (NASTY,), contact)),
        reply_html(Abstention("i", NASTY, (nasty,), (NASTY,), contact)),
        reply_html(SmallTalk("i", NASTY, (NASTY,), contact)),
        question_html(NASTY),
        notice_html(NASTY),
        welcome_html([NASTY], [NASTY]),
    ]
    allowed = {"div", "p", "blockquote", "footer", "a", "details", "summary", "figure", "figcaption", "mark"}
    for html in messages:
        assert set(Reader(html).tags) <= allowed | {"ul", "li", "button", "span"}
        assert "\n" not in html
        assert html.startswith(("<div", "<p"))
        assert all(set(link) == {"href", "target", "rel"} for link in Reader(html).links)


@given(anything)
def test_escaped_text_is_one_line_and_comes_back_whole(text: str) -> None:
    html = verbatim(text)
    assert not set(html) & set("<>\"'\n\r")
    read = Reader(f"<p>{html}</p>").text
    # HTML itself has no U+0000, and reads the C1 controls as Windows characters only when written as numbers
    assert read == text


@given(anything, st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30))))
def test_marks_add_no_text_and_lose_none(text: str, places: list[tuple[int, int]]) -> None:
    spans = [Span(start, start + length) for start, length in places]
    html = marked_html(text, spans)
    assert unescape(html.replace("<mark>", "").replace("</mark>", "")) == unescape(verbatim(text))


def test_marks_that_overlap_are_joined_in_order() -> None:
    assert marked_html("abcdef", [Span(3, 9), Span(1, 4)]) == "a<mark>bcd</mark><mark>ef</mark>"


@given(anything)
def test_a_notice_is_shown_once_before_the_rest_and_stays_text(notice: str) -> None:
    told = f"Gezocht {notice}".strip()
    text = f"{told}\n\nDat staat niet in deze bronnen.\n\nBel ons"
    for reply in (Abstention("i", text, notice=told), Answer("i", text, (), (), notice=told)):
        html = reply_html(reply)
        assert set(Reader(html).tags) <= {"div", "p"}
        assert html.count("<p>Gezocht") == 1
    assert reply_html(Abstention("i", text, notice=told)).count("<p>Dat staat niet in deze bronnen.</p>") == 1
