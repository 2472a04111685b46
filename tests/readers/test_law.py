import pytest

from retrieval.errors import UnreadableFileError
from retrieval.readers.law import MAX_NESTING, read_law
from retrieval.records import Anchor, BlockKind, Provenance, anchor_at

LAW = """<?xml version="1.0" encoding="UTF-8"?>
<toestand bwb-id="BWBR0000001" inwerkingtreding="2025-07-01">
<wetgeving soort="wet" inwerkingtredingsdatum="2025-07-01">
<intitule>Wet van 1 mei 2020, houdende regels over peren</intitule>
<citeertitel status="officieel">Perenwet<meta-data><brondata/></meta-data></citeertitel>
<wet-besluit>
<aanhef><considerans><considerans.al>Alzo Wij</considerans.al></considerans></aanhef>
<wettekst>
<hoofdstuk bwb-ng-variabel-deel="/Hoofdstuk1">
<kop><label>Hoofdstuk</label><nr>1</nr><titel>Begrippen</titel></kop>
<artikel bwb-ng-variabel-deel="/Hoofdstuk1/Artikel1:3" inwerking="2020-01-01">
<kop><label>Artikel</label> <nr status="officieel">1:3</nr><titel>Besluit</titel></kop>
<meta-data><jcis><jci versie="1.3" verwijzing="jci1.3:c:BWBR0000001&amp;artikel=1:3"/>
<jci versie="1.0" verwijzing="jci1.0:c:BWBR0000001&amp;artikel=1:3"/></jcis></meta-data>
<lid bwb-ng-variabel-deel="/Hoofdstuk1/Artikel1:3/Lid1"><lidnr status="officieel">1</lidnr>
<al>Onder peer wordt <nadruk type="cur">verstaan</nadruk>:<noot id="n1"><noot.al>Weg</noot.al></noot></al>
<lijst type="expliciet"><li><li.nr>a.</li.nr><al>een vrucht:</al><lijst><li><li.nr>1°.</li.nr>
<al>die rijp is;</al></li></lijst></li><li><li.nr>b.</li.nr><al>een boom.</al></li></lijst></lid>
<lid><lidnr>2</lidnr><al>De prijs staat hieronder.</al>
<table><tgroup cols="2"><thead><row><entry><al>Peer</al></entry><entry><al>Prijs</al></entry></row></thead>
<tbody><row><entry><al>Conference</al></entry><entry><al>€ 2</al></entry></row></tbody></tgroup></table></lid>
</artikel>
</hoofdstuk>
<artikel bwb-ng-variabel-deel="/Artikel2"><kop><label>Artikel</label><nr>2</nr></kop>
<al>Deze wet heet de Perenwet.</al></artikel>
</wettekst></wet-besluit></wetgeving></toestand>
"""


def test_an_article_of_which_the_heading_is_too_long_is_found_by_its_identifier_all_the_same() -> None:
    long = LAW.replace("<titel>Besluit</titel>", f"<titel>{'b' * 500}</titel>")
    content = read_law(long.encode())
    (article,) = [block for block in content.blocks if block.span.end - block.span.start > 500]
    assert (article.kind, article.level) == (BlockKind.PARAGRAPH, 0)
    at = [anchor_at(content.anchors, content.text.index(words)) for words in ("bbb", "een boom", "Deze wet")]
    assert [anchor.identifier if anchor else "" for anchor in at] == [
        "jci1.3:c:BWBR0000001&artikel=1:3",
        "jci1.3:c:BWBR0000001&artikel=1:3",
        None,
    ]


def test_a_law_is_read_by_its_articles_with_their_numbers() -> None:
    content = read_law(LAW.encode())
    assert [
        (block.kind.value, content.text[block.span.start : block.span.end]) for block in content.blocks
    ] == [
        ("title", "Perenwet"),
        ("paragraph", "Wet van 1 mei 2020, houdende regels over peren"),
        ("heading", "Hoofdstuk 1 Begrippen"),
        ("heading", "Artikel 1:3 Besluit"),
        ("paragraph", "1. Onder peer wordt verstaan:"),
        ("list_item", "a. een vrucht:"),
        ("list_item", "1°. die rijp is;"),
        ("list_item", "b. een boom."),
        ("paragraph", "2. De prijs staat hieronder."),
        ("table_header", "Peer | Prijs"),
        ("table_row", "Conference | € 2"),
        ("heading", "Artikel 2"),
        ("paragraph", "Deze wet heet de Perenwet."),
    ]
    assert [block.level for block in content.blocks if block.kind.value == "heading"] == [2, 3, 2]
    assert content.title == "Perenwet"
    assert content.known == Provenance(url="https://wetten.overheid.nl/BWBR0000001", valid_from="2025-07-01")


def test_an_article_keeps_its_identifier_and_the_next_does_not_get_it() -> None:
    content = read_law(LAW.encode())
    assert content.anchors == (
        Anchor(content.text.index("Hoofdstuk 1"), "Hoofdstuk1"),
        Anchor(
            content.text.index("Artikel 1:3"), "Hoofdstuk1_Artikel1:3", "jci1.3:c:BWBR0000001&artikel=1:3"
        ),
        Anchor(content.text.index("Artikel 2"), "Artikel2"),
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"<rss><channel/></rss>", r"XML of another kind \(its root is 'rss'\), expected a law"),
        (b"<toestand><wetgeving></toestand>", r"not XML \(mismatched tag"),
        (b"Gewone tekst", r"not XML \(syntax error"),
        (b'<?xml version="1.0" encoding="klingon"?><toestand/>', "not XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><toestand>&b;</toestand>', "declares a document type"),
        (b"<al>" * (MAX_NESTING + 1), "nested deeper than 100"),
    ],
)
def test_what_is_no_law_is_told(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        read_law(data)
