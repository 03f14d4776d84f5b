"""Conversations that have messages nobody decided for yet: who works at which, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, or_, select, update

from kbsupport.store.dialects import Upsert
from kbsupport.store.door_tables import WaitingRow
from kbsupport.store.tickets import aware

if TYPE_CHECKING:
    from sqlalchemy import Connection

WAITING: Any = WaitingRow.__table__  # type: ignore[attr-defined]

_FIRST = (WAITING.c.attempts, WAITING.c.since)
_NO_LEASE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation that waits: since when, what caused it, and how often it was tried."""

    conversation_id: str
    since: datetime
    attempts: int
    cause: int | None
    given: Mapping[str, Any]
    leased_until: datetime


def _adding(insert: Any) -> Any:
    new = insert(WAITING)
    given = new.excluded
    return new.on_conflict_do_update(
        index_elements=[WAITING.c.conversation_id],
        set_={"ready_at": given.ready_at, "cause": given.cause, "given": given.given},
    )


_ADD = Upsert(_adding)


def add(
    connection: Connection,
    conversation_id: str,
    *,
    now: datetime,
    ready_at: datetime,
    cause: int,
    given: Mapping[str, Any],
) -> None:
    """Let a conversation wait; one that waits already gets the newest message's moment."""
    row = {
        "conversation_id": conversation_id, "since": now, "ready_at": ready_at, "attempts": 0,
        "cause": cause, "given": dict(given),
    }  # fmt: skip
    connection.execute(_ADD.on(connection), row)


def any_ready(connection: Connection, now: datetime, patience: timedelta) -> bool:
    """True if somebody who looks may take a conversation."""
    query = select(WAITING.c.conversation_id).where(_free(now), _ready(now, patience)).limit(1)
    return connection.execute(query).first() is not None


def lease(
    connection: Connection,
    now: datetime,
    until: datetime,
    patience: timedelta,
    only: str | None = None,
) -> Waiting | None:
    """Take the conversation that has waited longest; nobody else gets it before `until`.

    One is ready when its last message has had no follower for a while, or after `patience`. Those
    that failed before come after all others, so that they keep nobody waiting.
    """
    free = _free(now)
    wanted = and_(free, WAITING.c.conversation_id == only if only else _ready(now, patience))
    query = select(WAITING.c.conversation_id).where(wanted).order_by(*_FIRST).limit(1)
    name = connection.execute(query).scalar()
    if name is None:
        return None
    taken = (
        update(WAITING)
        .where(WAITING.c.conversation_id == name, free)
        .values(leased_until=until, attempts=WAITING.c.attempts + 1)
        .returning(WAITING)
    )
    row = connection.execute(taken).one_or_none()
    return None if row is None else _waiting(row)


def release(connection: Connection, taken: Waiting) -> None:
    """Give back what was taken, as if it had not been tried, unless somebody else has it now."""
    mine = (
        WAITING.c.conversation_id == taken.conversation_id,
        WAITING.c.leased_until == taken.leased_until,
    )
    values = {"leased_until": None, "attempts": WAITING.c.attempts - 1}
    connection.execute(update(WAITING).where(*mine).values(values))


def end(connection: Connection, conversation_id: str) -> None:
    """It waits no longer."""
    connection.execute(delete(WAITING).where(WAITING.c.conversation_id == conversation_id))


def oldest(connection: Connection) -> datetime | None:
    """Since when the conversation waits that has waited longest."""
    return aware(connection.execute(select(func.min(WAITING.c.since))).scalar())


def count(connection: Connection) -> int:
    """How many wait."""
    return int(connection.execute(select(func.count()).select_from(WAITING)).scalar_one())


def _free(now: datetime) -> Any:
    until = WAITING.c.leased_until
    # No lease is that long: the clock was set back since.
    return or_(until.is_(None), until <= now, until > now + _NO_LEASE)


def _ready(now: datetime, patience: timedelta) -> Any:
    since = WAITING.c.since
    return or_(WAITING.c.ready_at <= now, since <= now - patience, since > now + patience)


def _waiting(row: Any) -> Waiting:
    since, until = aware(row.since), aware(row.leased_until)
    assert since is not None
    assert until is not None
    return Waiting(row.conversation_id, since, row.attempts, row.cause, row.given, until)
