"""What came before in the same conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kbsupport.model import Outcome, State, Ticket
from kbsupport.store import conversations, decisions, tickets

if TYPE_CHECKING:
    from sqlalchemy import Connection

_TURNS = 50
_REMEMBERED = 5


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation up to its message `seq`, with the ticket it has."""

    seq: int = 0
    ticket: Ticket | None = None
    turns: tuple[decisions.Earlier, ...] = ()
    a_person_answered: bool = False

    @property
    def said(self) -> tuple[str, ...]:
        """The customer's last messages."""
        return tuple(turn.text for turn in self.turns[-_REMEMBERED:])

    @property
    def asked_back(self) -> bool:
        """True if something was asked back before."""
        return any(turn.outcome == Outcome.CLARIFY for turn in self.turns)

    @property
    def answered(self) -> bool:
        """True if an answer was given before, by the assistant or a person."""
        closed = self.ticket is not None and self.ticket.state is State.CLOSED
        if closed or self.a_person_answered:
            return True
        return any(turn.outcome == Outcome.RESOLVE for turn in self.turns)

    @property
    def with_a_person(self) -> bool:
        """True while people have it."""
        return self.ticket is not None and self.ticket.state.with_a_person


def read_thread(connection: Connection, conversation_id: str | None) -> Thread:
    """What is stored of a conversation; nothing of one that is new."""
    if conversation_id is None:
        return Thread()
    ticket = tickets.ticket_of(connection, conversation_id)
    return Thread(
        conversations.last_seq(connection, conversation_id),
        ticket,
        decisions.earlier(connection, conversation_id, _TURNS),
        ticket is not None and conversations.a_person_answered(connection, conversation_id),
    )
