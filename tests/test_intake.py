import threading
from datetime import timedelta

import pytest

from kbsupport.errors import Conflict, NotAllowed, StoreError
from kbsupport.intake import Incoming
from kbsupport.model import Author, Identity, State, Upload
from kbsupport.store import waiting

PASSWORD = "how do i reset the password"


def take(app, text=PASSWORD, **given):
    return app.lobby.intake.receive(Incoming(text, **given))


def chain(app, ticket):
    """What happened on a ticket, each with the place of what caused it."""
    told = app.people.events(ticket_id=ticket)
    places = {one.id: place for place, one in enumerate(told)}
    return [(str(one.type), places.get(one.cause)) for one in told]


def test_a_message_is_stored_before_anybody_thinks_of_it_and_answered_after(proven_app):
    got = take(proven_app, customer_id="C-1", identity=Identity.VERIFIED, key="m-1")
    assert (got.ticket.state, got.message.seq, got.new) == (State.NEW, 1, True)
    assert proven_app.people.without_next_action() == []
    assert proven_app.lobby.deciding.one()
    assert not proven_app.lobby.deciding.one()
    said = proven_app.people.history(got.ticket.id)
    assert [one.author for one in said] == [Author.CUSTOMER, Author.ASSISTANT]
    ticket = proven_app.people.ticket(got.ticket.id)
    assert (ticket.state, ticket.topic is None) == (State.ANSWERED, False)
    assert said[0].decision_id == said[1].decision_id == ticket.decision_id
    assert chain(proven_app, ticket.id) == [
        ("message.received", None), ("ticket.created", 0), ("ticket.answered", 1),
    ]  # fmt: skip
    assert proven_app.replay(ticket.decision_id).same


def test_what_nobody_can_answer_goes_to_people_with_everything(proven_app):
    got = take(proven_app, "i want to speak to a human being now", conversation_id="v-7")
    proven_app.lobby.work.until_done()
    ticket = proven_app.people.ticket(got.ticket.id)
    assert ticket.state is State.QUEUED
    (listed,) = proven_app.desk.list()
    assert listed.ticket.id == ticket.id
    assert chain(proven_app, ticket.id)[-1] == ("ticket.escalated", 1)


def test_the_same_message_sent_again_is_the_same_ticket(proven_app):
    one = take(proven_app, customer_id="C-1", key="m-1")
    proven_app.lobby.work.until_done()
    two = take(proven_app, customer_id="C-1", key="m-1")
    assert (two.ticket.id, two.message, two.new) == (one.ticket.id, two.message, False)
    assert not proven_app.lobby.deciding.one()
    assert take(proven_app, customer_id="C-2", key="m-1").new  # another sender's own name
    with pytest.raises(Conflict, match="give each its own"):
        take(proven_app, "another text", customer_id="C-1", key="m-1")


def test_messages_that_come_in_a_burst_are_one_question(proven_app, monkeypatch):
    now = proven_app.people.clock()
    monkeypatch.setattr(proven_app.people, "clock", lambda: now)
    proven_app.lobby.deciding._clock = proven_app.lobby.intake._clock = lambda: now
    for text in ("hello", "one thing", PASSWORD):
        got = take(proven_app, text, conversation_id="v-1", channel="chat", join_seconds=0.6)
        assert not proven_app.lobby.deciding.one()
    now += timedelta(seconds=0.7)
    assert proven_app.lobby.deciding.one()
    said = proven_app.people.history(got.ticket.id)
    assert [one.author for one in said] == [Author.CUSTOMER] * 3 + [Author.ASSISTANT]
    assert len({one.decision_id for one in said}) == 1
    assert proven_app.people.ticket(got.ticket.id).question == f"hello\none thing\n{PASSWORD}"


def test_a_message_that_comes_while_another_is_thought_of_is_decided_with_it(
    proven_app, monkeypatch
):
    got = take(proven_app, "something else", conversation_id="v-1")
    real = proven_app.mind.think

    def slow(*given, **more):
        monkeypatch.setattr(proven_app.mind, "think", real)
        take(proven_app, PASSWORD, conversation_id="v-1")
        return real(*given, **more)

    monkeypatch.setattr(proven_app.mind, "think", slow)
    assert proven_app.lobby.deciding.one()
    assert proven_app.people.ticket(got.ticket.id).state is State.NEW
    assert proven_app.lobby.deciding.one()
    said = proven_app.people.history(got.ticket.id)
    assert [one.seq for one in said] == [1, 2, 3]
    assert len({one.decision_id for one in said}) == 1


def test_while_a_person_has_it_a_message_is_passed_on_and_the_assistant_is_silent(proven_app):
    got = take(proven_app, "i want to speak to a human being now", conversation_id="v-7")
    proven_app.lobby.work.until_done()
    take(proven_app, "are you there", conversation_id="v-7")
    proven_app.lobby.work.until_done()
    said = proven_app.people.history(got.ticket.id)
    assert [one.author for one in said] == [Author.CUSTOMER, Author.ASSISTANT, Author.CUSTOMER]
    assert said[-1].decision_id is not None
    assert proven_app.people.ticket(got.ticket.id).state is State.QUEUED


def test_a_message_that_kills_whoever_decides_it_goes_to_a_person(proven_app, monkeypatch):
    got = take(proven_app)
    now = proven_app.people.clock()
    with monkeypatch.context() as broken:
        broken.setattr(proven_app.mind, "think", _die)
        for attempt in range(3):
            proven_app.lobby.deciding._clock = lambda: now + timedelta(minutes=2 * attempt)  # noqa: B023
            with pytest.raises(SystemExit):
                proven_app.lobby.deciding.one()
            assert not proven_app.lobby.deciding.one()  # its lease has not run out
        proven_app.lobby.deciding._clock = lambda: now + timedelta(minutes=9)
        assert proven_app.lobby.deciding.one()
    ticket = proven_app.people.ticket(got.ticket.id)
    assert (ticket.state, ticket.reason) == (State.QUEUED, "failed")


def _die(*_, **__):
    raise SystemExit(9)


def test_nothing_is_acknowledged_that_is_not_stored(proven_app, monkeypatch):
    from kbsupport.store import events

    def full(*_, **__):
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(events, "record", full)
        with pytest.raises(StoreError):
            take(proven_app, key="m-1")
    with proven_app.database.read() as connection:
        assert waiting.count(connection) == 0
    assert proven_app.people.tickets(all_states=True) == []
    assert take(proven_app, key="m-1").new


def test_nobody_writes_into_a_conversation_of_somebody_else(proven_app):
    take(proven_app, customer_id="C-1", conversation_id="v-1")
    with pytest.raises(NotAllowed):
        take(proven_app, customer_id="C-2", conversation_id="v-1")


def test_a_ticket_that_nobody_ever_decided_is_put_before_people(proven_app):
    got = take(proven_app)
    late = proven_app.people.clock() + timedelta(hours=1)
    swept = proven_app.people.sweep(late)
    assert swept.requeued == (got.ticket.id,)
    proven_app.lobby.work.until_done()
    assert proven_app.people.ticket(got.ticket.id).state is State.QUEUED


def test_a_customer_who_is_erased_leaves_nothing_waiting(proven_app):
    file = Upload("a.txt", "text/plain", b"mine")
    take(proven_app, customer_id="C-1", uploads=[file])
    done = proven_app.people.erase("C-1", "operator")
    assert (done.counts["waiting"], done.counts["files"]) == (1, 1)
    assert not proven_app.lobby.deciding.one()


def test_of_many_who_decide_each_conversation_is_decided_once(proven_app):
    for number in range(12):
        take(proven_app, conversation_id=f"v-{number}")

    def decide():
        while proven_app.lobby.deciding.one():
            pass

    threads = [threading.Thread(target=decide) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for ticket in proven_app.people.tickets(all_states=True):
        assert len(proven_app.people.history(ticket.id)) == 2
        assert ticket.state is State.ANSWERED
