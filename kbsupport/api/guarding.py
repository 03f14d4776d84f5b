"""Every route says who may come in; this asks before anything else is done.

In this order: who calls, whether they may, how often, how large the body is, what it says, and
whether this very request was done before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from kbsupport.api import strict
from kbsupport.api.limits import allowance, read_body
from kbsupport.api.problems import Problem, documented, promise
from kbsupport.errors import KbSupportError
from kbsupport.model import EVERYBODY, Caller, Role, Scope
from kbsupport.store.requests import Answered

if TYPE_CHECKING:
    from kbsupport.api.house import House

F = TypeVar("F", bound=Callable[..., Any])
Route = Callable[[Request], Coroutine[Any, Any, Response]]

REPLAYED = {"Idempotent-Replay": "true"}
_MARK = "__needs__"
_LONGEST_KEY = 255
_KEY_HEADER = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "Your name for this request: sent twice, it is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": _LONGEST_KEY,
               "pattern": "^[!-~]+$"},
}  # fmt: skip
_REFUSALS = (400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 502, 503)
# Whoever guesses keys is slowed down by where they come from.
_GUESSES_A_MINUTE = 20
_STRANGERS_A_MINUTE = 3000


class Visitors(StrEnum):
    """What a key that stands in a web page, for everybody to read, may do with a route."""

    NO = "no"
    ALSO = "also"
    ONLY = "only"  # no other key may


@dataclass(frozen=True, slots=True)
class Need:
    """What a caller must hold to use a route; no scope means that anybody may."""

    scope: Scope | None
    roles: frozenset[Role] = EVERYBODY
    files: bool = False  # its body may carry attachments
    once: bool = True  # it takes an Idempotency-Key; False where it does so by itself
    shown_once: str | None = None  # the field of its answer that is never kept
    visitors: Visitors = Visitors.NO
    thinks: bool = False  # it needs the model: only so many at once

    def refuses(self, caller: Caller) -> str | None:
        """Why this caller may not; None if they may."""
        if caller.visitors and self.visitors is Visitors.NO:
            return "this key stands in a page: it begins conversations and asks, nothing else"
        if self.visitors is Visitors.ONLY and not caller.visitors:
            return "this is for keys that stand in a page; see: kbsupport keys add --help"
        if self.scope not in caller.scopes or caller.role not in self.roles:
            return f"this needs a key with the scope {self.scope}, of a role that may do it"
        return None


def needs(
    scope: Scope,
    roles: frozenset[Role] = EVERYBODY,
    *,
    files: bool = False,
    once: bool = True,
    shown_once: str | None = None,
    visitors: Visitors = Visitors.NO,
    thinks: bool = False,
) -> Callable[[F], F]:
    """Declare what a route asks of its caller."""
    return _marked(Need(scope, roles, files, once, shown_once, visitors, thinks))


def open_to_all() -> Callable[[F], F]:
    """Declare that a route asks nothing of its caller."""
    return _marked(Need(None))


def door(tag: str, prefix: str = "/v1") -> APIRouter:
    """A router whose routes cannot be made without saying who may use them."""
    return APIRouter(
        prefix=prefix, tags=[tag], route_class=GuardedRoute, responses=documented(*_REFUSALS)
    )


def _marked(need: Need) -> Callable[[F], F]:
    def mark(endpoint: F) -> F:
        setattr(endpoint, _MARK, need)
        return endpoint

    return mark


def need_of(endpoint: Callable[..., Any]) -> Need:
    """What was declared; a route that declares nothing is a mistake of whoever wrote it."""
    found: Need | None = getattr(endpoint, _MARK, None)
    if found is None:
        raise TypeError(f"the route {endpoint.__name__} does not say who may use it: @needs(…)")
    return found


def _summary(endpoint: Callable[..., Any]) -> str:
    """The first sentence of what a route says of itself."""
    return (endpoint.__doc__ or endpoint.__name__).strip().splitlines()[0].rstrip(".")


class GuardedRoute(APIRoute):
    """A route that lets in whoever may come in."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.need = need_of(endpoint)
        scope = self.need.scope
        held = dict(options.get("openapi_extra") or {})
        if scope is not None:
            held |= {"security": [{"key": []}], "x-scope": str(scope)}
            held |= {"x-roles": sorted(self.need.roles), "x-visitors": str(self.need.visitors)}
        if "POST" in options.get("methods", ()) and scope is not None:
            held["parameters"] = [_KEY_HEADER]
        options["openapi_extra"] = held
        options["summary"] = options.get("summary") or _summary(endpoint)
        tag = next(iter(options.get("tags") or ()), "door")
        options["operation_id"] = options.get("operation_id") or f"{tag}_{endpoint.__name__}"
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Route:
        """FastAPI's own, with the guard before it."""
        need = self.need
        inner = (
            _in_turn(super().get_route_handler()) if need.thinks else super().get_route_handler()
        )

        async def guarded(request: Request) -> Response:
            house = house_of(request)
            caller = await admit(house, request, need)
            request.state.caller = caller
            if request.method in {"GET", "HEAD", "OPTIONS"}:
                return await inner(request)
            async with house.carrying(request.headers.get("content-length")):
                await _take_in(house, request, need)
                return await _done(house, request, caller, need, inner)

        return guarded


async def _done(
    house: House, request: Request, caller: Caller | None, need: Need, inner: Route
) -> Response:
    key = request.headers.get("idempotency-key")
    if key is None or caller is None or request.method != "POST":
        return await inner(request)
    request.state.key = check_key(key)
    request.state.named = await _named(request, caller)
    if not need.once:
        return await inner(request)
    return await _once(house, request, caller, need, inner)


def _in_turn(inner: Route) -> Route:
    async def waiting(request: Request) -> Response:
        async with house_of(request).thinking():
            return await inner(request)

    return waiting


def house_of(request: Request) -> House:
    """The app behind the doors."""
    found: House = request.app.state.house
    return found


def caller_of(request: Request) -> Caller:
    """Who calls; only routes that need a scope have one."""
    found: Caller | None = request.state.caller
    assert found is not None
    return found


def key_of(request: Request) -> str | None:
    """The caller's own name for this request."""
    found: str | None = getattr(request.state, "key", None)
    return found


def request_of(request: Request) -> tuple[str, str] | None:
    """What a request with a key is called, and what it asks; None without a key."""
    found: tuple[str, str] | None = getattr(request.state, "named", None)
    return found


async def admit(house: House, request: Request, need: Need) -> Caller | None:
    """Whoever calls, if they may; a Problem otherwise."""
    where = request.client.host if request.client else "nobody"
    if need.scope is None:
        house.buckets.take(f"open/{where}", _STRANGERS_A_MINUTE)
        return None
    keys, text = house.keys, _bearer(request)
    # A thread costs more than a look into memory.
    caller = keys.admit(text) if keys.at_hand(text) else await run_in_threadpool(keys.admit, text)
    if caller is None:
        house.buckets.take(f"guess/{where}", _GUESSES_A_MINUTE)
        raise Problem(401, "no valid key; send Authorization: Bearer kbs_…", _CHALLENGE)
    if caller.customer_id is None and not caller.staff:
        # Passes cost nothing: whoever draws many of them is one stranger at one address.
        house.buckets.take(f"open/{where}", _STRANGERS_A_MINUTE)
    left = house.buckets.take(*allowance(caller, house.settings.serve, where))
    promise(request, left.headers())
    _check_origin(house, request, caller)
    refused = need.refuses(caller)
    if refused is not None:
        raise Problem(403, refused)
    return caller


_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def _bearer(request: Request) -> str:
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""


def _check_origin(house: House, request: Request, caller: Caller) -> None:
    """A key that stands in a page works from the pages it is meant for, and nowhere else."""
    origin = request.headers.get("origin")
    if caller.visitors and origin not in house.origins(request):
        raise Problem(403, "this key works from the pages it was made for; see [serve] origins")


async def _take_in(house: House, request: Request, need: Need) -> None:
    serve, desk = house.settings.serve, house.settings.desk
    most = serve.most_kilobytes * 1000
    if need.files:
        # base64 makes four bytes of three.
        most += int(desk.most_files * desk.most_megabytes * 1e6 * 4 / 3)
    body = await read_body(request, most, serve.body_seconds)
    if not body:
        return
    strict.check_kind(request.headers.get("content-type"), request.headers.get("content-encoding"))
    # What Starlette keeps of a body it has parsed: FastAPI finds it there.
    request._json = strict.parse(body)  # noqa: SLF001


def check_key(key: str) -> str:
    """An Idempotency-Key that can be kept; a Problem otherwise."""
    if not key or len(key) > _LONGEST_KEY or not all("!" <= sign <= "~" for sign in key):
        raise Problem(400, f"an Idempotency-Key has 1 to {_LONGEST_KEY} visible ASCII signs")
    return key


async def _named(request: Request, caller: Caller) -> tuple[str, str]:
    body = await request.body()
    said = f"{request.method} {request.url.path}?{request.url.query}\0".encode()
    asked = hashlib.sha256(said + body).hexdigest()
    # Whoever they are and whatever they chose: a name that says nothing of either.
    who = caller.bucket
    if caller.visitors and request.client is not None:
        who = f"{who}/{request.client.host}"  # one key for everybody who looks at a page
    return hashlib.sha256(f"{who}\0{request.state.key}".encode()).hexdigest(), asked


async def _once(
    house: House, request: Request, caller: Caller, need: Need, inner: Route
) -> Response:
    """Do a request that has a key, or answer as it was answered before."""
    name, asked = request.state.named
    begun = await run_in_threadpool(house.requests.begin, name, asked, caller.customer_id)
    if isinstance(begun, Answered):
        kind = "text/event-stream" if begun.text.startswith("data: ") else "application/json"
        return Response(begun.text, begun.status, REPLAYED, kind)
    try:
        response = await inner(request)
    except Exception:
        # Ours or theirs to mend: either way they may try again. Whoever is cut off while it is
        # being done finds it in flight for a minute, since the thread that does it goes on.
        with suppress(KbSupportError):
            await run_in_threadpool(house.requests.forget, begun)
        raise
    if response.status_code >= 500:  # noqa: PLR2004 - ours to mend, so theirs to try again
        await run_in_threadpool(house.requests.forget, begun)
    else:
        held = _kept(bytes(response.body).decode(), need.shown_once)
        await run_in_threadpool(house.requests.done, begun, response.status_code, held)
    return response


def _kept(text: str, without: str | None) -> str:
    """An answer as it may lie in a database: without what is shown once."""
    return text if without is None else json.dumps({**json.loads(text), without: None})
