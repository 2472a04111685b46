import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ranking import best_positive


def test_the_best_come_first_and_equal_scores_in_the_order_of_their_ids() -> None:
    ranking = best_positive(np.array([1, 3, 0, 3, 2], np.float32), k=3)

    assert ranking.ids.tolist() == [1, 3, 4]
    assert ranking.scores.tolist() == [3, 3, 2]
    assert len(ranking) == 3


def test_nothing_at_or_below_zero_is_ranked() -> None:
    assert best_positive(np.array([0, -1, 0.5], np.float32), k=10).ids.tolist() == [2]


@pytest.mark.parametrize("k", [0, -1])
def test_asking_for_none_gives_none(k: int) -> None:
    assert len(best_positive(np.array([1, 2], np.float32), k)) == 0


@given(st.lists(st.integers(-2, 5), max_size=30), st.integers(0, 35))
def test_it_is_the_sorted_list_cut_off(scores: list[int], k: int) -> None:
    expected = sorted((-score, place) for place, score in enumerate(scores) if score > 0)[:k]

    ranking = best_positive(np.array(scores, np.float32), k)

    assert list(zip((-ranking.scores).tolist(), ranking.ids.tolist(), strict=True)) == expected
    assert ranking.ids.dtype == np.int64
    assert ranking.scores.dtype == np.float32
