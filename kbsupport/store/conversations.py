"""Conversations and their messages, numbered from 1 without a gap whoever writes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import bindparam, func, insert, or_, select, update

from kbsupport.errors import Conflict, NotAllowed, NotFound
from kbsupport.model import Attachment, Author, Delivery, Identity, Message, storable
from kbsupport.store.dialects import Upsert
from kbsupport.store.tables import ConversationRow, MessageRow, TicketRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

CONVERSATION: Any = ConversationRow.__table__  # type: ignore[attr-defined]
MESSAGE: Any = MessageRow.__table__  # type: ignore[attr-defined]
TICKET: Any = TicketRow.__table__  # type: ignore[attr-defined]

_FETCHED = frozenset({"api", "chat"})


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread: whose it is, on which channel, and the number of its last message."""

    id: str
    channel: str
    customer_id: str | None
    identity: Identity
    seq: int

    @property
    def fetched(self) -> bool:
        """True where a customer fetches what is new; elsewhere it is sent to them."""
        return self.channel in _FETCHED


def _beginning(insert: Any) -> Any:
    new = insert(CONVERSATION)
    given = new.excluded
    theirs = CONVERSATION.c.customer_id
    return new.on_conflict_do_update(
        index_elements=[CONVERSATION.c.id],
        set_={"customer_id": given.customer_id, "identity": given.identity},
        where=or_(theirs.is_(None), theirs == given.customer_id),
    ).returning(CONVERSATION.c.id)


# Built once: putting a statement together takes longer than running it.
_ONE = CONVERSATION.c.id == bindparam("which")
_BEGIN = Upsert(_beginning)
# The ticket of a conversation that nobody named has begun becomes the customer's with it.
_TAKE_OVER = (
    update(TICKET)
    .where(TICKET.c.conversation_id == bindparam("which"), TICKET.c.customer_id.is_(None))
    .values(customer_id=bindparam("whose"))
)
_LAST = select(CONVERSATION.c.seq).where(_ONE)
_COUNT = (
    update(CONVERSATION)
    .where(_ONE)
    .values(seq=CONVERSATION.c.seq + 1)
    .returning(CONVERSATION.c.seq)
)
_ADD = insert(MESSAGE).returning(MESSAGE)
_WITH_KEY = select(MESSAGE).where(MESSAGE.c.key == bindparam("key"))
_UNDECIDED = (
    MESSAGE.c.conversation_id == bindparam("which"),
    MESSAGE.c.author == str(Author.CUSTOMER),
    MESSAGE.c.decision_id.is_(None),
)
_ANSWERED = (
    select(MESSAGE.c.id)
    .where(
        MESSAGE.c.conversation_id == bindparam("which"), MESSAGE.c.author == str(Author.SPECIALIST)
    )
    .limit(1)
)


def begin(
    connection: Connection,
    conversation_id: str | None,
    *,
    channel: str,
    customer_id: str | None,
    identity: Identity,
    now: datetime,
) -> str:
    """The id of a conversation that this customer may go on with, made if it was not there.

    One that nobody named has begun becomes the customer's; a named one is closed to everybody
    else. Its `identity` is what the channel knew last.
    """
    name = storable(conversation_id or f"v-{uuid4().hex}")
    row = {
        "id": name, "channel": channel, "customer_id": customer_id, "identity": str(identity),
        "created_at": now, "seq": 0,
    }  # fmt: skip
    found = connection.execute(_BEGIN.on(connection), row).scalar()
    if found is None:
        raise NotAllowed(
            f"conversation {name!r} belongs to another customer; begin a new one without its id"
        )
    if conversation_id is not None and customer_id is not None:
        connection.execute(_TAKE_OVER, {"which": name, "whose": customer_id})
    return str(found)


def last_seq(connection: Connection, conversation_id: str) -> int:
    """The number of the last message; 0 if there is none."""
    return int(connection.execute(_LAST, {"which": conversation_id}).scalar() or 0)


def add_message(
    connection: Connection,
    conversation_id: str,
    *,
    author: Author,
    text: str,
    now: datetime,
    by: str | None = None,
    decision_id: str | None = None,
    key: str | None = None,
    delivery: Delivery = Delivery.NONE,
    attachments: Sequence[Attachment] = (),
) -> Message:
    """Store one more turn; a key that came before is a Conflict, and takes no number."""
    if key is not None and message_with_key(connection, key) is not None:
        raise Conflict(f"the message with the key {key!r} is stored already; do not send it again")
    seq = connection.execute(_COUNT, {"which": conversation_id}).scalar()
    if seq is None:
        raise NotFound(f"no conversation {conversation_id!r}; see: kbsupport ticket list")
    row = {
        "conversation_id": conversation_id, "seq": seq, "author": str(author), "by": by,
        "text": storable(text), "created_at": now, "decision_id": decision_id, "key": key,
        "delivery": str(delivery), "attempts": 0, "attachments": [asdict(a) for a in attachments],
    }  # fmt: skip
    made = connection.execute(_ADD, row).one()
    return _message(made)


def messages(connection: Connection, conversation_id: str) -> list[Message]:
    """All that was said, in order."""
    query = select(MESSAGE).where(MESSAGE.c.conversation_id == conversation_id)
    return [_message(row) for row in connection.execute(query.order_by(MESSAGE.c.seq))]


def a_person_answered(connection: Connection, conversation_id: str) -> bool:
    """True if a specialist has written to the customer."""
    return connection.execute(_ANSWERED, {"which": conversation_id}).scalar() is not None


def message_with_key(connection: Connection, key: str) -> Message | None:
    """The message that its sender gave this key."""
    row = connection.execute(_WITH_KEY, {"key": key}).one_or_none()
    return None if row is None else _message(row)


def undecided(connection: Connection, conversation_id: str) -> list[Message]:
    """The customer's messages that nothing was decided for yet, in order."""
    query = select(MESSAGE).where(*_UNDECIDED).order_by(MESSAGE.c.seq)
    return [_message(row) for row in connection.execute(query, {"which": conversation_id})]


def note_decided(connection: Connection, conversation_id: str, decision_id: str) -> int:
    """Write down which decision the undecided messages came to; how many there were."""
    query = update(MESSAGE).where(*_UNDECIDED).values(decision_id=decision_id)
    return connection.execute(query, {"which": conversation_id}).rowcount


def find(connection: Connection, conversation_id: str) -> Conversation | None:
    """Whose conversation it is, and on which channel."""
    row = connection.execute(select(CONVERSATION).where(_ONE), {"which": conversation_id}).first()
    if row is None:
        return None
    return Conversation(row.id, row.channel, row.customer_id, Identity(row.identity), row.seq)


def pending(connection: Connection, now: datetime, limit: int = 100) -> list[Message]:
    """What has to go out by now, the oldest first."""
    due = or_(MESSAGE.c.next_attempt_at.is_(None), MESSAGE.c.next_attempt_at <= now)
    query = select(MESSAGE).where(MESSAGE.c.delivery == str(Delivery.PENDING), due)
    rows = connection.execute(query.order_by(MESSAGE.c.id).limit(limit))
    return [_message(row) for row in rows]


def note_delivery(
    connection: Connection,
    message_id: int,
    delivery: Delivery,
    *,
    next_attempt_at: datetime | None = None,
) -> bool:
    """Count an attempt and what came of it; False if the message was not waiting to go out."""
    query = (
        update(MESSAGE)
        .where(MESSAGE.c.id == message_id, MESSAGE.c.delivery == str(Delivery.PENDING))
        .values(
            delivery=str(delivery),
            attempts=MESSAGE.c.attempts + 1,
            next_attempt_at=next_attempt_at,
        )
    )
    return bool(connection.execute(query).rowcount)


def attempts(connection: Connection, message_id: int) -> int:
    """How often it was tried to send a message."""
    query = select(func.coalesce(func.max(MESSAGE.c.attempts), 0)).where(MESSAGE.c.id == message_id)
    return int(connection.execute(query).scalar_one())


def _message(row: Any) -> Message:
    return Message(
        id=row.id,
        conversation_id=row.conversation_id,
        seq=row.seq,
        author=Author(row.author),
        text=row.text,
        created_at=row.created_at.replace(tzinfo=UTC),
        by=row.by,
        decision_id=row.decision_id,
        delivery=Delivery(row.delivery),
        attachments=tuple(Attachment(**one) for one in row.attachments),
    )


def messages_after(
    connection: Connection, conversation_id: str, seq: int, limit: int, *, notes: bool
) -> list[Message]:
    """What was said after a number, in order; colleagues' notes only where they are asked for."""
    query = (
        select(MESSAGE)
        .where(MESSAGE.c.conversation_id == conversation_id, MESSAGE.c.seq > seq)
        .order_by(MESSAGE.c.seq)
        .limit(limit)
    )
    if not notes:
        query = query.where(MESSAGE.c.author != str(Author.NOTE))
    return [_message(row) for row in connection.execute(query)]
