"""What the figures are made from: everything since a moment, in a dozen statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, or_, select

from kbsupport.model import Alarm, Author, Delivery, Escalation
from kbsupport.store import escalations, reviews
from kbsupport.store.gaps import ClosedGap, closed_gaps
from kbsupport.store.loop_tables import FeedbackRow, GapRow, OpinionRow, ReviewRow
from kbsupport.store.tables import (
    ApprovalRow,
    ArtefactRow,
    ConversationRow,
    DecisionRow,
    EscalationRow,
    MessageRow,
    SubscriberRow,
    TicketRow,
)
from kbsupport.store.tickets import aware

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MOST = 1_000_000
_AUDIT, _OPEN = "audit", "open"


def _table(row: Any) -> Any:
    return row.__table__


_DECISION, _TICKET, _MESSAGE = map(_table, (DecisionRow, TicketRow, MessageRow))
_CONVERSATION, _ESCALATION = _table(ConversationRow), _table(EscalationRow)
_FEEDBACK, _REVIEW, _OPINION = map(_table, (FeedbackRow, ReviewRow, OpinionRow))
_GAP, _APPROVAL = map(_table, (GapRow, ApprovalRow))
_SUBSCRIBER, _ARTEFACT = _table(SubscriberRow), _table(ArtefactRow)


@dataclass(frozen=True, slots=True)
class Asked:
    """One message of a customer and what was decided; `channel` and `topic` where they are kept."""

    decision_id: str
    at: datetime
    conversation_id: str | None
    customer_id: str | None
    tier: str
    channel: str | None
    topic: str | None
    outcome: str
    reason: str
    certified: bool
    certificate: str | None
    article_id: str | None
    intent: str | None
    sentiment: float
    error: str | None
    notices: tuple[str, ...]
    milliseconds: float | None


@dataclass(frozen=True, slots=True)
class Held:
    """A ticket: where it stands, and whose conversation it is."""

    id: int
    conversation_id: str
    began: datetime
    channel: str
    customer_id: str | None
    tier: str
    topic: str | None
    state: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A specialist wrote to a customer."""

    conversation_id: str
    at: datetime
    by: str | None
    delivery: str


@dataclass(frozen=True, slots=True)
class Handed:
    """A ticket that people got: when, by when they had to answer, and when they did."""

    ticket_id: int
    state: str
    owner: str | None
    opened_at: datetime
    claimed_at: datetime | None
    answered_at: datetime | None
    first_due: datetime
    due: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer said about a ticket, or about one article."""

    ticket_id: int
    at: datetime
    rating: int | None
    helpful: bool | None
    article_id: str | None


@dataclass(frozen=True, slots=True)
class Audited:
    """A random audit: was the answer right? None while nobody, or not everybody, has said so."""

    decision_id: str
    state: str
    drawn_with: float | None
    right: bool | None


@dataclass(frozen=True, slots=True)
class Decided:
    """Somebody's yes or no to a colleague's answer."""

    asked_by: str
    at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything since a moment; `proven` says by certificate which share may be wrong."""

    since: datetime
    now: datetime
    asked: tuple[Asked, ...] = ()
    tickets: tuple[Held, ...] = ()
    spoken: tuple[Spoken, ...] = ()
    handed: tuple[Handed, ...] = ()
    said: tuple[Said, ...] = ()
    audited: tuple[Audited, ...] = ()
    decided: tuple[Decided, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    gaps: tuple[ClosedGap, ...] = ()
    waiting: tuple[Escalation, ...] = ()
    at_work: tuple[Escalation, ...] = ()
    open_reviews: int = 0
    unheard: Mapping[str, str] = field(default_factory=dict)
    proven: Mapping[str, float] = field(default_factory=dict)


def read_facts(connection: Connection, since: datetime, now: datetime) -> Facts:
    """What happened from a moment on, for figures; no text of a customer is read."""
    since = since.astimezone(UTC)
    return Facts(
        since=since,
        now=now,
        asked=_asked(connection, since),
        tickets=_tickets(connection, since),
        spoken=_spoken(connection, since),
        handed=_handed(connection, since),
        said=_said(connection, since),
        audited=_audited(connection, since),
        decided=_decided(connection, since),
        alarms=_alarms(connection, since),
        gaps=tuple(closed_gaps(connection)),
        waiting=tuple(escalations.waiting(connection, _MOST)),
        at_work=tuple(escalations.at_work(connection)),
        open_reviews=_open_reviews(connection),
        unheard=_unheard(connection),
        proven=_proven(connection),
    )


def _asked(connection: Connection, since: datetime) -> tuple[Asked, ...]:
    body, question = _DECISION.c.body, _DECISION.c.question
    # A conversation's topic is its ticket's; the inputs of a decision are long to read.
    alone = _DECISION.c.conversation_id.is_(None)
    topic = case((alone, _DECISION.c.inputs[("case", "topic")].as_string()))
    columns = (
        _DECISION.c.id, _DECISION.c.created_at, body["conversation_id"].as_string(),
        body[("customer", "id")].as_string(), body[("customer", "tier")].as_string(),
        question["channel"].as_string(), topic,
        _DECISION.c.outcome, _DECISION.c.reason, body["certified"].as_boolean(),
        body["certificate"].as_string(), body["article_id"].as_string(),
        body[("signals", "intent")].as_string(), body[("signals", "sentiment")].as_float(),
        body["error"].as_string(), body["notices"], body[("timings_ms", "total")].as_float(),
    )  # fmt: skip
    # In the order of asking, whatever the order of writing was.
    query = select(*columns).where(_DECISION.c.created_at >= since).order_by(_DECISION.c.created_at)
    return tuple(_one_asked(row) for row in connection.execute(query))


def _one_asked(row: Any) -> Asked:
    return Asked(
        decision_id=row[0], at=_known(row[1]), conversation_id=row[2], customer_id=row[3],
        tier=row[4] or "", channel=row[5], topic=row[6], outcome=row[7], reason=row[8],
        certified=bool(row[9]), certificate=row[10], article_id=row[11], intent=row[12],
        sentiment=row[13] or 0.0, error=row[14], notices=tuple(row[15] or ()),
        milliseconds=row[16],
    )  # fmt: skip


def _tickets(connection: Connection, since: datetime) -> tuple[Held, ...]:
    query = (
        select(
            _TICKET.c.id, _TICKET.c.conversation_id, _CONVERSATION.c.created_at,
            _CONVERSATION.c.channel, _TICKET.c.customer_id, _TICKET.c.tier, _TICKET.c.topic,
            _TICKET.c.state,
        )
        .join(_CONVERSATION, _CONVERSATION.c.id == _TICKET.c.conversation_id)
        .where(_CONVERSATION.c.created_at >= since)
        .order_by(_TICKET.c.id)
    )  # fmt: skip
    rows = connection.execute(query)
    return tuple(Held(row[0], row[1], _known(row[2]), *row[3:]) for row in rows)


def _spoken(connection: Connection, since: datetime) -> tuple[Spoken, ...]:
    by_people = _MESSAGE.c.author == str(Author.SPECIALIST)
    failed = _MESSAGE.c.delivery == str(Delivery.FAILED)
    query = (
        select(
            _MESSAGE.c.conversation_id, _MESSAGE.c.created_at, _MESSAGE.c.by, _MESSAGE.c.delivery
        )
        .where(_MESSAGE.c.created_at >= since, or_(by_people, failed))
        .order_by(_MESSAGE.c.id)
    )
    return tuple(Spoken(row[0], _known(row[1]), *row[2:]) for row in connection.execute(query))


def _handed(connection: Connection, since: datetime) -> tuple[Handed, ...]:
    query = (
        select(
            _ESCALATION.c.ticket_id, _ESCALATION.c.state, _ESCALATION.c.owner,
            _ESCALATION.c.opened_at, _ESCALATION.c.claimed_at, _ESCALATION.c.answered_at,
            _ESCALATION.c.first_due, _ESCALATION.c.due,
        )
        .where(_ESCALATION.c.opened_at >= since)
        .order_by(_ESCALATION.c.id)
    )  # fmt: skip
    return tuple(
        Handed(
            row[0], row[1], row[2], _known(row[3]), aware(row[4]), aware(row[5]),
            _known(row[6]), _known(row[7]),
        )
        for row in connection.execute(query)
    )  # fmt: skip


def _said(connection: Connection, since: datetime) -> tuple[Said, ...]:
    query = (
        select(
            _FEEDBACK.c.ticket_id, _FEEDBACK.c.at, _FEEDBACK.c.rating, _FEEDBACK.c.helpful,
            _FEEDBACK.c.article_id,
        )
        .where(_FEEDBACK.c.at >= since)
        .order_by(_FEEDBACK.c.id)
    )  # fmt: skip
    return tuple(Said(row[0], _known(row[1]), *row[2:]) for row in connection.execute(query))


def _audited(connection: Connection, since: datetime) -> tuple[Audited, ...]:
    query = (
        select(
            _REVIEW.c.id, _REVIEW.c.decision_id, _REVIEW.c.state, _REVIEW.c.drawn_with,
            _OPINION.c.right,
        )
        .join(_OPINION, _OPINION.c.review_id == _REVIEW.c.id, isouter=True)
        .where(_REVIEW.c.kind == _AUDIT, _REVIEW.c.asked_at >= since)
        .order_by(_REVIEW.c.id, _OPINION.c.id)
    )  # fmt: skip
    said: dict[int, tuple[Any, set[bool]]] = {}
    for row in connection.execute(query):
        _, opinions = said.setdefault(row[0], (row, set()))
        if row[4] is not None:
            opinions.add(bool(row[4]))
    return tuple(
        # Where people disagree, nobody has said yet that it was right.
        Audited(row[1], row[2], row[3], opinions.pop() if len(opinions) == 1 else None)
        for row, opinions in said.values()
    )


def _decided(connection: Connection, since: datetime) -> tuple[Decided, ...]:
    query = select(_APPROVAL.c.asked_by, _APPROVAL.c.asked_at, _APPROVAL.c.state).where(
        _APPROVAL.c.asked_at >= since
    )
    return tuple(Decided(row[0], _known(row[1]), row[2]) for row in connection.execute(query))


def _alarms(connection: Connection, since: datetime) -> tuple[Alarm, ...]:
    every = reviews.alarms(connection)
    return tuple(one for one in every if one.ended_at is None or one.at >= since)


def _open_reviews(connection: Connection) -> int:
    query = select(func.count()).select_from(_REVIEW).where(_REVIEW.c.state == _OPEN)
    return int(connection.execute(query).scalar_one())


def _unheard(connection: Connection) -> dict[str, str]:
    failing = and_(_SUBSCRIBER.c.attempts > 0, _SUBSCRIBER.c.error.is_not(None))
    query = select(_SUBSCRIBER.c.name, _SUBSCRIBER.c.error).where(failing)
    return {row[0]: row[1] for row in connection.execute(query)}


def _proven(connection: Connection) -> dict[str, float]:
    query = select(_ARTEFACT.c.body).where(_ARTEFACT.c.kind == "certificate")
    return {
        # Its groups may have been proven differently; the loosest holds for all of them.
        body["id"]: max((float(one["risk"]) for one in body["tiers"].values()), default=1.0)
        for (body,) in connection.execute(query)
    }


def _known(moment: datetime) -> datetime:
    told = aware(moment)
    assert told is not None
    return told
