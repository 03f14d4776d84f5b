"""One turn at the desk: whoever acts, when, and all that is written down with the change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kbsupport.errors import NotFound
from kbsupport.model import (
    MOVES,
    Author,
    Delivery,
    Escalation,
    Event,
    EventType,
    Message,
    State,
    Ticket,
)
from kbsupport.store import approvals, audit, conversations, escalations, events, tickets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_PAGE = 1000
_WITH_PEOPLE = frozenset(state for state in State if state.with_a_person)


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody acts, at a moment, in one transaction."""

    connection: Connection
    by: str
    now: datetime
    audit_key: bytes

    def tell(
        self,
        type: EventType,
        ticket_id: str,
        body: Mapping[str, Any],
        *,
        cause: int | None = None,
    ) -> int:
        """Write down what happened, as an event and in the audit log; the event's number."""
        whole = {"by": self.by, **body}
        led = cause if cause is not None else last_event(self.connection, ticket_id)
        made = events.record(
            self.connection, type, now=self.now, ticket_id=ticket_id, cause=led, body=whole
        )
        self.audit(str(type), ticket_id, body)
        return made

    def audit(self, action: str, subject: str, body: Mapping[str, Any]) -> None:
        """Write down who did what, where no event tells of it."""
        audit.append(
            self.connection, self.audit_key, actor=self.by, action=action, subject=subject,
            body=body, now=self.now,
        )  # fmt: skip

    def escalation(self, id: str) -> Escalation:
        """An escalation that there is."""
        found = escalations.find_escalation(self.connection, id)
        if found is None:
            raise NotFound(f"no escalation {id!r}; see: kbsupport desk list")
        return found

    def ticket(self, id: str) -> Ticket:
        """A ticket that there is."""
        found = tickets.find_ticket(self.connection, id)
        if found is None:
            raise NotFound(f"no ticket {id!r}; see: kbsupport ticket list")
        return found

    def follow(self, to: Escalation, *, next_action_at: datetime | None) -> Ticket:
        """The ticket, which stands where its escalation does and belongs to the same person."""
        ended = to.state in {State.ANSWERED, State.HANDED_BACK, State.CLOSED}
        return tickets.move(
            self.connection, to.ticket_id, to.state, now=self.now,
            owner=None if ended else to.owner, next_action_at=next_action_at,
        )  # fmt: skip

    def follow_if_moved(self, to: Escalation) -> None:
        """The same, where only the escalation's next step may have changed."""
        if to.state in MOVES[self.ticket(to.ticket_id).state]:
            self.follow(to, next_action_at=to.next_action_at)

    def send(self, ticket: Ticket, text: str, author: str) -> Message:
        """Something for the customer to read; whoever delivers it finds it pending."""
        return conversations.add_message(
            self.connection, ticket.conversation_id, author=Author.SPECIALIST, text=text,
            now=self.now, by=author, delivery=Delivery.PENDING,
        )  # fmt: skip

    def note(self, ticket: Ticket, text: str) -> None:
        """Something for colleagues to read."""
        conversations.add_message(
            self.connection, ticket.conversation_id, author=Author.NOTE, text=text, now=self.now,
            by=self.by,
        )  # fmt: skip

    def call_off(self, one: Escalation) -> None:
        """End an escalation whose ticket is being closed; no yes is asked for any more."""
        if one.state is State.WAITING_FOR_APPROVAL:
            asked = approvals.approvals_of(self.connection, one.id)[-1]
            approvals.decide_approval(
                self.connection, asked.id, by=self.by, approved=False, now=self.now,
                note="the ticket was closed",
            )  # fmt: skip
            tickets.move(self.connection, one.ticket_id, State.ASSIGNED, now=self.now)
            named = {"escalation": one.id, "approval": asked.id}
            self.tell(EventType.APPROVAL_REFUSED, one.ticket_id, named)
        escalations.change(
            self.connection, one.id, {"state": str(State.CLOSED)}, states=_WITH_PEOPLE
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an answer: the number of the message, or the approval that it waits for."""

    escalation_id: str
    ticket_id: str
    state: str
    seq: int | None = None
    approval_id: str | None = None
    approver: str | None = None
    why: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """`desk answer --json`."""
        return {name: getattr(self, name) for name in self.__slots__}


def all_events(connection: Connection, ticket_id: str | None = None) -> Iterator[Event]:
    """Every event, of one ticket or of all, in order."""
    page = events.events(connection, 0, _PAGE, ticket_id)
    while page:
        yield from page
        full, after = len(page) == _PAGE, page[-1].id
        page = events.events(connection, after, _PAGE, ticket_id) if full else []


def last_event(connection: Connection, ticket_id: str) -> int | None:
    """The number of the newest event of a ticket."""
    return max((event.id for event in all_events(connection, ticket_id)), default=None)
