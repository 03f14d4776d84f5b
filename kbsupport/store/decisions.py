"""Decisions, each with all that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, literal_column, select

from kbsupport.store.tables import DecisionRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

DECISION: Any = DecisionRow.__table__  # type: ignore[attr-defined]


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


def save_decision(
    connection: Connection,
    decision_id: str,
    *,
    generation: int | None,
    question: Mapping[str, Any],
    body: Mapping[str, Any],
    conversation_id: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> None:
    """Store a decision with all that it was decided from."""
    connection.execute(
        insert(DECISION),
        {
            "id": decision_id,
            "created_at": now or datetime.now(UTC),
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
    return _decision(row)


def _decision(row: Any) -> DecisionView:
    return DecisionView(
        id=row.id,
        created_at=row.created_at.replace(tzinfo=UTC),
        generation=row.generation_id,
        question=row.question,
        body=row.body,
        inputs=row.inputs,
    )


def decided_since(connection: Connection, since: datetime) -> list[DecisionView]:
    """The decisions of which all inputs were kept, from a moment on, in order."""
    query = (
        select(DECISION)
        .where(DECISION.c.created_at >= since, DECISION.c.inputs.is_not(None))
        .order_by(DECISION.c.created_at, DECISION.c.id)
    )
    return [_decision(row) for row in connection.execute(query)]


def held_back(connection: Connection, why: str, since: datetime | None) -> list[DecisionView]:
    """The decisions that were made while people held answers back for this reason, in order."""
    query = select(DECISION).order_by(DECISION.c.created_at, DECISION.c.id)
    if since is not None:
        query = query.where(DECISION.c.created_at >= since)
    found = (_decision(row) for row in connection.execute(query))
    return [one for one in found if one.inputs and one.inputs["case"].get("held") == why]


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
