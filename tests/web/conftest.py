"""Fixtures of the web tests: the application over three sentences, here and in a process of its own."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from retrieval.settings import Settings
from retrieval.web.server import create_app

# three_sentences.py is also a program of its own, run by path
sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop that uvicorn runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
async def app() -> ASGIApp:
    """The whole application over three sentences, without a rate limit.

    Made while an event loop runs, or Gradio makes eleven of its own and closes none.
    """
    from three_sentences import ThreeSentences

    return create_app(ThreeSentences(), Settings(rate_limit="off"))


@pytest.fixture
async def client(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that application."""
    from web_serving import client_of

    async with client_of(app) as client:
        yield client


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where another process serves the three sentences."""
    from web_serving import THREE_SENTENCES, served

    with served(*THREE_SENTENCES) as address:
        yield address
