"""Tickets: one for each conversation, moved from state to state by one statement each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select, update

from kbsupport.errors import Conflict, NotFound
from kbsupport.model import MOVES, State, Ticket, storable
from kbsupport.store.dialects import Upsert
from kbsupport.store.tables import TicketRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

TICKET: Any = TicketRow.__table__  # type: ignore[attr-defined]

_LETTER = "T"
# What a database can look up; a longer number names nothing of ours.
_MOST_DIGITS = 18
_DONE = (State.CLOSED, State.ANSWERED)

_CURES: Mapping[State, str] = {
    State.NEW: "nothing was decided for it yet; try again in a moment",
    State.ANSWERED: "nobody has it; reopen it: kbsupport ticket reopen {id}",
    State.CLARIFYING: "it waits for the customer's answer",
    State.QUEUED: "it has to be claimed first; see: kbsupport desk list",
    State.ASSIGNED: "{owner} has it; see: kbsupport desk list",
    State.WAITING_FOR_APPROVAL: "its approval has to be decided first; see: kbsupport desk list",
    State.HANDED_BACK: "the assistant has it again; see: kbsupport ticket show {id}",
    State.CLOSED: "reopen it: kbsupport ticket reopen {id}",
}


class Keep(Enum):
    """Stands where a value is left as it is, since None is a value."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


# Built once: putting a statement together takes longer than running it.
_OPEN_ONE = Upsert(
    lambda insert: (
        insert(TICKET)
        .on_conflict_do_nothing(index_elements=[TICKET.c.conversation_id])
        .returning(TICKET)
    )
)
_OF = select(TICKET).where(TICKET.c.conversation_id == bindparam("which"))


def number_of(name: str, letter: str = _LETTER) -> int | None:
    """The row that "T-3", "t-3" or "3" names; None for what can be no id of ours."""
    number = name.upper().removeprefix(f"{letter}-")
    ours = number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS
    return int(number) if ours else None


def aware(moment: datetime | None) -> datetime | None:
    """A moment as it was before the database forgot that it is UTC."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def open_ticket(
    connection: Connection,
    *,
    conversation_id: str,
    state: State,
    customer_id: str | None,
    tier: str,
    question: str,
    reason: str,
    decision_id: str,
    brief: Mapping[str, Any],
    now: datetime,
    topic: str | None = None,
    language: str | None = None,
    owner: str | None = None,
    next_action_at: datetime | None = None,
) -> Ticket:
    """Store what a conversation is about; a conversation has one ticket."""
    if state is not State.NEW and state not in MOVES[State.NEW]:
        raise Conflict(f"no ticket begins as {_words(state)}; open it as new and move it")
    row = {
        "conversation_id": conversation_id, "state": str(state), "customer_id": customer_id,
        "tier": tier, "question": storable(question), "reason": reason,
        "decision_id": decision_id, "brief": dict(brief), "created_at": now, "topic": topic,
        "language": language, "owner": owner, "next_action_at": next_action_at, "version": 1,
    }  # fmt: skip
    made = connection.execute(_OPEN_ONE.on(connection), row).one_or_none()
    if made is None:
        raise Conflict(f"conversation {conversation_id!r} has a ticket already; move that one")
    return _ticket(made)


def move(
    connection: Connection,
    ticket_id: str,
    to: State,
    *,
    now: datetime,
    owner: str | Keep | None = KEEP,
    next_action_at: datetime | Keep | None = KEEP,
    decision_id: str | Keep = KEEP,
    reason: str | Keep = KEEP,
    brief: Mapping[str, Any] | Keep = KEEP,
    topic: str | Keep | None = KEEP,
    tier: str | Keep = KEEP,
    language: str | Keep | None = KEEP,
    question: str | Keep = KEEP,
    expected: int | None = None,
) -> Ticket:
    """The ticket in its new state; a Conflict, and nothing changed, where it may not go there.

    `expected` is the version that whoever asks has seen: a ticket changed since then stays.
    """
    given = {
        "owner": owner, "next_action_at": next_action_at, "decision_id": decision_id,
        "reason": reason, "brief": dict(brief) if isinstance(brief, Mapping) else brief,
        "topic": topic, "tier": tier, "language": language,
        "question": storable(question) if isinstance(question, str) else question,
    }  # fmt: skip
    values = {name: value for name, value in given.items() if value is not KEEP} | {
        "state": str(to),
        "version": TICKET.c.version + 1,
        "closed_at": now if to is State.CLOSED else None,
    }
    may = [TICKET.c.state.in_([str(state) for state, ways in MOVES.items() if to in ways])]
    if expected is not None:
        may.append(TICKET.c.version == expected)
    query = update(TICKET).where(TICKET.c.id == number_of(ticket_id), *may).values(values)
    row = connection.execute(query.returning(TICKET)).one_or_none()
    if row is None:
        raise _why_not(find_ticket(connection, ticket_id), ticket_id, to)
    return _ticket(row)


def find_ticket(connection: Connection, ticket_id: str) -> Ticket | None:
    """A ticket by its id."""
    return _one(connection, TICKET.c.id == number_of(ticket_id))


def ticket_of(connection: Connection, conversation_id: str) -> Ticket | None:
    """The ticket of a conversation."""
    row = connection.execute(_OF, {"which": conversation_id}).one_or_none()
    return None if row is None else _ticket(row)


def tickets(
    connection: Connection,
    states: Collection[State] | None = None,
    limit: int = 100,
    customer_id: str | None = None,
) -> list[Ticket]:
    """The tickets in these states, or in any, the oldest first."""
    query = select(TICKET).order_by(TICKET.c.id).limit(limit)
    if states is not None:
        query = query.where(TICKET.c.state.in_([str(state) for state in states]))
    if customer_id is not None:
        query = query.where(TICKET.c.customer_id == customer_id)
    return [_ticket(row) for row in connection.execute(query)]


def expect(connection: Connection, ticket_id: str, by: datetime | None) -> None:
    """Have something happen to a ticket by then, wherever it stands; None expects nothing."""
    query = update(TICKET).where(TICKET.c.id == number_of(ticket_id))
    connection.execute(query.values(next_action_at=by))


def past(
    connection: Connection, states: Collection[State], now: datetime, limit: int
) -> list[Ticket]:
    """The tickets in these states with which something should have happened by now."""
    query = select(TICKET).where(
        TICKET.c.state.in_([str(state) for state in states]), TICKET.c.next_action_at <= now
    )
    rows = connection.execute(query.order_by(TICKET.c.next_action_at).limit(limit))
    return [_ticket(row) for row in rows]


def without_next_action(connection: Connection) -> list[str]:
    """The open tickets that nobody has and nothing will happen with: there should be none."""
    query = select(TICKET.c.id).where(
        TICKET.c.state.not_in([str(state) for state in _DONE]),
        TICKET.c.owner.is_(None),
        TICKET.c.next_action_at.is_(None),
    )
    numbers = connection.execute(query.order_by(TICKET.c.id)).scalars()
    return [f"{_LETTER}-{number}" for number in numbers]


def _one(connection: Connection, which: Any) -> Ticket | None:
    row = connection.execute(select(TICKET).where(which)).one_or_none()
    return None if row is None else _ticket(row)


def _why_not(ticket: Ticket | None, ticket_id: str, to: State) -> NotFound | Conflict:
    if ticket is None:
        return NotFound(f"no ticket {ticket_id!r}; see: kbsupport ticket list")
    if to in MOVES[ticket.state]:
        seen = f"look at it again: kbsupport ticket show {ticket.id}"
        return Conflict(f"{ticket.id} was changed by somebody else meanwhile; {seen}")
    cure = _CURES[ticket.state].format(id=ticket.id, owner=ticket.owner or "somebody")
    return Conflict(
        f"{ticket.id} is {_words(ticket.state)}, so it cannot become {_words(to)}; {cure}"
    )


def _words(state: State) -> str:
    return state.replace("_", " ")


def _ticket(row: Any) -> Ticket:
    return Ticket(
        id=f"{_LETTER}-{row.id}",
        conversation_id=row.conversation_id,
        state=State(row.state),
        created_at=row.created_at.replace(tzinfo=UTC),
        customer_id=row.customer_id,
        tier=row.tier,
        question=row.question,
        reason=row.reason,
        decision_id=row.decision_id,
        brief=row.brief,
        version=row.version,
        topic=row.topic,
        language=row.language,
        owner=row.owner,
        next_action_at=aware(row.next_action_at),
        closed_at=aware(row.closed_at),
    )


def page(
    connection: Connection,
    *,
    limit: int,
    before: int | None = None,
    states: Collection[State] = (),
    customer_id: str | None = None,
    conversation_id: str | None = None,
    nobodys: bool = False,
) -> list[Ticket]:
    """The newest tickets first, those before a number; of all, or of whom or what is named.

    `nobodys` are the tickets of visitors: no customer's are among them.
    """
    query = select(TICKET).order_by(TICKET.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(TICKET.c.id < before)
    if states:
        query = query.where(TICKET.c.state.in_([str(state) for state in states]))
    if customer_id is not None:
        query = query.where(TICKET.c.customer_id == customer_id)
    if conversation_id is not None:
        query = query.where(TICKET.c.conversation_id == conversation_id)
    if nobodys:
        query = query.where(TICKET.c.customer_id.is_(None))
    return [_ticket(row) for row in connection.execute(query)]
