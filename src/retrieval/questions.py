"""What a question and the earlier ones may be, in words for visitors: the limits of every face."""

import unicodedata
from collections.abc import Sequence

MOST_CHARACTERS = 500
"""Characters of a question after trimming."""

MOST_EARLIER = 10
"""Earlier questions that a request may carry."""

_BLANK = "\t\n\r"
"""Control characters that are mere white space; every other one is refused."""

EMPTY = "Typ eerst een vraag."


def question_problem(text: str) -> str | None:
    """What is wrong with a question, in Dutch; None where nothing is."""
    return EMPTY if not text.strip() else earlier_question_problem(text)


def earlier_question_problem(text: str) -> str | None:
    """The same for an earlier question, which may be blank."""
    length = len(text.strip())
    if length > MOST_CHARACTERS:
        return f"Uw vraag is {length} tekens lang. Maak hem korter: hoogstens {MOST_CHARACTERS} tekens."
    if not is_text(text):
        return "Uw vraag bevat tekens die geen tekst zijn. Typ de vraag opnieuw."
    return None


def latest(history: Sequence[str]) -> tuple[str, ...]:
    """The earlier questions that a reply is asked with: the last ones, oldest first."""
    return tuple(history)[-MOST_EARLIER:]


def is_text(text: str) -> bool:
    """Whether all of it can be read: no control character, no half of a surrogate pair."""
    return not any(_is_refused(character) for character in text)


def _is_refused(character: str) -> bool:
    # Cs: half of a surrogate pair, which JSON can carry and UTF-8 cannot
    return character not in _BLANK and unicodedata.category(character) in ("Cc", "Cs")
