"""Frames that come in over a pipe: what is none is answered, not passed over in silence."""

from __future__ import annotations

from contextvars import Context
from types import TracebackType
from typing import Any, Self

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError
from pydantic import ValidationError

_BROKEN_JSON = "json_invalid"


class Frames:
    """The SDK's stream of frames, without those that are none: whoever sent them is told."""

    def __init__(self, inner: Any, out: Any) -> None:
        self._inner, self._out = inner, out

    @property
    def last_context(self) -> Context | None:
        """What the SDK runs the next call in."""
        found: Context | None = self._inner.last_context
        return found

    async def receive(self) -> SessionMessage:
        """The next frame that says something."""
        while True:
            frame = await self._inner.receive()
            if isinstance(frame, SessionMessage):
                return frame
            # Which request it was meant to be is not known, so the answer names none.
            said = JSONRPCError(jsonrpc="2.0", id=None, error=_what(frame))
            await self._out.send(SessionMessage(said))

    async def aclose(self) -> None:
        """Hang up."""
        await self._inner.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def _what(fault: Exception) -> ErrorData:
    kinds = {one["type"] for one in fault.errors()} if isinstance(fault, ValidationError) else set()
    if kinds and kinds != {_BROKEN_JSON}:
        return ErrorData(code=INVALID_REQUEST, message="this frame is no JSON-RPC message")
    return ErrorData(code=PARSE_ERROR, message="this frame is no JSON")
