"""Where other help desks ring, and which of their tickets have to be read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from kbsupport.errors import NotFound
from kbsupport.model import storable
from kbsupport.model.webhooks import Bell
from kbsupport.store.conversations import MESSAGE
from kbsupport.store.dialects import Upsert
from kbsupport.store.door_tables import BellRow, RingRow
from kbsupport.store.tickets import aware

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from kbsupport.model import Message

BELL: Any = BellRow.__table__  # type: ignore[attr-defined]
RING: Any = RingRow.__table__  # type: ignore[attr-defined]


def _ringing(insert: Any) -> Any:
    new = insert(RING)
    given = {name: new.excluded[name] for name in ("rung_at", "next_attempt_at", "attempts")}
    return new.on_conflict_do_update(index_elements=[RING.c.system, RING.c.number], set_=given)


_RING = Upsert(_ringing)


def add_bell(connection: Connection, bell: Bell, hash: str) -> None:
    """Store a new bell with the hash of its secret."""
    row = {
        "id": bell.id, "system": bell.system, "signed": bell.signed, "hash": hash,
        "created_at": bell.created_at,
    }  # fmt: skip
    connection.execute(insert(BELL), row)


def find_bell(connection: Connection, id: str) -> tuple[Bell, str] | None:
    """A bell and the hash of its secret."""
    row = connection.execute(select(BELL).where(BELL.c.id == id)).one_or_none()
    return None if row is None else (_bell(row), row.hash)


def bells(connection: Connection) -> list[Bell]:
    """Every bell there is or was, the oldest first."""
    return [_bell(row) for row in connection.execute(select(BELL).order_by(BELL.c.created_at))]


def end_bell(connection: Connection, id: str, now: datetime) -> None:
    """Let a bell ring no more."""
    query = update(BELL).where(BELL.c.id == id, BELL.c.ended_at.is_(None)).values(ended_at=now)
    if not connection.execute(query).rowcount:
        raise NotFound(f"no bell {id!r} is in use; see: kbsupport webhooks bells")


def ring(connection: Connection, system: str, number: str, now: datetime, at: datetime) -> None:
    """Let a ticket be read at a moment; rung twice before then, it is read once."""
    row = {
        "system": system, "number": number, "rung_at": now, "next_attempt_at": at, "attempts": 0,
    }  # fmt: skip
    connection.execute(_RING.on(connection), row)


def take_ring(
    connection: Connection, system: str, now: datetime, until: datetime
) -> tuple[str, datetime, int] | None:
    """The ticket that has waited longest, when it was rung for, and which attempt this is.

    Nobody else gets it before `until`.
    """
    wait = RING.c.next_attempt_at
    query = select(RING.c.number).where(RING.c.system == system, wait <= now).order_by(wait)
    number = connection.execute(query.limit(1)).scalar()
    if number is None:
        return None
    taken = (
        update(RING)
        .where(RING.c.system == system, RING.c.number == number)
        .values(next_attempt_at=until, attempts=RING.c.attempts + 1)
        .returning(RING)
    )
    row = connection.execute(taken).one()
    rung = aware(row.rung_at)
    assert rung is not None
    return row.number, rung, row.attempts


def end_ring(connection: Connection, system: str, number: str, rung_at: datetime) -> bool:
    """It was read; one that was rung for again meanwhile stays."""
    query = delete(RING).where(
        RING.c.system == system, RING.c.number == number, RING.c.rung_at == rung_at
    )
    return bool(connection.execute(query).rowcount)


def note_unread(
    connection: Connection,
    system: str,
    number: str,
    rung_at: datetime,
    error: str,
    again: datetime,
) -> None:
    """It could not be read, and is tried again then; one that was rung for again is not late."""
    query = update(RING).where(
        RING.c.system == system, RING.c.number == number, RING.c.rung_at == rung_at
    )
    connection.execute(query.values(error=storable(error), next_attempt_at=again))


def said_there(
    connection: Connection, system: str, messages: Collection[Message]
) -> frozenset[int]:
    """Which of these messages came from that system, by the name they were kept under."""
    ids = [one.id for one in messages]
    query = select(MESSAGE.c.id).where(
        MESSAGE.c.id.in_(ids), MESSAGE.c.key.startswith(f"{system}/", autoescape=True)
    )
    return frozenset(connection.execute(query).scalars())


def _bell(row: Any) -> Bell:
    created = aware(row.created_at)
    assert created is not None
    return Bell(row.id, row.system, row.signed, created, aware(row.ended_at))


def unread(connection: Connection) -> list[str]:
    """The tickets that were rung for and could not be read, each with why."""
    query = select(RING).where(RING.c.error.is_not(None)).order_by(RING.c.system, RING.c.number)
    return [
        f"ticket {one.number} of {one.system}: {one.error}" for one in connection.execute(query)
    ]
