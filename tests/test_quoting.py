from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.passages import cut_passages
from retrieval.quoting import LONGEST_LIST, Quotable, admits_several, best_quote
from retrieval.readers.markdown import read_markdown
from retrieval.records import Document, Hit, Lead, Passage, Query, Span

OFFSET = 100


def hit(*sentences: str, scores: tuple[float, ...]) -> Hit:
    """A hit on a passage of these sentences, which starts at 100 in its document."""
    text = " ".join(sentences)
    starts = [sum(len(before) + 1 for before in sentences[:place]) for place in range(len(sentences))]
    spans = tuple(
        Span(OFFSET + start, OFFSET + start + len(sentence))
        for start, sentence in zip(starts, sentences, strict=True)
    )
    passage = Passage("kat.txt", Span(OFFSET, OFFSET + len(text)), text, (), spans)
    return Hit(7, passage, 0.9, {}, scores)


def quoted(found: Hit, question: str) -> str:
    span = quotable(found, question).span
    return found.passage.text[span.start - OFFSET : span.end - OFFSET]


def quotable(found: Hit, question: str) -> Quotable:
    return best_quote(found, Query(question, question), lambda _: 1.0)


def test_the_nearest_sentence_is_quoted() -> None:
    found = hit("De kat slaapt.", "De hond blaft.", "Vissen zwemmen.", scores=(0.80, 0.90, 0.85))
    assert quoted(found, "Wat hoor ik?") == "De hond blaft."


def test_the_words_of_the_question_decide_between_near_ones() -> None:
    # the second leads by .01, the first holds the one word that is asked for: .05
    found = hit("De kat slaapt.", "De hond blaft.", scores=(0.89, 0.90))
    assert quoted(found, "kat") == "De kat slaapt."


def test_the_kind_of_answer_decides_between_near_ones() -> None:
    # the first leads by .03, the second holds a number of what is counted: .10
    found = hit("De raad heeft leden.", "Er zijn twaalf leden.", scores=(0.92, 0.89))
    assert quoted(found, "Hoeveel leden?") == "Er zijn twaalf leden."


def test_what_is_known_by_then_lets_a_sentence_speak_for_itself() -> None:
    # the first leads by .05 and holds one word of two (.05 / 2); by the second both are known (.12 / 2)
    found = hit("De Wereldraad bepaalt.", "De raad vergadert in juni.", scores=(0.90, 0.85))
    assert quoted(found, "Wanneer vergadert de Wereldraad?") == "De raad vergadert in juni."


@pytest.mark.parametrize(
    "question", ["Wat is de CTG?", "en wat betekent CTG", "Waar staat CTG eigenlijk voor?"]
)
def test_the_full_name_tells_what_an_abbreviation_is(question: str) -> None:
    # the second leads by .09; both hold the word, and the first tells it: .10
    found = hit("Er is een Counter Terrorism Group (CTG).", "De CTG zoekt contact.", scores=(0.81, 0.90))
    assert quoted(found, question) == "Er is een Counter Terrorism Group (CTG)."


def test_the_full_name_is_no_answer_to_another_question() -> None:
    found = hit("Er is een Counter Terrorism Group (CTG).", "De CTG zoekt contact.", scores=(0.81, 0.90))
    assert quoted(found, "Wat doet de CTG?") == "De CTG zoekt contact."


def test_a_sentence_that_points_back_brings_the_one_before_it() -> None:
    found = hit(
        "De politie heeft diensten.",
        "Zij zijn vooruitgeschoven posten.",
        "Er is meer.",
        scores=(0.8, 0.9, 0.7),
    )
    assert quoted(found, "Wat?") == "De politie heeft diensten. Zij zijn vooruitgeschoven posten."


def test_a_sentence_that_the_next_one_explains_brings_it() -> None:
    found = hit("De AIVD zit in de CTG.", "Dat is een verband van landen.", "Slot.", scores=(0.9, 0.8, 0.7))
    assert quoted(found, "Wat?") == "De AIVD zit in de CTG. Dat is een verband van landen."


def test_never_more_than_two_sentences() -> None:
    found = hit("Eerst.", "Dit is twee.", "Dat is drie.", "Die is vier.", scores=(0.1, 0.2, 0.9, 0.3))
    assert quoted(found, "Wat?") == "Dit is twee. Dat is drie."


def test_daarnaast_points_to_nothing() -> None:
    found = hit("De IND krijgt informatie.", "Daarnaast heeft de IND een rol.", scores=(0.9, 0.8))
    assert quoted(found, "Wat?") == "De IND krijgt informatie."


@pytest.mark.parametrize(
    ("question", "several"),
    [
        ("Wie krijgt informatie?", True),
        ("Met welke landen wordt samengewerkt?", True),
        ("en aan wie nog meer?", True),
        ("Waar zitten liaisons?", True),
        ("Hoe werkt dat?", False),
        ("Waarom is dat zo?", False),
        ("Wanneer begint het?", False),
        ("Wiebelt de stoel?", False),
    ],
)
def test_which_questions_admit_several_answers(question: str, several: bool) -> None:
    assert admits_several(Query(question, question)) is several


def listed(*items: str, scores: tuple[float, ...]) -> Hit:
    """A hit on a list with the lead-in "Neem mee:", an item a line."""
    found = hit("Neem mee:", *items, scores=scores)
    found = replace(found, passage=replace(found.passage, text=found.passage.text.replace(" - ", "\n- ")))
    lead = Lead(found.passage.sentences[0], "Neem mee:")
    return replace(found, passage=replace(found.passage, lead=lead))


def test_an_item_is_quoted_alone_and_read_with_its_lead_in() -> None:
    found = listed("- uw pas", "- geld", scores=(0.8, 0.7, 0.9))
    assert quoted(found, "Wat?") == "- geld"
    assert quotable(found, "Wat?").lead == Lead(Span(OFFSET, OFFSET + 9), "Neem mee:")


def test_an_item_that_points_back_points_to_its_lead_in() -> None:
    found = listed("- uw pas", "- die van uw kind", scores=(0.8, 0.7, 0.9))
    assert quoted(found, "Wat?") == "- die van uw kind"


def test_the_words_of_the_lead_in_count_for_the_item() -> None:
    # both hold the one word that is asked for, so that the item's .01 decides
    found = listed("- uw pas", "- geld", scores=(0.80, 0.81, 0.7))
    assert quoted(found, "mee") == "- uw pas"


def test_a_lead_in_brings_the_whole_list() -> None:
    found = listed("- uw pas", "- geld", scores=(0.9, 0.7, 0.8))
    assert quoted(found, "Wat?") == "Neem mee:\n- uw pas\n- geld"
    assert quotable(found, "Wat?").lead is None


def test_of_a_long_list_the_lead_in_brings_its_best_item() -> None:
    found = listed("- uw pas", "- geld", "- " + "x" * LONGEST_LIST, scores=(0.9, 0.7, 0.8, 0.6))
    assert quoted(found, "Wat?") == "- geld"
    assert quotable(found, "Wat?").lead is not None


def test_items_that_answer_alike_bring_the_whole_list() -> None:
    found = listed("- uw pas", "- geld", scores=(0.8, 0.900, 0.905))
    assert quoted(found, "Wat?") == "Neem mee:\n- uw pas\n- geld"


def test_within_an_item_a_pronoun_brings_the_sentence_before() -> None:
    found = listed("- Een pas.", "Deze vraagt u aan.", "- geld", scores=(0.8, 0.7, 0.9, 0.6))
    assert quoted(found, "Wat?") == "- Een pas. Deze vraagt u aan."
    assert quotable(found, "Wat?").lead == Lead(Span(OFFSET, OFFSET + 9), "Neem mee:")


def test_a_sentence_before_a_lead_in_does_not_take_it_alone() -> None:
    found = hit("Kom langs.", "Dit zijn de tarieven:", "- een euro", scores=(0.9, 0.7, 0.8))
    lead = Lead(found.passage.sentences[1], "Dit zijn de tarieven:")
    found = replace(found, passage=replace(found.passage, lead=lead))
    assert quoted(found, "Wat?") == "Kom langs."


def test_a_lead_that_was_cut_off_is_no_part_of_the_quote() -> None:
    found = hit("van de lijst:", "- uw pas", "- geld", scores=(0.9, 0.7, 0.8))
    lead = Lead(Span(OFFSET - 20, OFFSET + 13), "Dit is de eerste zin van de lijst:")
    found = replace(found, passage=replace(found.passage, lead=lead))
    assert quoted(found, "Wat?") == "- geld"
    assert quotable(found, "Wat?").lead == lead


def test_a_question_in_the_text_brings_its_answer() -> None:
    found = hit("Is uw container kapot?", "Meld het ons.", "Wij komen langs.", scores=(0.9, 0.8, 0.7))
    assert quoted(found, "mijn container is kapot") == "Is uw container kapot? Meld het ons."


LINES = (
    "Kom langs.",
    "Dit zijn de regels:",
    "Wat kost het?",
    "- een pas. Deze is blauw.",
    "- geld",
    "| a | b |",
    "|---|---|",
)


@given(
    st.lists(st.sampled_from((*LINES, "", "")), min_size=1, max_size=14),
    st.integers(6, 40),
    st.randoms(use_true_random=False),
)
@settings(max_examples=300, deadline=None)
def test_a_quote_lies_in_its_passage_and_its_lead_in_the_document(
    lines: list[str], max_tokens: int, random: Random
) -> None:
    content = read_markdown("\n".join(lines))
    document = Document("a.md", content.text, "", "Titel", content.blocks)
    for passage in cut_passages(document, lambda texts: [len(one.split()) for one in texts], max_tokens):
        scores = tuple(random.random() for _ in passage.sentences)
        found = best_quote(Hit(0, passage, 0.9, {}, scores), Query("kosten", "kosten"), lambda _: 1.0)
        assert passage.span.start <= found.span.start < found.span.end <= passage.span.end
        if found.lead:
            assert document.text[found.lead.span.start : found.lead.span.end] == found.lead.text
            assert found.lead.span.end <= found.span.start


@pytest.mark.parametrize(
    "second",
    ["U maakt hiervoor een afspraak.", "De burger betaalt daarvoor 10 euro.", "Daarvoor betaalt u 10 euro."],
)
def test_a_word_that_points_back_near_the_start_brings_the_sentence_before(second: str) -> None:
    found = hit("U vraagt een pas aan.", second, "Er is meer.", scores=(0.8, 0.9, 0.7))
    assert quoted(found, "Hoe?") == f"U vraagt een pas aan. {second}"


@pytest.mark.parametrize(
    "second", ["U maakt een afspraak en neemt hiervoor contact op.", "De voorkamer is dicht."]
)
def test_a_word_that_points_back_within_the_sentence_does_not(second: str) -> None:
    found = hit("U vraagt een pas aan.", second, "Er is meer.", scores=(0.8, 0.9, 0.7))
    assert quoted(found, "Hoe?") == second


STEPS = ("- Log in met DigiD.", "- Vul het formulier in.", "- Stuur het op.")


def under(heading: str, *items: str) -> Hit:
    """A hit on a list below a heading; the last item is the nearest."""
    text = "\n".join(items)
    starts = [sum(len(before) + 1 for before in items[:place]) for place in range(len(items))]
    spans = tuple(
        Span(OFFSET + start, OFFSET + start + len(item)) for start, item in zip(starts, items, strict=True)
    )
    passage = Passage("hulp.txt", Span(OFFSET, OFFSET + len(text)), text, ("Geld", heading), spans)
    return Hit(7, passage, 0.9, {}, tuple(0.8 + place / 100 for place in range(len(items))))


def test_the_whole_list_answers_the_question_above_it() -> None:
    found = under("Hoe vraag ik een uitkering aan?", *STEPS)
    assert quoted(found, "hoe vraag ik een uitkering aan") == "\n".join(STEPS)
    assert quoted(found, "Wat doe ik met het formulier?") == "- Vul het formulier in."
    long = under("Hoe vraag ik een uitkering aan?", *STEPS, "- " + "a " * LONGEST_LIST)
    assert quoted(long, "Hoe vraag ik een uitkering aan?").count("\n") == 0
    prose = under("Hoe vraag ik een uitkering aan?", "Log in met DigiD.", "Vul het formulier in.")
    assert quoted(prose, "Hoe vraag ik een uitkering aan?") == "Vul het formulier in."
