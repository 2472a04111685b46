"""Open the index: a generation that can be searched, mapped into memory and read only."""

from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from retrieval.dense import DenseIndex
from retrieval.errors import BrokenIndexError
from retrieval.files import broken, map_array
from retrieval.former_texts import former_text, id_of_former_text
from retrieval.generations import (
    FileEntry,
    Manifest,
    check_embedder,
    check_hashes,
    current_generation,
    kept_generations,
    read_manifest,
)
from retrieval.layout import (
    BACKGROUND,
    CACHE_FOLDER,
    CONTEXTS,
    DENSE,
    DOCUMENT_WORDS,
    FORMER_TEXTS,
    ITEM_LETTERS,
    ITEM_PASSAGES,
    ITEM_WORDS,
    LETTERS,
    LEXICAL,
    PASSAGE_CONTEXTS,
    PASSAGE_DOCUMENTS,
    SAME_AS,
    SENTENCE_STARTS,
    SENTENCES,
    SPELLING,
    STORE,
    SUGGESTIONS,
)
from retrieval.lexical import LexicalIndex, word_pieces
from retrieval.ranking import Vectors
from retrieval.records import Document, Passage, sha256_of_text
from retrieval.spelling import Spelling
from retrieval.store import DocumentEntry, Store
from retrieval.suggesting import Suggestions

if TYPE_CHECKING:
    pass

HASHED_VECTORS = 32_000_000
"""Bytes up to which a file of vectors is hashed when it is opened: sha256 reads 0.7 GB in a second, so that
three such files cost 0.15 s. Of a larger one the shape is checked, and its vectors when it is built on."""

_LARGEST = (DENSE, SENTENCES, CONTEXTS)
"""The files of vectors that grow with the corpus."""


class Index:
    """An opened generation: read only, memory-mapped, for use from many threads.

    ``sentence_vectors`` is (sentences, dimension); ``sentence_rows`` tells which rows are a passage's.
    ``context_vectors`` is (contexts, dimension), and ``passage_contexts`` (passages,) tells the row of each
    passage; ``passage_documents`` (passages,) tells its place in ``document_words``, which holds the words
    of whole documents, as ``lexical`` and ``letters`` hold the words and pieces of words of passages.
    ``same_as`` (passages,) tells for each passage the first one that says the same, or nearly.
    ``cache`` is the folder of the vectors that are kept from build to build.
    ``background_vectors`` is (texts, dimension): those of ``background_texts``. ``suggestions`` are questions
    that it answers.
    """

    def __init__(self, folder: Path, generation: Path, store: Store) -> None:
        self._folder = folder
        self.generation = generation.name
        self.cache = folder / CACHE_FOLDER
        self.store = store
        self.dense = DenseIndex.open(generation / DENSE)
        self.lexical = LexicalIndex.open(generation / LEXICAL)
        self.letters = LexicalIndex.open(generation / LETTERS, word_pieces)
        self.document_words = LexicalIndex.open(generation / DOCUMENT_WORDS)
        self._item_words = LexicalIndex.open(generation / ITEM_WORDS)
        self._item_letters = LexicalIndex.open(generation / ITEM_LETTERS, word_pieces)
        self._item_passages: npt.NDArray[np.int64] = map_array(generation / ITEM_PASSAGES)
        self.spelling = Spelling.open(generation / SPELLING)
        self.sentence_vectors: Vectors = map_array(generation / SENTENCES)
        self.context_vectors: Vectors = map_array(generation / CONTEXTS)
        self.passage_contexts: npt.NDArray[np.int64] = map_array(generation / PASSAGE_CONTEXTS)
        self.passage_documents: npt.NDArray[np.int64] = map_array(generation / PASSAGE_DOCUMENTS)
        self.same_as: npt.NDArray[np.int64] = map_array(generation / SAME_AS)
        self.background_vectors: Vectors = map_array(generation / BACKGROUND)
        self.suggestions = Suggestions.read(generation / SUGGESTIONS)
        self._sentence_starts: npt.NDArray[np.int64] = map_array(generation / SENTENCE_STARTS)

    @classmethod
    def open(cls, folder: Path, fingerprint: str) -> Self:
        """Open the generation that serves, for the queries of the embedder ``fingerprint``.

        Raises BrokenIndexError where there is none, or where it is damaged or of another making. Every file
        is compared with its hash, except vectors beyond HASHED_VECTORS.
        """
        generation = current_generation(folder)
        manifest = read_manifest(generation)
        check_embedder(generation, manifest, fingerprint)
        check_hashes(generation, _hashed_at_open(manifest))
        store = Store.open(generation / STORE)
        try:
            index = cls(folder, generation, store)
            index._check_against(generation, manifest)
        except BrokenIndexError:
            store.close()
            raise
        return index

    def word_shares(self, query: str) -> npt.NDArray[np.float32]:
        """What each passage (passages,), or its best item, has of the query's words (LexicalIndex.shares)."""
        return self._or_of_an_item(self.lexical.shares(query), self._item_words.shares(query))

    def letter_shares(self, query: str) -> npt.NDArray[np.float32]:
        """The same of pieces of words."""
        return self._or_of_an_item(self.letters.shares(query), self._item_letters.shares(query))

    def _or_of_an_item(
        self, passages: npt.NDArray[np.float32], items: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        own = len(items) - len(self._item_passages)  # the items stand behind the passages
        np.maximum.at(passages, self._item_passages, items[own:])
        return passages

    def sentence_rows(self, passage_id: int) -> range:
        """The rows of ``sentence_vectors`` of the passage's sentences, in their order."""
        return range(int(self._sentence_starts[passage_id]), int(self._sentence_starts[passage_id + 1]))

    def passages_beside(self, passage_id: int) -> range:
        """The passages of the document that the passage stands in."""
        documents = self.passage_documents
        document = documents[passage_id]
        first, end = np.searchsorted(documents, [document, document + 1])
        return range(int(first), int(end))

    def passages_like(self, passage_id: int) -> npt.NDArray[np.int64]:
        """The other passages that say the same, or nearly, in order."""
        alike: npt.NDArray[np.int64] = np.flatnonzero(self.same_as == self.same_as[passage_id])
        others: npt.NDArray[np.int64] = alike[alike != passage_id]
        return others

    def documents(self) -> list[DocumentEntry]:
        """Every document without its text."""
        return self.store.documents()

    def document(self, document_id: str) -> Document | None:
        """A document as it is now, or None where there is no such document."""
        return self.store.document(document_id)

    def passages_of(self, document_id: str) -> list[tuple[int, Passage]]:
        """The passages of a document with their ids, in order."""
        return self.store.passages_of(document_id)

    def document_version(self, document_id: str, version_prefix: str) -> Document | None:
        """The document as it was when its sha256 began with ``version_prefix``.

        Looked for in this generation, then among the former texts, then in the generations that are still
        kept, the newest first. None where none of them has it, and where the document itself is gone.
        """
        document = self.store.document(document_id)
        if document is None or document.sha256.startswith(version_prefix):
            return document
        if former := former_text(self._folder / FORMER_TEXTS, document_id, version_prefix):
            return former
        for generation in kept_generations(self._folder):
            document = document_in(generation, document_id)
            if document and document.sha256.startswith(version_prefix):
                return document
            if generation.name < self.generation and _lacks(generation, document_id):
                return None  # it was taken out, and what it was before that stays gone
        return None

    def id_of_version(self, version_prefix: str) -> str | None:
        """The id of the document that has a text whose sha256 begins so, or that had it before.

        None where there is none, or it is gone.
        """
        having = (id_ for id_, sha256 in self.store.hashes().items() if sha256.startswith(version_prefix))
        return next(having, None) or id_of_former_text(self._folder / FORMER_TEXTS, version_prefix)

    def close(self) -> None:
        """Give the files back."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_against(self, generation: Path, manifest: Manifest) -> None:
        passages, sentences, dimension = manifest.passages, manifest.sentences, manifest.dimension
        contexts = int(self.passage_contexts.max(initial=-1)) + 1
        items = len(self._item_passages)
        weighed = passages + items if items else 0
        for name, found, expected in (
            (STORE, self.store.passage_count, passages),
            (DENSE, (len(self.dense), self.dense.dimension), (passages, dimension)),
            (LEXICAL, len(self.lexical), passages),
            (LETTERS, len(self.letters), passages),
            (ITEM_WORDS, len(self._item_words), weighed),
            (ITEM_LETTERS, len(self._item_letters), weighed),
            (DOCUMENT_WORDS, len(self.document_words), len(manifest.documents)),
            (PASSAGE_CONTEXTS, self.passage_contexts.shape, (passages,)),
            (PASSAGE_DOCUMENTS, self.passage_documents.shape, (passages,)),
            (SAME_AS, self.same_as.shape, (passages,)),
            (CONTEXTS, self.context_vectors.shape, (contexts, dimension)),
            (SENTENCES, self.sentence_vectors.shape, (sentences, dimension)),
            (BACKGROUND, self.background_vectors.shape[1], dimension),
            (SENTENCE_STARTS, self._sentence_starts.shape, (passages + 1,)),
        ):
            if found != expected:
                raise broken(generation / name, f"holds {found}, the manifest says {expected}")
        for name, places, most in (
            (SENTENCE_STARTS, self._sentence_starts, sentences),
            (PASSAGE_CONTEXTS, self.passage_contexts, contexts - 1),
            (ITEM_PASSAGES, self._item_passages, passages - 1),
            (PASSAGE_DOCUMENTS, self.passage_documents, len(manifest.documents) - 1),
        ):
            _check_places(generation / name, places, most)
        if not ((self.same_as >= 0) & (self.same_as <= np.arange(passages))).all():
            raise broken(generation / SAME_AS, "names passages that do not stand before")
        if self._sentence_starts[-1] != sentences:
            raise broken(
                generation / SENTENCE_STARTS,
                f"ends at {self._sentence_starts[-1]}, the manifest says {sentences}",
            )
        told = {*self.suggestions.made, *self.suggestions.own.values()}
        if not told <= set(range(passages)):
            raise broken(generation / SUGGESTIONS, f"names passages beyond the {passages} of the manifest")
        for name, vectors in ((SENTENCES, self.sentence_vectors), (CONTEXTS, self.context_vectors)):
            if vectors.dtype != np.float32:
                raise broken(generation / name, f"holds {vectors.dtype}, expected float32")


def _hashed_at_open(manifest: Manifest) -> dict[str, FileEntry]:
    return {
        name: entry
        for name, entry in manifest.files.items()
        if name not in _LARGEST or entry.size <= HASHED_VECTORS
    }


def _check_places(path: Path, places: npt.NDArray[np.int64], most: int) -> None:
    """Rows of passages stand in the order of the passages: they never fall, from 0 to ``most``."""
    if len(places) and (places[0] < 0 or places[-1] > most or (np.diff(places) < 0).any()):
        raise broken(path, f"holds rows out of order or out of reach, expected 0 to {most}, rising")


def document_in(generation: Path, document_id: str) -> Document | None:
    """A document of any generation; None where that is gone, has no such document or is damaged."""
    try:
        with closing(Store.open(generation / STORE)) as store:
            document = store.document(document_id)
    except (BrokenIndexError, ValueError, KeyError, TypeError):
        return None  # a build deletes old generations at any moment, and what is damaged cannot be decoded
    # an old generation is not hashed as a whole
    return document if document and sha256_of_text(document.text) == document.sha256 else None


def _lacks(generation: Path, document_id: str) -> bool:
    try:
        with closing(Store.open(generation / STORE)) as store:
            return document_id not in store.hashes()
    except BrokenIndexError:
        return False
