"""Judge, certificate and policy of a home: what was edited by hand decides nothing."""

import json
import os
from dataclasses import replace

import pytest

from kbsupport.errors import ConfigError, JudgeError, StoreError
from kbsupport.standing import (
    CERTIFICATE,
    INTENTS,
    JUDGE,
    POLICY,
    PRIOR,
    Shelf,
    judge_and_history,
    keep_artefacts,
    read_priors,
)
from kbsupport.triage.bounds import clopper_pearson_upper
from kbsupport.triage.certificate import TierBound, issue
from kbsupport.triage.policy import default_policy, parse_policy

PRIORS = read_priors()
FITTED = replace(PRIORS.learnt, name="fitted", bias=0.25)
HASHES = {"generation": "g", "embedder": "e", "judge": "j", "policy": "p"}


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path)


def stored(judge=FITTED):
    return {"judge": judge.to_dict(), "sha256": judge.hash}


def certificate():
    n = 500
    bound = TierBound(0.05, 0.9, n, 0, clopper_pearson_upper(0, n, 0.95), 0.8, None)
    return issue(
        {"standard": bound}, risk=0.05, confidence=0.95, by=None, hashes=HASHES,
        created_at="2026-11-21T05:00:00+00:00",
        labels={"source": "a", "from": None, "to": None, "count": 9, "left_out": 0},
    )  # fmt: skip


def edit(path, change):
    row = json.loads(path.read_text())
    change(row)
    path.write_text(json.dumps(row))


def test_an_empty_home_has_the_judges_and_the_policy_that_ship(shelf):
    standing = shelf.standing()
    assert (standing.judge, standing.certificate, standing.intents) == (None, None, None)
    assert standing.notices == ()
    assert standing.judge_for(any_history=False) == PRIORS.fresh
    assert standing.judge_for(any_history=True) == PRIORS.learnt
    assert standing.policy == default_policy()


def test_what_was_written_is_in_force_at_once(shelf):
    before = shelf.standing()
    shelf.write(JUDGE, stored())
    shelf.write(CERTIFICATE, certificate().to_dict())
    standing = shelf.standing()
    assert standing is not before
    assert standing.judge_for(any_history=False) == standing.judge == FITTED
    assert standing.certificate == certificate()
    shelf.write(JUDGE, None)
    assert shelf.standing().judge is None


def test_nothing_is_read_again_while_nothing_changes(shelf):
    shelf.write(JUDGE, stored())
    assert shelf.standing() is shelf.standing()


def test_another_shelf_on_the_same_home_sees_the_change(shelf, tmp_path):
    other = Shelf(tmp_path)
    assert other.standing().judge is None
    shelf.write(JUDGE, stored())
    assert other.standing().judge == FITTED


def test_to_take_away_what_is_not_there_is_no_fault(shelf):
    shelf.write(CERTIFICATE, None)
    assert shelf.standing().certificate is None


def test_a_write_that_fails_leaves_the_former_file_whole(shelf, tmp_path, monkeypatch):
    shelf.write(JUDGE, stored())
    before = (tmp_path / JUDGE).read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"judge\.json cannot be written: No space"):
        shelf.write(JUDGE, stored(PRIORS.fresh))
    assert (tmp_path / JUDGE).read_bytes() == before
    assert shelf.standing().judge == FITTED


def test_nobody_ever_reads_half_a_file(shelf, tmp_path, monkeypatch):
    shelf.write(JUDGE, stored())
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(Shelf(tmp_path).standing().judge))
    shelf.write(JUDGE, stored(PRIORS.fresh))
    assert seen == [FITTED], "until all is on disk, the former judge decides"
    assert shelf.standing().judge == PRIORS.fresh
    assert [path.name for path in tmp_path.iterdir()] == [JUDGE]


BROKEN_JUDGES = {
    "edited weight": lambda row: row["judge"].update(bias=9.0),
    "edited threshold": lambda row: row["judge"].update(threshold=0.0),
    "edited record": lambda row: row["judge"].update(records={"a": 9.0}),
    "no hash": lambda row: row.pop("sha256"),
    "no judge": lambda row: row.pop("judge"),
    "nan": lambda row: row["judge"].update(bias=float("nan")),
}


@pytest.mark.parametrize("change", BROKEN_JUDGES.values(), ids=BROKEN_JUDGES)
def test_a_judge_edited_by_hand_decides_nothing_and_is_named(shelf, tmp_path, change):
    shelf.write(JUDGE, stored())
    edit(tmp_path / JUDGE, change)
    standing = shelf.standing()
    assert standing.judge is None
    assert standing.judge_for(any_history=True) == PRIORS.learnt
    (notice,) = standing.notices
    assert "judge.json cannot be used" in notice
    assert "kbsupport calibrate" in notice


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"judge"'])
@pytest.mark.parametrize("name", [JUDGE, CERTIFICATE])
def test_a_file_that_is_none_of_ours_is_named_and_never_a_crash(shelf, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    standing = shelf.standing()
    assert (standing.judge, standing.certificate) == (None, None)
    assert standing.notices == () or name in standing.notices[0]
    assert standing.notices or content == b"null"


BROKEN_CERTIFICATES = {
    "a lower threshold": lambda row: row["tiers"]["standard"].update(threshold=0.1),
    "a lower bound": lambda row: row["tiers"]["standard"].update(bound=0.001),
    "fewer wrong": lambda row: row["tiers"]["standard"].update(n=5_000),
    "another risk": lambda row: row.update(risk=0.01),
    "another judge": lambda row: row["hashes"].update(judge="other"),
    "no hash": lambda row: row.pop("sha256"),
}


@pytest.mark.parametrize("change", BROKEN_CERTIFICATES.values(), ids=BROKEN_CERTIFICATES)
def test_a_certificate_edited_by_hand_proves_nothing_and_is_named(shelf, tmp_path, change):
    shelf.write(CERTIFICATE, certificate().to_dict())
    edit(tmp_path / CERTIFICATE, change)
    standing = shelf.standing()
    assert standing.certificate is None
    assert "certificate.json cannot be trusted" in standing.notices[0]


@pytest.mark.parametrize("changed", HASHES)
def test_a_certificate_holds_for_one_system_only(shelf, changed):
    shelf.write(CERTIFICATE, certificate().to_dict())
    standing = shelf.standing()
    assert standing.valid_certificate(HASHES) == (certificate(), None)
    held, why = standing.valid_certificate({**HASHES, changed: "another"})
    assert held is None
    assert "no longer holds" in why
    assert "kbsupport calibrate" in why


def test_without_an_index_no_certificate_holds(shelf):
    shelf.write(CERTIFICATE, certificate().to_dict())
    assert shelf.standing().valid_certificate({})[0] is None


def test_a_broken_intent_model_is_done_without(shelf, tmp_path):
    for content in ("{", "{}", "[]", '{"labels": 3}'):
        (tmp_path / INTENTS).write_text(content)
        assert shelf.standing().intents is None


def test_the_policy_of_a_home_takes_the_place_of_the_one_that_ships(shelf, tmp_path):
    before = shelf.standing().policy
    text = '[escalate]\ntopics = ["plans"]\n'
    (tmp_path / POLICY).write_text(text)
    standing = shelf.standing()
    assert standing.policy == parse_policy(text, POLICY)
    assert standing.policy.hash != before.hash
    assert standing.policy_text == text
    (tmp_path / POLICY).unlink()
    assert shelf.standing().policy == before


def test_a_policy_that_settings_name_beats_the_one_in_the_home(tmp_path):
    (tmp_path / POLICY).write_text("version = 2\n")
    named = tmp_path / "named.toml"
    named.write_text("version = 3\n")
    shelf = Shelf(tmp_path, policy=named)
    assert shelf.standing().policy.version == 3
    named.write_text("version = 44\n")
    assert shelf.standing().policy.version == 44


def test_an_edited_policy_with_an_unknown_rule_stops_everything_and_names_it(shelf, tmp_path):
    (tmp_path / POLICY).write_text("[escalate]\nsignalz = []\n")
    with pytest.raises(ConfigError, match=r"policy\.toml: escalate does not know 'signalz'"):
        shelf.standing()


def test_a_policy_that_is_named_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.toml"):
        Shelf(tmp_path, policy=tmp_path / "gone.toml").standing()


def test_other_prior_judges_can_be_set(tmp_path):
    row = json.loads(PRIOR.read_text())
    row["fresh"]["threshold"] = 0.5
    (tmp_path / "mine.json").write_text(json.dumps(row))
    shelf = Shelf(tmp_path, prior=tmp_path / "mine.json")
    assert shelf.standing().judge_for(any_history=False).threshold == 0.5


@pytest.mark.parametrize("row", [None, [], {}, {"fresh": {}}, {"fresh": {}, "learnt": {}}])
def test_prior_judges_that_cannot_be_read_are_named(tmp_path, row):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(row))
    with pytest.raises(JudgeError, match=r"mine\.json"):
        read_priors(path)


def test_a_judge_is_another_one_once_it_remembers_something_else():
    assert judge_and_history(FITTED, "a") != judge_and_history(FITTED, "b")
    assert judge_and_history(FITTED, "a") != judge_and_history(PRIORS.fresh, "a")


def test_everything_that_decided_is_kept_by_its_hash(shelf, tmp_path):
    from kbsupport.store import artefacts
    from kbsupport.store.database import Database

    shelf.write(CERTIFICATE, certificate().to_dict())
    standing, database = shelf.standing(), Database(tmp_path / "kbsupport.db")
    for _ in range(2):
        with database.write() as connection:
            keep_artefacts(connection, standing, FITTED)
    with database.read() as connection:
        judge, policy, proof = (
            artefacts.load(connection, key)
            for key in (FITTED.hash, standing.policy.hash, certificate().sha256)
        )
    database.close()
    assert (judge, proof) == (FITTED.to_dict(), certificate().to_dict())
    again = parse_policy(policy["text"], "kept", policy["shipped"])
    assert again.hash == standing.policy.hash
