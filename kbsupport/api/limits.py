"""How much and how often: bodies before they are parsed, calls before they are made."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from kbsupport.api.problems import Problem

if TYPE_CHECKING:
    from fastapi import Request

_REMEMBERED = 50_000


@dataclass(slots=True)
class _Level:
    tokens: float
    at: float


class Buckets:
    """A bucket for each caller that fills at a steady rate and holds a minute's worth; in memory.

    Each worker counts for itself, so each gets its share of what is allowed in all.
    """

    def __init__(self, workers: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._workers, self._clock = workers, clock
        self._levels: OrderedDict[str, _Level] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str, a_minute: int, cost: float = 1.0) -> None:
        """One call; a Problem with the seconds to wait where the bucket is empty."""
        most = max(1.0, a_minute / self._workers)
        now = self._clock()
        with self._lock:
            held = self._levels.pop(name, None) or _Level(most, now)
            held.tokens = min(most, held.tokens + (now - held.at) * most / 60)
            held.at = now
            self._levels[name] = held
            while len(self._levels) > _REMEMBERED:
                self._levels.popitem(last=False)
            if held.tokens >= cost:
                held.tokens -= cost
                return
            wait = ceil((cost - held.tokens) * 60 / most)
        raise Problem(429, "too many calls; wait and try again", {"Retry-After": str(wait)})


async def read_body(request: Request, most: int, seconds: float) -> bytes:
    """The whole body, if it is small and comes in time; kept for whoever reads it after."""
    said = request.headers.get("content-length")
    if said is not None and said.isdecimal() and int(said) > most:
        raise Problem(413, f"at most {most} bytes are taken", {"Connection": "close"})
    try:
        async with asyncio.timeout(seconds):
            held = await _gather(request, most)
    except TimeoutError:
        raise Problem(408, "the body did not come in time", {"Connection": "close"}) from None
    # What Starlette reads a body from; a second reader finds it there.
    request._body = held  # noqa: SLF001
    return held


async def _gather(request: Request, most: int) -> bytes:
    parts: list[Any] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Problem(413, f"at most {most} bytes are taken", {"Connection": "close"})
        parts.append(part)
    return b"".join(parts)
