"""Tickets: opened, looked at, gone on with, closed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Body, Path, Query, Request, Response
from pydantic import Field

from kbsupport.access.seeing import own_conversation, own_ticket, scope_of
from kbsupport.api.files import download, uploads
from kbsupport.api.guarding import (
    REPLAYED,
    caller_of,
    door,
    house_of,
    key_of,
    needs,
    request_of,
)
from kbsupport.api.paging import Paging, paged
from kbsupport.api.problems import Problem
from kbsupport.api.replying import as_json, said, to_text
from kbsupport.api.routes.conversations import MessagesAsked, messages_of
from kbsupport.api.shapes.base import Name
from kbsupport.api.shapes.tickets import (
    FeedbackIn,
    FeedbackOut,
    MessageIn,
    MessagePage,
    ReceivedOut,
    TicketIn,
    TicketOut,
    TicketPage,
)
from kbsupport.errors import Conflict
from kbsupport.intake import Answered, Incoming, Once, Received
from kbsupport.model import STAFF, Caller, Identity, Role, Scope, State, Ticket
from kbsupport.store import conversations, tickets
from kbsupport.store.tickets import number_of

if TYPE_CHECKING:
    from kbsupport.api.house import House

router = door("tickets")

WRITERS = STAFF | {Role.CUSTOMER}
TicketId = Annotated[str, Path(description="A ticket.", examples=["T-1"])]
# What a customer reads of a ticket; the rest is for staff.
_THEIRS = (
    "id", "conversation_id", "state", "created_at", "question", "language", "closed_at",
)  # fmt: skip


class TicketsAsked(Paging):
    """Which tickets are wanted."""

    state: list[State] = Field(default=[], max_length=len(State))
    customer_id: Name | None = Field(default=None, description="Staff only: whose.")


@router.post("/tickets", status_code=201, response_model=ReceivedOut)
@needs(Scope.TICKETS_WRITE, WRITERS, once=False, files=True)
def open_ticket(request: Request, asked: Annotated[TicketIn, Body()]) -> Response:
    """Take a question in: it is stored for good, and decided afterwards.

    With a conversation_id, it goes on with that conversation and its ticket. The answer comes as
    a message of the ticket.
    """
    caller, house = caller_of(request), house_of(request)
    if not caller.staff and asked.customer_id is not None:
        raise Problem(403, "who asks is known from the key: leave customer_id out")
    conversation, customer = _where(house, caller, asked)
    given = Incoming(
        asked.whole, conversation_id=conversation, customer_id=customer,
        identity=_identity(caller, customer), key=_name(request), language=asked.language,
        product=asked.product, uploads=uploads(house, asked.attachments),
    )  # fmt: skip
    return _take_in(request, given)


@router.get("/tickets", response_model=TicketPage)
@needs(Scope.TICKETS_READ)
def list_tickets(request: Request, asked: Annotated[TicketsAsked, Query()]) -> Response:
    """List tickets, the newest first: a customer's own, or all for staff."""
    caller, house = caller_of(request), house_of(request)
    if not caller.staff and asked.customer_id is not None:
        raise Problem(403, "whose tickets these are is known from the key: leave customer_id out")
    whose = {"customer_id": asked.customer_id} if caller.staff else scope_of(caller)
    with house.app.database.read() as connection:
        rows = tickets.page(
            connection, limit=asked.limit + 1, before=asked.number, states=asked.state, **whose
        )
    return as_json(paged(rows, asked, _number, lambda one: seen(caller, one)))


@router.get("/tickets/{ticket_id}", response_model=TicketOut)
@needs(Scope.TICKETS_READ)
def get_ticket(request: Request, ticket_id: TicketId) -> Response:
    """Show where a ticket stands."""
    caller, house = caller_of(request), house_of(request)
    ticket = own_ticket(house.app.database, caller, ticket_id)
    shown = seen(caller, ticket)
    if caller.staff:
        there = house.app.people.mirrored(ticket.id)
        shown["elsewhere"] = {"system": there.system, "id": there.id} if there else None
    return as_json(shown)


@router.get("/tickets/{ticket_id}/messages", response_model=MessagePage)
@needs(Scope.TICKETS_READ)
def list_messages(
    request: Request,
    ticket_id: TicketId,
    asked: Annotated[MessagesAsked, Query()],
) -> Response:
    """List what was said on a ticket, the oldest first; colleagues' notes for staff only."""
    caller, house = caller_of(request), house_of(request)
    ticket = own_ticket(house.app.database, caller, ticket_id)
    return messages_of(house, caller, ticket.conversation_id, asked)


@router.post("/tickets/{ticket_id}/messages", status_code=201, response_model=ReceivedOut)
@needs(Scope.TICKETS_WRITE, WRITERS, once=False, files=True)
def add_message(
    request: Request, ticket_id: TicketId, asked: Annotated[MessageIn, Body()]
) -> Response:
    """Go on with a ticket as its customer: the assistant, or whoever has it, answers."""
    caller, house = caller_of(request), house_of(request)
    ticket = own_ticket(house.app.database, caller, ticket_id)
    given = Incoming(
        asked.text, conversation_id=ticket.conversation_id, customer_id=ticket.customer_id,
        identity=_identity(caller, ticket.customer_id), key=_name(request),
        uploads=uploads(house, asked.attachments),
    )  # fmt: skip
    return _take_in(request, given)


@router.post("/tickets/{ticket_id}/feedback", status_code=201, response_model=FeedbackOut)
@needs(Scope.TICKETS_WRITE, WRITERS)
def give_feedback(
    request: Request, ticket_id: TicketId, said: Annotated[FeedbackIn, Body()]
) -> Response:
    """Keep what a customer says of a ticket: a rating, or whether it helped."""
    caller, house = caller_of(request), house_of(request)
    ticket = own_ticket(house.app.database, caller, ticket_id)
    given = house.app.loop.hearing.hear(
        ticket.id, by=ticket.customer_id, rating=said.rating, helpful=said.helpful,
        article_id=said.article_id, comment=said.comment, key=_name(request),
    )  # fmt: skip
    return as_json(given.to_dict(), 201)


@router.post("/tickets/{ticket_id}/close", response_model=TicketOut)
@needs(Scope.TICKETS_WRITE, WRITERS)
def close_ticket(request: Request, ticket_id: TicketId) -> Response:
    """Close a ticket, and its escalation with it."""
    caller, house = caller_of(request), house_of(request)
    ticket = own_ticket(house.app.database, caller, ticket_id)
    return as_json(seen(caller, house.app.desk.close(ticket.id, _by(caller))))


@router.post("/tickets/{ticket_id}/reopen", response_model=TicketOut)
@needs(Scope.TICKETS_WRITE, WRITERS)
def reopen_ticket(request: Request, ticket_id: TicketId) -> Response:
    """Put an answered or closed ticket before people again."""
    caller, house = caller_of(request), house_of(request)
    ticket = own_ticket(house.app.database, caller, ticket_id)
    return as_json(seen(caller, house.app.desk.reopen(ticket.id, _by(caller))))


@router.get(
    "/tickets/{ticket_id}/attachments/{sha256}",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {"schema": {
        "type": "string", "format": "binary"}}}}},
)  # fmt: skip
@needs(Scope.TICKETS_READ)
def get_attachment(request: Request, ticket_id: TicketId, sha256: str) -> Response:
    """Fetch a file that came with a ticket, as a download."""
    caller, house = caller_of(request), house_of(request)
    ticket = own_ticket(house.app.database, caller, ticket_id)
    with house.app.database.read() as connection:
        said = conversations.messages(connection, ticket.conversation_id)
    return download(house, [file for one in said for file in one.attachments], sha256)


def seen(caller: Caller, ticket: Ticket) -> dict[str, Any]:
    """A ticket as this caller may read it."""
    shown = ticket.to_dict()
    return shown if caller.staff else {name: shown[name] for name in _THEIRS}


def _where(house: House, caller: Caller, asked: TicketIn) -> tuple[str | None, str | None]:
    """The conversation that a question goes on with, and the customer whose it is."""
    if caller.staff:
        return asked.conversation_id, asked.customer_id
    wanted = asked.conversation_id or caller.conversation_id
    if wanted is None:
        return None, caller.customer_id
    return own_conversation(house.app.database, caller, wanted).id, caller.customer_id


def _identity(caller: Caller, customer_id: str | None) -> Identity:
    """What staff say of a customer is a name; a customer's own key proves it."""
    if not caller.staff:
        return caller.identity
    return Identity.NAMED if customer_id else Identity.ANONYMOUS


def _name(request: Request) -> str | None:
    """The caller's key for a message, told apart from everybody else's."""
    key = key_of(request)
    return None if key is None else f"{caller_of(request).bucket}/{key}"


def _take_in(request: Request, given: Incoming) -> Response:
    """Store a message and answer; the same request again is answered alike."""
    caller, intake = caller_of(request), house_of(request).app.lobby.intake

    def answer(taken: Received) -> str:
        return to_text(seen(caller, taken.ticket) | {"seq": taken.message.seq})

    name = request_of(request)
    try:
        if name is None:
            done = Answered(answer(intake.receive(given)), new=True)
        else:
            done = intake.answer(given, Once(*name, answer))
    except Conflict:
        raise Problem(422, "this Idempotency-Key came with another request before") from None
    headers = {"Location": f"/v1/tickets/{json.loads(done.text)['id']}"}
    return said(done.text, 201, headers if done.new else headers | REPLAYED)


def _by(caller: Caller) -> str:
    """Who did it: customers are named nowhere that outlives them."""
    return caller.name if caller.staff else "customer"


def _number(ticket: Ticket) -> int:
    return number_of(ticket.id) or 0
