import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from at_desk import HOUR, KEY, MONDAY, Room, rota
from sqlalchemy import event

from kbsupport.desk.desk import Handover
from kbsupport.errors import ConfigError, Conflict, KbSupportError, NotAllowed, NotFound
from kbsupport.model import EventType, Level, State
from kbsupport.store import audit, events, tickets

DAY = 24 * HOUR


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


class Broken(Exception):
    pass


def test_what_is_handed_over_waits_for_whoever_fits_with_its_deadlines(room):
    opened = room.handed(frustration=0.5)
    one, ticket = room.look(opened.escalation.id)
    assert one == opened.escalation
    assert (one.state, one.owner, one.wanted) == (State.QUEUED, None, "ana")
    assert (one.first_due, one.due) == (MONDAY + 2 * HOUR, MONDAY + DAY)
    assert (ticket.state, ticket.next_action_at) == (State.QUEUED, one.first_due)
    assert (opened.position, opened.expected_wait) == (1, timedelta(0))
    (told,) = room.events()
    assert (told.type, told.body["to"]) == ("ticket.escalated", ["ana"])
    room.check()


def test_a_ticket_that_was_queued_as_it_was_opened_can_be_handed_over(room):
    with room.database.write() as connection:
        ticket = room.ticket_in(connection, tier="standard", reason="x", state=State.QUEUED)
        opened = room.desk.open(connection, Handover(ticket, None), cause=None)
    assert room.look(opened.escalation.id)[1].state is State.QUEUED


def test_what_people_have_already_is_not_handed_over_twice(room):
    first = room.handed().escalation
    _, ticket = room.look(first.id)
    with room.database.write() as connection:
        again = room.desk.open(connection, Handover(ticket, "billing"), cause=None)
    assert (again.escalation.id, again.position) == (first.id, 1)
    assert room.kinds() == ["ticket.escalated"]


def test_the_event_of_a_handover_names_the_one_that_led_to_it(room):
    ticket = room.ticket()
    with room.database.write() as connection:
        led = events.record(connection, EventType.TICKET_CREATED, now=room.now, ticket_id=ticket.id)
        one = room.desk.open(connection, Handover(ticket, "billing"), cause=led).escalation
    room.desk.claim(one.id, "ana")
    assert [(e.id, e.cause) for e in room.events(ticket.id)] == [(1, None), (2, 1), (3, 2)]


def test_the_queue_is_ordered_by_what_counts_now(room):
    calm, angry = room.handed(), room.handed(frustration=1.0)
    urgent = room.handed(urgent=True)
    rich = room.handed(tier="enterprise")
    assert [o.position for o in (calm, angry, urgent, rich)] == [1, 1, 1, 2]
    first = [row.escalation.id for row in room.desk.list()]
    assert first == [o.escalation.id for o in (urgent, rich, angry, calm)]
    room.now += 4 * HOUR
    later = room.handed(frustration=0.0)
    rows = room.desk.list()
    assert [row.position for row in rows] == [1, 2, 3, 4, 5]
    assert rows[-1].escalation.id == later.escalation.id
    ranks = {row.escalation.id: row for row in rows}
    # Shouting does not win for ever: it is an old ticket like any other now.
    aged = ranks[urgent.escalation.id].escalation
    assert aged.priority == pytest.approx(ranks[calm.escalation.id].escalation.priority)
    assert "age ×1.33" in aged.why_priority


def test_everybody_off_shift_means_a_place_in_the_queue_and_a_wait_until_they_open(room):
    room.now = MONDAY + 10 * HOUR
    opened = room.handed()
    assert opened.escalation.wanted is None
    assert opened.expected_wait == 13 * HOUR
    assert opened.escalation.first_due == MONDAY + 25 * HOUR
    room.check()


def test_a_claim_gives_it_to_one_person(room):
    one = room.claimed("ann")
    found, ticket = room.look(one.id)
    assert (found.state, found.owner) == (State.ASSIGNED, "ann")
    assert (ticket.state, ticket.owner) == (State.ASSIGNED, "ann")
    with pytest.raises(Conflict, match="ann has it"):
        room.desk.claim(one.id, "ana")
    assert room.kinds() == ["ticket.escalated", "ticket.claimed"]
    room.check()


def test_a_claim_has_exactly_one_winner(room):
    ids = [room.handed().escalation.id for _ in range(12)]
    desks = [room.another() for _ in range(6)]
    won, lost, gate = [], [], threading.Barrier(len(desks))

    def race(desk, by):
        gate.wait()
        for one in ids:
            try:
                won.append((desk.claim(one, by).id, by))
            except Conflict:
                lost.append(one)

    names = ("ana", "ann", "bo", "cy", "lea", "ana")
    threads = [threading.Thread(target=race, args=one) for one in zip(desks, names, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one for one, _ in won) == sorted(ids)
    assert len(lost) == 5 * len(ids)
    assert all(room.look(one)[0].owner == by for one, by in won)
    room.check()


@pytest.mark.parametrize(
    ("given", "by", "why"),
    [
        ({}, "eve", "not on the rota"),
        ({}, "di", "away"),
        ({"topic": "security"}, "ana", "security is not among ana's topics"),
        ({"topic": None}, "bo", "what has no topic is not among bo's topics"),
        ({"level": Level.SPECIALIST}, "ana", "it needs the level specialist, ana is frontline"),
        ({"tier": "enterprise"}, "bo", "it is for cy, or the lead, until it is overdue"),
    ],
)
def test_who_does_not_fit_cannot_claim_and_the_lead_can(room, given, by, why):
    one = room.handed(**given).escalation
    with pytest.raises(NotAllowed, match=why):
        room.desk.claim(one.id, by)
    assert room.look(one.id)[0] == one
    assert room.desk.claim(one.id, "lea").owner == "lea"


def test_what_is_meant_for_one_person_is_everybodys_once_it_is_overdue(room):
    one = room.handed(tier="enterprise").escalation
    assert (one.wanted, one.level) == ("cy", Level.EXPERT)
    low = rota(a=('to = "cy"', 'to = "ann"'))
    room.rota = low
    two = room.handed(tier="enterprise").escalation
    assert (two.wanted, two.level) == ("ann", Level.FRONTLINE)
    with pytest.raises(NotAllowed, match="it is for ann"):
        room.desk.claim(two.id, "ana")
    room.now = two.first_due
    assert room.desk.claim(two.id, "ana").owner == "ana"


def test_a_list_for_one_person_shows_what_they_have_and_may_take(room):
    mine = room.claimed("ana")
    theirs = room.claimed("ann")
    free = room.handed().escalation
    hard = room.handed(level=Level.EXPERT).escalation
    assert [r.escalation.id for r in room.desk.list("ana")] == [free.id, mine.id]
    everything = [r.escalation.id for r in room.desk.list()]
    assert sorted(everything) == sorted([mine.id, theirs.id, free.id, hard.id])
    assert room.desk.list("ana")[0].to_dict()["question"] == "Help me."


def test_an_answer_goes_out_once_and_ends_the_escalation(room):
    one = room.claimed()
    done = room.desk.answer(one.id, "ana", "Here it is.")
    found, ticket = room.look(one.id)
    assert (found.state, found.answered_at, ticket.state) == (
        State.ANSWERED, room.now, State.ANSWERED,
    )  # fmt: skip
    assert room.said(ticket)[-1] == ("specialist", "ana", "Here it is.", "pending")
    assert (done.seq, done.approval_id, done.state) == (2, None, "answered")
    with pytest.raises(Conflict, match="it is over"):
        room.desk.answer(one.id, "ana", "Here it is.")
    assert len(room.said(ticket)) == 2
    room.check()


def test_an_answer_with_a_key_is_given_once_however_often_it_is_sent(room):
    one = room.claimed()
    done = room.desk.answer(one.id, "ana", "Here.", key="k")
    assert room.desk.answer(one.id, "ana", "Here.", key="k") == done
    with pytest.raises(Conflict, match="key"):
        room.desk.answer(one.id, "ana", "Other words.", key="k")
    other = room.claimed()
    with pytest.raises(Conflict, match="key"):
        room.desk.answer(other.id, "ana", "Here.", key="k")
    assert len(room.said(room.look(one.id)[1])) == 2
    room.check()


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_answer_without_words_is_refused(room, text):
    one = room.claimed()
    with pytest.raises(ConfigError, match="without words"):
        room.desk.answer(one.id, "ana", text)
    assert room.look(one.id)[0] == one


def test_only_its_owner_answers_drafts_releases_and_hands_back(room):
    one = room.claimed("ana")
    for act in (
        lambda: room.desk.answer(one.id, "ann", "x"),
        lambda: room.desk.draft(one.id, "ann", "x"),
        lambda: room.desk.release(one.id, "ann"),
        lambda: room.desk.hand_back(one.id, "ann", "x"),
    ):
        with pytest.raises(NotAllowed, match="ana's, not yours"):
            act()
    assert room.look(one.id)[0] == one
    room.check()


def test_what_nobody_has_cannot_be_answered(room):
    one = room.handed().escalation
    with pytest.raises(Conflict, match="claim it first"):
        room.desk.answer(one.id, "ana", "x")


@pytest.mark.parametrize("id", ["E-9", "T-1", "x", ""])
def test_an_escalation_that_is_not_there_is_not_found(room, id):
    room.handed()
    for act in (
        lambda: room.desk.claim(id, "ana"),
        lambda: room.desk.answer(id, "ana", "x"),
        lambda: room.desk.brief(id),
        lambda: room.desk.release(id, "ana"),
    ):
        with pytest.raises(NotFound, match="desk list"):
            act()


def test_a_draft_is_kept_and_the_customer_sees_nothing_of_it(room):
    one = room.claimed()
    made = room.desk.draft(one.id, "ana", "half of \ud83d it")
    assert room.look(one.id)[0] == made
    assert made.draft.startswith("half of ")
    assert len(room.said(room.look(one.id)[1])) == 1
    room.check()


def test_what_is_released_waits_again_and_the_lead_releases_anybodys(room):
    one = room.claimed("ana")
    assert room.desk.release(one.id, "ana").owner is None
    room.check()
    room.desk.claim(one.id, "ann")
    room.desk.release(one.id, "lea")
    room.check()
    assert room.desk.claim(one.id, "bo").owner == "bo"
    assert room.kinds().count("ticket.released") == 2


def test_an_answer_on_a_refund_waits_and_the_customer_reads_nothing_yet(room):
    done = room.asked("ana")
    found, ticket = room.look(done.escalation_id)
    assert (found.state, ticket.state) == (State.WAITING_FOR_APPROVAL,) * 2
    assert (found.owner, ticket.owner) == ("ana", "ana")
    assert len(room.said(ticket)) == 1
    assert (done.approver, done.approval_id) == ("lea or bo", "A-1")
    told = room.events()[-1]
    assert (told.type, told.body["to"]) == ("approval.asked", ["lea", "bo"])
    room.check()


def test_a_yes_sends_the_answer_in_its_authors_name(room):
    done = room.asked("ana")
    made = room.desk.approve(done.approval_id, "bo", note="fine")
    assert (made.state, made.decided_by, made.note) == ("approved", "bo", "fine")
    found, ticket = room.look(done.escalation_id)
    assert (found.state, ticket.state) == (State.ANSWERED, State.ANSWERED)
    assert room.said(ticket)[-1] == ("specialist", "ana", "The money was sent.", "pending")
    given, answered = room.events()[-2:]
    assert (given.type, answered.type) == ("approval.given", "ticket.answered")
    assert answered.cause == given.id
    room.check()


def test_a_yes_with_other_words_sends_those(room):
    done = room.asked()
    made = room.desk.approve(done.approval_id, "bo", "The money was sent on Monday.")
    assert made.text == "The money was sent on Monday."
    assert room.said(room.look(done.escalation_id)[1])[-1][2] == made.text
    with pytest.raises(ConfigError, match="without words"):
        room.desk.approve(done.approval_id, "bo", " ")


def test_a_no_gives_it_back_to_its_author_with_the_note(room):
    done = room.asked("ana")
    made = room.desk.reject(done.approval_id, "bo", "past the 30 days")
    assert (made.state, made.note) == ("rejected", "past the 30 days")
    found, ticket = room.look(done.escalation_id)
    assert (found.state, found.owner, ticket.state) == (State.ASSIGNED, "ana", State.ASSIGNED)
    assert found.draft == "The money was sent."
    assert room.said(ticket)[-1] == ("note", "bo", "past the 30 days", "none")
    room.check()
    again = room.desk.answer(found.id, "ana", "Sorry, no.")
    assert again.approval_id == "A-2"
    room.desk.approve("A-2", "lea")
    assert room.said(ticket)[-1][2] == "Sorry, no."
    room.check()


@pytest.mark.parametrize("act", ["approve", "reject"])
@pytest.mark.parametrize(
    ("by", "why"), [("ana", "your own answer"), ("cy", "ask lea, bo"), ("eve", "ask lea, bo")]
)
def test_the_wrong_person_decides_nothing(room, act, by, why):
    done = room.asked("ana")
    with pytest.raises(NotAllowed, match=why):
        getattr(room.desk, act)(done.approval_id, by, "words")
    assert room.approval(done.approval_id).state == "waiting"
    assert len(room.said(room.look(done.escalation_id)[1])) == 1
    room.check()


def test_an_approval_is_decided_once(room):
    done = room.asked()
    room.desk.approve(done.approval_id, "bo")
    for act in (
        lambda: room.desk.approve(done.approval_id, "lea"),
        lambda: room.desk.reject(done.approval_id, "bo", "no"),
        lambda: room.desk.approve(done.approval_id, "ana"),
    ):
        with pytest.raises(Conflict, match="approved by bo already"):
            act()
    assert len(room.said(room.look(done.escalation_id)[1])) == 2
    with pytest.raises(NotFound, match="no approval 'A-7'"):
        room.desk.approve("A-7", "bo")
    room.check()


def test_what_waits_for_a_yes_is_not_answered_handed_back_or_released_beside_it(room):
    done = room.asked("ana")
    for act in (
        lambda: room.desk.answer(done.escalation_id, "ana", "x"),
        lambda: room.desk.hand_back(done.escalation_id, "ana", "x"),
        lambda: room.desk.release(done.escalation_id, "ana"),
        lambda: room.desk.claim(done.escalation_id, "lea"),
    ):
        with pytest.raises(Conflict):
            act()
    room.check()


def test_handed_back_means_the_assistant_may_speak_and_the_note_is_kept(room):
    one = room.claimed()
    room.desk.hand_back(one.id, "ana", "it is in the article")
    found, ticket = room.look(one.id)
    assert (found.state, ticket.state, ticket.owner) == (
        State.HANDED_BACK, State.HANDED_BACK, None,
    )  # fmt: skip
    assert not ticket.state.with_a_person
    assert ticket.next_action_at == MONDAY + DAY
    assert room.said(ticket)[-1] == ("note", "ana", "it is in the article", "none")
    room.check()


def test_of_two_hand_backs_at_once_one_wins(room):
    one = room.claimed()
    desks, ended, gate = [room.another(), room.another()], [], threading.Barrier(2)

    def back(desk):
        gate.wait()
        try:
            ended.append(desk.hand_back(one.id, "ana", "note").state)
        except Conflict as error:
            ended.append(error)

    threads = [threading.Thread(target=back, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(e, Conflict) for e in ended) == [False, True]
    assert room.kinds().count("ticket.handed_back") == 1
    assert len(room.said(room.look(one.id)[1])) == 2
    room.check()


@pytest.mark.parametrize("begin", ["handed", "claimed", "asked"])
def test_closing_a_ticket_ends_all_that_is_open_of_it(room, begin):
    getattr(room, begin)()
    found = "E-1"
    ticket = room.desk.close("t-1", "c-1")
    assert (ticket.state, ticket.owner, ticket.closed_at) == (State.CLOSED, None, room.now)
    assert room.look(found)[0].state is State.CLOSED
    assert room.desk.list() == ()
    if begin == "asked":
        assert room.approval("A-1").state == "rejected"
        with pytest.raises(Conflict):
            room.desk.approve("A-1", "bo")
    with pytest.raises(Conflict):
        room.desk.answer(found, "ana", "too late")
    with pytest.raises(Conflict, match="closed"):
        room.desk.close("T-1", "c-1")
    assert [line[0] for line in room.said(ticket)] == ["customer"]
    room.check()


def test_what_a_person_answered_comes_back_a_level_higher(room):
    one = room.claimed()
    room.desk.answer(one.id, "ana", "Try again.")
    ticket = room.desk.reopen(one.ticket_id, "c-1")
    assert (ticket.state, ticket.owner) == (State.QUEUED, None)
    again, _ = room.look("E-2")
    assert (again.level, again.state) == (Level.SPECIALIST, State.QUEUED)
    reopened, escalated = room.events()[-2:]
    assert (reopened.type, escalated.type) == ("ticket.reopened", "ticket.escalated")
    assert escalated.cause == reopened.id
    room.check()
    with pytest.raises(Conflict, match="nothing to reopen"):
        room.desk.reopen(one.ticket_id, "c-1")
    room.desk.claim("E-2", "bo")
    room.desk.answer("E-2", "bo", "And now?")
    room.desk.reopen(one.ticket_id, "c-1")
    assert room.look("E-3")[0].level is Level.EXPERT
    room.check()


def test_a_customer_whom_a_persons_answer_did_not_help_is_handed_over_a_level_higher(room):
    one = room.claimed()
    room.desk.answer(one.id, "ana", "Try again.")
    with room.database.write() as connection:
        ticket = tickets.find_ticket(connection, one.ticket_id)
        opened = room.desk.open(connection, Handover(ticket, "billing"), cause=None)
    assert (opened.escalation.id, opened.escalation.level) == ("E-2", Level.SPECIALIST)
    room.check()


def test_what_was_closed_unanswered_comes_back_at_its_level(room):
    one = room.handed(urgent=True, frustration=0.8).escalation
    room.desk.close(one.ticket_id, "c-1")
    room.desk.reopen(one.ticket_id, "c-1")
    again, _ = room.look("E-2")
    assert (again.level, again.urgent) == (Level.FRONTLINE, True)
    assert again.priority == pytest.approx(one.priority)
    with pytest.raises(NotFound):
        room.desk.reopen("T-9", "c-1")


def test_what_the_assistant_answered_is_opened_for_people_when_it_is_reopened(room):
    ticket = room.ticket()
    with room.database.write() as connection:
        tickets.move(connection, ticket.id, State.ANSWERED, now=room.now)
    room.desk.reopen(ticket.id, "c-1")
    again, _ = room.look("E-1")
    assert (again.level, again.topic) == (Level.FRONTLINE, "billing")
    room.check()


def test_a_brief_holds_the_question_the_history_and_the_other_tickets(room):
    one = room.claimed(brief={"rule": "because"})
    room.handed()
    found = room.desk.brief(one.id, "ana")
    row = found.to_dict()
    assert (row["question"], row["rule"]) == ("Help me.", "because")
    assert [m["author"] for m in row["history"]] == ["customer"]
    assert [t["id"] for t in row["other_tickets"]] == ["T-2"]
    with room.database.read() as connection:
        assert audit.head(connection).rows == 4
        assert audit.verify(connection, KEY).fault is None
    assert room.desk.brief(one.id).to_dict() == row


def test_stats_count_what_waits_and_what_was_answered_in_time(room):
    assert room.desk.stats().to_dict()["in_time_share"] is None
    quick, slow, late = (room.claimed(by) for by in ("ana", "ana", "bo"))
    room.desk.answer(quick.id, "ana", "Done.")
    room.now = MONDAY + 3 * HOUR
    room.desk.answer(slow.id, "ana", "Done.")
    room.now = MONDAY + 25 * HOUR
    room.desk.answer(late.id, "bo", "Done.")
    old = room.handed(topic="delivery").escalation
    room.now += 3 * HOUR
    room.handed()
    room.asked("ann")
    found = room.desk.stats()
    assert (found.waiting, found.waiting_for_approval, found.overdue) == (2, 1, 1)
    assert (found.oldest, found.opened) == (old, 6)
    row = found.to_dict()
    assert (row["answered"], row["first_in_time"], row["in_time"]) == (3, 1, 2)
    assert row["in_time_share"] == 0.6667
    assert row["specialists"]["ana"] == {
        "open": 0, "answered": 2, "first_in_time": 1, "in_time": 2, "in_time_share": 1.0,
    }  # fmt: skip
    assert row["specialists"]["ann"]["open"] == 1
    assert row["topics"]["billing"]["answered"] == 3
    assert row["topics"]["delivery"]["open"] == 1


def test_round_robin_takes_turns(room):
    room.rota = rota(a=("usual = 30", 'usual = 30\nstrategy = "round_robin"'))
    asked = [room.handed().escalation.wanted for _ in range(5)]
    assert asked == ["ana", "ann", "bo", "cy", "ana"]


def _hand_over(room):
    with room.database.read() as connection:
        ticket = tickets.find_ticket(connection, "T-1")
    if ticket.state is State.NEW:
        with room.database.write() as connection:
            room.desk.open(connection, Handover(ticket, "billing"), cause=None)


OPERATIONS = {
    "open": (lambda room: room.ticket(), _hand_over),
    "claim": (lambda room: room.handed(), lambda room: room.desk.claim("E-1", "ana")),
    "release": (lambda room: room.claimed(), lambda room: room.desk.release("E-1", "ana")),
    "answer": (
        lambda room: room.claimed(),
        lambda room: room.desk.answer("E-1", "ana", "Done.", key="k"),
    ),
    "ask for a yes": (
        lambda room: room.claimed(reason="refund"),
        lambda room: room.desk.answer("E-1", "ana", "Done."),
    ),
    "approve": (lambda room: room.asked(), lambda room: room.desk.approve("A-1", "bo")),
    "reject": (lambda room: room.asked(), lambda room: room.desk.reject("A-1", "bo", "no")),
    "hand back": (
        lambda room: room.claimed(),
        lambda room: room.desk.hand_back("E-1", "ana", "note"),
    ),
    "close": (lambda room: room.asked(), lambda room: room.desk.close("T-1", "c-1")),
    "reopen": (
        lambda room: room.desk.close(room.handed().escalation.ticket_id, "c-1"),
        lambda room: room.desk.reopen("T-1", "c-1"),
    ),
    "sweep": (lambda room: room.claimed(), lambda room: room.desk.sweep(MONDAY + 2 * HOUR)),
}


def _stored(room):
    """All rows that an operation may change."""
    names = (
        "ticket", "escalation", "approval", "message", "event", "audit", "idempotency",
    )  # fmt: skip
    with room.database.read() as connection:
        return {name: connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in names}


def _failing(room, number):
    """Make the statement of this number fail, and count how many there were."""
    seen = []

    def count(*_):
        seen.append(1)
        if len(seen) == number:
            raise Broken

    for name in ("before_cursor_execute", "commit"):
        event.listen(room.database._writer, name, count)
    return seen, lambda: [
        event.remove(room.database._writer, name, count)
        for name in ("before_cursor_execute", "commit")
    ]


@pytest.mark.parametrize("name", OPERATIONS)
def test_whichever_statement_fails_nothing_is_half_done(tmp_path, name):
    prepare, act = OPERATIONS[name]
    room = Room(tmp_path)
    prepare(room)
    before, number = _stored(room), 1
    while True:
        seen, restore = _failing(room, number)
        try:
            act(room)
        except Broken:
            assert _stored(room) == before
            if name != "open":
                room.check()
        finally:
            restore()
        if len(seen) < number:
            break
        number += 1
    # The commit is the last of them; nothing but BEGIN and COMMIT would be no change at all.
    assert number > 3
    assert _stored(room) != before
    room.check()
    done = _stored(room)
    # Done is done: once more it is refused, or changes nothing.
    with suppress(KbSupportError):
        act(room)
    assert _stored(room) == done


def test_a_sweep_that_dies_anywhere_leaves_the_rest_to_the_next_one(tmp_path):
    number, died = 1, True
    while died:
        folder = tmp_path / str(number)
        room = Room(folder)
        ids = [room.claimed().id for _ in range(2)] + [room.asked("bo").escalation_id]
        room.now = MONDAY + 2 * HOUR
        _, restore = _failing(room, number)
        try:
            room.desk.sweep()
            died = False
        except Broken:
            room.check()
        finally:
            restore()
        room.desk.sweep()
        told = [e.body["escalation"] for e in room.events() if e.type == "ticket.overdue"]
        assert sorted(told) == sorted(ids)
        room.check()
        # Every third place is enough: the single operations are taken apart above.
        number += 3
