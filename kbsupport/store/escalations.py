"""Escalations: what people take over, claimed and changed by one guarded statement each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import DateTime, bindparam, exists, func, insert, select, update

from kbsupport.errors import Conflict, NotAllowed, NotFound
from kbsupport.model import Escalation, Level, State
from kbsupport.store.dialects import HoursBetween
from kbsupport.store.tables import EscalationRow
from kbsupport.store.tickets import TICKET, aware, number_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

ESCALATION: Any = EscalationRow.__table__  # type: ignore[attr-defined]

_LETTER = "E"
_TAKEN = (str(State.ASSIGNED), str(State.WAITING_FOR_APPROVAL))
_OPEN = (str(State.QUEUED), *_TAKEN)

_CURES: Mapping[State, str] = {
    State.QUEUED: "claim it first: kbsupport desk claim {id}",
    State.ASSIGNED: "{owner} has it; see: kbsupport desk list",
    State.WAITING_FOR_APPROVAL: "{owner} asked for it; see: kbsupport desk brief {id}",
}
_ENDED = "it is over; to go on with it: kbsupport ticket reopen {ticket_id}"


class Standing(NamedTuple):
    """One that waits: its first priority, what that came from, and the hours since."""

    priority: float
    urgent: bool
    tier: str
    hours: float


_GIVEN = (
    "state", "opened_at", "topic", "tier", "level", "language", "urgent", "priority",
    "why_priority", "first_due", "due", "next_action_at", "wanted", "step", "version",
)  # fmt: skip


def _opening() -> Any:
    given = [bindparam(name, type_=ESCALATION.c[name].type) for name in _GIVEN]
    taken = exists().where(ESCALATION.c.ticket_id == TICKET.c.id, ESCALATION.c.state.in_(_OPEN))
    # From the ticket's own row, so that a ticket that is not there or has one gives no row.
    once = select(TICKET.c.id, *given).where(TICKET.c.id == bindparam("which"), ~taken)
    return insert(ESCALATION).from_select(["ticket_id", *_GIVEN], once).returning(ESCALATION)


# Built once: putting a statement together takes longer than running it.
_OPEN_ONE = _opening()
_NEWEST = (
    select(ESCALATION)
    .where(ESCALATION.c.ticket_id == bindparam("which"))
    .order_by(ESCALATION.c.id.desc())
    .limit(1)
)
_IN_LINE = select(
    ESCALATION.c.priority,
    ESCALATION.c.urgent,
    ESCALATION.c.tier,
    HoursBetween(ESCALATION.c.opened_at, bindparam("now", type_=DateTime())),
).where(ESCALATION.c.state == str(State.QUEUED))
_LOADS = (
    select(ESCALATION.c.owner, func.count())
    .where(ESCALATION.c.state.in_(_TAKEN), ESCALATION.c.owner.is_not(None))
    .group_by(ESCALATION.c.owner)
)


def open_escalation(
    connection: Connection,
    ticket_id: str,
    *,
    topic: str | None,
    tier: str,
    level: Level,
    language: str | None,
    urgent: bool,
    priority: float,
    why_priority: str,
    first_due: datetime,
    due: datetime,
    next_action_at: datetime,
    now: datetime,
    wanted: str | None = None,
) -> Escalation:
    """Queue a ticket for people; one that people have already is a Conflict."""
    row = {
        "state": str(State.QUEUED), "opened_at": now, "topic": topic, "tier": tier,
        "level": str(level), "language": language, "urgent": urgent, "priority": priority,
        "why_priority": why_priority, "first_due": first_due, "due": due,
        "next_action_at": next_action_at, "wanted": wanted, "step": 0, "version": 1,
    }  # fmt: skip
    made = connection.execute(_OPEN_ONE, row | {"which": number_of(ticket_id)}).one_or_none()
    if made is None:
        found = open_of(connection, ticket_id)
        if found is None:
            raise NotFound(f"no ticket {ticket_id!r}; see: kbsupport ticket list")
        raise Conflict(f"{found.ticket_id} is with people already: kbsupport desk brief {found.id}")
    return _escalation(made)


def claim(connection: Connection, escalation_id: str, by: str, now: datetime) -> Escalation:
    """The escalation, if nobody was faster."""
    values = {"state": str(State.ASSIGNED), "owner": by, "claimed_at": now}
    query = _guarded(escalation_id, values, [State.QUEUED])
    row = connection.execute(query).one_or_none()
    if row is None:
        found = _found(connection, escalation_id)
        if found.owner == by and str(found.state) in _TAKEN:
            raise Conflict(f"{found.id} is yours already; see: kbsupport desk brief {found.id}")
        raise _misplaced(found)
    return _escalation(row)


def change(
    connection: Connection,
    escalation_id: str,
    values: Mapping[str, Any],
    *,
    states: Collection[State],
    expected: int | None = None,
    owner: str | None = None,
) -> Escalation:
    """The escalation with these values, if it stands where the caller believes it does.

    `owner` is who must have it, `expected` the version that whoever asks has seen.
    """
    query = _guarded(escalation_id, values, states)
    if expected is not None:
        query = query.where(ESCALATION.c.version == expected)
    if owner is not None:
        query = query.where(ESCALATION.c.owner == owner)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _why_not(_found(connection, escalation_id), states, owner)
    return _escalation(row)


def find_escalation(connection: Connection, escalation_id: str) -> Escalation | None:
    """An escalation by its id."""
    query = select(ESCALATION).where(ESCALATION.c.id == number_of(escalation_id, _LETTER))
    row = connection.execute(query).one_or_none()
    return None if row is None else _escalation(row)


def open_of(connection: Connection, ticket_id: str) -> Escalation | None:
    """The escalation by which people have this ticket now."""
    mine = ESCALATION.c.ticket_id == number_of(ticket_id)
    query = select(ESCALATION).where(mine, ESCALATION.c.state.in_(_OPEN)).limit(1)
    row = connection.execute(query.order_by(ESCALATION.c.id.desc())).one_or_none()
    return None if row is None else _escalation(row)


def newest_of(connection: Connection, ticket_id: str) -> Escalation | None:
    """The last escalation of this ticket, open or ended."""
    row = connection.execute(_NEWEST, {"which": number_of(ticket_id)}).one_or_none()
    return None if row is None else _escalation(row)


def standing_of(one: Escalation) -> Standing:
    """How one that was opened just now stands in line."""
    return Standing(one.priority, one.urgent, one.tier, 0.0)


def in_line(connection: Connection, now: datetime) -> list[Standing]:
    """What every waiting escalation's place is reckoned from; nothing else is read of them."""
    # As a database keeps it: UTC, without saying so.
    plain = now.astimezone(UTC).replace(tzinfo=None)
    return [Standing(*row) for row in connection.execute(_IN_LINE, {"now": plain})]


def waiting(connection: Connection, limit: int = 1000) -> list[Escalation]:
    """What nobody has claimed: the highest priority first, then the oldest."""
    query = select(ESCALATION).where(ESCALATION.c.state == str(State.QUEUED)).limit(limit)
    rows = connection.execute(query.order_by(ESCALATION.c.priority.desc(), ESCALATION.c.id))
    return [_escalation(row) for row in rows]


def at_work(connection: Connection, by: str | None = None) -> list[Escalation]:
    """What people have claimed and not finished, or what one of them has; the oldest first."""
    query = select(ESCALATION).where(ESCALATION.c.state.in_(_TAKEN)).order_by(ESCALATION.c.id)
    if by is not None:
        query = query.where(ESCALATION.c.owner == by)
    return [_escalation(row) for row in connection.execute(query)]


def loads(connection: Connection) -> dict[str, int]:
    """How much each person has at work; whoever has nothing is not named."""
    return {row[0]: row[1] for row in connection.execute(_LOADS)}


def overdue(connection: Connection, now: datetime, limit: int = 500) -> list[Escalation]:
    """What is open and should have been looked after by now, the longest overdue first."""
    late = ESCALATION.c.next_action_at <= now
    query = select(ESCALATION).where(ESCALATION.c.state.in_(_OPEN), late).limit(limit)
    rows = connection.execute(query.order_by(ESCALATION.c.next_action_at, ESCALATION.c.id))
    return [_escalation(row) for row in rows]


def _guarded(escalation_id: str, values: Mapping[str, Any], states: Collection[State]) -> Any:
    return (
        update(ESCALATION)
        .where(
            ESCALATION.c.id == number_of(escalation_id, _LETTER),
            ESCALATION.c.state.in_([str(state) for state in states]),
        )
        .values({**values, "version": ESCALATION.c.version + 1})
        .returning(ESCALATION)
    )


def _found(connection: Connection, escalation_id: str) -> Escalation:
    found = find_escalation(connection, escalation_id)
    if found is None:
        raise NotFound(f"no escalation {escalation_id!r}; see: kbsupport desk list")
    return found


def _why_not(
    found: Escalation, states: Collection[State], owner: str | None
) -> Conflict | NotAllowed:
    if found.state not in states:
        return _misplaced(found)
    if owner is not None and found.owner != owner:
        who = f"{found.owner}'s" if found.owner else "nobody's yet"
        return NotAllowed(f"{found.id} is {who}, not yours; see: kbsupport desk list")
    again = f"look at it again: kbsupport desk brief {found.id}"
    return Conflict(f"{found.id} was changed by somebody else meanwhile; {again}")


def _misplaced(found: Escalation) -> Conflict:
    cure = _CURES.get(found.state, _ENDED)
    told = cure.format(id=found.id, ticket_id=found.ticket_id, owner=found.owner or "somebody")
    return Conflict(f"{found.id} is {found.state.replace('_', ' ')}; {told}")


def _escalation(row: Any) -> Escalation:
    return Escalation(
        id=f"{_LETTER}-{row.id}",
        ticket_id=f"T-{row.ticket_id}",
        state=State(row.state),
        opened_at=row.opened_at.replace(tzinfo=UTC),
        topic=row.topic,
        tier=row.tier,
        level=Level(row.level),
        language=row.language,
        urgent=row.urgent,
        priority=row.priority,
        why_priority=row.why_priority,
        first_due=row.first_due.replace(tzinfo=UTC),
        due=row.due.replace(tzinfo=UTC),
        next_action_at=row.next_action_at.replace(tzinfo=UTC),
        owner=row.owner,
        wanted=row.wanted,
        step=row.step,
        claimed_at=aware(row.claimed_at),
        answered_at=aware(row.answered_at),
        draft=row.draft,
        version=row.version,
    )
