import time
from datetime import UTC, datetime

import numpy as np
import pytest

from kbsupport.model import Label, normalised, text_hash
from kbsupport.store import articles, generations, labels
from kbsupport.store.labels import HISTORY, THRESHOLD

FULL = Label(
    "T-1", "Where is it?", "auto_resolve", ("track", "ship"), kind="routine", topic="delivery",
    intent="faq", urgent=True, tier="premium", language="en", product="Hub", customer_id="C-1",
    conversation_id="CV-1", created_at=datetime(2026, 7, 1, 9, tzinfo=UTC),
)  # fmt: skip
LAST = {"outcome": "auto_resolve", "article_id": "track", "probability": 0.1 + 0.2, "right": True}


def escalate(text, id="T"):
    return Label(id, text, "escalate")


def save(connection, *given, role=HISTORY, source="tickets.jsonl", move=False):
    hashes = [f"words of {text_hash(label.text)}" for label in given]
    return labels.save_labels(connection, given, role, source, hashes, move=move)


def texts(connection, role=None):
    return [one.label.text for one in labels.load_labels(connection, role)]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("  Where IS\n\tit?! ", "where is it"),
        ("«Où est-il ?»", "où est-il"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("cafe\u0301", "café"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ。", "full width"),
        ("C++", "c++"),
        ("thanks 👍", "thanks 👍"),
        ("?!", ""),
        ("", ""),
        ("a\udc80b\0c\udc80", "a?b c"),
    ],
)
def test_case_white_space_and_the_punctuation_around_a_text_do_not_count(text, left):
    assert normalised(text) == left
    assert normalised(left) == left


def test_no_character_is_normalised_further_the_second_time():
    every = [chr(code) for code in range(0x2_0000)]
    assert [c for c in every if normalised(normalised(f"a{c}b")) != normalised(f"a{c}b")] == []


def test_what_says_the_same_has_one_hash_and_punctuation_without_end_costs_nothing():
    assert text_hash("Where is it?") == text_hash("where  is it")
    assert text_hash("Where is it?") != text_hash("Where is he?")
    begun = time.monotonic()
    text_hash("a" + "?" * 1_000_000 + "b")
    assert time.monotonic() - begun < 2


def test_a_label_comes_back_as_it_went_in(database):
    with database.write() as connection:
        assert save(connection, FULL, escalate("Sue you")) == 2
    with database.read() as connection:
        first, second = labels.load_labels(connection)
    assert first.label == FULL
    assert (first.text_hash, first.role, first.source) == (
        text_hash(FULL.text), "history", "tickets.jsonl",
    )  # fmt: skip
    assert first.content_hash == f"words of {text_hash(FULL.text)}"
    assert first.last is None
    assert second.label == escalate("Sue you")
    assert first.id < second.id


def test_a_text_that_no_database_takes_is_kept_without_what_it_cannot_take(database):
    with database.write() as connection:
        assert save(connection, escalate("a\udc80b\0c\udc80", id="\udc80"), source="\udc80.jsonl")
        (found,) = labels.load_labels(connection)
    assert (found.label.text, found.label.id, found.source) == ("a?b c?", "?", "?.jsonl")
    assert found.text_hash == text_hash(found.label.text)


def test_a_text_that_is_stored_already_is_updated_and_not_doubled(database):
    with database.write() as connection:
        save(connection, FULL, escalate("Other"))
        again = Label("T-9", "where is it", "escalate")
        assert save(connection, again, source="later.jsonl") == 1
        first, _ = labels.load_labels(connection)
        assert labels.count(connection) == 2
    assert (first.label, first.source) == (again, "later.jsonl")


def test_of_two_labels_for_one_text_in_one_file_the_last_one_counts(database):
    with database.write() as connection:
        assert save(connection, FULL, escalate("where is it")) == 2
        assert [one.label.expected for one in labels.load_labels(connection)] == ["escalate"]


def test_no_labels_are_no_fault(database):
    with database.write() as connection:
        assert save(connection) == 0
        labels.note_last(connection, {})
        assert labels.load_labels(connection) == []
        assert labels.count(connection) == 0


def test_labels_and_hashes_of_unequal_number_are_refused(database):
    with pytest.raises(ValueError, match="shorter"), database.write() as connection:
        labels.save_labels(connection, [FULL], HISTORY, "f", [])


def test_what_was_learnt_never_becomes_a_threshold_label_not_even_when_asked(database):
    with database.write() as connection:
        save(connection, FULL)
        for move in (False, True):
            new = escalate("New")
            stored = save(connection, escalate("where is it"), new, role=THRESHOLD, move=move)
            assert stored == 1
        assert texts(connection, HISTORY) == [FULL.text]
        assert texts(connection, THRESHOLD) == ["New"]
        assert labels.load_labels(connection, HISTORY)[0].label == FULL


def test_a_threshold_label_becomes_history_only_when_asked(database):
    with database.write() as connection:
        save(connection, FULL, role=THRESHOLD)
        assert save(connection, FULL) == 0
        assert labels.roles(connection) == {text_hash(FULL.text): THRESHOLD}
        assert save(connection, FULL, move=True) == 1
        assert labels.roles(connection) == {text_hash(FULL.text): HISTORY}
        assert labels.count(connection, THRESHOLD) == 0
        assert labels.count(connection, HISTORY) == 1


def test_only_the_labels_of_one_role_are_forgotten(database):
    with database.write() as connection:
        save(connection, escalate("Kept"))
        save(connection, escalate("Gone"), escalate("Gone too"), role=THRESHOLD)
        assert labels.forget_labels(connection, THRESHOLD) == 2
        assert labels.forget_labels(connection, THRESHOLD) == 0
        assert texts(connection) == ["Kept"]


def test_the_last_replay_is_remembered_until_the_label_says_something_else(database):
    with database.write() as connection:
        save(connection, FULL, escalate("Other"))
        first, other = labels.load_labels(connection)
        labels.note_last(connection, {first.id: LAST, other.id: {"right": False}})
        save(connection, FULL, source="renamed.jsonl")
        save(connection, Label("T", "Other", "auto_resolve", ("ship",)))
        first, other = labels.load_labels(connection)
    assert (first.last, first.source) == (LAST, "renamed.jsonl")
    assert other.last is None


def test_the_stamp_of_the_history_changes_with_the_history_alone(database):
    with database.write() as connection:
        stamps = [labels.history_stamp(connection)]

        def changed():
            stamps.append(labels.history_stamp(connection))
            return stamps[-1] != stamps[-2]

        save(connection, FULL, escalate("Other"))
        assert changed()
        save(connection, FULL, source="renamed.jsonl")
        save(connection, escalate("Apart"), role=THRESHOLD)
        labels.note_last(connection, {labels.load_labels(connection)[0].id: LAST})
        assert not changed()
        save(connection, Label("T-1", FULL.text, "escalate"))
        assert changed()
        save(connection, escalate("Apart"), move=True)
        assert changed()
        labels.forget_labels(connection, HISTORY)
        assert changed()
        assert len(set(stamps)) == 4
        assert all(stamp.isalnum() for stamp in stamps)


def test_the_texts_that_an_embedder_has_not_seen_are_named_once_each(database):
    with database.write() as connection:
        given = [escalate("One"), escalate("Two"), escalate("Two again")]
        labels.save_labels(connection, given, HISTORY, "f", ["h1", "h2", "h2"])
        articles.save_embeddings(connection, "old", ["h1", "h2"], np.ones((2, 2), np.float32))
        articles.save_embeddings(connection, "new", ["h1"], np.ones((1, 2), np.float32))
        assert labels.unembedded_labels(connection, "old") == []
        assert labels.unembedded_labels(connection, "new") == [("h2", "Two")]
        assert len(labels.unembedded_labels(connection, "newest")) == 2


def test_an_index_run_drops_no_vector_that_a_label_needs(database):
    vectors = np.ones((2, 2), np.float32)
    with database.write() as connection:
        labels.save_labels(connection, [FULL], THRESHOLD, "f", ["of a label"])
        articles.save_embeddings(connection, "e", ["of a label", "of nobody"], vectors)
        articles.forget_unused(connection, [])
        assert articles.load_vectors(connection, ["of a label"], "e", 2).tolist() == [[1, 1]]
        with pytest.raises(generations.Pruned):
            articles.load_vectors(connection, ["of nobody"], "e", 2)
        labels.forget_labels(connection, THRESHOLD)
        articles.forget_unused(connection, [])
        with pytest.raises(generations.Pruned):
            articles.load_vectors(connection, ["of a label"], "e", 2)


def test_ten_thousand_labels_are_stored_and_learnt_again_in_moments(sqlite_database):
    database = sqlite_database
    given = [escalate(f"How do I reset the number {n} of my hub?") for n in range(10_000)]
    begun = time.monotonic()
    for _ in range(2):
        with database.write() as connection:
            assert save(connection, *given) == 10_000
    with database.read() as connection:
        assert len(labels.load_labels(connection, HISTORY)) == 10_000
    assert time.monotonic() - begun < 10
