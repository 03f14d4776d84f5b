"""One chat over one socket: what comes in is stored before it is acknowledged, in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from kbsupport.access.seeing import own_conversation
from kbsupport.api import chat_frames, strict
from kbsupport.api.chat_frames import Frame
from kbsupport.api.limits import allowance
from kbsupport.api.problems import Problem
from kbsupport.api.rooms import LEFT
from kbsupport.api.shapes.chat import MessageIn, PingIn
from kbsupport.errors import Conflict, KbSupportError, NotAllowed, NotFound
from kbsupport.intake import Incoming
from kbsupport.model import Delivery
from kbsupport.store import conversations

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from kbsupport.api.house import House
    from kbsupport.api.rooms import News
    from kbsupport.intake import Received
    from kbsupport.model import Caller, Message

_LOG = logging.getLogger("kbsupport.api")

JOIN_SECONDS = 0.6
_QUEUE = 100
_MESSAGES, _FRAMES, _WINDOW = 20, 200, 10.0
_WRONG_FRAMES = 3
_BINARY, _MALFORMED, _TOO_MUCH, _TRY_LATER, _BROKEN = 1003, 1007, 1008, 1013, 1011
_LAST_WORD = 2.0
_LONGEST_ID = 100
# How a socket says that nobody is there any more.
_HUNG_UP = (WebSocketDisconnect, RuntimeError, OSError)
_CATCH_UP = 10.0


@dataclass(frozen=True, slots=True)
class Entered:
    """Who came in with a pass, to which conversation, and after which message they read on."""

    caller: Caller
    conversation_id: str
    after: int


class Revoked(Exception):
    """The key or token of the socket has ended."""


class Chat:
    """Reads, stores and answers on one socket until either side has enough."""

    def __init__(self, house: House, socket: WebSocket, entered: Entered) -> None:
        self._house, self._socket = house, socket
        self._hub = house.hub
        self.caller, self._name = entered.caller, entered.conversation_id
        self.seen, self.fresh = entered.after, True
        self._out: asyncio.Queue[Frame] = asyncio.Queue(_QUEUE)
        self._ending: tuple[int, str] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._came: deque[float] = deque(maxlen=_FRAMES)
        self._sent: deque[float] = deque(maxlen=_MESSAGES)
        self._wrong = 0

    async def run(self) -> None:
        """The whole of it; the socket has been accepted."""
        self._writing = asyncio.create_task(self._write())
        reading = asyncio.create_task(self._read())
        try:
            await asyncio.wait({reading, self._writing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.rooms.leave(self._name, self)
            for task in (reading, self._writing):
                task.cancel()
            *_, ended = await asyncio.gather(reading, self._writing, return_exceptions=True)
            if isinstance(ended, Exception) and not isinstance(ended, _HUNG_UP):
                _LOG.error("a chat was not told: %s", type(ended).__name__, exc_info=ended)
                self.end(_BROKEN, "this could not be done; come again")
            await self._close()

    def give(self, frame: Frame) -> None:
        """Put a frame in the queue; whoever reads too slowly has to come again."""
        try:
            self._out.put_nowait(frame)
        except asyncio.QueueFull:
            self.end(_TRY_LATER, "you read too slowly; come again with your last number")

    def end(self, code: int, reason: str) -> None:
        """Close the socket; the first reason counts."""
        if self._ending is None:
            self._ending = (code, reason)
        if self._writing is not None:
            self._writing.cancel()

    async def _read(self) -> None:
        try:
            await self._catch_up()
            while self._ending is None:
                found = await self._socket.receive()
                if found["type"] != "websocket.receive":
                    return
                await self._take(found.get("text"))
        except WebSocketDisconnect:
            return
        except Revoked:
            self.end(LEFT, "the key or token has ended; get a new one")
        except Exception as error:  # noqa: BLE001 - the outermost loop of a socket
            _LOG.error("a chat failed: %s", type(error).__name__, exc_info=error)
            self.end(_BROKEN, "this could not be done; come again")

    async def _catch_up(self) -> None:
        """Everything from the number that was asked for, as fast as it is read; then live."""
        self.seen = min(self.seen, await self._hub.read(self._last))
        more = True
        while more:
            # Until it has joined a room nobody else looks whether it may still read.
            if not await self._hub.read(self._house.keys.still, self.caller):
                raise Revoked
            news = await self._hub.read(self._page)
            more = news.more
            try:
                async with asyncio.timeout(_CATCH_UP):
                    for frame in news.messages:
                        await self._out.put(frame)
                        self.seen = frame.seq
                    # What follows has to find room.
                    await self._out.join()
            except TimeoutError:
                self.end(_TRY_LATER, "you read too slowly; come again with your last number")
                return
        if not self._hub.rooms.join(self._name, self):
            self.end(_TRY_LATER, "too many sockets read along; close some")
        self._hub.touch(self._name)

    def _last(self) -> int:
        with self._house.app.database.read() as connection:
            return conversations.last_seq(connection, self._name)

    def _page(self) -> News:
        return self._hub.rooms.read({self._name: self.seen}, {})[self._name]

    async def _write(self) -> None:
        while True:
            frame = await self._out.get()
            await self._socket.send_text(frame.text)
            self._out.task_done()
            said = frame.message
            unread = said is not None and said.delivery is Delivery.PENDING
            if said is not None and unread and not self.caller.staff:
                await self._hub.store(self._note_read, said)

    def _note_read(self, message: Message) -> None:
        """It was sent, which is noted after: it may be shown twice, never not at all."""
        try:
            conversation = own_conversation(self._house.app.database, self.caller, self._name)
            if conversation.fetched:
                self._house.app.people.note_read(message)
        except KbSupportError as error:
            _LOG.warning("a message was sent and not noted: %s", " ".join(str(error).split()))

    async def _close(self) -> None:
        if self._ending is None:
            return
        code, reason = self._ending
        # Whoever does not read cannot be told; they are hung up on.
        with contextlib.suppress(TimeoutError, RuntimeError, WebSocketDisconnect, OSError):
            async with asyncio.timeout(_LAST_WORD):
                await self._socket.close(code, reason)

    async def _take(self, text: str | None) -> None:
        if _too_often(self._came, _WINDOW):
            self.end(_TOO_MUCH, "too many frames")
            return
        # What answers a frame waits for room in the queue, and the next frame waits for that.
        await self._out.put(await self._answer(text))

    async def _answer(self, text: str | None) -> Frame:
        if text is None:
            return self._note_wrong(_BINARY, "frames are text")
        try:
            frame = _parsed(text)
        except Problem as problem:
            return self._note_wrong(_MALFORMED, problem.detail, _id_of(text))
        if isinstance(frame, PingIn):
            return chat_frames.plain("pong")
        return await self._receive(frame)

    def _note_wrong(self, code: int, detail: str, id: str | None = None) -> Frame:
        self._wrong += 1
        if self._wrong >= _WRONG_FRAMES:
            self.end(code, "three frames could not be read")
        return chat_frames.wrong("bad_frame", detail, id)

    async def _receive(self, frame: MessageIn) -> Frame:
        if self.caller.staff:
            detail = "staff read along here; answer with POST /v1/escalations/{id}/answer"
            return chat_frames.wrong("not_allowed", detail, frame.id)
        try:
            self._count()
            received = await self._hub.store(self._store, frame)
        except Problem as problem:
            return chat_frames.wrong("rate_limited", problem.detail, frame.id)
        except KbSupportError as error:
            return chat_frames.wrong(*_why(error), frame.id)
        self._hub.touch(self._name)
        return chat_frames.plain("ack", id=frame.id, seq=received.message.seq)

    def _count(self) -> None:
        if _too_often(self._sent, _WINDOW):
            raise Problem(429, f"{_MESSAGES} messages in {_WINDOW:.0f} seconds; wait a moment")
        self._house.buckets.take(*allowance(self.caller, self._house.settings.serve))

    def _store(self, frame: MessageIn) -> Received:
        lobby, caller = self._house.app.lobby, self.caller
        if not lobby.keys.still(caller):
            raise Revoked
        return lobby.intake.receive(
            Incoming(
                frame.text, self._name, caller.customer_id, caller.identity, "chat",
                # The same id in another conversation is another message.
                key=f"{self._name}/{frame.id}", join_seconds=JOIN_SECONDS,
            )
        )  # fmt: skip


def _parsed(text: str) -> MessageIn | PingIn:
    found = strict.parse(text.encode("utf-8", "replace"))
    kind = found.get("type") if isinstance(found, dict) else None
    try:
        return PingIn.model_validate(found) if kind == "ping" else MessageIn.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:100]
        raise Problem(422, f"{where or 'the frame'}: {first['msg']}") from None


def _id_of(text: str) -> str | None:
    """What a message that cannot be taken calls itself, so that its sender does not go on."""
    with contextlib.suppress(Problem):
        found = strict.parse(text.encode("utf-8", "replace"))
        name = found.get("id") if isinstance(found, dict) else None
        return name if isinstance(name, str) and len(name) <= _LONGEST_ID else None
    return None


def _why(error: KbSupportError) -> tuple[str, str]:
    """A failure as the customer may read it."""
    if isinstance(error, Conflict):
        return "conflict", "another message came with this id before; give each its own"
    if isinstance(error, NotAllowed | NotFound):
        return "not_allowed", "this conversation is not yours to write in"
    _LOG.error("a message of a chat was not stored: %s", " ".join(str(error).split()))
    return "not_stored", "it could not be stored just now; send it again with the same id"


def _too_often(times: deque[float], window: float) -> bool:
    """True if the last so many all lie within the window; else one more is noted."""
    now = time.monotonic()
    full = len(times) == times.maxlen and now - times[0] < window
    if not full:
        times.append(now)
    return full
