import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.errors import ConfigError
from kbsupport.watch.bounds import LiveBound, alarm
from kbsupport.watch.drawing import drawn
from kbsupport.watch.wagers import entry, still_kept


def simulated(rate: float, count: int, seed: int) -> Sequence[bool]:
    return (np.random.default_rng(seed).random(count) < rate).tolist()


@given(st.lists(st.booleans(), max_size=400))
def test_the_range_holds_what_was_seen_and_lies_between_0_and_1(wrong):
    bound = LiveBound().after(wrong)
    assert 0 <= bound.lower <= bound.upper <= 1
    assert bound.rate is None or bound.lower <= bound.rate <= bound.upper


def test_before_any_audit_nothing_is_known():
    bound = LiveBound().after([])
    assert (bound.lower, bound.upper, bound.rate) == (0.0, 1.0, None)


def test_more_clean_audits_bring_the_range_down_and_a_wrong_one_lifts_it():
    uppers = [LiveBound().of(n, 0).upper for n in (10, 50, 100, 1000)]
    assert uppers == sorted(uppers, reverse=True)
    assert uppers[-1] < 0.006
    assert LiveBound().of(100, 1).upper > LiveBound().of(100, 0).upper
    assert LiveBound(0.99).of(100, 5).upper > LiveBound(0.9).of(100, 5).upper


def test_the_edges_are_where_the_wager_has_won_exactly_enough():
    bound = LiveBound(0.95).of(200, 9)
    for rate in (bound.lower, bound.upper):
        before = math.lgamma(10.5) - math.lgamma(0.5) - math.lgamma(10)
        after = math.lgamma(9.5) + math.lgamma(201) - math.lgamma(210.5)
        won = before + after - 9 * math.log(rate) - 191 * math.log1p(-rate)
        assert won == pytest.approx(math.log(20), abs=1e-9)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.10])
def test_looked_at_after_every_audit_it_still_covers_the_truth(rate):
    live, held = LiveBound(0.95), 0
    for seed in range(100):
        wrong = np.cumsum(simulated(rate, 300, seed))
        bounds = [live.of(n, int(count)) for n, count in enumerate(wrong, 1)]
        held += all(bound.lower <= rate <= bound.upper for bound in bounds)
    assert held >= 93


def test_an_audit_of_a_ticket_since_erased_is_left_out_and_counted():
    with_gap = LiveBound().after([False, None, True, None])
    assert (with_gap.n, with_gap.wrong, with_gap.left_out) == (2, 1, 2)
    assert with_gap.upper == LiveBound().after([False, True]).upper
    flags = simulated(0.5, 60, 1)
    gaps = [found for one in flags for found in (one, None)]
    assert alarm(gaps, 0.05) == alarm(flags, 0.05)


@pytest.mark.parametrize("before", [0, 500])
def test_a_certified_5_percent_that_becomes_12_is_noticed_within_300_audits(before):
    found = 0
    for seed in range(60):
        flags = [*simulated(0.05, before, seed), *simulated(0.12, 300, 1000 + seed)]
        raised = alarm(flags, 0.05)
        found += raised is not None and raised.at > before
    assert found >= 51


def test_at_the_certified_rate_it_is_seldom_raised_however_often_one_looks():
    raised = sum(alarm(simulated(0.05, 1000, seed), 0.05) is not None for seed in range(200))
    assert raised <= 10


def test_an_alarm_says_from_when_on_and_how_many_were_wrong():
    raised = alarm([*[False] * 400, *[True, False] * 20], 0.05)
    assert raised is not None
    assert raised.since == 401
    assert raised.wrong * 2 == pytest.approx(raised.n, abs=1)
    assert f"{raised.wrong} of {raised.n} audits since number 401" in raised.said


def test_once_raised_later_audits_do_not_take_it_back():
    flags = [True] * 30
    assert alarm(flags, 0.05) == alarm([*flags, *[False] * 500], 0.05)


def test_no_more_than_the_whole_is_ever_put_in():
    for at_once in (0.0, 0.3, 1.0):
        steps = [entry(step, at_once) for step in range(200)]
        assert sum(steps) + still_kept(200, at_once) == pytest.approx(1)


@pytest.mark.parametrize("share", [0.0, 1.0, 1.5, math.nan])
def test_a_risk_or_confidence_that_is_no_share_is_refused(share):
    with pytest.raises(ConfigError):
        LiveBound(share)
    with pytest.raises(ConfigError):
        alarm([True], share)
    with pytest.raises(ConfigError):
        alarm([True], 0.05, share)


def test_more_wrong_audits_than_audits_are_refused():
    with pytest.raises(ConfigError, match="5 wrong of 3"):
        LiveBound().of(3, 5)


def test_the_draw_is_the_same_each_time_and_another_with_another_key():
    ids = [f"d-{number}" for number in range(4000)]
    picked = {one for one in ids if drawn(one, 0.1, b"key")}
    assert picked == {one for one in reversed(ids) if drawn(one, 0.1, b"key")}
    assert 320 <= len(picked) <= 480
    others = {one for one in ids if drawn(one, 0.1, b"another")}
    assert len(picked & others) < 80


def test_a_larger_share_draws_all_that_a_smaller_one_draws():
    ids = [f"d-{number}" for number in range(1000)]
    few, many = ({one for one in ids if drawn(one, share, b"key")} for share in (0.05, 0.3))
    assert few < many
    assert not any(drawn(one, 0.0, b"key") for one in ids)
    assert all(drawn(one, 1.0, b"key") for one in ids)


@pytest.mark.parametrize(
    ("share", "key"), [(-0.1, b"k"), (1.1, b"k"), (math.nan, b"k"), (0.5, b"")]
)
def test_a_draw_without_a_share_or_a_key_is_refused(share, key):
    with pytest.raises(ConfigError):
        drawn("d-1", share, key)


def test_a_broken_id_is_drawn_like_any_other():
    assert drawn("d-\ud800", 1.0, b"key")
