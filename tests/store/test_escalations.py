from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from kbsupport.errors import Conflict, NotAllowed, NotFound
from kbsupport.model import Level, State
from kbsupport.store import escalations, tickets

NOW = datetime(2026, 7, 1, 9, 30, 0, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
UNKNOWN = ("E-9", "x", "", "E-", "E-²", "T-1", "E-" + "9" * 30)
OPEN = {State.QUEUED, State.ASSIGNED, State.WAITING_FOR_APPROVAL}


def hand_over(connection, name="v-1", **given):
    ticket = tickets.open_ticket(
        connection, conversation_id=name, state=State.QUEUED, customer_id="c", tier="standard",
        question="Where is it?", reason="legal", decision_id="d", brief={}, now=NOW,
    )  # fmt: skip
    return escalate(connection, ticket.id, **given)


def escalate(connection, ticket_id, **given):
    row = {
        "topic": "delivery", "tier": "premium", "level": Level.FRONTLINE, "language": "de",
        "urgent": True, "priority": 0.1 + 0.2, "why_priority": "urgent × premium",
        "first_due": NOW + HOUR, "due": NOW + 8 * HOUR, "next_action_at": NOW + HOUR,
        "wanted": "bob", "now": NOW,
    }  # fmt: skip
    return escalations.open_escalation(connection, ticket_id, **(row | given))


def put(connection, escalation, state):
    """An escalation in any state, however it came there."""
    escalations.change(connection, escalation.id, {"state": str(state)}, states=State)
    return escalations.find_escalation(connection, escalation.id)


def ids(found):
    return [one.id for one in found]


def test_an_escalation_comes_back_as_it_was_opened(database):
    with database.write() as connection:
        made = hand_over(connection)
    with database.read() as connection:
        assert escalations.find_escalation(connection, "e-1") == made
        assert escalations.open_of(connection, "T-1") == made
        assert escalations.waiting(connection) == [made]
    assert (made.id, made.ticket_id, made.state) == ("E-1", "T-1", State.QUEUED)
    assert (made.topic, made.tier, made.level) == ("delivery", "premium", Level.FRONTLINE)
    assert (made.language, made.urgent, made.wanted) == ("de", True, "bob")
    assert (made.priority, made.why_priority) == (0.1 + 0.2, "urgent × premium")
    assert (made.opened_at, made.first_due, made.due) == (NOW, NOW + HOUR, NOW + 8 * HOUR)
    assert (made.next_action_at, made.step, made.version) == (NOW + HOUR, 0, 1)
    assert (made.owner, made.claimed_at, made.answered_at, made.draft) == (None,) * 4


def test_a_ticket_is_with_people_once_at_a_time(database):
    with database.write() as connection:
        made = hand_over(connection)
        for state in OPEN:
            put(connection, made, state)
            with pytest.raises(Conflict, match="T-1 is with people already: kbsupport desk brief"):
                escalate(connection, "T-1")
        put(connection, made, State.ANSWERED)
        again = escalate(connection, "T-1")
        assert again.id == "E-2"
        assert escalations.open_of(connection, "T-1") == again


def test_what_is_not_there_is_not_found_with_the_cure(database):
    with database.write() as connection:
        hand_over(connection)
        with pytest.raises(NotFound, match="see: kbsupport ticket list"):
            escalate(connection, "T-9")
        assert escalations.open_of(connection, "T-9") is None
        for unknown in UNKNOWN:
            assert escalations.find_escalation(connection, unknown) is None
            with pytest.raises(NotFound, match="see: kbsupport desk list"):
                escalations.claim(connection, unknown, "ann", NOW)
            with pytest.raises(NotFound, match="see: kbsupport desk list"):
                escalations.change(connection, unknown, {"step": 1}, states=State)


def test_a_claim_is_of_one_person_and_the_next_is_told_who_has_it(database):
    with database.write() as connection:
        hand_over(connection)
        mine = escalations.claim(connection, "e-1", "ann", NOW)
        assert (mine.state, mine.owner, mine.claimed_at) == (State.ASSIGNED, "ann", NOW)
        assert mine.version == 2
        for state in (State.ASSIGNED, State.WAITING_FOR_APPROVAL):
            held = put(connection, mine, state)
            with pytest.raises(Conflict, match=r"^E-1 is .*; ann "):
                escalations.claim(connection, "E-1", "bob", NOW)
            with pytest.raises(Conflict, match="E-1 is yours already"):
                escalations.claim(connection, "E-1", "ann", NOW)
            assert escalations.find_escalation(connection, "E-1") == held


@pytest.mark.parametrize("state", [s for s in State if s not in OPEN])
def test_what_is_over_cannot_be_claimed(database, state):
    with database.write() as connection:
        over = put(connection, hand_over(connection), state)
        with pytest.raises(Conflict, match="it is over; to go on with it: kbsupport ticket reopen"):
            escalations.claim(connection, over.id, "ann", NOW)
        assert escalations.find_escalation(connection, over.id) == over
        assert escalations.open_of(connection, over.ticket_id) is None
        assert escalations.overdue(connection, NOW + 9 * HOUR) == []


def test_of_sixteen_who_race_each_escalation_has_exactly_one_winner(database):
    many = 100 if database.path else 25
    with database.write() as connection:
        made = [hand_over(connection, f"v-{number}").id for number in range(many)]
    ready = Barrier(16)

    def race(by):
        won, lost = [], 0
        ready.wait()
        for escalation_id in made:
            try:
                with database.write() as connection:
                    won.append(escalations.claim(connection, escalation_id, by, NOW).id)
            except Conflict:
                lost += 1
        return by, won, lost

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(race, [f"s-{number}" for number in range(16)]))
    assert sorted(one for _, won, _ in results for one in won) == sorted(made)
    assert sum(lost for _, _, lost in results) == 15 * many
    with database.read() as connection:
        assert escalations.waiting(connection) == []
        for by, won, _ in results:
            assert ids(escalations.at_work(connection, by)) == sorted(won, key=made.index)
        assert escalations.loads(connection) == {by: len(won) for by, won, _ in results if won}
        assert {one.version for one in escalations.at_work(connection)} == {2}


def test_a_change_takes_effect_only_where_the_caller_believes_it_to_be(database):
    with database.write() as connection:
        hand_over(connection)
        mine = escalations.claim(connection, "E-1", "ann", NOW)
        given = {"states": {State.ASSIGNED}, "expected": 2, "owner": "ann"}
        told = {"draft": "Dear customer", "next_action_at": NOW + 2 * HOUR, "level": Level.EXPERT}
        for wrong, error, words in (
            ({"states": {State.QUEUED}}, Conflict, "E-1 is assigned; ann has it"),
            ({"expected": 1}, Conflict, "E-1 was changed by somebody else meanwhile"),
            ({"owner": "bob"}, NotAllowed, "E-1 is ann's, not yours"),
        ):
            with pytest.raises(error, match=words):
                escalations.change(connection, "E-1", told, **(given | wrong))
            assert escalations.find_escalation(connection, "E-1") == mine
        done = escalations.change(connection, "E-1", told, **given)
        assert (done.draft, done.next_action_at) == ("Dear customer", NOW + 2 * HOUR)
        assert (done.level, done.owner, done.version) == (Level.EXPERT, "ann", 3)


def test_what_nobody_has_claimed_has_to_be_claimed_first(database):
    with database.write() as connection:
        hand_over(connection)
        with pytest.raises(Conflict, match="E-1 is queued; claim it first: kbsupport desk claim"):
            escalations.change(
                connection, "E-1", {"draft": "x"}, states={State.ASSIGNED}, owner="ann"
            )
        with pytest.raises(NotAllowed, match="E-1 is nobody's yet, not yours"):
            escalations.change(connection, "E-1", {"step": 1}, states=OPEN, owner="ann")


def test_the_queue_is_read_by_priority_and_then_by_age(database):
    with database.write() as connection:
        for number, priority in enumerate([1.0, 3.0, 1.0, 2.0]):
            hand_over(connection, f"v-{number}", priority=priority)
        assert ids(escalations.waiting(connection)) == ["E-2", "E-4", "E-1", "E-3"]
        assert ids(escalations.waiting(connection, limit=1)) == ["E-2"]


def test_what_is_at_work_is_counted_by_person(database):
    with database.write() as connection:
        for number, by in enumerate(["ann", "bob", "ann", "ann", None]):
            made = hand_over(connection, f"v-{number}")
            if by:
                escalations.claim(connection, made.id, by, NOW)
        put(connection, escalations.find_escalation(connection, "E-3"), State.ANSWERED)
        put(connection, escalations.find_escalation(connection, "E-4"), State.WAITING_FOR_APPROVAL)
        assert escalations.loads(connection) == {"ann": 2, "bob": 1}
        assert ids(escalations.at_work(connection)) == ["E-1", "E-2", "E-4"]
        assert ids(escalations.at_work(connection, "ann")) == ["E-1", "E-4"]
        assert escalations.at_work(connection, "eve") == []


def test_the_overdue_are_those_whose_time_has_come_the_longest_overdue_first(database):
    with database.write() as connection:
        for number, hours in enumerate([3, 1, 2, 4]):
            hand_over(connection, f"v-{number}", next_action_at=NOW + hours * HOUR)
        escalations.claim(connection, "E-3", "ann", NOW)
        assert escalations.overdue(connection, NOW) == []
        assert ids(escalations.overdue(connection, NOW + 3 * HOUR)) == ["E-2", "E-3", "E-1"]
        assert ids(escalations.overdue(connection, NOW + 3 * HOUR, limit=1)) == ["E-2"]
