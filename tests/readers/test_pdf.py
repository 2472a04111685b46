"""A PDF becomes text in the order of reading; files made by LibreOffice, Pillow and pypdf."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import UnreadableFileError
from retrieval.readers.content import Content
from retrieval.readers.pdf import Piece, joined, lines_of, read_pdf, turned, without_running

FORMATS = Path(__file__).parents[1] / "data" / "formats"
REPORT = [
    ("title", 1, "Jaarverslag afval"),
    (
        "paragraph",
        0,
        "Dit verslag gaat over het afval van het afgelopen jaar. De gemeente haalde minder restafval op dan "
        "in het jaar ervoor, en meer glas en papier.",
    ),
    ("heading", 2, "Papier en glas"),
    (
        "paragraph",
        0,
        "Papier wordt opgehaald door verenigingen. Zij krijgen daarvoor een vergoeding van de overheid. "
        "Elke vereniging heeft een eigen wijk, en de gemeentesecretaris maakt daarover schriftelijke "
        "afspraken met de besturen.",
    ),
    (
        "paragraph",
        0,
        "Oud papier mag niet nat zijn. Bij regen blijft het papier staan tot de volgende ophaaldag, die in "
        "de afvalkalender staat.",
    ),
    (
        "paragraph",
        0,
        "Glas gaat in de glasbak. In de gemeente staan veertig ondergrondse glasbakken, verdeeld over alle "
        "dorpskernen. Een glasbak wordt wekelijks geleegd, en vaker rondom de feestdagen in december.",
    ),
    ("paragraph", 0, "Vlakglas en spiegels horen niet in de glasbak maar op de milieustraat."),
    ("heading", 2, "Restafval"),
    (
        "paragraph",
        0,
        "Restafval wordt eens per drie weken opgehaald. Een huishouden betaalt 4,50 euro voor elke keer dat "
        "de grijze container wordt geleegd.",
    ),
    (
        "paragraph",
        0,
        "De inwoners boden gemiddeld 94 kilo restafval aan, tegen 103 kilo in het jaar daarvoor.",
    ),
    ("heading", 2, "Milieustraat"),
    (
        "paragraph",
        0,
        "De milieustraat is open van maandag tot en met zaterdag. Neem uw milieupas mee.",
    ),
]


def read(name: str) -> Content:
    return read_pdf((FORMATS / name).read_bytes())


def blocks_of(content: Content) -> list[tuple[str, int, str]]:
    return [
        (block.kind.value, block.level, content.text[block.span.start : block.span.end])
        for block in content.blocks
    ]


def piece(text: str, left: float, bottom: float, size: float = 10) -> Piece:
    """Print of which each character is half as wide as it is high."""
    return Piece(text, left, bottom, left + len(text) * size / 2, bottom + size, size, bold=False)


def test_two_columns_broken_words_and_running_heads_become_paragraphs() -> None:
    content = read("verslag.pdf")
    assert blocks_of(content) == REPORT
    assert (content.title, content.known.date, content.known.language) == (
        "Jaarverslag afval",
        "2026-11-24",
        "nl-NL",
    )
    assert content.left_out == ()


def test_items_rows_and_bold_print_are_told_apart() -> None:
    assert blocks_of(read("tarieven.pdf")) == [
        ("title", 1, "Tarieven"),
        (
            "paragraph",
            0,
            "Let op: dit zijn de tarieven van dit jaar. U betaalt bij de balie, met pin of contant, op de "
            "dag dat u het document aanvraagt.",
        ),
        ("table_row", 0, "Document | Prijs"),
        ("table_row", 0, "Paspoort | € 83,87"),
        ("table_row", 0, "Identiteitskaart | € 76,10"),
        ("heading", 2, "Wat neemt u mee?"),
        ("list_item", 0, "- uw oude paspoort;"),
        (
            "list_item",
            0,
            "- een pasfoto die niet ouder is dan zes maanden, en die aan alle eisen voldoet die in de wet "
            "staan.",
        ),
        ("list_item", 0, "1. Maak een afspraak."),
        (
            "list_item",
            0,
            "2. Kom langs, en neem de bevestiging mee die u per e-mail hebt gekregen toen u de afspraak "
            "maakte.",
        ),
    ]


def test_contents_with_dotted_lines_are_left_out() -> None:
    content = read("inhoud.pdf")
    assert [words for _, _, words in blocks_of(content)] == ["Inhoud", "Glas gaat in de glasbak......"]


def test_the_start_of_each_page_is_kept() -> None:
    content = read("verslag.pdf")
    starts = content.page_starts
    pages = [content.text[start:end] for start, end in zip(starts, (*starts[1:], None), strict=True)]
    assert "".join(pages) == content.text
    assert [page.partition("\n")[0] for page in pages] == ["Jaarverslag afval", "Restafval", "Milieustraat"]


def test_pages_without_text_are_told_and_blank_ones_are_not() -> None:
    content = read("verslag-met-scan.pdf")
    assert content.left_out == (
        "page 4 has no text: it is a scan or a drawing; recognise its text (OCR), and save it again",
    )
    last = content.text.rindex("Milieustraat")
    assert len(content.page_starts) == 6
    assert content.page_starts[3:] == (last, last, last)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty (0 bytes)"),
        (b"PK\x03\x04 een ander bestand", "not a PDF file"),
        (b"%PDF-1.7\nen verder niets", "a broken PDF file"),
        ((FORMATS / "verslag.pdf").read_bytes()[:4000], "a broken PDF file"),
        ((FORMATS / "verslag-met-wachtwoord.pdf").read_bytes(), "it is locked by a password"),
        ((FORMATS / "scan.pdf").read_bytes(), "none of its pages has text (1 in all): it is a scan"),
    ],
)
def test_what_cannot_be_read_is_told(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read_pdf(data)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("before", "line", "whole"),
    [
        ("van de over-", "heid en", "van de overheid en"),
        ("van de over\u00ad", "heid en", "van de overheid en"),
        ("een e-", "mailadres", "een e-mailadres"),
        ("een zee-", "egel", "een zee-egel"),
        ("in Noord-", "Holland", "in Noord-Holland"),
        ("artikel 3-", "bis", "artikel 3-bis"),
        ("de in-", "en uitvoer", "de in- en uitvoer"),
        ("de gemeente", "betaalt", "de gemeente betaalt"),
        ("van 9 -", "17 uur", "van 9 - 17 uur"),
    ],
)
def test_a_word_broken_at_the_end_of_a_line_is_made_whole(before: str, line: str, whole: str) -> None:
    text, start = joined(before, line)
    assert text == whole
    assert text[start:] == line


@given(st.lists(st.text("aeB1-. ", min_size=1).map(str.strip).filter(bool), min_size=1))
def test_each_line_stands_where_it_is_told_to(lines: list[str]) -> None:
    text = ""
    for line in lines:
        text, start = joined(text, line)
        assert text[start:] == line


@pytest.mark.parametrize(
    ("turn", "shown"),
    [(0, (10, 20, 15, 40)), (90, (20, 85, 40, 90)), (180, (85, 160, 90, 180)), (270, (160, 10, 180, 15))],
)
def test_a_turned_page_is_read_as_it_is_shown(turn: int, shown: tuple[float, ...]) -> None:
    # the paper is 100 wide and 200 high, and does not start at 0
    assert turned((11, 22, 16, 42), turn, (1, 2, 101, 202)) == shown


def test_a_page_on_its_side_is_read() -> None:
    assert blocks_of(read("verslag-gedraaid.pdf")) == REPORT


def test_a_heading_across_two_columns_parts_them() -> None:
    left = ["links een regel een", "links een regel twee", "links een regel drie"]
    right = ["rechts een regel een", "rechts een regel twee", "rechts een regel drie"]
    page = []
    for top, name in ((700, "Boven"), (500, "Onder")):
        page.append(piece(f"{name} de twee kolommen staat een lange kop", 50, top))
        for number in range(3):  # as some programs write it: line by line across the columns
            page.append(piece(left[number], 50, top - 20 - 12 * number))
            page.append(piece(right[number], 200, top - 20 - 12 * number))
    assert [line.text for line in lines_of(page, 0)] == [
        "Boven de twee kolommen staat een lange kop",
        *left,
        *right,
        "Onder de twee kolommen staat een lange kop",
        *left,
        *right,
    ]


def test_cells_of_a_table_are_read_row_by_row() -> None:
    page = [piece("Paspoort", 50, 700), piece("83,87", 200, 700)]
    page += [piece("Rijbewijs", 50, 688), piece("53,50", 200, 688)]
    page += [piece("Uittreksel", 50, 676), piece("17,30", 200, 676)]
    assert [[one.text for one in line.pieces] for line in lines_of(page, 0)] == [
        ["Paspoort", "83,87"],
        ["Rijbewijs", "53,50"],
        ["Uittreksel", "17,30"],
    ]


def test_what_stands_at_the_same_place_on_most_pages_is_dropped_and_other_numbers_are_not() -> None:
    pages = [
        [
            piece("Gemeente", 50, 780),
            piece(f"Voorwaarde {number}{number} telt", 50, 760),
            piece("De tekst zelf", 50, 400),
            piece(f"- {number} -", 200, 20),
        ]
        for number in (3, 4, 5)
    ]
    kept = without_running(pages, [800, 800, 800])
    assert [[one.text for one in page] for page in kept] == [
        [f"Voorwaarde {number}{number} telt", "De tekst zelf"] for number in (3, 4, 5)
    ]


@pytest.mark.parametrize(
    ("words", "is_dropped"),
    [
        ("Pagina 3 van 3", True),
        ("pagina 12", True),
        ("3/3", True),
        ("- 3 -", True),
        ("4/3", False),  # no page of so many
        ("Pagina 3 van 3 is leeg", False),
        ("Artikel 3", False),
        ("3", False),
    ],
)
def test_the_number_of_a_page_is_dropped_where_it_stands_on_one_page_alone(
    words: str, is_dropped: bool
) -> None:
    (kept,) = without_running([[piece("De tekst zelf", 50, 400), piece(words, 200, 20)]], [800])
    assert [one.text for one in kept] == ["De tekst zelf"] + [words] * (not is_dropped)


def test_what_is_written_as_a_number_of_a_page_stays_in_the_text_and_beside_something() -> None:
    page = [piece("1/2", 50, 400), piece("Deel", 50, 20), piece("1/2", 300, 20)]
    assert without_running([page], [800]) == [page]


def test_a_page_that_is_repeated_shows_no_number() -> None:
    assert "Pagina" not in read("verslag-met-scan.pdf").text
