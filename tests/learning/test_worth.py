import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.errors import ConfigError
from kbsupport.learning.worth import Candidate, stake, worth

NOBODY = np.zeros((0, 4), np.float32)


def at(*numbers):
    row = np.array(numbers, np.float32)
    return row / np.linalg.norm(row)


def queue(candidates, known=NOBODY, count=None):
    return [one.ticket_id for one in worth(candidates, known, count)]


def some(seed, count):
    rng = np.random.default_rng(seed)
    return [
        Candidate(number, at(*rng.normal(size=4)), float(rng.random())) for number in range(count)
    ]


def test_the_most_doubtful_of_tickets_that_are_alike_is_asked_first():
    here = at(1, 0, 0, 0)
    alone = [Candidate(1, here, 0.99), Candidate(2, at(0, 1, 0, 0), 0.5)]
    assert queue(alone) == [2, 1]


def test_a_crowd_of_doubtful_tickets_is_worth_more_than_one_that_stands_alone():
    crowd = [Candidate(n, at(1, 0.02 * n, 0, 0), 0.4) for n in range(5)]
    assert queue([Candidate(9, at(0, 0, 1, 0), 0.5), *crowd], count=1)[0] in range(5)


def test_the_second_label_is_asked_for_elsewhere():
    twins = [Candidate(1, at(1, 0, 0, 0), 0.5), Candidate(2, at(1, 0.01, 0, 0), 0.5)]
    other = Candidate(3, at(0, 1, 0, 0), 0.2)
    first, second, third = worth([*twins, other], NOBODY)
    assert {first.ticket_id, third.ticket_id} == {1, 2}
    assert second.ticket_id == 3
    assert third.worth < 0.1 < second.worth


def test_what_a_past_label_has_settled_is_not_asked_again():
    known = np.stack([at(1, 0, 0, 0)])
    near, far = Candidate(1, at(1, 0.05, 0, 0), 0.5), Candidate(2, at(0, 1, 0, 0), 0.5)
    assert queue([near, far], known) == [2, 1]


def test_an_asked_ticket_says_why():
    asked = worth([Candidate(7, at(1, 0, 0, 0), 2 / 3)], NOBODY)[0]
    assert asked.worth == 1.0
    assert asked.why == (
        "judged right at 67%; with those like it, worth 1.0 tickets that are nearly safe to answer"
    )


def test_nothing_is_at_stake_where_all_is_certain_and_most_where_it_is_nearly_safe():
    assert [round(stake(p), 9) for p in (0.0, 2 / 3, 1.0)] == [0.0, 1.0, 0.0]
    assert stake(0.9) > stake(0.3)


@given(st.integers(0, 1_000), st.integers(0, 30), st.integers(0, 35))
def test_each_ticket_is_asked_once_and_never_for_more_than_the_one_before(seed, size, count):
    candidates = some(seed, size)
    asked = worth(candidates, NOBODY, count)
    assert len(asked) == len({one.ticket_id for one in asked}) == min(size, count)
    gains = [one.worth for one in asked]
    assert gains == sorted(gains, reverse=True)
    assert worth(candidates[::-1], NOBODY, count) == asked


@given(st.integers(0, 1_000))
def test_the_queue_is_what_trying_every_ticket_at_every_step_gives(seed):
    candidates = some(seed, 12)
    vectors = np.stack([one.vector for one in candidates])
    alike = np.exp(6.0 * (vectors @ vectors.T - 1))
    stakes, settled, left = (
        np.array([stake(one.probability) for one in candidates]),
        0.0,
        set(range(12)),
    )
    for one in worth(candidates, NOBODY):
        gains = {row: float(stakes @ np.maximum(alike[row] - settled, 0)) for row in left}
        assert gains[one.ticket_id] == pytest.approx(max(gains.values()), abs=1e-4)
        settled = np.maximum(settled, alike[one.ticket_id])
        left.discard(one.ticket_id)


def test_no_candidates_and_no_count_ask_for_nothing():
    assert worth([], NOBODY) == ()
    assert worth(some(0, 3), NOBODY, 0) == ()


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_probability_outside_nought_and_one_is_refused_by_ticket(probability):
    with pytest.raises(ConfigError, match="ticket 7: a probability lies between 0 and 1"):
        Candidate(7, at(1, 0, 0, 0), probability)


@pytest.mark.parametrize("vector", [[[1.0]], [float("nan"), 1.0]])
def test_a_vector_that_is_no_row_of_numbers_is_refused_by_ticket(vector):
    with pytest.raises(ConfigError, match="ticket 7: its vector"):
        Candidate(7, np.array(vector, np.float32), 0.5)


def test_vectors_of_different_models_are_refused():
    odd = Candidate(2, np.ones(3, np.float32), 0.5)
    with pytest.raises(ConfigError, match="vectors of 3 and 4 numbers"):
        worth([*some(0, 1), odd], NOBODY)
    with pytest.raises(ConfigError, match="different models"):
        worth([odd], np.ones((2, 4), np.float32))
