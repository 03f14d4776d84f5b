"""Keys: given, listed, rotated, ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Body, Path, Query, Request, Response

from kbsupport.access.keys import Wish
from kbsupport.api.guarding import caller_of, door, house_of, needs
from kbsupport.api.paging import Paging, sliced
from kbsupport.api.problems import Problem
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.keys import KeyIn, KeyOut, KeyPage, NewKeyOut, RotateIn
from kbsupport.errors import ConfigError
from kbsupport.model import ApiKey, Role, Scope, storable

router = door("keys")

KeyId = Annotated[str, Path(description="A key.", examples=["3f9a1c20b7de"])]
ADMINS = frozenset({Role.ADMIN})
_FITS = (
    "the role does not fit the rest: a customer's key names its customer_id or is for visitors, a "
    "specialist's or lead's its specialist_id, no other anybody; and a role has only its own scopes"
)


@router.get("/keys", response_model=KeyPage)
@needs(Scope.ADMIN, ADMINS)
def list_keys(request: Request, asked: Annotated[Paging, Query()]) -> Response:
    """List every key that was given, without its secret, the oldest first."""
    return as_json(sliced(house_of(request).keys.all(), asked, lambda one: one.to_dict()))


@router.post("/keys", status_code=201, response_model=NewKeyOut)
@needs(Scope.ADMIN, ADMINS, shown_once="key")
def add_key(request: Request, asked: Annotated[KeyIn, Body()]) -> Response:
    """Make a key and show it, this once."""
    house, caller = house_of(request), caller_of(request)
    named = asked.specialist_id
    if named is not None and house.app.people.rota().find(named) is None:
        raise Problem(422, "nobody in the rota has this specialist_id; see: GET /v1/specialists")
    until = None
    if asked.days is not None:
        until = house.app.people.clock() + timedelta(days=asked.days)
    wish = Wish(
        asked.name, asked.role, asked.scopes, asked.customer_id, named, asked.visitors, until
    )
    try:
        made, text = house.keys.add(wish, caller.name)
    except ConfigError:
        raise Problem(422, _FITS) from None
    return as_json(_new(made, text), 201)


@router.post("/keys/{key_id}/rotate", status_code=201, response_model=NewKeyOut)
@needs(Scope.ADMIN, ADMINS, shown_once="key")
def rotate_key(
    request: Request, key_id: KeyId, asked: Annotated[RotateIn | None, Body()] = None
) -> Response:
    """Replace a key by a new one that may do the same; the old one ends after the grace."""
    grace = timedelta(hours=asked.grace_hours if asked else 0.0)
    house, caller = house_of(request), caller_of(request)
    made, text = house.keys.rotate(storable(key_id), caller.name, grace)
    return as_json(_new(made, text), 201)


@router.post("/keys/{key_id}/revoke", response_model=KeyOut)
@needs(Scope.ADMIN, ADMINS)
def revoke_key(request: Request, key_id: KeyId) -> Response:
    """End a key and every token given with it; within two seconds it opens nothing anywhere."""
    house, caller = house_of(request), caller_of(request)
    return as_json(house.keys.revoke(storable(key_id), caller.name).to_dict())


def _new(made: ApiKey, text: str) -> dict[str, Any]:
    return made.to_dict() | {"key": text}
