"""The page for editors shows a real explanation: the command still gives it, its numbers within rounding."""

import re
from pathlib import Path

import pytest

from retrieval.chatbot import Chatbot
from retrieval.explanation_text import explanation_text
from retrieval.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "uitleg.md"
COMMAND = re.compile(r'^vraagbaak ask --explain "(.+)"$', re.MULTILINE)
NUMBER = re.compile(r"-?\d+,\d+")
ROUNDING = 0.05
"""A processor that computes in another precision moves a number of two decimals by less."""


def test_the_example_is_what_the_command_prints(aivd_index: Path) -> None:
    page = PAGE.read_text("utf-8")
    asked = COMMAND.findall(page)
    assert len(asked) == 1
    example = page.split("```")[-2]
    with Chatbot.open(aivd_index, Settings()) as bot:
        reply, explanation = bot.reply_explained(asked[0])
    printed = f"{reply.text}\n\n{explanation_text(explanation)}"

    assert words(example) == words(printed)
    assert numbers(example) == pytest.approx(numbers(printed), abs=ROUNDING)


def words(text: str) -> list[str]:
    """All but the numbers with a comma, and the blanks, which follow from their width."""
    return NUMBER.sub("#", text).split()


def numbers(text: str) -> list[float]:
    return [float(found.replace(",", ".")) for found in NUMBER.findall(text)]
