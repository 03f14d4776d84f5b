"""People's work: tickets, messages, escalations, approvals, and who takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a ticket stands."""

    NEW = "new"
    ANSWERED = "answered"
    CLARIFYING = "clarifying"
    QUEUED = "queued"
    ASSIGNED = "assigned"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    HANDED_BACK = "handed_back"
    CLOSED = "closed"

    @property
    def with_a_person(self) -> bool:
        """True while people have it: the assistant is silent."""
        return self in {State.QUEUED, State.ASSIGNED, State.WAITING_FOR_APPROVAL}


# What a ticket can become from where it stands. Reopening is a move back to the queue; a move to
# where it stands already sets its next moment anew.
MOVES: Mapping[State, frozenset[State]] = {
    State.NEW: frozenset({State.ANSWERED, State.CLARIFYING, State.QUEUED}),
    State.ANSWERED: frozenset({State.ANSWERED, State.CLARIFYING, State.QUEUED, State.CLOSED}),
    State.CLARIFYING: frozenset({State.ANSWERED, State.CLARIFYING, State.QUEUED, State.CLOSED}),
    State.QUEUED: frozenset({State.QUEUED, State.ASSIGNED, State.CLOSED}),
    State.ASSIGNED: frozenset(
        {
            State.QUEUED,
            State.ASSIGNED,
            State.WAITING_FOR_APPROVAL,
            State.ANSWERED,
            State.HANDED_BACK,
            State.CLOSED,
        }
    ),
    State.WAITING_FOR_APPROVAL: frozenset(
        {State.WAITING_FOR_APPROVAL, State.ASSIGNED, State.ANSWERED, State.QUEUED}
    ),
    State.HANDED_BACK: frozenset({State.ANSWERED, State.CLARIFYING, State.QUEUED, State.CLOSED}),
    State.CLOSED: frozenset({State.QUEUED}),
}


class Author(StrEnum):
    """Who wrote a message; a note is by a specialist and for colleagues only."""

    CUSTOMER = "customer"
    ASSISTANT = "assistant"
    SPECIALIST = "specialist"
    NOTE = "note"


class Delivery(StrEnum):
    """What became of an outgoing message; one that comes in needs none."""

    NONE = "none"
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class Level(StrEnum):
    """How far an escalation has come."""

    FRONTLINE = "frontline"
    SPECIALIST = "specialist"
    EXPERT = "expert"
    LEAD = "lead"

    @property
    def next(self) -> Level:
        """One further; from the lead there is no further."""
        order = list(Level)
        return order[min(order.index(self) + 1, len(order) - 1)]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message; kept under its sha256, shown to people only."""

    name: str
    kind: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `seq` counts from 1 without a gap."""

    id: int
    conversation_id: str
    seq: int
    author: Author
    text: str
    created_at: datetime
    by: str | None = None
    decision_id: str | None = None
    delivery: Delivery = Delivery.NONE
    attachments: tuple[Attachment, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """One row of a history."""
        return {
            "seq": self.seq, "author": str(self.author), "by": self.by, "text": self.text,
            "created_at": self.created_at.isoformat(), "decision_id": self.decision_id,
            "delivery": str(self.delivery),
            "attachments": [
                {"name": a.name, "kind": a.kind, "size": a.size, "sha256": a.sha256}
                for a in self.attachments
            ],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ticket:
    """The unit of work: a conversation's question, where it stands and what happens next.

    Every open ticket has an `owner` or a `next_action_at`; `version` grows with every change.
    """

    id: str
    conversation_id: str
    state: State
    created_at: datetime
    customer_id: str | None
    tier: str
    question: str
    reason: str
    decision_id: str
    brief: Mapping[str, Any]
    version: int = 1
    topic: str | None = None
    language: str | None = None
    owner: str | None = None
    next_action_at: datetime | None = None
    closed_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """`ticket show --json`."""
        return {
            "id": self.id, "conversation_id": self.conversation_id, "state": str(self.state),
            "created_at": self.created_at.isoformat(), "customer_id": self.customer_id,
            "tier": self.tier, "topic": self.topic, "language": self.language,
            "question": self.question, "reason": self.reason, "decision_id": self.decision_id,
            "owner": self.owner, "next_action_at": _iso(self.next_action_at),
            "closed_at": _iso(self.closed_at), "version": self.version, "brief": dict(self.brief),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Escalation:
    """A ticket that was handed over: who may take it, how soon, and how far it has come.

    `first_due` is when the customer must have heard from a person, `due` when it must be solved;
    `step` counts what `sweep` did about it being overdue.
    """

    id: str
    ticket_id: str
    state: State
    opened_at: datetime
    topic: str | None
    tier: str
    level: Level
    language: str | None
    urgent: bool
    priority: float
    why_priority: str
    first_due: datetime
    due: datetime
    next_action_at: datetime
    owner: str | None = None
    wanted: str | None = None  # the person it is meant for, where a rule names one
    step: int = 0
    claimed_at: datetime | None = None
    answered_at: datetime | None = None
    draft: str | None = None
    version: int = 1

    def to_dict(self) -> dict[str, Any]:
        """One row of `desk list --json`."""
        return {
            "id": self.id, "ticket_id": self.ticket_id, "state": str(self.state),
            "opened_at": self.opened_at.isoformat(), "topic": self.topic, "tier": self.tier,
            "level": str(self.level), "language": self.language, "urgent": self.urgent,
            "priority": self.priority, "why_priority": self.why_priority,
            "first_due": self.first_due.isoformat(), "due": self.due.isoformat(),
            "next_action_at": self.next_action_at.isoformat(), "owner": self.owner,
            "wanted": self.wanted, "step": self.step, "claimed_at": _iso(self.claimed_at),
            "answered_at": _iso(self.answered_at), "draft": self.draft, "version": self.version,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Approval:
    """An answer that somebody else must agree to before the customer reads it."""

    id: str
    escalation_id: str
    ticket_id: str
    why: str
    text: str
    asked_by: str
    asked_at: datetime
    state: str = "waiting"  # waiting, approved, rejected
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `desk brief --json` shows it."""
        return {
            "id": self.id, "escalation_id": self.escalation_id, "ticket_id": self.ticket_id,
            "why": self.why, "text": self.text, "asked_by": self.asked_by,
            "asked_at": self.asked_at.isoformat(), "state": self.state,
            "decided_by": self.decided_by, "decided_at": _iso(self.decided_at), "note": self.note,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Specialist:
    """Somebody who takes escalations: what they know, how much they take, and when."""

    id: str
    name: str
    level: Level
    topics: frozenset[str]
    languages: frozenset[str]
    capacity: int
    hours: str  # the name of the rota's working hours
    approves: frozenset[str] = field(default_factory=frozenset)
    away: bool = False


class EventType(StrEnum):
    """What can happen; the closed list documented in docs/desk.md."""

    TICKET_CREATED = "ticket.created"
    TICKET_ANSWERED = "ticket.answered"
    TICKET_CLARIFYING = "ticket.clarifying"
    TICKET_ESCALATED = "ticket.escalated"
    TICKET_CLAIMED = "ticket.claimed"
    TICKET_RELEASED = "ticket.released"
    TICKET_HANDED_BACK = "ticket.handed_back"
    TICKET_REOPENED = "ticket.reopened"
    TICKET_CLOSED = "ticket.closed"
    TICKET_OVERDUE = "ticket.overdue"
    TICKET_RESOLVED = "ticket.resolved"
    APPROVAL_ASKED = "approval.asked"
    APPROVAL_GIVEN = "approval.given"
    APPROVAL_REFUSED = "approval.refused"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_SENT = "message.sent"
    MESSAGE_FAILED = "message.failed"
    CUSTOMER_ERASED = "customer.erased"
    FEEDBACK_RECEIVED = "feedback.received"
    ALARM_RAISED = "alarm.raised"
    SWITCH_CHANGED = "switch.changed"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and the event that caused it; it holds ids, never texts."""

    id: int
    type: EventType
    at: datetime
    ticket_id: str | None
    cause: int | None
    body: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """One line of `events --json`."""
        return {
            "id": self.id, "type": str(self.type), "at": self.at.isoformat(),
            "ticket_id": self.ticket_id, "cause": self.cause, "body": dict(self.body),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """What staff are told: who should know, of which ticket, and what to do."""

    to: str
    ticket_id: str
    text: str
    event_id: int


@dataclass(frozen=True, slots=True)
class Ref:
    """A ticket in another system: which system, and its id there."""

    system: str
    id: str


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket as another system is told of it, or tells of it."""

    subject: str
    text: str
    customer_id: str | None = None
    email: str | None = None
    state: str = "open"
    ref: Ref | None = None
    created_at: datetime | None = None


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
