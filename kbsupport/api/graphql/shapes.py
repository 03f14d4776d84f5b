"""What can be read; names are those of REST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import strawberry

from kbsupport.api.graphql.weighing import USUAL
from kbsupport.api.paging import MOST
from kbsupport.api.problems import Problem
from kbsupport.model import Article, Caller, Ticket
from kbsupport.store import conversations

if TYPE_CHECKING:
    from kbsupport.api.house import House
    from kbsupport.desk.queueing import Listed

_MOST_SEQ = 2**31


@dataclass(frozen=True, slots=True)
class Here:
    """What a query is answered from, and for whom."""

    house: House
    caller: Caller


Asking = strawberry.Info[Here, None]


@strawberry.type(name="Message")
class MessageNode:
    """One message of a ticket."""

    seq: int
    author: str
    text: str
    created_at: str
    by: str | None = strawberry.field(description="Who of the staff wrote it; for staff.")


def _messages(
    root: strawberry.Parent[TicketNode], asking: Asking, first: int = USUAL, after: int = 0
) -> list[MessageNode]:
    here = asking.context
    count, seq = counted(first), min(max(after, 0), _MOST_SEQ)
    with here.house.app.database.read() as connection:
        rows = conversations.messages_after(
            connection, root.conversation_id, seq, count, notes=here.caller.staff
        )
    return [
        MessageNode(
            seq=one.seq, author=str(one.author), text=one.text,
            created_at=one.created_at.isoformat(), by=one.by if here.caller.staff else None,
        )
        for one in rows
    ]  # fmt: skip


@strawberry.type(name="Ticket")
class TicketNode:
    """A ticket; what is for staff is null to a customer."""

    id: str
    conversation_id: str
    state: str
    created_at: str
    closed_at: str | None
    question: str
    language: str | None
    customer_id: str | None
    tier: str | None
    topic: str | None
    reason: str | None
    owner: str | None
    decision_id: str | None
    messages: list[MessageNode] = strawberry.field(
        resolver=_messages, description="What was said, the oldest first."
    )


@strawberry.type(name="Tickets")
class TicketsNode:
    """A page of tickets."""

    items: list[TicketNode]
    next_cursor: str | None


@strawberry.type(name="Escalation")
class EscalationNode:
    """What waits for a person, or is with one."""

    id: str
    ticket_id: str
    state: str
    position: int | None
    priority: float
    topic: str | None
    tier: str
    level: str
    due: str
    owner: str | None
    ticket: TicketNode


@strawberry.type(name="Escalations")
class EscalationsNode:
    """A page of escalations."""

    items: list[EscalationNode]
    next_cursor: str | None


@strawberry.type(name="Article")
class ArticleNode:
    """A help article."""

    id: str
    title: str
    topic: str | None
    tags: list[str]
    language: str | None
    product: str | None
    url: str | None
    updated: str | None
    text: str


@strawberry.type(name="Articles")
class ArticlesNode:
    """A page of articles."""

    items: list[ArticleNode]
    next_cursor: str | None


def counted(first: int) -> int:
    """How many rows are wanted."""
    if not 1 <= first <= MOST:
        raise Problem(422, f"first is a number from 1 to {MOST}")
    return first


def ticket_node(caller: Caller, ticket: Ticket) -> TicketNode:
    """A ticket as this caller may read it."""
    inside: dict[str, Any] = {
        "customer_id": ticket.customer_id, "tier": ticket.tier, "topic": ticket.topic,
        "reason": ticket.reason, "owner": ticket.owner, "decision_id": ticket.decision_id,
    }  # fmt: skip
    return TicketNode(
        id=ticket.id, conversation_id=ticket.conversation_id, state=str(ticket.state),
        created_at=ticket.created_at.isoformat(),
        closed_at=ticket.closed_at.isoformat() if ticket.closed_at else None,
        question=ticket.question, language=ticket.language,
        **(inside if caller.staff else dict.fromkeys(inside)),
    )  # fmt: skip


def escalation_node(caller: Caller, listed: Listed) -> EscalationNode:
    """An escalation with its ticket."""
    one = listed.escalation
    return EscalationNode(
        id=one.id, ticket_id=one.ticket_id, state=str(one.state), position=listed.position,
        priority=one.priority, topic=one.topic, tier=one.tier, level=str(one.level),
        due=one.due.isoformat(), owner=one.owner, ticket=ticket_node(caller, listed.ticket),
    )  # fmt: skip


def article_node(article: Article) -> ArticleNode:
    """An article as it is indexed."""
    return ArticleNode(
        id=article.id, title=article.title, topic=article.topic, tags=list(article.tags),
        language=article.language, product=article.product, url=article.url,
        updated=article.updated, text=article.text,
    )  # fmt: skip
