from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.text_fragments import first_words, link_to_page, link_to_text, text_directive

PAGE = "https://gemeente.example/balie"


@pytest.mark.parametrize(
    ("text", "directive"),
    [
        ("Neem een pasfoto mee.", "text=Neem%20een%20pasfoto%20mee."),
        ("zee-egels, vis & brood", "text=zee%2Degels%2C%20vis%20%26%20brood"),
        ("  veel \t wit  ", "text=veel%20wit"),
        ("café 🙂", "text=caf%C3%A9%20%F0%9F%99%82"),
        ("een twee drie vier vijf zes zeven acht negen tien elf twaalf",
         "text=een%20twee%20drie%20vier%20vijf%20zes%20zeven%20acht%20negen%20tien%20elf%20twaalf"),
        ("een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien",
         "text=een%20twee%20drie%20vier%20vijf,negen%20tien%20elf%20twaalf%20dertien"),
        ("- de burgemeester\n- de wethouders", "text=de%20burgemeester,de%20wethouders"),
        ("1. de burgemeester", "text=de%20burgemeester"),
        ("Elke volgende keer | € 32,50", "text=Elke%20volgende%20keer,%E2%82%AC%2032%2C50"),
        ("| ma | 9 uur |\n| di | |", "text=ma,di"),
        ("a|b || c", "text=a%7Cb%20%7C%7C%20c"),
        ("\n \n", ""),
        ("Op *zondag* is het stil.", "text=Op%20%2Azondag%2A%20is%20het%20stil."),
        ("Zie art. 5) of 6. Samen.", "text=Zie%20art.%205%29%20of%206.%20Samen."),
    ],
)  # fmt: skip
def test_the_directive_of_a_text(text: str, directive: str) -> None:
    assert text_directive(text) == directive


@pytest.mark.parametrize(
    ("url", "link"),
    [
        (PAGE, f"{PAGE}#:~:text=Kom%20maandag."),
        (f"{PAGE}#open", f"{PAGE}#open:~:text=Kom%20maandag."),
        (f"{PAGE}#", f"{PAGE}#:~:text=Kom%20maandag."),
        (f"{PAGE}?a=b#open:~:text=oud", f"{PAGE}?a=b#open:~:text=Kom%20maandag."),
        ("HTTP://gemeente.example", "HTTP://gemeente.example#:~:text=Kom%20maandag."),
        ("mailto:balie@gemeente.example", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("balie.html", None),
        (None, None),
    ],
)
def test_the_link_to_a_text_on_a_page(url: str | None, link: str | None) -> None:
    assert link_to_text(url, "Kom maandag.") == link


def test_a_browser_that_finds_no_text_opens_the_element() -> None:
    assert link_to_text("https://x.nl/a", "Kat", "kop 2") == "https://x.nl/a#kop%202:~:text=Kat"
    assert link_to_text("https://x.nl/a#eigen", "Kat", "kop") == "https://x.nl/a#eigen:~:text=Kat"
    assert link_to_text("https://x.nl/a", " ", "kop") == "https://x.nl/a#kop"


def test_without_words_it_is_the_page() -> None:
    assert link_to_text(PAGE, " \n") == PAGE


@given(text=st.text())
def test_nothing_but_the_comma_between_has_a_meaning(text: str) -> None:
    directive = text_directive(text)
    parts = directive.removeprefix("text=").split(",")
    assert len(parts) <= 2
    assert not set("-&,# \n") & set("".join(parts))
    words = text.split()
    for part in parts:
        assert all(word in words for word in unquote(part).split())


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("\n- een  twee\ndrie", "een twee"),
        ("a b c d e f g h i j k l m n", "a b c d e f g h i j k l"),
        ("  ", ""),
    ],
)
def test_the_first_words_stay_on_one_line(text: str, start: str) -> None:
    assert first_words(text) == start


@pytest.mark.parametrize(
    ("url", "page", "link"),
    [
        ("https://x.example/a.pdf", 12, "https://x.example/a.pdf#page=12"),
        ("https://x.example/A.PDF?v=1#top", 1, "https://x.example/A.PDF?v=1#page=1"),
        ("https://x.example/a.pdf", None, None),
        ("https://x.example/a.pdf.html", 12, None),
        ("https://x.example/?file=a.pdf", 12, None),
        ("javascript:alert(1)//a.pdf", 12, None),
        (None, 12, None),
    ],
)
def test_a_pdf_is_opened_at_its_page(url: str | None, page: int | None, link: str | None) -> None:
    assert link_to_page(url, page) == link
