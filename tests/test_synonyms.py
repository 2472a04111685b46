import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.synonyms import Synonyms, replaced_words

SYNONYMS = Synonyms(
    [
        ("geheime dienst", "AIVD"),
        ("Inlichtingendienst", "AIVD"),
        ("militaire inlichtingendienst", "MIVD"),
        ("a.b.c. (oud)", "ABC"),
        ("marechaussee", "Koninklijke Marechaussee"),
        ("justitie", "OM"),
        ("ministerie van Justitie", "ministerie van Justitie"),
        ("justitie", "een ander"),
    ]
)


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("Wat doet de geheime dienst?", "Wat doet de AIVD?"),
        ("wat doet de GEHEIME\n dienst", "wat doet de AIVD"),
        ("de militaire inlichtingendienst en de inlichtingendienst", "de MIVD en de AIVD"),
        # whole words alone
        ("inlichtingendiensten", "inlichtingendiensten"),
        ("de ex-geheime dienst, de geheime dienst-top", "de ex-geheime dienst, de geheime dienst-top"),
        # another than the one that is meant
        ("heeft Frankrijk een geheime dienst? En geen inlichtingendienst?",) * 2,
        ("de Russische geheime dienst", "de Russische geheime dienst"),
        ("de Nederlandse geheime dienst", "de Nederlandse AIVD"),
        # inside what it means, or inside a longer name
        (
            "de Koninklijke Marechaussee en de marechaussee",
            "de Koninklijke Marechaussee en de Koninklijke Marechaussee",
        ),
        ("het Ministerie van Justitie en justitie", "het Ministerie van Justitie en OM"),
        # letters that IGNORECASE takes for i and s
        ("de \u0130nlichtingendienst, de geheime dien\u017ft",) * 2,
        ("wat is a.b.c. (oud)?", "wat is ABC?"),
        ("abbcc (oud)", "abbcc (oud)"),
    ],
)
def test_names_are_replaced(typed: str, searched: str) -> None:
    assert SYNONYMS.replaced(typed) == searched


@given(st.text())
def test_without_synonyms_a_question_stays_as_it_is(question: str) -> None:
    assert Synonyms([]).replaced(question) == question


@pytest.mark.parametrize(
    ("typed", "searched", "expected"),
    [
        ("wat doet de avid?", "wat doet de AIVD?", [("avid", "AIVD")]),
        ("avid en minsterie", "AIVD en ministerie", [("avid", "AIVD"), ("minsterie", "ministerie")]),
        ("de burge meester", "de burgemeester", [("burge meester", "burgemeester")]),
        ("de geheime dienst en avid", "de AIVD en AIVD", [("geheime dienst", "AIVD"), ("avid", "AIVD")]),
        ("de burgemeester van de stad", "de burgemeester", [("burgemeester van de stad", "burgemeester")]),
        ("marechaussee", "Koninklijke marechaussee", [("marechaussee", "Koninklijke marechaussee")]),
        ("wie?", "wie?", []),
    ],
)
def test_what_was_replaced_is_told(typed: str, searched: str, expected: list[tuple[str, str]]) -> None:
    assert replaced_words(typed, searched) == expected


@given(st.lists(st.sampled_from(("a", "b", "c"))), st.lists(st.sampled_from(("a", "b", "c"))))
def test_equal_texts_and_only_those_differ_in_nothing(one: list[str], other: list[str]) -> None:
    assert (replaced_words(" ".join(one), " ".join(other)) == []) == (one == other)


NAMED = st.lists(
    st.sampled_from(
        ("geheime", "dienst", "Marechaussee", "Koninklijke", "justitie", "een", " ", "-", "\u0130")
    )
)


@given(st.one_of(st.text(), NAMED.map("".join), NAMED.map(" ".join)))
def test_replacing_twice_changes_nothing_more(question: str) -> None:
    once = SYNONYMS.replaced(question)
    assert SYNONYMS.replaced(once) == once
