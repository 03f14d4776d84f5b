"""What happens: listed, streamed, and a message from outside with all that it caused."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Body, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from kbsupport.access.seeing import own_conversation, own_ticket, scope_of
from kbsupport.api.guarding import caller_of, door, house_of, key_of, needs
from kbsupport.api.paging import paged
from kbsupport.api.problems import Problem
from kbsupport.api.replying import as_json, decision_for
from kbsupport.api.shapes.events import ChainOut, ChatMessageIn, EventPage, EventsAsked
from kbsupport.errors import Conflict
from kbsupport.intake import Incoming
from kbsupport.model import STAFF, Caller, Event, EventType, Identity, Reply, Role, Scope
from kbsupport.store import conversations, decisions, live, stream

if TYPE_CHECKING:
    from kbsupport.api.house import House
    from kbsupport.api.hub import Listener
    from kbsupport.intake import Received

router = door("events")

_WRITERS = STAFF | {Role.CUSTOMER}
_HEARTBEAT, _CHECK_EVERY = 15.0, 0.7
# A token ends within a day without anybody ending it: a stream is opened anew before long.
_LONGEST = 900.0
_BATCH = 200
_EVENT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
}
_STREAMS_EACH, _STREAMS = 20, 2000
_PATIENCE, _LOOK_EVERY = 15.0, 0.05
_LARGEST = 2**53
# What customers are told of their own tickets; who did what inside is not among it.
_FOR_CUSTOMERS = frozenset(
    {
        EventType.TICKET_CREATED, EventType.TICKET_ANSWERED, EventType.TICKET_CLARIFYING,
        EventType.TICKET_ESCALATED, EventType.TICKET_CLAIMED, EventType.TICKET_REOPENED,
        EventType.TICKET_CLOSED, EventType.MESSAGE_RECEIVED, EventType.MESSAGE_SENT,
    }
)  # fmt: skip
_SHOWN_TO_CUSTOMERS = ("message", "seq", "decision")


@router.get("/events", response_model=EventPage)
@needs(Scope.TICKETS_READ)
def list_events(request: Request, asked: Annotated[EventsAsked, Query()]) -> Response:
    """List what happened, in order: all of it for staff, for customers that of their tickets."""
    caller, house = caller_of(request), house_of(request)
    _check_staff(caller)
    if asked.ticket_id is not None:
        own_ticket(house.app.database, caller, asked.ticket_id)
    after = asked.number if asked.cursor else asked.after
    rows = _read(house, caller, after or 0, asked.limit + 1, asked.ticket_id)
    return as_json(paged(rows, asked, lambda one: one.id, lambda one: _shown(caller, one)))


@router.get(
    "/events/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": _EVENT}}}},
)
@needs(Scope.TICKETS_READ)
def stream_events(
    request: Request,
    after: Annotated[
        int | None, Query(ge=0, lt=_LARGEST, description="Begin after this event, not now.")
    ] = None,
    last_event_id: Annotated[
        str | None, Header(max_length=20, description="The same, as a browser says it.")
    ] = None,
) -> Response:
    """Tell what happens as it happens, as server-sent events.

    A stream ends after a quarter of an hour, when its key ends, or when its reader is too slow:
    open it again with the id of the last event, and nothing is missed.
    """
    caller, house = caller_of(request), house_of(request)
    _check_staff(caller)
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit():
        after = min(int(last_event_id), _LARGEST)
    if after is None:
        with house.app.database.read() as connection:
            after = live.newest_event(connection)
    streams = _streams(request)
    if streams[caller.bucket] >= _STREAMS_EACH or streams.total() >= _STREAMS:
        raise Problem(429, "too many streams are open; close one", {"Retry-After": "5"})
    told = _tell(house, caller, after, streams)
    # A proxy before us must not gather what is told before it passes it on.
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(told, headers=headers, media_type="text/event-stream")


@router.post("/events", response_model=ChainOut)
@needs(Scope.TICKETS_WRITE, _WRITERS)
async def take_event(request: Request, said: Annotated[ChatMessageIn, Body()]) -> Response:
    """Take a message from outside in, decide it, and give back the whole chain that it caused.

    With an `id` it is taken in once, and answered with what has come of it by then; with an
    Idempotency-Key it is answered alike each time.
    """
    caller, house = caller_of(request), house_of(request)
    taken = await run_in_threadpool(_receive, house, caller, said, said.id or key_of(request))
    reply = await _decided(house, taken)
    chain = await run_in_threadpool(_chain, house, taken)
    return as_json(
        {
            "ticket_id": taken.ticket.id,
            "conversation_id": taken.ticket.conversation_id,
            "events": [_shown(caller, one) for one in chain if _may_see(caller, one)],
            "decision": decision_for(caller, reply) if reply else None,
        }
    )


def _check_staff(caller: Caller) -> None:
    if caller.staff and Scope.DESK not in caller.scopes:
        raise Problem(403, f"this needs a key with the scope {Scope.DESK}")


def _read(
    house: House, caller: Caller, after: int, most: int, ticket_id: str | None = None
) -> list[Event]:
    whose: dict[str, Any] = {}
    if not caller.staff:
        scope = scope_of(caller)
        scope.pop("nobodys", None)
        whose = scope | {"types": _FOR_CUSTOMERS}
    with house.app.database.read() as connection:
        return stream.happened_to(connection, after, most, ticket_id=ticket_id, **whose)


def _may_see(caller: Caller, event: Event) -> bool:
    return caller.staff or event.type in _FOR_CUSTOMERS


def _shown(caller: Caller, event: Event) -> dict[str, Any]:
    shown = event.to_dict()
    if not caller.staff:
        body = shown["body"]
        shown["body"] = {name: body[name] for name in _SHOWN_TO_CUSTOMERS if name in body}
    return shown


def _streams(request: Request) -> Counter[str]:
    """How many streams are open in this worker, by whose they are."""
    state = request.app.state
    if not hasattr(state, "streams"):
        state.streams = Counter()
    found: Counter[str] = state.streams
    return found


async def _tell(
    house: House, caller: Caller, after: int, streams: Counter[str]
) -> AsyncIterator[str]:
    streams[caller.bucket] += 1
    try:
        # Whoever is cut off before the first event knows from where to read on.
        yield f"id: {after}\nretry: 1000\n\n"
        with house.hub.listen() as heard:
            async for text in _live(house, caller, after, heard):
                yield text
    finally:
        streams[caller.bucket] -= 1
        streams += Counter()  # forgets whoever has none


async def _live(house: House, caller: Caller, after: int, heard: Listener) -> AsyncIterator[str]:
    """What was missed, then what happens, with a sign of life where nothing does."""
    over = time.monotonic() + _LONGEST
    while batch := await house.hub.read(_read, house, caller, after, _BATCH):
        # Whoever reads slowly may be at it when their key ends, or we do.
        still = await house.hub.read(house.keys.still, caller)
        if not still or heard.ended or time.monotonic() > over:
            return
        for event in batch:
            yield _frame(caller, event)
        after = batch[-1].id
    quiet_since = time.monotonic()
    # Whoever hears that something happened reads what of it is theirs.
    news = heard.__aiter__()
    waiting = asyncio.ensure_future(anext(news, None))
    try:
        while time.monotonic() < over and await house.hub.read(house.keys.still, caller):
            await asyncio.wait({waiting}, timeout=_CHECK_EVERY)
            if waiting.done():
                found = waiting.result()
                if found is None:
                    return
                for one in found:
                    mine = one.event.id > after and _is_theirs(caller, one)
                    if mine and _may_see(caller, one.event):
                        yield _frame(caller, one.event)
                        quiet_since = time.monotonic()
                after = max(after, found[-1].event.id)
                waiting = asyncio.ensure_future(anext(news, None))
            if time.monotonic() - quiet_since >= _HEARTBEAT:
                quiet_since = time.monotonic()
                yield ": still here\n\n"
    finally:
        waiting.cancel()


def _is_theirs(caller: Caller, one: live.Happened) -> bool:
    if caller.staff:
        return True
    if caller.customer_id is not None:
        return one.customer_id == caller.customer_id
    return one.customer_id is None and one.conversation_id == (caller.conversation_id or "")


def _frame(caller: Caller, event: Event) -> str:
    text = json.dumps(_shown(caller, event), separators=(",", ":"))
    return f"id: {event.id}\nevent: {event.type}\ndata: {text}\n\n"


def _receive(house: House, caller: Caller, said: ChatMessageIn, key: str | None) -> Received:
    wanted, customer = said.conversation_id, said.customer_id
    if not caller.staff:
        if customer is not None:
            raise Problem(403, "who writes is known from the key: leave customer_id out")
        customer = caller.customer_id
        wanted = wanted or caller.conversation_id
        wanted = None if wanted is None else own_conversation(house.app.database, caller, wanted).id
    named = Identity.NAMED if customer else Identity.ANONYMOUS
    given = Incoming(
        said.text, wanted, customer, identity=named if caller.staff else caller.identity,
        channel="chat", key=None if key is None else f"{caller.bucket}/{key}",
        language=said.language, product=said.product,
    )  # fmt: skip
    try:
        return house.app.lobby.intake.receive(given)
    except Conflict:
        raise Problem(422, "this id came with another message before") from None


async def _decided(house: House, taken: Received) -> Reply | None:
    """What the message was decided to; None if another process is too long at it."""
    async with house.thinking():
        await run_in_threadpool(house.app.lobby.deciding.now, taken.ticket.conversation_id)
    until = time.monotonic() + _PATIENCE
    while True:
        found = await house.hub.read(_reply_to, house, taken)
        if found is not None or time.monotonic() > until:
            return found
        await asyncio.sleep(_LOOK_EVERY)


def _reply_to(house: House, taken: Received) -> Reply | None:
    with house.app.database.read() as connection:
        said = conversations.messages(connection, taken.ticket.conversation_id)
        name = next((one.decision_id for one in said if one.id == taken.message.id), None)
        found = decisions.find_decision(connection, name) if name else None
    return None if found is None else Reply.from_dict(found.body)


def _chain(house: House, taken: Received) -> list[Event]:
    """The message's own event and all that follow from it."""
    chain: dict[int, Event] = {}
    after = 0
    while batch := house.app.people.events(after, _BATCH, taken.ticket.id):
        for event in batch:
            received = event.type is EventType.MESSAGE_RECEIVED
            own = received and event.body.get("message") == taken.message.id
            if own or event.cause in chain:
                chain[event.id] = event
        after = batch[-1].id
    return list(chain.values())
