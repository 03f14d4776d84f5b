"""Events, written with the change that they tell of, and how far each subscriber has read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, insert, select

from kbsupport.errors import NotFound
from kbsupport.model import Event, EventType, storable
from kbsupport.store.dialects import Upsert
from kbsupport.store.tables import EventRow, SubscriberRow
from kbsupport.store.tickets import aware, number_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

EVENT: Any = EventRow.__table__  # type: ignore[attr-defined]
SUBSCRIBER: Any = SubscriberRow.__table__  # type: ignore[attr-defined]


_RECORD = insert(EVENT).returning(EVENT.c.id)


def _reading(insert: Any) -> Any:
    new = insert(SUBSCRIBER)
    held, given = SUBSCRIBER.c.last_event_id, new.excluded.last_event_id
    done = {
        "last_event_id": case((held > given, held), else_=given),
        "attempts": 0, "next_attempt_at": None, "error": None,
    }  # fmt: skip
    return new.on_conflict_do_update(index_elements=[SUBSCRIBER.c.name], set_=done)


def _failing(insert: Any) -> Any:
    new = insert(SUBSCRIBER)
    again = {name: new.excluded[name] for name in ("next_attempt_at", "error")}
    again["attempts"] = SUBSCRIBER.c.attempts + 1
    return new.on_conflict_do_update(index_elements=[SUBSCRIBER.c.name], set_=again)


_READ, _FAILED = Upsert(_reading), Upsert(_failing)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a subscriber has read, and since when it fails."""

    last_event_id: int = 0
    attempts: int = 0
    next_attempt_at: datetime | None = None
    error: str | None = None


def record(
    connection: Connection,
    type: EventType,
    *,
    now: datetime,
    ticket_id: str | None = None,
    cause: int | None = None,
    body: Mapping[str, Any] | None = None,
) -> int:
    """Store that something happened and the event that led to it; its number."""
    ticket = None if ticket_id is None else number_of(ticket_id)
    if ticket_id is not None and ticket is None:
        raise NotFound(f"no ticket {ticket_id!r}; see: kbsupport ticket list")
    row = {
        "type": str(type), "at": now, "ticket_id": ticket, "cause": cause, "body": dict(body or {}),
    }  # fmt: skip
    made = connection.execute(_RECORD, row)
    return int(made.scalar_one())


def events(
    connection: Connection, after: int = 0, limit: int = 100, ticket_id: str | None = None
) -> list[Event]:
    """What happened after an event, of one ticket or of all, in order."""
    query = select(EVENT).where(EVENT.c.id > after).order_by(EVENT.c.id).limit(limit)
    if ticket_id is not None:
        query = query.where(EVENT.c.ticket_id == number_of(ticket_id))
    return [_event(row) for row in connection.execute(query)]


def subscriber(connection: Connection, name: str) -> Progress:
    """How far a subscriber is; one that never read begins at the first event."""
    query = select(SUBSCRIBER).where(SUBSCRIBER.c.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        return Progress()
    return Progress(row.last_event_id, row.attempts, aware(row.next_attempt_at), row.error)


def note_read(connection: Connection, name: str, event_id: int) -> None:
    """The subscriber has this event and all before it; it never goes back."""
    row = {"name": name, "last_event_id": event_id, "attempts": 0}
    connection.execute(_READ.on(connection), row)


def note_failure(connection: Connection, name: str, error: str, next_attempt_at: datetime) -> None:
    """The subscriber could not be told; how often in a row is counted."""
    row = {
        "name": name, "last_event_id": 0, "attempts": 1, "next_attempt_at": next_attempt_at,
        "error": storable(error),
    }  # fmt: skip
    connection.execute(_FAILED.on(connection), row)


def _event(row: Any) -> Event:
    return Event(
        id=row.id,
        type=EventType(row.type),
        at=row.at.replace(tzinfo=UTC),
        ticket_id=None if row.ticket_id is None else f"T-{row.ticket_id}",
        cause=row.cause,
        body=row.body,
    )
