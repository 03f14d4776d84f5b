"""A load generator: so many connections, each asking again as soon as it was answered.

Written by hand to cost little: it runs on the same two cores as what it measures.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import uvloop

# What is sent as the n-th request of a connection: path, body, its own key.
Made = Callable[[int], tuple[str, dict[str, Any], str | None]]


@dataclass
class Answers:
    """How long each request took, and what was answered."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    bodies: list[bytes] = field(default_factory=list)
    took: float = 0.0

    @property
    def errors(self) -> int:
        """Everything that is no 2xx, and connections that broke."""
        return self.broken + sum(n for status, n in self.statuses.items() if status // 100 != 2)

    @property
    def a_second(self) -> float:
        """How many were answered in a second."""
        return (len(self.seconds) - self.errors) / self.took

    def percentile(self, which: int) -> float:
        """Milliseconds that so many of a hundred stayed below."""
        return 1000 * quantiles(self.seconds, n=100)[which - 1]


def run(
    port: int, bearer: str, made: Made, *, connections: int, seconds: float, keep: bool = False
) -> Answers:
    """Ask for so many seconds and wait for the last answers."""
    found = Answers()
    numbers = iter(range(10**9))

    async def all_of_them() -> None:
        until = time.perf_counter() + seconds
        each = [_one(port, bearer, made, numbers, until, found, keep) for _ in range(connections)]
        begun = time.perf_counter()
        await asyncio.gather(*each)
        found.took = time.perf_counter() - begun

    uvloop.run(all_of_them())
    return found


async def _one(
    port: int, bearer: str, made: Made, numbers: Iterator[int], until: float, found: Answers,
    keep: bool,
) -> None:  # fmt: skip
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        path, body, key = made(next(numbers))
        begin = time.perf_counter()
        try:
            writer.write(request(path, body, bearer, key))
            status, answer = await read(reader)
        except (OSError, asyncio.IncompleteReadError):
            found.broken += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            continue
        found.seconds.append(time.perf_counter() - begin)
        found.statuses[status] += 1
        if keep:
            found.bodies.append(answer)
    writer.close()


def request(path: str, body: dict[str, Any], bearer: str, key: str | None) -> bytes:
    """One request as bytes."""
    data = json.dumps(body).encode()
    named = f"Idempotency-Key: {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {bearer}\r\n{named}"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    at = head.index(b"content-length:") + 15
    length = int(head[at : head.index(b"\r\n", at)])
    return int(head[9:12]), await reader.readexactly(length)
