"""What may be put in Gradio's queue: a question as the chat's own page sends it, and nothing else.

Gradio takes an object with a path or an address, wherever it expects text, for a file: it fetches the
address or copies the file. So only text gets through to it, in a body written anew from what was read.
"""

import json
import re
from typing import Any

JOIN_PATH = "/gradio_api/queue/join"
"""Where the page of the chat sends questions."""

_REQUIRED = {"data", "fn_index", "session_hash"}
_OPTIONAL = {"trigger_id", "event_data"}
_ASK = 0
"""The number of the one function that the chat calls."""

_SESSION = re.compile(r"[A-Za-z0-9]{1,64}")


def checked_join(body: bytes) -> bytes | None:
    """The same request, written by us, or None where the page of the chat would not send it."""
    try:
        join = json.loads(body)
        # written anew: of a key that stands twice, one value is left; half a surrogate pair is refused
        return json.dumps(join, ensure_ascii=False).encode() if _is_question(join) else None
    except (ValueError, RecursionError):
        return None


def _is_question(join: Any) -> bool:
    return (
        isinstance(join, dict)
        and join.keys() >= _REQUIRED
        and join.keys() <= _REQUIRED | _OPTIONAL
        and _is_typed_text(join["data"])
        and _is_whole_number(join["fn_index"])
        and join["fn_index"] == _ASK
        and isinstance(join["session_hash"], str)
        and _SESSION.fullmatch(join["session_hash"]) is not None
        and (join.get("trigger_id") is None or _is_whole_number(join["trigger_id"]))
        and join.get("event_data") is None
    )


def _is_typed_text(data: Any) -> bool:
    """Whether this is the text box's value, and null for the state, which stays on the server."""
    return isinstance(data, list) and len(data) == 2 and isinstance(data[0], str) and data[1] is None


def _is_whole_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
