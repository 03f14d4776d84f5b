from datetime import timedelta

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kbsupport.desk.priority import BOUND, FALLING, FIRST, priority, worths

RANKS = st.integers(0, 20)
MOODS = st.floats(0, 1)
AGES = st.timedeltas(timedelta(0), timedelta(days=20_000))
FRESH = st.timedeltas(timedelta(0), FIRST)


def value(*, urgent=False, rank=0, mood=0.0, waited=timedelta(0)):
    return priority(urgent=urgent, tier_rank=rank, frustration=mood, waited=waited).value


@given(st.booleans(), st.integers(), st.floats(), st.timedeltas())
def test_it_is_bounded_whatever_comes_in(urgent, rank, mood, waited):
    assert 1 <= value(urgent=urgent, rank=rank, mood=mood, waited=waited) <= BOUND


@given(RANKS, MOODS, FRESH, MOODS, AGES)
def test_in_its_first_hour_an_urgent_one_stands_before_every_other_of_its_tier(
    rank, mood, fresh, other_mood, age
):
    urgent = value(urgent=True, rank=rank, mood=mood, waited=fresh)
    assert urgent > value(rank=rank, mood=other_mood, waited=age)


@given(RANKS, MOODS, MOODS, st.timedeltas(timedelta(hours=1), timedelta(days=10)))
def test_urgency_does_not_win_for_ever(rank, mood, other_mood, older):
    # Whoever waits longer than a shouting customer is before them in the end, however calm.
    assume(older > timedelta(hours=5) or mood <= other_mood)
    later = timedelta(days=200)
    shouting = value(urgent=True, rank=rank, mood=mood, waited=later)
    assert shouting < value(rank=rank, mood=other_mood, waited=later + older)


@given(RANKS, MOODS, st.timedeltas(FIRST + FALLING, timedelta(days=30)))
def test_after_four_hours_an_urgent_one_is_as_any_other_of_its_age(rank, mood, waited):
    calm = value(rank=rank, mood=mood, waited=waited)
    assert value(urgent=True, rank=rank, mood=mood, waited=waited) == calm


@given(RANKS, MOODS, AGES, AGES)
def test_waiting_never_costs_a_place_unless_urgency_ends(rank, mood, one, other):
    younger, older = sorted((one, other))
    # The last digits of a float may differ by rounding.
    assert value(rank=rank, mood=mood, waited=younger) <= value(
        rank=rank, mood=mood, waited=older
    ) * (1 + 1e-12)


@given(st.booleans(), st.integers(0, 19), MOODS, AGES)
def test_a_higher_tier_never_counts_less(urgent, rank, mood, waited):
    lower = value(urgent=urgent, rank=rank, mood=mood, waited=waited)
    assert lower < value(urgent=urgent, rank=rank + 1, mood=mood, waited=waited)


@given(st.booleans(), RANKS, MOODS, MOODS, AGES)
def test_a_worse_mood_never_counts_less(urgent, rank, one, other, waited):
    calm, upset = sorted((one, other))
    assert value(urgent=urgent, rank=rank, mood=calm, waited=waited) <= value(
        urgent=urgent, rank=rank, mood=upset, waited=waited
    )


@pytest.mark.parametrize("mood", [float("nan"), -1.0])
def test_a_mood_that_is_no_share_counts_as_none(mood):
    assert value(mood=mood) == value()


def test_a_clock_that_was_set_back_counts_as_no_wait():
    assert value(waited=timedelta(hours=-3)) == value()


def test_every_factor_is_named():
    made = priority(urgent=True, tier_rank=1, frustration=1.0, waited=timedelta(0))
    assert made.why == "urgent ×2.50 · tier ×1.50 · mood ×1.25 · age ×1.00 = 4.69"
    assert made.value == pytest.approx(4.6875)


def test_a_whole_queue_is_worth_what_each_of_it_is():
    cases = [
        (urgent, rank, mood, hours)
        for urgent in (False, True)
        for rank in (0, 1, 2)
        for mood in (0.0, 0.4, 1.0)
        for hours in (-1.0, 0.0, 0.5, 2.5, 30.0)
    ]
    columns = [np.asarray(column, float) for column in zip(*cases, strict=True)]
    alone = [
        priority(urgent=u, tier_rank=r, frustration=m, waited=timedelta(hours=h)).value
        for u, r, m, h in cases
    ]
    assert worths(*columns) == pytest.approx(alone)
