"""What is learnt and proven from labels that are wrong, too few, or seen before."""

import json

import labelled
import pytest

from kbsupport.errors import ConfigError, NotIndexed
from kbsupport.model import Outcome
from kbsupport.store import labels as kept

CALM = {"risk": 0.2, "confidence": 0.8}


@pytest.fixture
def labels(tmp_path):
    return lambda made: labelled.write(tmp_path / "labels.jsonl", made)


def test_labels_with_unknown_articles_are_left_out_and_named(plain_app, labels):
    file = labels([*labelled.rows(), labelled.row("lost", "where is my boat", "boat")])
    learnt = plain_app.learn(file)
    assert learnt.partial
    assert learnt.to_dict()["set_aside"]["unknown_articles"] == 1
    assert learnt.notes() == [
        "1 labels name no article of the knowledge base and were left out: L-lost"
    ]


def test_labels_with_nothing_but_unknown_articles_are_refused(plain_app, labels):
    file = labels([labelled.row(1, "where is my boat", "boat")])
    with pytest.raises(ConfigError, match="kbsupport articles list"):
        plain_app.learn(file)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"expected": "maybe"}, "auto_resolve or escalate"),
        ({"accept_ids": []}, "needs `accept_ids`"),
    ],
)
def test_a_label_that_says_nothing_usable_is_refused_by_its_line(plain_app, labels, bad, said):
    file = labels([labelled.row(0, "fine", "garden"), labelled.row(1, "x", "garden") | bad])
    for read in (plain_app.learn, plain_app.calibrate, plain_app.backtest):
        with pytest.raises(ConfigError, match=said) as refused:
            read(file)
        assert "labels.jsonl:2" in str(refused.value)


@pytest.mark.parametrize("answerable", [True, False])
def test_one_class_only_proves_nothing_wrong(plain_app, labels, answerable):
    rows = [r for r in labelled.rows() if (r["expected"] == "auto_resolve") is answerable]
    found = plain_app.calibrate(labels(rows), **CALM)
    assert not found.judge.about["fitted"]
    if not answerable:
        assert found.certificate is None
        assert found.missing > 0


def test_ten_labels_prove_nothing_and_how_many_are_missing_is_said(plain_app, labels):
    found = plain_app.calibrate(labels(labelled.rows()[:10]), risk=0.05, confidence=0.95)
    assert found.certificate is None
    assert found.missing > 30
    assert found.to_dict()["missing"] == found.missing
    assert str(found.missing) in found.cure()
    reply = plain_app.ask("how do i reset the password")
    assert not reply.verdict.certified


def test_duplicates_count_once_and_are_no_failure(plain_app, labels):
    rows = labelled.rows()
    shouted = [r | {"id": f"{r['id']}-again", "text": r["text"].upper() + "!"} for r in rows[:3]]
    learnt = plain_app.learn(labels(rows + shouted))
    assert learnt.labels == len(rows)
    assert not learnt.partial
    assert learnt.notes() == ["3 labels stand twice and count once"]


def test_contradictions_are_left_out_on_both_sides(plain_app, labels):
    rows = labelled.rows()
    other = rows[0] | {"id": "other", "accept_ids": ["garden"]}
    learnt = plain_app.learn(labels([*rows, other]))
    assert learnt.labels == len(rows) - 1
    assert learnt.partial
    assert "2 labels contradict one another" in learnt.notes()[0]


def test_labels_learnt_before_teach_and_cannot_prove(plain_app, labels):
    rows = labelled.rows()
    plain_app.learn(labels(rows[:30]))
    found = plain_app.calibrate(labels(rows), **CALM)
    assert found.parts.left_out == 30
    assert not {label.id for label in found.parts.prove} & {r["id"] for r in rows[:30]}
    assert "30 labels were learnt before: they teach and prove nothing" in found.notes(
        plain_app.shelf.standing().policy
    )
    if found.certificate:
        assert found.certificate.labels["left_out"] == 30


def test_calibrating_with_the_same_labels_twice_proves_the_same(proven_app, labels):
    before = proven_app.shelf.standing().certificate
    again = proven_app.calibrate(labels(labelled.rows()), **CALM, learn=True)
    assert again.certificate.tiers == before.tiers
    assert again.parts.left_out == before.labels["left_out"] + len(again.parts.teach)


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_risk_or_confidence_that_is_no_share_is_refused(plain_app, labels, share):
    file = labels(labelled.rows())
    for name in ("risk", "confidence"):
        with pytest.raises(ConfigError, match="strictly between 0 and 1"):
            plain_app.calibrate(file, **{name: share})


def test_a_key_to_group_by_must_be_there(plain_app, labels):
    rows = labelled.rows()
    with pytest.raises(ConfigError, match="tier or topic"):
        plain_app.calibrate(labels(rows), by="colour")
    for one in rows:
        del one["tier"]
    with pytest.raises(ConfigError, match="no label names a tier"):
        plain_app.calibrate(labels(rows), by="tier")


def test_each_tier_is_proven_by_its_own_labels(plain_app, labels):
    rows = labelled.rows(tiers=("standard", "premium"))
    found = plain_app.calibrate(labels(rows), **CALM, by="tier")
    assert found.bounds.keys() >= {"standard", "premium"}
    assert found.bounds["enterprise"].threshold is None


def test_a_home_without_index_cannot_learn(fake_app, labels):
    file = labels(labelled.rows())
    for act in (fake_app.learn, fake_app.calibrate, fake_app.backtest):
        with pytest.raises(NotIndexed):
            act(file)


def test_learning_ends_the_certificate_and_says_so(proven_app, labels):
    assert proven_app.ask("how do i reset the password").verdict.certified
    learnt = proven_app.learn(labels([labelled.row(1, "antenna bent router", "router")]))
    assert learnt.ended is not None
    assert any("no longer holds" in note for note in learnt.notes())
    assert not proven_app.ask("how do i reset the password").verdict.certified


def test_what_changed_behind_its_back_ends_the_certificate(proven_app, small_kb):
    certificate = proven_app.shelf.standing().certificate
    proven_app.indexer.sync([small_kb / "garden.md", small_kb / "password.md"])
    reply = proven_app.ask("how do i reset the password")
    assert (reply.verdict.certified, reply.verdict.certificate) == (False, None)
    assert any(
        note.startswith(f"{certificate.id} no longer holds: the knowledge base has changed")
        for note in reply.notices
    )
    assert proven_app.mind.notices() == reply.notices


@pytest.mark.parametrize("key", ["confidence", "sha256", "tiers"])
def test_a_certificate_edited_by_hand_certifies_nothing(proven_app, home, key):
    path = home / "certificate.json"
    row = json.loads(path.read_text())
    if key == "tiers":
        row["tiers"]["standard"]["threshold"] = 0.0
    else:
        row[key] = 0.99 if key == "confidence" else "0" * 64
    path.write_text(json.dumps(row))
    reply = proven_app.ask("how do i reset the password")
    assert not reply.verdict.certified
    assert any("cannot be trusted" in notice for notice in reply.notices)


def test_a_broken_judge_is_not_used(proven_app, home):
    path = home / "judge.json"
    path.write_text(path.read_text()[:100])
    reply = proven_app.ask("how do i reset the password")
    assert not reply.verdict.certified
    assert any(notice.startswith("judge.json cannot be used") for notice in reply.notices)


def test_a_judge_edited_by_hand_is_not_used(proven_app, home):
    path = home / "judge.json"
    row = json.loads(path.read_text())
    row["judge"]["bias"] = 50.0
    path.write_text(json.dumps(row))
    reply = proven_app.ask("what do you think of the volcano and the poem")
    assert reply.verdict.outcome is not Outcome.RESOLVE
    assert any("it was edited" in notice for notice in reply.notices)


def test_calibrating_alone_keeps_no_text(plain_app, labels):
    plain_app.calibrate(labels(labelled.rows()), **CALM)
    with plain_app.database.read() as connection:
        assert kept.count(connection) == 0
