import pytest
from hypothesis import given
from hypothesis import strategies as st
from judgements import COSTS, judged, tickets

from kbsupport.evaluation.backtest import Backtest
from kbsupport.evaluation.curves import (
    coverage_at,
    reliability,
    risk_coverage,
    thinned,
)
from kbsupport.evaluation.judged import money
from kbsupport.model import Outcome


def by_hand(judgements, risk):
    """The best coverage over all thresholds, by trying each."""
    best = 0.0
    for threshold in {one.probability for one in judgements}:
        taken = [one for one in judgements if one.probability >= threshold]
        wrong = sum(not one.right for one in taken)
        if wrong <= risk * len(taken):
            answerable = sum(one.label.answerable for one in judgements)
            best = max(best, (len(taken) - wrong) / max(answerable, 1))
    return best


@given(tickets(), st.sampled_from([0.0, 0.05, 0.2, 0.5]))
def test_coverage_is_the_best_that_any_single_threshold_reaches(judgements, risk):
    assert coverage_at(risk_coverage(judgements), risk) == pytest.approx(by_hand(judgements, risk))


@given(tickets())
def test_a_threshold_cannot_split_ties_and_the_last_takes_all(judgements):
    points = risk_coverage(judgements)
    thresholds = [point.threshold for point in points]
    assert thresholds == sorted({one.probability for one in judgements}, reverse=True)
    assert points[-1].taken == len(judgements)
    for point in points:
        assert point.taken == sum(one.probability >= point.threshold for one in judgements)
        assert 0 <= point.low <= point.risk <= point.high <= 1


@given(tickets())
def test_bins_hold_every_ticket_once_and_rise(judgements):
    bins = reliability(judgements)
    assert sum(one.right.of for one in bins) == len(judgements)
    assert len(bins) == min(10, len(judgements))
    assert [one.promised for one in bins] == sorted(one.promised for one in bins)
    assert all(one.lowest <= one.promised + 1e-12 for one in bins)


@given(tickets())
def test_the_cost_of_a_threshold_is_the_sum_over_the_tickets_it_moves(judgements):
    curve = Backtest(judgements, COSTS).cost_curve()
    moving = [one for one in judgements if one.verdict.threshold is not None]
    moving = moving or [one for one in judgements if one.verdict.outcome is not Outcome.REPLY]
    fixed = sum(money(one, COSTS) for one in judgements if one not in moving)
    assert [p.threshold for p in curve.points] == sorted(
        {one.probability for one in moving}, reverse=True
    )
    for point in curve.points:
        spent = sum(
            8 if one.probability < point.threshold else 0 if one.right else 38 for one in moving
        )
        assert point.money == pytest.approx((fixed + spent) / len(judgements))
    best = curve.best
    assert best is None or best.money == pytest.approx(min(p.money for p in curve.points))
    assert (best is None) == all(p.money > curve.nobody - 1e-9 for p in curve.points)


def test_the_present_cost_stands_on_the_curve_where_one_threshold_decides_all():
    decided = [
        judged(
            str(n),
            probability=n / 10,
            right=n > 4,
            threshold=0.6,
            outcome=Outcome.RESOLVE if n >= 6 else Outcome.ESCALATE,
        )
        for n in range(10)
    ]
    curve = Backtest(decided, COSTS).cost_curve()
    assert curve.thresholds == {"standard": (0.6,)}
    (present,) = [point for point in curve.points if point.threshold == 0.6]
    assert (present.money, present.resolved, present.wrong) == (curve.present, 4, 0)
    assert curve.best
    assert curve.best.threshold == 0.5
    assert curve.nobody == 8


def test_what_a_rule_decided_stays_as_it_is():
    by_rule = judged("1", outcome=Outcome.ESCALATE, probability=0.99)
    by_threshold = judged("2", threshold=0.5, probability=0.8)
    curve = Backtest([by_rule, by_threshold], COSTS).cost_curve()
    assert [(point.threshold, point.money) for point in curve.points] == [(0.8, 4)]


def test_where_answers_never_pay_the_best_is_to_give_none():
    curve = Backtest([judged(right=False)], COSTS).cost_curve()
    assert curve.best is None
    assert curve.to_dict()["best"] is None


def test_only_thanks_leave_no_threshold_to_choose():
    curve = Backtest([judged(outcome=Outcome.REPLY, answerable=False)], COSTS).cost_curve()
    assert (curve.points, curve.best, curve.nobody, curve.present) == ((), None, 0, 0)


@given(st.lists(st.integers(), max_size=60), st.integers(2, 20))
def test_thinning_keeps_the_ends_and_the_order(points, most):
    kept = thinned(points, most)
    assert len(kept) == min(most, len(points))
    assert not points or (kept[0], kept[-1]) == (points[0], points[-1])
    assert len(points) > most or kept == tuple(points)
