"""Files → their contents, read in a process of its own: a hostile file stalls or kills that, not the build.

The process starts with the first file that must be read, and is replaced when a file ends it.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self, cast

from retrieval.errors import CorpusError, UnreadableFileError
from retrieval.readers.content import Content
from retrieval.readers.formats import format_of
from retrieval.readers.worker import HEAD_BYTES, OUT_OF_MEMORY, Refusal, Result

if TYPE_CHECKING:
    from pydantic import TypeAdapter

WORKER = ("-m", "retrieval.readers.worker")
"""What Python is to run."""

START_SECONDS = 60
"""After which the process is not waited for: on a machine that is not busy it begins in a tenth of one."""

END_SECONDS = 5
"""In which a process that closed its pipe is to end by itself, and to tell how."""

MAX_ANSWER_BYTES = 500_000_000
"""A longer one does not fit in the memory of the process, which holds it three times while it is sent."""

INHERITED = ("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH")
"""Of the environment: how names are written, and where libraries stand; no key or password is among it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take: seconds, and bytes of memory more than the process has without it."""

    seconds: float
    memory: int


LIMITS = Limits(seconds=120, memory=1_500_000_000)
"""A PDF of 1,000 full pages takes some 40 seconds, the largest text in Word 15 seconds and 600 MB."""


class Parser:
    """Reads files one after the other; ``program`` is what the process runs, for tests with other readers."""

    def __init__(self, limits: Limits = LIMITS, program: Sequence[str] = WORKER) -> None:
        self._limits = limits
        self._program = program
        self._process: _Process | None = None

    def read(self, path: Path) -> Content:
        """What the reader of its format makes of a file. Raises UnreadableFileError.

        Raises CorpusError where the process cannot be started.
        """
        format_of(path)
        match self._result(path).outcome:
            case Refusal(reason):
                raise UnreadableFileError(reason)
            case content:
                return content

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _result(self, path: Path) -> Result:
        if self._process is not None and self._process.has_ended():  # not by a file: the system may end it
            self.close()
        if self._process is None:
            self._process = _Process.start(self._program, self._limits.memory)
        try:
            answer = self._process.ask(path, self._limits.seconds)
            return self._results.validate_json(answer, strict=True)
        except TimeoutError:
            reason = (
                f"reading it took more than {self._limits.seconds:g} seconds: cut it into smaller files, or "
                "save it anew with the program that made it"
            )
        except (EOFError, OSError, ValueError):
            reason = self._how_it_ended(self._process.end(END_SECONDS))
        self.close()
        return Result("", Refusal(reason))

    @cached_property
    def _results(self) -> "TypeAdapter[Result]":
        from pydantic import TypeAdapter

        return TypeAdapter(Result)

    def _how_it_ended(self, status: int) -> str:
        if status == OUT_OF_MEMORY:
            return (
                f"reading it took more than {self._limits.memory / 1e6:,.0f} MB of memory: cut it into "
                "smaller files, or save it anew with the program that made it"
            )
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return (
            f"reading it ended the process that did so ({how}): it is damaged, or made to do harm; "
            "save it anew with the program that made it, or remove it"
        )


class _Process:
    """A process that runs, and the pipe of its answers."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._questions = cast(IO[bytes], process.stdin)
        self._answers = cast(IO[bytes], process.stdout)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._answers, selectors.EVENT_READ)

    @classmethod
    def start(cls, program: Sequence[str], memory: int) -> Self:
        command = [sys.executable, "-P", "-B", *program, str(memory)]
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        try:
            started = subprocess.Popen(  # noqa: S603 - our own program, by a list
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            raise CorpusError(f"the process that reads files cannot be started: {error}") from error
        process = cls(started)
        try:
            process._answer(time.monotonic() + START_SECONDS)
        except BaseException as error:  # Ctrl-C too must leave no process behind
            status = process.end(END_SECONDS if isinstance(error, EOFError) else 0)
            if not isinstance(error, EOFError | TimeoutError):
                raise
            raise CorpusError(
                f"the process that reads files did not begin (exit status {status}); "
                f"to see why, run: {' '.join(command)}"
            ) from error
        return process

    def ask(self, path: Path, seconds: float) -> bytes:
        """The answer on a file. Raises TimeoutError, and EOFError or BrokenPipeError where it has ended."""
        self._questions.write(json.dumps(str(path.absolute())).encode() + b"\n")
        self._questions.flush()
        return self._answer(time.monotonic() + seconds)

    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.poll() is not None

    def end(self, wait: float = 0) -> int:
        """Its exit status, below 0 where a signal ended it; what runs on after ``wait`` seconds is killed."""
        try:
            self._process.wait(wait)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._selector.close()
        self._answers.close()
        with suppress(OSError):  # what it did not read cannot be sent any more
            self._questions.close()
        return self._process.wait()

    def _answer(self, deadline: float) -> bytes:
        length = int.from_bytes(self._receive(HEAD_BYTES, deadline), "big")
        if length > MAX_ANSWER_BYTES:
            raise EOFError(f"an answer of {length} bytes, expected at most {MAX_ANSWER_BYTES}")
        return self._receive(length, deadline)

    def _receive(self, length: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < length:
            if not self._selector.select(max(0, deadline - time.monotonic())):
                raise TimeoutError
            part = os.read(self._answers.fileno(), length - len(received))
            if not part:
                raise EOFError
            received += part
        return bytes(received)
