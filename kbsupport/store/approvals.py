"""Approvals: answers that wait for somebody else's yes, decided once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from kbsupport.errors import Conflict, NotAllowed, NotFound
from kbsupport.model import Approval, storable
from kbsupport.store.tables import ApprovalRow
from kbsupport.store.tickets import aware, number_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

APPROVAL: Any = ApprovalRow.__table__  # type: ignore[attr-defined]

_LETTER = "A"
_WAITING, _APPROVED, _REJECTED = "waiting", "approved", "rejected"


def ask_approval(
    connection: Connection,
    *,
    escalation_id: str,
    ticket_id: str,
    why: str,
    text: str,
    asked_by: str,
    now: datetime,
) -> Approval:
    """Store an answer that the customer reads only after somebody else has agreed."""
    row = {
        "escalation_id": number_of(escalation_id, "E"), "ticket_id": number_of(ticket_id),
        "why": why, "text": storable(text), "asked_by": asked_by, "asked_at": now,
        "state": _WAITING,
    }  # fmt: skip
    return _approval(connection.execute(insert(APPROVAL).returning(APPROVAL), row).one())


def find_approval(connection: Connection, approval_id: str) -> Approval | None:
    """An approval by its id."""
    query = select(APPROVAL).where(APPROVAL.c.id == number_of(approval_id, _LETTER))
    row = connection.execute(query).one_or_none()
    return None if row is None else _approval(row)


def approvals_of(connection: Connection, escalation_id: str) -> list[Approval]:
    """What was asked for an escalation, in order."""
    mine = APPROVAL.c.escalation_id == number_of(escalation_id, "E")
    query = select(APPROVAL).where(mine).order_by(APPROVAL.c.id)
    return [_approval(row) for row in connection.execute(query)]


def decide_approval(
    connection: Connection,
    approval_id: str,
    *,
    by: str,
    approved: bool,
    note: str | None,
    now: datetime,
    text: str | None = None,
) -> Approval:
    """The approval with its decision, and with the words of `text` where they were edited."""
    values = {
        "state": _APPROVED if approved else _REJECTED,
        "decided_by": by,
        "decided_at": now,
        "note": None if note is None else storable(note),
    }
    if text is not None:
        values["text"] = storable(text)
    mine = APPROVAL.c.id == number_of(approval_id, _LETTER)
    query = update(APPROVAL).where(mine, APPROVAL.c.state == _WAITING).values(values)
    if approved:
        # In the statement itself: no caller can forget that nobody approves their own answer.
        query = query.where(APPROVAL.c.asked_by != by)
    row = connection.execute(query.returning(APPROVAL)).one_or_none()
    if row is None:
        raise _why_not(find_approval(connection, approval_id), approval_id)
    return _approval(row)


def _why_not(found: Approval | None, approval_id: str) -> NotFound | Conflict | NotAllowed:
    if found is None:
        return NotFound(f"no approval {approval_id!r}; see: kbsupport desk list")
    if found.state == _WAITING:
        return NotAllowed(f"{found.id} is your own answer; somebody else has to approve it")
    see = f"see: kbsupport desk brief {found.escalation_id}"
    return Conflict(f"{found.id} was {found.state} by {found.decided_by} already; {see}")


def _approval(row: Any) -> Approval:
    return Approval(
        id=f"{_LETTER}-{row.id}",
        escalation_id=f"E-{row.escalation_id}",
        ticket_id=f"T-{row.ticket_id}",
        why=row.why,
        text=row.text,
        asked_by=row.asked_by,
        asked_at=row.asked_at.replace(tzinfo=UTC),
        state=row.state,
        decided_by=row.decided_by,
        decided_at=aware(row.decided_at),
        note=row.note,
    )


def page(
    connection: Connection, *, limit: int, before: int | None = None, state: str | None = None
) -> list[Approval]:
    """The newest approvals first, those before a number; of all, or those that stand so."""
    query = select(APPROVAL).order_by(APPROVAL.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(APPROVAL.c.id < before)
    if state is not None:
        query = query.where(APPROVAL.c.state == state)
    return [_approval(row) for row in connection.execute(query)]
