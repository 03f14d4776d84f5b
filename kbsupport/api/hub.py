"""One look at what happened, ten times a second, for everybody in this worker who waits for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from kbsupport.api.rooms import LEFT, Rooms
from kbsupport.errors import StoreError
from kbsupport.store import live
from kbsupport.store.live import Happened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kbsupport.app import App
    from kbsupport.model import Event

__all__ = ["Happened", "Hub", "Listener"]

P = ParamSpec("P")
T = TypeVar("T")

_LOG = logging.getLogger("kbsupport.api")
# A worker believes for a second what it read of a key: with this a revoked one ends within two.
_EVERY, _KEYS_EVERY, _AFTER_A_FAILURE = 0.1, 0.5, 1.0
_SYSTEMS_EVERY = 1.0
_BATCH = 500
_READERS, _WRITERS = 2, 4


class Listener:
    """Hears of every event from the moment it was made, in order, as batches.

    Whoever is slower than `most` batches hears no more: the iteration ends, and `ended` is True. To
    miss nothing, begin to listen first, then read what was before from the database, and skip what
    comes twice by its number.
    """

    def __init__(self, most: int) -> None:
        self._batches: asyncio.Queue[Sequence[Happened] | None] = asyncio.Queue(most + 1)
        self._most, self.ended = most, False

    def __aiter__(self) -> AsyncIterator[Sequence[Happened]]:
        return self._all()

    async def _all(self) -> AsyncIterator[Sequence[Happened]]:
        while (batch := await self._batches.get()) is not None:
            yield batch

    def hear(self, batch: Sequence[Happened]) -> None:
        """Take a batch, or hear no more."""
        if self.ended:
            return
        if self._batches.qsize() >= self._most:
            self.end()
        else:
            self._batches.put_nowait(batch)

    def end(self) -> None:
        """The last batch was given; there is always room to say so."""
        if not self.ended:
            self.ended = True
            self._batches.put_nowait(None)


class Hub:
    """What happens, told within a tenth of a second, whichever process did it.

    `listen()` gives every event (for a stream); `rooms` wakes the sockets of a conversation.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self.rooms = Rooms(app)
        self._listeners: set[Listener] = set()
        self._touched: set[str] = set()
        self._poked = asyncio.Event()
        self._after = 0
        self._keys_at = self._systems_at = 0.0
        self._reading = ThreadPoolExecutor(_READERS, "kbsupport-hub")
        self._storing = ThreadPoolExecutor(_WRITERS, "kbsupport-chat")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While the doors are open."""
        self._after = await self.read(self._newest)
        looking = asyncio.create_task(self._look_on())
        try:
            yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
            self.fall_silent()
            self._storing.shutdown()
            self._reading.shutdown()

    def fall_silent(self) -> None:
        """Nobody who listens hears any more."""
        for listener in self._listeners:
            listener.end()

    @contextmanager
    def listen(self, most: int = 100) -> Iterator[Listener]:
        """`with hub.listen() as heard: async for batch in heard: …`, batches of Happened."""
        made = Listener(most)
        self._listeners.add(made)
        try:
            yield made
        finally:
            self._listeners.discard(made)

    def touch(self, conversation_id: str) -> None:
        """Look at a conversation at once: something was stored, or somebody came."""
        self._touched.add(conversation_id)
        self._poked.set()

    async def read(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Done in one of the few threads that read for sockets."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reading, lambda: work(*given, **named))

    async def store(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Done in one of the few threads that write for sockets."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._storing, lambda: work(*given, **named))

    async def _look_on(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY):
                    await self._poked.wait()
            self._poked.clear()
            try:
                # First: a key ends even while what happened cannot be read.
                await self._check_keys()
                self._show_systems()
                await self._look()
            except Exception as error:  # noqa: BLE001 - the outermost loop: the next look may work
                _LOG.error("the hub failed: %s", type(error).__name__, exc_info=error)
                await asyncio.sleep(_AFTER_A_FAILURE)

    async def _look(self) -> None:
        found = await self.read(self._happened, self._after)
        if found:
            self._after = found[-1].event.id
            for listener in self._listeners:
                listener.hear(found)
        if len(found) == _BATCH:
            self._poked.set()
        events: dict[str, list[Event]] = defaultdict(list)
        for one in found:
            if one.conversation_id is not None and one.conversation_id in self.rooms:
                events[one.conversation_id].append(one.event)
        touched, self._touched = self._touched, set()
        wanted = self.rooms.read_from({*events, *touched})
        if wanted:
            await self._tell(wanted, events)

    async def _tell(self, wanted: Mapping[str, int], events: Mapping[str, Sequence[Event]]) -> None:
        try:
            news = await self.read(self.rooms.read, wanted, events)
        except StoreError:
            # They are told at the next look: messages by their numbers, all else by how it stands.
            self.rooms.refresh(wanted)
            self._touched.update(wanted)
            raise
        for name in self.rooms.deliver(news):
            self.touch(name)

    async def _check_keys(self) -> None:
        now = time.monotonic()
        if now < self._keys_at:
            return
        self._keys_at = now + _KEYS_EVERY
        for member in await self.read(self.rooms.ended, self.rooms.everybody()):
            member.end(LEFT, "the key or token has ended; get a new one")

    def _show_systems(self) -> None:
        """Whichever worker is asked for the counts of all of them shows what each has found."""
        now = time.monotonic()
        if now >= self._systems_at:
            self._systems_at = now + _SYSTEMS_EVERY
            self._app.lobby.meters.systems(self._app.lobby.breakers())

    def _newest(self) -> int:
        with self._app.database.read() as connection:
            return live.newest_event(connection)

    def _happened(self, after: int) -> list[Happened]:
        with self._app.database.read() as connection:
            return live.happened(connection, after, _BATCH)
