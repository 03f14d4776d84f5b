"""Conversations, and the tokens with which customers and visitors have them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

from fastapi import Body, Path, Query, Request, Response
from pydantic import Field
from starlette.background import BackgroundTask

from kbsupport.access.seeing import own_conversation
from kbsupport.api.guarding import Visitors, caller_of, door, house_of, needs
from kbsupport.api.paging import Paging, paged
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.conversations import ConversationOut, TokenIn, TokenOut, VisitorOut
from kbsupport.api.shapes.tickets import MessagePage
from kbsupport.model import Author, Caller, Delivery, Message, Role, Scope
from kbsupport.store import conversations, tickets

if TYPE_CHECKING:
    from kbsupport.api.house import House

router = door("conversations")

ConversationId = Annotated[str, Path(description="A conversation.", examples=["v-2f0c"])]
# What PostgreSQL compares with a number of a message.
_MOST_SEQ = 2**31 - 1


class MessagesAsked(Paging):
    """Which messages are wanted."""

    after: int = Field(default=0, ge=0, le=_MOST_SEQ, description="Only those after this `seq`.")


@router.get("/conversations/{conversation_id}", response_model=ConversationOut)
@needs(Scope.TICKETS_READ)
def get_conversation(request: Request, conversation_id: ConversationId) -> Response:
    """Show how far a conversation has come."""
    caller, house = caller_of(request), house_of(request)
    found = own_conversation(house.app.database, caller, conversation_id)
    with house.app.database.read() as connection:
        ticket = tickets.ticket_of(connection, found.id)
    shown: dict[str, Any] = {
        "id": found.id, "channel": found.channel, "last_seq": found.seq,
        "ticket_id": ticket.id if ticket else None, "state": str(ticket.state) if ticket else None,
    }  # fmt: skip
    return as_json(shown | {"customer_id": found.customer_id} if caller.staff else shown)


@router.get("/conversations/{conversation_id}/messages", response_model=MessagePage)
@needs(Scope.TICKETS_READ)
def list_conversation_messages(
    request: Request,
    conversation_id: ConversationId,
    asked: Annotated[MessagesAsked, Query()],
) -> Response:
    """List what was said, the oldest first; colleagues' notes for staff only."""
    caller, house = caller_of(request), house_of(request)
    found = own_conversation(house.app.database, caller, conversation_id)
    return messages_of(house, caller, found.id, asked)


@router.post("/tokens", status_code=201, response_model=TokenOut)
@needs(Scope.TOKENS, frozenset({Role.LEAD, Role.ADMIN}), shown_once="token")
def make_token(request: Request, asked: Annotated[TokenIn, Body()]) -> Response:
    """Sign a token for one customer, whom your own site knows to be who they are."""
    caller, house = caller_of(request), house_of(request)
    minutes = asked.minutes or house.settings.serve.token_minutes
    until = _until(house, minutes)
    text = house.keys.token(caller, minutes, customer_id=asked.customer_id, conversation_id=None)
    found = {"token": text, "customer_id": asked.customer_id, "expires_at": until.isoformat()}
    return as_json(found, 201)


@router.post("/visitors", status_code=201, response_model=VisitorOut)
@needs(
    Scope.TICKETS_WRITE, frozenset({Role.CUSTOMER}), visitors=Visitors.ONLY,
    shown_once="token",
)  # fmt: skip
def begin_visit(request: Request) -> Response:
    """Begin the conversation of a page's visitor, who is nobody: the token opens that alone."""
    caller, house = caller_of(request), house_of(request)
    conversation, minutes = f"v-{uuid4().hex}", house.settings.serve.token_minutes
    until = _until(house, minutes)
    text = house.keys.token(caller, minutes, customer_id=None, conversation_id=conversation)
    found = {
        "token": text, "conversation_id": conversation, "expires_at": until.isoformat(),
    }  # fmt: skip
    return as_json(found, 201)


def messages_of(
    house: House, caller: Caller, conversation_id: str, asked: MessagesAsked
) -> Response:
    """What was said, as this caller may read it; a customer has read what was shown."""
    since = min(max(asked.after, asked.number or 0), _MOST_SEQ)
    with house.app.database.read() as connection:
        rows = conversations.messages_after(
            connection, conversation_id, since, asked.limit + 1, notes=caller.staff
        )
        found = conversations.find(connection, conversation_id)
    names = {} if caller.staff else _names(house, rows)
    shown = paged(rows, asked, lambda one: one.seq, lambda one: seen(caller, one, names))
    response = as_json(shown)
    if not caller.staff and found is not None and found.fetched:
        new = [one for one in rows[: asked.limit] if _unread(one)]
        if new:
            response.background = BackgroundTask(_note_read, house, new)
    return response


def seen(caller: Caller, message: Message, names: dict[str, str]) -> dict[str, Any]:
    """A message as this caller may read it: customers know people by their names."""
    shown = message.to_dict()
    if caller.staff:
        return shown
    kept = ("seq", "author", "text", "created_at", "attachments")
    by = names.get(message.by or "") if message.author is Author.SPECIALIST else None
    return {name: shown[name] for name in kept} | {"by": by}


def _names(house: House, rows: list[Message]) -> dict[str, str]:
    if all(one.author is not Author.SPECIALIST for one in rows):
        return {}
    return {one.id: one.name for one in house.app.people.rota().specialists}


def _unread(message: Message) -> bool:
    return message.author is Author.SPECIALIST and message.delivery is Delivery.PENDING


def _note_read(house: House, new: list[Message]) -> None:
    for message in new:
        house.app.people.note_read(message)


def _until(house: House, minutes: float) -> datetime:
    return (house.app.people.clock() + timedelta(minutes=minutes)).replace(microsecond=0)
