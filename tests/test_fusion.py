import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from retrieval.fusion import (
    WEIGHTS,
    fused,
    rankings,
    reciprocal_ranks,
    standardised,
    standardised_sum,
    to_unit_interval,
    weighted_sum,
)

SCORES = arrays(
    np.float32, st.integers(1, 20), elements=st.floats(-100, 100, width=32, allow_subnormal=False)
)


def scores(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_standardised_by_hand() -> None:
    # mean 4, variance (9 + 1 + 1 + 9) / 4 = 5
    expected = np.array([-3, -1, 1, 3]) / np.sqrt(5)
    assert standardised(scores(1, 3, 5, 7)) == pytest.approx(expected)


def test_scores_that_do_not_differ_say_nothing() -> None:
    assert standardised(scores(0.8, 0.8, 0.8)).tolist() == [0, 0, 0]
    assert standardised(scores(0.8)).tolist() == [0]


PARTS = {
    "passage": scores(1, 2),
    "sentence": scores(3, 1),
    "context": scores(0, 1),
    "words": scores(0.5, 0),
    "letters": scores(0.25, 0.5),
    "document": scores(0, 0),
}


def test_weighted_sum_by_hand() -> None:
    assert weighted_sum(PARTS, {"passage": 2, "words": 10}).tolist() == [7, 4]


def test_a_sum_of_standardised_parts_by_hand() -> None:
    # both standardise to -1 and 1, the second the other way round: 2 * (-1) + 3 * 1, 2 * 1 + 3 * (-1)
    parts = {"a": scores(10, 20), "b": scores(0.9, 0.1)}
    assert standardised_sum(parts, {"a": 2, "b": 3}).tolist() == pytest.approx([1, -1])


def test_the_retriever_sums_every_part() -> None:
    expected = [sum(WEIGHTS[name] * float(part[place]) for name, part in PARTS.items()) for place in (0, 1)]
    assert fused(PARTS).tolist() == pytest.approx(expected)
    assert WEIGHTS.keys() == PARTS.keys()


def test_named_rankings() -> None:
    named = rankings()
    assert named["dense"](PARTS).tolist() == [1, 2]
    assert named["bm25"](PARTS).tolist() == [0.5, 0]
    # passage: ranks 2 and 1; words: 1 and no hit
    assert named["rrf"](PARTS).tolist() == pytest.approx([1 / 62 + 1 / 61, 1 / 61])
    without = named["without-passage"](PARTS) + WEIGHTS["passage"] * PARTS["passage"]
    assert without.tolist() == pytest.approx(fused(PARTS).tolist())


def test_reciprocal_ranks_by_hand() -> None:
    fused = reciprocal_ranks([scores(0.9, 0.8, 0.7), scores(0, 5, 2)])
    # first list: ranks 1, 2, 3; second: no hit, 1, 2
    assert fused.tolist() == pytest.approx([1 / 61, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62])


@given(SCORES)
def test_standardised_scores_keep_their_order(values: np.ndarray) -> None:
    result = standardised(values)
    for place in range(len(values) - 1):
        if values[place] > values[place + 1]:
            assert result[place] >= result[place + 1]


@given(SCORES)
def test_the_unit_interval_holds_every_score(values: np.ndarray) -> None:
    result = to_unit_interval(values / 10)
    assert ((result >= 0) & (result <= 1)).all()
    assert to_unit_interval(scores(0)).tolist() == [0.5]


def test_high_scores_stay_apart_in_the_unit_interval() -> None:
    low, middle, high = to_unit_interval(scores(17.5, 18, 30))
    assert low < middle < high
