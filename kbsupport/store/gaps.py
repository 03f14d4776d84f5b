"""What went to people and what they wrote back; and the gaps that articles closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from kbsupport.model import Author
from kbsupport.store.loop_tables import GapRow
from kbsupport.store.tables import EscalationRow, MessageRow, TicketRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

_GAP: Any = GapRow.__table__  # type: ignore[attr-defined]
_TICKET: Any = TicketRow.__table__  # type: ignore[attr-defined]
_MESSAGE: Any = MessageRow.__table__  # type: ignore[attr-defined]
_ESCALATION: Any = EscalationRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A ticket that went to a person, and what people wrote to the customer."""

    ticket_id: str
    text: str
    created_at: datetime
    tier: str
    replies: tuple[str, ...]
    customer_id: str | None = None
    conversation_id: str | None = None


@dataclass(frozen=True, slots=True)
class ClosedGap:
    """An article that was written for what nobody's article answered, and what it bought."""

    at: datetime
    article_id: str
    cluster: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def handed_over(connection: Connection, limit: int) -> list[HandedOver]:
    """The newest tickets that went to a person, in order; those erased have no text left."""
    were = select(_ESCALATION.c.ticket_id)
    query = select(_TICKET).where(_TICKET.c.id.in_(were), _TICKET.c.question != "")
    rows = connection.execute(query.order_by(_TICKET.c.id.desc()).limit(limit)).all()
    replies: dict[str, list[str]] = {}
    said = (
        select(_MESSAGE.c.conversation_id, _MESSAGE.c.text)
        .join(_TICKET, _TICKET.c.conversation_id == _MESSAGE.c.conversation_id)
        .where(_TICKET.c.id.in_(were), _MESSAGE.c.author == str(Author.SPECIALIST))
        .order_by(_MESSAGE.c.conversation_id, _MESSAGE.c.seq)
    )
    for conversation, text in connection.execute(said):
        replies.setdefault(conversation, []).append(text)
    return [
        HandedOver(
            ticket_id=f"T-{row.id}",
            text=row.question,
            created_at=row.created_at.replace(tzinfo=UTC),
            tier=row.tier,
            replies=tuple(replies.get(row.conversation_id, ())),
            customer_id=row.customer_id,
            conversation_id=row.conversation_id,
        )
        for row in reversed(rows)
    ]


def save_closed(
    connection: Connection,
    article_id: str,
    *,
    cluster: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    now: datetime,
) -> None:
    """Keep what an article bought; written again, it counts anew from then on."""
    row = {
        "at": now, "article_id": article_id, "cluster": dict(cluster), "before": dict(before),
        "after": dict(after),
    }  # fmt: skip
    connection.execute(insert(_GAP), row)


def closed_gaps(connection: Connection) -> list[ClosedGap]:
    """Every gap that was closed, in order."""
    rows = connection.execute(select(_GAP).order_by(_GAP.c.id))
    return [
        ClosedGap(row.at.replace(tzinfo=UTC), row.article_id, row.cluster, row.before, row.after)
        for row in rows
    ]
