"""Decisions that were kept: shown, made again, explained."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Path, Request, Response

from kbsupport.api.guarding import door, house_of, needs
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.decisions import ExplainedOut, KeptOut, RepeatedOut, ReplayIn
from kbsupport.errors import NotFound
from kbsupport.model import READERS, Scope, storable
from kbsupport.store import decisions

router = door("decisions")

DecisionId = Annotated[str, Path(description="A decision.", examples=["d-6a0b"])]


@router.get("/decisions/{decision_id}", response_model=KeptOut)
@needs(Scope.DESK, READERS)
def get_decision(request: Request, decision_id: DecisionId) -> Response:
    """Show a decision with what it was asked and made from."""
    with house_of(request).app.database.read() as connection:
        found = decisions.find_decision(connection, storable(decision_id))
    if found is None:
        raise NotFound("no such decision")
    shown = {
        "id": found.id, "created_at": found.created_at.isoformat(), "generation": found.generation,
        "question": found.question, "decision": found.body, "replayable": found.inputs is not None,
    }  # fmt: skip
    return as_json(shown)


@router.post("/decisions/{decision_id}/replay", response_model=RepeatedOut)
@needs(Scope.DESK, READERS, thinks=True)
def replay_decision(
    request: Request, decision_id: DecisionId, asked: Annotated[ReplayIn | None, Body()] = None
) -> Response:
    """Make a decision again from what was kept, and say what differs; nothing is changed.

    `search` also looks for its evidence again, in the index as it was then.
    """
    search = asked is not None and asked.search
    found = house_of(request).app.replay(storable(decision_id), search=search)
    return as_json(found.to_dict())


@router.get("/decisions/{decision_id}/explain", response_model=ExplainedOut)
@needs(Scope.DESK, READERS)
def explain_decision(request: Request, decision_id: DecisionId) -> Response:
    """Say in plain words why it was decided so, and what would have changed it."""
    return as_json(house_of(request).app.explain(storable(decision_id)).to_dict())
