"""What every test stands on: no settings of the developer's shell, and one real index of the corpus."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.corpus import read_corpus
from retrieval.embedding import open_corpus_embedder
from retrieval.index import update_index
from retrieval.rehearsing import rehearse
from retrieval.settings import DEFAULT_EMBEDDER, PREFIX

CORPUS = Path(__file__).parent.parent / "corpus"


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_shell() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def aivd_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the index of corpus/, made with the default model. Only read it; copy it to change it."""
    folder = tmp_path_factory.mktemp("aivd") / "index"
    embedder = open_corpus_embedder(DEFAULT_EMBEDDER, None, None)
    update_index(
        read_corpus(CORPUS),
        folder,
        lambda: embedder,
        embedder.fingerprint,
        rehearse=lambda index, tried: rehearse(index, embedder, tried),
    )
    return folder
