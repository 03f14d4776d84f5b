"""Labels that were learnt: history to learn from, and those kept apart to find thresholds with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import JSON, String, and_, bindparam, case, cast, delete, func, null, select, update

from kbsupport.model import Label, storable, text_hash
from kbsupport.store.dialects import Upsert
from kbsupport.store.tables import EmbeddingRow, LabelRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

LABEL: Any = LabelRow.__table__  # type: ignore[attr-defined]
EMBEDDING: Any = EmbeddingRow.__table__  # type: ignore[attr-defined]

Role = Literal["history", "threshold"]
# No text has both roles, or a proof would look at what it was fitted to.
HISTORY: Final = "history"
THRESHOLD: Final = "threshold"

_DETAILS = (
    "kind", "topic", "intent", "urgent", "tier", "language", "product", "customer_id",
    "conversation_id",
)  # fmt: skip
# While these are the same a label says the same, and its last replay still speaks of it.
_STAMP = select(func.count(), func.max(LABEL.c.learnt_at)).where(LABEL.c.role == HISTORY)
_SAYS = ("text", "content_hash", "expected", "accept_ids", "details", "role")


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A label as it is kept, and what its last replay said."""

    id: int
    label: Label
    text_hash: str
    content_hash: str
    role: Role
    source: str
    last: Mapping[str, Any] | None


def save_labels(
    connection: Connection,
    labels: Sequence[Label],
    role: Role,
    source: str,
    content_hashes: Sequence[str],
    *,
    move: bool = False,
) -> int:
    """How many of these were stored; the others have the other role already and keep it.

    A text that is stored is updated, not doubled. `move` lets history take over texts that were
    kept for thresholds; never the other way round, for what was learnt cannot prove anything.
    `content_hashes` name the vectors: the hash of the words that were or will be embedded.
    """
    known, now = roles(connection), datetime.now(UTC)
    rows = [
        _row(label, role, source, content_hash, now)
        for label, content_hash in zip(labels, content_hashes, strict=True)
    ]
    replaced = {role, THRESHOLD} if move and role == HISTORY else {role}
    rows = [row for row in rows if known.get(row["text_hash"], role) in replaced]
    if rows:
        # The last one holds.
        distinct = {row["text_hash"]: row for row in rows}
        connection.execute(_SAVE.of_many(connection), list(distinct.values()))
    return len(rows)


def load_labels(connection: Connection, role: Role | None = None) -> list[StoredLabel]:
    """The stored labels of a role, or all, in the order in which they first came."""
    query = select(LABEL).where(*_of(role)).order_by(LABEL.c.id)
    return [_stored(row) for row in connection.execute(query)]


def roles(connection: Connection) -> dict[str, Role]:
    """The role of each stored text, by its hash."""
    rows = connection.execute(select(LABEL.c.text_hash, LABEL.c.role))
    return {row.text_hash: row.role for row in rows}


def count(connection: Connection, role: Role | None = None) -> int:
    """How many labels of a role are stored, or of all."""
    query = select(func.count()).select_from(LABEL).where(*_of(role))
    return int(connection.execute(query).scalar_one())


def forget_labels(connection: Connection, role: Role) -> int:
    """Drop the labels of a role; how many there were. Their vectors go with the next index run."""
    return int(connection.execute(delete(LABEL).where(*_of(role))).rowcount)


def forget_label(connection: Connection, text: str) -> bool:
    """Drop what was learnt of one text; False if nothing was."""
    query = delete(LABEL).where(LABEL.c.text_hash == text_hash(text), LABEL.c.role == HISTORY)
    return bool(connection.execute(query).rowcount)


def history_stamp(connection: Connection) -> str:
    """Changes whenever the history does; it can stand in a file's name."""
    many, newest = connection.execute(_STAMP).one()
    return hashlib.sha256(f"{many} {newest}".encode()).hexdigest()[:16]


def note_last(connection: Connection, last: Mapping[int, Mapping[str, Any]]) -> None:
    """Remember what the last replay said of each of these labels, by their ids."""
    rows = [{"of": label, "said": dict(said)} for label, said in last.items()]
    if rows:
        query = update(LABEL).where(LABEL.c.id == bindparam("of")).values(last=bindparam("said"))
        connection.execute(query, rows)


def unembedded_labels(connection: Connection, embedder: str) -> list[tuple[str, str]]:
    """Content hash and text of the labels that this embedder has made no vector of yet."""
    done = select(EMBEDDING.c.content_hash).where(EMBEDDING.c.embedder == embedder)
    query = (
        select(LABEL.c.content_hash, func.min(LABEL.c.text))
        .where(LABEL.c.content_hash.not_in(done))
        .group_by(LABEL.c.content_hash)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def _saving(insert: Any) -> Any:
    query = insert(LABEL)
    new = query.excluded
    kept = ("id", "text_hash", "learnt_at", "last")
    given = {column.name: new[column.name] for column in LABEL.c if column.name not in kept}
    same = and_(*(_written(LABEL.c[name]) == _written(new[name]) for name in _SAYS))
    return query.on_conflict_do_update(
        index_elements=[LABEL.c.text_hash],
        set_={
            **given,
            # The same again, from another file perhaps, was not learnt anew.
            "learnt_at": case((same, LABEL.c.learnt_at), else_=new.learnt_at),
            "last": case((same, LABEL.c.last), else_=null()),
        },
    )


def _written(column: Any) -> Any:
    """What can be compared: PostgreSQL says of no two JSON values that they are equal."""
    return cast(column, String) if isinstance(column.type, JSON) else column


_SAVE = Upsert(_saving)


def _of(role: Role | None) -> tuple[Any, ...]:
    return () if role is None else (LABEL.c.role == role,)


def _row(label: Label, role: Role, source: str, content_hash: str, now: datetime) -> dict[str, Any]:
    details = {name: getattr(label, name) for name in _DETAILS}
    details["created_at"] = label.created_at.isoformat() if label.created_at else None
    return {
        "learnt_at": now,
        "given_id": storable(label.id),
        "text": storable(label.text),
        "text_hash": text_hash(label.text),
        "content_hash": content_hash,
        "expected": label.expected,
        "accept_ids": list(label.accept_ids),
        "details": details,
        "role": role,
        "source": storable(source),
    }


def _stored(row: Any) -> StoredLabel:
    details = dict(row.details)
    created_at = details.pop("created_at")
    label = Label(
        id=row.given_id,
        text=row.text,
        expected=row.expected,
        accept_ids=tuple(row.accept_ids),
        created_at=datetime.fromisoformat(created_at) if created_at else None,
        **details,
    )
    return StoredLabel(
        id=row.id,
        label=label,
        text_hash=row.text_hash,
        content_hash=row.content_hash,
        role=row.role,
        source=row.source,
        last=row.last,
    )
