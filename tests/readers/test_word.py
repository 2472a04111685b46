"""A Word file becomes the text that is seen of it; files made by pandoc, LibreOffice and python-docx."""

import io
import zipfile
from pathlib import Path

import docx
import pytest
from docx.document import Document as WordDocument
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.corpus import read_document
from retrieval.errors import UnreadableFileError
from retrieval.readers.content import Content
from retrieval.readers.word import MAX_UNPACKED_BYTES, read_word
from retrieval.records import Provenance

FORMATS = Path(__file__).parents[1] / "data" / "formats"
WORDS = st.text(alphabet="aB1é🎉-.&<'", min_size=1, max_size=8)


def blocks_of(content: Content) -> list[tuple[str, str]]:
    return [(block.kind.value, content.text[block.span.start : block.span.end]) for block in content.blocks]


def saved(document: WordDocument) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def with_body(xml: str) -> bytes:
    """A file whose body is these elements of WordprocessingML."""
    document = docx.Document()
    body = parse_xml(f"<w:body {nsdecls('w')}>{xml}</w:body>")
    document.element.body[:0] = list(body)
    return saved(document)


def packed(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize("name", ["reisdocumenten.docx", "reisdocumenten-libreoffice.docx"])
def test_headings_lists_and_tables_are_read_from_what_real_programs_write(name: str) -> None:
    content = read_word((FORMATS / name).read_bytes())
    assert content.title == "Reisdocumenten aanvragen"
    assert (content.known.modified, content.known.language) == ("2026-11-24", "nl-NL")
    assert blocks_of(content) == [
        ("title", "Reisdocumenten aanvragen"),
        ("paragraph", "Gemeente Voorbeeld"),
        ("heading", "Paspoort"),
        (
            "paragraph",
            "Een paspoort vraagt u aan bij de balie. U maakt eerst een afspraak via het formulier.",
        ),
        ("heading", "Wat neemt u mee?"),
        ("paragraph", "Neem mee:"),
        ("list_item", "- uw oude paspoort;"),
        ("list_item", "- een pasfoto."),
        ("list_item", "1. Maak een afspraak."),
        ("list_item", "2. Kom langs."),
        ("heading", "Wat kost het?"),
        ("table_header", "Document | Prijs"),
        ("table_row", "Paspoort | € 83,87"),
        ("table_row", "Identiteitskaart | € 76,10"),
        ("paragraph", "U betaalt met pin."),
        ("paragraph", "Contant geld nemen wij niet aan."),  # a footnote
    ]
    assert [block.level for block in content.blocks if block.kind.value == "heading"] == [1, 2, 2]


def test_a_word_file_is_a_document_of_the_corpus() -> None:
    document = read_document(
        FORMATS / "reisdocumenten.docx", "reisdocumenten.docx", Provenance(language="fy")
    )
    assert document.title == "Reisdocumenten aanvragen"
    assert (document.provenance.modified, document.provenance.language) == ("2026-11-24", "fy")


def test_insertions_are_read_and_deletions_are_not() -> None:
    content = read_word(
        with_body(
            "<w:p><w:r><w:t xml:space='preserve'>De balie is </w:t></w:r>"
            "<w:del w:id='1' w:author='x'><w:r><w:delText>dicht</w:delText></w:r></w:del>"
            "<w:ins w:id='2' w:author='x'><w:r><w:t>open</w:t></w:r></w:ins>"
            "<w:moveFrom w:id='3' w:author='x'><w:r><w:t> van elders</w:t></w:r></w:moveFrom>"
            "<w:r><w:t xml:space='preserve"
            "'> </w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>geheim</w:t></w:r>"
            "<w:r><w:t>op maan</w:t><w:noBreakHyphen/><w:t>dag</w:t><w:br/><w:t>en dinsdag.</w:t></w:r></w:p>"
        )
    )
    assert content.text == "De balie is open op maan-dag\nen dinsdag."


def test_text_boxes_and_the_table_of_contents_are_left_out() -> None:
    box = (
        "<w:p><w:r><w:pict><w:txbxContent><w:p><w:r><w:t>In een kader</w:t></w:r></w:p></w:txbxContent>"
        "</w:pict><w:t>Ernaast</w:t></w:r></w:p>"
    )
    content = read_word(with_body(box + box))
    assert content.text == "Ernaast\n\nErnaast"
    assert content.left_out == (
        "the text box 'In een kader' is left out: move its words into the text itself",
    )
    document = docx.Document()
    document.styles.add_style("toc 1", 1)
    document.add_paragraph("Inleiding 3", style="toc 1")
    document.add_paragraph("De tekst.")
    assert read_word(saved(document)).text == "De tekst."


def with_notes(body: str, footnotes: str, endnotes: str = "") -> bytes:
    """A file with these notes, as Word writes them: with a line that sets them apart as the first."""
    document = docx.Document()
    document.element.body[:0] = list(parse_xml(f"<w:body {nsdecls('w')}>{body}</w:body>"))
    for name, kind, notes in (
        ("footnote", RELATIONSHIP_TYPE.FOOTNOTES, footnotes),
        ("endnote", RELATIONSHIP_TYPE.ENDNOTES, endnotes),
    ):
        line = f"<w:{name} w:id='-1' w:type='separator'><w:p><w:r><w:separator/></w:r></w:p></w:{name}>"
        xml = f"<w:{name}s {nsdecls('w')}>{line}{notes}</w:{name}s>".encode()
        uri = PackURI(f"/word/{name}s.xml")
        part = Part(uri, f"application/vnd.openxmlformats-officedocument.wordprocessingml.{name}s+xml", xml)
        document.part.relate_to(part, kind)
    return saved(document)


def test_notes_stand_behind_what_refers_to_them() -> None:
    mark = "<w:r><w:footnoteRef/></w:r>"
    note = f"<w:footnote w:id='{{}}'><w:p>{mark}<w:r><w:t> {{}}</w:t></w:r></w:p></w:footnote>"
    refers = "<w:r><w:footnoteReference w:id='{}'/></w:r>"
    item = "<w:pPr><w:pStyle w:val='ListBullet'/></w:pPr>"
    content = read_word(
        with_notes(
            f"<w:p><w:r><w:t>Op doorgaande wegen</w:t></w:r>{refers.format(2)}<w:r><w:t>.</w:t></w:r></w:p>"
            "<w:p><w:r><w:t>Wij doen:</w:t></w:r></w:p>"
            f"<w:p>{item}<w:r><w:t>strooien</w:t></w:r>{refers.format(3)}</w:p>"
            f"<w:p>{item}<w:r><w:t>vegen</w:t></w:r><w:r><w:endnoteReference w:id='2'/></w:r></w:p>"
            "<w:p><w:r><w:t>Tot zover.</w:t></w:r>"
            f"<w:del w:id='9' w:author='x'>{refers.format(4)}</w:del></w:p>",
            note.format(2, "Een weg van 50 km/u.")
            + note.format(3, "Met zout.")
            + note.format(4, "Vervallen."),
            "<w:endnote w:id='2'><w:p><w:r><w:t>Elke</w:t></w:r></w:p><w:p><w:r><w:t>week.</w:t></w:r></w:p>"
            "</w:endnote>",
        )
    )
    assert blocks_of(content) == [
        ("paragraph", "Op doorgaande wegen."),
        ("paragraph", "Een weg van 50 km/u."),
        ("paragraph", "Wij doen:"),
        ("list_item", "- strooien"),
        ("list_item", "- vegen"),
        ("paragraph", "Met zout."),
        ("paragraph", "Elke week."),
        ("paragraph", "Tot zover."),
    ]


def test_items_below_items_are_indented_by_their_depth() -> None:
    document = docx.Document()
    for words, style in (
        ("matrassen", "List Bullet"),
        ("droog en schoon", "List Bullet 2"),
        ("zonder beugels", "List Bullet 3"),
        ("kasten", "List Bullet"),
    ):
        document.add_paragraph(words, style=style)
    document.add_paragraph("En:")
    document.add_paragraph("dozen", style="List Bullet 2")
    content = read_word(saved(document))
    assert content.text == (
        "- matrassen\n  - droog en schoon\n    - zonder beugels\n- kasten\n\nEn:\n\n- dozen"
    )
    assert [block.level for block in content.blocks] == [0, 1, 2, 0, 0, 0]
    assert blocks_of(content)[1] == ("list_item", "- droog en schoon")


def test_content_controls_and_frames_of_one_cell_are_read_in_place() -> None:
    paragraph = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"
    content = read_word(
        with_body(
            f"<w:sdt><w:sdtContent>{paragraph.format('Een.')}</w:sdtContent></w:sdt>"
            f"<w:tbl><w:tr><w:tc>{paragraph.format('Twee.')}{paragraph.format('Drie.')}</w:tc></w:tr></w:tbl>"
            f"{paragraph.format('Vier.')}"
        )
    )
    assert blocks_of(content) == [("paragraph", one) for one in ("Een.", "Twee.", "Drie.", "Vier.")]


def test_a_bold_first_row_is_the_head_of_a_table() -> None:
    document = docx.Document()
    for bold in (True, False):
        table = document.add_table(rows=2, cols=2)
        for number, words in enumerate(("Afval", "Dag", "Papier", "maandag")):
            run = table.cell(number // 2, number % 2).paragraphs[0].add_run(words)
            run.bold = bold and number < 2
        document.add_paragraph("Tot zover.")
    assert blocks_of(read_word(saved(document))) == [
        ("table_header", "Afval | Dag"),
        ("table_row", "Papier | maandag"),
        ("paragraph", "Tot zover."),
        ("table_row", "Afval | Dag"),
        ("table_row", "Papier | maandag"),
        ("paragraph", "Tot zover."),
    ]


def test_chapters_are_headings_and_one_heading_of_level_one_is_the_title() -> None:
    one, more, dutch = docx.Document(), docx.Document(), docx.Document()
    one.core_properties.title = more.core_properties.title = "Microsoft Word - concept.docx"
    one.add_heading("Afval", 1)
    for chapter in ("Papier", "Glas"):
        more.add_heading(chapter, 1)
    dutch.styles.add_style("Kop 2", 1)
    dutch.add_paragraph("Glas", style="Kop 2")
    assert (read_word(saved(one)).title, blocks_of(read_word(saved(one)))) == ("Afval", [("title", "Afval")])
    chapters = read_word(saved(more))
    assert (chapters.title, blocks_of(chapters)) == (None, [("heading", "Papier"), ("heading", "Glas")])
    assert [(block.kind.value, block.level) for block in read_word(saved(dutch)).blocks] == [("heading", 2)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("paragraph", "heading", "list_item")), WORDS), max_size=6))
def test_every_paragraph_comes_out_as_it_went_in(paragraphs: list[tuple[str, str]]) -> None:
    document = docx.Document()
    styles = {"paragraph": "Normal", "heading": "Heading 2", "list_item": "List Bullet"}
    for kind, words in paragraphs:
        document.add_paragraph(words, style=styles[kind])
    expected = [(kind, f"- {words}" if kind == "list_item" else words) for kind, words in paragraphs]
    assert blocks_of(read_word(saved(document))) == expected


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty (0 bytes)"),
        (b"Gewone tekst.", "not a whole Word file (File is not a zip file)"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512), "an older Word file (.doc) by the name of .docx"),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
            "it is locked by a password: save it without one",
        ),
        (packed({"a.txt": b"tekst"}), "a damaged Word file"),
        ((FORMATS / "reisdocumenten.docx").read_bytes()[:5000], "not a whole Word file"),
    ],
)
def test_what_is_no_word_file_is_told(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read_word(data)
    assert str(caught.value).startswith(reason)


def test_a_zip_bomb_is_refused_by_what_it_says_and_by_what_comes_out() -> None:
    bomb = packed({"word/document.xml": bytes(MAX_UNPACKED_BYTES + 1)})
    with pytest.raises(UnreadableFileError, match="unpacked it holds more than 100,000,000 bytes"):
        read_word(bomb)
    size = (MAX_UNPACKED_BYTES + 1).to_bytes(4, "little")
    assert bomb.count(size) == 2  # in front of the file, and in the directory
    with pytest.raises(UnreadableFileError, match="a damaged Word file"):
        read_word(bomb.replace(size, (1000).to_bytes(4, "little")))


def test_entities_are_not_expanded() -> None:
    files = {}
    with zipfile.ZipFile(io.BytesIO(with_body("<w:p><w:r><w:t>MERK</w:t></w:r></w:p>"))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    xml = files["word/document.xml"]
    start = xml.index(b"<w:document")
    entities = b'<!DOCTYPE d [<!ENTITY a "geheim"><!ENTITY b SYSTEM "file:///etc/hostname">]>'
    files["word/document.xml"] = xml[:start] + entities + xml[start:].replace(b"MERK", b"Een &a; &b; twee")
    assert "geheim" not in read_word(packed(files)).text
