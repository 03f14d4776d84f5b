"""Which events tell whom what: staff hear of what waits for them, and never a customer's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from kbsupport.model import Escalation, Event, EventType, Level, Notice, State

# Whom it is for, and what they read; None where nobody needs to know.
_Told = tuple[str | None, str] | None


def notice_for(event: Event, escalation: Escalation | None, lead: str) -> Notice | None:
    """What staff are told of an event, as their ticket stands now; None if nobody has to act.

    `escalation` is the ticket's newest one, and `lead` who is told where nobody else is named.
    Of several who are told at once, the ids stand with commas between them.
    """
    rule = _RULES.get(event.type)
    told = rule(event, escalation, lead) if rule else None
    if told is None or told[0] is None or event.ticket_id is None:
        return None
    return Notice(told[0], event.ticket_id, told[1], event.id)


def _escalated(event: Event, escalation: Escalation | None, _lead: str) -> _Told:
    # Claimed meanwhile, or meant for whoever is free: `desk list` says so.
    if escalation is None or escalation.state is not State.QUEUED:
        return None
    by = _at(escalation.first_due)
    claim = f"kbsupport desk claim {escalation.id}"
    who = _named(event) or escalation.wanted
    return who, f"{_what(event, escalation)} waits for you, answer by {by}: {claim}"


def _overdue(event: Event, escalation: Escalation | None, lead: str) -> _Told:
    if escalation is None or not escalation.state.with_a_person:
        return None
    last = escalation.level is Level.LEAD
    who = _named(event) or (None if last else escalation.owner or escalation.wanted) or lead
    has = f"{escalation.owner} has it" if escalation.owner else "nobody has claimed it"
    due = _at(escalation.first_due if escalation.answered_at is None else escalation.due)
    see = f"kbsupport desk brief {escalation.id}"
    return who, f"{_what(event, escalation)} was due by {due} and {has}: {see}"


def _asked(event: Event, escalation: Escalation | None, lead: str) -> _Told:
    if escalation is None or escalation.state is not State.WAITING_FOR_APPROVAL:
        return None
    see = f"kbsupport desk brief {escalation.id}"
    told = f"an answer to {_what(event, escalation)} waits for your approval: {see}"
    return _named(event) or lead, told


def _refused(event: Event, escalation: Escalation | None, _lead: str) -> _Told:
    if escalation is None or escalation.state is not State.ASSIGNED:
        return None
    see = f"kbsupport desk brief {escalation.id}"
    told = f"your answer to {_what(event, escalation)} was refused, write another: {see}"
    return _named(event) or escalation.owner, told


def _handed_back(event: Event, escalation: Escalation | None, lead: str) -> _Told:
    by = event.body.get("by") or (escalation.owner if escalation else None) or "somebody"
    see = f"kbsupport ticket show {event.ticket_id}"
    return lead, f"{by} handed {event.ticket_id} back to the assistant: {see}"


def _failed(event: Event, escalation: Escalation | None, lead: str) -> _Told:
    del escalation
    see = f"kbsupport ticket show {event.ticket_id}"
    return lead, f"a message of {event.ticket_id} could not be sent; reach the customer: {see}"


_RULES: Mapping[EventType, Callable[[Event, Escalation | None, str], _Told]] = {
    EventType.TICKET_ESCALATED: _escalated,
    EventType.TICKET_OVERDUE: _overdue,
    EventType.APPROVAL_ASKED: _asked,
    EventType.APPROVAL_REFUSED: _refused,
    EventType.TICKET_HANDED_BACK: _handed_back,
    EventType.MESSAGE_FAILED: _failed,
}


def _what(event: Event, escalation: Escalation) -> str:
    about = ", ".join(filter(None, (escalation.tier, escalation.topic)))
    return f"{'urgent ' if escalation.urgent else ''}{event.ticket_id} ({about})"


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _named(event: Event) -> str | None:
    """Whom the event itself names: whoever recorded it knew whom it concerns."""
    given = event.body.get("to")
    names = [str(one) for one in given] if isinstance(given, list | tuple) else []
    return ", ".join(names) or None
