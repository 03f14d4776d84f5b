"""From the real app's rows to figures."""

from datetime import UTC, datetime, timedelta

import pytest
from at_desk import MONDAY, Room

from kbsupport.figures.cases import cases_of
from kbsupport.figures.metrics import metrics_of
from kbsupport.model import (
    Feedback,
    Opinion,
    Outcome,
    Proposal,
    Review,
    ReviewKind,
    ReviewState,
)  # fmt: skip
from kbsupport.store import feedback, reviews
from kbsupport.store.facts import read_facts

DAY = timedelta(days=1)


@pytest.fixture
def room(home):
    return Room(home)


def test_an_empty_database_has_no_facts_and_figures_of_nothing(room):
    found = metrics_of(room.database, MONDAY - DAY, MONDAY, MONDAY)
    assert found.cases == 0
    assert {one.value for one in found.figures.values()} == {None}


def test_what_people_did_is_read_back(room):
    one = room.claimed("ana", reason="refund")
    room.now += timedelta(hours=1)
    waits = room.desk.answer(one.id, "ana", "The money was sent.")
    room.desk.reject(waits.approval_id, "bo", "not yet")
    other = room.claimed("ana")
    room.now += timedelta(hours=1)
    room.desk.answer(other.id, "ana", "It is mended.")
    with room.database.read() as connection:
        facts = read_facts(connection, MONDAY - DAY, room.now)
    assert [(held.owner, held.state) for held in facts.handed] == [
        ("ana", "assigned"), ("ana", "answered"),
    ]  # fmt: skip
    assert [(said.by, said.delivery) for said in facts.spoken] == [("ana", "pending")]
    assert [made.state for made in facts.decided] == ["rejected"]
    assert [held.id for held in facts.at_work] == [one.id]
    (first, second) = cases_of(facts)
    assert (first.with_people, second.spoken[0].at) == (True, room.now)


def test_audits_and_ratings_are_read_with_what_people_said(room):
    ticket = room.handed().escalation.ticket_id
    says = Proposal("escalate")
    with room.database.write() as connection:
        feedback.save_feedback(connection, Feedback(ticket, room.now, rating=4))
        for number, rights in enumerate([(True,), (True, False), ()]):
            asked = Review(
                "", ReviewKind.AUDIT, f"d-{number}", ticket, room.now, "drawn", 0.0, says,
                ReviewState.OPEN, drawn_with=0.25,
            )  # fmt: skip
            assert reviews.ask_review(connection, asked)
            for by, right in enumerate(rights):
                found = reviews.find_review(connection, f"R-{number + 1}")
                state = ReviewState.DISPUTED if by else ReviewState.AGREED
                opinion = Opinion(f"p-{by}", room.now, says, right)
                reviews.say(connection, found, opinion, state)
    with room.database.read() as connection:
        facts = read_facts(connection, MONDAY - DAY, room.now)
    assert [(one.state, one.right, one.drawn_with) for one in facts.audited] == [
        ("agreed", True, 0.25), ("disputed", None, 0.25), ("open", None, 0.25),
    ]  # fmt: skip
    assert [one.rating for one in facts.said] == [4]
    assert facts.open_reviews == 1


def test_questions_that_belong_to_no_conversation_are_cases_too(proven_app):
    from labelled import rows

    text = next(row["text"] for row in rows() if row["expected"] == "auto_resolve")
    before = datetime.now(UTC)
    alone = proven_app.ask(text)
    proven_app.ask("hello", conversation_id="greeted")
    proven_app.ask("I want to talk to a person, please", conversation_id="asked", channel="chat")
    now = datetime.now(UTC) + timedelta(days=2)
    found = metrics_of(proven_app.database, before, now, now)
    assert found.cases == 2
    assert found.figures["involvement"].numerator == 2
    assert found.figures["answered"].numerator == (alone.verdict.outcome is Outcome.RESOLVE)
    assert dict(found.reasons)["asks_for_person"] == 1
    assert {one.name for one in found.groups if one.by == "channel"} == {"python", "chat"}
    assert found.spreads["assistant_seconds"].n >= 2


def test_a_conversation_that_began_before_the_period_is_no_case_of_it(proven_app):
    proven_app.ask("I want to talk to a person", conversation_id="old")
    middle = datetime.now(UTC)
    proven_app.ask("are you there?", conversation_id="old")
    now = datetime.now(UTC) + DAY
    assert metrics_of(proven_app.database, middle, now, now).cases == 0
