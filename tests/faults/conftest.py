"""What the fault tests share. The modules beside them are also run by path, in processes of their own."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from interrupting import Interrupter

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def interrupter() -> "Iterator[Interrupter]":
    """The process that forks builds which are interrupted."""
    from interrupting import Interrupter

    with Interrupter() as process:
        yield process
