"""Decisions, and the tickets they open: kept in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, literal_column, select

from kbsupport.store.tables import DecisionRow, TicketRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

DECISION: Any = DecisionRow.__table__  # type: ignore[attr-defined]
TICKET: Any = TicketRow.__table__  # type: ignore[attr-defined]

_NUMBER = "T-"
# What SQLite can look up; a longer number is no ticket of ours.
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket as it is shown."""

    id: str
    created_at: datetime
    state: str
    customer_id: str | None
    tier: str
    question: str
    reason: str
    decision_id: str
    brief: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """`ticket show --json`."""
        return {
            "id": self.id,
            "created_at": self.created_at.isoformat(),
            "state": self.state,
            "customer_id": self.customer_id,
            "tier": self.tier,
            "question": self.question,
            "reason": self.reason,
            "decision_id": self.decision_id,
            "brief": dict(self.brief),
        }


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision as it was kept; `inputs` is None where it was made before they were kept."""

    id: str
    created_at: datetime
    generation: int | None
    question: dict[str, Any]
    body: dict[str, Any]
    inputs: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was asked before in the same conversation, and what came of it."""

    text: str
    outcome: str


def open_ticket(
    connection: Connection,
    *,
    customer_id: str | None,
    tier: str,
    question: str,
    reason: str,
    decision_id: str,
    brief: Mapping[str, Any],
) -> str:
    """Store a question that waits for a person; the ticket's id."""
    row = {
        "created_at": datetime.now(UTC),
        "state": "queued",
        "customer_id": customer_id,
        "tier": tier,
        "question": question,
        "reason": reason,
        "decision_id": decision_id,
        "brief": dict(brief),
    }
    made = connection.execute(insert(TICKET).returning(TICKET.c.id), row).scalar_one()
    return f"{_NUMBER}{made}"


def save_decision(
    connection: Connection,
    decision_id: str,
    *,
    generation: int | None,
    question: Mapping[str, Any],
    body: Mapping[str, Any],
    conversation_id: str | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> None:
    """Store a decision with all that it was decided from."""
    connection.execute(
        insert(DECISION),
        {
            "id": decision_id,
            "created_at": datetime.now(UTC),
            "generation_id": generation,
            "conversation_id": conversation_id,
            "outcome": body["outcome"],
            "reason": body["reason"],
            "question": dict(question),
            "body": dict(body),
            "inputs": None if inputs is None else dict(inputs),
        },
    )


def find_decision(connection: Connection, decision_id: str) -> DecisionView | None:
    """A decision by its id."""
    query = select(DECISION).where(DECISION.c.id == decision_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return DecisionView(
        id=row.id,
        created_at=row.created_at.replace(tzinfo=UTC),
        generation=row.generation_id,
        question=row.question,
        body=row.body,
        inputs=row.inputs,
    )


def earlier(connection: Connection, conversation_id: str, limit: int = 5) -> tuple[Earlier, ...]:
    """The last questions of a conversation, the oldest first."""
    query = (
        select(DECISION.c.question, DECISION.c.outcome)
        .where(DECISION.c.conversation_id == conversation_id)
        .order_by(DECISION.c.created_at.desc(), literal_column("rowid").desc())
        .limit(limit)
    )
    rows = connection.execute(query).all()
    return tuple(Earlier(question["text"], outcome) for question, outcome in reversed(rows))


def tickets(connection: Connection, limit: int = 100) -> list[TicketView]:
    """The waiting tickets, the oldest first."""
    query = select(TICKET).where(TICKET.c.state == "queued").order_by(TICKET.c.id).limit(limit)
    return [_view(row) for row in connection.execute(query)]


def find_ticket(connection: Connection, ticket_id: str) -> TicketView | None:
    """A ticket by its id."""
    number = ticket_id.upper().removeprefix(_NUMBER)
    if not number.isdecimal() or len(number) > _MOST_DIGITS:
        return None
    query = select(TICKET).where(TICKET.c.id == int(number))
    row = connection.execute(query).one_or_none()
    return None if row is None else _view(row)


def _view(row: Any) -> TicketView:
    return TicketView(
        id=f"{_NUMBER}{row.id}",
        created_at=row.created_at.replace(tzinfo=UTC),
        state=row.state,
        customer_id=row.customer_id,
        tier=row.tier,
        question=row.question,
        reason=row.reason,
        decision_id=row.decision_id,
        brief=row.brief,
    )
