"""Decide and answer a question; no ticket is opened."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Request, Response

from kbsupport.api.guarding import Visitors, caller_of, door, house_of, needs
from kbsupport.api.problems import Problem
from kbsupport.api.replying import as_json, decision_for
from kbsupport.api.shapes.questions import AskIn, DecisionOut
from kbsupport.model import Audience, Scope

router = door("questions")


@router.post("/ask", response_model=DecisionOut)
@needs(Scope.ASK, visitors=Visitors.ALSO, thinks=True)
def ask(request: Request, asked: Annotated[AskIn, Body()]) -> Response:
    """Decide a question and answer it, ask one thing back, or say that a person has to.

    Nothing is promised to anybody here: to hand a question over to people, open a ticket.
    """
    caller, house = caller_of(request), house_of(request)
    told = asked.customer_id or asked.tier or asked.audience is not Audience.PUBLIC
    if told and not caller.staff:
        raise Problem(
            403, "who asks is known from the key: leave customer_id, tier and audience out"
        )
    reply = house.app.ask(
        asked.text,
        customer=caller.customer_id or asked.customer_id,
        tier=asked.tier,
        language=asked.language,
        product=asked.product,
        audience=asked.audience,
        id=asked.id,
        identity=caller.identity if not caller.staff else None,
        channel="api",
        open_ticket=False,
    )
    house.app.lobby.decided(reply, "api")
    return as_json(decision_for(caller, reply))
