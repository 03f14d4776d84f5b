"""Who asks: what the CRM knows, and what happens if it knows nothing or cannot be asked."""

import pytest

from kbsupport.errors import UpstreamError
from kbsupport.model import Customer, Identity, Question
from kbsupport.reception import Reception

TIERS = ("standard", "premium", "enterprise")


class Known:
    def __init__(self, *customers):
        self._known = {customer.id: customer for customer in customers}

    def find(self, customer_id):
        return self._known.get(customer_id)

    def tier_of(self, customer_id):
        found = self.find(customer_id)
        return found and found.tier


class Down:
    def find(self, customer_id):
        raise UpstreamError("crm", "it hangs")

    tier_of = find


def who(crm, tiers=None, **question):
    return Reception(crm, tiers, TIERS).who_asks(Question("hello", **question))


def test_nobody_named_is_the_default_tier():
    customer, notices = who(Known())
    assert (customer.id, customer.tier, customer.identity) == (None, "standard", "anonymous")
    assert notices == ()


def test_whoever_the_crm_does_not_know_is_the_default_tier_and_not_taken_at_their_word():
    customer, notices = who(Known(), customer_id="C-9")
    assert (customer.tier, customer.identity, customer.reached) == ("standard", "anonymous", True)
    assert notices == ()


def test_a_known_customer_comes_with_everything_that_is_known():
    known = Customer("C-1", "premium", name="A name", products=("Hub",))
    customer, _ = who(Known(known), customer_id="C-1")
    assert (customer.tier, customer.name, customer.identity) == ("premium", "A name", "named")


def test_a_channel_that_has_made_sure_is_believed():
    customer, _ = who(Known(), customer_id="C-9", identity=Identity.VERIFIED)
    assert customer.identity is Identity.VERIFIED


def test_a_crm_that_is_down_means_the_strictest_tier_and_is_counted_and_said():
    reception = Reception(Down(), None, TIERS)
    customer, notices = reception.who_asks(Question("hello", customer_id="C-1"))
    assert (customer.tier, customer.reached) == ("enterprise", False)
    assert "crm is unreachable" in notices[0]
    assert reception.unreached == 1


def test_another_system_may_know_the_tier():
    crm, tiers = Known(Customer("C-1", "standard")), Known(Customer("C-1", "enterprise"))
    assert who(crm, tiers, customer_id="C-1")[0].tier == "enterprise"
    assert who(crm, Down(), customer_id="C-1")[0].reached is False


@pytest.mark.parametrize("crm", [Known(Customer("C-1", "standard")), Known(), Down()])
def test_a_tier_that_the_door_gives_wins(crm):
    assert who(crm, customer_id="C-1", tier="premium")[0].tier == "premium"


def test_a_tier_that_nobody_has_set_is_treated_as_the_strictest_and_said():
    customer, notices = who(Known(Customer("C-1", "platinum")), customer_id="C-1")
    assert customer.tier == "enterprise"
    assert "platinum" in notices[0]
