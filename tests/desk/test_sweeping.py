import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from at_desk import HOUR, MONDAY, Room, rota

from kbsupport.desk.sweeping import Action, next_step
from kbsupport.model import Escalation, Level, State

YEAR = timedelta(days=365)


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


def escalation(**changed):
    given = {
        "id": "E-1", "ticket_id": "T-1", "state": State.QUEUED, "opened_at": MONDAY,
        "topic": "billing", "tier": "standard", "level": Level.FRONTLINE, "language": "en",
        "urgent": False, "priority": 1.0, "why_priority": "", "first_due": MONDAY + 2 * HOUR,
        "due": MONDAY + 24 * HOUR, "next_action_at": MONDAY + 2 * HOUR,
    }  # fmt: skip
    return Escalation(**given | changed)


def steps(one, by=None, most=6):
    """Let it lie, and do at each moment what is due then."""
    done, now = [], one.next_action_at
    for _ in range(most):
        step = next_step(one, by or rota(), now)
        assert step.next_action_at > now
        done.append(step)
        one = replace(one, **step.values() | {"state": step.state, "level": step.level})
        now = step.next_action_at
    return done


def test_what_nobody_takes_goes_from_one_to_another_to_the_next_level_to_the_lead():
    taken = steps(escalation(wanted="ana"))
    assert [s.action for s in taken[:4]] == list(Action)
    assert [s.to for s in taken[:4]] == [("ana",), ("ann",), ("bo",), ("lea",)]
    assert [s.level for s in taken[:4]] == [
        Level.FRONTLINE, Level.FRONTLINE, Level.SPECIALIST, Level.LEAD,
    ]  # fmt: skip
    assert [s.next_action_at for s in taken[:3]] == [
        MONDAY + 4 * HOUR, MONDAY + 6 * HOUR, MONDAY + 24 * HOUR
    ]  # fmt: skip


def test_the_lead_is_reminded_again_after_each_further_term():
    late = steps(escalation(wanted="ana"))[4:]
    assert [(s.action, s.number, s.to) for s in late] == [
        (Action.LEAD, 5, ("lea",)), (Action.LEAD, 6, ("lea",)),
    ]  # fmt: skip


def test_what_somebody_has_is_taken_from_them_at_the_second_step_not_the_first():
    first, second = steps(escalation(state=State.ASSIGNED, owner="ana"), most=2)
    assert (first.state, first.owner, first.to) == (State.ASSIGNED, "ana", ("ana",))
    assert (second.state, second.owner, second.wanted) == (State.QUEUED, None, "ann")


def test_an_answer_that_waits_for_a_yes_stays_with_its_author():
    one = escalation(state=State.WAITING_FOR_APPROVAL, owner="ana")
    first = next_step(one, rota(), MONDAY + 2 * HOUR, reviewers=("bo", "lea"))
    assert (first.action, first.to, first.next_action_at) == (
        Action.REMIND, ("bo", "lea"), MONDAY + 24 * HOUR,
    )  # fmt: skip
    second = next_step(replace(one, step=1), rota(), MONDAY + 24 * HOUR)
    assert (second.action, second.state, second.owner, second.to) == (
        Action.LEAD, State.WAITING_FOR_APPROVAL, "ana", ("lea",),
    )  # fmt: skip


def test_where_nobody_else_can_help_the_lead_comes_next_and_not_before_the_last_deadline():
    # Only cy and the lead know this topic; cy was asked.
    first, second = steps(escalation(topic="security", wanted="cy"), most=2)
    assert (first.action, second.action) == (Action.REMIND, Action.LEAD)
    assert first.next_action_at == MONDAY + 24 * HOUR


def test_a_raise_stops_at_the_first_level_where_somebody_fits_and_above_it_is_the_lead():
    no_specialist = rota(
        a=('id = "bo"\n', 'id = "bo"\naway = true\n'),
        b=('id = "cy"\nlevel = "expert"', 'id = "cy"\nlevel = "lead"'),
    )
    one = escalation(wanted="ana", step=2)
    raised = next_step(one, no_specialist, MONDAY + 6 * HOUR)
    assert (raised.action, raised.level, raised.to) == (Action.RAISE, Level.SPECIALIST, ("cy",))
    highest = replace(one, level=Level.EXPERT, wanted="cy")
    assert next_step(highest, no_specialist, MONDAY + 6 * HOUR).action is Action.LEAD


def test_what_the_lead_has_is_not_taken_away():
    for step in steps(escalation(state=State.ASSIGNED, owner="lea"), most=3):
        assert (step.state, step.owner, step.to) == (State.ASSIGNED, "lea", ("lea",))


def test_nobody_is_asked_twice_while_there_are_others_and_nobody_who_is_away():
    away = rota(a=('id = "ann"\n', 'id = "ann"\naway = true\n'))
    step = next_step(escalation(wanted="ana", step=1), away, MONDAY + 4 * HOUR)
    assert step.to == ("bo",)


def test_somebody_else_is_asked_by_name_only_if_they_are_at_work_and_have_room():
    night = MONDAY + 9 * HOUR
    step = next_step(escalation(wanted="ana", step=1), rota(), night)
    assert (step.wanted, step.to) == (None, ("ann", "bo", "cy"))
    full = {"ann": 3, "bo": 2, "cy": 2}
    step = next_step(escalation(wanted="ana", step=1), rota(), MONDAY + 4 * HOUR, full)
    assert step.wanted is None


def test_a_late_sweep_leaves_those_it_tells_time_to_act():
    friday = MONDAY + timedelta(days=4, hours=6, minutes=50)
    step = next_step(escalation(wanted="ana"), rota(), friday)
    assert step.action is Action.REMIND
    # A quarter of the first term, half an hour: ten minutes today, the rest after the weekend.
    assert step.next_action_at == datetime(2026, 11, 30, 9, 20, tzinfo=UTC)


def test_a_sweep_does_nothing_before_anything_is_due(room):
    room.handed()
    assert room.desk.sweep().lines() == ("nothing is overdue",)
    room.now = MONDAY + 2 * HOUR - timedelta(seconds=1)
    assert room.desk.sweep().reminded == ()


def test_a_sweep_may_be_given_a_moment_of_any_zone(room):
    one = room.handed().escalation
    noon_in_tokyo = one.first_due.astimezone(timezone(9 * HOUR))
    assert room.desk.sweep(noon_in_tokyo - HOUR).reminded == ()
    assert room.desk.sweep(noon_in_tokyo).reminded == (one.id,)
    assert room.look(one.id)[0].next_action_at == MONDAY + 4 * HOUR


def test_each_step_fires_once_and_is_told(room):
    one = room.handed().escalation
    for moment, name in ((2, "reminded"), (4, "reassigned"), (6, "raised"), (24, "to_lead")):
        room.now = MONDAY + moment * HOUR
        swept = room.desk.sweep()
        assert getattr(swept, name) == (one.id,)
        assert sum(len(ids) for ids in swept.to_dict().values() if isinstance(ids, list)) == 1
        again = room.another().sweep()
        assert again.lines() == ("nothing is overdue",)
        room.check()
    told = [e.body for e in room.events() if e.type == "ticket.overdue"]
    assert [(b["action"], b["to"]) for b in told] == [
        ("remind", ["ana"]), ("reassign", ["ann"]), ("raise", ["bo"]), ("lead", ["lea"]),
    ]  # fmt: skip
    found, _ = room.look(one.id)
    assert (found.step, found.level, found.wanted) == (4, Level.LEAD, "lea")
    room.desk.claim(one.id, "lea")
    room.check()


def test_a_sweep_takes_an_answer_nobody_writes_away_and_the_ticket_follows(room):
    one = room.claimed()
    for moment in (2, 4):
        room.now = MONDAY + moment * HOUR
        room.desk.sweep()
    found, ticket = room.look(one.id)
    assert (found.state, found.owner, ticket.state, ticket.owner) == (
        State.QUEUED, None, State.QUEUED, None,
    )  # fmt: skip
    assert ticket.next_action_at == found.next_action_at
    room.desk.claim(one.id, "ann")
    room.check()


def test_what_waits_for_a_yes_reminds_those_who_may_give_it_and_then_the_lead(room):
    waits = room.asked()
    room.now = MONDAY + 2 * HOUR
    assert room.desk.sweep().reminded == (waits.escalation_id,)
    room.now = MONDAY + 24 * HOUR
    assert room.desk.sweep().to_lead == (waits.escalation_id,)
    assert [e.body["to"] for e in room.events() if e.type == "ticket.overdue"] == [
        ["lea", "bo"], ["lea"],
    ]  # fmt: skip
    room.check()
    room.desk.approve(waits.approval_id, "lea")
    room.check()


def test_what_was_answered_is_never_overdue(room):
    one = room.claimed()
    room.desk.answer(one.id, "ana", "Done.")
    room.now = MONDAY + YEAR
    assert room.desk.sweep().reminded == ()


def test_two_sweeps_at_once_take_each_step_once(room):
    ids = sorted(room.handed().escalation.id for _ in range(20))
    room.now = MONDAY + 2 * HOUR
    desks, found = [room.another() for _ in range(4)], []
    threads = [threading.Thread(target=lambda d=desk: found.append(d.sweep())) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one for swept in found for one in swept.reminded) == ids
    assert room.kinds().count("ticket.overdue") == len(ids)
    room.check()


def test_a_clock_that_runs_ahead_and_is_set_back_fires_nothing_twice_and_loses_nothing(room):
    one = room.handed().escalation
    room.now = MONDAY + YEAR
    assert room.desk.sweep().reminded == (one.id,)
    room.now = MONDAY + HOUR
    assert room.desk.sweep().lines() == ("nothing is overdue",)
    found, _ = room.look(one.id)
    assert found.next_action_at == MONDAY + 4 * HOUR
    room.now = MONDAY + 4 * HOUR
    assert room.desk.sweep().reassigned == (one.id,)
    room.check()


def test_what_was_opened_in_a_future_that_is_undone_is_due_from_now_on(room):
    room.now = MONDAY + YEAR
    one = room.handed().escalation
    room.now = MONDAY
    assert room.desk.sweep().lines() == ("nothing is overdue",)
    found, _ = room.look(one.id)
    assert found.next_action_at == MONDAY + 2 * HOUR
    room.now = MONDAY + HOUR
    room.desk.sweep()
    room.now = MONDAY + 2 * HOUR
    assert room.desk.sweep().reminded == (one.id,)


def test_a_conversation_handed_back_that_nobody_goes_on_with_is_queued_again(room):
    one = room.claimed()
    room.desk.hand_back(one.id, "ana", "it is in the article")
    room.now = MONDAY + 24 * HOUR
    swept = room.desk.sweep()
    assert swept.requeued == (one.ticket_id,)
    assert room.desk.sweep().requeued == ()
    (row,) = room.desk.list()
    assert (row.escalation.level, row.escalation.ticket_id) == (Level.FRONTLINE, one.ticket_id)
    room.check()


def test_a_question_asked_back_that_nobody_answers_is_looked_at_by_a_person(room):
    ticket = room.ticket(state=State.CLARIFYING, next_action_at=MONDAY + 24 * HOUR)
    assert room.desk.sweep().requeued == ()
    room.now = MONDAY + 24 * HOUR
    assert room.desk.sweep().requeued == (ticket.id,)
    assert room.kinds(ticket.id) == ["ticket.reopened", "ticket.escalated"]
    room.check()


def test_a_sweep_counts_what_is_still_to_send(room):
    one = room.claimed()
    room.desk.answer(one.id, "ana", "Done.")
    swept = room.desk.sweep()
    assert swept.undelivered == 1
    assert swept.lines() == ("messages still to send: 1",)
    assert swept.to_dict().keys() == {
        "reminded", "reassigned", "raised", "to_lead", "requeued", "undelivered",
    }  # fmt: skip
