"""Requests that have a key: begun, in flight, and what was answered, for a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, insert, not_, or_, select, update

from kbsupport.errors import Conflict
from kbsupport.store.dialects import Upsert
from kbsupport.store.door_tables import RequestRow
from kbsupport.store.tickets import aware

if TYPE_CHECKING:
    from sqlalchemy import Connection

REQUEST: Any = RequestRow.__table__  # type: ignore[attr-defined]

KEPT = timedelta(hours=24)
# Another help desk may ring for a week with the same message; its names begin so.
HOOK, _HOOKS_KEPT = "hook/", timedelta(days=7)
# Whoever began it and never ended was killed: the same request may be made again.
_ABANDONED = timedelta(seconds=60)

_BEGIN = Upsert(
    lambda insert: (
        insert(REQUEST)
        .on_conflict_do_nothing(index_elements=[REQUEST.c.key])
        .returning(REQUEST.c.key)
    )
)


_HELD = select(REQUEST.c.asked, REQUEST.c.body).where(REQUEST.c.key == bindparam("key"))


class Different(Conflict):
    """The key came with another request before."""


class InFlight(Conflict):
    """The request is being done right now."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request was answered with before."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that is the caller's to do; whoever takes it over after a minute has another."""

    key: str
    at: datetime


def begin(
    connection: Connection, key: str, asked: str, customer_id: str | None, now: datetime
) -> Answered | Begun:
    """What was answered to this request before, or that it is the caller's to do now."""
    connection.execute(delete(REQUEST).where(_old(now)))
    row = {"key": key, "asked": asked, "begun_at": now, "customer_id": customer_id}
    if connection.execute(_BEGIN.on(connection), row).one_or_none() is not None:
        return Begun(key, now)
    held = connection.execute(select(REQUEST).where(REQUEST.c.key == key)).one()
    if held.asked != asked:
        raise _different(key)
    if held.status is not None:
        return Answered(held.status, held.body)
    begun = aware(held.begun_at)
    if begun is not None and abs(now - begun) < _ABANDONED:
        raise InFlight(f"the request with the key {key!r} is being done; wait for its answer")
    connection.execute(update(REQUEST).where(REQUEST.c.key == key).values(begun_at=now))
    return Begun(key, now)


def answered(connection: Connection, key: str, asked: str) -> str | None:
    """What was answered to a request that is done and kept in one step; None if it is new."""
    held = connection.execute(_HELD, {"key": key}).one_or_none()
    if held is not None and held.asked != asked:
        raise _different(key)
    return None if held is None else held.body


def keep(
    connection: Connection,
    key: str,
    asked: str,
    customer_id: str | None,
    now: datetime,
    *,
    status: int,
    body: str,
) -> None:
    """Keep what is answered, in the step that does what was asked."""
    row = {"key": key, "asked": asked, "begun_at": now, "customer_id": customer_id}
    connection.execute(insert(REQUEST), row | {"status": status, "body": body})


def done(connection: Connection, begun: Begun, status: int, body: str) -> None:
    """Keep what was answered, unless somebody else does it again meanwhile."""
    values = {"status": status, "body": body}
    connection.execute(update(REQUEST).where(_mine(begun)).values(values))


def forget(connection: Connection, begun: Begun) -> None:
    """Let a request be made again."""
    connection.execute(delete(REQUEST).where(_mine(begun)))


def _old(now: datetime) -> Any:
    begun, hook = REQUEST.c.begun_at, REQUEST.c.key.startswith(HOOK)
    return or_(begun < now - _HOOKS_KEPT, and_(begun < now - KEPT, not_(hook)))


def _mine(begun: Begun) -> Any:
    row = REQUEST.c
    return and_(row.key == begun.key, row.begun_at == begun.at, row.status.is_(None))


def _different(key: str) -> Different:
    return Different(f"the key {key!r} came with another request before; give each its own")
