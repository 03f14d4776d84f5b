"""Proposes labels: whatever people did about a question says what should have been done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kbsupport.knowledge.rests import Source, rests_on
from kbsupport.loop.scale import FAILED, QUOTED, WRITTEN
from kbsupport.model import (
    AUTO_RESOLVE,
    ESCALATE,
    Author,
    Event,
    EventType,
    Outcome,
    Proposal,
    Review,
    ReviewKind,
    ReviewState,
    Ticket,
)
from kbsupport.store import articles, conversations, decisions, reviews, tickets

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.store.database import Database
    from kbsupport.store.decisions import DecisionView

# Whoever asks about the same again within a week was hardly helped.
_CAME_AGAIN, _LOOKED_AT = timedelta(days=7), 1000
_NO_GAP_FOR = frozenset({"asks_for_person", "with_a_person", "failed", "upstream", "spam"})


class Proposer:
    """A subscriber: of each answer by a person, and each answer that failed, one label to check."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def __call__(self, event: Event) -> None:
        """Queue what this event teaches, if it does; told twice, it is queued once."""
        if event.ticket_id is None:
            return
        with self._database.write() as connection:
            ticket = tickets.find_ticket(connection, event.ticket_id)
            asked = ticket and self._proposal(connection, event, ticket)
            if asked:
                reviews.ask_review(connection, asked)

    def _proposal(self, connection: Connection, event: Event, ticket: Ticket) -> Review | None:
        if event.type is EventType.TICKET_ANSWERED and "message" in event.body:
            return self._of_answer(connection, event, ticket)
        if event.type is EventType.FEEDBACK_RECEIVED and event.body.get("bad"):
            return self._of_failure(connection, ticket, "the customer said that it did not help")
        if event.type is EventType.TICKET_REOPENED:
            return self._of_failure(connection, ticket, "the ticket was opened again")
        if event.type is EventType.TICKET_CREATED:
            before = _before(connection, ticket)
            again = f"the customer came again on {ticket.topic}, with {ticket.id}"
            return None if before is None else self._of_failure(connection, before, again)
        return None

    def _of_answer(self, connection: Connection, event: Event, ticket: Ticket) -> Review | None:
        stored = decisions.find_decision(connection, ticket.decision_id)
        if stored is None or stored.body["reason"] in _NO_GAP_FOR:
            return None
        text = next(
            (
                message.text
                for message in conversations.messages(connection, ticket.conversation_id)
                if message.id == event.body["message"] and message.author is Author.SPECIALIST
            ),
            None,
        )
        if text is None:
            return None
        found = rests_on(text, _sources(connection, stored.body))
        if found is None:
            why = "a person wrote an answer that no article found for it holds"
            return self._review(stored, ticket, why, WRITTEN, Proposal(ESCALATE))
        why = f"a person answered with {found.article_id}: {found.said}"
        proposed = Proposal(AUTO_RESOLVE, (found.article_id,))
        return self._review(stored, ticket, why, QUOTED, proposed)

    def _of_failure(self, connection: Connection, ticket: Ticket, why: str) -> Review | None:
        stored = decisions.find_decision(connection, ticket.decision_id)
        if stored is None or stored.body["outcome"] != Outcome.RESOLVE:
            return None
        return self._review(stored, ticket, why, FAILED, Proposal(ESCALATE))

    def _review(
        self, stored: DecisionView, ticket: Ticket, why: str, worth: float, proposed: Proposal
    ) -> Review:
        return Review(
            id="",
            kind=ReviewKind.LABEL,
            decision_id=stored.id,
            ticket_id=ticket.id,
            asked_at=self._clock(),
            why=why,
            worth=worth,
            proposed=proposed,
            state=ReviewState.OPEN,
            tier=ticket.tier,
            topic=ticket.topic,
        )


def _before(connection: Connection, ticket: Ticket) -> Ticket | None:
    """The customer's last ticket on the same topic, if it is of the same week."""
    if ticket.customer_id is None or ticket.topic is None:
        return None
    theirs = tickets.tickets(connection, None, _LOOKED_AT, ticket.customer_id)
    earlier = [
        one
        for one in theirs
        if one.topic == ticket.topic
        and timedelta() < ticket.created_at - one.created_at <= _CAME_AGAIN
    ]
    return max(earlier, key=lambda one: one.created_at, default=None)


def _sources(connection: Connection, body: Mapping[str, Any]) -> dict[str, Source]:
    known = articles.newest_articles(connection, body["articles"])
    # In the order in which they were found, so that the likelier one is tried first.
    return {
        one: Source(one, known[one].title, known[one].text, known[one].url)
        for one in body["articles"]
        if one in known
    }
