"""Which other websites may call the API from a visitor's browser and show the pages in a frame.

The setting ``allowed_origins`` names them; where it names none, they are the sites of one's own machine.
The host itself needs no naming: to a browser it is no other website.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address

from retrieval.errors import SettingsError

LOCAL_FRAMES = ("http://localhost:*", "http://127.0.0.1:*")
"""One's own machine in a policy: any port, and http stands for https too (CSP 3, 6.7.2.8). An address of
IPv6 is not in its grammar: browsers complain of it and leave it out."""

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ORIGIN = re.compile(
    rf"https?://(?:{_LABEL}(?:\.{_LABEL})*|\[(?P<ip>[0-9A-Fa-f:.]+)\])(?::(?P<port>[1-9]\d{{0,4}}))?"
)
_MOST_PORT = 65535
_LOCAL = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")
_USUAL_PORT = re.compile(r"(?<=^http)(://.*):80$|(?<=^https)(://.*):443$")


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins that are let in: those ``named``, or without any those of this machine."""

    named: tuple[str, ...] = ()

    def lets_in(self, origin: str) -> bool:
        """Whether a page of this origin, as its browser names it, may read what the API says."""
        return origin in self.named if self.named else _LOCAL.fullmatch(origin) is not None

    @property
    def frame_ancestors(self) -> str:
        """Who may show the pages in a frame, as a Content-Security-Policy says it."""
        frames = [origin for origin in self.named if "[" not in origin] if self.named else LOCAL_FRAMES
        return " ".join(("'self'", *frames))


def check_origins(origins: Sequence[str]) -> Origins:
    """The origins of the setting, written as browsers write them: small letters, no port that is the usual.

    Raises SettingsError where one is not of the form ``https://host`` or ``https://host:port``.
    """
    for origin in origins:
        if not _is_origin(origin):
            raise SettingsError(
                f"setting 'allowed_origins': found {origin!r}, expected https://host or https://host:port, "
                "without a path; correct VRAAGBAAK_ALLOWED_ORIGINS"
            )
    return Origins(tuple(_USUAL_PORT.sub(r"\1\2", origin.lower()) for origin in origins))


def _is_origin(text: str) -> bool:
    match = _ORIGIN.fullmatch(text)
    if match is None or int(match["port"] or 1) > _MOST_PORT:
        return False
    try:
        return match["ip"] is None or IPv6Address(match["ip"]) is not None
    except ValueError:
        return False
