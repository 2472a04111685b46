"""How the tests reach an application: in this process, or served at a free port by another one."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
from starlette.types import ASGIApp

SOURCES = Path(__file__).parents[2] / "src"
THREE_SENTENCES = (sys.executable, str(Path(__file__).with_name("three_sentences.py")))

WATCH = """
import json, os, sys

def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto"):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(json.dumps([event, repr(arguments)]) + "\\n")

sys.addaudithook(watch)
"""


@asynccontextmanager
async def client_of(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application in this process."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://vraagbaak.test") as client:
        yield client


@contextmanager
def served(*command: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address that a serving program prints; at the end it is stopped, and must stop as it should."""
    variables = {**os.environ, "PYTHONPATH": str(SOURCES), **(environment or {})}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert " at http://" in line, f"the server did not start: {line!r}"
            yield line.split(" at ")[1].split()[0]
        finally:
            process.terminate()
            process.wait(timeout=20)
    assert process.returncode == 0


def watched_by(folder: Path) -> dict[str, str]:
    """An environment in which a Python process notes the names it looks up and what it connects to."""
    (folder / "sitecustomize.py").write_text(WATCH)
    (folder / "watched.jsonl").touch()
    return {
        "PYTHONPATH": os.pathsep.join((str(folder), str(SOURCES))),
        "WATCHED": str(folder / "watched.jsonl"),
    }


def hosts_outside(folder: Path) -> list[list[str]]:
    """What a watched process asked of other machines."""
    return [event for event in _events(folder) if "127.0.0.1" not in event[1] and "localhost" not in event[1]]


def watch_works(folder: Path) -> bool:
    """Whether anything was noted at all: a server looks up the address that it is to serve at."""
    return bool(_events(folder))


def _events(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "watched.jsonl").read_text().splitlines()]
