"""What stands around the server over HTTP: how many at once, and what is sent before the end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import uvicorn

_BUSY = b"too many calls at once; try again\n"
_HEADERS = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(_BUSY)).encode()),
    (b"retry-after", b"1"),
)


class AtMost:
    """So many requests are answered at once, whoever else holds a connection."""

    def __init__(self, most: int, app: Any) -> None:
        self._free, self._app = most, app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request; whoever comes to none that is free is told when to come again."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._free <= 0:
            await send({"type": "http.response.start", "status": 503, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": _BUSY})
            return
        self._free -= 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._free += 1


class Listening(uvicorn.Server):
    """Acts once all is answered: the signal that ended it ends this process right after."""

    def __init__(self, set_up: uvicorn.Config, act: Callable[[], None]) -> None:
        super().__init__(set_up)
        self._act = act

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what was begun end."""
        await super().shutdown(sockets)
        self._act()
