import pytest

from retrieval.records import Hit, Lead, Passage, Query, Span
from retrieval.sentences import best_sentence, coverage, sentence_scores


def hit(*sentences: str, headings: tuple[str, ...] = (), scores: tuple[float, ...]) -> Hit:
    """A hit on a passage of these sentences with these inner products."""
    text = " ".join(sentences)
    starts = [text.index(sentence) for sentence in sentences]
    spans = tuple(Span(start, start + len(one)) for start, one in zip(starts, sentences, strict=True))
    return Hit(7, Passage("kat.txt", Span(0, len(text)), text, headings, spans), 0.9, {}, scores)


def test_the_scores_of_sentences_by_hand() -> None:
    found = hit("De raad heeft leden.", "Er zijn twaalf leden.", scores=(0.92, 0.89))
    query = Query("Hoeveel leden?", "Hoeveel leden?")
    first, second = sentence_scores(found, query, lambda _: 1.0)
    # of "hoeveel" and "leden" one is met: .05 / 2 + .12 / 2; .1 less where no number of them is told
    assert (first.nearness, first.words, first.known, first.missing) == (0.92, 0.5, 0.5, ("aantal",))
    assert first.total == pytest.approx(0.92 + 0.085 - 0.1)
    assert second.missing == ()
    assert second.total == pytest.approx(0.89 + 0.085)


def test_the_best_sentence_has_the_highest_total_and_comes_first() -> None:
    query = Query("Wat?", "Wat?")
    scores = sentence_scores(hit("Een.", "Twee.", "Drie.", scores=(0.1, 0.3, 0.3)), query, lambda _: 1.0)
    assert best_sentence(scores) == 1


def test_what_headings_and_sentences_before_hold_is_known() -> None:
    found = hit("De raad bestaat.", "Hij vergadert.", headings=("Dieren",), scores=(0.5, 0.5))
    query = Query("vergadert dieren raad", "vergadert dieren raad")
    first, second = sentence_scores(found, query, lambda _: 1.0)
    assert (first.words, first.known) == pytest.approx((1 / 3, 2 / 3))
    assert (second.words, second.known) == pytest.approx((1 / 3, 1))


def test_what_another_row_holds_is_not_known() -> None:
    text = "Soort | Prijs\n\nKat | 5\n\nVis | 2"
    spans = (Span(0, 13), Span(15, 22), Span(24, 31))
    passage = Passage("prijs.md", Span(0, 31), text, (), spans, Lead(spans[0], "Soort | Prijs"))
    query = Query("prijs kat", "prijs kat")
    scores = sentence_scores(Hit(7, passage, 0.9, {}, (0.1, 0.2, 0.2)), query, lambda _: 1.0)
    # each row is read with the head "prijs"; of the cat the first row speaks alone
    assert [one.known for one in scores] == pytest.approx([1 / 2, 1, 1 / 2])


@pytest.mark.parametrize(
    ("terms", "held", "share"),
    [
        (["kat", "hond"], ["kat", "vis"], 0.5),
        (["kat"], ["kat"], 1.0),
        (["kat"], [], 0.0),
        ([], ["kat"], 0.0),
        # letters in common 8 and 9 of 8 + 10: 2 * 8 / 18
        (["informti"], ["informatie"], 2 * 8 / 18),
        # a part of a compound counts .85
        (["terrorism"], ["terrorismebestrijd"], 0.85),
        # short words within others are chance
        (["kat"], ["katholiek"], 0.0),
    ],
)
def test_coverage_by_hand(terms: list[str], held: list[str], share: float) -> None:
    assert coverage(terms, [1.0] * len(terms), held) == pytest.approx(share)


def test_rare_words_weigh_more() -> None:
    assert coverage(["kat", "hond"], [3.0, 1.0], ["kat"]) == pytest.approx(0.75)
