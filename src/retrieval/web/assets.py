"""The files of ``static/`` and the addresses they are served at."""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_PATH = "/vraagbaak"
"""Where the files of ``static/`` are served."""


@cache
def static_url(name: str) -> str:
    """The address of a file of ``static/``; it changes with the file, so that browsers may keep it."""
    content = (static_folder() / name).read_bytes()
    return f"{STATIC_PATH}/{name}?v={sha256(content).hexdigest()[:8]}"


def static_folder() -> Path:
    """Where the files lie."""
    return Path(str(files("retrieval.web"))) / "static"


class KeptFiles(StaticFiles):
    """Static files that a browser keeps for a year: their address holds their hash."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or the 404 of Starlette."""
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
