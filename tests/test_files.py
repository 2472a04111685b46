from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from retrieval.errors import BrokenIndexError
from retrieval.files import map_array, read_json, sha256_of, write_array, writing


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(0, 9), st.integers(1, 4)),
        elements=st.floats(width=32, allow_nan=False),
    ),
    st.integers(1, 9),
)
def test_an_array_written_in_parts_is_mapped_whole(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray[tuple[int, int]], size: int
) -> None:
    path = tmp_path_factory.mktemp("files") / "array.npy"
    parts = (array[start : start + size] for start in range(0, len(array), size))

    write_array(path, array.shape, np.float32, parts)

    assert map_array(path).tolist() == array.tolist()
    assert map_array(path).dtype == np.float32


def test_a_mapped_array_cannot_be_changed(tmp_path: Path) -> None:
    write_array(tmp_path / "array.npy", (2,), np.int64, [np.array([1, 2])])

    with pytest.raises(ValueError, match="read-only"):
        map_array(tmp_path / "array.npy")[0] = 3


def test_an_array_of_objects_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    np.save(path, np.array([{"een": "object"}]), allow_pickle=True)

    with pytest.raises(BrokenIndexError) as raised:
        map_array(path)

    assert str(raised.value) == (
        f"{path}: not a whole array (Array can't be memory-mapped: Python objects in dtype.); "
        "rebuild with: vraagbaak index"
    )


def test_a_cut_array_is_named(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    write_array(path, (100,), np.int64, [np.arange(100)])
    path.write_bytes(path.read_bytes()[:-8])

    with pytest.raises(BrokenIndexError) as raised:
        map_array(path)

    assert str(raised.value) == (
        f"{path}: not a whole array (mmap length is greater than file size); rebuild with: vraagbaak index"
    )


def test_a_full_disk_is_an_error_that_names_the_file() -> None:
    with pytest.raises(BrokenIndexError) as raised, writing(Path("/dev/full")):
        write_array(Path("/dev/full"), (100,), np.int64, [np.arange(100)])

    assert str(raised.value) == (
        "/dev/full: cannot be written (No space left on device); "
        "make room or give access, then rebuild with: vraagbaak index"
    )


def test_json_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"caf\xe9": 1}')

    with pytest.raises(BrokenIndexError, match=r"a.json: not JSON \('utf-8' codec can't decode byte 0xe9"):
        read_json(tmp_path / "a.json")


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "leeg").write_bytes(b"")

    # FIPS 180-4: the hash of no bytes at all
    assert sha256_of(tmp_path / "leeg") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
