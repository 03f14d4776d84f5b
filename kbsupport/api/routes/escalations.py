"""Escalations and approvals: what people take over, answer, agree to and hand back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Path, Query, Request, Response

from kbsupport.api.guarding import caller_of, door, house_of, key_of, needs
from kbsupport.api.paging import Paging, paged, sliced
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.escalations import (
    AnsweredOut,
    AnswerIn,
    ApprovalOut,
    ApprovalPage,
    ApproveIn,
    BriefOut,
    DraftIn,
    EscalationOut,
    EscalationPage,
    HandBackIn,
    RejectIn,
    SpecialistPage,
)
from kbsupport.desk.rota import Rota
from kbsupport.model import READERS, STAFF, Scope, Specialist
from kbsupport.store import approvals, escalations
from kbsupport.store.tickets import number_of

router = door("escalations")

EscalationId = Annotated[str, Path(description="An escalation.", examples=["E-1"])]
ApprovalId = Annotated[str, Path(description="An approval.", examples=["A-1"])]
_INSISTED = "(sent whatever the check said)"


class EscalationsAsked(Paging):
    """Which escalations are wanted."""

    mine: bool = False


class ApprovalsAsked(Paging):
    """Which approvals are wanted."""

    waiting: bool = True


@router.get("/escalations", response_model=EscalationPage)
@needs(Scope.DESK, READERS)
def list_escalations(request: Request, asked: Annotated[EscalationsAsked, Query()]) -> Response:
    """List what waits for a person, the most pressing first, and what people are at.

    `mine` leaves what the caller has or may take. The order moves with the clock, and a page with
    it: whoever reads on may see one twice.
    """
    caller = caller_of(request)
    rows = house_of(request).app.desk.list(caller.name if asked.mine else None)
    return as_json(sliced(rows, asked, lambda one: one.to_dict()))


@router.get("/escalations/{escalation_id}", response_model=BriefOut)
@needs(Scope.DESK, READERS)
def get_brief(request: Request, escalation_id: EscalationId) -> Response:
    """Show all that is known of an escalation; who read it is kept in the audit log."""
    found = house_of(request).app.people.brief(escalation_id, caller_of(request).name)
    return as_json(found.to_dict())


@router.post("/escalations/{escalation_id}/claim", response_model=EscalationOut)
@needs(Scope.DESK, STAFF)
def claim(request: Request, escalation_id: EscalationId) -> Response:
    """Take an escalation; of several who try at once, one gets it."""
    made = house_of(request).app.desk.claim(escalation_id, caller_of(request).name)
    return as_json(made.to_dict())


@router.post("/escalations/{escalation_id}/release", response_model=EscalationOut)
@needs(Scope.DESK, STAFF)
def release(request: Request, escalation_id: EscalationId) -> Response:
    """Put an escalation back into the queue, for colleagues."""
    made = house_of(request).app.desk.release(escalation_id, caller_of(request).name)
    return as_json(made.to_dict())


@router.post("/escalations/{escalation_id}/draft", response_model=EscalationOut)
@needs(Scope.DESK, STAFF)
def draft(
    request: Request, escalation_id: EscalationId, written: Annotated[DraftIn, Body()]
) -> Response:
    """Keep a reply that is not ready; the customer does not see it."""
    made = house_of(request).app.desk.draft(escalation_id, caller_of(request).name, written.text)
    return as_json(made.to_dict())


@router.post("/escalations/{escalation_id}/answer", response_model=AnsweredOut)
@needs(Scope.DESK, STAFF)
def answer(
    request: Request, escalation_id: EscalationId, written: Annotated[AnswerIn, Body()]
) -> Response:
    """Answer the customer, or ask for the yes that this answer needs.

    What holds somebody's data or a secret, leads elsewhere or says nothing is refused with 422
    and says why; `anyway` sends it all the same, and that is kept.
    """
    caller, key = caller_of(request), key_of(request)
    done, checked = house_of(request).app.people.answer(
        escalation_id, caller.name, written.text, None if key is None else f"{caller.bucket}/{key}",
        anyway=written.anyway,
    )  # fmt: skip
    return as_json(done.to_dict() | {"checked": checked.to_dict()})


@router.post("/escalations/{escalation_id}/hand-back", response_model=EscalationOut)
@needs(Scope.DESK, STAFF)
def hand_back(
    request: Request,
    escalation_id: EscalationId,
    said: Annotated[HandBackIn | None, Body()] = None,
) -> Response:
    """Give the conversation back to the assistant, which speaks again from here on."""
    note = (said.note if said else None) or ""
    made = house_of(request).app.desk.hand_back(escalation_id, caller_of(request).name, note)
    return as_json(made.to_dict())


@router.get("/approvals", response_model=ApprovalPage)
@needs(Scope.DESK, READERS)
def list_approvals(request: Request, asked: Annotated[ApprovalsAsked, Query()]) -> Response:
    """List answers that wait for somebody's yes, the newest first; or all that ever did."""
    with house_of(request).app.database.read() as connection:
        rows = approvals.page(
            connection, limit=asked.limit + 1, before=asked.number,
            state="waiting" if asked.waiting else None,
        )  # fmt: skip
    return as_json(
        paged(rows, asked, lambda one: number_of(one.id, "A") or 0, lambda one: one.to_dict())
    )


@router.post("/approvals/{approval_id}/approve", response_model=ApprovalOut)
@needs(Scope.DESK, STAFF)
def approve(
    request: Request, approval_id: ApprovalId, said: Annotated[ApproveIn | None, Body()] = None
) -> Response:
    """Agree to an answer and send it; with a text, that is sent instead."""
    house, by, given = house_of(request), caller_of(request).name, said or ApproveIn()
    note = given.note
    if given.text is not None:
        house.app.people.inspector.pass_edit(approval_id, given.text, anyway=given.anyway)
        note = f"{note or ''} {_INSISTED}".strip() if given.anyway else note
    return as_json(house.app.desk.approve(approval_id, by, given.text, note).to_dict())


@router.post("/approvals/{approval_id}/reject", response_model=ApprovalOut)
@needs(Scope.DESK, STAFF)
def reject(
    request: Request, approval_id: ApprovalId, said: Annotated[RejectIn, Body()]
) -> Response:
    """Refuse an answer; whoever wrote it has it again, with the note."""
    made = house_of(request).app.desk.reject(approval_id, caller_of(request).name, said.note)
    return as_json(made.to_dict())


@router.get("/specialists", response_model=SpecialistPage)
@needs(Scope.DESK, READERS)
def list_specialists(request: Request, asked: Annotated[Paging, Query()]) -> Response:
    """List who is on the rota, who is at work now, and how much each has."""
    app = house_of(request).app
    rota, now = app.people.rota(), app.people.clock()
    with app.database.read() as connection:
        loads = escalations.loads(connection)

    def shown(one: Specialist) -> dict[str, Any]:
        return _person(rota, one) | {
            "load": loads.get(one.id, 0), "on_shift": rota.on_shift(one, now),
        }  # fmt: skip

    return as_json(sliced(rota.specialists, asked, shown))


def _person(rota: Rota, one: Specialist) -> dict[str, Any]:
    return {
        "id": one.id, "name": one.name, "level": str(one.level), "topics": sorted(one.topics),
        "languages": sorted(one.languages), "approves": sorted(one.approves),
        "capacity": one.capacity, "away": one.away, "lead": one == rota.lead,
    }  # fmt: skip
