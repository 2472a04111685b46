"""Vraagbaak: ask a body of Dutch texts a question and get the sentence that answers it, word for word."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.chatbot import Chatbot

__all__ = ["Chatbot"]


def __getattr__(name: str) -> Any:
    # looked up late: whoever needs one module alone does not wait for all of them
    if name == "Chatbot":
        from retrieval.chatbot import Chatbot

        return Chatbot
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
