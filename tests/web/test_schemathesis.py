"""The running server against its own description: data that fits it, and data that doesn't, by schemathesis.

Run as a program, in every phase it has but the one for operations that follow on each other.
"""

import json
import subprocess
import sys
from pathlib import Path

from web_serving import THREE_SENTENCES, served

EXAMPLES = 40
"""Of each operation, at most; besides those that try every limit of every field. It takes some 13 seconds."""

OPERATIONS = ("POST /answers", "POST /feedback")
"""Those that take data; the third is the description itself."""


def test_every_answer_is_as_described(tmp_path: Path) -> None:
    environment = {"VRAAGBAAK_FEEDBACK": str(tmp_path / "feedback.sqlite")}
    with served(*THREE_SENTENCES, environment=environment) as address:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                "run",
                f"{address}/api/v1/openapi.json",
                "--include-path-regex=/",  # without it, the description itself is left out
                "--checks=all",
                "--mode=all",
                "--phases=examples,coverage,fuzzing",
                f"--max-examples={EXAMPLES}",
                "--continue-on-failure",
                "--no-color",
                "--report=json",
                f"--report-dir={tmp_path / 'report'}",
            ],
            check=False, capture_output=True, text=True, cwd=tmp_path, timeout=300,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout
    (report,) = (tmp_path / "report").iterdir()
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["operations"]["tested"] == 3
    assert told["test_cases"]["generated"] >= 150
    assert (told["failures"], told["errors"]) == ([], [])
    for operation in OPERATIONS:
        taken = sum(phase["accepted"] for phase in told["valid_rates"][operation].values())
        refused = sum(phase["rejected"] for phase in told["valid_rates"][operation].values())
        assert taken >= 30
        assert refused == 0  # of the data that fits
