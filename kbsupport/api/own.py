"""Whose is it: the one place where tickets and conversations are looked up for a caller.

What is not there, what can be no id and what is somebody else's take the same look-up and end in
the same NotFound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kbsupport.errors import NotFound
from kbsupport.model import Caller, Identity, Ticket, storable
from kbsupport.store import conversations, tickets
from kbsupport.store.conversations import Conversation

if TYPE_CHECKING:
    from kbsupport.api.house import House


def own_ticket(house: House, caller: Caller, ticket_id: str) -> Ticket:
    """A ticket that this caller may see."""
    with house.app.database.read() as connection:
        found = tickets.find_ticket(connection, storable(ticket_id))
    if found is None or not _sees(caller, found.customer_id, found.conversation_id):
        raise NotFound("no such ticket, or not yours")
    return found


def own_conversation(house: House, caller: Caller, conversation_id: str) -> Conversation:
    """A conversation that this caller may see; a visitor's own is there before its first word."""
    with house.app.database.read() as connection:
        found = conversations.find(connection, storable(conversation_id))
    if found is None and caller.conversation_id == conversation_id and not caller.staff:
        return Conversation(conversation_id, "api", None, Identity.ANONYMOUS, 0)
    if found is None or not _sees(caller, found.customer_id, found.id):
        raise NotFound("no such conversation, or not yours")
    return found


def scope_of(caller: Caller) -> dict[str, Any]:
    """Which tickets are a customer's or a visitor's own, for a list of them."""
    if caller.customer_id is not None:
        return {"customer_id": caller.customer_id}
    # Nobody named and no conversation matches nothing, rather than everything.
    return {"conversation_id": caller.conversation_id or "", "nobodys": True}


def _sees(caller: Caller, customer_id: str | None, conversation_id: str) -> bool:
    if caller.staff:
        return True
    if caller.customer_id is not None:
        return caller.customer_id == customer_id
    # A visitor is nobody: once a customer has taken the conversation over, it is the customer's.
    return customer_id is None and caller.conversation_id == conversation_id
