"""The Gradio chat at ``/``: the only module that imports gradio.

Gradio carries a question to the server and shows the messages. What they say is made in messages.py;
the page around the chat and its behaviour in the browser (focus, scrolling, ``#q=``) is in static/.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from fastapi import FastAPI

from retrieval.errors import BusyError, QuestionError
from retrieval.questions import MOST_CHARACTERS, latest, question_problem
from retrieval.records import Reply
from retrieval.web.answering import Answering, AnsweringError, RateLimit, too_many
from retrieval.web.messages import FAILED, NOT_READY, notice_html, question_html, reply_html

if TYPE_CHECKING:
    from gradio.components.chatbot import MessageDict

TELEMETRY_OFF: Mapping[str, str] = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "True",
    "DO_NOT_TRACK": "1",
}
"""What must stand in the environment before gradio is imported, or it looks up hosts outside."""

MOST_MESSAGES = 60
"""Messages that stay in view; a session's memory and the size of a response are bounded by it."""

MOST_SESSIONS = 1_000
"""Sessions whose earlier questions are kept; past it the one unused for longest starts afresh."""

CONCURRENCY = 40
"""Questions that Gradio hands on at once; how many are answered at once, Answering decides."""

MOST_QUEUED = 200
"""Questions that may wait in Gradio's queue."""

SYSTEM_FONTS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
"""Strings, which Gradio leaves alone; a GoogleFont would be fetched from outside."""

SESSION_SECONDS = 3_600
"""How long the earlier questions of a session are kept after the last one."""

MOST_KEPT = 4 * MOST_CHARACTERS
"""Characters of a text without a reply that stay in the text box."""


class Conversation(TypedDict):
    """What a session remembers: the messages in view, and the questions a follow-up is understood by."""

    messages: "list[MessageDict]"
    questions: list[str]


def mount_chat(
    app: FastAPI, answering: Answering | None, rate_limit: RateLimit, welcome: str
) -> Callable[[str], None]:
    """Serve the chat at ``/`` of ``app``, opening with ``welcome`` (HTML); what it gives sets another.

    Without ``answering`` it says that it is not ready. To be called last: it takes every path left.
    """
    os.environ.update(TELEMETRY_OFF)
    with _absent("mcp"):  # gradio would import it for a server of its own, which takes a quarter of a second
        import gradio as gr

    blocks, greet = _blocks(Replying(answering, rate_limit), welcome)
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=1,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=gr.themes.Base(font=SYSTEM_FONTS, font_mono=("ui-monospace", "monospace")),
    )
    return greet


@dataclass(frozen=True, slots=True)
class Notice:
    """Why a question got no reply."""

    text: str


class Replying:
    """Replies to what is typed in the chat, always: what is refused or fails becomes a message too."""

    def __init__(self, answering: Answering | None, rate_limit: RateLimit):
        self._answering = answering
        self._rate_limit = rate_limit

    async def reply(self, question: str, history: Sequence[str], address: str) -> Reply | Notice:
        """The reply to a question asked from ``address``, or why there is none."""
        if (problem := question_problem(question)) is not None:
            return Notice(problem)
        if self._answering is None:
            return Notice(NOT_READY)
        if seconds := self._rate_limit.seconds_to_wait(address):
            return Notice(too_many(seconds))
        try:
            return await self._answering.answer(question.strip(), history)
        except (QuestionError, BusyError) as refused:
            return Notice(str(refused))
        except AnsweringError:
            return Notice(FAILED)

    async def go_on(
        self, typed: str, conversation: Conversation, address: str
    ) -> "tuple[list[MessageDict], Conversation, str]":
        """The messages to show, what to remember, and what is to stand in the text box."""
        reply = await self.reply(typed, conversation["questions"], address)
        if isinstance(reply, Notice):
            # the text is handed back, to be put right or asked again; a follow-up is not about it
            messages = _in_view([*conversation["messages"], _said(notice_html(reply.text))])
            return messages, {**conversation, "messages": messages}, typed[:MOST_KEPT]
        asked: MessageDict = {"role": "user", "content": question_html(typed)}
        messages = _in_view([*conversation["messages"], asked, _said(reply_html(reply))])
        questions = list(latest([*conversation["questions"], typed.strip()]))
        return messages, {"messages": messages, "questions": questions}, ""


def _blocks(replying: Replying, welcome: str) -> tuple[Any, Callable[[str], None]]:
    """The chat, and what sets the words that it opens with from then on."""
    import gradio as gr
    from gradio.components.chatbot import MessageDict

    async def ask(
        typed: str | None, conversation: Conversation, request: gr.Request
    ) -> tuple[list[MessageDict], Conversation, str]:
        address = request.client.host if request.client else ""
        return await replying.go_on(typed or "", conversation, address)

    def opening(welcome: str) -> list[MessageDict]:
        return [_said(welcome)]

    def greet(welcome: str) -> None:
        # Gradio's own way, a function as value, would ask the server once more at each opening
        chatbot.value = chatbot.postprocess([*opening(welcome)]).model_dump()
        conversation.value = {"messages": opening(welcome), "questions": []}
        blocks.config = blocks.get_config_file()

    with gr.Blocks(title="Vraagbaak", analytics_enabled=False, fill_height=True, fill_width=True) as blocks:
        conversation = gr.State({"messages": opening(welcome), "questions": []}, time_to_live=SESSION_SECONDS)
        chatbot = gr.Chatbot(
            [*opening(welcome)],
            label="Gesprek",
            show_label=False,
            container=False,
            elem_id="vb-gesprek",
            height=None,
            scale=1,
            autoscroll=False,
            sanitize_html=True,
            line_breaks=False,
            latex_delimiters=[],
            allow_tags=False,
            buttons=[],
            feedback_options=None,
            layout="bubble",
            allow_file_downloads=False,
            group_consecutive_messages=False,
        )
        with gr.Row(elem_id="vb-vraagbalk"):
            textbox = gr.Textbox(
                label="Uw vraag",
                show_label=False,
                container=False,
                placeholder="Typ uw vraag",
                max_lines=4,
                scale=1,
                autofocus=True,
                elem_id="vb-invoer",
            )
            send = gr.Button("Vraag", variant="primary", elem_id="vb-verstuur", scale=0, min_width=88)
        gr.on(
            [textbox.submit, send.click],
            ask,
            inputs=[textbox, conversation],
            outputs=[chatbot, conversation, textbox],
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="once",
            concurrency_limit=CONCURRENCY,
        )
    blocks.queue(api_open=False, max_size=MOST_QUEUED, default_concurrency_limit=CONCURRENCY)
    blocks.state_session_capacity = MOST_SESSIONS
    return blocks, greet


@contextmanager
def _absent(library: str) -> Iterator[None]:
    """Meanwhile ``library`` cannot be imported, as if it were not installed; unless it already was."""
    if library in sys.modules:
        yield
        return
    sys.modules[library] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[library]


def _in_view(messages: "list[MessageDict]") -> "list[MessageDict]":
    return messages[-MOST_MESSAGES:]


def _said(html: str) -> "MessageDict":
    return {"role": "assistant", "content": html}
