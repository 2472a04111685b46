"""Whether what is cited stands in the original, word for word: random passages of a collection of web pages.

    apt-get install libreoffice-help-nl
    python benchmarks/citations.py /usr/share/libreoffice/help/nl/text [--pages N | --all] [--passages N]

The pages are those of benchmarks/collection.py. The words of a passage must stand one after another in
what Chromium shows of the page, by the rules of tests/browser/originals.py; those that do not are printed.
Needs what the tests need (requirements-dev.txt) and a Chromium, which CHROMIUM_PATH may name.
"""

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from collection import PAGES, chosen, copied
from retrieval.corpus import read_corpus
from retrieval.embedding import open_query_embedder
from retrieval.passages import cut_passages
from retrieval.records import Passage
from retrieval.settings import DEFAULT_EMBEDDER

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

from chromium import FLAGS, chromium_path
from originals import stands_in, words_of

SEED = 6
PASSAGES = 100


def main() -> None:
    """Cut, choose, compare and tell."""
    options = parsed()
    paths = chosen(options.folder, None if options.all else options.pages)
    passages = passages_of(options.folder, paths)
    tried = Random(SEED).sample(passages, min(options.passages, len(passages)))  # noqa: S311 - no secret
    missing = not_standing(options.folder, tried)
    stand = len(tried) - len(missing)
    print(f"{len(paths)} pages, {len(passages):,} passages; {stand} of {len(tried)} stand there")
    for passage in missing:
        print(f"\n{passage.document_id}, {passage.span.start}-{passage.span.end}:\n{passage.text}")


def passages_of(folder: Path, paths: list[Path]) -> list[Passage]:
    """The passages of the pages, as they are built."""
    embedder = open_query_embedder(DEFAULT_EMBEDDER, None, None)
    with TemporaryDirectory(prefix="vraagbaak-") as corpus:
        copied(paths, folder, Path(corpus))
        documents = read_corpus(Path(corpus)).documents
    return [
        passage
        for document in documents
        for passage in cut_passages(document, embedder.count_tokens, embedder.max_tokens)
    ]


def not_standing(folder: Path, passages: list[Passage]) -> list[Passage]:
    """The passages whose words do not stand in what Chromium shows of their pages below the folder."""
    by_page = defaultdict(list)
    for passage in passages:
        by_page[passage.document_id].append(passage)
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        browser = playwright.chromium.launch(executable_path=chromium_path(own), args=FLAGS)
        page = browser.new_page()
        # scripts on, since a page without them sends its reader elsewhere, but none that builds a menu
        page.route(re.compile(r"\.js$"), lambda route: route.abort())
        missing = []
        for name, on_page in by_page.items():
            original = words_of(folder / name, page)
            missing += [passage for passage in on_page if not stands_in(passage.text, original)]
        browser.close()
    return missing


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="folder with HTML pages")
    parser.add_argument("--pages", type=int, default=PAGES, help=f"how many of them (default: {PAGES})")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--passages", type=int, default=PASSAGES, help=f"how many (default: {PASSAGES})")
    return parser.parse_args()


if __name__ == "__main__":
    main()
