import math
import unicodedata
from collections import Counter
from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import BrokenIndexError
from retrieval.lexical import STOP_WORDS, LexicalIndex, analyse, folded, word_pieces, write_lexical

WORDS = ("kat", "hond", "vis", "vogel", "paard")
REBUILD = "; rebuild with: vraagbaak index"


def opened(folder: Path, *texts: str) -> LexicalIndex:
    write_lexical(folder, [analyse(text) for text in texts])
    return LexicalIndex.open(folder)


def brute_force(query: str, texts: list[str]) -> list[float]:
    """Lucene's BM25: ln(1 + (N - df + ½) / (df + ½)) · tf / (tf + k1 · (1 - b + b · length / mean))."""
    counts = [Counter(text.split()) for text in texts]
    mean = sum(count.total() for count in counts) / len(texts)
    scores = [0.0] * len(texts)
    for word in query.split():
        frequency = sum(word in count for count in counts)
        idf = math.log(1 + (len(texts) - frequency + 0.5) / (frequency + 0.5))
        for place, count in enumerate(counts):
            if count[word]:
                scores[place] += (
                    idf * count[word] / (count[word] + 1.2 * (0.25 + 0.75 * count.total() / mean))
                )
    return scores


def test_scores_worked_out_by_hand(tmp_path: Path) -> None:
    # three texts of 3, 1 and 2 words, 2 on average; "kat" is in one of them, "hond" in two:
    # kat:  ln(1 + 2.5 / 1.5) · 2 / (2 + 1.2 · 1.375) = 0.980829 · 2 / 3.65 = 0.537441
    # hond: 0.470004; · 1 / (1 + 1.2 · 1.375) = 0.177360; · 1 / (1 + 1.2 · 0.625) = 0.268574
    index = opened(tmp_path, "kat kat hond", "hond", "vis vis")

    ranking = index.search("kat of hond", k=5)

    assert ranking.ids.tolist() == [0, 1]
    assert ranking.scores == pytest.approx([0.537441 + 0.177360, 0.268574], abs=1e-5)
    assert index.scores("hond", [2, 1, 0]) == pytest.approx([0, 0.268574, 0.177360], abs=1e-5)
    assert index.search("hond", k=1).ids.tolist() == [1]
    assert len(index) == 3


@given(
    texts=st.lists(st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join), min_size=1, max_size=12),
    query=st.lists(st.sampled_from((*WORDS, "olifant")), max_size=5).map(" ".join),
    k=st.integers(0, 15),
)
def test_it_finds_what_brute_force_finds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], query: str, k: int
) -> None:
    expected = brute_force(query, texts) if any(texts) else [0.0] * len(texts)
    index = opened(tmp_path_factory.mktemp("lexical"), *texts)

    every = index.scores(query, range(len(texts)))
    ranking = index.search(query, k)

    assert every == pytest.approx(expected, abs=1e-5)
    assert len(ranking) == min(k, sum(score > 0 for score in expected))
    assert ranking.scores.tolist() == sorted(every[every > 0].tolist(), reverse=True)[:k]
    assert ranking.scores.tolist() == every[ranking.ids].tolist()


def test_scores_are_those_of_bm25s_itself(tmp_path: Path) -> None:
    texts = ["De kat ziet de hond", "Een hond en een vis", "Vissen en vogels", "Paarden zien katten"]
    index = opened(tmp_path, *texts)
    theirs = bm25s.BM25.load(tmp_path, mmap=True, show_progress=False)

    for query in ("kat hond", "welke vissen", "paard kat kat"):
        assert index.scores(query, range(4)).tolist() == theirs.get_scores(analyse(query)).tolist()


def test_words_are_stemmed_and_stop_words_left_out() -> None:
    assert analyse("De veiligheidsdienst van het land") == analyse("veiligheidsdiensten landen")
    assert len(analyse("De veiligheidsdienst van het land")) == 2
    assert analyse("Wie is dat en wat doet hij daar?") == analyse("doet")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("CTG-platform", "ctg platform"),
        ("coördinatie", "coordinatie"),
        ("coo\N{COMBINING DIAERESIS}rdinatie", "coördinatie"),
        ("AIVD", "aivd"),
        ("één", "een"),
        ("art.\N{NO-BREAK SPACE}8", "art 8"),
        ("ﬁets", "fiets"),
        ("onder_streept", "onder streept"),
        ("« – € !", ""),
        ("", ""),
    ],
)
def test_spellings_of_the_same_words(text: str, same: str) -> None:
    assert analyse(text) == analyse(same)


def test_capitals_tell_an_abbreviation_from_a_stop_word() -> None:
    assert analyse("wat doet het OM?") == [*analyse("doet"), "om"]
    assert analyse("wat doet het om te winnen?") == analyse("doet winnen")
    assert analyse("WAT DOET HET OM?") == analyse("doet")  # typed in capitals throughout


def test_numbers_are_terms() -> None:
    assert analyse("2024, art. 8") == ["2024", "art", "8"]


def test_pieces_are_every_four_letters_of_a_word_with_its_ends() -> None:
    assert word_pieces("De katten!") == ["_kat", "katt", "atte", "tten", "ten_"]
    assert word_pieces("vis ei") == ["_vis", "vis_", "_ei_"]
    assert word_pieces("8") == ["_8_"]
    assert word_pieces("de het een") == []


def test_a_part_of_a_compound_and_a_misspelt_word_are_found_by_pieces(tmp_path: Path) -> None:
    texts = ["terrorismebestrijding", "veiligheidsdienst", "kat"]
    write_lexical(tmp_path, [word_pieces(text) for text in texts])
    index = LexicalIndex.open(tmp_path, word_pieces)

    assert index.search("bestrijding van terrorisme", 1).ids.tolist() == [0]
    assert index.search("vieligheidsdiensten", 1).ids.tolist() == [1]
    assert len(index.search("hond", 1)) == 0


def test_a_share_is_the_score_over_what_all_terms_could_add(tmp_path: Path) -> None:
    index = opened(tmp_path, "kat kat hond", "hond", "vis vis")
    query = "hond olifant"
    most = index.rarity("hond") + index.rarity("olifant")

    assert index.shares(query) == pytest.approx(index.scores(query, range(3)) / most)
    assert index.shares(query).max() < 1
    assert index.shares("").tolist() == [0, 0, 0]


def test_the_rarity_of_a_term_is_its_inverse_document_frequency(tmp_path: Path) -> None:
    index = opened(tmp_path, "kat kat hond", "hond", "vis vis")

    # of three texts "hond" is in two, "kat" in one, "olifant" in none:
    # the logarithms of 1 + 1.5 / 2.5, 1 + 2.5 / 1.5 and 1 + 3.5 / 0.5
    rarities = [index.rarity(term) for term in ("hond", "kat", "olifant")]
    assert rarities == pytest.approx([0.470004, 0.980829, 2.079442], abs=1e-6)


def test_equal_scores_come_in_the_order_of_their_ids(tmp_path: Path) -> None:
    assert opened(tmp_path, "vis", "kat", "vis", "vis").search("vis", k=2).ids.tolist() == [0, 2]


@pytest.mark.parametrize("query", ["olifant", "", "   ", "de het een", "?!"])
def test_a_query_without_a_known_word_finds_nothing(tmp_path: Path, query: str) -> None:
    index = opened(tmp_path, "kat", "hond")

    assert len(index.search(query, k=10)) == 0
    assert index.scores(query, [1]).tolist() == [0]


@pytest.mark.parametrize("texts", [(), ("",), ("de het een", "van")], ids=["none", "blank", "stop words"])
def test_texts_without_a_term_can_be_searched(tmp_path: Path, texts: tuple[str, ...]) -> None:
    index = opened(tmp_path, *texts)

    assert len(index) == len(texts)
    assert len(index.search("kat", k=10)) == 0


def test_no_file_holds_a_pickle(tmp_path: Path) -> None:
    write_lexical(tmp_path, [["kat"], ["hond"]])

    names = {path.suffix for path in tmp_path.iterdir()}
    assert names == {".npy", ".json"}
    for path in tmp_path.glob("*.npy"):
        assert not np.load(path, allow_pickle=False).dtype.hasobject


def test_the_arrays_are_mapped_into_memory(tmp_path: Path) -> None:
    index = opened(tmp_path, "kat", "hond")

    assert str(tmp_path / "data.csc.index.npy") in Path("/proc/self/maps").read_text("utf-8")
    assert len(index) == 2


def test_the_stop_words_are_those_of_snowball() -> None:
    assert len(STOP_WORDS) == 101
    # words that carry what is asked for
    assert not STOP_WORDS & {"waar", "wanneer", "waarom", "hoeveel", "welke", "mag"}


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        (
            "vocab.index.json",
            b"{",
            "not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))",
        ),
        ("vocab.index.json", b"[]", "found a JSON list, expected an object"),
        (
            "indices.csc.index.npy",
            b"",
            "not a whole array (EOF: reading magic string, expected 8 bytes got 0)",
        ),
        ("data.csc.index.npy", None, "cannot be read (No such file or directory)"),
        ("params.index.json", None, "cannot be read (No such file or directory)"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes | None, found: str) -> None:
    write_lexical(tmp_path, [["kat"], ["hond"]])
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(BrokenIndexError) as raised:
        LexicalIndex.open(tmp_path)

    assert str(raised.value) == f"{tmp_path / name}: {found}{REBUILD}"


def test_arrays_of_different_indexes_do_not_open(tmp_path: Path) -> None:
    write_lexical(tmp_path, [["kat"], ["hond"]])
    np.save(tmp_path / "data.csc.index.npy", np.ones(5, np.float32))

    with pytest.raises(BrokenIndexError) as raised:
        LexicalIndex.open(tmp_path)

    assert str(raised.value) == (
        f"{tmp_path / 'data.csc.index.npy'}: 5 weights for 2 places, expected 2{REBUILD}"
    )


@given(st.text(alphabet=st.one_of(st.characters(max_codepoint=127), st.sampled_from("éÉïßﬁİ²"))))
def test_folding_decomposes_lowers_and_drops_marks(text: str) -> None:
    decomposed = unicodedata.normalize("NFKD", text.lower())
    assert folded(text) == "".join(one for one in decomposed if not unicodedata.combining(one))
