"""Take a message in: stored for good before it is acknowledged, decided afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kbsupport.errors import Conflict
from kbsupport.model import (
    Attachment,
    Author,
    EventType,
    Identity,
    Message,
    State,
    Ticket,
    Upload,
    message_key,
    storable,
)
from kbsupport.store import conversations, events, requests, tickets, waiting
from kbsupport.store.together import Together

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.store.database import Database

# A message that nobody decided for so long is put before people by the sweep.
_PATIENCE = timedelta(minutes=30)
_NEW = "new"
_CREATED = 201


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it arrives; `join_seconds` is how long it waits for another to belong to it."""

    text: str
    conversation_id: str | None = None
    customer_id: str | None = None
    identity: Identity = Identity.ANONYMOUS
    channel: str = "api"
    key: str | None = None
    uploads: Sequence[Upload] = ()
    language: str | None = None
    product: str | None = None
    join_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Received:
    """The message as it is stored, and its ticket; not `new` if it had come before."""

    ticket: Ticket
    message: Message
    new: bool


@dataclass(frozen=True, slots=True)
class Once:
    """A request that is done once: its name, what it asks, and how it is answered."""

    name: str
    asked: str
    answer: Callable[[Received], str]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request is answered with; not `new` if it was answered so before."""

    text: str
    new: bool


class Intake:
    """The one place where a message is stored before anything is thought of it."""

    def __init__(
        self,
        database: Database,
        attach: Callable[[Sequence[Upload]], tuple[Attachment, ...]],
        default_tier: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._together, self._attach = Together(database), attach
        self._default_tier, self._clock = default_tier, clock

    def receive(self, given: Incoming) -> Received:
        """Store the message with its ticket, in one transaction; with its key, once."""
        return self._together.write(self._storing(given))

    def answer(self, given: Incoming, once: Once) -> Answered:
        """The same, and keep with it what the request is answered with, whenever it comes again."""
        store = self._storing(given)

        def answered(connection: Connection) -> Answered:
            before = requests.answered(connection, once.name, once.asked)
            if before is not None:
                return Answered(before, new=False)
            received = store(connection)
            text = once.answer(received)
            requests.keep(
                connection, once.name, once.asked, given.customer_id, self._clock(),
                status=_CREATED, body=text,
            )  # fmt: skip
            return Answered(text, received.new)

        return self._together.write(answered)

    def _storing(self, given: Incoming) -> Callable[[Connection], Received]:
        text = storable(given.text).replace("\0", " ")
        files = self._attach(given.uploads) if given.uploads else ()
        sender = given.customer_id or given.conversation_id
        key = message_key(given.channel, sender, given.key)

        def store(connection: Connection) -> Received:
            before = _before(connection, key, (given.conversation_id, text, files))
            return before or self._receive(connection, given, text, key, files)

        return store

    def _receive(
        self,
        connection: Connection,
        given: Incoming,
        text: str,
        key: str | None,
        files: tuple[Attachment, ...],
    ) -> Received:
        now = self._clock()
        conversation = conversations.begin(
            connection, given.conversation_id, channel=given.channel,
            customer_id=given.customer_id, identity=given.identity, now=now,
        )  # fmt: skip
        message = conversations.add_message(
            connection, conversation, author=Author.CUSTOMER, text=text, now=now,
            by=given.customer_id, key=key, attachments=files,
        )  # fmt: skip
        ticket = tickets.ticket_of(connection, conversation) if message.seq > 1 else None
        created = ticket is None
        if ticket is None:
            ticket = self._open(connection, given, conversation, text, now)
        elif not ticket.state.with_a_person:
            by = now + _PATIENCE
            tickets.expect(connection, ticket.id, min(by, ticket.next_action_at or by))
        cause = events.record(
            connection, EventType.MESSAGE_RECEIVED, now=now, ticket_id=ticket.id,
            body={"message": message.id, "seq": message.seq},
        )  # fmt: skip
        if created:
            cause = events.record(
                connection, EventType.TICKET_CREATED, now=now, ticket_id=ticket.id, cause=cause
            )
        waiting.add(
            connection, conversation, now=now, cause=cause,
            ready_at=now + timedelta(seconds=given.join_seconds), given=_asked(given),
        )  # fmt: skip
        return Received(ticket, message, new=True)

    def _open(
        self,
        connection: Connection,
        given: Incoming,
        conversation: str,
        text: str,
        now: datetime,
    ) -> Ticket:
        return tickets.open_ticket(
            connection, conversation_id=conversation, state=State.NEW,
            customer_id=given.customer_id, tier=self._default_tier, question=text, reason=_NEW,
            decision_id="", brief={}, now=now, language=given.language,
            next_action_at=now + _PATIENCE,
        )  # fmt: skip


def _before(
    connection: Connection,
    key: str | None,
    given: tuple[str | None, str, tuple[Attachment, ...]],
) -> Received | None:
    """What came with this key before, if it was this very message."""
    message = conversations.message_with_key(connection, key) if key is not None else None
    if message is None:
        return None
    conversation, text, files = given
    ticket = tickets.ticket_of(connection, message.conversation_id)
    # Without a conversation it began one.
    there = message.conversation_id == conversation if conversation else message.seq == 1
    alike = message.text == text and _hashes(message.attachments) == _hashes(files)
    if ticket is None or not there or not alike:
        raise Conflict(f"the key {key!r} was used for another message; give each its own")
    return Received(ticket, message, new=False)


def _hashes(files: Sequence[Attachment]) -> list[str]:
    return [one.sha256 for one in files]


def _asked(given: Incoming) -> dict[str, Any]:
    return {"language": given.language, "product": given.product}
