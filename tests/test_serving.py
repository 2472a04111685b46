import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retrieval.errors import BrokenIndexError
from retrieval.explanation import Explanation
from retrieval.records import EVERY_SOURCE, Reply, SmallTalk, SourceFilter
from retrieval.serving import Following, LiveChatbot, followed


class Named:
    """Says its name, when it may, and never after it was closed."""

    def __init__(self, name: str, may_reply: threading.Event | None = None) -> None:
        self.name = name
        self.asked = threading.Event()
        self.closed = 0
        self._may_reply = may_reply

    def reply(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> Reply:
        self.asked.set()
        assert self._may_reply is None or self._may_reply.wait(20)
        assert not self.closed
        return SmallTalk("x", self.name)

    def reply_explained(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> tuple[Reply, Explanation]:
        return self.reply(question, history, source_filter), Explanation("smalltalk", self.name)

    def close(self) -> None:
        self.closed += 1


def test_the_one_before_is_closed_when_it_is_used_no_more() -> None:
    old, new = Named("old"), Named("new")
    live = LiveChatbot(old)
    assert live.reply("wie?").text == "old"
    live.swap(new)
    assert (old.closed, new.closed) == (1, 0)
    assert live.reply("wie?").text == "new"
    assert live.reply_explained("wie?")[1].decision == "new"
    live.close()
    assert (old.closed, new.closed) == (1, 1)


def test_a_question_under_way_ends_with_the_one_it_began_with() -> None:
    may_reply = threading.Event()
    old, new = Named("old", may_reply), Named("new")
    live = LiveChatbot(old)
    with ThreadPoolExecutor(2) as pool:
        under_way = [pool.submit(live.reply, "wie?") for _ in range(2)]
        assert old.asked.wait(20)
        live.swap(new)
        assert live.reply("wie?").text == "new"
        assert old.closed == 0
        may_reply.set()
        replies = {asked.result(20).text for asked in under_way}
    # the second of them may have begun after the swap
    assert "old" in replies <= {"old", "new"}
    assert (old.closed, new.closed) == (1, 0)


def test_what_is_read_within_one_hold_is_of_one_chatbot() -> None:
    old, new = Named("old"), Named("new")
    live = LiveChatbot(old)
    with live.held() as first:
        live.swap(new)
        with live.held() as second:
            assert (first.name, second.name, old.closed) == ("old", "new", 0)
    assert (old.closed, new.closed) == (1, 0)


def test_it_is_closed_after_the_last_question() -> None:
    chatbot = Named("one")
    live = LiveChatbot(chatbot)
    with live.held():
        live.close()
        assert chatbot.closed == 0
    assert chatbot.closed == 1


def test_many_questions_and_swaps_at_once() -> None:
    chatbots = [Named(str(number)) for number in range(50)]
    live = LiveChatbot(chatbots[0])
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(live.reply, "wie?") for _ in range(400)]
        for chatbot in chatbots[1:]:
            live.swap(chatbot)
        names = {one.result(20).text for one in asked}
    assert names <= {chatbot.name for chatbot in chatbots}
    assert [chatbot.closed for chatbot in chatbots] == [1] * 49 + [0]


def test_what_follows_from_the_chatbot_is_told_of_each() -> None:
    live = LiveChatbot(Named("old"))
    told: list[str] = []
    live.tell(lambda chatbot: told.append(chatbot.name))
    live.swap(Named("new"))
    assert told == ["old", "new"]


def index_of(folder: Path, name: str) -> None:
    """A folder of generations, of which the last one made serves."""
    (folder / "generations" / name).mkdir(parents=True, exist_ok=True)
    (folder / "CURRENT").write_text(f"{name}\n", "utf-8")


class Opening:
    """Opens what is named, unless that is broken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: list[str] = []
        self.is_repaired = False

    def __call__(self) -> Named:
        name = (self.folder / "CURRENT").read_text("utf-8").strip()
        self.opened.append(name)
        if name == "broken" and not self.is_repaired:
            raise BrokenIndexError("passages.faiss: sha256 1, expected 2")
        if name == "worse":
            raise ValueError("no memory map")
        return Named(name)


def following(folder: Path) -> tuple[Following[Named], LiveChatbot[Named], Opening]:
    index_of(folder, "first")
    live, opening = LiveChatbot(Named("first")), Opening(folder)
    return Following(live, folder, "first", opening), live, opening


def test_another_generation_serves_once_it_is_named(tmp_path: Path) -> None:
    looking, live, opening = following(tmp_path)
    looking.look()
    assert opening.opened == []
    for name in ("second", "first"):
        index_of(tmp_path, name)
        looking.look()
        looking.look()
        assert live.reply("wie?").text == name
    assert opening.opened == ["second", "first"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken", "passages.faiss: sha256 1, expected 2"),
        ("worse", "ValueError: no memory map"),
    ],
)
def test_what_cannot_be_opened_is_told_once_and_the_old_one_serves_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, reason: str
) -> None:
    looking, live, opening = following(tmp_path)
    index_of(tmp_path, name)
    for _ in range(3):
        looking.look()
    assert live.reply("wie?").text == "first"
    told = f"the index changed and cannot serve, the old one serves on: {reason}"
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(logging.ERROR, told)]
    assert opening.opened == [name, name]  # at the first look and, after one that is passed over, the third
    index_of(tmp_path, "third")
    looking.look()
    assert live.reply("wie?").text == "third"


def test_what_could_not_be_opened_is_tried_again_and_serves_once_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    looking, live, opening = following(tmp_path)
    index_of(tmp_path, "broken")

    def looked(count: int) -> int:
        for _ in range(count):
            looking.look()
        return len(opening.opened)

    # it is tried at look 1, then 1, 3, 7 and 15 looks are passed over: at 3, 7, 15 and 31
    assert [looked(count) for count in (1, 1, 1, 3, 1, 7, 1, 15, 1)] == [1, 1, 2, 2, 3, 3, 4, 4, 5]
    # never more than 63: the next at 63, 127, 191
    assert [looked(count) for count in (31, 1, 63, 1, 63, 1)] == [5, 6, 6, 7, 7, 8]
    assert len(caplog.records) == 1
    assert live.reply("wie?").text == "first"

    opening.is_repaired = True
    looked(63)
    assert live.reply("wie?").text == "first"
    looked(1)
    assert live.reply("wie?").text == "broken"


def test_a_new_reason_is_told_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    looking, _, _ = following(tmp_path)
    for name in ("broken", "worse", "broken"):
        index_of(tmp_path, name)
        looking.look()
    told = ["passages.faiss", "no memory map", "passages.faiss"]
    assert [told_of in record.getMessage() for told_of, record in zip(told, caplog.records, strict=True)] == [
        True
    ] * 3


def test_an_index_that_comes_back_as_it_was_is_not_opened_again(tmp_path: Path) -> None:
    looking, live, opening = following(tmp_path)
    (tmp_path / "CURRENT").unlink()
    looking.look()
    index_of(tmp_path, "first")
    looking.look()
    assert (opening.opened, live.reply("wie?").text) == ([], "first")


def test_an_index_that_is_gone_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    looking, live, _ = following(tmp_path)
    (tmp_path / "CURRENT").unlink()
    for _ in range(3):
        looking.look()
    assert live.reply("wie?").text == "first"
    assert ["CURRENT is missing" in record.getMessage() for record in caplog.records] == [True]


def test_the_one_before_serves_on_where_the_change_cannot_be_told(tmp_path: Path) -> None:
    looking, live, _ = following(tmp_path)

    def told(chatbot: Named) -> None:
        if chatbot.name == "second":
            raise RuntimeError("no welcome")

    live.tell(told)
    index_of(tmp_path, "second")
    looking.look()
    assert live.reply("wie?").text == "first"


def is_soon(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def test_a_thread_looks_until_the_end(tmp_path: Path) -> None:
    looking, live, _ = following(tmp_path)
    with followed(looking, 0.01):
        index_of(tmp_path, "second")
        assert is_soon(lambda: live.reply("wie?").text == "second")
    assert "following" not in {thread.name for thread in threading.enumerate()}
