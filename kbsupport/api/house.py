"""What the routes find behind them: the app, and what all requests of one worker share."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from kbsupport.api.hub import Hub
from kbsupport.api.limits import Buckets
from kbsupport.api.problems import Problem
from kbsupport.api.readiness import Readiness, look
from kbsupport.errors import KbSupportError
from kbsupport.store import requests
from kbsupport.store.requests import Answered, Begun, Different, InFlight

if TYPE_CHECKING:
    from types import FrameType

    from starlette.requests import HTTPConnection

    from kbsupport.access.keys import Keys
    from kbsupport.app import App

_LOG = logging.getLogger("kbsupport.api")
# A few threads of one process think faster than sixteen, which only wait for one another.
_THINKERS = 3
_LONGEST_LINE = 500
# With its files a body may have 70 MB, and is several times that while it is read.
_SMALL, _LARGE_ONES = 1_000_000, 4
_AGAIN_AFTER = 5.0


@contextmanager
def _before_the_end(act: Callable[[], None]) -> Iterator[None]:
    """Act as soon as we are told to stop: the server waits for open streams, and tells nobody."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGTERM, signal.SIGINT)}

    def stop(sign: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)
        heeded = before[signal.Signals(sign)]
        if callable(heeded):
            heeded(sign, frame)

    for sign in before:
        signal.signal(sign, stop)
    try:
        yield
    finally:
        for sign, heeded in before.items():
            signal.signal(sign, heeded)


class Requests:
    """What came of requests that have a key."""

    def __init__(self, app: App) -> None:
        self._app = app

    def begin(self, key: str, asked: str, customer_id: str | None) -> Answered | Begun:
        """What was answered before, or that the request is to be done now."""
        now = self._app.people.clock()
        try:
            with self._app.database.write() as connection:
                return requests.begin(connection, key, asked, customer_id, now)
        except Different:
            detail = "this Idempotency-Key came with another request before"
            raise Problem(422, detail) from None
        except InFlight:
            detail = "the request with this Idempotency-Key is being done"
            raise Problem(409, detail, {"Retry-After": "1"}) from None

    def done(self, begun: Begun, status: int, body: str) -> None:
        """Keep what was answered."""
        with self._app.database.write() as connection:
            requests.done(connection, begun, status, body)

    def forget(self, begun: Begun) -> None:
        """Let it be made again."""
        with self._app.database.write() as connection:
            requests.forget(connection, begun)


class House:
    """One worker's app and what its requests share."""

    def __init__(self, app: App, workers: int = 1) -> None:
        self.app, self.settings = app, app.settings
        self.requests = Requests(app)
        self.buckets = Buckets(workers)
        self.hub = Hub(app)
        self._thinking = asyncio.Semaphore(_THINKERS)
        self._carrying = asyncio.Semaphore(_LARGE_ONES)
        self._in_line = 0
        self._warm = False
        self._failed: str | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While the doors are open; the first customer need not wait for the model."""
        over = asyncio.Event()
        warming = asyncio.create_task(self._keep_warming_up(over))
        try:
            async with self.hub.open():
                with _before_the_end(self.hub.fall_silent):
                    yield
        finally:
            over.set()
            await warming
            await run_in_threadpool(self.app.lobby.fall_silent)
            await run_in_threadpool(self.app.close)

    @asynccontextmanager
    async def thinking(self) -> AsyncIterator[None]:
        """A turn with the model; a Problem where the line is too long to wait in."""
        if self._in_line >= _LONGEST_LINE:
            raise Problem(503, "too many questions at once; try again", {"Retry-After": "2"})
        self._in_line += 1
        try:
            async with self._thinking:
                yield
        finally:
            self._in_line -= 1

    @asynccontextmanager
    async def carrying(self, length: str | None) -> AsyncIterator[None]:
        """While a body is in memory; of the large ones there are only so many at once."""
        if length is not None and length.isdecimal() and int(length) <= _SMALL:
            yield
            return
        async with self._carrying:
            yield

    def readiness(self) -> Readiness:
        """What works right now."""
        return look(self.app, warm=self._warm, failed=self._failed)

    async def _keep_warming_up(self, over: asyncio.Event) -> None:
        """Until it works: an index may be made, or a model mended, while the doors are open."""
        while not over.is_set():
            await run_in_threadpool(self._warm_up)
            if self._warm:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_AFTER):
                    await over.wait()

    def _warm_up(self) -> None:
        try:
            self.app.search("warm")
            self._warm, self._failed = True, None
        except KbSupportError as error:
            _LOG.warning("not warm: %s", " ".join(str(error).split()))
            self._failed = "cannot be asked; the log says why"
        except Exception as error:  # noqa: BLE001 - the outermost call of its thread
            _LOG.error("not warm: %s", type(error).__name__, exc_info=error)
            self._failed = "cannot be asked; the log says why"

    @cached_property
    def keys(self) -> Keys:
        """Who may come in."""
        return self.app.lobby.keys

    def origins(self, request: HTTPConnection) -> frozenset[str]:
        """The pages that may hold the chat: those that are allowed, and our own."""
        host = request.headers.get("host", "")
        # Whether it came by TLS only a proxy before us knows.
        return frozenset((*self.settings.serve.origins, f"http://{host}", f"https://{host}"))
