"""What customers said about tickets and articles: each thing once."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from kbsupport.errors import Conflict
from kbsupport.model import Feedback, storable
from kbsupport.store.loop_tables import FeedbackRow
from kbsupport.store.tickets import number_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

FEEDBACK: Any = FeedbackRow.__table__  # type: ignore[attr-defined]


def save_feedback(connection: Connection, given: Feedback) -> None:
    """Store it; a second rating, or a second word on the same article, is a Conflict."""
    for held in feedback_of(connection, given.ticket_id):
        if held.article_id != given.article_id:
            continue
        about = f"about {given.article_id} " if given.article_id else ""
        if held.rating is not None and given.rating is not None:
            raise Conflict(f"{given.ticket_id} was rated {held.rating} already")
        if held.helpful is not None and given.helpful is not None:
            raise Conflict(f"it was said {about}already whether {given.ticket_id} helped")
    row = {
        "ticket_id": number_of(given.ticket_id), "at": given.at, "rating": given.rating,
        "helpful": given.helpful, "article_id": given.article_id,
        "comment": None if given.comment is None else storable(given.comment), "by": given.by,
    }  # fmt: skip
    connection.execute(insert(FEEDBACK), row)


def feedback_of(connection: Connection, ticket_id: str) -> list[Feedback]:
    """What was said about a ticket, in order."""
    mine = FEEDBACK.c.ticket_id == number_of(ticket_id)
    query = select(FEEDBACK).where(mine).order_by(FEEDBACK.c.id)
    return [_feedback(row) for row in connection.execute(query)]


def _feedback(row: Any) -> Feedback:
    return Feedback(
        ticket_id=f"T-{row.ticket_id}",
        at=row.at.replace(tzinfo=UTC),
        rating=row.rating,
        helpful=row.helpful,
        article_id=row.article_id,
        comment=row.comment,
        by=row.by,
    )
