"""What became of each document: by hand, and that nothing is counted twice or not at all."""

from hypothesis import given
from hypothesis import strategies as st

from retrieval.changes import Changes, changes_between
from retrieval.generations import DocumentHashes

hashes = st.builds(DocumentHashes, st.sampled_from("tuv"), st.sampled_from("rs"))
documents = st.dictionaries(st.sampled_from("abcdef"), hashes)


def test_each_kind_of_change() -> None:
    before = {
        "blijft": DocumentHashes("t1", "r1"),
        "tekst": DocumentHashes("t2", "r2"),
        "herkomst": DocumentHashes("t3", "r3"),
        "oude naam": DocumentHashes("t4", "r4"),
        "weg": DocumentHashes("t5", "r5"),
    }
    after = {
        "blijft": DocumentHashes("t1", "r1"),
        "tekst": DocumentHashes("t2b", "r2b"),
        "herkomst": DocumentHashes("t3", "r3b"),
        "nieuwe naam": DocumentHashes("t4", "r4b"),
        "erbij": DocumentHashes("t6", "r6"),
    }
    assert changes_between(before, after) == Changes(
        new=("erbij",),
        changed=("herkomst", "tekst"),
        renamed=(("oude naam", "nieuwe naam"),),
        gone=("weg",),
    )


def test_of_two_with_the_same_text_each_is_renamed_once() -> None:
    same = DocumentHashes("t", "r")
    assert changes_between({"a": same, "b": same}, {"c": same}) == Changes(renamed=(("a", "c"),), gone=("b",))
    assert changes_between({"a": same}, {"a": same, "b": same}) == Changes(new=("b",))
    assert changes_between({}, {"a": same}) == Changes(new=("a",))


@given(documents, documents)
def test_every_document_is_counted_once(
    before: dict[str, DocumentHashes], after: dict[str, DocumentHashes]
) -> None:
    changes = changes_between(before, after)
    old, new = [one for one, _ in changes.renamed], [one for _, one in changes.renamed]
    unchanged = [id_ for id_ in after if before.get(id_) == after[id_]]
    assert sorted([*changes.new, *changes.changed, *new, *unchanged]) == sorted(after)
    assert sorted([*changes.gone, *changes.changed, *old, *unchanged]) == sorted(before)
    assert all(before[one].sha256 == after[other].sha256 for one, other in changes.renamed)
