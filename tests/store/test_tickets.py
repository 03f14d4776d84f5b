from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from kbsupport.errors import Conflict, NotFound
from kbsupport.model import MOVES, State
from kbsupport.store import tickets

NOW = datetime(2026, 7, 1, 9, 30, 0, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def open_one(connection, conversation="v-1", state=State.QUEUED, **given):
    row = {
        "customer_id": "c", "tier": "standard", "question": f"asked in {conversation}",
        "reason": "no_passage", "decision_id": "d-1", "brief": {"n": 1}, "now": NOW,
    }  # fmt: skip
    return tickets.open_ticket(
        connection, conversation_id=conversation, state=state, **(row | given)
    )


def put(connection, state, conversation):
    """A ticket in any state, however it came there."""
    made = open_one(connection, conversation, State.NEW)
    to = update(tickets.TICKET).where(tickets.TICKET.c.id == int(made.id[2:]))
    connection.execute(to.values(state=str(state)))
    return tickets.find_ticket(connection, made.id)


def test_a_ticket_comes_back_as_it_was_opened(database):
    with database.write() as connection:
        made = open_one(
            connection, topic="delivery", language="de", owner="ann", next_action_at=LATER,
            question="Where\0 is \udc80it?", brief={"passages": [0.1 + 0.2]},
        )  # fmt: skip
    with database.read() as connection:
        found = tickets.find_ticket(connection, made.id)
        assert found == made == tickets.ticket_of(connection, "v-1")
    assert (found.id, found.state, found.version) == ("T-1", State.QUEUED, 1)
    assert (found.created_at, found.next_action_at, found.closed_at) == (NOW, LATER, None)
    assert (found.topic, found.language, found.owner) == ("delivery", "de", "ann")
    assert found.question == "Where  is ?it?"
    assert found.brief == {"passages": [0.1 + 0.2]}
    assert found.to_dict()["next_action_at"] == LATER.isoformat()


def test_tickets_are_listed_by_state_and_customer_the_oldest_first(database):
    with database.write() as connection:
        for number, state in enumerate([State.QUEUED, State.ANSWERED, State.QUEUED]):
            open_one(connection, f"v-{number}", state, customer_id=f"c-{number % 2}")
    with database.read() as connection:

        def ids(*given, **more):
            return [ticket.id for ticket in tickets.tickets(connection, *given, **more)]

        assert ids() == ["T-1", "T-2", "T-3"]
        assert ids([State.QUEUED]) == ["T-1", "T-3"]
        assert ids({State.QUEUED, State.ANSWERED}, 2) == ["T-1", "T-2"]
        assert ids(customer_id="c-0") == ["T-1", "T-3"]
        assert ids([]) == []


def test_an_id_is_read_in_any_case_and_what_is_none_is_nobodys(database):
    with database.write() as connection:
        open_one(connection)
        assert tickets.find_ticket(connection, "t-1") == tickets.find_ticket(connection, "1")
        for unknown in ("T-9", "x", "", "T-", "T-²", "T--1", "E-1", "T-1.0", "T-" + "9" * 30):
            assert tickets.find_ticket(connection, unknown) is None
            with pytest.raises(NotFound, match="see: kbsupport ticket list"):
                tickets.move(connection, unknown, State.CLOSED, now=NOW)
        assert tickets.find_ticket(connection, "T-1").version == 1
        assert tickets.ticket_of(connection, "v-2") is None


@pytest.mark.parametrize("to", State)
@pytest.mark.parametrize("start", State)
def test_a_ticket_makes_every_allowed_move_and_no_other(database, start, to):
    with database.write() as connection:
        other = put(connection, start, "v-other")
        before = put(connection, start, "v-1")
        if to in MOVES[start]:
            moved = tickets.move(connection, before.id, to, now=LATER)
            assert (moved.state, moved.version) == (to, before.version + 1)
            assert moved.closed_at == (LATER if to is State.CLOSED else None)
            assert moved == tickets.find_ticket(connection, before.id)
        else:
            with pytest.raises(Conflict, match=rf"^{before.id} is .*; .*\S$") as refused:
                tickets.move(connection, before.id, to, now=LATER, owner="eve")
            assert "\n" not in str(refused.value)
            assert "{" not in str(refused.value)
            assert tickets.find_ticket(connection, before.id) == before
        assert tickets.find_ticket(connection, other.id) == other


@pytest.mark.parametrize("state", State)
def test_a_ticket_begins_only_where_a_new_one_may_go(database, state):
    with database.write() as connection:
        if state is State.NEW or state in MOVES[State.NEW]:
            assert open_one(connection, state=state).state is state
        else:
            with pytest.raises(Conflict, match="no ticket begins as"):
                open_one(connection, state=state)
            assert tickets.tickets(connection) == []


def test_a_conversation_has_one_ticket(database):
    with database.write() as connection:
        open_one(connection)
        with pytest.raises(Conflict, match="'v-1' has a ticket already; move that one"):
            open_one(connection)
        assert open_one(connection, "v-2").conversation_id == "v-2"
        assert len(tickets.tickets(connection)) == 2


def test_a_move_changes_what_is_given_and_leaves_the_rest(database):
    with database.write() as connection:
        made = open_one(connection, owner="ann", next_action_at=LATER, topic="delivery")
        same = tickets.move(connection, made.id, State.ASSIGNED, now=NOW)
        assert (same.owner, same.next_action_at, same.topic) == ("ann", LATER, "delivery")
        assert (same.reason, same.decision_id, same.brief) == ("no_passage", "d-1", {"n": 1})
        other = tickets.move(
            connection, made.id, State.QUEUED, now=NOW, owner=None, next_action_at=NOW,
            decision_id="d-2", reason="legal", brief={"n": 2}, topic=None,
        )  # fmt: skip
    assert (other.owner, other.next_action_at, other.topic) == (None, NOW, None)
    assert (other.reason, other.decision_id, other.brief) == ("legal", "d-2", {"n": 2})
    assert (other.question, other.created_at, other.version) == (made.question, NOW, 3)


def test_a_ticket_that_is_reopened_is_closed_no_more(database):
    with database.write() as connection:
        made = open_one(connection)
        assert tickets.move(connection, made.id, State.CLOSED, now=LATER).closed_at == LATER
        assert tickets.move(connection, made.id, State.QUEUED, now=LATER).closed_at is None


def test_of_two_who_have_seen_the_same_version_the_first_one_wins(database):
    with database.write() as connection:
        made = open_one(connection, state=State.ANSWERED)
        first = tickets.move(connection, made.id, State.CLARIFYING, now=NOW, expected=1)
        with pytest.raises(Conflict, match="T-1 was changed by somebody else meanwhile; look at"):
            tickets.move(connection, made.id, State.QUEUED, now=NOW, expected=1)
        assert tickets.find_ticket(connection, made.id) == first
        assert tickets.move(connection, made.id, State.QUEUED, now=NOW, expected=2).version == 3


def test_a_refusal_says_who_has_the_ticket_and_what_to_do(database):
    with database.write() as connection:
        made = open_one(connection)
        tickets.move(connection, made.id, State.ASSIGNED, now=NOW, owner="ann")
        with pytest.raises(Conflict, match="T-1 is assigned, so it cannot become clarifying; ann"):
            tickets.move(connection, made.id, State.CLARIFYING, now=NOW, owner="bob")
        tickets.move(connection, made.id, State.CLOSED, now=NOW)
        with pytest.raises(Conflict, match="reopen it: kbsupport ticket reopen T-1"):
            tickets.move(connection, made.id, State.ANSWERED, now=NOW)


@pytest.mark.parametrize("state", State)
def test_an_open_ticket_that_nobody_has_and_nothing_will_happen_with_is_named(database, state):
    with database.write() as connection:
        alone = put(connection, state, "v-1")
        connection.exec_driver_sql("UPDATE ticket SET owner = NULL, next_action_at = NULL")
        open_one(connection, "v-2", owner="ann")
        open_one(connection, "v-3", next_action_at=LATER)
        open_one(connection, "v-4", State.ANSWERED)
        expected = [] if state in {State.CLOSED, State.ANSWERED} else [alone.id]
        assert tickets.without_next_action(connection) == expected
