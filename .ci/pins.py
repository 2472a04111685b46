"""Resolve what the direct requirements bring along, and write it below them: ``make pins``.

Called with requirements files in order; what an earlier file pins is left out of the later ones.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

MARK = "# Brought along by these; written by `make pins`."


def main(files: list[str]) -> None:
    """Write the lower part of each file anew; a file that cannot be resolved stays as it was."""
    pinned: set[str] = set()
    for path in map(Path, files):
        before = path.read_text(encoding="utf-8")
        direct = before.partition(MARK)[0]
        path.write_text(direct, encoding="utf-8")
        try:
            resolved = resolve(path)
        except subprocess.CalledProcessError:
            path.write_text(before, encoding="utf-8")
            raise
        pinned |= names(direct)
        brought = {name: version for name, version in resolved.items() if name not in pinned}
        lines = [MARK, *(f"{name}=={version}" for name, version in sorted(brought.items()))]
        path.write_text(direct + "\n".join(lines) + "\n", encoding="utf-8")
        pinned |= brought.keys()


def names(requirements: str) -> set[str]:
    """The canonical names of the packages that the lines of a requirements file pin."""
    return {canonical(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", requirements, re.MULTILINE)}


def canonical(name: str) -> str:
    """A package's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def resolve(path: Path) -> dict[str, str]:
    """Every package that pip would install for this file into an empty environment, with its version."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    report = subprocess.run(  # noqa: S603 - pip, with files that we name
        [*command, "--report", "-", "--requirement", str(path)], check=True, capture_output=True, text=True
    ).stdout
    found = (item["metadata"] for item in json.loads(report)["install"])
    return {canonical(item["name"]): item["version"] for item in found}


if __name__ == "__main__":
    main(sys.argv[1:])
