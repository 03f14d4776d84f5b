import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.evaluation.scores import (
    auroc,
    brier,
    calibration_error,
    equal_bins,
    exact_intervals,
    hits,
    mean_reciprocal_rank,
    paired_interval,
    place_of,
    rate,
    recall_at,
    top1,
)
from kbsupport.triage.bounds import binomial_tail, clopper_pearson_upper

places = st.lists(st.one_of(st.none(), st.integers(0, 20)), min_size=1, max_size=40)


def test_the_place_is_that_of_the_first_accepted_article():
    assert place_of(["a", "b", "c"], {"c", "b"}) == 1
    assert place_of(["a"], {"z"}) is None
    assert place_of([], {"z"}) is None


def test_shares_count_every_question():
    found = [0, 1, None, 7]
    assert top1(found) == 0.25
    assert recall_at(found, 5) == 0.5
    assert hits(found, 8) == [1, 1, 0, 1]
    assert mean_reciprocal_rank(found) == pytest.approx((1 + 1 / 2 + 1 / 8) / 4)


def test_no_question_is_no_success():
    assert top1([]) == recall_at([], 5) == mean_reciprocal_rank([]) == 0


@given(places)
def test_looking_further_never_finds_less(found):
    shares = [recall_at(found, count) for count in range(1, 25)]
    assert shares == sorted(shares)
    assert top1(found) <= mean_reciprocal_rank(found) <= 1


def test_the_same_ranking_differs_by_nothing():
    interval = paired_interval([([1, 0, 1], [1, 0, 1])])
    assert (interval.difference, interval.low, interval.high) == (0, 0, 0)


def test_the_interval_holds_the_difference_and_is_repeatable():
    chance = np.random.default_rng(1)
    first, second = chance.random((2, 200))
    interval = paired_interval([(first, second)])
    assert interval.low < interval.difference < interval.high
    assert interval.difference == pytest.approx(float((first - second).mean()))
    assert interval == paired_interval([(first, second)])


def test_a_small_set_weighs_as_much_as_a_large_one():
    assert paired_interval([([1], [0]), ([0] * 99, [0] * 99)]).difference == 0.5


def test_an_interval_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one question"):
        paired_interval([])
    with pytest.raises(ValueError, match="at least one question"):
        paired_interval([([], [])])


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auroc_is_the_share_of_pairs_in_the_right_order(rows):
    good = [score for score, right in rows if right]
    bad = [score for score, right in rows if not right]
    scores, right = [s for s, _ in rows], [r for _, r in rows]
    if not good or not bad:
        with pytest.raises(ValueError, match="right ones and wrong ones"):
            auroc(scores, right)
        return
    pairs = [(g > b) + (g == b) / 2 for g in good for b in bad]
    assert auroc(scores, right) == pytest.approx(sum(pairs) / len(pairs))


@given(st.integers(0, 200), st.integers(1, 200))
def test_the_interval_is_where_the_binomial_tails_are_half_of_what_is_left(count, extra):
    total = count + extra - 1
    measured = rate(count, total)
    assert 0 <= measured.low <= measured.high <= 1
    if total:
        assert measured.low <= measured.share <= measured.high
    if count < total:
        assert binomial_tail(count, total, measured.high) == pytest.approx(0.025)
    if count > 0:
        assert 1 - binomial_tail(count - 1, total, measured.low) == pytest.approx(0.025)


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_upper_end_is_the_bound_that_a_certificate_gives(wrong, right):
    total = wrong + right
    if total:
        bound = clopper_pearson_upper(wrong, total, 0.975)
        assert rate(wrong, total).high == pytest.approx(bound, abs=1e-9)


def test_known_intervals_and_none_at_all():
    low, high = exact_intervals([3, 0, 5, 0], [303, 100, 5, 0])
    assert low == pytest.approx([0.002047, 0, 0.478176, 0], abs=1e-6)
    assert high == pytest.approx([0.028654, 0.036217, 1, 1], abs=1e-4)
    assert rate(0, 0).share is None


def test_the_more_is_asked_of_an_interval_the_wider_it_is():
    narrow, wide = rate(5, 50, 0.8), rate(5, 50, 0.99)
    assert wide.low < narrow.low < 0.1 < narrow.high < wide.high


def test_a_promise_kept_in_every_bin_is_no_error():
    assert calibration_error([0.5] * 20, [True, False] * 10) == 0
    assert calibration_error([1.0] * 10, [False] * 10) == 1
    assert brier([1.0, 0.0], [True, False]) == 0
    assert brier([0.5, 0.5], [True, False]) == 0.25


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_bins_are_of_equal_count_and_in_order(probabilities):
    bins = equal_bins(probabilities)
    sizes = [len(one) for one in bins]
    assert max(sizes) - min(sizes) <= 1
    ranked = [probabilities[place] for one in bins for place in one]
    assert ranked == sorted(probabilities)
