"""What became of each document from one generation to the next."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from retrieval.generations import DocumentHashes


@dataclass(frozen=True, slots=True)
class Changes:
    """Ids of documents, in order; of a renamed one the id that it had and the one that it has.

    ``changed`` are those of which the text, or what is known of the document, is another. A document that is
    renamed is not among the others, also where more than its name changed, but its text did not.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    gone: tuple[str, ...] = ()


def changes_between(before: Mapping[str, DocumentHashes], after: Mapping[str, DocumentHashes]) -> Changes:
    """The changes that lead from the documents ``before`` to those ``after``, both by their ids."""
    vanished: defaultdict[str, list[str]] = defaultdict(list)
    for id_ in sorted(before.keys() - after.keys(), reverse=True):
        vanished[before[id_].sha256].append(id_)
    appeared = sorted(after.keys() - before.keys())
    renamed = [(vanished[text].pop(), id_) for id_ in appeared if vanished[text := after[id_].sha256]]
    names = {name for pair in renamed for name in pair}
    return Changes(
        new=tuple(id_ for id_ in appeared if id_ not in names),
        changed=tuple(sorted(id_ for id_ in before.keys() & after.keys() if before[id_] != after[id_])),
        renamed=tuple(renamed),
        gone=tuple(sorted(before.keys() - after.keys() - names)),
    )
