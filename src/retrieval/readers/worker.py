"""The process that reads files: a path comes in, and what its reader made of the file goes out, as JSON.

``parsing.py`` starts it, with as little as can be: the readers, and no key or password of the environment.
What it may take it cannot go beyond: a file that wants more ends this process, and nothing else.
"""

import ctypes
import hashlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

from retrieval.errors import UnreadableFileError
from retrieval.readers.content import Content, bounded, unopened
from retrieval.readers.formats import READERS

OUT_OF_MEMORY = 70
"""The exit status after a file that wanted more memory than it may have."""

HEAD_BYTES = 8
"""Of each answer: its length, the largest byte first."""

PR_SET_PDEATHSIG = 1
"""The number of that option of Linux's prctl, in linux/prctl.h."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file has no content."""

    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a reader made of the bytes with this hash; an empty one: it may be otherwise next time."""

    sha256: str
    outcome: Content | Refusal


Readers = Mapping[str, Callable[[bytes], Content]]
"""The reader of each suffix."""


def main() -> None:
    """Read what the parent names until it ends; the bytes of memory that a file may take are the argument."""
    serve({suffix: known.read for suffix, known in READERS.items()}, int(sys.argv[1]))


def serve(readers: Readers, memory: int) -> None:
    """Answer each path on stdin with the result; an empty answer says that all is ready."""
    answers = _withdrawn()
    _send(answers, b"")
    for line in sys.stdin:
        _limit_memory(memory)
        try:
            _send(answers, _answer(Path(json.loads(line)), readers))
        except MemoryError:
            os._exit(OUT_OF_MEMORY)  # at once: what is left may be too little to end well


def to_json(record: Any) -> bytes:
    """A record, and those in it, as JSON. Raises UnicodeEncodeError where a text in it is not Unicode's."""
    return json.dumps(record, default=_by_name, ensure_ascii=False, separators=(",", ":")).encode()


def _by_name(record: Any) -> dict[str, object]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _answer(path: Path, readers: Readers) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        return to_json(Result("", Refusal(str(unopened(error)))))
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        return to_json(Result(sha256, bounded(readers[path.suffix.lower()](data))))
    except UnreadableFileError as error:
        return to_json(Result(sha256, Refusal(str(error))))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a reader's fault on one file must not take the others along
        found = f"{type(error).__name__}: {error}".encode(errors="backslashreplace").decode()
        return to_json(
            Result("", Refusal(f"its reader failed on it ({found}): save it anew, or in another format"))
        )


def _withdrawn() -> BinaryIO:
    """Stdout for answers alone; this process ends with its parent, and writes no file."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library may print
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends this
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # in the middle of a file too
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(kind, (0, 0))
    return answers


def _limit_memory(allowed: int) -> None:
    """Let this process take so many bytes more than it has now, where the system tells and bounds that."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * resource.getpagesize() + allowed
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _send(answers: BinaryIO, answer: bytes) -> None:
    answers.write(len(answer).to_bytes(HEAD_BYTES, "big") + answer)
    answers.flush()


if __name__ == "__main__":
    main()
