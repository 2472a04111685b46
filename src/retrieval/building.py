"""Build and update the index: a reading of the corpus becomes a generation that can be searched.

What did not change is neither cut nor embedded again.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import accumulate, chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from retrieval.background import background_texts
from retrieval.changes import Changes, changes_between
from retrieval.contexts import contexts_of
from retrieval.dense import write_dense
from retrieval.duplicates import first_of_each_kind
from retrieval.errors import BrokenIndexError, CorpusError, EmbedderError
from retrieval.files import map_array, write_array, writing
from retrieval.former_texts import Replacement, keep_former_texts
from retrieval.generations import (
    SCHEMA_VERSION,
    DocumentHashes,
    Manifest,
    check_embedder,
    check_hashes,
    current_generation,
    drafted,
    file_entries,
    locked,
    publish,
    read_manifest,
)
from retrieval.index import Index, document_in
from retrieval.indexed_texts import embedded_texts, item_texts, lexical_text
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
from retrieval.lexical import analyse, word_pieces, write_lexical
from retrieval.passages import CUTTING_VERSION, cut_passages
from retrieval.ranking import Vectors
from retrieval.records import Document, Passage
from retrieval.settings import KEPT_GENERATIONS, KEPT_TEXTS
from retrieval.spelling import write_spelling
from retrieval.store import Store, write_store
from retrieval.suggesting import Suggestions
from retrieval.vector_cache import VectorCache, text_key

if TYPE_CHECKING:
    from retrieval.corpus import Reading, Skipped
    from retrieval.embedding import Embedder

CHUNK = 256
"""Texts that are embedded before their vectors are put on disk: some seven seconds of work on two cores."""

Progress = Callable[[int, int], None]
"""Is told how many texts are embedded by now, and how many there are to embed."""


_Pair = tuple[bytes, bytes]
"""The keys of the two texts whose vectors' mean is a row of the index."""


class Rehearse(Protocol):
    """Asks a new generation what it should answer.

    ``asked_by`` changes with whatever may change what comes of it, other than the index itself.
    """

    @property
    def asked_by(self) -> str: ...  # noqa: D102 - told above

    def __call__(self, index: Index) -> Suggestions: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    ``embedded`` counts the passages for which a vector, their own or a sentence's, was made;
    ``reused`` those for which all were there already. ``changes`` are those since the generation that served
    until then. ``unanswered`` are questions of the editors that the index, made now or before, does not
    answer, and ``unclear`` those that were not asked (suggesting.py).
    """

    documents: int
    passages: int
    embedded: int
    reused: int
    changes: Changes
    seconds: float
    skipped: "tuple[Skipped, ...]"
    unanswered: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()

    @property
    def removed(self) -> int:
        """Documents that the index had before and has no longer, under whatever name."""
        return len(self.changes.gone)

    @property
    def unchanged(self) -> int:
        """Documents of which nothing changed."""
        changes = self.changes
        return self.documents - len(changes.new) - len(changes.changed) - len(changes.renamed)


def update_index(  # noqa: PLR0913 - the last ones are for the command line alone
    reading: "Reading",
    folder: Path,
    embedder: "Callable[[], Embedder]",
    fingerprint: str,
    progress: Progress | None = None,
    *,
    rehearse: Rehearse | None = None,
    keep: int = KEPT_GENERATIONS,
    keep_texts: int = KEPT_TEXTS,
) -> BuildReport:
    """Make the index in ``folder`` that of ``reading``: a new generation, unless nothing changed.

    A generation that ``rehearse`` has not asked yet, or asked with something else, is made anew.

    ``embedder`` is called when a document must be cut or a text embedded, and not otherwise; its
    fingerprint is ``fingerprint``. ``rehearse`` finds what can be suggested; without it nothing is but the
    editors' questions. ``keep`` generations stay on disk, and a
    text that is replaced for ``keep_texts`` days. A damaged index, or one of another making, is
    built anew.
    Raises BrokenIndexError where the folder cannot be written or another build is under way. After
    any failure the generation that served still serves, and the vectors made so far are kept.
    """
    start = time.perf_counter()
    documents = _by_id(reading.documents)
    hashes = {id_: _hashes(document) for id_, document in documents.items()}
    with locked(folder):
        serving = _serving(folder)
        base = serving if serving and _can_be_built_on(serving, fingerprint) else None
        before = Suggestions.read(base.folder / SUGGESTIONS) if base else Suggestions()
        rehearsed = rehearse is None or rehearse.asked_by == before.asked_by
        served = _served_documents(folder, serving, hashes)
        changes = changes_between(served, hashes)
        replacement = Replacement(
            former=_replaced(folder, changes),
            # a file or folder that was left out is there still
            present={*hashes, *(left_out.path for left_out in reading.skipped)},
            renamed=changes.renamed,
            day=datetime.now(UTC).date(),
            keep_days=keep_texts,
        )
        keep_former_texts(folder / FORMER_TEXTS, replacement)
        if base and base.manifest.documents == hashes and rehearsed:
            passages, embedded, suggestions = base.manifest.passages, 0, before
        else:
            build = _Build(folder, fingerprint, cache(embedder), progress, rehearse, keep)
            passages, embedded, suggestions = build.run(documents, hashes, base)
    return BuildReport(
        documents=len(documents),
        passages=passages,
        embedded=embedded,
        reused=passages - embedded,
        changes=changes,
        seconds=time.perf_counter() - start,
        skipped=reading.skipped,
        unanswered=suggestions.unanswered,
        unclear=suggestions.unclear,
    )


@dataclass(frozen=True, slots=True)
class _Generation:
    folder: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is embedded: the texts by their keys, and the keys of each row of the index.

    ``passage_contexts`` tells the row of ``contexts`` of each passage.
    """

    texts: Mapping[bytes, str]
    passages: Sequence[_Pair]
    sentences: Sequence[Sequence[_Pair]]
    contexts: Sequence[bytes]
    passage_contexts: Sequence[int]

    def passages_with(self, keys: set[bytes]) -> int:
        """The number of passages that one of the texts ``keys`` belongs to."""
        return sum(
            not keys.isdisjoint(chain(own, *of_sentences))
            for own, of_sentences in zip(self.passages, self.sentences, strict=True)
        )


@dataclass(frozen=True, slots=True)
class _Build:
    """One build of a generation."""

    folder: Path
    fingerprint: str
    embedder: "Callable[[], Embedder]"
    progress: Progress | None
    rehearse: Rehearse | None
    keep: int

    def run(
        self,
        documents: Mapping[str, Document],
        hashes: Mapping[str, DocumentHashes],
        base: _Generation | None,
    ) -> tuple[int, int, Suggestions]:
        """Build and publish; the number of passages, that of those embedded, and what can be suggested."""
        cut = self._cut(documents, base)
        dimension = base.manifest.dimension if base else self._embedder().dimension
        rows = _rows(documents, cut)
        with VectorCache.open(self.folder / CACHE_FOLDER, self.fingerprint, dimension) as vectors:
            missing = vectors.missing(rows.texts)
            self._embed([rows.texts[key] for key in missing], vectors)
            self._embed_background(vectors)
            with writing(self.folder), drafted(self.folder) as draft:
                _write_texts(draft, documents, cut, base.folder / SPELLING if base else None)
                _write_vectors(draft, rows, vectors, dimension)
                suggestions = self._rehearsed(draft)
                suggestions.write(draft / SUGGESTIONS)
                manifest = Manifest(
                    schema_version=SCHEMA_VERSION,
                    embedder=self.fingerprint,
                    dimension=dimension,
                    cutting_version=CUTTING_VERSION,
                    passages=len(rows.passages),
                    sentences=sum(map(len, rows.sentences)),
                    documents=hashes,
                    files=file_entries(draft),
                )
                publish(self.folder, draft, manifest, self.keep)
        return len(rows.passages), rows.passages_with(missing), suggestions

    def _rehearsed(self, draft: Path) -> Suggestions:
        """What the draft, which is whole but for this, can be asked."""
        if self.rehearse is None:
            return Suggestions()
        Suggestions().write(draft / SUGGESTIONS)
        with Index(self.folder, draft, Store.open(draft / STORE)) as index:
            return self.rehearse(index)

    def _embedder(self) -> "Embedder":
        embedder = self.embedder()
        if embedder.fingerprint != self.fingerprint:
            raise EmbedderError(
                f"the embedder's fingerprint is {embedder.fingerprint}, expected {self.fingerprint}; "
                "open the embedder that the fingerprint was asked of"
            )
        return embedder

    def _cut(
        self, documents: Mapping[str, Document], base: _Generation | None
    ) -> dict[str, tuple[Passage, ...]]:
        """The passages of each document: cut before where nothing but its provenance changed."""
        known = _cut_before(documents.values(), base) if base else {}
        return {
            id_: known[id_] if id_ in known else self._cut_anew(document)
            for id_, document in documents.items()
        }

    def _cut_anew(self, document: Document) -> tuple[Passage, ...]:
        embedder = self._embedder()
        return cut_passages(document, embedder.count_tokens, embedder.max_tokens)

    def _embed(self, texts: Sequence[str], vectors: VectorCache) -> None:
        # texts of one length are embedded together; the longest first, where memory would fail if it does
        ordered = sorted(texts, key=lambda text: (-len(text), text))
        told = _Counter(self.progress, len(ordered))
        for start in range(0, len(ordered), CHUNK):
            chunk = ordered[start : start + CHUNK]
            vectors.add([text_key(text) for text in chunk], self._embedder().embed_texts(chunk, told))

    def _embed_background(self, vectors: VectorCache) -> None:
        by_key = {text_key(text): text for text in background_texts()}
        if missing := [*vectors.missing(by_key)]:
            vectors.add(missing, self._embedder().embed_texts([by_key[key] for key in missing]))


class _Counter:
    """Adds up what the embedder tells, for the progress of the whole."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def __call__(self, count: int) -> None:
        self._done += count
        if self._progress:
            self._progress(self._done, self._total)


def _by_id(documents: Sequence[Document]) -> dict[str, Document]:
    by_id = {document.id: document for document in documents}
    if len(by_id) < len(documents):
        ids = [document.id for document in documents]
        twice = next(id_ for id_ in ids if ids.count(id_) > 1)
        raise CorpusError(f"document {twice!r} stands in the corpus twice; give each a name of its own")
    return by_id


def _hashes(document: Document) -> DocumentHashes:
    # the sha256 stands for the text
    record = json.dumps(asdict(replace(document, text="")), sort_keys=True)
    return DocumentHashes(document.sha256, hashlib.sha256(record.encode()).hexdigest())


def _serving(folder: Path) -> _Generation | None:
    try:
        generation = current_generation(folder)
        return _Generation(generation, read_manifest(generation))
    except BrokenIndexError:  # what cannot be opened is built anew
        return None


def _can_be_built_on(serving: _Generation, fingerprint: str) -> bool:
    """Whether it is whole, to the last byte, and made as this build makes it."""
    try:
        check_embedder(serving.folder, serving.manifest, fingerprint)
        check_hashes(serving.folder, serving.manifest.files)
    except BrokenIndexError:
        return False
    return serving.manifest.cutting_version == CUTTING_VERSION


def _cut_before(documents: Iterable[Document], base: _Generation) -> dict[str, tuple[Passage, ...]]:
    """The passages of documents that are as they were, under this name or another."""
    names = {hashes.sha256: id_ for id_, hashes in base.manifest.documents.items()}
    with closing(Store.open(base.folder / STORE)) as store:
        return {
            document.id: tuple(
                replace(passage, document_id=document.id) for _, passage in store.passages_of(old.id)
            )
            for document in documents
            if (old := store.document(document.id) or store.document(names.get(document.sha256, "")))
            and replace(old, id=document.id, provenance=document.provenance) == document
        }


def _rows(documents: Mapping[str, Document], cut: Mapping[str, Sequence[Passage]]) -> _Rows:
    texts: dict[bytes, str] = {}

    def pair(text: str, passage: Passage, lead: str) -> _Pair:
        both = embedded_texts(text, passage.headings, documents[passage.document_id].title, lead)
        keys = text_key(both[0]), text_key(both[1])
        texts.update(zip(keys, both, strict=True))
        return keys

    passages = list(chain.from_iterable(cut.values()))
    contexts = [context for id_, own in cut.items() for context in contexts_of(own, documents[id_].title)]
    texts |= {text_key(context.text): context.text for context in contexts}
    return _Rows(
        passages=[pair(passage.text, passage, passage.lead_before) for passage in passages],
        sentences=[
            [
                pair(passage.sentence_text(number), passage, lead.text if lead else "")
                for number in range(len(passage.sentences))
                for lead in (passage.lead_of(number),)
            ]
            for passage in passages
        ],
        contexts=[text_key(context.text) for context in contexts],
        passage_contexts=[row for row, context in enumerate(contexts) for _ in range(context.passages)],
        texts=texts,
    )


def _write_texts(
    draft: Path,
    documents: Mapping[str, Document],
    cut: Mapping[str, Sequence[Passage]],
    spelling_before: Path | None,
) -> None:
    passages = list(chain.from_iterable(cut.values()))
    write_store(draft / STORE, documents.values(), passages)
    found_by = [lexical_text(passage, documents[passage.document_id].title) for passage in passages]
    of_items = [item_texts(passage, documents[passage.document_id].title) for passage in passages]
    owners = [number for number, texts in enumerate(of_items) for _ in texts]
    items = list(chain.from_iterable(of_items))
    for analysis, of_passages, of_both in (
        (analyse, LEXICAL, ITEM_WORDS),
        (word_pieces, LETTERS, ITEM_LETTERS),
    ):
        terms = [analysis(text) for text in found_by]
        write_lexical(draft / of_passages, terms)
        # items and rows stand behind the passages, among which they are weighed
        write_lexical(draft / of_both, [*terms, *map(analysis, items)] if items else [])
    write_array(draft / ITEM_PASSAGES, (len(owners),), np.int64, [np.array(owners, np.int64)])
    write_lexical(
        draft / DOCUMENT_WORDS,
        [analyse("\n".join(passage.text for passage in own)) for own in cut.values()],
    )
    numbers = [number for number, own in enumerate(cut.values()) for _ in own]
    write_array(draft / PASSAGE_DOCUMENTS, (len(numbers),), np.int64, [np.array(numbers, np.int64)])
    same_as = first_of_each_kind([passage.text for passage in passages])
    write_array(draft / SAME_AS, (len(same_as),), np.int64, [np.array(same_as, np.int64)])
    write_spelling(draft / SPELLING, found_by, spelling_before)


def _write_vectors(draft: Path, rows: _Rows, vectors: VectorCache, dimension: int) -> None:
    starts = list(accumulate(map(len, rows.sentences), initial=0))
    write_array(draft / SENTENCE_STARTS, (len(starts),), np.int64, [np.array(starts)])
    background = [text_key(text) for text in background_texts()]
    write_array(draft / BACKGROUND, (len(background), dimension), np.float32, [vectors.vectors(background)])
    places = np.array(rows.passage_contexts, np.int64)
    write_array(draft / PASSAGE_CONTEXTS, places.shape, np.int64, [places])
    write_array(
        draft / CONTEXTS,
        (len(rows.contexts), dimension),
        np.float32,
        (
            vectors.vectors(rows.contexts[start : start + CHUNK])
            for start in range(0, len(rows.contexts), CHUNK)
        ),
    )
    sentences = list(chain.from_iterable(rows.sentences))
    write_array(draft / SENTENCES, (len(sentences), dimension), np.float32, _means(sentences, vectors))
    # by way of a file, so that memory holds the vectors once: in FAISS
    scratch = draft / "passages.npy"
    write_array(scratch, (len(rows.passages), dimension), np.float32, _means(rows.passages, vectors))
    write_dense(draft / DENSE, map_array(scratch))
    scratch.unlink()


def _means(pairs: Sequence[_Pair], vectors: VectorCache) -> Iterator[Vectors]:
    for start in range(0, len(pairs), CHUNK):
        bare, headed = zip(*pairs[start : start + CHUNK], strict=True)
        yield (vectors.vectors(bare) + vectors.vectors(headed)) * np.float32(0.5)


def _served_documents(
    folder: Path, serving: _Generation | None, hashes: Mapping[str, DocumentHashes]
) -> Mapping[str, DocumentHashes]:
    """The documents of the generation that serves, also where that is of another making.

    What such a one says beside the text is taken for what is said now.
    """
    if serving:
        return serving.manifest.documents
    try:
        with closing(Store.open(current_generation(folder) / STORE)) as store:
            texts = store.hashes()
    except BrokenIndexError:
        return {}
    return {
        id_: hashes[id_] if id_ in hashes and hashes[id_].sha256 == sha256 else DocumentHashes(sha256, "")
        for id_, sha256 in texts.items()
    }


def _replaced(folder: Path, changes: Changes) -> list[Document]:
    """The changed documents as they were in the generation that serves; damaged ones are left out."""
    if not changes.changed:
        return []
    generation = current_generation(folder)
    return [former for id_ in changes.changed if (former := document_in(generation, id_))]
