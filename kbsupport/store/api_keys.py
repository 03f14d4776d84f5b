"""Keys of the doors and the passes of sockets: what is kept of them opens nothing by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, or_, select, update

from kbsupport.errors import NotFound
from kbsupport.model import ApiKey, Role, Scope
from kbsupport.store.door_tables import ApiKeyRow, EntryRow
from kbsupport.store.tickets import aware

if TYPE_CHECKING:
    from sqlalchemy import Connection

API_KEY: Any = ApiKeyRow.__table__  # type: ignore[attr-defined]
ENTRY: Any = EntryRow.__table__  # type: ignore[attr-defined]


def add_key(connection: Connection, key: ApiKey, hash: str) -> None:
    """Store a new key with the hash of its secret."""
    row = {
        "id": key.id, "name": key.name, "role": str(key.role), "scopes": sorted(key.scopes),
        "hash": hash, "created_at": key.created_at, "customer_id": key.customer_id,
        "specialist_id": key.specialist_id, "visitors": key.visitors,
        "expires_at": key.expires_at,
    }  # fmt: skip
    connection.execute(insert(API_KEY), row)


def find_key(connection: Connection, id: str) -> tuple[ApiKey, str] | None:
    """A key and the hash of its secret."""
    row = connection.execute(select(API_KEY).where(API_KEY.c.id == id)).one_or_none()
    return None if row is None else (_key(row), row.hash)


def all_keys(connection: Connection) -> list[ApiKey]:
    """Every key there is or was, the oldest first."""
    query = select(API_KEY).order_by(API_KEY.c.created_at, API_KEY.c.id)
    return [_key(row) for row in connection.execute(query)]


def end_key(connection: Connection, id: str, at: datetime, now: datetime) -> ApiKey:
    """Let a key end at a moment: revoked if that is now, else shortened, never made to last."""
    row = connection.execute(select(API_KEY).where(API_KEY.c.id == id)).one_or_none()
    if row is None:
        raise NotFound(f"no key {id!r}; see: kbsupport keys list")
    until = min(at, aware(row.expires_at) or at)
    values: dict[str, Any] = {"expires_at": until} if at > now else {"revoked_at": now}
    if row.revoked_at is None:
        connection.execute(update(API_KEY).where(API_KEY.c.id == id).values(values))
    found = find_key(connection, id)
    assert found is not None
    return found[0]


def note_used(connection: Connection, id: str, now: datetime) -> None:
    """Remember when a key last opened something."""
    held = or_(API_KEY.c.last_used_at.is_(None), API_KEY.c.last_used_at < now)
    connection.execute(update(API_KEY).where(API_KEY.c.id == id, held).values(last_used_at=now))


def keep_entry(
    connection: Connection,
    hash: str,
    caller: Mapping[str, Any],
    conversation_id: str | None,
    expires_at: datetime,
    now: datetime,
) -> None:
    """Store a pass for one socket; those that nobody used in time go."""
    connection.execute(delete(ENTRY).where(ENTRY.c.expires_at < now))
    row = {
        "hash": hash, "caller": dict(caller), "conversation_id": conversation_id,
        "expires_at": expires_at,
    }  # fmt: skip
    connection.execute(insert(ENTRY), row)


def use_entry(
    connection: Connection, hash: str, now: datetime
) -> tuple[dict[str, Any], str | None] | None:
    """Whose pass it is and for which conversation; it is gone after, whoever tries again."""
    query = delete(ENTRY).where(ENTRY.c.hash == hash).returning(ENTRY)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    expires = aware(row.expires_at)
    return None if expires is None or expires <= now else (dict(row.caller), row.conversation_id)


def _key(row: Any) -> ApiKey:
    created = aware(row.created_at)
    assert created is not None
    return ApiKey(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        scopes=frozenset(Scope(one) for one in row.scopes),
        created_at=created,
        customer_id=row.customer_id,
        specialist_id=row.specialist_id,
        visitors=row.visitors,
        expires_at=aware(row.expires_at),
        revoked_at=aware(row.revoked_at),
        last_used_at=aware(row.last_used_at),
    )
