"""Endpoints that are told what happens here, and each event's way to each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, or_, select, update

from kbsupport.errors import NotFound
from kbsupport.model import storable
from kbsupport.model.webhooks import Dispatch, Dispatched, Endpoint
from kbsupport.store.dialects import Upsert
from kbsupport.store.door_tables import DispatchRow, EndpointRow
from kbsupport.store.events import EVENT
from kbsupport.store.tickets import aware

if TYPE_CHECKING:
    from sqlalchemy import Connection

ENDPOINT: Any = EndpointRow.__table__  # type: ignore[attr-defined]
DISPATCH: Any = DispatchRow.__table__  # type: ignore[attr-defined]

_WAITS = DISPATCH.c.state == str(Dispatched.WAITING)
_SPREAD = Upsert(
    lambda insert: (
        insert(DISPATCH)
        .on_conflict_do_nothing(index_elements=[DISPATCH.c.endpoint_id, DISPATCH.c.event_id])
        .returning(DISPATCH.c.id)
    )
)


def add_endpoint(connection: Connection, endpoint: Endpoint) -> None:
    """Store a new endpoint; what happened up to its `after` is not told to it."""
    row = {
        "id": endpoint.id, "url": endpoint.url, "types": list(endpoint.types),
        "secrets": [dict(one) for one in endpoint.secrets], "created_at": endpoint.created_at,
        "after": endpoint.after,
    }  # fmt: skip
    connection.execute(insert(ENDPOINT), row)


def newest_event(connection: Connection) -> int:
    """The number of what happened last; 0 if nothing did."""
    return int(connection.execute(select(func.coalesce(func.max(EVENT.c.id), 0))).scalar_one())


def endpoints(connection: Connection) -> list[Endpoint]:
    """Every endpoint, the oldest first."""
    query = select(ENDPOINT).order_by(ENDPOINT.c.created_at, ENDPOINT.c.id)
    return [_endpoint(row) for row in connection.execute(query)]


def endpoint(connection: Connection, id: str) -> Endpoint:
    """One endpoint; NotFound if there is none of that id."""
    row = connection.execute(select(ENDPOINT).where(ENDPOINT.c.id == id)).one_or_none()
    if row is None:
        raise NotFound(f"no webhook {id!r}; see: kbsupport webhooks list")
    return _endpoint(row)


def change_endpoint(connection: Connection, id: str, **values: Any) -> None:
    """Set columns of an endpoint."""
    connection.execute(update(ENDPOINT).where(ENDPOINT.c.id == id).values(values))


def remove_endpoint(connection: Connection, id: str) -> None:
    """Forget an endpoint and all that it was told."""
    connection.execute(delete(DISPATCH).where(DISPATCH.c.endpoint_id == id))
    connection.execute(delete(ENDPOINT).where(ENDPOINT.c.id == id))


def keep_secrets(connection: Connection, id: str, secrets: Sequence[Mapping[str, Any]]) -> None:
    """Replace the seeds of an endpoint's secrets."""
    change_endpoint(connection, id, secrets=[dict(one) for one in secrets])


def disable(connection: Connection, id: str, why: str, now: datetime) -> bool:
    """Tell an endpoint nothing more; what waits for it has failed. False if it was off already."""
    query = (
        update(ENDPOINT)
        .where(ENDPOINT.c.id == id, ENDPOINT.c.disabled_at.is_(None))
        .values(disabled_at=now, why_disabled=why, not_before=None)
    )
    if not connection.execute(query).rowcount:
        return False
    waits = update(DISPATCH).where(DISPATCH.c.endpoint_id == id, _WAITS)
    connection.execute(waits.values(_missed(why, now)))
    return True


def spread(
    connection: Connection, event_id: int, endpoint_ids: Iterable[str], now: datetime
) -> int:
    """Let an event wait for each of these; told of it twice, it waits once.

    For one that is disabled it has failed at once, and can be sent again.
    """
    made = 0
    asked = select(ENDPOINT).where(ENDPOINT.c.id.in_(list(endpoint_ids)))
    for one in connection.execute(asked).all():
        stands = _waiting(now) if one.disabled_at is None else _missed(one.why_disabled, now)
        row = {"endpoint_id": one.id, "event_id": event_id, "attempts": 0, **stands}
        made += connection.execute(_SPREAD.on(connection), row).one_or_none() is not None
    return made


def due(connection: Connection, now: datetime) -> list[str]:
    """The endpoints that something is due for and that may be told now, who waits longest first."""
    first = func.min(DISPATCH.c.next_attempt_at)
    query = (
        select(DISPATCH.c.endpoint_id)
        .join(ENDPOINT, ENDPOINT.c.id == DISPATCH.c.endpoint_id)
        .where(_WAITS, DISPATCH.c.next_attempt_at <= now, _free(now))
        .group_by(DISPATCH.c.endpoint_id)
        .order_by(first)
    )
    return list(connection.execute(query).scalars())


def lease(connection: Connection, id: str, now: datetime, until: datetime) -> Endpoint | None:
    """An endpoint for whoever tells it now: nobody else does before `until`."""
    taken = (
        update(ENDPOINT)
        .where(ENDPOINT.c.id == id, _free(now))
        .values(not_before=until)
        .returning(ENDPOINT)
    )
    row = connection.execute(taken).one_or_none()
    return None if row is None else _endpoint(row)


def take(connection: Connection, endpoint_id: str, now: datetime) -> Dispatch | None:
    """What is due for an endpoint, the oldest first."""
    query = (
        select(DISPATCH)
        .where(DISPATCH.c.endpoint_id == endpoint_id, _WAITS, DISPATCH.c.next_attempt_at <= now)
        .order_by(DISPATCH.c.next_attempt_at, DISPATCH.c.event_id)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _dispatch(row)


def begin_attempt(connection: Connection, id: int, next_attempt_at: datetime) -> None:
    """Count an attempt before it is made: one that a kill ends has failed, and is made again."""
    values = {"attempts": DISPATCH.c.attempts + 1, "next_attempt_at": next_attempt_at}
    connection.execute(update(DISPATCH).where(DISPATCH.c.id == id).values(values))


def note_sent(connection: Connection, id: int, status: int, now: datetime) -> None:
    """The endpoint has it."""
    values = {
        "state": str(Dispatched.SENT), "last_status": status, "error": None, "done_at": now,
        "next_attempt_at": None,
    }  # fmt: skip
    connection.execute(update(DISPATCH).where(DISPATCH.c.id == id).values(values))


def note_failed(
    connection: Connection,
    id: int,
    *,
    status: int | None,
    error: str,
    again: datetime | None,
    now: datetime,
) -> None:
    """It was not taken: tried again then, or never again."""
    values: dict[str, Any] = {"last_status": status, "error": storable(error)}
    if again is None:
        values |= {"state": str(Dispatched.FAILED), "done_at": now, "next_attempt_at": None}
    else:
        values["next_attempt_at"] = again
    connection.execute(update(DISPATCH).where(DISPATCH.c.id == id, _WAITS).values(values))


def again(connection: Connection, endpoint_id: str, id: int, now: datetime) -> Dispatch:
    """Let it be told once more, from the first attempt on."""
    values = {"attempts": 0, "error": None, **_waiting(now)}
    query = (
        update(DISPATCH)
        .where(DISPATCH.c.id == id, DISPATCH.c.endpoint_id == endpoint_id)
        .values(values)
        .returning(DISPATCH)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        cure = f"see: kbsupport webhooks deliveries {endpoint_id}"
        raise NotFound(f"no delivery {id} of the webhook {endpoint_id!r}; {cure}")
    return _dispatch(row)


def dispatches(
    connection: Connection,
    endpoint_id: str,
    limit: int,
    before: int | None = None,
    state: Dispatched | None = None,
) -> list[Dispatch]:
    """What an endpoint was told or is to be told, the newest first."""
    query = select(DISPATCH).where(DISPATCH.c.endpoint_id == endpoint_id)
    if before is not None:
        query = query.where(DISPATCH.c.id < before)
    if state is not None:
        query = query.where(DISPATCH.c.state == str(state))
    rows = connection.execute(query.order_by(DISPATCH.c.id.desc()).limit(limit))
    return [_dispatch(row) for row in rows]


def forget_done(connection: Connection, before: datetime) -> int:
    """Take out what was over by then."""
    return int(connection.execute(delete(DISPATCH).where(DISPATCH.c.done_at < before)).rowcount)


def _waiting(now: datetime) -> dict[str, Any]:
    return {
        "state": str(Dispatched.WAITING), "next_attempt_at": now, "done_at": None,
    }  # fmt: skip


def _missed(why: str | None, now: datetime) -> dict[str, Any]:
    return {
        "state": str(Dispatched.FAILED), "next_attempt_at": None, "done_at": now,
        "error": storable(f"the webhook was disabled: {why}"),
    }  # fmt: skip


def _free(now: datetime) -> Any:
    at_rest = or_(ENDPOINT.c.not_before.is_(None), ENDPOINT.c.not_before <= now)
    # Nothing keeps one waiting longer than a day: what does was written with a clock set back.
    set_back = ENDPOINT.c.not_before > now + timedelta(days=2)
    return ENDPOINT.c.disabled_at.is_(None) & or_(at_rest, set_back)


def _endpoint(row: Any) -> Endpoint:
    created = aware(row.created_at)
    assert created is not None
    return Endpoint(
        id=row.id,
        url=row.url,
        types=tuple(row.types),
        created_at=created,
        after=row.after,
        secrets=tuple(row.secrets),
        failing_since=aware(row.failing_since),
        not_before=aware(row.not_before),
        disabled_at=aware(row.disabled_at),
        why_disabled=row.why_disabled,
    )


def _dispatch(row: Any) -> Dispatch:
    return Dispatch(
        id=row.id,
        endpoint_id=row.endpoint_id,
        event_id=row.event_id,
        state=Dispatched(row.state),
        attempts=row.attempts,
        next_attempt_at=aware(row.next_attempt_at),
        last_status=row.last_status,
        error=row.error,
        done_at=aware(row.done_at),
    )
