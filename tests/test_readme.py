"""The README is true: its Python runs, its commands end well, its links lead somewhere."""

import argparse
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from retrieval.settings import Settings

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SETTINGS = {f"VRAAGBAAK_{name.upper()}" for name in Settings.model_fields}
START_SECONDS = 120
"""More than building the index and starting takes on a slow machine; reached only where it fails."""

TOLD = ("git", "cd", "export", "sudo", "source", "python3", ".", "docker")
"""Commands that a reader gives to the system: nothing here can hold them."""


def blocks(language: str) -> list[str]:
    """The fenced blocks of the README in one language."""
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """The commands of the README, each once, without comments and with continued lines joined."""
    lines = "\n".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return list(dict.fromkeys(line.strip() for line in lines if line.strip() and not line.startswith("#")))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a clone holds, and the index of its corpus."""
    folder = tmp_path_factory.mktemp("clone")
    for path in ROOT.iterdir():
        if path.name not in ("index", ".git"):
            (folder / path.name).symlink_to(path)
    (folder / "corpus").unlink()
    shutil.copytree(ROOT / "corpus", folder / "corpus")
    done = run([sys.executable, "-m", "retrieval.cli", "index"], folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def server(clone: Path) -> Iterator[str]:
    """The address of a server over that index, up until the tests of this file are done."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port)]
    with subprocess.Popen(
        command, cwd=clone, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(address, process)
            yield address
        finally:
            process.terminate()


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Ask until the server is ready."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended at once"
        try:
            if httpx.get(f"{address}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)  # between two questions, not instead of one
    pytest.fail(f"not ready within {START_SECONDS} s")


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, as after `make setup`."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    whole = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT / "src")} | environment
    return subprocess.run(
        command,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=whole,
    )


def test_the_readme_shows_commands_and_python() -> None:
    assert any(command.startswith("make run") for command in commands())
    assert any("vraagbaak ask" in command for command in commands())
    assert any(command.startswith("curl") for command in commands())
    assert blocks("python")


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python_of_the_readme_runs(number: int, clone: Path) -> None:
    done = run([sys.executable, "-W", "error", "-c", blocks("python")[number]], clone)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_readme_is_right(command: str, request: pytest.FixtureRequest) -> None:
    words = shlex.split(command, comments=True)
    while re.match(r"[A-Z_]+=", words[0]):
        name = words.pop(0).partition("=")[0]
        assert not name.startswith("VRAAGBAAK_") or name in SETTINGS
    program = words[0].removeprefix(".venv/bin/")
    if program == "make":
        check_make(words[1:])
    elif program == "pip":
        assert all((ROOT / word).is_file() for word in words if word.endswith(".txt"))
    elif program == "curl":
        check_request(words[1:], request.getfixturevalue("server"))
    elif program == "vraagbaak" and words[1] != "serve":
        clone = request.getfixturevalue("clone")
        done = run([sys.executable, "-m", "retrieval.cli", *words[1:]], clone)
        assert done.returncode == 0, done.stderr
    elif program == "vraagbaak":
        serve = run([sys.executable, "-m", "retrieval.cli", *words[1:], "--help"], ROOT)
        assert serve.returncode == 0, serve.stderr
    elif program == "python":
        script = ROOT / next(word for word in words[1:] if word.endswith(".py"))
        assert script.is_file()
    else:
        assert program in TOLD, f"no test knows what {program} should do"


def check_make(words: list[str]) -> None:
    """Each target is one that the Makefile says what it is for."""
    targets = set(
        re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert {word for word in words if "=" not in word} <= targets


def check_request(words: list[str], server: str) -> None:
    """The request that curl would make is answered with 200."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-d", "--data", "--json", dest="data")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-X", "--request")
    parser.add_argument("-s", "--silent", action="store_true")
    asked = parser.parse_args(words)
    headers = dict(header.split(": ", 1) for header in asked.header)
    if "--json" in words:
        headers["Content-Type"] = "application/json"
    if asked.data is not None:
        json.loads(asked.data)
    address = urlsplit(asked.url)
    path = address.path + (f"?{address.query}" if address.query else "")
    method = asked.request or ("GET" if asked.data is None else "POST")
    reply = httpx.request(
        method, f"{server}{path}", content=asked.data, headers=headers, timeout=START_SECONDS
    )
    assert reply.status_code == httpx.codes.OK, reply.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_within_the_project_leads_to_a_file(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = [
        target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target
    ]
    missing = [target for target in targets if target and not (page.parent / target).exists()]
    assert missing == []
