"""The questions that can be asked, each with what REST asks of its caller."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLError
from pydantic import ValidationError
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError

from kbsupport.access.seeing import Readable, own_ticket, scope_of
from kbsupport.api.graphql.shapes import (
    ArticleNode,
    ArticlesNode,
    Asking,
    EscalationsNode,
    Here,
    TicketNode,
    TicketsNode,
    article_node,
    counted,
    escalation_node,
    ticket_node,
)
from kbsupport.api.graphql.weighing import USUAL
from kbsupport.api.guarding import Need
from kbsupport.api.paging import Paging, paged, sliced
from kbsupport.api.problems import Problem
from kbsupport.api.reading import readable
from kbsupport.api.shapes.figures import FiguresAsked
from kbsupport.errors import NotFound
from kbsupport.model import READERS, Audience, Scope, State
from kbsupport.store import tickets as stored
from kbsupport.store.tickets import number_of

_LOG = logging.getLogger("kbsupport.api")
_DAYS = timedelta(days=28)
_READ, _ASK = Need(Scope.TICKETS_READ), Need(Scope.ASK)
_DESK, _FIGURES = Need(Scope.DESK, READERS), Need(Scope.METRICS, READERS)

A = TypeVar("A")


def _tickets(
    asking: Asking,
    first: int = USUAL,
    after: str | None = None,
    state: list[str] | None = None,
) -> TicketsNode:
    here = _let_in(asking, _READ)
    asked, states = _page(first, after), _made(lambda: [State(one) for one in state or ()])
    whose = {} if here.caller.staff else scope_of(here.caller)
    with here.house.app.database.read() as connection:
        rows = stored.page(
            connection, limit=asked.limit + 1, before=asked.number, states=states, **whose
        )
    found = paged(
        rows, asked, lambda one: number_of(one.id) or 0,
        lambda one: ticket_node(here.caller, one),
    )  # fmt: skip
    return TicketsNode(**found)


def _ticket(asking: Asking, id: str) -> TicketNode:
    here = _let_in(asking, _READ)
    return ticket_node(here.caller, own_ticket(here.house.app.database, here.caller, id))


def _escalations(
    asking: Asking, first: int = USUAL, after: str | None = None, mine: bool = False
) -> EscalationsNode:
    here = _let_in(asking, _DESK)
    rows = here.house.app.desk.list(here.caller.name if mine else None)
    found = sliced(rows, _page(first, after), lambda one: escalation_node(here.caller, one))
    return EscalationsNode(**found)


def _articles(asking: Asking, first: int = USUAL, after: str | None = None) -> ArticlesNode:
    here, asked = _let_in(asking, _ASK), _page(first, after)
    rows = _reader(here).page(asked.place, asked.limit + 1)
    return ArticlesNode(**paged(rows, asked, lambda one: one.id, article_node))


def _article(asking: Asking, id: str) -> ArticleNode:
    return article_node(_reader(_let_in(asking, _ASK)).find(id))


def _metrics(asking: Asking, since: str | None = None, until: str | None = None) -> JSON:
    from kbsupport.figures.metrics import metrics_of

    app = _let_in(asking, _FIGURES).house.app
    asked = _made(lambda: FiguresAsked.model_validate({"since": since, "until": until}))
    now = app.people.clock()
    end = asked.until or now
    begin = asked.since or end - _DAYS
    if begin >= end:
        raise Problem(422, "since is not before until")
    found = metrics_of(
        app.database, begin, end, now, rota=app.people.rota().specialists, where={},
        silence=timedelta(hours=asked.silence_hours),
    )  # fmt: skip
    return JSON(found.to_dict())


@strawberry.type
class Query:
    """What can be read."""

    tickets: TicketsNode | None = strawberry.field(
        resolver=_tickets,
        description="Tickets, the newest first: a customer's own, or all for staff.",
    )
    ticket: TicketNode | None = strawberry.field(resolver=_ticket, description="One ticket.")
    escalations: EscalationsNode | None = strawberry.field(
        resolver=_escalations, description="What waits for a person, the most pressing first."
    )
    articles: ArticlesNode | None = strawberry.field(
        resolver=_articles, description="Articles that the caller may read, by id."
    )
    article: ArticleNode | None = strawberry.field(resolver=_article, description="One article.")
    metrics: JSON | None = strawberry.field(
        resolver=_metrics, description="The figures of a period, as GET /v1/metrics shows them."
    )


@cache
def _schema() -> strawberry.Schema:
    # It would log a refusal as a failure, with what a customer sent; ours are logged below.
    logging.getLogger("strawberry.execution").setLevel(logging.CRITICAL)
    return strawberry.Schema(Query, config=StrawberryConfig(auto_camel_case=False))


def run(
    here: Here, query: str, variables: Mapping[str, Any] | None, operation: str | None
) -> dict[str, Any]:
    """The answer as GraphQL wants it: data, and what was wrong."""
    try:
        found = _schema().execute_sync(
            query, dict(variables or {}), context_value=here, operation_name=operation
        )
    except CannotGetOperationTypeError:
        raise Problem(400, "the query holds no operation of that name") from None
    said: dict[str, Any] = {"data": found.data}
    if found.errors:
        said["errors"] = [
            {"message": _message(one), "path": list(one.path or ())} for one in found.errors
        ]
    return said


def _let_in(asking: Asking, need: Need) -> Here:
    refused = need.refuses(asking.context.caller)
    if refused is not None:
        raise Problem(403, refused)
    return asking.context


def _reader(here: Here) -> Readable:
    return readable(here.house.app, here.caller, Audience.PUBLIC, None)


def _page(first: int, after: str | None) -> Paging:
    return _made(lambda: Paging(limit=counted(first), cursor=after))


def _made(make: Callable[[], A]) -> A:
    try:
        return make()
    except ValidationError as error:
        raise Problem(422, "; ".join(one["msg"] for one in error.errors())) from None
    except ValueError as error:
        raise Problem(422, str(error)) from None


def _message(error: GraphQLError) -> str:
    cause = error.original_error
    if cause is None:
        return error.message
    if isinstance(cause, Problem):
        return cause.detail
    if isinstance(cause, NotFound):
        return "there is nothing of that id here, or nothing that you may see"
    _LOG.error("a query failed: %s", type(cause).__name__, exc_info=cause)
    return "this could not be done; the log says why"
