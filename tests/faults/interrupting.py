"""Builds that are interrupted at a step of our choice, each in a process of its own.

``python interrupting.py`` is a process that has imported everything and forks one child for each line of
JSON that it reads. A step is what a build asks of the system about a path below the index: ``mkdir cache``,
``rename draft``, ``sync NEXT``; one that comes again has its number behind it. Python tells of them by audit
events, of which one that is not known here is a step too, so that no new kind of write is missed.
"""

import errno
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from small_index import CountingEmbedder, build

from retrieval.errors import VraagbaakError
from retrieval.generations import roll_back

EMBED = "embed"
"""The step at which texts are embedded, of which SQLite then keeps the vectors."""

_VERBS = {
    "os.mkdir": "mkdir",
    "os.rename": "rename",
    "os.remove": "remove",
    "os.rmdir": "rmdir",
    "os.truncate": "truncate",
    "shutil.rmtree": "delete",
    "sqlite3.connect": "connect",
    "fcntl.flock": "lock",
}
_QUESTIONS = sha256(f"{CountingEmbedder.fingerprint} queries".encode()).hexdigest()[:32]
"""The name of the file with the vectors of the questions that the build asks."""

_READS = re.compile(r"os\.(listdir|scandir|walk|fwalk)|pathlib\..*|glob\..*|shutil\.copyfile")
_MANY = ("sync draft/*", "remove in draft", "rmdir in draft")
"""Steps that are not told apart: one for each file."""


class Interrupter:
    """The process that forks the builds."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=30)

    def build(self, folder: Path, price: str, **fault: Any) -> dict[str, Any]:
        """Build, and be interrupted: what came of it.

        ``refused`` names the step that fails, ``full`` the one from which on files cannot grow until another
        path is asked for, ``killed`` the number of the step at which the process is killed, ``killed_after``
        the seconds after which it is. ``rolls_back`` brings the generation before back instead.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"folder": str(folder), "price": price, **fault}) + "\n")
        self._process.stdin.flush()
        outcome: dict[str, Any] = json.loads(self._process.stdout.readline())
        return outcome


class Steps:
    """Names the steps of this process below ``root``, and interrupts it at one of them."""

    def __init__(self, root: str, fault: dict[str, Any]) -> None:
        self.taken: list[str] = []
        self._root = root
        self._fault = fault
        self._seen: Counter[str] = Counter()
        self._full_at = ""

    def watch(self) -> None:
        """From now on, until the process ends."""
        for name in ("fsync", "fdatasync", "write", "pwrite"):  # Python tells nothing of these
            setattr(os, name, self._told("sync" if "sync" in name else "write", getattr(os, name)))
        sys.addaudithook(self._on_event)

    def take(self, verb: str, path: str) -> None:
        """Come to a step; where it is to be interrupted, this raises, or never returns."""
        name = f"{verb} {path}".strip()
        if name.startswith("sync draft/"):
            name = "sync draft/*"
        if name not in _MANY:
            self._seen[name] += 1
            name += f" ({self._seen[name]})" if self._seen[name] > 1 else ""
        if self._full_at and path != self._full_at:
            _let_files_grow_to(resource.RLIM_INFINITY)
            self._full_at = ""
        self.taken.append(name)
        if name == self._fault.get("full"):
            _let_files_grow_to(0)
            self._full_at = path
        if len(self.taken) == self._fault.get("killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name == self._fault.get("refused"):
            code = errno.ENOSPC if verb in ("mkdir", "open", "connect", "write") else errno.EIO
            raise OSError(code, os.strerror(code), f"{self._root}/{path}")

    def _told(self, verb: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def told(descriptor: int, *arguments: Any) -> Any:
            path = self._below(descriptor)
            if path is not None:
                self.take(verb, path)
            return call(descriptor, *arguments)

        return told

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if _READS.fullmatch(event) or not arguments:
            return
        inside = self._below(arguments[-1]) if event in ("os.remove", "os.rmdir") else None
        if inside is not None:  # within a folder that is being deleted
            self.take(f"{_VERBS[event]} in", inside.split("/")[0])
            return
        path = self._below(arguments[0])
        if path is None:
            return
        verb = _VERBS.get(event, event)
        if event == "open":
            _, mode, flags = arguments
            writes = set(mode or "") & set("wax+") or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            verb = "open" if writes else "read"
        elif event == "mmap.__new__" or (event == "sqlite3.connect" and "mode=ro" in str(arguments[0])):
            verb = "read"
        self.take(verb, path)

    def _below(self, place: Any) -> str | None:
        """The path below the index, as it is named here; None for another path."""
        if isinstance(place, int) and not isinstance(place, bool):
            try:
                place = Path(f"/proc/self/fd/{place}").readlink()
            except OSError:
                return None
        if not isinstance(place, str | bytes | os.PathLike):
            return None
        path = os.fsdecode(place)
        if path.startswith("file://"):
            path = unquote(path.removeprefix("file://").partition("?")[0])
        if path != self._root and not path.startswith(f"{self._root}/"):
            return None
        return named(path.removeprefix(self._root).lstrip("/"))


def named(path: str) -> str:
    """A path below the index without what differs from build to build."""
    for found, name in (
        (r"draft-[^/]+", "draft"),
        (r"\d{8}T\d{12}Z-[^/]+", "one"),
        (_QUESTIONS, "questions"),
        (r"[0-9a-f]{32}", "vectors"),
    ):
        path = re.sub(found, name, path)
    return path or "."


def files_of(folder: Path) -> set[str]:
    """The files below the index that hold anything; those of a generation by their names in the draft."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]
    return {
        named(path.relative_to(folder).as_posix()).replace("generations/one/", "draft/") for path in paths
    }


def _let_files_grow_to(size: int) -> None:
    """As on a full disk, ``write`` fails beyond it, whoever calls it (Python ignores the signal)."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _interrupted(task: dict[str, Any]) -> dict[str, Any]:
    folder = Path(task["folder"])
    steps = Steps(str(folder), task)
    steps.watch()
    message = ""
    start = time.perf_counter()
    try:
        if task.get("rolls_back"):
            roll_back(folder, CountingEmbedder.fingerprint)
        else:
            build(folder, task["price"], lambda: steps.take(EMBED, ""))
        outcome = "built"
    except VraagbaakError as error:
        outcome, message = "failed", str(error)
    except BaseException:  # noqa: BLE001 - shown by the test
        outcome, message = "crashed", traceback.format_exc()
    seconds = time.perf_counter() - start
    return {"outcome": outcome, "message": message, "steps": [*steps.taken], "seconds": seconds}


def _forked(task: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with open(writing, "w", encoding="utf-8") as told:  # noqa: PTH123 - a descriptor
            json.dump(_interrupted(task), told)
            told.flush()
            os._exit(0)
    os.close(writing)
    if "killed_after" in task:
        time.sleep(task["killed_after"])
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    with open(reading, encoding="utf-8") as told:  # noqa: PTH123 - a descriptor
        content = told.read()
    os.waitpid(child, 0)
    return json.loads(content) if content.endswith("}") else {"outcome": "killed", "message": "", "steps": []}


def _warm_up() -> None:
    """Load what a build needs; nothing that starts threads, which a fork would leave behind."""
    from tempfile import TemporaryDirectory

    import bm25s  # type: ignore[import-untyped]  # noqa: F401

    from retrieval.spelling import write_spelling

    with TemporaryDirectory() as aside:
        write_spelling(Path(aside) / "spelling", [])


if __name__ == "__main__":
    _warm_up()
    for line in sys.stdin:
        print(json.dumps(_forked(json.loads(line))), flush=True)  # noqa: T201
