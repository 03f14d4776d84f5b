"""Chat: a pass for a socket, the socket, and the page and script that use both."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from importlib.resources import files
from secrets import token_hex
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import Body, Request, Response, WebSocket
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from kbsupport.access.seeing import own_conversation
from kbsupport.api import problems
from kbsupport.api.chat import Chat, Entered
from kbsupport.api.guarding import Visitors, caller_of, door, house_of, needs, open_to_all
from kbsupport.api.house import House
from kbsupport.api.problems import Problem
from kbsupport.api.replying import as_json
from kbsupport.api.rooms import LEFT
from kbsupport.api.shapes.chat import ChatTicketIn, ChatTicketOut
from kbsupport.errors import NotFound
from kbsupport.model import Caller, Role, Scope

router = door("chat")
pages = door("chat", prefix="")

_SECONDS = 60
_LARGEST_SEQ, _LONGEST_SEQ = 2**53, 16
# Whoever guesses passes is slowed down by where they come from.
_GUESSES_A_MINUTE, _STRANGERS_A_MINUTE = 20, 3000
_WRITERS = frozenset(Role) - {Role.AUDITOR}
_TICKET = re.compile(r"[A-Za-z0-9_-]{43}")
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


@router.post("/chat/tickets", response_model=ChatTicketOut)
@needs(Scope.TICKETS_WRITE, _WRITERS, once=False, visitors=Visitors.ALSO)
def enter(request: Request, wish: Annotated[ChatTicketIn, Body()]) -> Response:
    """Get a ticket that opens one chat socket, once, within a minute.

    A visitor is given a token beside it: with that they come back to the conversation. Sent twice,
    it makes two tickets, whatever its key: what it gives is never kept.
    """
    house, caller = house_of(request), caller_of(request)
    name = _conversation(house, caller, wish.conversation_id)
    whoever, token = caller, None
    if caller.customer_id is None and not caller.staff:
        minutes = house.settings.serve.token_minutes
        whoever = replace(
            caller, visitors=False, by_token=True, conversation_id=name,
            expires_at=house.keys.until(minutes),
        )  # fmt: skip
        token = house.keys.token(caller, minutes, customer_id=None, conversation_id=name)
    ticket = house.keys.entry(whoever, name)
    return as_json(
        {
            "ticket": ticket,
            "conversation_id": name,
            "expires_in": _SECONDS,
            "url": f"/v1/chat?ticket={ticket}",
            "token": token,
            "token_expires_in": int(house.settings.serve.token_minutes * 60) if token else None,
        }
    )


@router.websocket("/chat")
@needs(Scope.TICKETS_WRITE, _WRITERS)
async def chat(socket: WebSocket, ticket: str = "", after: str = "0") -> None:
    """One conversation, live; docs/chat.md has the frames and the codes."""
    house: House = socket.app.state.house
    try:
        entered = await _admit(house, socket, ticket, after)
    except Problem as problem:
        said = problems.answer(token_hex(8), problem.status, problem.detail, problem.headers)
        await socket.send_denial_response(said)
        return
    # A browser is only told why if the door was opened first.
    await socket.accept()
    if entered is None:
        await socket.close(LEFT, "this ticket opens nothing; get a new one")
        return
    await Chat(house, socket, entered).run()


async def _admit(house: House, socket: WebSocket, ticket: str, after: str) -> Entered | None:
    where = socket.client.host if socket.client else "nobody"
    house.buckets.take(f"open/{where}", _STRANGERS_A_MINUTE)
    origin = socket.headers.get("origin")
    # Programs send none; a browser always does, and one that will not say which is refused.
    if origin is not None and origin not in house.origins(socket):
        raise Problem(403, "this page may not hold the chat; see [serve] origins")
    number = after.isascii() and after.isdecimal() and len(after) <= _LONGEST_SEQ
    if not number or int(after) >= _LARGEST_SEQ:
        raise Problem(400, "after is the number of the last message that you have")
    ours = _TICKET.fullmatch(ticket)
    found = await run_in_threadpool(house.keys.enter, ticket) if ours else None
    if found is None or found[1] is None:
        house.buckets.take(f"guess/{where}", _GUESSES_A_MINUTE)
        return None
    return Entered(found[0], found[1], int(after))


def _conversation(house: House, caller: Caller, wanted: str | None) -> str:
    """The conversation that a caller may chat in; whatever is not theirs is not there."""
    for scope in (Scope.DESK,) if caller.staff else (Scope.TICKETS_READ,):
        if scope not in caller.scopes:
            raise Problem(403, f"this needs a key with the scope {scope}")
    wanted = wanted or caller.conversation_id
    if caller.visitors and wanted is not None:
        raise NotFound("a page's key only begins conversations; come back with your token")
    if wanted is not None:
        return own_conversation(house.app.database, caller, wanted).id
    if caller.staff:
        raise Problem(422, "staff read along: name a conversation_id")
    return f"v-{uuid4().hex}"


@pages.get("/chat", response_class=HTMLResponse)
@open_to_all()
def page(request: Request) -> Response:
    """A page that holds the chat, to try it on."""
    host = request.headers.get("host", "")
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'{sockets}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    headers = {"Content-Security-Policy": policy}
    return Response(_file("page.html"), headers=headers, media_type="text/html")


_Kind = Literal["text/javascript", "text/css"]


@pages.get("/chat.js", response_class=Response)
@open_to_all()
def script() -> Response:
    """The chat for any page: one file, nothing to build."""
    return _served("chat.js", "text/javascript")


@pages.get("/chat-page.js", response_class=Response)
@open_to_all()
def page_script() -> Response:
    """What the page /chat does."""
    return _served("page.js", "text/javascript")


@pages.get("/chat-page.css", response_class=Response)
@open_to_all()
def page_style() -> Response:
    """How the page /chat looks."""
    return _served("page.css", "text/css")


def _served(name: str, kind: _Kind) -> Response:
    # Pages everywhere hold it by one address: it is asked for again each time it may be new.
    headers = {
        "Cache-Control": "public, max-age=300",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(_file(name), headers=headers, media_type=kind)


@cache
def _file(name: str) -> bytes:
    return files("kbsupport.api").joinpath("widget", name).read_bytes()
