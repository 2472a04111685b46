from pathlib import Path

import numpy as np
import pytest

from retrieval.errors import BrokenIndexError
from retrieval.vector_cache import ASKED_AT_ONCE, VectorCache, text_key

KAT, VIS = text_key("kat"), text_key("vis")
VECTORS = np.array([[1, 0.5], [0.25, -1]], np.float32)


def test_vectors_come_back_in_the_order_asked_for(tmp_path: Path) -> None:
    with VectorCache.open(tmp_path / "cache", "fake", 2) as cache:
        cache.add([KAT, VIS], VECTORS)
    with VectorCache.open(tmp_path / "cache", "fake", 2) as cache:
        assert cache.vectors([VIS, KAT, VIS]).tolist() == [[0.25, -1], [1, 0.5], [0.25, -1]]
        assert cache.missing([KAT, text_key("hond"), VIS]) == {text_key("hond")}


def test_nothing_asked_gives_no_rows(tmp_path: Path) -> None:
    with VectorCache.open(tmp_path, "fake", 2) as cache:
        assert cache.vectors([]).shape == (0, 2)
        assert cache.missing([]) == set()


def test_more_keys_than_one_query_takes(tmp_path: Path) -> None:
    count = 2 * ASKED_AT_ONCE + 1
    keys = [text_key(str(number)) for number in range(count)]
    numbers = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    with VectorCache.open(tmp_path, "fake", 2) as cache:
        cache.add(keys[:-1], numbers[:-1])
        assert cache.missing(keys) == {keys[-1]}
        cache.add(keys[-1:], numbers[-1:])
        assert cache.missing(iter(keys)) == set()
        np.testing.assert_array_equal(cache.vectors(keys[::-1]), numbers[::-1])


def test_embedders_do_not_share_vectors(tmp_path: Path) -> None:
    with VectorCache.open(tmp_path, "fake", 2) as cache:
        cache.add([KAT, VIS], VECTORS)
    with VectorCache.open(tmp_path, "../another", 2) as cache:
        assert cache.missing([KAT]) == {KAT}


def test_a_vector_of_another_length_is_missing(tmp_path: Path) -> None:
    with VectorCache.open(tmp_path, "fake", 2) as cache:
        cache.add([KAT, VIS], VECTORS)
    with VectorCache.open(tmp_path, "fake", 3) as cache:
        assert cache.missing([KAT]) == {KAT}


def test_asking_for_a_missing_vector_is_an_error(tmp_path: Path) -> None:
    with (
        VectorCache.open(tmp_path, "fake", 2) as cache,
        pytest.raises(KeyError, match=f"no vector of {VIS.hex()}"),
    ):
        cache.vectors([VIS])


def test_vectors_of_another_number_than_the_keys_are_not_kept(tmp_path: Path) -> None:
    with VectorCache.open(tmp_path, "fake", 2) as cache:
        with pytest.raises(ValueError, match="longer than"):
            cache.add([KAT], VECTORS)
        assert cache.missing([KAT]) == {KAT}


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    with VectorCache.open(tmp_path, "fake", 2) as cache:
        cache.add([KAT, VIS], VECTORS)
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"geen database" * 1000)
    path.with_name(f"{path.name}-journal").write_bytes(b"een oud journaal" * 100)

    with VectorCache.open(tmp_path, "fake", 2) as cache:
        assert cache.missing([KAT, VIS]) == {KAT, VIS}
        cache.add([KAT, VIS], VECTORS)
        assert cache.vectors([KAT]).tolist() == [[1, 0.5]]


def test_damage_that_shows_later_names_the_file_and_the_way_out(tmp_path: Path) -> None:
    with VectorCache.open(tmp_path, "fake", 2) as cache:
        cache.add([KAT, VIS], VECTORS)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))

    with VectorCache.open(tmp_path, "fake", 2) as cache, pytest.raises(BrokenIndexError) as raised:
        cache.missing([KAT])

    assert str(raised.value) == (
        f"{path}: damaged (database disk image is malformed); delete it; rebuild with: vraagbaak index"
    )


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")

    with pytest.raises(BrokenIndexError) as raised:
        VectorCache.open(tmp_path / "cache", "fake", 2)

    assert str(raised.value) == (
        f"{tmp_path / 'cache'}: cannot be written (File exists); "
        "make room or give access, then rebuild with: vraagbaak index"
    )
