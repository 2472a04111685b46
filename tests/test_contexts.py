from hypothesis import given
from hypothesis import strategies as st

from retrieval.contexts import MOST_CHARACTERS, Context, contexts_of
from retrieval.records import Passage, Span


def passage(text: str) -> Passage:
    return Passage("a.txt", Span(0, max(1, len(text))), text, (), ())


def test_passages_that_fit_together_are_one_context_below_the_title() -> None:
    assert contexts_of([passage("De kat slaapt."), passage("De hond blaft.")], "Dieren") == (
        Context("Dieren\nDe kat slaapt.\nDe hond blaft.", 2),
    )
    assert contexts_of([passage("De kat slaapt.")], "") == (Context("De kat slaapt.", 1),)
    assert contexts_of([], "Dieren") == ()


def test_a_passage_that_does_not_fit_opens_the_next_context() -> None:
    long = "a" * (MOST_CHARACTERS - 5)
    contexts = contexts_of([passage(long), passage("bbbbb"), passage("c"), passage("d" * 9_999)], "")

    assert contexts == (Context(f"{long}\nbbbbb", 2), Context("c", 1), Context("d" * 9_999, 1))


@given(st.lists(st.text(min_size=1, max_size=2_500)))
def test_every_passage_is_in_exactly_one_context_in_order(texts: list[str]) -> None:
    contexts = contexts_of([passage(text) for text in texts], "")

    assert sum(context.passages for context in contexts) == len(texts)
    assert "\n".join(context.text for context in contexts) == "\n".join(texts)
    assert all(
        len(context.text) <= MOST_CHARACTERS + context.passages
        for context in contexts
        if context.passages > 1
    )
