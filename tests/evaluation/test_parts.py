import labelled
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.evaluation.parts import sort_out, split
from kbsupport.model import Label, text_hash

KNOWN = frozenset(labelled.THINGS)
LABELS = tuple(
    Label(r["id"], r["text"], r["expected"], tuple(r["accept_ids"])) for r in labelled.rows()
)
RISK, CONFIDENCE = 0.2, 0.8


def hashes(labels):
    return {text_hash(label.text) for label in labels}


@given(st.permutations(LABELS))
def test_the_same_labels_are_split_alike_in_any_order(labels):
    parts = split(labels, RISK, CONFIDENCE, ())
    again = split(LABELS, RISK, CONFIDENCE, ())
    assert hashes(parts.prove) == hashes(again.prove)
    assert hashes(parts.teach) == hashes(again.teach)
    assert not hashes(parts.teach) & hashes(parts.prove)


@given(st.sets(st.sampled_from(LABELS)), st.sets(st.sampled_from(LABELS)))
def test_what_taught_never_proves_and_what_was_kept_apart_never_teaches(taught, apart):
    taught, apart = hashes(taught), hashes(apart)
    parts = split(LABELS, RISK, CONFIDENCE, taught, apart)
    assert not hashes(parts.prove) & taught
    assert not hashes(parts.teach) & (apart - taught)
    assert hashes(parts.teach) | hashes(parts.prove) == hashes(LABELS)
    assert parts.left_out == len(taught)


def test_labels_of_one_id_are_told_apart_by_their_text():
    same = [Label("1", label.text, label.expected, label.accept_ids) for label in LABELS]
    parts = split(same, RISK, CONFIDENCE, ())
    assert parts.prove
    assert len(parts.teach) + len(parts.prove) == len(LABELS)


def test_too_few_labels_all_teach():
    parts = split(LABELS[:10], 0.05, 0.95, ())
    assert (len(parts.teach), parts.prove) == (10, ())


def test_what_cannot_be_used_is_sorted_out_by_its_fault():
    lost = Label("lost", "where is my boat", "auto_resolve", ("boat",))
    twice = Label("twice", LABELS[0].text + "?", LABELS[0].expected, LABELS[0].accept_ids)
    torn = Label("torn", LABELS[1].text, "escalate")
    found = sort_out([*LABELS, lost, twice, torn], KNOWN)
    assert found.unknown_articles == (lost,)
    assert found.duplicates == 1
    assert found.contradictions == (LABELS[1], torn)
    assert len(found.labels) == len(LABELS) - 1
