"""Idempotency: what came of a write that has a key, so that it is done once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from kbsupport.errors import Conflict
from kbsupport.store.dialects import Upsert
from kbsupport.store.tables import KeyRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

KEY: Any = KeyRow.__table__  # type: ignore[attr-defined]

_ONCE = Upsert(
    lambda insert: (
        insert(KEY).on_conflict_do_nothing(index_elements=[KEY.c.key]).returning(KEY.c.key)
    )
)


def kept(connection: Connection, key: str, asked: str) -> dict[str, Any] | None:
    """What came of the request that had this key; None if there was none.

    `asked` is a hash of the request: the same key on another request is a Conflict.
    """
    row = connection.execute(select(KEY).where(KEY.c.key == key)).one_or_none()
    if row is None:
        return None
    if row.asked != asked:
        raise Conflict(f"the key {key!r} came with another request before; give each its own key")
    return dict(row.body)


def keep(
    connection: Connection, key: str, asked: str, body: Mapping[str, Any], now: datetime
) -> None:
    """Store what came of a request; a key that is taken is a Conflict, and undoes the write."""
    row = {"key": key, "asked": asked, "at": now, "body": dict(body)}
    if connection.execute(_ONCE.on(connection), row).one_or_none() is None:
        raise Conflict(f"the request with the key {key!r} was done already; do not send it again")
