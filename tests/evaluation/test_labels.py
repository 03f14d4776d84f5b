import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kbsupport.errors import ConfigError
from kbsupport.evaluation.labels import parse_label, read_labels

SAMPLE = Path(__file__).parents[2] / "data" / "tickets.jsonl"
ROW = {"id": "T-1", "text": "Where is it?", "expected": "auto_resolve", "accept_ids": ["track"]}


def written(folder, *lines):
    path = folder / "tickets.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_question_is_subject_blank_line_text(tmp_path):
    (label,) = read_labels(written(tmp_path, json.dumps(ROW | {"subject": "My parcel"})))
    assert label.text == "My parcel\n\nWhere is it?"


def test_every_field_is_read(tmp_path):
    row = ROW | {
        "kind": "routine",
        "topic": "delivery",
        "intent": "faq",
        "urgent": True,
        "tier": "premium",
        "language": "en",
        "product": "Hub",
        "customer_id": "C-1",
        "conversation_id": "CV-1",
        "created_at": "2026-07-01T09:00:00Z",
    }
    (label,) = read_labels(written(tmp_path, json.dumps(row)))
    assert label.accept_ids == ("track",)
    assert label.created_at == datetime(2026, 7, 1, 9, tzinfo=UTC)
    for name in row.keys() - {"accept_ids", "created_at"}:
        assert getattr(label, name) == row[name]


def test_blank_lines_a_byte_order_mark_and_unknown_keys_are_no_fault(tmp_path):
    path = written(tmp_path, "", json.dumps(ROW | {"expected_if_withheld": "escalate"}), "  ", "")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [label.id for label in read_labels(path)] == ["T-1"]


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path):
    text = "first\u2028second"
    (label,) = read_labels(written(tmp_path, json.dumps(ROW | {"text": text}, ensure_ascii=False)))
    assert label.text == text


def test_a_text_with_its_article_is_a_label_too(tmp_path):
    path = written(tmp_path, '{"text": "Where is it?", "article_id": "track"}')
    (label,) = read_labels(path)
    assert (label.id, label.accept_ids, label.answerable) == (f"{path.name}:1", ("track",), True)


def test_numbers_as_ids_become_text(tmp_path):
    (label,) = read_labels(written(tmp_path, json.dumps(ROW | {"id": 7, "customer_id": 12})))
    assert (label.id, label.customer_id) == ("7", "12")


def test_a_ticket_for_a_person_accepts_no_article(tmp_path):
    row = ROW | {"expected": "escalate"}
    (label,) = read_labels(written(tmp_path, json.dumps(row)))
    assert not label.answerable
    assert not label.accepts("track")


def test_only_accepted_articles_are_accepted():
    label = parse_label(json.dumps(ROW), "here:1")
    assert label.accepts("track")
    assert not label.accepts("other")
    assert not label.accepts(None)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "expected an object"),
        (json.dumps(ROW | {"text": None}), "`text` is missing"),
        (json.dumps(ROW | {"text": 3}), "`text` must be text, not 3"),
        (json.dumps(ROW | {"expected": "maybe"}), "`expected` is 'maybe'"),
        (json.dumps(ROW | {"expected": None}), "`expected` is missing"),
        (json.dumps(ROW | {"accept_ids": []}), "needs `accept_ids`"),
        (json.dumps(ROW | {"accept_ids": "track"}), "`accept_ids` must be a list"),
        (json.dumps(ROW | {"accept_ids": [1]}), "`accept_ids` must be a list"),
        (json.dumps(ROW | {"urgent": "yes"}), "`urgent` must be true or false"),
        (json.dumps(ROW | {"id": True}), "`id` must be text"),
        (json.dumps(ROW | {"created_at": "yesterday"}), "`created_at` is 'yesterday'"),
    ],
)
def test_a_bad_line_is_named_with_its_file_and_number(tmp_path, line, fault):
    path = written(tmp_path, json.dumps(ROW), "", line)
    with pytest.raises(ConfigError) as raised:
        read_labels(path)
    assert str(raised.value).startswith(f"{path}:3: ")
    assert fault in str(raised.value)


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        read_labels(tmp_path / "none.jsonl")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_labels(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_labels(tmp_path / "binary")


def test_the_sample_tickets_are_in_order_and_told_apart():
    labels = read_labels(SAMPLE)
    assert len({label.id for label in labels}) == len(labels)
    assert len({label.text for label in labels}) == len(labels)
    assert [label.created_at for label in labels] == sorted(label.created_at for label in labels)
    assert all(bool(label.accept_ids) == label.answerable for label in labels)
