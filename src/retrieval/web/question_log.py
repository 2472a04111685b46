"""A line in the log for each question, where that is set: masked, with the status of its reply."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from retrieval.errors import QuestionError
from retrieval.explanation import Explanation
from retrieval.personal_data import masked
from retrieval.records import EVERY_SOURCE, Reply, SourceFilter
from retrieval.serialization import status_of
from retrieval.web.answering import Replies

Told = TypeVar("Told")

_log = logging.getLogger(__name__)


class LoggedReplies:
    """A chatbot of which every question is logged; it replies, and raises, as that does."""

    def __init__(self, chatbot: Replies):
        self._chatbot = chatbot

    def reply(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> Reply:
        """The reply to a question, given the earlier ones, oldest first."""
        return _logged(question, lambda: self._chatbot.reply(question, history, source_filter), status_of)

    def reply_explained(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> tuple[Reply, Explanation]:
        """The same reply, and why it is what it is."""
        return _logged(
            question,
            lambda: self._chatbot.reply_explained(question, history, source_filter),
            lambda explained: status_of(explained[0]),
        )


def log_line(question: str, status: str) -> str:
    """One line, whatever the question holds: what is not printable is written as Python writes it."""
    return f"question {status}: {masked(question)!r}"


def _logged(question: str, ask: Callable[[], Told], status: Callable[[Told], str]) -> Told:
    outcome = "failed"
    try:
        told = ask()
        outcome = status(told)
        return told
    except QuestionError:
        outcome = "refused"
        raise
    finally:
        # a warning is what reaches stderr without any set-up of logging
        _log.warning("%s", log_line(question, outcome))
