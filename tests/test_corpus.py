"""What the corpus folder holds becomes documents, and what cannot be read is told with its reason."""

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.corpus import READERS, Skipped, read_corpus
from retrieval.errors import CorpusError, UnreadableFileError
from retrieval.passages import cut_passages
from retrieval.readers.content import MAX_HEADING_CHARACTERS, MAX_TEXT_BYTES, MAX_TOLD, Content
from retrieval.readers.markdown import read_markdown
from retrieval.readers.plain_text import MAX_HEADING_CHARACTERS as MAX_LINE
from retrieval.readers.plain_text import MAX_TITLE_CHARACTERS, read_plain_text
from retrieval.records import Anchor, BlockKind, Provenance

CORPUS = Path(__file__).parents[1] / "corpus"

LINES = st.text(alphabet="aB1. \t\u00a0\u200be\u0301🎉-#>|*`:<b>&;\"'", max_size=20)
TEXTS = st.lists(LINES, max_size=15).map("\n".join)


def blocks_of(content: Content) -> list[tuple[str, str]]:
    return [(block.kind.value, content.text[block.span.start : block.span.end]) for block in content.blocks]


def written(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def assert_blocks_hold_all(content: Content) -> None:
    held = [number for block in content.blocks for number in range(block.span.start, block.span.end)]
    assert held == sorted(set(held))
    visible = {number for number, character in enumerate(content.text) if not character.isspace()}
    assert visible <= set(held)
    for _, words in blocks_of(content):
        assert words == words.strip() != ""


# The page that comes with the project


def test_the_aivd_page_is_kept_as_it_is() -> None:
    reading = read_corpus(CORPUS)
    page = next(d for d in reading.documents if d.id == "met-wie-werken-wij-samen.txt")
    data = (CORPUS / page.id).read_bytes()
    assert page.text.encode() == data
    assert page.sha256 == hashlib.sha256(data).hexdigest()
    assert page.text.count("\u00a0") == 4
    assert page.title == "Met wie werken wij samen?"
    assert page.provenance.publisher == "Algemene Inlichtingen- en Veiligheidsdienst (AIVD)"
    assert page.provenance.language == "nl"
    assert (page.provenance.url, page.provenance.date) == (None, None)
    assert "Wat doet de NCTV?" in page.provenance.questions


def test_the_aivd_page_has_its_title_and_nine_headings() -> None:
    page = read_plain_text((CORPUS / "met-wie-werken-wij-samen.txt").read_text(encoding="utf-8"))
    assert [words for kind, words in blocks_of(page) if kind == "heading"] == [
        "Nationale afnemers en samenwerkingspartners",
        "Openbaar Ministerie",
        "Nationaal Coördinator Terrorismebestrijding en Veiligheid",
        "Immigratie- en Naturalisatiedienst",
        "Lokaal bestuur",
        "Inlichtingendiensten en Bijzondere Diensten",
        "Militaire Inlichtingen- en Veiligheidsdienst",
        "Internationale samenwerking",
        "Zie ook",
    ]


# The folder


def test_files_are_found_in_folders_and_in_order(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        {"b.txt": "B.", "a/z.MD": "Z.", "a/y.markdown": "Y.", ".git/c.txt": "C.", ".verborgen.txt": "D."},
    )
    reading = read_corpus(folder)
    assert [document.id for document in reading.documents] == ["a/y.markdown", "a/z.MD", "b.txt"]
    assert reading.skipped == ()


def test_a_file_without_a_title_is_called_by_its_name(tmp_path: Path) -> None:
    folder = written(tmp_path, {"huisvuil_en-afval.txt": "De gemeente haalt het op."})
    assert read_corpus(folder).documents[0].title == "Huisvuil en afval"


@pytest.mark.parametrize("data", [b"\xef\xbb\xbfEen\r\nTwee\rDrie", b"Een\nTwee\nDrie"])
def test_byte_order_mark_and_line_ends_are_made_one(tmp_path: Path, data: bytes) -> None:
    assert read_corpus(written(tmp_path, {"a.txt": data})).documents[0].text == "Een\nTwee\nDrie"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("x.txt", b"caf\xe9", "byte 0xe9 at offset 3 is not UTF-8: save the file as UTF-8"),
        ("x.txt", b"\xef\xbb\xbfa\xff", "byte 0xff at offset 4 is not UTF-8: save the file as UTF-8"),
        (
            "x.txt",
            b"ab\0c",
            "byte 0x00 at offset 2 is not text: save the file as plain text in UTF-8",
        ),
        ("x.txt", b"", "the file is empty (0 bytes): add text, or remove the file"),
        ("x.txt", b" \n\xc2\xa0\n", "only blanks in the file: add text, or remove the file"),
        ("x.md", b"<!-- niets -->", "no text to be seen in it: add text, or remove the file"),
        (
            "x.odt",
            b"PK",
            f"the format .odt cannot be read, expected {', '.join(READERS)}: "
            "save the text in one of these formats, or move the file out of the corpus folder",
        ),
        (
            "LICENSE",
            b"MIT",
            f"a name without a format cannot be read, expected {', '.join(READERS)}: "
            "save the text in one of these formats, or move the file out of the corpus folder",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_left_out_with_its_reason(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    reading = read_corpus(written(tmp_path, {"goed.txt": "Dit kan.", name: data}))
    assert [document.id for document in reading.documents] == ["goed.txt"]
    assert reading.skipped == (Skipped(name, reason),)


def test_a_page_without_text_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    formats = CORPUS.parent / "tests" / "data" / "formats"
    scanned = (formats / "verslag-met-scan.pdf").read_bytes()
    reading = read_corpus(written(tmp_path, {"a.pdf": scanned, "b.pdf": (formats / "scan.pdf").read_bytes()}))
    assert [document.id for document in reading.documents] == ["a.pdf"]
    assert [(one.path, one.reason.partition(":")[0]) for one in reading.skipped] == [
        ("a.pdf", "page 4 has no text"),
        ("b.pdf", "none of its pages has text (1 in all)"),
    ]


def test_a_file_too_large_is_left_out_unread(tmp_path: Path) -> None:
    folder = written(tmp_path, {"goed.txt": "Dit kan.", "groot.txt": ""})
    os.truncate(folder / "groot.txt", 50_000_000)
    assert read_corpus(folder).skipped[0].reason == (
        "50,000,000 bytes is too large, expected at most 10,000,000: cut the text into smaller files"
    )


def test_a_file_of_the_greatest_size_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path, {"groot.txt": b"a" * MAX_TEXT_BYTES})
    assert len(read_corpus(folder).documents[0].text) == MAX_TEXT_BYTES


def test_links_are_followed_within_the_folder_only(tmp_path: Path) -> None:
    written(tmp_path, {"buiten/geheim.txt": "Geheim.", "corpus/..data/a.txt": "Binnen."})
    folder = tmp_path / "corpus"
    (folder / "a.txt").symlink_to("..data/a.txt")
    (folder / "b.txt").symlink_to(tmp_path / "buiten/geheim.txt")
    (folder / "c.txt").symlink_to("nergens.txt")
    (folder / "d").symlink_to(folder)
    (folder / "e").symlink_to(tmp_path / "buiten")
    reading = read_corpus(folder)
    assert [(document.id, document.text) for document in reading.documents] == [("a.txt", "Binnen.")]
    assert [(left_out.path, left_out.reason) for left_out in reading.skipped] == [
        ("b.txt", "a link to outside the corpus folder: put the file itself here"),
        ("c.txt", "a link to nothing: remove it, or put the file itself here"),
        ("d", "a link to a folder: what it links to is read in its own place"),
        ("e", "a link to outside the corpus folder: put the file itself here"),
    ]


def test_a_pipe_and_a_name_outside_utf8_are_left_out(tmp_path: Path) -> None:
    folder = written(tmp_path, {"a.txt": "Goed."})
    os.mkfifo(folder / "pijp.txt")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("x")
    assert [(left_out.path, left_out.reason) for left_out in read_corpus(folder).skipped] == [
        ("caf\ufffd.txt", "its name is not UTF-8: rename it"),
        ("pijp.txt", "neither a file nor a folder: move it out of the corpus folder"),
    ]


def test_a_folder_without_texts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as missing:
        read_corpus(tmp_path / "weg")
    assert str(missing.value) == (
        f"corpus folder {tmp_path / 'weg'} does not exist: make it and put texts in it"
    )
    with pytest.raises(CorpusError) as empty:
        read_corpus(tmp_path)
    assert str(empty.value) == f"corpus folder {tmp_path} is empty: put texts in it ({', '.join(READERS)})"
    written(tmp_path, {"a.txt": b"", "b.txt": b"\xff"})
    with pytest.raises(CorpusError) as unreadable:
        read_corpus(tmp_path)
    assert str(unreadable.value) == (
        f"corpus folder {tmp_path} holds no file that can be read: "
        "a.txt: the file is empty (0 bytes): add text, or remove the file; "
        "b.txt: byte 0xff at offset 0 is not UTF-8: save the file as UTF-8"
    )
    with pytest.raises(CorpusError) as no_folder:
        read_corpus(tmp_path / "a.txt")
    assert str(no_folder.value) == (
        f"corpus {tmp_path / 'a.txt'} is a file, expected a folder: name the folder that holds it"
    )


# Provenance


def test_provenance_is_read_by_name(tmp_path: Path) -> None:
    toml = '["a/b.txt"]\ntitle = "Titel"\nurl = "https://a.nl/b"\ndate = 2025-01-31\nquestions = ["Wie?"]\n'
    toml += '["a/b.txt".synonyms]\nkliko = " container "\n"de vuilnisman" = "de inzamelaar"\n'
    document = read_corpus(written(tmp_path, {"a/b.txt": "Tekst.", "bronnen.toml": toml})).documents[0]
    assert document.title == "Titel"
    assert document.provenance.url == "https://a.nl/b"
    assert document.provenance.date == "2025-01-31"
    assert document.provenance.questions == ("Wie?",)
    assert document.provenance.synonyms == (("kliko", "container"), ("de vuilnisman", "de inzamelaar"))
    assert document.provenance.publisher is None


def test_a_name_of_two_meanings_is_told(tmp_path: Path) -> None:
    toml = (
        '["a.txt".synonyms]\ndienst = "AIVD"\n["b.txt"]\ntitle = "Bee"\n["b.txt".synonyms]\nDienst = "GGD"\n'
    )
    reading = read_corpus(written(tmp_path, {"a.txt": "Tekst.", "b.txt": "Tekst.", "bronnen.toml": toml}))
    assert [document.provenance.synonyms for document in reading.documents] == [(("dienst", "AIVD"),), ()]
    assert reading.skipped == (
        Skipped(
            "bronnen.toml",
            "entry 'b.txt', line 5: 'Dienst' is 'GGD' here and 'AIVD' in entry 'a.txt': "
            "a name means the same in all texts; correct one of them",
        ),
    )


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (
            '["a.txt"]\nauteur = "Jan"\n',
            "entry 'a.txt', line 2: unknown key 'auteur', "
            "expected one of title, url, publisher, licence, language, date, modified, valid_from, "
            "valid_until, version, questions, synonyms",
        ),
        (
            '\n["a.txt"]\n\ntitle = 3\n',
            "entry 'a.txt', line 4: title is 3, expected words between quotes: correct it or remove it",
        ),
        (
            '["a.txt"]\nurl = "javascript:alert(1)"\n',
            "entry 'a.txt', line 2: url is 'javascript:alert(1)', expected an address as \"https://…\": "
            "correct it or remove it",
        ),
        (
            '["a.txt"]\ndate = "31-1-2025"\n',
            "entry 'a.txt', line 2: date is '31-1-2025', expected a date as 2025-01-31: "
            "correct it or remove it",
        ),
        (
            '["a.txt"]\nquestions = "Wie?"\n',
            "entry 'a.txt', line 2: questions is 'Wie?', expected a list as [\"…?\", \"…?\"]: "
            "correct it or remove it",
        ),
        (
            '["a.txt".synonyms]\nkliko = 3\n',
            "entry 'a.txt', line 1: synonyms is {'kliko': 3}, "
            'expected pairs as {"other name" = "name in the text"}: correct it or remove it',
        ),
        (
            '["weg.txt"]\ntitle = "Weg"\n',
            "entry 'weg.txt', line 1: this is not the name of a file in the corpus folder: "
            'write it as ["folder/file.txt"], between quotes, or remove it',
        ),
        (
            '[a.txt]\ntitle = "A"\n',
            "entry 'a', line 1: this is not the name of a file in the corpus folder: "
            'write it as ["folder/file.txt"], between quotes, or remove it',
        ),
    ],
)
def test_an_entry_with_a_mistake_is_left_out_and_told_with_its_line(
    tmp_path: Path, toml: str, problem: str
) -> None:
    rest = '\n["b.txt"]\ntitle = "Bee"\n'
    written(tmp_path, {"a.txt": "Tekst.", "b.txt": "Tekst.", "bronnen.toml": toml + rest})
    reading = read_corpus(tmp_path)
    assert [document.title for document in reading.documents] == ["A", "Bee"]
    assert reading.skipped == (Skipped("bronnen.toml", problem),)


def test_the_file_is_named_that_a_misspelt_entry_comes_near(tmp_path: Path) -> None:
    toml = '["pagnia.txt"]\ntitle = "Titel"\n'
    written(tmp_path, {"pagina.txt": "Tekst.", "anders.txt": "Tekst.", "bronnen.toml": toml})
    assert read_corpus(tmp_path).skipped[0].reason == (
        "entry 'pagnia.txt', line 1: this is not the name of a file in the corpus folder "
        "(is 'pagina.txt' meant?): write it as [\"folder/file.txt\"], between quotes, or remove it"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'["a.txt"]\ntitle = Zonder\n', r"not TOML: .*line 2.*: correct that line"),
        (b"", r"the file is empty \(0 bytes\): add text, or remove the file"),
        (b"title = '\xff'", r"byte 0xff at offset 9 is not UTF-8: save the file as UTF-8"),
    ],
)
def test_without_provenance_that_can_be_read_the_texts_are(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    written(tmp_path, {"a.txt": "Tekst.", "bronnen.toml": content})
    reading = read_corpus(tmp_path)
    assert [document.id for document in reading.documents] == ["a.txt"]
    assert [left_out.path for left_out in reading.skipped] == ["bronnen.toml"]
    assert re.fullmatch(f"{reason}; until then nothing is known of the sources", reading.skipped[0].reason)


def test_a_folder_of_provenance_alone_is_empty(tmp_path: Path) -> None:
    written(tmp_path, {"bronnen.toml": "["})
    with pytest.raises(CorpusError, match="is empty: put texts in it"):
        read_corpus(tmp_path)


# Plain text


def test_plain_text_has_title_headings_and_paragraphs() -> None:
    content = read_plain_text(
        "\n Titel \n\nKop\n \t\u00a0\nEen regel\nen nog een.\n\n- los punt\n\nEen korte zin.\n\nWilt u meer?"
    )
    assert blocks_of(content) == [
        ("title", "Titel"),
        ("heading", "Kop"),
        ("paragraph", "Een regel\nen nog een."),
        ("paragraph", "- los punt"),
        ("paragraph", "Een korte zin."),
        ("heading", "Wilt u meer?"),
    ]
    assert content.title == "Titel"


def test_what_stands_directly_under_the_title_is_a_paragraph() -> None:
    assert blocks_of(read_plain_text("Titel\nkort\n\nTekst.")) == [
        ("title", "Titel"),
        ("paragraph", "kort"),
        ("paragraph", "Tekst."),
    ]


def test_headings_and_titles_have_a_greatest_length() -> None:
    heading = "k" * MAX_LINE
    title = "t" * MAX_TITLE_CHARACTERS
    assert [kind for kind, _ in blocks_of(read_plain_text(f"{title}\n\n{heading}\n\n{heading}k"))] == [
        "title",
        "heading",
        "paragraph",
    ]
    assert blocks_of(read_plain_text(f"{title}t\n\nTekst.")) == [
        ("paragraph", f"{title}t"),
        ("paragraph", "Tekst."),
    ]


@given(TEXTS)
def test_plain_text_is_kept_and_every_character_is_in_one_block(text: str) -> None:
    content = read_plain_text(text)
    assert content.text == text
    assert_blocks_hold_all(content)


# Markdown


def test_markdown_becomes_the_text_that_is_seen() -> None:
    content = read_markdown(
        "Vooraf &amp; **vet** [koppeling](https://a.nl 'weg') ![een *plaat*](b.png) <b>los</b><!-- weg -->\n"
        "vervolg `code`\n\n# De *titel*\n\n## Kop\n- een\n  - twee\n\n    nog wat\n3. drie\n\n"
        "| A | B |\n|---|---|\n| 1 | ~~2~~ |\n\n```py\n  x = 1\n\n  y\n```\n"
        "<div>Hallo <p>daar</p><script>weg()</script>\n<img alt='schets'></div>\n\n> citaat\n\n# Nog een\n"
    )
    assert blocks_of(content) == [
        ("paragraph", "Vooraf & vet koppeling een plaat los vervolg code"),
        ("title", "De titel"),
        ("heading", "Kop"),
        ("list_item", "- een"),
        ("list_item", "- twee"),
        ("list_item", "nog wat"),
        ("list_item", "3. drie"),
        ("table_header", "A | B"),
        ("table_row", "1 | 2"),
        ("code", "x = 1\n\n  y"),
        ("paragraph", "Hallo"),
        ("paragraph", "daar"),
        ("paragraph", "schets"),
        ("paragraph", "citaat"),
        ("heading", "Nog een"),
    ]
    assert content.title == "De titel"
    assert [block.level for block in content.blocks if block.kind is BlockKind.HEADING] == [2, 1]
    assert "\n\n- een\n  - twee\n  nog wat\n3. drie\n\nA | B\n1 | 2\n\n  x = 1\n" in content.text


def test_front_matter_tells_where_a_text_comes_from() -> None:
    content = read_markdown(
        "---\nTitel: Afval\ndatum: 2025-01-31 10:00\nlastmod: 2025-02-30\ngewijzigd: 2025-03-01T10:00:00Z\n"
        "geldig-vanaf: 2025-02-01\ngeldig-tot: 2026-01-31\nversie: '2.1'\nuitgever: Gemeente Ede\n"
        "license: https://creativecommons.org/licenses/by/4.0/\nlang: nl-NL\ncanonical: https://ede.example/afval\n"
        "tags:\n  - date: 2020-01-01\n---\nTekst.\n"
    )
    assert (content.title, content.text) == ("Afval", "Tekst.")
    assert content.known == Provenance(
        url="https://ede.example/afval",
        publisher="Gemeente Ede",
        language="nl-NL",
        date="2025-01-31",
        modified="2025-03-01",
        valid_from="2025-02-01",
        valid_until="2026-01-31",
        version="2.1",
        licence="CC-BY-4.0",
    )


def test_what_is_wrong_in_front_matter_does_not_count() -> None:
    content = read_markdown(
        "---\ndate: gisteren\nmodified: 2025-13-01\nurl: javascript:alert(1)\nlang: Nederlands\n"
        "valid_from: 2025-02-02\nvalid_until: 2025-02-01\ntitle: ''\n---\nTekst.\n"
    )
    assert (content.title, content.known) == (None, Provenance())


def test_what_is_wrong_in_front_matter_is_told_with_its_line_and_the_rest_is_used() -> None:
    content = read_markdown(
        '---\nuitgever: Ede\ntitel: "Kapotte kop\ndatum: 31-31-2025\ngeldig-tot: morgen\nurl: ede.nl\n'
        "taal: Nederlands\nversie: '\nsleutel: \"x\ntags: [a, b]\nlicentie: CC0-1.0\n---\nTekst.\n"
    )
    assert (content.title, content.known) == (None, Provenance(publisher="Ede", licence="CC0-1.0"))
    unused = "; that line is not used"
    assert content.left_out == (
        f"line 3, front matter: titel is '\"Kapotte kop', expected another \" at its end{unused}",
        f"line 4, front matter: datum is '31-31-2025', expected a day as 2025-01-31{unused}",
        f"line 5, front matter: geldig-tot is 'morgen', expected a day as 2025-01-31{unused}",
        f"line 6, front matter: url is 'ede.nl', expected an address as https://…{unused}",
        f"line 7, front matter: taal is 'Nederlands', expected a language as nl or nl-BE{unused}",
        f"line 8, front matter: versie is \"'\", expected another ' at its end{unused}",
    )


def test_front_matter_that_ends_before_it_begins_is_told() -> None:
    content = read_markdown("---\ngeldig-vanaf: 2025-02-02\ngeldig-tot: 2025-02-01\nversie: 2\n---\nTekst.\n")
    assert content.known == Provenance(version="2")
    assert content.left_out == (
        "front matter: it holds from 2025-02-02 until 2025-02-01, which is before that; neither is used",
    )


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ('"Over ons"  # de titel', "Over ons"),
        ("'Over \"ons\"'", 'Over "ons"'),
        ('Hij zei "nee"', 'Hij zei "nee"'),
        ("Foto's", "Foto's"),
        ("''", None),
        ("", None),
    ],
)
def test_quotes_in_front_matter(written: str, title: str | None) -> None:
    content = read_markdown(f"---\ntitle: {written}\n---\nTekst.\n")
    assert (content.title, content.left_out) == (title, ())


def test_of_many_wrong_lines_of_front_matter_the_first_are_told() -> None:
    content = read_markdown("---\n" + "datum: morgen\n" * (MAX_TOLD + 7) + "---\nTekst.\n")
    assert len(content.left_out) == MAX_TOLD + 1
    assert content.left_out[-1] == "front matter: and 7 more lines that are not used"


@pytest.mark.parametrize("length", [MAX_HEADING_CHARACTERS, MAX_HEADING_CHARACTERS + 1])
def test_a_heading_that_is_too_long_stands_above_nothing(tmp_path: Path, length: int) -> None:
    files = {"a.md": f"# Titel\n\n## {'k' * length}\n\nTekst.\n"}
    document = read_corpus(written(tmp_path, files)).documents[0]
    is_heading = length == MAX_HEADING_CHARACTERS
    assert [(block.kind, block.level) for block in document.blocks] == [
        (BlockKind.TITLE, 1),
        (BlockKind.HEADING, 2) if is_heading else (BlockKind.PARAGRAPH, 0),
        (BlockKind.PARAGRAPH, 0),
    ]
    headings = cut_passages(document, count_words, 512)[-1].headings
    assert [len(heading) for heading in headings] == ([length] if is_heading else [])
    titled = read_markdown(f"# {'t' * length}\n\nTekst.\n")
    assert titled.title == ("t" * length if is_heading else None)


def test_front_matter_gives_title_and_date_and_is_no_text() -> None:
    content = read_markdown('---\ntitle: "Over ons"\ndate: 2025-01-31\ntags: [a]\n---\nTekst.\n')
    assert (content.title, content.known.date, content.text) == ("Over ons", "2025-01-31", "Tekst.")
    ruled = read_markdown("---\nTekst.\n\n---\n")
    assert (ruled.title, ruled.text) == (None, "Tekst.")


@given(st.lists(st.text(alphabet="abcXYZ019é", min_size=1, max_size=8), min_size=1, max_size=12), st.data())
def test_no_word_of_markdown_is_lost(words: list[str], data: st.DataObject) -> None:
    frames = st.sampled_from(
        ["{}", "# {}", "- {}", "> {}", "**{}**", "[{}](u)", "`{}`", "<p>{}</p>", "    {}", "|{}|\n|-|\n|{}|"]
    )
    lines = [data.draw(frames).replace("{}", word) for word in words]
    text = read_markdown("\n".join(line + data.draw(st.sampled_from(["", "\n"])) for line in lines)).text
    assert all(word in text for word in words)


def nested_list(depth: int) -> str:
    return "\n".join(f"{'  ' * number}- punt{number}" for number in range(depth))


def test_items_below_items_are_indented_by_their_depth() -> None:
    read = read_markdown("Grofvuil:\n\n* matrassen\n    * droog\n\n      en schoon\n    * twee\n* kasten\n")
    assert read.text == "Grofvuil:\n\n- matrassen\n  - droog\n  en schoon\n  - twee\n- kasten"
    assert [block.level for block in read.blocks] == [0, 0, 1, 1, 1, 0]
    assert blocks_of(read)[2] == ("list_item", "- droog")


def nested_quote(depth: int) -> str:
    return f"{'> ' * depth}diep"


def test_lists_and_quotes_are_read_to_a_depth() -> None:
    assert [words for _, words in blocks_of(read_markdown(nested_list(49)))] == [
        f"- punt{number}" for number in range(49)
    ]
    assert blocks_of(read_markdown(nested_quote(99))) == [("paragraph", "diep")]


@pytest.mark.parametrize(
    ("markdown", "line"),
    [
        (nested_list(50), 50),
        (nested_list(120), 50),
        (nested_quote(100), 1),
        (f"---\ntitle: Diep\n---\nTekst.\n\n{nested_quote(150)}\n", 6),
    ],
)
def test_markdown_that_lies_too_deep_is_not_lost_in_silence(tmp_path: Path, markdown: str, line: int) -> None:
    reading = read_corpus(written(tmp_path, {"a.txt": "Goed.", "diep.md": markdown}))
    assert reading.skipped == (
        Skipped(
            "diep.md",
            f"line {line}: lists or quotes lie too deep in one another, expected fewer than "
            "50 lists or 100 quotes: take some of them out",
        ),
    )


@given(st.integers(0, 60), st.integers(0, 120))
def test_no_word_is_lost_at_any_depth(items: int, quotes: int) -> None:
    frame = "- " * items + "> " * quotes
    try:
        text = read_markdown(f"{frame}woord\n").text
    except UnreadableFileError:
        assert 2 * items + quotes >= 100
    else:
        assert "woord" in text


@given(
    st.integers(0, 300), st.sampled_from(["[{}](u)", "![{}](u)", "*a {}*", "**a {}**", "[{}]", "<b>{}</b>"])
)
def test_no_word_is_lost_in_marks_at_any_depth(depth: int, frame: str) -> None:
    before, after = frame.split("{}")
    assert "woord" in read_markdown(f"{before * depth}woord{after * depth}").text


@given(TEXTS)
def test_every_character_seen_of_markdown_is_in_one_block(text: str) -> None:
    assert_blocks_hold_all(read_markdown(text))


def test_a_heading_in_markdown_may_name_its_id() -> None:
    content = read_markdown(
        "# Titel {#top}\n\n## Prijs {#prijs-2}\n\nEen euro {#geen}.\n\n## Zonder\n\n### {#x}\n"
    )
    assert content.title == "Titel"
    assert content.anchors == (
        Anchor(0, "top"),
        Anchor(content.text.index("Prijs"), "prijs-2"),
    )
    assert content.text == "Titel\n\nPrijs\n\nEen euro {#geen}.\n\nZonder\n\n{#x}"


def test_the_progress_of_reading_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    folder = written(tmp_path, {"a.txt": "Een", "b.txt": b"\xff", "c.md": "Drie"})
    read_corpus(folder, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
