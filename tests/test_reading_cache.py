from pathlib import Path

import pytest

from retrieval.errors import BrokenIndexError
from retrieval.reading_cache import ReadingCache

KAT, VIS = b"k" * 32, b"v" * 32


def test_readings_come_back_by_their_key(tmp_path: Path) -> None:
    with ReadingCache.open(tmp_path / "index" / "cache") as cache:
        cache.add(KAT, b"miauw")
        cache.add(VIS, b"blub")
    with ReadingCache.open(tmp_path / "index" / "cache") as cache:
        assert (cache.get(VIS), cache.get(KAT), cache.get(b"h" * 32)) == (b"blub", b"miauw", None)


def test_what_is_not_used_is_dropped_and_no_word_of_it_stays(tmp_path: Path) -> None:
    with ReadingCache.open(tmp_path) as cache:
        cache.add(KAT, b"miauw" * 10_000)
        cache.add(VIS, b"blub")
    (path,) = tmp_path.iterdir()
    assert b"miauw" in path.read_bytes()
    with ReadingCache.open(tmp_path) as cache:
        assert cache.get(VIS) == b"blub"
        cache.add(b"h" * 32, b"woef")
        cache.drop_unused()
    assert b"miauw" not in path.read_bytes()
    assert path.stat().st_size < 50_000
    with ReadingCache.open(tmp_path) as cache:
        assert (cache.get(KAT), cache.get(VIS), cache.get(b"h" * 32)) == (None, b"blub", b"woef")


def test_what_another_build_has_just_kept_is_dropped_without_harm_to_it(tmp_path: Path) -> None:
    with ReadingCache.open(tmp_path) as one, ReadingCache.open(tmp_path) as other:
        one.add(KAT, b"miauw")
        other.add(VIS, b"blub")
        one.close()
        other.drop_unused()
    with ReadingCache.open(tmp_path) as cache:
        assert (cache.get(KAT), cache.get(VIS)) == (None, b"blub")


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    with ReadingCache.open(tmp_path) as cache:
        cache.add(KAT, b"miauw")
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"geen database" * 1000)
    path.with_name(f"{path.name}-journal").write_bytes(b"een oud journaal" * 100)
    with ReadingCache.open(tmp_path) as cache:
        assert cache.get(KAT) is None
        cache.add(KAT, b"miauw")
    with ReadingCache.open(tmp_path) as cache:
        assert cache.get(KAT) == b"miauw"


@pytest.mark.parametrize("act", ["get", "add", "drop"])
def test_damage_that_shows_later_begins_it_anew_too(tmp_path: Path, act: str) -> None:
    with ReadingCache.open(tmp_path) as cache:
        for number in range(1000):
            cache.add(number.to_bytes(32, "big"), b"miauw" * 100)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))
    with ReadingCache.open(tmp_path) as cache:
        match act:
            case "get":
                assert cache.get((0).to_bytes(32, "big")) is None
            case "drop":
                cache.drop_unused()
        cache.add(KAT, b"miauw")
    with ReadingCache.open(tmp_path) as cache:
        assert cache.get(KAT) == b"miauw"


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(BrokenIndexError) as raised:
        ReadingCache.open(tmp_path / "cache")
    assert str(raised.value) == (
        f"{tmp_path / 'cache'}: cannot be written (File exists); "
        "make room or give access, then rebuild with: vraagbaak index"
    )
