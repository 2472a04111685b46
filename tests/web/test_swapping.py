"""A new generation takes its place while questions are asked: every face follows, and no question is lost."""

import hashlib
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from three_sentences import DOCUMENT, ThreeSentences, ThreeSentencesIndex, ThreeSentencesStore
from web_serving import client_of, served

from retrieval.answerability import Answerability
from retrieval.building import update_index
from retrieval.corpus import read_corpus
from retrieval.embedding import open_query_embedder
from retrieval.rehearsing import Rehearsal
from retrieval.serving import LiveChatbot
from retrieval.settings import DEFAULT_EMBEDDER, Settings
from retrieval.store import DocumentEntry
from retrieval.web.server import create_app

SWAPS = 10
VERSIONS = range(SWAPS + 1)
QUESTION = "Wat kost een paspoort?"


class OtherStore(ThreeSentencesStore):
    """The same document under another title."""

    def documents(self) -> list[DocumentEntry]:
        return [DocumentEntry(DOCUMENT.id, "Het stadskantoor", DOCUMENT.sha256, DOCUMENT.provenance, 4)]


class Other(ThreeSentences):
    """What takes the place of ThreeSentences."""

    index = ThreeSentencesIndex(OtherStore())
    suggestions = ("Is het stadskantoor open?",)


@pytest.mark.anyio
async def test_the_welcome_of_the_chat_and_the_sources_follow() -> None:
    live = LiveChatbot(ThreeSentences())
    async with client_of(create_app(live, Settings(rate_limit="off"))) as client:
        before = (await client.get("/")).text, (await client.get("/bronnen")).text
        live.swap(Other())
        after = (await client.get("/")).text, (await client.get("/bronnen")).text
        config = (await client.get("/config")).text
    for page, listing, here, gone in (
        (*before, "Het gemeentehuis", "Het stadskantoor"),
        (*after, "Het stadskantoor", "Het gemeentehuis"),
    ):
        assert here in page
        assert gone not in page
        assert here in listing
        assert gone not in listing
    assert "Is het stadskantoor open?" in after[0]
    assert "Wanneer is het gemeentehuis open?" not in config


def text_of(version: int, subject: str, price: int) -> str:
    """A text of which the places shift and the words change with the version."""
    return (
        f"{subject.capitalize()}\n\n{'Neem een foto mee. ' * version}"
        f"Een {subject} kost {price + version} euro.\n\nHet loket is op maandag dicht.\n"
    )


class Town:
    """A corpus of two texts that change together, and its index."""

    def __init__(self, folder: Path) -> None:
        self.corpus, self.index = folder / "corpus", folder / "index"
        self.corpus.mkdir()
        self.texts: dict[str, tuple[int, str]] = {}
        self._embedder = open_query_embedder(DEFAULT_EMBEDDER, None, None)

    def publish(self, version: int) -> None:
        """Write this version of the texts, and make the index that of them."""
        for subject, price in (("paspoort", 70), ("rijbewijs", 40)):
            text = text_of(version, subject, price)
            self.texts[hashlib.sha256(text.encode()).hexdigest()] = version, text
            (self.corpus / f"{subject}.txt").write_text(text, "utf-8")
        update_index(
            read_corpus(self.corpus),
            self.index,
            lambda: self._embedder,
            self._embedder.fingerprint,
            rehearse=Rehearsal(self._embedder, Answerability.load()),
            keep=len(VERSIONS) + 1,
        )

    def version_of(self, reply: dict[str, Any]) -> int:
        """The version that the whole reply is from; every place in it holds the words that it gives."""
        assert reply["status"] == "answered"
        versions = set()
        for citation in reply["citations"]:
            version, text = self.texts[citation["sha256"]]
            assert text[citation["start"] : citation["end"]] == citation["text"]
            versions.add(version)
        for quote in reply["quotes"]:
            _, text = self.texts[reply["citations"][quote["citation"] - 1]["sha256"]]
            assert text[quote["start"] : quote["end"]] == quote["text"]
        (version,) = versions
        assert reply["quotes"][0]["text"] == f"Een paspoort kost {70 + version} euro."
        return version


def ask(client: httpx.Client) -> dict[str, Any]:
    response = client.post("/api/v1/answers", json={"question": QUESTION})
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()
    return content


def is_soon(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    town = Town(tmp_path_factory.mktemp("town"))
    town.publish(0)
    return town


@pytest.fixture(scope="module")
def town_address(town: Town) -> Iterator[str]:
    command = (sys.executable, "-m", "retrieval.cli", "serve", "--port", "0")
    folders = ("--corpus", str(town.corpus), "--index", str(town.index))
    settings = {"VRAAGBAAK_RATE_LIMIT": "off", "VRAAGBAAK_FEEDBACK": "", "VRAAGBAAK_KEEP_GENERATIONS": "12"}
    with served(*command, *folders, environment=os.environ | settings) as address:
        yield address


def test_of_a_steady_load_over_ten_swaps_no_question_is_lost_and_no_reply_mixed(
    town: Town, town_address: str
) -> None:
    ended = threading.Event()

    def ask_on() -> list[int]:
        seen = []
        with httpx.Client(base_url=town_address, timeout=20) as client:
            while not ended.is_set():
                reply = ask(client)
                seen.append(town.version_of(reply))
                page = client.get(reply["citations"][0]["source_url"])
                assert page.status_code == 200
                assert f">{reply['quotes'][0]['text']}</mark>" in page.text
        return seen

    with ThreadPoolExecutor(3) as pool, httpx.Client(base_url=town_address, timeout=20) as client:
        asking = [pool.submit(ask_on) for _ in range(3)]
        try:
            for version in VERSIONS[1:]:
                town.publish(version)
                assert is_soon(lambda version=version: town.version_of(ask(client)) == version)
        finally:
            ended.set()
        seen = [one.result(30) for one in asking]

    for versions in seen:
        assert versions == sorted(versions)
    # each version was served above; that these asked while it was, and were not held up, shows here
    asked_of = {*itertools.chain.from_iterable(seen)}
    assert len(asked_of) > SWAPS // 2


def test_a_damaged_generation_does_not_serve(town: Town, town_address: str) -> None:
    name = (town.index / "CURRENT").read_text("utf-8")
    with httpx.Client(base_url=town_address, timeout=20) as client:
        serving = town.version_of(ask(client))
        damaged = town.index / "generations" / "20990101T000000000000Z-00000000"
        damaged.mkdir()
        (town.index / "CURRENT").write_text(damaged.name, "utf-8")
        time.sleep(2.5)  # it has looked twice
        assert town.version_of(ask(client)) == serving
        (town.index / "CURRENT").write_text(name, "utf-8")
        town.publish(serving + 1)
        assert is_soon(lambda: town.version_of(ask(client)) == serving + 1)
