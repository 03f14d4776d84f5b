"""From a question that no article answers to a person's answer, and what may go wrong between."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest
import shapes

from kbsupport.app import open_app
from kbsupport.errors import Conflict, NotAllowed
from kbsupport.model import Author, Delivery, State

HARD = "Your firmware burned my valve and I dispute the invoice"
EASY = "How many days do I have to send a Drop back if I don't like it?"


@pytest.fixture
def app(taught_home, home, real_settings):
    shutil.copytree(taught_home, home)
    with open_app(home=home, settings=real_settings) as opened:
        yield opened


def say(app, text, conversation="chat-1", **more):
    reply = app.ask(text, conversation_id=conversation, **more)
    shapes.check(reply.to_dict())
    return reply


def escalation_of(app, reply):
    waiting = app.desk.list()
    return next(w.escalation for w in waiting if w.escalation.ticket_id == reply.ticket_id)


def state(app, reply):
    return app.people.ticket(reply.ticket_id).state


def authors(app, reply):
    return [message.author for message in app.people.history(reply.ticket_id)]


def test_a_question_is_handed_over_answered_and_read(app):
    reply = say(app, HARD)
    assert reply.verdict.outcome == "escalate"
    assert state(app, reply) is State.QUEUED
    escalation = escalation_of(app, reply)
    app.desk.claim(escalation.id, "lead")
    assert state(app, reply) is State.ASSIGNED
    app.desk.answer(escalation.id, "lead", "We checked the valve: a new one is on its way.")
    assert state(app, reply) is State.ANSWERED
    (message,) = app.people.unread("chat-1")
    assert "a new one is on its way" in message.text
    app.people.note_read(message)
    assert app.people.unread("chat-1") == []
    assert authors(app, reply) == [Author.CUSTOMER, Author.ASSISTANT, Author.SPECIALIST]
    assert app.people.verify().fault is None
    assert app.people.without_next_action() == []


def test_the_customer_is_told_their_place_and_until_when(app):
    reply = say(app, HARD)
    assert f"Your ticket is {reply.ticket_id}." in reply.text
    assert "A person will write to you by" in reply.text


def test_the_assistant_is_silent_while_a_person_has_it(app):
    reply = say(app, HARD)
    more = say(app, EASY)
    assert (more.verdict.outcome, more.verdict.reason) == ("escalate", "with_a_person")
    assert more.answer is None
    assert more.ticket_id == reply.ticket_id
    assert authors(app, reply)[-1] is Author.CUSTOMER


def test_handed_back_it_speaks_again(app):
    reply = say(app, HARD)
    escalation = escalation_of(app, reply)
    app.desk.claim(escalation.id, "lead")
    app.desk.hand_back(escalation.id, "lead", "the customer wants to know about returns")
    with pytest.raises((Conflict, NotAllowed)):
        app.desk.hand_back(escalation.id, "lead", "again")
    assert say(app, EASY).verdict.outcome == "resolve"
    assert state(app, reply) is State.ANSWERED


def test_an_answer_that_did_not_help_goes_to_a_person(app):
    first = say(app, EASY)
    assert first.verdict.outcome == "resolve"
    assert state(app, first) is State.ANSWERED
    second = say(app, "that did not help, it still does not work")
    assert (second.verdict.outcome, second.verdict.reason) == ("escalate", "answer_failed")
    assert second.ticket_id == first.ticket_id
    brief = app.people.ticket(first.ticket_id).brief
    assert brief["tried"] == [{"asked": EASY, "outcome": "resolve"}]


def test_the_same_message_sent_twice_is_answered_once(app):
    first, second = (say(app, HARD, key="m-1") for _ in "ab")
    assert (first.decision_id, first.text) == (second.decision_id, second.text)
    assert len(authors(app, first)) == 2
    with pytest.raises(Conflict, match="another message"):
        say(app, EASY, key="m-1")


def test_a_question_outside_any_conversation_is_answered_once_under_one_key(app):
    first, second = (app.ask(EASY, key="q-1", customer="C-1") for _ in "ab")
    assert first.verdict.outcome == "resolve"
    assert first.decision_id == second.decision_id
    assert app.ask(EASY, key="q-1", customer="C-2").decision_id != first.decision_id


def test_a_person_who_takes_it_while_the_assistant_thinks_is_not_talked_over(app, monkeypatch):
    first = say(app, EASY)
    think = app.mind.think

    def slow(*arguments, **more):
        found = think(*arguments, **more)
        if app.people.ticket(first.ticket_id).state is State.ANSWERED:
            app.desk.reopen(first.ticket_id, "lead")
        return found

    monkeypatch.setattr(app.mind, "think", slow)
    second = say(app, "Can the Hub join my 5 GHz network?")
    assert (second.verdict.outcome, second.verdict.reason) == ("escalate", "with_a_person")
    assert authors(app, first) == [Author.CUSTOMER, Author.ASSISTANT, Author.CUSTOMER]


def test_a_conversation_belongs_to_one_customer(app):
    say(app, HARD, customer="C-1")
    with pytest.raises(NotAllowed):
        say(app, HARD, customer="C-2")


def test_a_closed_ticket_takes_no_answer_and_a_new_message_opens_it_again(app):
    reply = say(app, HARD)
    escalation = escalation_of(app, reply)
    app.desk.claim(escalation.id, "lead")
    app.desk.close(reply.ticket_id, "lead")
    with pytest.raises((Conflict, NotAllowed)):
        app.desk.answer(escalation.id, "lead", "too late")
    assert say(app, "thanks!").verdict.outcome == "reply"
    assert state(app, reply) is State.CLOSED
    again = say(app, "it still does not work")
    assert again.verdict.outcome == "escalate"
    assert state(app, reply) is State.QUEUED


def test_whoever_is_overdue_is_moved_on_and_told_once(app):
    reply = say(app, HARD)
    late = datetime.now(UTC) + timedelta(days=30)
    assert app.desk.sweep(late).lines()
    before = len(app.people.events(limit=1000))
    assert app.desk.sweep(late - timedelta(days=60)).lines() == ("nothing is overdue",)
    assert len(app.people.events(limit=1000)) == before
    assert app.people.without_next_action() == []
    assert state(app, reply).with_a_person


def test_outgoing_messages_say_whether_they_were_delivered(app):
    reply = say(app, HARD)
    escalation = escalation_of(app, reply)
    app.desk.claim(escalation.id, "lead")
    app.desk.answer(escalation.id, "lead", "Done.")
    said = app.people.history(reply.ticket_id)
    assert [m.delivery for m in said] == [Delivery.NONE, Delivery.SENT, Delivery.PENDING]
