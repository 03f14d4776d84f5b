"""What happened, for somebody who may see only some of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from kbsupport.model import Event, EventType
from kbsupport.store.events import EVENT
from kbsupport.store.tickets import TICKET, number_of

if TYPE_CHECKING:
    from sqlalchemy import Connection


def happened_to(
    connection: Connection,
    after: int,
    most: int,
    *,
    customer_id: str | None = None,
    conversation_id: str | None = None,
    ticket_id: str | None = None,
    types: Collection[EventType] = (),
) -> list[Event]:
    """What happened after an event, in order: of one customer, conversation or ticket, or all.

    Whoever names a conversation but no customer sees it only while it is nobody's.
    """
    query = select(EVENT).where(EVENT.c.id > after).order_by(EVENT.c.id).limit(most)
    if customer_id is not None or conversation_id is not None:
        query = query.join(TICKET, TICKET.c.id == EVENT.c.ticket_id)
        whose = TICKET.c.customer_id
        query = query.where(whose == customer_id if customer_id is not None else whose.is_(None))
    if conversation_id is not None:
        query = query.where(TICKET.c.conversation_id == conversation_id)
    if ticket_id is not None:
        query = query.where(EVENT.c.ticket_id == number_of(ticket_id))
    if types:
        query = query.where(EVENT.c.type.in_([str(one) for one in types]))
    return [_event(row) for row in connection.execute(query)]


def _event(row: Any) -> Event:
    ticket = None if row.ticket_id is None else f"T-{row.ticket_id}"
    at = row.at.replace(tzinfo=UTC)
    return Event(row.id, EventType(row.type), at, ticket, row.cause, row.body)
