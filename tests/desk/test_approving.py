import pytest
from at_desk import HOUR, MONDAY, Room, rota

from kbsupport.desk.approving import check_decider, who_may_decide, why_not, yes_needed
from kbsupport.errors import NotAllowed
from kbsupport.model import Approval, Level


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


@pytest.fixture
def asked(room):
    one, ticket = room.look(room.claimed("ana", reason="refund").id)
    approval = Approval("A-1", one.id, ticket.id, "refunds", "Here.", "ana", MONDAY)
    return one, ticket, approval


def test_a_reason_that_the_rota_lists_needs_a_yes(room, asked):
    one, ticket, _ = asked
    assert yes_needed(rota(), ticket, one, "Here.", "ana").by == ("lea", "bo")


def test_words_that_the_rota_lists_need_a_yes_whatever_the_ticket_came_for(room):
    one, ticket = room.look(room.claimed("ana").id)
    assert yes_needed(rota(), ticket, one, "Just wait.", "ana") is None
    assert yes_needed(rota(), ticket, one, "Fine: We Will Refund it.", "ana") is not None


def test_nobody_agrees_to_their_own_answer_not_even_the_lead(asked):
    one, ticket, _ = asked
    assert yes_needed(rota(), ticket, one, "Here.", "bo").by == ("lea",)
    assert yes_needed(rota(), ticket, one, "Here.", "lea").by == ("bo",)


def test_the_matching_speciality_or_the_lead_decides_and_nobody_else(asked):
    one, ticket, approval = asked
    for by in ("bo", "lea"):
        check_decider(rota(), ticket, one, approval, by)
    for by in ("ana", "ann", "cy", "nobody", ""):
        with pytest.raises(NotAllowed):
            check_decider(rota(), ticket, one, approval, by)


def test_a_rule_that_is_gone_leaves_the_decision_to_the_lead(asked):
    one, ticket, approval = asked
    gone = rota(a=('reasons = ["refund"]', "reasons = []"))
    assert who_may_decide(gone, ticket, one, approval) == ("lea",)


def test_who_may_take_what_changes_with_the_time_for_a_named_person(room):
    one = room.handed(tier="enterprise").escalation
    assert why_not(one, rota(), "cy", MONDAY) is None
    assert "it is for cy" in why_not(one, rota(), "bo", MONDAY)
    # Later it is a matter of skill alone, and cy was named for being an expert.
    assert "level expert" in why_not(one, rota(), "bo", MONDAY + HOUR)


def test_a_named_person_may_take_what_is_not_among_their_topics(room):
    room.rota = rota(a=('to = "cy"', 'to = "ann"'))
    one = room.handed(tier="enterprise", topic="security", level=Level.FRONTLINE).escalation
    assert why_not(one, room.rota, "ann", MONDAY) is None
