"""How many passages of a collection say the same as another, and how long it takes to find them.

    apt-get install libreoffice-help-nl
    python benchmarks/duplicates.py /usr/share/libreoffice/help/nl/text tests/data/beir/algoritmekader

A folder with a ``corpus.jsonl`` is a BEIR set, any other a corpus. A token is taken for 4 characters.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from retrieval.corpus import read_corpus, text_document
from retrieval.duplicates import first_of_each_kind
from retrieval.evaluation import QUERIES, read_beir
from retrieval.passages import cut_passages
from retrieval.records import Document

MAX_TOKENS = 512
"""What the default model reads."""


def documents_of(folder: Path) -> Iterator[Document]:
    """The documents of a corpus, or of a BEIR set."""
    if (folder / "corpus.jsonl").exists():
        yield from (text_document(key, *texts) for key, texts in read_beir(folder, QUERIES).texts.items())
    else:
        yield from read_corpus(folder).documents


def counted(texts: Sequence[str]) -> list[int]:
    """Tokens, roughly."""
    return [len(text) // 4 for text in texts]


def main(folders: Sequence[Path]) -> None:
    """Print a line for each folder."""
    print("| collection | passages | same as one before | of these not to the letter | largest | seconds |")
    print("|---|---|---|---|---|---|")
    for folder in folders:
        cut = [cut_passages(document, counted, MAX_TOKENS) for document in documents_of(folder)]
        texts = [passage.text for passage in chain.from_iterable(cut)]
        start = time.perf_counter()
        firsts = first_of_each_kind(texts)
        seconds = time.perf_counter() - start
        joined = [(first, place) for place, first in enumerate(firsts) if first != place]
        differing = sum(texts[first].split() != texts[place].split() for first, place in joined)
        largest = max(Counter(firsts).values(), default=0)
        print(
            f"| {folder.name} | {len(texts):,} | {len(joined):,} | {differing} | {largest} | {seconds:.2f} |"
        )


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
