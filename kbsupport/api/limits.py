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

from starlette.requests import ClientDisconnect

from kbsupport.api.problems import Problem
from kbsupport.model import Scope

if TYPE_CHECKING:
    from fastapi import Request

    from kbsupport.model import Caller
    from kbsupport.settings import ServeSettings

_REMEMBERED = 50_000


@dataclass(slots=True)
class _Level:
    tokens: float
    at: float


@dataclass(frozen=True, slots=True)
class Left:
    """How many calls a bucket holds, how many are left, and the seconds until it is full again."""

    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """As most clients look for it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


def allowance(caller: Caller, serve: ServeSettings, where: str = "") -> tuple[str, int]:
    """The bucket that a caller's calls are taken from, and how many it allows in a minute.

    All keys and tokens of one customer share one; what is allowed to `priority` is another, so
    that a key without it uses up nothing that was promised to one that has it.
    """
    first = Scope.PRIORITY in caller.scopes
    name = f"customer/{caller.customer_id}" if caller.customer_id else caller.bucket
    if caller.visitors:
        # A key that everybody can read is counted by where its holder is.
        name = f"{name}/{where}"
    rate = serve.priority_calls_a_minute if first else serve.calls_a_minute
    return f"{Scope.PRIORITY}/{name}" if first else name, rate


class Buckets:
    """A bucket for each caller that fills at a steady rate and holds a minute's worth; in memory.

    Each worker counts for itself, so each gets its share of what is allowed in all.
    """

    def __init__(self, workers: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._workers, self._clock = workers, clock
        self._levels: OrderedDict[str, _Level] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str, a_minute: int) -> Left:
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
            fits = held.tokens >= 1
            held.tokens -= fits
            tokens = held.tokens
        left = Left(int(most), int(tokens), ceil((most - tokens) * 60 / most))
        if fits:
            return left
        wait = {"Retry-After": str(ceil((1 - tokens) * 60 / most))}
        raise Problem(429, "too many calls; wait and try again", wait | left.headers())


async def read_body(request: Request, most: int, seconds: float) -> bytes:
    """The whole body, if it is small and comes in time; kept for whoever reads it after."""
    said = request.headers.get("content-length")
    if said is not None and said.isdecimal() and int(said) > most:
        raise Problem(413, f"at most {most} bytes are taken", {"Connection": "close"})
    try:
        async with asyncio.timeout(seconds):
            held = await _gather(request, most)
    except ClientDisconnect:
        raise Problem(400, "the body ended before it was whole") from None
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
