import json
import math
from dataclasses import replace

import numpy as np
import pytest

from kbsupport.errors import ConfigError
from kbsupport.model import Channels, Evidence, Signals, Unanswered
from kbsupport.watch.asking import wanted
from kbsupport.watch.drift import Change, Drift, drift, gone, streams_of
from kbsupport.watch.ranks import Line, Tally
from kbsupport.watch.reference import MOST_KEPT, Observed, Reference, observed, reference_of

TOPICS = ("billing", "delivery", "returns")
KNOWN = {"tier": ["standard", "premium"], "topic": TOPICS}


def tickets(count, seed, *, probability=(6, 2), topics=(5, 3, 2), name="t", tier=None):
    draw = np.random.default_rng(seed)
    weights = np.array(topics) / sum(topics)
    names = (*TOPICS, "new")[: len(topics)]
    columns = zip(
        draw.beta(*probability, count).tolist(),
        (draw.integers(0, 8, count) / 8).tolist(),
        [tier] * count if tier else draw.choice(["standard", "premium"], count).tolist(),
        draw.choice(names, count, p=weights).tolist(),
        strict=True,
    )
    return [
        Observed(
            f"{name}-{seed}-{number}",
            {"probability": sure, "coverage": covered},
            {"tier": of, "topic": topic},
        )
        for number, (sure, covered, of, topic) in enumerate(columns)
    ]


def reference(rows):
    return Reference.from_dict(json.loads(json.dumps(reference_of(rows, KNOWN))))


@pytest.fixture(scope="module")
def calm():
    return reference(tickets(400, 0))


def test_tickets_like_those_before_raise_an_alarm_in_fewer_than_one_of_twenty_tries():
    raised = 0
    for seed in range(60):
        rows = tickets(400, 100 + seed)
        raised += drift(reference(rows[:200]), rows[200:]).alarm
    assert raised <= 3


def test_answers_that_become_less_sure_are_noticed_and_named(calm):
    rows = [*tickets(200, 1), *tickets(100, 2, probability=(3, 4))]
    found = drift(calm, rows)
    assert found.alarm
    change = found.changed[0]
    assert (change.what, change.group) == ("probability", None)
    assert change.before == pytest.approx(0.75, abs=0.03)
    assert change.after == pytest.approx(0.43, abs=0.08)
    assert 180 <= change.since <= 240
    assert "probability: 0.7" in found.said
    assert not drift(calm, rows[:200]).alarm


def test_a_topic_that_grows_is_named(calm):
    before = sum(row.names["topic"] == "returns" for row in tickets(400, 0)) / 400
    found = drift(calm, tickets(200, 3, topics=(2, 2, 6)))
    named = {(change.what, change.name) for change in found.changed}
    assert ("topic", "returns") in named
    said = next(change.said for change in found.changed if change.name == "returns")
    assert f"topic returns: {before:.1%} of tickets before" in said


def test_a_name_never_seen_before_is_noticed(calm):
    found = drift(calm, tickets(200, 4, topics=(4, 2, 1, 3)))
    assert "seldom or new topic" in {change.what for change in found.changed}


def test_a_change_within_one_tier_is_found_there(calm):
    quiet = tickets(300, 5, tier="standard")
    worse = tickets(300, 6, tier="premium", probability=(3, 3))
    rows = [row for pair in zip(quiet, worse, strict=True) for row in pair]
    groups = {change.group for change in drift(calm, rows).changed if change.what == "probability"}
    assert ("tier", "premium") in groups
    assert ("tier", "standard") not in groups


def test_order_counts_and_an_alarm_once_raised_stays(calm):
    rows = tickets(120, 7, probability=(3, 5))
    assert drift(calm, rows).alarm
    assert drift(calm, [*rows, *tickets(200, 8)]).alarm


def test_a_look_changes_nothing_for_the_next(calm):
    rows = tickets(150, 9)
    assert drift(calm, rows) == drift(calm, rows)


def test_the_parts_of_the_false_alarm_rate_add_up_to_one(calm):
    assert sum(stream.part for stream in streams_of(calm)) == pytest.approx(1)


def test_where_there_is_one_tier_it_is_not_watched_twice():
    rows = tickets(50, 10, tier="standard")
    one_tier = Reference.from_dict(reference_of(rows))
    assert not [s for s in streams_of(one_tier) if "tier" in (s.what, *(s.group or ()))]


def test_a_ticket_with_a_number_that_is_none_is_left_out_and_counted(calm):
    rows = tickets(50, 11)
    broken = [
        replace(row, key=f"b-{n}", numbers={**row.numbers, "probability": bad})
        for n, (row, bad) in enumerate(zip(rows, [math.nan, math.inf] * 25, strict=True))
    ]
    found = drift(calm, [*rows, *broken])
    assert (found.tickets, found.unsound) == (50, 50)
    assert found.p == drift(calm, rows).p
    assert reference_of([*rows, *broken], KNOWN) == reference_of(rows, KNOWN)


@pytest.mark.parametrize("count", [0, 5])
def test_too_few_tickets_to_compare_with_are_refused_with_the_cure(count):
    with pytest.raises(ConfigError, match=f"made from {count} tickets.*calibrate"):
        drift(reference(tickets(count, 12)), tickets(10, 13))


def test_no_recent_ticket_is_no_drift(calm):
    found = drift(calm, [])
    assert (found.alarm, found.p, found.tickets) == (False, 1.0, 0)


@pytest.mark.parametrize(
    "edit",
    [
        lambda row: row.update(version=2),
        lambda row: row.pop("numbers"),
        lambda row: row["numbers"]["probability"].pop(),
        lambda row: row["numbers"]["probability"].__setitem__(0, math.nan),
        lambda row: row["numbers"]["probability"].__setitem__(0, "high"),
        lambda row: row["names"]["topic"]["of"].__setitem__(0, 99),
        lambda row: row["names"]["topic"]["of"].__setitem__(0, -1),
        lambda row: row.update(names=[]),
    ],
)
def test_a_reference_that_was_damaged_is_refused(edit):
    row = reference_of(tickets(40, 14), KNOWN)
    edit(row)
    with pytest.raises(ConfigError, match="cannot be read"):
        Reference.from_dict(row)


def test_a_reference_stays_small_whatever_it_is_made_from():
    row = reference_of(tickets(1500, 15), KNOWN)
    assert row["count"] == MOST_KEPT
    assert len(json.dumps(row)) < 40_000


def test_a_false_alarm_rate_that_is_none_is_refused(calm):
    with pytest.raises(ConfigError, match="alpha"):
        drift(calm, [], alpha=0.0)


def test_ranks_of_like_draws_are_evenly_spread_and_ties_are_drawn():
    draw = np.random.default_rng(16)
    line, tally = Line([]), Tally(["a", "b"], [])
    numbers, names = draw.integers(0, 3, 3000), draw.choice(["a", "b", "c"], 3000)
    lots = draw.random(3000)
    ranks = [line.rank(float(n), u) for n, u in zip(numbers, lots, strict=True)]
    columns = np.array([tally.ranks(str(n), u) for n, u in zip(names, lots, strict=True)])
    for column in (np.array(ranks), *columns.T):
        assert np.histogram(column, 5, (0, 1))[0] == pytest.approx(600, abs=90)


def test_what_is_watched_of_a_ticket_comes_from_its_evidence():
    evidence = Evidence(
        channels=Channels(vector_best=0.4, seen_best=0.5),
        unanswered=Unanswered(best=0.8),
        second_share=0.2,
        coverage=0.9,
    )
    row = observed(
        "d-1", evidence, Signals(), probability=0.7, tier="standard", article=None, topic=None
    )
    assert row.numbers == {
        "probability": 0.7, "familiarity": 0.8, "rivalry": 0.2, "coverage": 0.9
    }  # fmt: skip
    assert row.names["topic"] == "(none)"
    assert row.names["tier"] == "standard"


def test_labels_are_asked_for_where_the_change_is_and_each_ticket_differs(calm):
    odd = tickets(60, 17, probability=(2, 8), topics=(0, 0, 1), name="odd")
    usual = tickets(60, 18)
    rows = [row for pair in zip(usual, odd, strict=True) for row in pair]
    found = drift(calm, rows)
    asked = wanted(rows, found, threshold=0.5, count=10)
    assert len(asked) == 10
    assert len({one.key for one in asked}) == 10
    assert sum(one.key.startswith("odd") for one in asked) >= 8
    assert asked[0].worth == max(one.worth for one in asked)
    assert asked[0].why == found.changed[0].said
    alike = [odd[0], replace(odd[0], key="twin"), *odd[1:20]]
    told = replace(found, speaks={row.key: 1.0 for row in alike})
    twins = [one.key for one in wanted(alike, told, None, 21) if one.key in (odd[0].key, "twin")]
    assert wanted(alike, told, None, 21)[-1].key == twins[-1]


def test_without_an_alarm_no_label_is_asked_for(calm):
    rows = tickets(30, 19)
    assert wanted(rows, drift(calm, rows), threshold=0.5) == ()


def change(what, *, group=None, name=None, after=0.5):
    return Change(what, group, name, 0.2, after, 1, 50, 0.01)


@pytest.mark.parametrize(
    ("by", "found", "ended"),
    [
        ("topic", change("probability", group=("topic", "billing")), {"billing"}),
        ("topic", change("topic", name="returns"), {"returns"}),
        ("topic", change("topic", name="returns", after=0.1), set()),
        ("topic", change("probability"), {"billing", "returns"}),
        ("topic", change("probability", group=("tier", "premium")), {"billing", "returns"}),
        ("topic", change("seldom or new topic"), {"billing", "returns"}),
        (None, change("topic", name="returns", after=0.1), {"billing", "returns"}),
    ],
)
def test_a_change_ends_what_rested_on_it_and_no_more(by, found, ended):
    drifted = Drift(True, 0.01, 0.05, 100, 0, (found,))
    assert gone(drifted, by, ["billing", "returns"]) == ended
