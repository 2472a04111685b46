"""The texts by which passages, sentences and items are found: those embedded, and those whose words count."""

from collections.abc import Sequence

from retrieval.records import Passage


def embedded_texts(text: str, headings: Sequence[str], title: str, lead: str = "") -> tuple[str, str]:
    """The two texts that stand for ``text`` in the index: bare, and below its headings or else the title.

    The second is read with the ``lead`` of a list or table as well, of which ``text`` is an item or a row.

    The mean of their vectors is stored: its inner product with a query is the mean of the two cosines.
    """
    above = ". ".join(headings) or title
    return text, "\n".join(filter(None, (above, lead, text)))


def lexical_text(passage: Passage, title: str) -> str:
    """The words by which a passage is found: those of its document's title, its headings and itself.

    A list or table that was cut is found by the words of its lead in each of its passages.
    """
    return "\n".join(filter(None, (title, *passage.headings, passage.lead_before, passage.text)))


def item_texts(passage: Passage, title: str) -> list[str]:
    """The words by which each item or row of a passage is found, which are those of what it is read with too.

    None where the passage is a single one: its own words are the same.
    """
    if len(passage.sentences) == 1:
        return []
    return [
        "\n".join(filter(None, (title, *passage.headings, lead.text, passage.sentence_text(number))))
        for number in range(len(passage.sentences))
        if (lead := passage.lead_of(number))
    ]
