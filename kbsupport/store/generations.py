"""Generations of the index, and the one pointer that says which is live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from kbsupport.errors import KbSupportError
from kbsupport.store.tables import GenerationRow, MemberRow, PointerRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

GENERATION: Any = GenerationRow.__table__  # type: ignore[attr-defined]
MEMBER: Any = MemberRow.__table__  # type: ignore[attr-defined]
POINTER: Any = PointerRow.__table__  # type: ignore[attr-defined]

_LIVE = "live"
_LIVE_ONE = (
    select(GENERATION)
    .join(POINTER, POINTER.c.generation_id == GENERATION.c.id)
    .where(POINTER.c.name == _LIVE)
)


class Pruned(KbSupportError):
    """The database no longer holds what a generation was built from: newer ones took its place."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the database no longer holds {what} of this index; run: kbsupport index")


@dataclass(frozen=True, slots=True)
class Generation:
    """One immutable build of the index, as the database knows it."""

    id: int
    embedder: str
    dimension: int
    splitter: str
    chunks: int
    manifest: dict[str, Any]
    created_at: datetime

    @property
    def directory(self) -> str:
        """Its folder below the home's index folder."""
        return f"gen-{self.id:06d}"


def live(connection: Connection) -> Generation | None:
    """The generation that questions are asked of, if one was ever published."""
    row = connection.execute(_LIVE_ONE).one_or_none()
    return None if row is None else _generation(row)


def get(connection: Connection, generation: int) -> Generation:
    """A generation by its id."""
    query = select(GENERATION).where(GENERATION.c.id == generation)
    return _generation(connection.execute(query).one())


def published(connection: Connection) -> list[Generation]:
    """Every generation that was live once, the newest first."""
    query = (
        select(GENERATION).where(GENERATION.c.state == "published").order_by(GENERATION.c.id.desc())
    )
    return [_generation(row) for row in connection.execute(query)]


def begin(
    connection: Connection,
    *,
    embedder: str,
    dimension: int,
    splitter: str,
    members: Iterable[tuple[int, str]],
) -> int:
    """Start a generation of these article versions; nobody sees it before `publish`."""
    row = {
        "created_at": datetime.now(UTC),
        "embedder": embedder,
        "dimension": dimension,
        "splitter": splitter,
        "chunks": 0,
        "state": "building",
        "manifest": {},
    }
    made = connection.execute(insert(GENERATION).returning(GENERATION.c.id), row).scalar_one()
    rows = [{"generation_id": made, "version_id": v, "source": s} for v, s in members]
    if rows:
        connection.execute(insert(MEMBER), rows)
    return int(made)


def members(connection: Connection, generation: int) -> dict[int, str]:
    """Version id to source of the articles in a generation."""
    query = select(MEMBER.c.version_id, MEMBER.c.source).where(MEMBER.c.generation_id == generation)
    return {row.version_id: row.source for row in connection.execute(query)}


def move(connection: Connection, generation: int, moved: Iterable[tuple[int, str]]) -> None:
    """Note the file that each of these versions lies in now; what they say is the same."""
    for version, source in moved:
        member = MEMBER.c.generation_id == generation, MEMBER.c.version_id == version
        connection.execute(update(MEMBER).where(*member).values(source=source))


def publish(connection: Connection, generation: int, manifest: dict[str, Any], chunks: int) -> None:
    """Make a finished generation the live one: this is the flip."""
    connection.execute(
        update(GENERATION)
        .where(GENERATION.c.id == generation)
        .values(state="published", manifest=manifest, chunks=chunks)
    )
    connection.execute(delete(POINTER).where(POINTER.c.name == _LIVE))
    connection.execute(insert(POINTER), {"name": _LIVE, "generation_id": generation})


def abandon_unfinished(connection: Connection) -> None:
    """Forget the builds that were cut short."""
    cut = select(GENERATION.c.id).where(GENERATION.c.state == "building")
    connection.execute(delete(MEMBER).where(MEMBER.c.generation_id.in_(cut)))
    connection.execute(delete(GENERATION).where(GENERATION.c.state == "building"))


def _generation(row: Any) -> Generation:
    return Generation(
        id=row.id,
        embedder=row.embedder,
        dimension=row.dimension,
        splitter=row.splitter,
        chunks=row.chunks,
        manifest=row.manifest,
        created_at=row.created_at,
    )
