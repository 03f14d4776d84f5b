"""GraphQL, where its extra is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from pydantic import Field

from kbsupport.api.guarding import caller_of, door, house_of, needs
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.base import Body as Sent
from kbsupport.api.shapes.base import Name, Shown, Text
from kbsupport.model import Scope

_LONGEST = 20_000

router = door("graphql", prefix="")


class QueryIn(Sent):
    """A query as GraphQL clients send it."""

    query: Annotated[Text, Field(min_length=1, max_length=_LONGEST)] = Field(
        examples=["{ tickets(first: 3) { items { id state question } next_cursor } }"]
    )
    variables: dict[str, Any] | None = None
    operationName: Name | None = None  # noqa: N815 - as all clients write it
    extensions: dict[str, Any] | None = Field(default=None, description="Taken and ignored.")


class FaultOut(Shown):
    """Why a part of the answer is missing."""

    message: str
    path: list[str | int]


class AnswerOut(Shown):
    """What was found, and what was not."""

    data: dict[str, Any] | None
    errors: list[FaultOut] = Field(default=[])


@router.post("/graphql", response_model=AnswerOut)
@needs(Scope.TICKETS_READ)
def ask_graph(request: Request, asked: Annotated[QueryIn, Body()]) -> Response:
    """Read tickets, escalations, articles and metrics in one question; nothing can be changed.

    Each field asks for the scope that its REST route asks for. A query goes at most 8 deep.
    """
    # strawberry takes a third of a second to load, which no other route needs.
    from kbsupport.api.graphql.schema import run
    from kbsupport.api.graphql.shapes import Here
    from kbsupport.api.graphql.weighing import check

    caller = caller_of(request)
    check(asked.query, asked.variables, inward=caller.staff)
    here = Here(house_of(request), caller)
    return as_json(run(here, asked.query, asked.variables, asked.operationName))


def routers() -> tuple[APIRouter, ...]:
    """The route, or none where `kbsupport[graphql]` is not installed."""
    return (router,) if find_spec("strawberry") else ()
