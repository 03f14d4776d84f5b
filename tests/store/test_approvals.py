from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from kbsupport.errors import Conflict, NotAllowed, NotFound, StoreError
from kbsupport.model import Level, State
from kbsupport.store import approvals, escalations, tickets

NOW = datetime(2026, 7, 1, 9, 30, 0, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def hand_over(connection, name="v-1"):
    ticket = tickets.open_ticket(
        connection, conversation_id=name, state=State.QUEUED, customer_id="c", tier="standard",
        question="Pay me back", reason="refund", decision_id="d", brief={}, now=NOW,
    )  # fmt: skip
    return escalations.open_escalation(
        connection, ticket.id, topic=None, tier="standard", level=Level.FRONTLINE, language=None,
        urgent=False, priority=1.0, why_priority="", first_due=NOW, due=NOW, next_action_at=NOW,
        now=NOW,
    )  # fmt: skip


def ask(connection, text="We pay 20 back.", **given):
    row = {
        "escalation_id": "E-1", "ticket_id": "T-1", "why": "refund", "text": text,
        "asked_by": "ann", "now": NOW,
    }  # fmt: skip
    return approvals.ask_approval(connection, **(row | given))


def decide(connection, name="A-1", **given):
    row = {"by": "bob", "approved": True, "note": None, "now": LATER}
    return approvals.decide_approval(connection, name, **(row | given))


def test_an_approval_comes_back_as_it_was_asked_for(database):
    with database.write() as connection:
        hand_over(connection)
        hand_over(connection, "v-2")
        made = [ask(connection), ask(connection, "We pay 10 back.")]
        ask(connection, escalation_id="e-2", ticket_id="t-2")
    with database.read() as connection:
        assert approvals.approvals_of(connection, "e-1") == made
        assert approvals.find_approval(connection, "a-2") == made[1]
        assert [a.ticket_id for a in approvals.approvals_of(connection, "E-2")] == ["T-2"]
        assert approvals.approvals_of(connection, "E-9") == []
    first = made[0]
    assert (first.id, first.escalation_id, first.ticket_id) == ("A-1", "E-1", "T-1")
    assert (first.why, first.text, first.asked_by) == ("refund", "We pay 20 back.", "ann")
    assert (first.asked_at, first.state) == (NOW, "waiting")
    assert (first.decided_by, first.decided_at, first.note) == (None, None, None)


def test_an_approval_is_given_or_refused_with_who_and_why(database):
    with database.write() as connection:
        hand_over(connection)
        ask(connection)
        ask(connection)
        ask(connection)
        given = decide(connection)
        refused = decide(connection, "A-2", approved=False, note="Too much.")
        edited = decide(connection, "A-3", text="We pay 15 back.", note="A little less.")
        assert approvals.approvals_of(connection, "E-1") == [given, refused, edited]
    assert (given.state, given.decided_by, given.decided_at) == ("approved", "bob", LATER)
    assert (given.text, given.note) == ("We pay 20 back.", None)
    assert (refused.state, refused.note) == ("rejected", "Too much.")
    assert refused.text == "We pay 20 back."
    assert (edited.state, edited.text) == ("approved", "We pay 15 back.")


@pytest.mark.parametrize("approved", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_an_approval_is_decided_once(database, first, approved):
    with database.write() as connection:
        hand_over(connection)
        ask(connection)
        decided = decide(connection, approved=first)
        words = "approved" if first else "rejected"
        with pytest.raises(Conflict, match=f"A-1 was {words} by bob already; see: kbsupport desk"):
            decide(connection, by="cem", approved=approved, text="Never.")
        assert approvals.find_approval(connection, "A-1") == decided


def test_of_eight_who_decide_at_once_one_does(database):
    with database.write() as connection:
        hand_over(connection)
        ask(connection)

    def race(number):
        try:
            with database.write() as connection:
                return decide(connection, by=f"s-{number}", approved=number % 2 == 0)
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        won = [one for one in pool.map(race, range(8)) if one]
    with database.read() as connection:
        assert won == approvals.approvals_of(connection, "E-1")


def test_nobody_approves_their_own_answer_but_may_take_it_back(database):
    with database.write() as connection:
        hand_over(connection)
        asked = ask(connection)
        with pytest.raises(NotAllowed, match="A-1 is your own answer; somebody else has to"):
            decide(connection, by="ann")
        assert approvals.find_approval(connection, "A-1") == asked
        assert decide(connection, by="ann", approved=False).state == "rejected"


@pytest.mark.parametrize("unknown", ["A-9", "x", "", "A-", "A-²", "E-1", "A-" + "9" * 30])
def test_an_approval_that_nobody_asked_for_is_not_found(database, unknown):
    with database.write() as connection:
        hand_over(connection)
        ask(connection)
        assert approvals.find_approval(connection, unknown) is None
        with pytest.raises(NotFound, match="see: kbsupport desk list"):
            decide(connection, unknown)


@pytest.mark.parametrize("wrong", [{"escalation_id": "E-9"}, {"ticket_id": "x"}])
def test_an_approval_for_nothing_is_refused_by_the_database(database, wrong):
    with pytest.raises(StoreError), database.write() as connection:  # noqa: PT012
        hand_over(connection)
        ask(connection, **wrong)
