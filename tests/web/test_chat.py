import os

import pytest
from three_sentences import ThreeSentences

from retrieval.web.answering import TOO_BUSY, Answering, RateLimit
from retrieval.web.chat import MOST_MESSAGES, TELEMETRY_OFF, Conversation, Replying

pytestmark = pytest.mark.anyio

ADDRESS = "192.0.2.1"


def nothing_said() -> Conversation:
    return {"messages": [{"role": "assistant", "content": "welkom"}], "questions": []}


def replying(rate_limit: str = "off") -> Replying:
    return Replying(Answering(ThreeSentences()), RateLimit(rate_limit))


async def test_a_question_and_its_reply_are_added_and_the_text_box_is_empty() -> None:
    messages, conversation, text = await replying().go_on(" paspoort?\n", nothing_said(), ADDRESS)
    assert [message["role"] for message in messages] == ["assistant", "user", "assistant"]
    assert "paspoort?" in str(messages[1]["content"])
    assert "blockquote" in str(messages[2]["content"])
    assert conversation == {"messages": messages, "questions": ["paspoort?"]}
    assert text == ""


async def test_the_earlier_questions_go_along_but_no_more_than_ten() -> None:
    conversation = nothing_said()
    for number in range(12):
        _, conversation, _ = await replying().go_on(f"vraag {number}", conversation, ADDRESS)
    assert conversation["questions"] == [f"vraag {number}" for number in range(2, 12)]


async def test_what_is_remembered_of_a_session_is_bounded() -> None:
    conversation = nothing_said()
    for number in range(MOST_MESSAGES):
        _, conversation, _ = await replying().go_on(f"vraag {number}", conversation, ADDRESS)
    assert len(conversation["messages"]) == MOST_MESSAGES
    assert f"vraag {MOST_MESSAGES - 1}" in str(conversation["messages"][-2]["content"])


async def test_the_server_itself_refuses_a_question_that_is_too_long_and_asks_nothing() -> None:
    messages, conversation, text = await replying().go_on("kapot" + "x" * 100_000, nothing_said(), ADDRESS)
    assert "Uw vraag is 100005 tekens lang." in str(messages[-1]["content"])
    assert len(messages) == 2
    assert conversation["questions"] == []
    assert text.startswith("kapotx")
    assert len(text) == 2_000


async def test_the_rate_limit_holds_in_the_chat_too() -> None:
    limited = replying("1/minute")
    _, conversation, _ = await limited.go_on("paspoort?", nothing_said(), ADDRESS)
    messages, after, text = await limited.go_on(" en zondag?", conversation, ADDRESS)
    others, _, _ = await limited.go_on("paspoort?", conversation, "192.0.2.2")
    assert "U stelt veel vragen achter elkaar." in str(messages[-1]["content"])
    assert [message["role"] for message in messages[-2:]] == ["assistant", "assistant"]
    assert (text, after["questions"]) == (" en zondag?", ["paspoort?"])
    assert "blockquote" in str(others[-1]["content"])


async def test_a_failure_is_a_message_and_the_question_is_given_back() -> None:
    _, conversation, _ = await replying().go_on("zondag?", nothing_said(), ADDRESS)
    messages, conversation, text = await replying().go_on("dit is kapot", conversation, ADDRESS)
    assert "Er ging iets mis" in str(messages[-1]["content"])
    assert "RuntimeError" not in str(messages)
    assert (text, conversation["questions"]) == ("dit is kapot", ["zondag?"])
    assert conversation["messages"] == messages
    again, conversation, text = await replying().go_on("paspoort?", conversation, ADDRESS)
    assert "blockquote" in str(again[-1]["content"])
    assert (text, conversation["questions"]) == ("", ["zondag?", "paspoort?"])


async def test_too_many_at_once_is_a_message_and_the_question_is_given_back() -> None:
    full = Replying(Answering(ThreeSentences(), workers=1, most_waiting=-1), RateLimit("off"))
    messages, conversation, text = await full.go_on("paspoort?", nothing_said(), ADDRESS)
    assert TOO_BUSY in str(messages[-1]["content"])
    assert (text, conversation["questions"]) == ("paspoort?", [])


async def test_without_an_index_the_chat_says_so() -> None:
    without = Replying(None, RateLimit("off"))
    messages, conversation, text = await without.go_on("paspoort?", nothing_said(), ADDRESS)
    assert "de bronnen zijn nog niet klaar" in str(messages[-1]["content"])
    assert (text, conversation["questions"]) == ("paspoort?", [])


async def test_telemetry_is_off_before_gradio_is_imported(app: object) -> None:
    assert {name: os.environ[name] for name in TELEMETRY_OFF} == TELEMETRY_OFF
    assert TELEMETRY_OFF["GRADIO_ANALYTICS_ENABLED"] == "False"
