"""What people work on, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, StrictBool

from kbsupport.api.shapes.base import Body, Page, Said, Shown
from kbsupport.api.shapes.tickets import MessageOut
from kbsupport.model import Level, State


class DraftIn(Body):
    """A reply that is not ready."""

    text: Said = Field(examples=["We are looking at it."])


class AnswerIn(Body):
    """A reply to the customer."""

    text: Said = Field(examples=["The address is corrected; the new invoice is on its way."])
    anyway: StrictBool = Field(default=False, description="Send it though the check says not to.")


class HandBackIn(Body):
    """A word to colleagues."""

    note: Said | None = Field(default=None, examples=["it is in the article"])


class ApproveIn(Body):
    """An agreement; with a text, that is sent instead."""

    text: Said | None = None
    note: Said | None = Field(default=None, examples=["no sum before it was checked"])
    anyway: StrictBool = Field(default=False, description="As with an answer.")


class RejectIn(Body):
    """A refusal."""

    note: Said = Field(description="Why not.", examples=["past the 30 days"])


class EscalationOut(Shown):
    """A ticket that was handed over."""

    id: str = Field(examples=["E-1"])
    ticket_id: str
    state: State
    opened_at: datetime
    topic: str | None
    tier: str
    level: Level
    language: str | None
    urgent: bool
    priority: float
    why_priority: str
    first_due: datetime
    due: datetime
    next_action_at: datetime
    owner: str | None
    wanted: str | None
    step: int
    claimed_at: datetime | None
    answered_at: datetime | None
    draft: str | None
    version: int


class ListedOut(EscalationOut):
    """One in the list: its place in the queue, if it waits, and what was asked."""

    position: int | None
    customer_id: str | None
    reason: str
    question: str


class EscalationPage(Page):
    """Some escalations, the most pressing first, then what people are at."""

    items: list[ListedOut]


class ApprovalOut(Shown):
    """An answer that somebody else must agree to."""

    id: str = Field(examples=["A-1"])
    escalation_id: str
    ticket_id: str
    why: str
    text: str
    asked_by: str
    asked_at: datetime
    state: Literal["waiting", "approved", "rejected"]
    decided_by: str | None
    decided_at: datetime | None
    note: str | None


class ApprovalPage(Page):
    """Some approvals, the newest first."""

    items: list[ApprovalOut]


class BriefOut(Shown):
    """All that a specialist reads first."""

    escalation: EscalationOut
    ticket_id: str
    question: str
    reason: str
    rule: str
    decision_id: str
    customer: dict[str, Any]
    tried: list[str]
    passages: list[dict[str, Any]]
    history: list[MessageOut]
    suggested: dict[str, Any] | None
    draft: str | None
    approvals: list[ApprovalOut]
    other_tickets: list[dict[str, Any]]
    elsewhere: list[dict[str, Any]]
    unasked: str | None


class AnsweredOut(Shown):
    """What came of an answer: the message's number, or the approval that it waits for."""

    escalation_id: str
    ticket_id: str
    state: State
    seq: int | None
    approval_id: str | None
    approver: str | None
    why: str | None
    checked: dict[str, Any]


class SpecialistOut(Shown):
    """Somebody on the rota, and how much they have at work."""

    id: str
    name: str
    level: Level
    topics: list[str]
    languages: list[str]
    approves: list[str]
    capacity: int
    load: int
    away: bool
    on_shift: bool
    lead: bool


class SpecialistPage(Page):
    """The rota, in its order."""

    items: list[SpecialistOut]
