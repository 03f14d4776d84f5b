"""Customers: what is known of them, for staff and for themselves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Request, Response

from kbsupport.api.guarding import caller_of, door, house_of, needs
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.customers import CustomerOut
from kbsupport.errors import NotFound
from kbsupport.model import READERS, Customer, Question, Role, Scope, storable

router = door("customers")

# What a customer reads of what is known of them; the rest is the house's own.
_THEIRS = (
    "id", "tier", "name", "email", "phone", "company", "language", "time_zone", "products",
    "contract_end",
)  # fmt: skip


@router.get("/customers/me", response_model=CustomerOut)
@needs(Scope.TICKETS_READ, frozenset({Role.CUSTOMER}))
def get_me(request: Request) -> Response:
    """Show a customer what is known of them."""
    caller = caller_of(request)
    if caller.customer_id is None:
        raise NotFound("a visitor is nobody")
    asked = Question("", customer_id=caller.customer_id, identity=caller.identity)
    found = house_of(request).app.people.reception.who_asks(asked)[0]
    shown = found.to_dict()
    return as_json({name: shown[name] for name in _THEIRS})


@router.get("/customers/{customer_id}", response_model=CustomerOut)
@needs(Scope.DESK, READERS)
def get_customer(
    request: Request,
    customer_id: Annotated[str, Path(description="A customer.", examples=["C-1001"])],
) -> Response:
    """Show what is known of a customer."""
    found: Customer = house_of(request).app.people.find(storable(customer_id))
    shown: dict[str, Any] = found.to_dict()
    return as_json(shown)
