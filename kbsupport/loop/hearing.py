"""What customers say about answers: kept once, told with an event, from them alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from kbsupport.errors import ConfigError, NotFound
from kbsupport.model import EventType, Feedback
from kbsupport.store import audit, events, feedback, keys, tickets

if TYPE_CHECKING:
    from kbsupport.store.database import Database

MOST_WORDS = 4000


class Hearing:
    """Takes feedback on a ticket, or on one article that was quoted there."""

    def __init__(self, database: Database, audit_key: bytes, clock: Callable[[], datetime]) -> None:
        self._database, self._audit_key, self._clock = database, audit_key, clock

    def hear(
        self,
        ticket_id: str,
        *,
        by: str | None,
        rating: int | None = None,
        helpful: bool | None = None,
        article_id: str | None = None,
        comment: str | None = None,
        key: str | None = None,
    ) -> Feedback:
        """Keep what a customer says; a key makes sure that it is kept once however often sent."""
        now = self._clock()
        with self._database.write() as connection:
            ticket = tickets.find_ticket(connection, ticket_id)
            if ticket is None or ticket.customer_id != by:
                # Somebody else's ticket looks like one that there is not.
                raise NotFound(f"no ticket {ticket_id!r} of {by or 'nobody'}")
            short = comment[:MOST_WORDS] if comment and comment.strip() else None
            given = Feedback(ticket.id, now, rating, helpful, article_id, short, by)
            if given.fault is not None:
                raise ConfigError(given.fault)
            asked = _asked(given)
            named = None if key is None else f"feedback:{ticket.id}:{key}"
            if named and keys.kept(connection, named, asked) is not None:
                return given
            feedback.save_feedback(connection, given)
            body = {"rating": rating, "helpful": helpful, "article": article_id, "bad": given.bad}
            events.record(
                connection, EventType.FEEDBACK_RECEIVED, now=now, ticket_id=ticket.id, body=body
            )
            audit.append(
                connection, self._audit_key, actor="customer",
                action=str(EventType.FEEDBACK_RECEIVED), subject=ticket.id, body=body, now=now,
            )  # fmt: skip
            if named:
                keys.keep(connection, named, asked, {"ticket": ticket.id}, now)
        return given


def _asked(given: Feedback) -> str:
    said = (given.rating, given.helpful, given.article_id, given.comment)
    return hashlib.sha256(repr(said).encode("utf-8", "replace")).hexdigest()
