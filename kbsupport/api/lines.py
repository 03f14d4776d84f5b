"""HTTP on the wire: a head that does not end is cut off before it fills the memory."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST = 32_768
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n"


class BoundedLines(HttpToolsProtocol):
    """uvicorn's own, with a bound that its parser lacks."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._head, self._in_head = 0, True

    def data_received(self, data: bytes) -> None:
        """Some bytes of a client."""
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > MOST and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What follows is the next head."""
        self._head, self._in_head = 0, True
        super().on_message_complete()
