"""What the serving process holds in memory, and what ten thousand distinct questions add to it.

    python benchmarks/memory.py [QUESTIONS]

Serves an index of corpus/ and asks it over HTTP from six clients at once; prints the resident memory when
idle, after a tenth of the questions, and what each further tenth added.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from retrieval.evaluation import read_judgments

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = 6
STEPS = 10


def main() -> None:
    """Serve, ask, and tell."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    judged = read_judgments(ROOT / "tests" / "data" / "questions" / "aivd-2.jsonl")
    texts = [judgment.question for judgment in judged]
    step = total // STEPS
    with TemporaryDirectory(prefix="vraagbaak-") as index:
        # by another process: building brings torch into memory
        building = [sys.executable, "-m", "retrieval.cli", "index", "--index", index]
        subprocess.run(building, cwd=ROOT, check=True, capture_output=True)
        command = [sys.executable, "-m", "retrieval.cli", "serve", "--port", "0", "--index", index]
        environment = os.environ | {"VRAAGBAAK_RATE_LIMIT": "off"}
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment
        ) as serving:
            assert serving.stdout is not None
            address = re.search(r"http://\S+", serving.stdout.readline())
            assert address is not None
            print(f"idle {resident_mb(serving.pid):.1f} MB")
            for done in range(0, total, step):
                ask_all(address.group(), (f"{texts[n % len(texts)]} {n}" for n in range(done, done + step)))
                if done == 0:
                    first = resident_mb(serving.pid)
                    print(f"after {step:,} questions {first:.1f} MB")
                else:
                    print(f"after {done + step:,} {resident_mb(serving.pid) - first:+.1f} MB")
            serving.terminate()


def ask_all(address: str, questions: Iterable[str]) -> None:
    """Ask each question once, from several clients at once."""

    def ask(question: str) -> None:
        body = json.dumps({"question": question}).encode()
        request = urllib.request.Request(
            f"{address}/api/v1/answers", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(ask, questions))


def resident_mb(process: int) -> float:
    """A process's resident memory, in MB of 1,024 KiB."""
    status = Path(f"/proc/{process}/status").read_text("utf-8")
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found.group(1)) / 1024


if __name__ == "__main__":
    main()
