"""Bells that other help desks ring: heard at once, looked after later."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response

from kbsupport.api.guarding import door, house_of, open_to_all
from kbsupport.api.house import House
from kbsupport.api.problems import Problem
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.webhooks import RungOut
from kbsupport.errors import ConfigError
from kbsupport.store.requests import HOOK, Answered
from kbsupport.webhooks.bells import number_in

router = door("hooks")

# More signatures than a rotation ever needs are somebody's try at keeping us busy.
_LONGEST = {"webhook-id": 200, "webhook-timestamp": 20, "webhook-signature": 1000}
_GUESSES_A_MINUTE = 20
_NO_BELL = "there is nothing here"

_SIGNED = {
    "webhook-id": "The message's own name; the same one again is answered 200.",
    "webhook-timestamp": "When it was signed, in seconds; at most five minutes ago.",
    "webhook-signature": "`v1,` and the signature in base64; several stand apart by a space.",
}
_HEADERS = [
    {"name": name, "in": "header", "required": False, "schema": {"type": "string"},
     "description": f"{about} For a bell that was made with `--signed`."}
    for name, about in _SIGNED.items()
]  # fmt: skip
_NUMBER = {"anyOf": [{"type": "integer", "minimum": 0, "exclusiveMaximum": 10**18},
                     {"type": "string", "pattern": "^[0-9]{1,18}$"}]}  # fmt: skip
_WITH_ID = {"type": "object", "required": ["id"], "properties": {"id": _NUMBER}}
_BODY = {
    "type": "object", "required": ["ticket"],
    "properties": {"ticket": {"anyOf": [*_NUMBER["anyOf"], _WITH_ID]}},
    "examples": [{"ticket": 12}, {"ticket": {"id": 12, "title": "Where is my parcel?"}}],
}  # fmt: skip
_SAID = {
    "parameters": _HEADERS,
    "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}},
}


async def _raw(request: Request) -> bytes:
    return await request.body()


async def _parsed(request: Request) -> Any:
    return await request.json() if await request.body() else None


@router.post(
    "/hooks/{system}/{path}", status_code=202, response_model=RungOut, openapi_extra=_SAID,
    responses={200: {
        "description": "It was heard before", "model": RungOut,
        "content": {"application/json": {"example": {"status": "known"}}},
    }},
)  # fmt: skip
@open_to_all()
def hear(
    request: Request,
    system: Annotated[str, Path(description="Which help desk.", examples=["request-tracker"])],
    path: Annotated[str, Path(description="As `kbsupport webhooks inbound` showed it.")],
    raw: Annotated[bytes, Depends(_raw)],
    said: Annotated[Any, Depends(_parsed)],
) -> Response:
    """Hear that a ticket of another help desk is new or changed; it is read there in a moment.

    The address itself is the secret. A bell that was made with `--signed` also wants the headers
    of Standard Webhooks over the very bytes of the body. Of the body only the ticket's number is
    used: `{"ticket": 12}` or `{"ticket": {"id": 12, …}}`.
    """
    house = house_of(request)
    bell = house.app.lobby.bells.find(system, path)
    if bell is None:
        _slow_down(house, request)
        raise Problem(404, _NO_BELL)
    if bell.signed:
        _verify(house, request, house.app.lobby.bells.secret(bell), raw)
    try:
        number = number_in(system, said)
    except ConfigError:
        raise Problem(422, 'send {"ticket": NUMBER} or {"ticket": {"id": NUMBER}}') from None
    name = _name(bell.id, request.headers["webhook-id"]) if bell.signed else None
    # Whoever tries again signs again: a message is known by its id however young its signature.
    # One that is forgotten is heard again, and its ticket read again, which changes nothing.
    begun = name and house.requests.begin(name, hashlib.sha256(raw).hexdigest(), None)
    if isinstance(begun, Answered):
        return as_json({"status": "known"})
    house.app.lobby.inbound.ring(system, number)
    if begun:
        # Only now: a message that a kill kept from being heard may come again.
        house.requests.done(begun, 202, "")
    return as_json({"status": "heard"}, 202)


def _verify(house: House, request: Request, secret: str, raw: bytes) -> None:
    """A Problem unless these bytes were signed with the secret within the last five minutes."""
    from standardwebhooks import Webhook, WebhookVerificationError

    given = {name: request.headers.get(name, "") for name in _LONGEST}
    try:
        if all(len(given[name]) <= most for name, most in _LONGEST.items()):
            Webhook(secret).verify(raw, given, json_parse=False)
            return
    except (WebhookVerificationError, ValueError):
        pass
    _slow_down(house, request)
    raise Problem(401, "the signature does not fit; see Standard Webhooks")


def _name(bell_id: str, message_id: str) -> str:
    said = f"{bell_id}\0{message_id}"
    return f"{HOOK}{hashlib.sha256(said.encode()).hexdigest()}"


def _slow_down(house: House, request: Request) -> None:
    where = request.client.host if request.client else "nobody"
    house.buckets.take(f"guess/{where}", _GUESSES_A_MINUTE)
