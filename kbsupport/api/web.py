"""The web application: its routes, and what stands around all of them."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware

from kbsupport import __version__
from kbsupport.api import document, logs, problems
from kbsupport.api.doors import all_routers
from kbsupport.api.house import House
from kbsupport.api.lines import MOST

if TYPE_CHECKING:
    from kbsupport.app import App
    from kbsupport.tracing import Ended

    Message = MutableMapping[str, Any]
    Send = Callable[[Message], Awaitable[None]]
    Receive = Callable[[], Awaitable[Message]]
    Counted = Callable[[str, str, int, float], None]
    Traced = Callable[[Message], AbstractContextManager[Ended]]

# Nothing that comes from here is a page that may run anything, unless the route says otherwise.
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_LONGEST_ID = 64


def create(app: App, workers: int = 1) -> FastAPI:
    """The application over an app; `workers` is how many of these share its home."""
    house = House(app, workers)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with house.open():
            yield

    web = FastAPI(
        title="kbsupport", version=__version__, description=document.ABOUT, lifespan=lifespan,
        docs_url=None, redoc_url=None,
    )  # fmt: skip
    web.state.house = house
    problems.install(web)
    routers = all_routers()
    for router in routers:
        web.include_router(router)
    web.state.routes = [
        route for router in routers for route in router.routes if isinstance(route, APIRoute)
    ]
    # The first that is added is the innermost.
    web.add_middleware(Caught)
    origins = app.settings.serve.origins
    if origins:
        web.add_middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=tuple(document.HEADERS), max_age=600,
        )  # fmt: skip
    web.add_middleware(Around, counted=app.lobby.meters.requested, traced=app.lobby.traced)
    document.install(web)
    return web


class Caught:
    """Answers what nobody thought of, inside of what is put around every answer."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            # The outermost loop of a request.
            said = problems.unforeseen(scope["kbsupport.request_id"], error)
            if begun:
                raise  # half an answer is ended by hanging up
            await said(scope, receive, send)


class Around:
    """Gives every request an id and every response its safe headers."""

    def __init__(self, app: Any, counted: Counted, traced: Traced) -> None:
        self._app, self._counted, self._traced = app, counted, traced

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["kbsupport.request_id"] = _given(scope) or secrets.token_hex(8)
        scope["kbsupport.headers"] = {}
        with self._traced(scope) as ended:
            await self._answer(scope, receive, send, ended)

    async def _answer(self, scope: Message, receive: Receive, send: Send, ended: Ended) -> None:
        request_id = scope["kbsupport.request_id"]
        begun, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                held = message.setdefault("headers", [])
                names = {name.lower() for name, _ in held}
                held += [one for one in _more(scope) if one[0] not in names]
                held.append((b"x-request-id", request_id.encode()))
            await send(message)

        try:
            if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST:
                refused = problems.answer(request_id, 431, "the headers are too long")
                await refused(scope, receive, sending)
                return
            await self._app(scope, receive, sending)
        finally:
            # The route as it is written, never the path: that may name a customer.
            route: str | None = getattr(scope.get("route"), "path", None)
            ended(route, status)
            self._note(scope, route or "none", status, time.perf_counter() - begun)

    def _note(self, scope: Message, route: str, status: int, seconds: float) -> None:
        self._counted(route, scope["method"], status, seconds)
        said = {
            "request": scope["kbsupport.request_id"], "route": route, "method": scope["method"],
            "status": status, "ms": round(1000 * seconds, 1),
        }  # fmt: skip
        logs.ACCESS.info("request", extra=said)


def _more(scope: Message) -> list[tuple[bytes, bytes]]:
    """What every answer has, and what was promised of this one."""
    promised = scope["kbsupport.headers"].items()
    return [*_HEADERS, *((name.lower().encode(), value.encode()) for name, value in promised)]


def _given(scope: Message) -> str | None:
    """The id that a caller or a proxy gave, if it can stand in a header and a log."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            plain = text.replace("-", "").isalnum() and text.isascii()
            return text if plain and len(text) <= _LONGEST_ID else None
    return None
