"""Keep a help desk of another make in step: what happens here is told there, each thing once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from kbsupport.model import Author, Event, EventType, Message, Ref, State, Ticket, TicketView
from kbsupport.store import bells, conversations, keys, tickets

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.ports import Ticketing
    from kbsupport.store.database import Database

_SUBJECT = 80
_HEARD = frozenset(
    {EventType.TICKET_ESCALATED, EventType.TICKET_ANSWERED, EventType.TICKET_CLAIMED,
     EventType.TICKET_CLARIFYING, EventType.TICKET_HANDED_BACK, EventType.TICKET_REOPENED,
     EventType.TICKET_CLOSED, EventType.MESSAGE_RECEIVED}
)  # fmt: skip


class Mirror:
    """A subscriber: every ticket that people get is made there too, and followed to its end.

    One that came from there is told of on the very ticket it came from, from its first answer on.
    """

    def __init__(
        self, database: Database, ticketing: Ticketing, clock: Callable[[], datetime], ours: str
    ) -> None:
        self._database, self._ticketing, self._clock = database, ticketing, clock
        # Two installations may share a help desk, and each of them has a T-1.
        self._ours = ours

    def __call__(self, event: Event) -> None:
        """Tell the other system of one event; UpstreamError if it cannot be told now."""
        if event.type not in _HEARD or event.ticket_id is None:
            return
        with self._database.read() as connection:
            ticket = tickets.find_ticket(connection, event.ticket_id)
            ref = find_ref(connection, event.ticket_id)
            said = conversations.messages(connection, ticket.conversation_id) if ticket else []
            theirs = bells.said_there(connection, ref.system, said) if ref else frozenset()
        if ticket is None or (ref is None and event.type is not EventType.TICKET_ESCALATED):
            return  # what people never had is no business of theirs
        ref = ref or self._open(ticket)
        if event.type is EventType.TICKET_ESCALATED:
            told = f"Why a person: {ticket.reason}. {ticket.brief.get('rule', '')}"
            self._ticketing.note(ref, told, self._key(f"{ticket.id}/why"))
        self._say(ref, [one for one in said[1:] if one.id not in theirs])
        if ticket.state is State.NEW or event.body.get("by") == ref.system:
            return  # nothing was decided yet, or they did it themselves
        self._ticketing.set_status(ref, ticket.state, self._key(f"{ticket.id}/{event.id}/state"))

    def _open(self, ticket: Ticket) -> Ref:
        subject = " ".join(ticket.question.split())[:_SUBJECT] or ticket.id
        brief = ticket.brief.get("customer") or {}
        ref = self._ticketing.open(
            TicketView(
                subject=f"[{ticket.id}] {subject}",
                text=ticket.question or "(no text)",
                customer_id=ticket.customer_id,
                email=brief.get("email"),
                created_at=ticket.created_at,
            ),
            self._key(ticket.id),
        )
        with self._database.write() as connection:
            # Another process may have made it meanwhile: with this key it made the same one.
            if find_ref(connection, ticket.id) is None:
                body = {"system": ref.system, "id": ref.id}
                keys.keep(connection, _name(ticket.id), "mirror", body, self._clock())
        return ref

    def _say(self, ref: Ref, said: list[Message]) -> None:
        """The key lets each of them through once."""
        for message in said:
            key = self._key(f"message/{message.id}")
            if message.author in {Author.ASSISTANT, Author.SPECIALIST}:
                self._ticketing.reply(ref, message, key)
            elif message.author is Author.CUSTOMER:
                self._ticketing.note(ref, f"The customer wrote:\n\n{message.text}", key)
            else:
                self._ticketing.note(ref, message.text, key)

    def _key(self, what: str) -> str:
        return f"{self._ours}/{what}"


def find_ref(connection: Connection, ticket_id: str) -> Ref | None:
    """Where a ticket is in the other system; None while it is not there."""
    known = keys.kept(connection, _name(ticket_id), "mirror")
    ticket = tickets.find_ticket(connection, ticket_id) if known is None else None
    if ticket is not None:
        known = keys.kept(connection, _name(ticket.conversation_id), "mirror")
    return None if known is None else Ref(known["system"], known["id"])


def keep_ref(connection: Connection, conversation_id: str, ref: Ref, now: datetime) -> None:
    """Note that a conversation came from the other system: its answers are told there."""
    if keys.kept(connection, _name(conversation_id), "mirror") is None:
        # Whoever erases a customer looks for their conversations by name.
        body = {"system": ref.system, "id": ref.id, "conversation": conversation_id}
        keys.keep(connection, _name(conversation_id), "mirror", body, now)


def _name(of: str) -> str:
    return f"mirror:{of}"
