"""Answering for the web: in a bounded number of threads, at a bounded rate, telling nothing of the inside.

The chat and the HTTP interface both ask here, so that limits and failures are the same for both.
"""

import asyncio
import logging
import math
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from ipaddress import IPv6Address, ip_address
from threading import BoundedSemaphore
from typing import Protocol, TypeVar

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from retrieval.errors import BusyError, QuestionError, VraagbaakError
from retrieval.explanation import Explanation
from retrieval.records import EVERY_SOURCE, Reply, SourceFilter

WORKERS = 4
"""Questions answered at once: a few more than cores, since FAISS and the embedder let go of the GIL."""

MOST_WAITING = 60
"""Questions that may wait for a worker; at 10 to 50 ms a question the last one waits under a second."""

RETRY_AFTER_BUSY = 2
"""Seconds after which a visitor who found the service too busy may try again."""

IPV6_NETWORK = 64
"""Bits of an IPv6 address that tell one subscriber from another (RFC 6177)."""

TOO_BUSY = "Er zijn nu te veel vragen tegelijk. Probeer het over een paar tellen opnieuw."

Told = TypeVar("Told")

_log = logging.getLogger(__name__)


class Replies(Protocol):
    """What answers questions; called from several threads at once."""

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


class AnsweringError(VraagbaakError):
    """Answering failed for a reason that visitors are not told; it stands in the log."""


class Answering:
    """Asks a chatbot, in threads of its own.

    Raises, from each of its methods: QuestionError where the question is refused, BusyError where too many
    are under way, AnsweringError where answering failed.
    """

    def __init__(self, chatbot: Replies, workers: int = WORKERS, most_waiting: int = MOST_WAITING):
        self._chatbot = chatbot
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="answering")
        self._places = BoundedSemaphore(workers + most_waiting)

    async def answer(
        self, question: str, history: Sequence[str], source_filter: SourceFilter = EVERY_SOURCE
    ) -> Reply:
        """The reply to ``question``, given the earlier questions, oldest first."""
        return await self._answered(lambda: self._chatbot.reply(question, tuple(history), source_filter))

    async def answer_explained(
        self, question: str, history: Sequence[str], source_filter: SourceFilter = EVERY_SOURCE
    ) -> tuple[Reply, Explanation]:
        """The same reply, and why it is what it is."""
        return await self._answered(
            lambda: self._chatbot.reply_explained(question, tuple(history), source_filter)
        )

    async def _answered(self, reply: Callable[[], Told]) -> Told:
        if not self._places.acquire(blocking=False):
            raise BusyError(TOO_BUSY)
        answering: Future[Told] = self._pool.submit(reply)
        answering.add_done_callback(lambda _: self._places.release())
        asked = asyncio.wrap_future(answering)
        await asyncio.wait([asked])
        failure = asked.exception()
        if failure is None:
            return asked.result()
        if isinstance(failure, QuestionError | BusyError):
            raise failure
        _log.error("answering failed: %s", describe_failure(failure))
        raise AnsweringError("answering failed; the reason stands in the log") from None

    def close(self) -> None:
        """Let go of the threads; what is under way is finished."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def describe_failure(failure: BaseException) -> str:
    """The kind and place of a failure, without its message: that might repeat what a visitor typed."""
    frames = traceback.extract_tb(failure.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else "unknown place"
    return f"{type(failure).__name__} at {place}"


class RateLimit:
    """So many questions a visitor and period, told apart by address; ``off`` lets all through."""

    def __init__(self, setting: str):
        self._limit = None if setting == "off" else parse(setting)
        self._counts = SlidingWindowCounterRateLimiter(MemoryStorage())

    def seconds_to_wait(self, address: str) -> int:
        """Count a question from this address; 0 where it may be asked, else the seconds to wait."""
        if self._limit is None or self._counts.hit(self._limit, visitor_key(address)):
            return 0
        reset_at = self._counts.get_window_stats(self._limit, visitor_key(address)).reset_time
        return max(1, math.ceil(reset_at - time.time()))


def visitor_key(address: str) -> str:
    """What tells one visitor from another: an IPv4 address, or the network of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{int(parsed) >> (128 - IPV6_NETWORK):x}/{IPV6_NETWORK}"
    return str(parsed)


def too_many(seconds: int) -> str:
    """What a visitor is told who asks too much."""
    return f"U stelt veel vragen achter elkaar. {_try_again(seconds)}"


def too_much_feedback(seconds: int) -> str:
    """The same for who sends too much feedback."""
    return f"U stuurt veel beoordelingen achter elkaar. {_try_again(seconds)}"


def _try_again(seconds: int) -> str:
    unit = "seconde" if seconds == 1 else "seconden"
    return f"Probeer het over {seconds} {unit} opnieuw."
