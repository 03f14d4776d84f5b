"""What became of an order is told to whom it belongs, and to nobody else."""

from dataclasses import replace

import pytest

from kbsupport.errors import UpstreamError
from kbsupport.model import Customer, Identity, Order, Outcome, Question, Reason, Signals, Verdict
from kbsupport.order_desk import OrderDesk
from kbsupport.triage.policy import default_policy

NUMBER = r"\b[A-Z]{2,5}-\d{5,10}\b"
MINE = Customer("C-1", "standard", identity=Identity.NAMED)
UNSURE = Verdict(Outcome.ESCALATE, Reason.BELOW_THRESHOLD, "not sure")
ASKED = "Where is my order OND-1234567?"
ORDER = Order("OND-1234567", "C-1", "shipped", "Hub", expected_on="2026-11-24")


class Shop:
    def find(self, number):
        return ORDER if number == ORDER.number else None


class Down:
    def find(self, number):
        raise UpstreamError("orders", "it hangs")


def look(text=ASKED, customer=MINE, verdict=UNSURE, orders=None, policy=None):
    desk = OrderDesk(orders or Shop(), NUMBER)
    return desk.look(Question(text), customer, Signals(), verdict, policy or default_policy())


def test_the_customer_is_told_where_their_order_is():
    told = look()
    assert told.order == ORDER
    assert (told.verdict.outcome, told.verdict.reason) == ("reply", "order_status")


@pytest.mark.parametrize("number", ["OND-1234567", "OND-7654321"])
def test_somebody_elses_order_and_no_order_read_the_same(number):
    told = look(f"Where is my order {number}?", replace(MINE, id="C-2"))
    assert told.order is None
    assert (told.verdict.outcome, told.verdict.reason) == ("escalate", "unverified")


def test_a_customer_who_is_not_known_is_told_nothing():
    told = look(customer=Customer(None, "standard"))
    assert (told.order, told.verdict.reason) == (None, "unverified")


def test_the_policy_may_ask_for_a_verified_customer():
    strict = replace(default_policy(), orders=Identity.VERIFIED)
    assert look(policy=strict).order is None
    sure = replace(MINE, identity=Identity.VERIFIED)
    assert look(policy=strict, customer=sure).order == ORDER


def test_orders_that_cannot_be_looked_up_go_to_a_person():
    told = look(orders=Down())
    assert (told.verdict.outcome, told.verdict.reason) == ("escalate", "upstream")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("I want my money back for OND-1234567", UNSURE),
        ("Where is my order?", UNSURE),
        ("Where are OND-1234567 and OND-7654321?", UNSURE),
        (ASKED, Verdict(Outcome.ESCALATE, Reason.ASKS_FOR_PERSON, "a person")),
        (ASKED, Verdict(Outcome.ESCALATE, Reason.LEGAL, "legal")),
    ],
)
def test_what_is_no_plain_question_about_one_order_stays_as_it_was_decided(text, verdict):
    assert look(text, verdict=verdict).verdict == verdict


def test_without_a_system_that_keeps_orders_nothing_is_looked_up():
    desk = OrderDesk(None, NUMBER)
    told = desk.look(Question(ASKED), MINE, Signals(), UNSURE, default_policy())
    assert told.verdict == UNSURE
