"""The one door to embedders: the bundled model, a folder, or a name on the Hugging Face hub.

The sentence-transformers library is behind it, and torch with that; a process that asks questions of
the default model starts without both.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from retrieval.bundled import FILE_SHA256, GRAPH_VERSION, MAX_TOKENS, BundledModel, Vectors
from retrieval.errors import EmbedderError
from retrieval.settings import DEFAULT_EMBEDDER

QUERY_PROMPT = "query: "
PASSAGE_PROMPT = "passage: "
"""What e5 was trained with: https://huggingface.co/intfloat/multilingual-e5-small."""
FEW_TEXTS = 128
"""Texts that are embedded sooner than torch is imported (docs/experiments.md, "A whole collection")."""
E5_NAME = re.compile(r"(?<![a-z0-9])m?e5(?![a-z0-9])", re.IGNORECASE)


class Embedder(Protocol):
    """Texts to vectors of length 1, whose inner product is their cosine."""

    @property
    def fingerprint(self) -> str:
        """What made the vectors: weights, prompts, length limit. Equal ones, equal vectors up to rounding."""

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""

    @property
    def max_tokens(self) -> int:
        """Tokens that are read, prompt and special tokens included; the rest of a text is cut off."""

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        """Vectors of what is searched for, their prompt added: (n, dimension), rows of length 1."""

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Vectors of what is found, their prompt added: (n, dimension), rows of length 1.

        ``progress`` gets the number of texts done since its last call.
        """

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text with the prompt of passages and the special tokens, uncut."""


class BundledEmbedder:
    """The bundled model on its own runtime."""

    def __init__(self, model: BundledModel, query_prompt: str, passage_prompt: str) -> None:
        self.model = model
        self._query_prompt = query_prompt
        self._passage_prompt = passage_prompt
        self.dimension = model.dimension
        self.max_tokens = model.max_tokens
        self.fingerprint = _bundled_fingerprint(query_prompt, passage_prompt)

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        """Vectors of the queries: (n, 384), rows of length 1."""
        return self.model.encode([self._query_prompt + query for query in queries])

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Vectors of the passages: (n, 384), rows of length 1."""
        return self.model.encode([self._passage_prompt + text for text in texts], progress)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each passage, uncut."""
        return self.model.count_tokens([self._passage_prompt + text for text in texts])


class SparingEmbedder:
    """Counts tokens and embeds few texts with an embedder that is open, and opens another for many.

    That one is opened in a thread while the first of many texts are embedded with the one that is open. Both
    are of one fingerprint, so that it does not matter which of them made a vector.
    """

    def __init__(self, opened: Embedder, open_for_many: Callable[[], Embedder]) -> None:
        self._opened = opened
        self._open_for_many = open_for_many
        self._for_many: Future[Embedder] | None = None
        self.dimension = opened.dimension
        self.max_tokens = opened.max_tokens
        self.fingerprint = opened.fingerprint

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        """Vectors of the queries, by the embedder that is open."""
        return self._opened.embed_queries(queries)

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Vectors of the passages, by the embedder for many where there are more than FEW_TEXTS.

        Raises what opening that raises.
        """
        if len(texts) <= FEW_TEXTS:
            return self._opened.embed_texts(texts, progress)
        if self._for_many is None:
            with ThreadPoolExecutor(1, thread_name_prefix="opening") as thread:
                self._for_many = thread.submit(self._open_for_many)
                return self._opened.embed_texts(texts, progress)
        return self._for_many.result().embed_texts(texts, progress)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each passage, uncut."""
        return self._opened.count_tokens(texts)


def open_query_embedder(
    name: str,
    query_prompt: str | None,
    passage_prompt: str | None,
    default_model: Callable[[], BundledModel] = BundledModel.open,
) -> Embedder:
    """The embedder for serving: for the default model without torch, which takes seconds to start.

    Prompts that are None are those of the model. ``default_model`` gives the default where it is what
    ``name`` asks for: ``BundledModel.begin().result`` for one that is being loaded already. Raises
    EmbedderError where the model cannot be loaded, or is of the e5 family and has no prompts.
    """
    if name != DEFAULT_EMBEDDER:
        return open_corpus_embedder(name, query_prompt, passage_prompt)
    return BundledEmbedder(default_model(), *_bundled_prompts(query_prompt, passage_prompt))


def open_corpus_embedder(
    name: str,
    query_prompt: str | None,
    passage_prompt: str | None,
    default_model: Callable[[], BundledModel] = BundledModel.open,
) -> Embedder:
    """The embedder for building an index, always by the sentence-transformers library.

    Prompts and errors are those of ``open_query_embedder``, and so are the fingerprint and the vectors.
    ``default_model`` gives the default where it is what ``name`` asks for: one that is open is shared.
    """
    from retrieval import sentence_transformer as library

    if name == DEFAULT_EMBEDDER:
        prompts = _bundled_prompts(query_prompt, passage_prompt)
        bundled = library.bundled_sentence_transformer(default_model(), *prompts)
        return library.SentenceTransformerEmbedder(bundled, *prompts, _bundled_fingerprint(*prompts))
    model = library.load_sentence_transformer(name)
    saved_query, saved_passage = library.saved_prompts(model)
    prompts = (
        saved_query if query_prompt is None else query_prompt,
        saved_passage if passage_prompt is None else passage_prompt,
    )
    if E5_NAME.search(name) or E5_NAME.search(library.origin_of(model)):
        _require_prompts(name, *prompts)
    fingerprint = _fingerprint(library.content_hash(model), *prompts, model.max_seq_length)
    return library.SentenceTransformerEmbedder(model, *prompts, fingerprint)


def known_fingerprint(name: str, query_prompt: str | None, passage_prompt: str | None) -> str | None:
    """The fingerprint, where it can be told without loading the model: for the default; else None."""
    if name != DEFAULT_EMBEDDER:
        return None
    return _bundled_fingerprint(*_bundled_prompts(query_prompt, passage_prompt))


def _bundled_prompts(query_prompt: str | None, passage_prompt: str | None) -> tuple[str, str]:
    prompts = (
        QUERY_PROMPT if query_prompt is None else query_prompt,
        PASSAGE_PROMPT if passage_prompt is None else passage_prompt,
    )
    _require_prompts(DEFAULT_EMBEDDER, *prompts)
    return prompts


def _require_prompts(name: str, query_prompt: str, passage_prompt: str) -> None:
    if not query_prompt.strip() or not passage_prompt.strip():
        raise EmbedderError(
            f"embedder {name} is an e5 model with the prompts {query_prompt!r} for questions and "
            f"{passage_prompt!r} for passages, expected both to say something: without them its ranking "
            f"suffers unseen; set VRAAGBAAK_QUERY_PROMPT={QUERY_PROMPT!r} and "
            f"VRAAGBAAK_PASSAGE_PROMPT={PASSAGE_PROMPT!r}"
        )


def _bundled_fingerprint(query_prompt: str, passage_prompt: str) -> str:
    return _fingerprint(f"{FILE_SHA256} {GRAPH_VERSION}", query_prompt, passage_prompt, MAX_TOKENS)


def _fingerprint(content: str, query_prompt: str, passage_prompt: str, limit: float | None) -> str:
    parts = [content, query_prompt, passage_prompt, limit]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
