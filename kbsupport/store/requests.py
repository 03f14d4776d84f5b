"""Requests that have a key: begun, in flight, and what was answered, for a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from kbsupport.errors import Conflict
from kbsupport.store.dialects import Upsert
from kbsupport.store.door_tables import RequestRow
from kbsupport.store.tickets import aware

if TYPE_CHECKING:
    from sqlalchemy import Connection

REQUEST: Any = RequestRow.__table__  # type: ignore[attr-defined]

KEPT = timedelta(hours=24)
# Whoever began it and never ended was killed: the same request may be made again.
_ABANDONED = timedelta(seconds=60)

_BEGIN = Upsert(
    lambda insert: (
        insert(REQUEST)
        .on_conflict_do_nothing(index_elements=[REQUEST.c.key])
        .returning(REQUEST.c.key)
    )
)


class Different(Conflict):
    """The key came with another request before."""


class InFlight(Conflict):
    """The request is being done right now."""


def begin(
    connection: Connection, key: str, asked: str, customer_id: str | None, now: datetime
) -> tuple[int, str] | None:
    """What was answered to this request before; None if it is the caller's to do now."""
    connection.execute(delete(REQUEST).where(REQUEST.c.begun_at < now - KEPT))
    row = {"key": key, "asked": asked, "begun_at": now, "customer_id": customer_id}
    if connection.execute(_BEGIN.on(connection), row).one_or_none() is not None:
        return None
    held = connection.execute(select(REQUEST).where(REQUEST.c.key == key)).one()
    if held.asked != asked:
        raise Different(f"the key {key!r} came with another request before; give each its own")
    if held.status is not None:
        return held.status, held.body
    begun = aware(held.begun_at)
    if begun is not None and begun > now - _ABANDONED:
        raise InFlight(f"the request with the key {key!r} is being done; wait for its answer")
    connection.execute(update(REQUEST).where(REQUEST.c.key == key).values(begun_at=now))
    return None


def done(connection: Connection, key: str, status: int, body: str) -> None:
    """Keep what was answered."""
    values = {"status": status, "body": body}
    connection.execute(update(REQUEST).where(REQUEST.c.key == key).values(values))


def forget(connection: Connection, key: str) -> None:
    """Let a request be made again."""
    query = delete(REQUEST).where(REQUEST.c.key == key, REQUEST.c.status.is_(None))
    connection.execute(query)
