"""What an assistant may do here: each tool calls one method of the app."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from mcp.types import ToolAnnotations
from pydantic import Field

from kbsupport.access.seeing import own_ticket
from kbsupport.mcp.calling import Need
from kbsupport.mcp.reading import Shelf, uri_of
from kbsupport.mcp.shapes import (
    Cited,
    Decided,
    Drafted,
    Hit,
    Hits,
    Internal,
    Piece,
    Queue,
    Said,
    TicketShown,
    Waiting,
    Why,
)
from kbsupport.model import (
    READERS,
    STAFF,
    Article,
    Author,
    Caller,
    Match,
    Passage,
    Reply,
    Scope,
    Ticket,
    storable,
)

if TYPE_CHECKING:
    from kbsupport.app import App
    from kbsupport.desk.queueing import Listed

_LONGEST = 8000
_MOST_MESSAGES = 50
_MOST_ESCALATIONS = 50
_PASSAGES_OF_EACH = 3

Query = Annotated[
    str, Field(min_length=1, max_length=_LONGEST, description="What to look for, in any words.")
]
Limit = Annotated[int, Field(ge=1, le=20, description="At most so many articles.")]
Asked = Annotated[
    str, Field(min_length=1, max_length=_LONGEST, description="The question, as it was asked.")
]
Language = Annotated[
    str | None,
    Field(max_length=20, description="Its language, such as en; else detected."),
]
DecisionId = Annotated[str, Field(max_length=200, description="As ask_question names it.")]
TicketId = Annotated[str, Field(max_length=200, description="A ticket, such as T-1.")]
EscalationId = Annotated[str, Field(max_length=200, description="An escalation, such as E-1.")]
Draft = Annotated[
    str, Field(min_length=1, max_length=20_000, description="The reply, as a person may send it.")
]


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool, who may use it, and what it does to the world."""

    run: Callable[..., Any]
    need: Need
    hints: ToolAnnotations
    writes: bool = False

    @property
    def name(self) -> str:
        """As assistants call it."""
        return self.run.__name__


class Tools:
    """The tools over an app; `caller` tells who makes the call that is being answered."""

    def __init__(self, app: App, caller: Callable[[], Caller], shelf: Shelf) -> None:
        self._app, self._caller, self._shelf = app, caller, shelf

    def offers(self) -> tuple[Offer, ...]:
        """Every tool there is."""
        ask, read = Need(Scope.ASK), Need(Scope.TICKETS_READ)
        looks, works = Need(Scope.DESK, READERS), Need(Scope.DESK, STAFF)
        return (
            Offer(self.search_knowledge_base, ask, _hints("Search the knowledge base")),
            # It keeps the decision, each time anew, so that it can be explained.
            Offer(
                self.ask_question, ask,
                _hints("Ask the knowledge base", read_only=False, idempotent=False),
            ),
            Offer(self.explain_decision, looks, _hints("Explain a decision")),
            Offer(self.get_ticket, read, _hints("Show a ticket")),
            Offer(self.list_escalations, looks, _hints("List escalations")),
            Offer(
                self.draft_reply, works,
                # What was drafted before is gone.
                _hints("Draft a reply", read_only=False, destructive=True), writes=True,
            ),
        )  # fmt: skip

    def search_knowledge_base(self, query: Query, limit: Limit = 5) -> Hits:
        """Find help articles for a text, best first, with the passages that fit.

        Nothing is decided or kept. Read a whole article as the resource that `uri` names.
        """
        view = self._shelf.view(self._caller())
        found = self._app.search(storable(query), tier=view.by.tier, audience=view.by.audience)
        known = view.titled([one.article_id for one in found.matches[:limit]])
        return Hits(
            [
                _hit(one, known[one.article_id], found.passages)
                for one in found.matches[:limit] if one.article_id in known
            ],
            list(found.notices),
        )  # fmt: skip

    def ask_question(self, text: Asked, language: Language = None) -> Decided:
        """Decide a customer's question: answer it with quotes, ask back, or say a person has to.

        `outcome` "escalate" means that it should not be answered from the knowledge base: say so,
        and answer nothing of your own. No ticket is opened and nobody is told.
        """
        caller = self._caller()
        reply = self._app.ask(
            text, language=language, customer=caller.customer_id,
            audience=self._shelf.view(caller).by.audience,
            identity=None if caller.staff else caller.identity, channel="mcp", open_ticket=False,
        )  # fmt: skip
        self._app.lobby.decided(reply, "mcp")
        return _decided(reply)

    def explain_decision(self, decision_id: DecisionId) -> Why:
        """Say in plain words why a question was decided so, and what would have changed it."""
        found = self._app.explain(storable(decision_id))
        shown = found.to_dict()
        names = (
            "decision_id", "question", "outcome", "reason", "article_id", "probability",
            "certified", "would_change",
        )  # fmt: skip
        return Why(**{name: shown[name] for name in names}, words=found.lines())

    def get_ticket(self, ticket_id: TicketId) -> TicketShown:
        """Show where a ticket stands and what was said last; customers see only their own."""
        caller = self._caller()
        ticket = own_ticket(self._app.database, caller, ticket_id)
        said = [
            one for one in self._app.people.history(ticket.id)
            if caller.staff or one.author is not Author.NOTE
        ]  # fmt: skip
        last = said[-_MOST_MESSAGES:]
        return TicketShown(
            ticket.id, str(ticket.state), ticket.created_at.isoformat(),
            ticket.closed_at.isoformat() if ticket.closed_at else None, ticket.question,
            ticket.language,
            [Said(one.seq, str(one.author), one.text, one.created_at.isoformat()) for one in last],
            len(said) - len(last), _internal(ticket) if caller.staff else None,
        )  # fmt: skip

    def list_escalations(self) -> Queue:
        """List what waits for a person, the most pressing first, then what people are at."""
        rows = self._app.desk.list()
        return Queue([_waiting(one) for one in rows[:_MOST_ESCALATIONS]], len(rows))

    def draft_reply(self, escalation_id: EscalationId, text: Draft) -> Drafted:
        """Keep a reply for whoever has claimed this escalation; the customer does not see it.

        It replaces the draft that was there. A person reads, changes and sends it.
        """
        made = self._app.desk.draft(storable(escalation_id), self._caller().name, text)
        return Drafted(made.id, made.ticket_id, str(made.state), made.draft or "")


def _hints(
    title: str, *, read_only: bool = True, destructive: bool = False, idempotent: bool = True
) -> ToolAnnotations:
    # All of it is in this house: nothing reaches an open world.
    return ToolAnnotations(
        title=title, read_only_hint=read_only, destructive_hint=destructive,
        idempotent_hint=idempotent, open_world_hint=False,
    )  # fmt: skip


def _hit(match: Match, article: Article, passages: Sequence[Passage]) -> Hit:
    pieces = [Piece(one.section, one.text) for one in passages if one.article_id == article.id]
    return Hit(
        article.id, uri_of(article.id), article.title, article.url, round(match.score, 4),
        pieces[:_PASSAGES_OF_EACH],
    )  # fmt: skip


def _decided(reply: Reply) -> Decided:
    cited = reply.answer.citations if reply.answer else ()
    return Decided(
        reply.decision_id, str(reply.verdict.outcome), str(reply.verdict.reason), reply.text,
        reply.probability, reply.verdict.certified,
        [
            Cited(
                one.article_id, uri_of(one.article_id), one.title, one.url, one.section, one.quote
            )
            for one in cited
        ],
        list(reply.notices),
    )  # fmt: skip


def _internal(ticket: Ticket) -> Internal:
    return Internal(
        ticket.customer_id, ticket.tier, ticket.topic, ticket.reason, ticket.decision_id,
        ticket.owner,
    )  # fmt: skip


def _waiting(listed: Listed) -> Waiting:
    one, ticket = listed.escalation, listed.ticket
    return Waiting(
        one.id, one.ticket_id, str(one.state), listed.position, round(one.priority, 4), one.topic,
        one.tier, one.due.isoformat(), one.owner, ticket.reason, ticket.question,
    )  # fmt: skip
