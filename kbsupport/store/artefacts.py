"""What decided once: judges, policies and certificates, by their hash, for as long as we live."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from kbsupport.store.dialects import Upsert
from kbsupport.store.tables import ArtefactRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

ARTEFACT: Any = ArtefactRow.__table__  # type: ignore[attr-defined]

_KEEP = Upsert(lambda insert: insert(ARTEFACT).on_conflict_do_nothing())


def keep(connection: Connection, kind: str, hash: str, body: Mapping[str, Any]) -> None:
    """Store a content under its hash; what is kept already stays as it was."""
    row = {"hash": hash, "kind": kind, "created_at": datetime.now(UTC), "body": dict(body)}
    connection.execute(_KEEP.on(connection), row)


def load(connection: Connection, hash: str) -> dict[str, Any] | None:
    """The content of this hash, or None if it was never kept."""
    body: dict[str, Any] | None = connection.execute(
        select(ARTEFACT.c.body).where(ARTEFACT.c.hash == hash)
    ).scalar()
    return body
