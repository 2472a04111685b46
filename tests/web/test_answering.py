import pytest

from retrieval.questions import earlier_question_problem, latest, question_problem
from retrieval.web.answering import RateLimit, too_many, visitor_key


def test_a_rate_limit_counts_each_visitor_apart() -> None:
    limit = RateLimit("2/minute")
    assert [limit.seconds_to_wait("192.0.2.1") == 0 for _ in range(3)] == [True, True, False]
    assert limit.seconds_to_wait("192.0.2.2") == 0
    assert 1 <= limit.seconds_to_wait("192.0.2.1") <= 60


def test_no_rate_limit() -> None:
    limit = RateLimit("off")
    assert {limit.seconds_to_wait("192.0.2.1") for _ in range(1_000)} == {0}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "testclient", False),
    ],
)
def test_who_counts_as_one_visitor(one: str, other: str, same: bool) -> None:
    assert (visitor_key(one) == visitor_key(other)) is same


def test_seconds_in_words() -> None:
    assert too_many(1).endswith("over 1 seconde opnieuw.")
    assert too_many(2).endswith("over 2 seconden opnieuw.")


def test_limits_of_a_question() -> None:
    assert question_problem("x" * 500 + " ") is None
    assert question_problem("regel een\nregel twee\t👩‍👩‍👧 é") is None
    assert question_problem("\u2003") == "Typ eerst een vraag."
    assert earlier_question_problem(" ") is None
    assert earlier_question_problem("\x7f") is not None


def test_the_latest_ten() -> None:
    assert latest([str(number) for number in range(12)]) == tuple(str(number) for number in range(2, 12))
