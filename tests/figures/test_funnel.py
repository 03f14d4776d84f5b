from datetime import timedelta

import numpy as np
import pytest
from scipy.stats import beta

from kbsupport.figures.cases import cases_of
from kbsupport.figures.funnel import FUNNEL, audited_correct, funnel, satisfaction
from kbsupport.store.facts import Audited

DAY = timedelta(days=1)


def figures(made, **given):
    facts = made.facts(**given)
    found = funnel(cases_of(facts), facts.audited, facts.proven, facts.now)
    return {one.key: one for one in found}


def counts(made, **given):
    return {key: one.numerator for key, one in figures(made, **given).items()}


def test_silence_is_assumed_and_nothing_more(made):
    made.case("resolve")
    found = counts(made)
    assert [found[key] for key in ("answered", "assumed", "recontact_adjusted")] == [1, 1, 1]
    assert [found[key] for key in ("confirmed", "verified", "audited_correct")] == [0, 0, 0]


def test_greetings_and_thanks_never_count(made):
    made.case("reply")
    made.case("resolve", "reply")
    found = figures(made)
    assert found["involvement"].denominator == 1
    assert found["assumed"].numerator == 1


def test_who_opens_another_ticket_on_the_topic_within_a_week_was_not_helped(made):
    start = made.case("resolve")
    begun = made.tickets[start - 1].began
    made.case("resolve", at=begun + 3 * DAY)  # the same customer and topic
    made.case("resolve", at=begun + 3 * DAY, topic="orders")
    made.case("resolve", at=begun + 3 * DAY, customer="c-2")
    made.case("resolve", at=begun + 20 * DAY)  # not soon
    found = counts(made)
    assert found["assumed"] == 5
    assert found["recontact_adjusted"] == 4


def test_who_comes_back_to_the_conversation_days_later_was_not_helped_either(made):
    made.case("resolve", ("resolve", 72))
    made.case("resolve", ("reply", 72), customer="c-2")
    assert counts(made)["assumed"] == 2
    assert counts(made)["recontact_adjusted"] == 1


def test_a_question_that_is_answered_after_another_counts_once(made):
    made.case("resolve", "resolve")
    assert counts(made)["assumed"] == 1


def test_what_a_person_had_is_not_answered_alone(made):
    number = made.case("resolve", "escalate")
    made.handed_over(number, opened=1)
    made.rated(number, 5)
    found = counts(made)
    assert [found[key] for key in FUNNEL] == [1, 0, 0, 0, 0, 0, 0]


def test_a_person_who_had_it_first_leaves_nothing_to_involve_the_assistant_in(made):
    made.case("escalate", reason="with_a_person")
    made.case("escalate", reason="shadow")
    assert counts(made)["involvement"] == 0


@pytest.mark.parametrize(
    ("ratings", "confirmed"),
    [((5,), 1), ((3,), 0), ((5, 2), 0), ((2, 4), 1)],
)
def test_the_newest_word_of_the_customer_confirms(made, ratings, confirmed):
    number = made.case("resolve")
    for rating in ratings:
        made.rated(number, rating)
    assert counts(made)["confirmed"] == confirmed


def test_helpful_confirms_as_well(made):
    made.rated(made.case("resolve"), helpful=True)
    made.rated(made.case("resolve", customer="c-2"), helpful=False)
    assert counts(made)["confirmed"] == 1


def test_only_answers_that_are_all_certified_are_verified_and_the_promise_is_told(made):
    made.case("resolve", certified=True, certificate="c-1")
    made.case("resolve")
    one = figures(made, proven={"c-1": 0.05})["verified"]
    assert (one.numerator, one.denominator) == (1, 2)
    assert "at most 5%" in one.note


def test_a_case_that_is_too_young_is_left_out_and_said(made):
    made.case("resolve")
    made.case("resolve", at=made.now - timedelta(hours=2), customer="c-2")
    found = figures(made)
    assert found["involvement"].denominator == 2
    assert found["assumed"].denominator == 1
    assert (found["assumed"].left_out, found["involvement"].left_out) == (1, 0)


def test_the_audited_rate_is_the_share_answered_times_the_share_right(made):
    for customer in range(10):
        number = made.case("resolve" if customer < 8 else "escalate", customer=f"c-{customer}")
        if customer < 4:
            made.audit(number, customer < 3)
    one = figures(made)["audited_correct"]
    assert one.value == pytest.approx(0.8 * 3 / 4)
    # Clopper-Pearson of 8 in 10 and of 3 in 4, each at 97.5 %.
    low = beta.ppf(0.0125, 8, 3) * beta.ppf(0.0125, 3, 2)
    high = beta.ppf(0.9875, 9, 2) * beta.ppf(0.9875, 4, 1)
    assert one.interval == pytest.approx((low, high))
    assert "3 of 4 audits right" in one.note


def test_a_disputed_audit_counts_as_wrong_one_of_an_erased_ticket_not_at_all(made):
    made.audit(made.case("resolve"), None, state="disputed")
    made.audit(made.case("resolve", customer="c-2"), True, state="gone")
    made.audit(made.case("resolve", customer="c-3"), None, state="open")
    made.audit(made.case("resolve", customer="c-4"), True)
    assert "1 of 2 audits right" in figures(made)["audited_correct"].note


def test_audits_drawn_rarely_stand_for_more_answers(made):
    made.audit(made.case("resolve"), True, share=0.1)
    made.audit(made.case("resolve", customer="c-2"), False, share=0.5)
    assert figures(made)["audited_correct"].value == pytest.approx(10 / 12)


def test_without_audits_nothing_is_said_of_right(made):
    made.case("resolve")
    one = figures(made)["audited_correct"]
    assert (one.value, one.interval) == (None, None)
    assert one.note == "no audit was made"


def test_the_interval_of_the_audited_rate_covers_the_truth(made):
    for customer in range(200):
        made.case("resolve", customer=f"c-{customer}")
    cases, chance = cases_of(made.facts()), np.random.default_rng(3)
    covered = 0
    for _ in range(300):
        alone = [case for case in cases if chance.random() < 0.6]
        audits = [
            Audited(case.asked[0].decision_id, "agreed", 0.3, bool(chance.random() < 0.9))
            for case in alone
            if chance.random() < 0.3
        ]
        low, high = audited_correct(alone, 200, audits).interval
        covered += low <= 0.6 * 0.9 <= high
    assert covered >= 0.95 * 300


def test_satisfaction_is_told_apart_by_whoever_answered_last(made):
    made.rated(made.case("resolve"), 5)
    number = made.case("resolve", "escalate", customer="c-2")
    made.handed_over(number, opened=1, answered=3)
    made.rated(number, 2, hours=6)
    found = {one.key: (one.numerator, one.denominator) for one in satisfaction(
        cases_of(made.facts())
    )}  # fmt: skip
    assert found == {
        "csat": (1, 2), "csat_assistant": (1, 1), "csat_people": (0, 1), "rated": (2, 2),
    }  # fmt: skip
