"""Dutch sentences about nothing in particular, against which the scores of a query are measured.

A score with a passage only says something beside the score that any text would get.
"""

from functools import cache
from importlib.resources import files


@cache
def background_texts() -> tuple[str, ...]:
    """The sentences of data/background.txt: cooking, sport, nature; written for this package."""
    return tuple((files("retrieval") / "data" / "background.txt").read_text("utf-8").splitlines())
