"""HTTP on the wire: a head that does not end is cut off, by its size and by its time."""

from __future__ import annotations

from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST = 32_768
HEAD_SECONDS = 10.0
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n"
_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"


class BoundedLines(HttpToolsProtocol):
    """uvicorn's own, with bounds that its parser lacks: on the size of a head, and on its time."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._head, self._in_head, self._ended = 0, True, False
        self._late: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Somebody is there, and has so long to say what they want."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._await_no_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a client."""
        self._ended = False
        super().data_received(data)
        if self not in self.connections:
            return  # a chat by now, with bounds of its own
        # How many bytes after a message belong to the next head is not said.
        if self._in_head and not self._ended:
            self._head += len(data)
            if self._head > MOST and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()
        # Bytes stop uvicorn's own clock of a connection at rest, and nothing starts it again.
        if self._at_rest() and self._late is None and self.timeout_keep_alive_task is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._await_no_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What follows is the next head."""
        self._head, self._in_head, self._ended = 0, True, True
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete and self.cycle.more_body:
            # It was answered before it was whole: from here on it rests like any other.
            self.cycle.more_body = False
            self._await_no_head()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _at_rest(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        self._late = self.loop.call_later(HEAD_SECONDS, self._cut)

    def _await_no_head(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _cut(self) -> None:
        self._late = None
        if self.transport.is_closing():
            return
        if self._head:  # browsers open connections that they may never use; nobody asks there
            self.transport.write(_TOO_LATE)
        self.transport.close()
