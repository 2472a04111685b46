"""The chatbot that serves now. It may change while questions are under way: each keeps the one it began with.

A new generation of the index is opened beside the one that serves, which is closed after its last question.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Generic, Protocol, TypeVar

from retrieval.errors import VraagbaakError
from retrieval.explanation import Explanation
from retrieval.generations import current_generation
from retrieval.records import EVERY_SOURCE, Reply, SourceFilter

SECONDS_BETWEEN_LOOKS = 1.0
"""How often CURRENT is read: forty bytes, and so soon a change is live."""

MOST_LOOKS_PASSED = 63
"""Looks that are passed over, at most, before what failed is tried again: opening reads the whole index."""

_log = logging.getLogger(__name__)


class Servable(Protocol):
    """A chatbot over one generation of the index."""

    def reply(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> Reply:
        """The reply to a question, given the earlier ones, oldest first."""
        ...

    def reply_explained(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> tuple[Reply, Explanation]:
        """The same reply, and why it is what it is."""
        ...

    def close(self) -> None:
        """Give the files back."""
        ...


Bot = TypeVar("Bot", bound=Servable)


class _Held(Generic[Bot]):
    """A chatbot, and how many use it now."""

    def __init__(self, chatbot: Bot) -> None:
        self.chatbot = chatbot
        self.users = 0


class LiveChatbot(Generic[Bot]):
    """Hands out the present chatbot, for use from many threads; replies, and raises, as that does."""

    def __init__(self, chatbot: Bot) -> None:
        self._present = _Held(chatbot)
        self._closed = False
        self._lock = Lock()
        self._swapping = Lock()
        self._told: list[Callable[[Bot], None]] = []

    @contextmanager
    def held(self) -> Iterator[Bot]:
        """The present chatbot, which stays open meanwhile, whatever takes its place."""
        with self._lock:
            held = self._present
            held.users += 1
        try:
            yield held.chatbot
        finally:
            with self._lock:
                held.users -= 1
                is_done = held.users == 0 and (self._closed or held is not self._present)
            if is_done:
                held.chatbot.close()

    def reply(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> Reply:
        """The reply to a question, given the earlier ones, oldest first."""
        with self.held() as chatbot:
            return chatbot.reply(question, history, source_filter)

    def reply_explained(
        self, question: str, history: Sequence[str] = (), source_filter: SourceFilter = EVERY_SOURCE
    ) -> tuple[Reply, Explanation]:
        """The same reply, and why it is what it is."""
        with self.held() as chatbot:
            return chatbot.reply_explained(question, history, source_filter)

    def tell(self, told: Callable[[Bot], None]) -> None:
        """Call ``told`` with the present chatbot now, and with each that takes its place."""
        with self._swapping, self.held() as chatbot:
            self._told.append(told)
            told(chatbot)

    def swap(self, chatbot: Bot) -> None:
        """Let ``chatbot`` serve from the next question on; the one before is closed when it is used no more.

        Where one of those that are told of it fails, so does this, and nothing changes.
        """
        with self._swapping:
            for told in self._told:
                told(chatbot)
            with self._lock:
                before, self._present = self._present, _Held(chatbot)
                is_unused = before.users == 0
            if is_unused:
                before.chatbot.close()

    def close(self) -> None:
        """Close the present chatbot, once it is used no more; nothing can be asked after this."""
        with self._lock:
            self._closed = True
            is_unused = self._present.users == 0
        if is_unused:
            self._present.chatbot.close()


class Following(Generic[Bot]):
    """Looks whether another generation is named in CURRENT of ``folder``, and lets it serve.

    ``reopen`` opens a chatbot over the generation that is named. Where that fails the one before serves on,
    the log gives the reason, each once, and it is tried again: after one look, then after three, seven ….
    """

    def __init__(self, live: LiveChatbot[Bot], folder: Path, serving: str, reopen: Callable[[], Bot]) -> None:
        self._live = live
        self._folder = folder
        self._reopen = reopen
        self._serving = serving
        self._failed = _Failed("")

    def look(self) -> None:
        """Swap, if there is another generation that can serve."""
        named = ""
        try:
            named = current_generation(self._folder).name
            if named == self._serving or self._failed.passes_over(named):
                return
            self._live.swap(self._reopen())
            self._serving = named
            self._failed = _Failed("")
        except VraagbaakError as error:
            self._tell_once(named, str(error))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the new one, the old one serves on
            self._tell_once(named, f"{type(error).__name__}: {error}")

    def _tell_once(self, named: str, reason: str) -> None:
        if named != self._failed.name:
            self._failed = _Failed(named)
        if reason not in self._failed.reasons:
            _log.error("the index changed and cannot serve, the old one serves on: %s", reason)
        self._failed.again(reason)


class _Failed:
    """The generation ``name`` that could not be opened, for which reasons, and when it is tried again."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reasons: set[str] = set()
        self._times = 0
        self._to_pass = 0

    def passes_over(self, named: str) -> bool:
        """Whether it is too early to try the generation ``named`` again."""
        if named != self.name or self._to_pass == 0:
            return False
        self._to_pass -= 1
        return True

    def again(self, reason: str) -> None:
        """Note that it failed."""
        self.reasons.add(reason)
        self._times += 1
        self._to_pass = min(2**self._times - 1, MOST_LOOKS_PASSED)


@contextmanager
def followed(following: Following[Bot], seconds: float = SECONDS_BETWEEN_LOOKS) -> Iterator[None]:
    """Meanwhile look every so many seconds, in a thread."""
    ended = Event()

    def go_on() -> None:
        while not ended.wait(seconds):
            following.look()

    thread = Thread(target=go_on, name="following", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
