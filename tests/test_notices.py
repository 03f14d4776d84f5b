from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kbsupport.model import Escalation, Event, EventType, Level, Notice, State
from kbsupport.notices import notice_for

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
QUEUED = Escalation(
    "E-3", "T-7", State.QUEUED, NOW, "billing", "premium", Level.SPECIALIST, "de", urgent=True,
    priority=2.0, why_priority="", first_due=NOW.replace(hour=11), due=NOW.replace(hour=17),
    next_action_at=NOW, wanted="ana",
)  # fmt: skip
TAKEN = replace(QUEUED, state=State.ASSIGNED, owner="ben")


def event(type, ticket="T-7", **body):
    return Event(12, type, NOW, ticket, None, body)


def told(type, escalation=QUEUED, **body):
    found = notice_for(event(type, **body), escalation, "lea")
    return None if found is None else found.to


def test_whoever_is_wanted_hears_of_an_escalation_and_how_to_claim_it():
    found = notice_for(event(EventType.TICKET_ESCALATED), QUEUED, "lea")
    assert found == Notice(
        "ana", "T-7",
        "urgent T-7 (premium, billing) waits for you, answer by 2026-07-01 11:30 UTC: "
        "kbsupport desk claim E-3", 12,
    )  # fmt: skip


def test_what_was_claimed_meanwhile_or_is_meant_for_anybody_is_not_announced():
    assert told(EventType.TICKET_ESCALATED, TAKEN) is None
    assert told(EventType.TICKET_ESCALATED, replace(QUEUED, wanted=None)) is None
    assert told(EventType.TICKET_ESCALATED, None) is None


def test_of_the_overdue_the_owner_hears_first_and_then_the_lead():
    assert told(EventType.TICKET_OVERDUE, TAKEN) == "ben"
    assert told(EventType.TICKET_OVERDUE, QUEUED) == "ana"
    assert told(EventType.TICKET_OVERDUE, replace(QUEUED, wanted=None)) == "lea"
    assert told(EventType.TICKET_OVERDUE, replace(TAKEN, level=Level.LEAD)) == "lea"
    assert told(EventType.TICKET_OVERDUE, replace(TAKEN, state=State.ANSWERED)) is None


def test_the_reviewers_hear_of_an_answer_that_waits_for_them_and_the_lead_if_none_is_named():
    waiting = replace(TAKEN, state=State.WAITING_FOR_APPROVAL)
    assert told(EventType.APPROVAL_ASKED, waiting, to=["ida", "joe"]) == "ida, joe"
    assert told(EventType.APPROVAL_ASKED, waiting) == "lea"
    assert told(EventType.APPROVAL_ASKED, TAKEN, to=["ida"]) is None


def test_whom_an_event_names_hears_of_it_before_anybody_else():
    assert told(EventType.TICKET_ESCALATED, replace(QUEUED, wanted=None), to=["joe"]) == "joe"
    assert told(EventType.TICKET_OVERDUE, TAKEN, to=["ben", "joe"]) == "ben, joe"
    assert told(EventType.TICKET_OVERDUE, TAKEN, to=[]) == "ben"


def test_whoever_wrote_an_answer_hears_that_it_was_refused_while_they_have_it():
    assert told(EventType.APPROVAL_REFUSED, TAKEN, to=["ben"]) == "ben"
    assert told(EventType.APPROVAL_REFUSED, QUEUED, to=["ben"]) is None


def test_the_lead_hears_what_came_back_and_what_could_not_be_sent():
    back = notice_for(event(EventType.TICKET_HANDED_BACK, by="ben"), None, "lea")
    assert (back.to, back.text.split(":")[0]) == ("lea", "ben handed T-7 back to the assistant")
    assert told(EventType.MESSAGE_FAILED, None) == "lea"
    assert notice_for(event(EventType.MESSAGE_FAILED, None), None, "lea") is None


@pytest.mark.parametrize("type", EventType)
@pytest.mark.parametrize("state", State)
def test_every_event_has_an_outcome_whatever_has_become_of_its_ticket(type, state):
    for escalation in (None, replace(TAKEN, state=state), replace(QUEUED, topic=None)):
        found = notice_for(event(type), escalation, "lea")
        assert found is None or (found.to and "kbsupport" in found.text and found.event_id == 12)
