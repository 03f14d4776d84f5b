"""What live doors look up again and again: what happened since, and what was said after that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, func, select

from kbsupport.model import Author, Delivery, Event, EventType, Message, Outcome, State
from kbsupport.store.conversations import CONVERSATION, MESSAGE
from kbsupport.store.decisions import DECISION
from kbsupport.store.events import EVENT
from kbsupport.store.tickets import TICKET
from kbsupport.store.waiting import WAITING

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, and whose conversation it is about; both None where it is about no ticket."""

    event: Event
    conversation_id: str | None
    customer_id: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a conversation's ticket stands; `waits` while a message of it is not decided."""

    ticket_id: str
    state: State
    owner: str | None
    waits: bool


# Built once: putting a statement together takes longer than running it.
_NEWEST = select(func.coalesce(func.max(EVENT.c.id), 0))
_HAPPENED = (
    select(EVENT, TICKET.c.conversation_id, TICKET.c.customer_id)
    .outerjoin(TICKET, TICKET.c.id == EVENT.c.ticket_id)
    .where(EVENT.c.id > bindparam("after"))
    .order_by(EVENT.c.id)
    .limit(bindparam("most"))
)
_SAID = (
    select(MESSAGE)
    .where(
        MESSAGE.c.conversation_id == bindparam("which"),
        MESSAGE.c.seq > bindparam("after"),
        MESSAGE.c.author != str(Author.NOTE),
    )
    .order_by(MESSAGE.c.seq)
    .limit(bindparam("most"))
)
_STANDING = select(
    TICKET.c.id,
    TICKET.c.state,
    TICKET.c.owner,
    exists().where(WAITING.c.conversation_id == TICKET.c.conversation_id).label("waits"),
).where(TICKET.c.conversation_id == bindparam("which"))


def newest_event(connection: Connection) -> int:
    """The number of the last event; 0 before the first."""
    return int(connection.execute(_NEWEST).scalar_one())


def happened(connection: Connection, after: int, most: int) -> list[Happened]:
    """What happened after an event, in order, each with whose conversation it is about."""
    rows = connection.execute(_HAPPENED, {"after": after, "most": most})
    return [Happened(_event(row), row.conversation_id, row.customer_id) for row in rows]


def said_after(
    connection: Connection, conversation_id: str, after: int, most: int
) -> list[Message]:
    """What customers may read of a conversation after a number, in order: no note of staff."""
    asked = {"which": conversation_id, "after": after, "most": most}
    return [_message(row) for row in connection.execute(_SAID, asked)]


def standing_of(connection: Connection, conversation_id: str) -> Standing | None:
    """Where its ticket stands; None before its first message."""
    row = connection.execute(_STANDING, {"which": conversation_id}).one_or_none()
    if row is None:
        return None
    return Standing(f"T-{row.id}", State(row.state), row.owner, bool(row.waits))


def citations_of(
    connection: Connection, decisions: Sequence[str]
) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """What each of these decisions quoted, if it answered."""
    if not decisions:
        return {}
    query = select(DECISION.c.id, DECISION.c.body["answer"]).where(
        DECISION.c.id.in_(decisions), DECISION.c.outcome == str(Outcome.RESOLVE)
    )
    found = connection.execute(query).all()
    return {name: answer["citations"] for name, answer in found if answer}


def _event(row: Any) -> Event:
    ticket = None if row.ticket_id is None else f"T-{row.ticket_id}"
    at = row.at.replace(tzinfo=UTC)
    return Event(row.id, EventType(row.type), at, ticket, row.cause, row.body)


def _message(row: Any) -> Message:
    # Without its files: they are for people alone.
    return Message(
        row.id, row.conversation_id, row.seq, Author(row.author), row.text,
        row.created_at.replace(tzinfo=UTC), row.by, row.decision_id, Delivery(row.delivery),
    )  # fmt: skip


def taken_over(connection: Connection, names: Sequence[str]) -> set[str]:
    """Those of these conversations that are a customer's."""
    theirs = select(CONVERSATION.c.id).where(CONVERSATION.c.customer_id.is_not(None))
    return {row.id for row in connection.execute(theirs.where(CONVERSATION.c.id.in_(names)))}
