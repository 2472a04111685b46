"""Files → their contents, read in a process of its own: a hostile file stalls or kills that, not the build.

The process starts with the first file that is not in the cache, and is replaced when a file ends it.
"""

import hashlib
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
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self, cast

from retrieval.errors import CorpusError, UnreadableFileError
from retrieval.files import sha256_of
from retrieval.readers.content import Content, unopened
from retrieval.readers.formats import format_of
from retrieval.readers.worker import HEAD_BYTES, OUT_OF_MEMORY, Refusal, Result, to_json
from retrieval.reading_cache import ReadingCache

if TYPE_CHECKING:
    from pydantic import TypeAdapter

WORKER = ("-m", "retrieval.readers.worker")
"""What Python is to run."""

PARSERS = ("lxml", "markdown-it-py", "mdurl", "pypdfium2", "python-docx", "selectolax", "webencodings")
"""The packages that readers read with, and what these bring along: other versions may read otherwise."""

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
"""Measured: a PDF of 1,000 full pages takes 16 seconds of the processor, 42 where five processes share it;
the largest .docx 15 seconds and 570 MB; the largest page, of paragraphs, 3 seconds and 155 MB."""


class Parser:
    """Reads files one after the other, each once: what was made of it is kept in the folder ``cache``.

    ``program`` is what the process runs, for tests with other readers.
    """

    def __init__(
        self, cache: Path | None = None, limits: Limits = LIMITS, program: Sequence[str] = WORKER
    ) -> None:
        self._cache_folder = cache
        self._limits = limits
        self._program = program
        self._cache: ReadingCache | None = None
        self._process: _Process | None = None

    def read(self, path: Path) -> Content:
        """What the reader of its format makes of a file. Raises UnreadableFileError.

        Raises CorpusError where the process cannot be started, and BrokenIndexError where the cache cannot be
        written.
        """
        format_of(path)
        if self._cache_folder is not None and self._cache is None:
            self._cache = ReadingCache.open(self._cache_folder)
        result = self._kept_result(path, self._cache) if self._cache else self._result(path)
        match result.outcome:
            case Refusal(reason):
                raise UnreadableFileError(reason)
            case content:
                return content

    def forget_others(self) -> None:
        """Drop from the cache what is of no file that was read since this was made."""
        if self._cache is not None:
            self._cache.drop_unused()

    def close(self) -> None:
        """End the process, and close the cache."""
        self._end_process()
        if self._cache is not None:
            self._cache.close()
            self._cache = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def _fingerprint(self) -> bytes:
        return readers_fingerprint()

    def _kept_result(self, path: Path, cache: ReadingCache) -> Result:
        try:
            sha256 = sha256_of(path)
        except OSError as error:
            raise unopened(error) from error
        named = f"{path.suffix.lower()} {sha256}".encode()
        key = hashlib.sha256(self._fingerprint + named).digest()
        if (kept := cache.get(key)) is not None:
            with suppress(ValueError):  # not what was written
                return self._results.validate_json(kept, strict=True)
        result = self._result(path)
        if result.sha256 == sha256:
            cache.add(key, to_json(result))
        return result

    def _result(self, path: Path) -> Result:
        if self._process is not None and self._process.has_ended():  # not by a file: the system may end it
            self._end_process()
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
        self._end_process()
        return Result("", Refusal(reason))

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

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


def readers_fingerprint() -> bytes:
    """A hash of all that a reading depends on but the file: the readers, what they read with, and Python."""
    package = Path(__file__).parent
    parts = [sys.version.encode()]
    for source in sorted([package / "records.py", *(package / "readers").glob("*.py")]):
        parts += [source.name.encode(), source.read_bytes()]
    for name in PARSERS:
        try:
            parts.append(f"{name} {metadata.version(name)}".encode())
        except metadata.PackageNotFoundError:
            parts.append(name.encode())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


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
