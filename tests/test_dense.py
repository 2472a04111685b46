from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.dense import DenseIndex, write_dense
from retrieval.errors import BrokenIndexError
from retrieval.ranking import Vectors

REBUILD = "; rebuild with: vraagbaak index"


def opened(folder: Path, vectors: Vectors) -> DenseIndex:
    write_dense(folder / "passages.faiss", vectors)
    return DenseIndex.open(folder / "passages.faiss")


def test_the_greatest_inner_product_comes_first(tmp_path: Path) -> None:
    # rows are not of unit length: 0.6, -1 and 1.4 with the query
    index = opened(tmp_path, np.array([[0.6, 0.8], [-1, 0], [1, 0.5]], np.float32))

    ranking = index.search(np.array([1, 0.8], np.float32), k=2)

    assert ranking.ids.tolist() == [2, 0]
    assert ranking.scores == pytest.approx([1.4, 1.24])
    assert (len(index), index.dimension) == (3, 2)


@st.composite
def searches(draw: st.DrawFn) -> tuple[Vectors, Vectors, int]:
    """Vectors of small whole numbers, whose inner products are exact and often equal."""
    dimension = draw(st.integers(1, 6))
    row = st.lists(st.integers(-2, 2), min_size=dimension, max_size=dimension)
    rows = draw(st.lists(row, max_size=40))
    vectors = np.array(rows, np.float32).reshape(len(rows), dimension)
    return vectors, np.array(draw(row), np.float32), draw(st.integers(-1, 50))


@given(searches())
def test_it_finds_what_brute_force_finds(
    tmp_path_factory: pytest.TempPathFactory, search: tuple[Vectors, Vectors, int]
) -> None:
    vectors, query, k = search
    products = vectors @ query
    everything = sorted((-product, place) for place, product in enumerate(products.tolist()))

    ranking = opened(tmp_path_factory.mktemp("dense"), vectors).search(query, k)

    found = list(zip((-ranking.scores).tolist(), ranking.ids.tolist(), strict=True))
    assert found == sorted(found)
    assert set(found) <= set(everything)
    assert [score for score, _ in found] == [score for score, _ in everything[: max(k, 0)]]


@pytest.mark.parametrize("k", [1, 20, 99, 100, 150, 400])
def test_it_finds_what_brute_force_finds_among_many(tmp_path: Path, k: int) -> None:
    random = np.random.default_rng(7)
    vectors = random.standard_normal((300, 384), dtype=np.float32)
    query = random.standard_normal(384, dtype=np.float32)

    ranking = opened(tmp_path, vectors).search(query, k)

    expected = np.argsort(-(vectors @ query), kind="stable")[:k]
    assert ranking.ids.tolist() == expected.tolist()
    assert ranking.scores == pytest.approx((vectors @ query)[expected], rel=1e-4, abs=1e-4)


def test_a_search_takes_one_thread_whatever_thread_asks(tmp_path: Path) -> None:
    index = opened(tmp_path, np.ones((10, 4), np.float32))

    def threads_of_a_search() -> int:
        faiss.omp_set_num_threads(3)
        index.search(np.ones(4, np.float32), 1)
        return int(faiss.omp_get_max_threads())

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(threads_of_a_search).result() == 1


def test_the_file_is_mapped_into_memory(tmp_path: Path) -> None:
    index = opened(tmp_path, np.ones((1000, 8), np.float32))

    assert str(tmp_path / "passages.faiss") in Path("/proc/self/maps").read_text("utf-8")
    assert len(index) == 1000


@pytest.mark.parametrize(
    ("length", "content"),
    [(-8, b""), (40, b""), (10, b""), (0, b""), (0, b"%PDF-1.7 " * 100)],
    ids=["last vector cut", "no vectors", "header cut", "empty", "foreign"],
)
def test_a_damaged_file_is_named(tmp_path: Path, length: int, content: bytes) -> None:
    path = tmp_path / "passages.faiss"
    write_dense(path, np.ones((10, 4), np.float32))
    path.write_bytes(path.read_bytes()[:length] + content)

    with pytest.raises(BrokenIndexError) as raised:
        DenseIndex.open(path)

    assert str(raised.value).startswith(f"{path}: not a whole FAISS index (")
    assert str(raised.value).endswith(REBUILD)
    assert "/project/faiss" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenIndexError, match=r"passages.faiss: not a whole FAISS index \(.*No such file"):
        DenseIndex.open(tmp_path / "passages.faiss")


def test_an_index_by_distance_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "passages.faiss"
    faiss.write_index(faiss.IndexFlatL2(4), str(path))

    with pytest.raises(BrokenIndexError) as raised:
        DenseIndex.open(path)

    assert str(raised.value) == f"{path}: found a FAISS IndexFlatL2, expected an IndexFlatIP{REBUILD}"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenIndexError, match=r"passages.faiss: cannot be written .*No such file") as raised:
        write_dense(tmp_path / "none" / "passages.faiss", np.ones((1, 4), np.float32))

    assert str(raised.value).endswith("make room or give access, then rebuild with: vraagbaak index")


def test_a_full_disk_is_noticed() -> None:
    with pytest.raises(BrokenIndexError) as raised:
        write_dense(Path("/dev/full"), np.ones((1, 4), np.float32))

    assert str(raised.value) == (
        "/dev/full: cannot be written (0 bytes found room, expected at least 16); "
        "make room or give access, then rebuild with: vraagbaak index"
    )
