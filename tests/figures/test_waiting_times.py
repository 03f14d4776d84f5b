from datetime import timedelta

import pytest

from kbsupport.figures.cases import cases_of
from kbsupport.figures.people import work_of
from kbsupport.figures.rates import spread
from kbsupport.figures.times import in_time, times
from kbsupport.model import Level, Specialist

HOUR = 3600.0


def spreads(made):
    return {one.key: one for one in times(cases_of(made.facts()))}


def people(made, *rota):
    facts = made.facts()
    return {one.id: one for one in work_of(cases_of(facts), (), (), rota, facts.now)}


def test_a_persons_first_message_is_the_first_response_and_the_promise_of_one_is_not(made):
    made.handed_over(made.case("escalate", state="answered"), answered=3)
    found = spreads(made)
    assert found["first_response"].p50 == 3 * HOUR
    assert found["resolution_people"].p50 == 3 * HOUR


def test_a_clock_that_jumps_back_is_left_out_and_counted(made):
    made.handed_over(made.case("escalate", state="answered"), answered=-5)
    made.handed_over(made.case("escalate", state="answered", customer="c-2"), answered=4)
    found = spreads(made)["first_response_people"]
    assert (found.n, found.negative, found.p50) == (1, 1, 4 * HOUR)


def test_percentiles_are_values_that_were_measured():
    found = spread("resolution", [float(n) for n in range(1, 101)])
    assert (found.p50, found.p90, found.p95, found.longest) == (50, 90, 95, 100)
    low, high = found.interval
    assert low < 50 < high
    assert spread("resolution", []).p50 is None


def test_what_is_not_due_yet_is_neither_kept_nor_broken(made):
    made.now = made.case("escalate") and made.tickets[0].began + timedelta(hours=5)
    made.handed_over(1, answered=None, due=8)  # the first deadline passed an hour ago
    first, last = in_time(made.handed, made.now)
    assert (first.numerator, first.denominator) == (0, 1)
    assert last.denominator == 0


def test_a_specialist_is_told_nothing_by_few_answers(made):
    made.handed_over(made.case("escalate", state="answered"), by="ana")
    assert people(made)["ana"].improve == ("too few answers to tell (1)",)


def test_whoever_is_clearly_slower_or_written_to_again_is_told_so_with_numbers(made):
    for number in range(40):
        again = ("escalate", ("escalate", 30)) if number % 2 == 0 else ("escalate",)
        made.case(*again, customer=f"c-{number}", state="answered")
        slow = number % 2 == 0
        made.handed_over(
            number + 1, by="ana" if slow else "bo", claimed=1, answered=20 if slow else 2
        )
    found = people(made)
    said = " / ".join(found["ana"].improve)
    assert "solved 0 % in time, the others 100 %" in said
    assert "0 % solved at first contact" in said
    assert "19.0 h (median)" in said
    assert found["bo"].improve == ()


def test_somebody_of_the_rota_who_answered_nothing_is_listed(made):
    person = Specialist("cy", "Cy", Level.EXPERT, frozenset(), frozenset(), 2, "office")
    assert people(made, person)["cy"].answered == 0


@pytest.mark.parametrize("rating", [1, 5])
def test_a_rating_belongs_to_whoever_answered_last_before_it(made, rating):
    number = made.case("escalate", state="answered")
    made.handed_over(number, by="ana", answered=2)
    made.handed_over(number, by="bo", opened=6, claimed=7, answered=8)
    made.rated(number, rating, hours=5)
    found = people(made)
    assert (found["ana"].ratings, found["bo"].ratings) == (1, 0)
    assert found["ana"].mean_rating == rating
