"""How long it takes to start: to an answer on the command line, and to a served page.

    python benchmarks/start.py [ROUNDS]

Each in turn with a process that only imports the libraries which that path needs, without the parts of
openvino that it leaves out; medians and ratios.
"""

import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
ASKING = "openvino, faiss, numpy, Stemmer, rapidfuzz.process, pydantic_settings, sqlite3"
SERVING = f"{ASKING}, gradio, fastapi, uvicorn, jinja2, limits"
ENVIRONMENT_FIRST = (
    "import os, sys; os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'; "
    "sys.modules['openvino_telemetry'] = sys.modules['openvino.tools.ovc'] = None; "
)


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with TemporaryDirectory(prefix="vraagbaak-") as index:
        finish([sys.executable, "-m", "retrieval.cli", "index", "--index", index])
        cases: dict[str, Callable[[], float]] = {
            f"import {ASKING}": lambda: finish(
                [sys.executable, "-c", ENVIRONMENT_FIRST + "import " + ASKING]
            ),
            "vraagbaak ask": lambda: finish(
                [
                    sys.executable,
                    "-m",
                    "retrieval.cli",
                    "ask",
                    "Waarvoor dient een ambtsbericht?",
                    "--index",
                    index,
                ]
            ),
            f"import {SERVING}": lambda: finish(
                [sys.executable, "-c", ENVIRONMENT_FIRST + "import " + SERVING]
            ),
            "python app.py, to the first page": lambda: to_first_page(index),
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, case in cases.items():
                times[name].append(case())
    names = list(cases)
    print(f"CPU: {cpu_name()}\n")
    print("| | median, s | ratio |\n|---|---|---|")
    for bare, whole in ((names[0], names[1]), (names[2], names[3])):
        print(f"| {bare} | {median(times[bare]):.2f} | 1 |")
        print(f"| {whole} | {median(times[whole]):.2f} | {median(times[whole]) / median(times[bare]):.2f} |")


def cpu_name() -> str:
    """The processor as Linux names it."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


def finish(command: list[str]) -> float:
    """Seconds until the command has ended well."""
    start = perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return perf_counter() - start


def to_first_page(index: str) -> float:
    """Seconds until the chat page has been served."""
    start = perf_counter()
    command = [sys.executable, "app.py", "--port", "0", "--index", index]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = re.search(r"http://\S+", process.stdout.readline())
        assert said is not None
        with urllib.request.urlopen(said.group(), timeout=30) as page:
            page.read()
        seconds = perf_counter() - start
        process.terminate()
    return seconds


if __name__ == "__main__":
    main()
