import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.evaluation.scores import (
    auroc,
    hits,
    mean_reciprocal_rank,
    paired_interval,
    place_of,
    recall_at,
    top1,
)

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
