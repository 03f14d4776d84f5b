# ruff: noqa: DTZ001 - hypothesis takes its bounds without a zone
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.desk.reading_rota import parse_rota
from kbsupport.desk.rota import (
    Need,
    choose,
    default_rota,
    expected_wait,
    read_rota,
    review_for,
    reviewers,
    ruled,
)
from kbsupport.errors import ConfigError
from kbsupport.model import Level

SAMPLE = Path(__file__).parents[2] / "data" / "specialists.toml"
TIERS = ("standard", "premium", "enterprise")
ROTA = read_rota(SAMPLE, TIERS)
IDS = [s.id for s in ROTA.specialists]
MONDAY = datetime(2026, 7, 6, 10, tzinfo=UTC)
SUNDAY = datetime(2026, 7, 5, 10, tzinfo=UTC)

NEEDS = st.builds(
    Need,
    topic=st.none() | st.sampled_from(["billing", "security", "alerts", "other", "unheard of"]),
    tier=st.sampled_from([*TIERS, "gold"]),
    language=st.none() | st.sampled_from(["en", "de", "fr", "nl", "it"]),
    level=st.sampled_from(list(Level)),
    wanted=st.none() | st.sampled_from([*IDS, "nobody"]),
)
LOADS = st.dictionaries(st.sampled_from(IDS), st.integers(0, 12))
NOWS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
AWAY = st.sets(st.sampled_from([one for one in IDS if one != "lead"]))
SMALL = """
lead = "lead"
usual = 30
[hours.office]
zone = "UTC"
mon = "09:00-17:00"
[due.standard]
hours = "office"
first = "4h"
solved = "1d"
[[specialist]]
id = "lead"
level = "lead"
topics = ["*"]
languages = ["en"]
capacity = 2
hours = "office"
"""


def rota_without(away, strategy="least_loaded"):
    people = tuple(replace(s, away=s.id in away) for s in ROTA.specialists)
    return replace(ROTA, specialists=people, strategy=strategy)


@given(NEEDS, LOADS, NOWS, AWAY, st.sampled_from(["least_loaded", "round_robin"]))
def test_nobody_is_chosen_who_is_off_shift_full_away_or_below_the_level(
    need, loads, now, away, strategy
):
    rota = rota_without(away, strategy)
    choice = choose(rota, need, loads, now, last="billing-1")
    assert choice.why
    if choice.specialist is None:
        return
    chosen = choice.specialist
    assert rota.on_shift(chosen, now)
    assert not chosen.away
    assert loads.get(chosen.id, 0) < chosen.capacity
    order = list(Level)
    assert order.index(chosen.level) >= order.index(need.level)
    if need.topic == "security":
        assert order.index(chosen.level) >= order.index(Level.EXPERT)


@given(NEEDS, AWAY)
def test_rules_applied_twice_change_nothing_more(need, away):
    rota = rota_without(away)
    once = ruled(rota, need)
    assert ruled(rota, once) == once


@given(NEEDS, st.integers(0, 30), LOADS, NOWS, AWAY)
def test_nobody_waits_less_with_more_people_ahead(need, ahead, loads, now, away):
    rota = rota_without(away)
    wait = expected_wait(rota, need, ahead, loads, now)
    assert timedelta(0) <= wait <= expected_wait(rota, need, ahead + 1, loads, now)
    busier = {one: loads.get(one, 0) + 1 for one in IDS}
    assert wait <= expected_wait(rota, need, ahead, busier, now)


@given(NEEDS, LOADS, NOWS)
def test_whoever_is_chosen_with_nothing_in_hand_begins_at_once(need, loads, now):
    choice = choose(ROTA, need, loads, now)
    if choice.specialist is not None and not loads.get(choice.specialist.id):
        assert expected_wait(ROTA, need, 0, loads, now) == timedelta(0)


def test_the_least_loaded_by_share_of_their_room_is_chosen_and_ties_go_by_id():
    need = Need("billing", "standard", "en")
    assert choose(ROTA, need, {}, MONDAY).specialist.id == "billing-1"
    loads = {"billing-1": 2, "billing-2": 1, "buildings-1": 1}
    choice = choose(ROTA, need, loads, MONDAY)
    assert choice.specialist.id == "buildings-1"
    assert "1 of 6" in choice.why


def test_a_round_robin_goes_on_after_the_last_and_starts_again():
    rota = replace(ROTA, strategy="round_robin")
    need, turns, last = Need("billing", "standard", "en"), [], None
    for _ in range(4):
        last = choose(rota, need, {}, MONDAY, last).specialist.id
        turns.append(last)
    assert turns == ["billing-1", "billing-2", "buildings-1", "billing-1"]


def test_enterprise_waits_for_its_named_person_until_it_is_raised_further():
    need = ruled(ROTA, Need("alerts", "enterprise", "en"))
    assert (need.level, need.wanted) == (Level.EXPERT, "buildings-1")
    waiting = choose(ROTA, need, {"buildings-1": 6}, MONDAY)
    assert waiting.specialist is None
    assert waiting.why == "meant for buildings-1; buildings-1 full"
    raised = replace(need, level=need.level.next)
    assert choose(ROTA, raised, {"buildings-1": 6}, MONDAY).specialist.id == "lead"


def test_a_named_person_who_is_away_holds_nobody_up():
    choice = choose(rota_without({"buildings-1"}), Need("alerts", "enterprise", "en"), {}, MONDAY)
    assert choice.specialist.id == "devices-1"


def test_security_goes_to_experts_only():
    need = Need("security", "standard", "en")
    assert choose(ROTA, need, {"buildings-1": 6}, MONDAY).specialist.id == "security-1"


def test_a_language_that_nobody_speaks_is_ignored_and_that_is_said():
    choice = choose(ROTA, Need("alerts", "standard", "it"), {}, MONDAY)
    assert choice.specialist is not None
    assert "nobody speaks it" in choice.why


def test_a_language_that_somebody_speaks_is_waited_for():
    choice = choose(ROTA, Need("privacy", "standard", "fr"), {"buildings-1": 6}, MONDAY)
    assert choice.specialist is None


def test_the_lead_takes_what_nobody_else_ever_could():
    rota = rota_without(set(IDS) - {"lead", "devices-1"})
    choice = choose(rota, Need("billing", "standard", "en"), {}, MONDAY)
    assert choice.specialist.id == "lead"
    assert choose(rota, Need("alerts", "standard", "en"), {}, MONDAY).specialist.id == "devices-1"


def test_with_everybody_off_shift_the_wait_lasts_until_somebody_comes():
    need = Need("billing", "standard", "en")
    choice = choose(ROTA, need, {}, SUNDAY)
    assert choice.specialist is None
    assert "off shift until Mon 06 Jul 06:00 UTC" in choice.why
    assert expected_wait(ROTA, need, 0, {}, SUNDAY) == timedelta(hours=20)


def test_the_wait_counts_what_stands_ahead_and_what_is_in_hand():
    rota, now = parse_rota(SMALL, "ours.toml"), datetime(2026, 7, 6, 16, tzinfo=UTC)
    need = Need("billing", "standard")
    assert expected_wait(rota, need, 0, {}, now) == timedelta(0)
    assert expected_wait(rota, need, 0, {"lead": 1}, now) == timedelta(minutes=30)
    # Two half hours fill the day, so the next one begins a week later.
    assert expected_wait(rota, need, 1, {"lead": 1}, now) == timedelta(days=6, hours=17)


def test_deadlines_count_working_time_and_a_working_day_is_a_day():
    first, solved = default_rota().deadlines("standard", datetime(2026, 7, 3, 15, tzinfo=UTC))
    assert first == datetime(2026, 7, 6, 15, tzinfo=UTC)
    assert solved == datetime(2026, 7, 8, 15, tzinfo=UTC)


def test_a_tier_without_deadlines_of_its_own_has_the_default_or_else_the_shortest():
    assert ROTA.due_for("gold") == ROTA.due_for("enterprise")
    given = SMALL + '[due.default]\nhours = "office"\nfirst = "6h"\nsolved = "3d"\n'
    assert parse_rota(given, "ours.toml").due_for("gold").first == timedelta(hours=6)


@pytest.mark.parametrize(
    ("reason", "topic", "text", "speciality"),
    [
        ("refund", "plans", "", "refunds"),
        ("below_threshold", "orders", "We WILL refund you today.", "refunds"),
        ("below_threshold", "orders", "Please take this voucher.", "credits"),
        ("below_threshold", "returns", "Returns take 45 days.", None),
    ],
)
def test_refunds_and_credits_need_somebody_elses_yes(reason, topic, text, speciality):
    review = review_for(ROTA, reason=reason, topic=topic, text=text)
    assert (review.speciality if review else None) == speciality


def test_a_reviewer_has_the_speciality_or_leads_and_never_reviews_their_own():
    assert [s.id for s in reviewers(ROTA, "refunds", "frontline-1")] == [
        "billing-1", "billing-2", "lead",
    ]  # fmt: skip
    assert [s.id for s in reviewers(ROTA, "refunds", "billing-1")] == ["billing-2", "lead"]
    assert [s.id for s in reviewers(ROTA, "refunds", "lead")] == ["billing-1", "billing-2"]


def test_the_rota_that_ships_has_one_lead_who_takes_everything():
    rota = default_rota()
    assert [s.id for s in rota.specialists] == ["lead"]
    for need in (Need(None, "standard"), Need("x", "enterprise", "fr", Level.EXPERT)):
        assert choose(rota, need, {}, MONDAY).specialist == rota.lead


def test_holidays_are_dates():
    given = SMALL.replace('zone = "UTC"', 'zone = "UTC"\nholidays = [2026-12-25]')
    assert parse_rota(given, "ours.toml").hours["office"].holidays == {date(2026, 12, 25)}


PERSON = """[[specialist]]
id = "a"
level = "expert"
topics = ["billing"]
languages = ["en"]
capacity = 1
hours = "office"
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("usual = 30", "usal = 30", ["the rota", "'usal'", "usual"]),
        ("usual = 30", "", ["usual is missing", "whole number"]),
        ("usual = 30", "usual = 0", ["usual is 0"]),
        ("usual = 30", "usual = true", ["usual is True"]),
        ("usual = 30", 'usual = 30\nstrategy = "random"', ["strategy", "'random'", "round_robin"]),
        ("usual = 30", "usual = ", ["not valid TOML"]),
        ("[due.standard]", "[topics]\n[due]\nx = 1\n[due.standard]", ["due.x must be a table"]),
        ('lead = "lead"', "", ["lead is missing"]),
        ('lead = "lead"', 'lead = "boss"', ["lead", "'boss'", "there are lead"]),
        ('level = "lead"', 'level = "expert"', ["lead is 'lead'", 'level = "lead"']),
        ('level = "lead"', 'level = "guru"', ["specialist[1].level", "'guru'", "frontline"]),
        ('topics = ["*"]', 'topics = ["billing"]', ["lead is 'lead'", '["*"]']),
        ('topics = ["*"]', "topics = [1]", ["specialist[1].topics", "must be a list"]),
        ('topics = ["*"]', "", ["specialist[1].topics", "names nothing"]),
        ("capacity = 2", "capacity = 0", ["specialist[1].capacity is 0"]),
        ("capacity = 2", "capacity = 2.5", ["specialist[1].capacity is 2.5"]),
        ("capacity = 2", "capacity = 2\naway = true", ["lead is 'lead'", "not be away"]),
        ("capacity = 2", 'capacity = 2\naway = "no"', ["specialist[1].away", "true or false"]),
        ("capacity = 2", 'capacity = 2\napproves = ["x"]', ["specialist[1].approves", "'x'"]),
        ("capacity = 2", "capacity = 2\nskill = 1", ["specialist[1]", "'skill'"]),
        ('id = "lead"', "", ["specialist[1].id is missing"]),
        ('zone = "UTC"', 'zone = "Mars/Base"', ["hours.office.zone", "Mars/Base"]),
        ('zone = "UTC"', 'zone = "../etc/passwd"', ["hours.office.zone"]),
        ('zone = "UTC"', "zone = 1", ["hours.office.zone is 1"]),
        ('"09:00-17:00"', '"9-17"', ["hours.office.mon", "09:00-17:30"]),
        ('"09:00-17:00"', '"09:00-25:00"', ["hours.office.mon"]),
        ('"09:00-17:00"', '"17:00-09:00"', ["hours.office.mon", "closes before it opens"]),
        ('mon = "09:00-17:00"', "", ["hours.office", "open on no day"]),
        ('mon = "', 'monday = "', ["hours.office", "'monday'"]),
        ('mon = "', 'holidays = ["2026-12-25"]\nmon = "', ["hours.office.holidays"]),
        ('first = "4h"', 'first = "4"', ["due.standard.first", '"4h"']),
        ('first = "4h"', 'first = "0h"', ["due.standard.first"]),
        ('first = "4h"', 'first = "2d"', ["due.standard.solved", "sooner"]),
        ('first = "4h"', "", ["due.standard.first is missing"]),
        ("[due.standard]", "[due.gold]", ["due.gold", "is no tier", "standard"]),
        ("[due.standard]\nhours", "[due.standard]\nhour", ["due.standard", "'hour'"]),
        ('[due.standard]\nhours = "office"', '[due.standard]\nhours = "night"', ["'night'"]),
        ("[[specialist]]", "[specialist]", ["specialist must be tables"]),
        ("[hours.office]", PERSON * 2 + "[hours.office]", ["specialist[2].id", "again"]),
        ("[hours.office]", '[[rule]]\ntopics = ["x"]\n[hours.office]', ["rule[1]", "nothing"]),
        ("[hours.office]", '[[rule]]\nlevel = "expert"\n[hours.office]', ["rule[1]", "everything"]),
        ("[hours.office]", '[[rule]]\nto = "x"\n[hours.office]', ["rule[1].to", "'x'"]),
        (
            "[hours.office]",
            '[[rule]]\ntiers = ["gold"]\nto = "lead"\n[hours.office]',
            ["rule[1].tiers", "'gold'"],
        ),
        ("[hours.office]", "[approval.x]\n[hours.office]", ["approval.x", "nobody's yes"]),
        (
            "[hours.office]",
            '[approval.x]\nreasons = ["refnd"]\n[hours.office]',
            ["approval.x.reasons", "'refnd'", "refund"],
        ),
        (
            "[hours.office]",
            '[approval.x]\nwords = ["y"]\n[hours.office]',
            ["approval.x", "no reviewer but the lead"],
        ),
        ("[hours.office]", '[topics]\nx = "y"\n[hours.office]', ["topics.x", "must be a list"]),
    ],
)
def test_a_wrong_key_or_value_is_refused_by_name(old, new, words):
    assert old in SMALL
    with pytest.raises(ConfigError) as caught:
        parse_rota(SMALL.replace(old, new), "ours.toml", TIERS)
    assert str(caught.value).startswith("ours.toml")
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("without", "word"), [("hours", "hours"), ("due", "due"), ("specialist", "specialist")]
)
def test_a_file_that_lacks_a_part_is_refused(without, word):
    parts = SMALL.split("\n[")
    kept = [
        parts[0],
        *(f"[{part}" for part in parts[1:] if not part.strip("[").startswith(without)),
    ]
    with pytest.raises(ConfigError, match=f"ours.toml: .*{word}"):
        parse_rota("\n".join(kept), "ours.toml")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match="there is no rota file"):
        read_rota(tmp_path / "gone.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rota(tmp_path)
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"lead = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_rota(broken)


def test_a_rota_that_breaks_while_it_is_used_leaves_the_last_good_one_in_force(plain_app, caplog):
    before, own = plain_app.people.rota(), plain_app.home / "specialists.toml"
    own.write_text("[", encoding="utf-8")
    assert plain_app.people.rota() == before
    assert "stays in force" in caplog.text
    own.unlink()
    assert plain_app.people.rota() == before


def test_a_rota_that_was_never_good_is_said(plain_app):
    (plain_app.home / "specialists.toml").write_text("[", encoding="utf-8")
    with pytest.raises(ConfigError):
        plain_app.people.rota()
