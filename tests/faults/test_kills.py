"""A build is killed at fifty moments: the old index or the new one serves, and the next build succeeds."""

from pathlib import Path
from shutil import copytree

import pytest
from interrupting import Interrupter
from small_index import AFTER, BEFORE, answer, build, built_twice

from retrieval.generations import kept_generations, leftovers

MOMENTS = 50
BY_STEP = 35
"""Moments that are steps of the build, evenly spread; the others are spread over the time that it takes."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before") / "index"
    built_twice(folder)
    return folder


def test_a_build_that_is_killed_at_fifty_moments(
    before: Path, interrupter: Interrupter, tmp_path: Path
) -> None:
    whole = interrupter.build(copytree(before, tmp_path / "whole"), AFTER)
    steps, seconds = len(whole["steps"]), whole["seconds"]
    kills = [{"killed": 1 + (steps - 1) * number // (BY_STEP - 1)} for number in range(BY_STEP)]
    by_time = MOMENTS - BY_STEP
    kills += [{"killed_after": seconds * (number + 0.5) / by_time} for number in range(by_time)]
    served = []

    for number, kill in enumerate(kills):
        folder = copytree(before, tmp_path / str(number))
        done = interrupter.build(folder, AFTER, **kill)
        # by time it may be too late, and was then whole
        assert done["outcome"] == "killed" or ("killed_after" in kill and done["outcome"] == "built")
        served.append(answer(folder))
        build(folder, AFTER)
        assert answer(folder) == AFTER
        assert leftovers(folder) == []
        assert {path.name for path in folder.iterdir()} == {
            *("CURRENT", "LOCK", "cache", "generations", "texts.sqlite"),
        }
        assert len(kept_generations(folder)) <= 3

    assert len(served) == MOMENTS
    # nothing else ever serves, and the moments lie on both sides
    assert set(served) == {BEFORE, AFTER}


def test_a_build_that_is_killed_between_any_two_steps_of_publishing(
    before: Path, interrupter: Interrupter, tmp_path: Path
) -> None:
    steps = interrupter.build(copytree(before, tmp_path / "whole"), AFTER)["steps"]
    first, named = steps.index("open NEXT"), steps.index("rename NEXT")
    kept = [one.name for one in kept_generations(before)]

    for place in range(first, named + 2):
        folder = copytree(before, tmp_path / str(place))
        # killed before the step is done, of which the number counts from 1
        assert interrupter.build(folder, AFTER, killed=place + 1)["outcome"] == "killed"
        served = BEFORE if place <= named else AFTER
        assert answer(folder) == served
        build(folder, served)  # makes nothing new, but clears: none stays that never served
        assert leftovers(folder) == []
        assert [one.name for one in kept_generations(folder)][-2:] == kept
        assert len(kept_generations(folder)) == (2 if place <= named else 3)
        build(folder, AFTER)
        assert answer(folder) == AFTER
