"""Files of questions with their answers, as spreadsheets, content systems and web pages write them."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.corpus import read_corpus
from retrieval.errors import UnreadableFileError
from retrieval.passages import cut_passages
from retrieval.readers.content import MAX_HEADING_CHARACTERS, MAX_TOLD, Content
from retrieval.readers.pairs import read_csv, read_json, read_json_lines

EXPECTED = 'expected objects as {"vraag": "…", "antwoord": "…"} in a list, or in a list under one key'
QUOTES = 'put a text with " in it between quotes, and write each " in it twice'

CELLS = st.text(alphabet="aB1é🎉 \t\n\r\"';,.-*&\u200b\u00a0\x85", max_size=20)
TEXTS = st.text(max_size=20)


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def blocks_of(content: Content) -> list[tuple[str, int, str]]:
    return [
        (block.kind.value, block.level, content.text[block.span.start : block.span.end])
        for block in content.blocks
    ]


def assert_blocks_hold_all(content: Content) -> None:
    held = [number for block in content.blocks for number in range(block.span.start, block.span.end)]
    assert held == sorted(set(held))
    visible = {number for number, character in enumerate(content.text) if not character.isspace()}
    assert visible <= set(held)
    for _, _, words in blocks_of(content):
        assert words == words.strip() != ""


# Tables


def test_a_table_as_excel_writes_it() -> None:
    table = (
        "\ufeffNr;Rubriek;Vraag;Antwoord\r\n"
        '1;Paspoort;Wat kost het?;"Een paspoort kost € 86,85.\r\n\r\nNeem mee:\r\n- een pasfoto;\r\n'
        '• uw oude paspoort,\r\n  of een aangifte\r\nU betaalt aan de balie."\r\n'
        '2;;Hoe lang duurt het?;"Vijf dagen. ""Spoed"" kan ook."\r\n'
        "3;Afval;Wanneer komt de wagen?;Op maandag.\r\n"
        "4;Paspoort;Waar haal ik het op?;Bij de balie.\r\n"
    )
    content = read_csv(table.encode())
    assert content.title is None
    assert blocks_of(content) == [
        ("heading", 1, "Paspoort"),
        ("heading", 2, "Wat kost het?"),
        ("paragraph", 0, "Een paspoort kost € 86,85."),
        ("paragraph", 0, "Neem mee:"),
        ("list_item", 0, "- een pasfoto;"),
        ("list_item", 0, "- uw oude paspoort,\nof een aangifte"),
        ("paragraph", 0, "U betaalt aan de balie."),
        ("heading", 2, "Hoe lang duurt het?"),
        ("paragraph", 0, 'Vijf dagen. "Spoed" kan ook.'),
        ("heading", 1, "Afval"),
        ("heading", 2, "Wanneer komt de wagen?"),
        ("paragraph", 0, "Op maandag."),
        ("heading", 1, "Paspoort"),
        ("heading", 2, "Waar haal ik het op?"),
        ("paragraph", 0, "Bij de balie."),
    ]
    assert content.left_out == ()


@pytest.mark.parametrize(
    "table",
    [
        "question,answer\nWat?,Dit.\n",
        "Vragen\tAntwoorden\tnoot\nWat?\tDit.\tniet\n",
        "sep=;\nANTWOORD;VRAAG\nDit.;Wat?\n",
        'categorie, "x;y" ,Vraag , antwoord\n,,Wat?,Dit.',
        "vraag;antwoord\n\n;\nWat?;Dit.",
        "vraag;antwoord;vraag\nWat?;Dit.;Waar?",
    ],
)
def test_columns_are_found_by_their_names_in_any_order(table: str) -> None:
    assert blocks_of(read_csv(table.encode())) == [("heading", 2, "Wat?"), ("paragraph", 0, "Dit.")]


def test_numbers_stay_before_the_items_of_a_list() -> None:
    content = read_csv(b'vraag;antwoord\nHoe?;"1. Bel.\n2) Kom.\n2026. Een jaar."')
    assert blocks_of(content)[1:] == [
        ("list_item", 0, "1. Bel."),
        ("list_item", 0, "2) Kom."),
        ("paragraph", 0, "2026. Een jaar."),
    ]


def test_rows_without_question_or_answer_are_told_by_their_line() -> None:
    table = 'vraag;antwoord\nWat?;"Een\nantwoord."\nWaarom?; \n;Daarom.\nWie?\nWaar?;Hier.\n'
    content = read_csv(table.encode())
    assert [words for kind, _, words in blocks_of(content) if kind == "heading"] == ["Wat?", "Waar?"]
    assert content.left_out == (
        "line 4: it has no answer: add it, or remove the pair",
        "line 5: it has no question: add it, or remove the pair",
        "line 6: it has no answer: add it, or remove the pair",
    )


def test_a_table_full_of_gaps_is_told_in_a_few_lines() -> None:
    content = read_csv(("vraag;antwoord\nWat?;Dit.\n" + "Waarom?;\n" * (MAX_TOLD + 5)).encode())
    assert len(content.left_out) == MAX_TOLD + 1
    assert content.left_out[-1] == "and 5 more pairs that are left out"


def test_a_question_or_subject_that_is_too_long_for_a_heading_is_told() -> None:
    long = "w" * (MAX_HEADING_CHARACTERS + 1)
    content = read_csv(f"vraag;antwoord;rubriek\n{long};Nee.;\nWat?;Dit.;{long}\n{long[1:]};Ja.;\n".encode())
    assert [words for _, _, words in blocks_of(content)] == [long[1:], "Ja."]
    assert content.left_out == (
        "line 2: its question has 501 characters, expected at most 500: shorten it",
        "line 3: its subject has 501 characters, expected at most 500: shorten it",
    )


def test_the_same_question_may_be_asked_twice() -> None:
    content = read_csv(b"vraag;antwoord\nWat?;Dit.\nWat?;Dat.\n")
    assert content.text == "Wat?\n\nDit.\n\nWat?\n\nDat."


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (
            b"naam,leeftijd,woon plaats\na,3,b",
            "line 1: found the columns 'naam', 'leeftijd', 'woon plaats', expected vraag (or question) and "
            "antwoord (or answer): name them in the first row, set apart by ; or , or tabs",
        ),
        (
            b"sep=;\nvraag,antwoord\na,b",
            "line 2: found the columns 'vraag,antwoord', expected vraag (or question) and "
            "antwoord (or answer): name them in the first row, set apart by ; or , or tabs",
        ),
        (
            b"vraag,antwoord\nWat?,Dit.\nMag dat?,Ja, dat mag.\n",
            "line 3: 3 cells, expected 2 as in the first row: put a text that holds a comma between quotes",
        ),
        (
            b'vraag;antwoord\nWat?;"Dit.\nWaar?;Hier.\n',
            'line 2: unexpected end of data: put a text with " in it between quotes, and write each " in it '
            "twice",
        ),
        (
            b'vraag;antwoord\n"Wat\nis er?";Dit.\nWaar?;"Hier" en daar.\n',
            f"line 4: ';' expected after '\"': {QUOTES}",
        ),
        (
            b"vraag;antwoord\nCaf\xe9?;Ja.",
            'byte 0xe9 at offset 18 is not UTF-8: save it as "CSV UTF-8" (in Excel: Save As, and choose that '
            "type)",
        ),
        (b"", "the file is empty (0 bytes): add text, or remove the file"),
        (
            b"vraag;antwoord\nWat?;\n",
            "no question with an answer in it (line 2: it has no answer: add it, or remove the pair): "
            "add them, or remove the file",
        ),
        (b"vraag;antwoord\n", "no question with an answer in it: add them, or remove the file"),
    ],
)
def test_what_is_no_table_of_pairs_is_told_with_its_line(table: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read_csv(table)
    assert str(caught.value) == reason


# JSON


@pytest.mark.parametrize(
    "data",
    [
        [{"vraag": "Wat?", "antwoord": "Dit."}],
        {"titel": "Veel gevraagd", "versie": 3, "vragen": [{"Question": "Wat?", "ANSWER": "Dit.", "id": 1}]},
        {"items": [{"antwoord": " Dit. ", "vraag": "Wat?\n"}], "talen": ["nl"], "leeg": []},
        {
            "@context": "https://schema.org",
            "@type": "FAQPage",
            "name": "Veel gevraagd",
            "mainEntity": {
                "@type": "Question",
                "name": "Wat?",
                "acceptedAnswer": [{"@type": "Answer", "text": "<p>Dit.</p>"}],
            },
        },
        {
            "@graph": [
                {"@type": "Organization", "name": "Gemeente"},
                {"@type": ["WebPage", "FAQPage"], "mainEntity": [
                    {"name": "Wat?", "acceptedAnswer": {"text": "Dit."}}
                ]},
            ]
        },
    ],
)  # fmt: skip
def test_json_of_every_form_that_is_in_use(data: object) -> None:
    content = read_json(json.dumps(data).encode())
    assert blocks_of(content) == [("heading", 2, "Wat?"), ("paragraph", 0, "Dit.")]
    assert content.title == ("Veel gevraagd" if "Veel" in json.dumps(data) else None)


def test_answers_with_tags_are_read_as_a_page() -> None:
    answer = (
        "<h2>Kosten</h2><p>Een&nbsp;<b>paspoort</b> kost<br>€ 86,85.</p>"
        "<ul><li>Pin<ul><li>of pas</ul><li>Contant</ul>"
        "<table><tr><th>Wat<th>Prijs<tr><td>Spoed<td>€ 57</table><script>alert(1)</script>"
    )
    pairs = [
        {"vraag": "Wat kost het &amp; <i>waarom</i>?", "antwoord": answer},
        {"vraag": "Wat is 1 < 2?", "antwoord": "Zie <a href='/x'>daar</a>:\n- R&amp;D\n- als a < b"},
    ]
    content = read_json(json.dumps(pairs).encode())
    assert "\n- Pin\n  - of pas\n- Contant" in content.text
    assert blocks_of(content) == [
        ("heading", 2, "Wat kost het & waarom?"),
        ("heading", 3, "Kosten"),
        ("paragraph", 0, "Een\u00a0paspoort kost\n€ 86,85."),
        ("list_item", 0, "- Pin"),
        ("list_item", 1, "- of pas"),
        ("list_item", 0, "- Contant"),
        ("table_header", 0, "Wat | Prijs"),
        ("table_row", 0, "Spoed | € 57"),
        ("heading", 2, "Wat is 1 < 2?"),
        ("paragraph", 0, "Zie daar:"),
        ("list_item", 0, "- R&D"),
        ("list_item", 0, "- als a < b"),
    ]


def test_an_answer_of_tags_alone_is_told_and_half_characters_are_replaced() -> None:
    data = (
        b'[{"vraag": "Wat?", "antwoord": "<p><br></p>"}, 4, {"vraag": "\\ud83d?", "antwoord": "a\\u0000b"},'
    )
    data += b'{"vraag": "Hoeveel?", "antwoord": 3}]'
    content = read_json(data)
    assert content.text == "\ufffd?\n\nab"
    assert content.left_out == (
        "entry 1: it has no answer: add it, or remove the pair",
        "entry 2: it has no question: add it, or remove the pair",
        "entry 4: its answer is no text but 3: write it between quotes",
    )


def test_each_line_is_a_pair() -> None:
    data = b'{"vraag": "Wat?", "antwoord": "Dit.", "onderwerp": "A"}\n\n{"vraag": "Wie?"}\r\n'
    content = read_json_lines(data + b'{"question": "Waar?", "answer": "Hier."}')
    assert [words for _, _, words in blocks_of(content)] == ["A", "Wat?", "Dit.", "Waar?", "Hier."]
    assert content.left_out == ("line 3: it has no answer: add it, or remove the pair",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'[{"vraag": "a",\n "antwoord": }]', "line 2, column 14: no JSON (Expecting value): correct it"),
        (b"3", f"found a JSON int, {EXPECTED}"),
        (
            b'{"a": {}, "b": []}',
            f"found an object with 0 lists of objects, under the keys 'a', 'b'; {EXPECTED}",
        ),
        (
            b'{"a": [{}], "b": [{}]}',
            f"found an object with 2 lists of objects, under the keys 'a', 'b'; {EXPECTED}",
        ),
        (
            b'[{"naam": "Jan"}]',
            "no question with an answer in it (entry 1: it has no question: add it, or remove the pair): "
            "add them, or remove the file",
        ),
        (b"[]", "no question with an answer in it: add them, or remove the file"),
        (b'"\xff"', "byte 0xff at offset 1 is not UTF-8: save the file as UTF-8"),
    ],
)
def test_json_without_pairs_is_told(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read_json(data)
    assert str(caught.value) == reason


@pytest.mark.parametrize("data", [b"[" * 100_000, b"9" * 5_000, b'{"a":' * 100_000])
def test_json_that_is_made_to_do_harm_is_told(data: bytes) -> None:
    with pytest.raises(UnreadableFileError, match="no JSON that can be read"):
        read_json(data)


def test_a_line_that_is_no_json_is_told_with_its_number() -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read_json_lines(b'{"vraag": "a", "antwoord": "b"}\n{x')
    assert str(caught.value) == (
        "line 2, column 2: no JSON (Expecting property name enclosed in double quotes): correct it"
    )


# What the rest of the package makes of it


def test_an_answer_is_a_passage_below_its_question(tmp_path: Path) -> None:
    (tmp_path / "veel-gevraagd.csv").write_text(
        "onderwerp;vraag;antwoord\nPaspoort;Wat kost het?;Een paspoort kost € 86,85.\n;Waar?;Bij de balie.\n",
        encoding="utf-8",
    )
    (document,) = read_corpus(tmp_path).documents
    assert document.title == "Veel gevraagd"
    assert [(passage.headings, passage.text) for passage in cut_passages(document, count_words, 100)] == [
        (("Paspoort", "Wat kost het?"), "Een paspoort kost € 86,85."),
        (("Paspoort", "Waar?"), "Bij de balie."),
    ]


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6), st.sampled_from(";,\t"))
def test_every_word_of_a_table_stands_in_the_text(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(
        [("vraag", "antwoord", "rubriek"), *rows]
    )
    whole = [row for row in rows if row[0].split() and row[1].split()]
    try:
        content = read_csv(file.getvalue().encode())
    except UnreadableFileError:
        assert not whole
        return
    assert_blocks_hold_all(content)
    headings = [words for kind, level, words in blocks_of(content) if (kind, level) == ("heading", 2)]
    assert headings == [" ".join(question.split()) for question, _, _ in whole]
    words = "".join(content.text.split())
    for _, answer, _ in whole:
        assert all("".join(word.strip("-*").split()) in words for word in answer.split())


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_json_of_any_text_keeps_the_promises_of_blocks(pairs: list[tuple[str, str]]) -> None:
    data = json.dumps([{"vraag": question, "antwoord": answer} for question, answer in pairs])
    try:
        content = read_json(data.encode())
    except UnreadableFileError:
        assert not any(all(text.replace("\0", "").split() for text in pair) for pair in pairs)
    else:
        assert_blocks_hold_all(content)


PARTS = ("<p>", "<li>", "<ul>", "</p>", "<b>", "woord", " ", "&amp;", "<h1>", "\n", "- ")


@settings(deadline=None)  # the first page that is read imports the parser
@given(st.lists(st.sampled_from(PARTS)))
def test_answers_of_tags_in_any_order_keep_the_promises_of_blocks(parts: list[str]) -> None:
    data = json.dumps([{"vraag": "Wat?", "antwoord": "".join(parts)}])
    try:
        content = read_json(data.encode())
    except UnreadableFileError:
        assert "woord" not in parts
    else:
        assert_blocks_hold_all(content)
        assert content.text.count("woord") == parts.count("woord")
