"""Chat: how soon a message is acknowledged, stored for good, while many sockets are open.

`kbsupport serve` with 2 workers and the process that decides beside them. 1,000 sockets are open,
one in ten of them a second one on the conversation of another; 50 messages a second are sent, each
on the next conversation, for two minutes. Every socket has to hear all of its conversation, in
order, once.

    python benchmarks/sockets.py [--sockets 1000] [--rate 50] [--seconds 120]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks import bases, load
from benchmarks.common import ROOT, write_result
from benchmarks.figures import figure, load_note, show
from benchmarks.served import Served, served
from kbsupport import open_app
from kbsupport.access.keys import Wish
from kbsupport.evaluation.labels import read_labels
from kbsupport.model import Role, Scope

_DIFFERENT = 500
_SECOND_OF = 10
_AT_ONCE = 8
_LAST_ANSWERS = 60.0
_SCOPES = [Scope.ASK, Scope.TICKETS_READ, Scope.TICKETS_WRITE, Scope.PRIORITY]


@dataclass
class Reader:
    """One socket, and what came over it."""

    conversation: str
    socket: ClientConnection
    sent: dict[str, float] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    errors: int = 0
    closed: bool = False

    async def read(self) -> None:
        """Everything until the other side closes."""
        try:
            async for text in self.socket:
                self._hear(json.loads(text), time.perf_counter())
        except ConnectionClosed:
            pass
        self.closed = True

    def _hear(self, frame: dict[str, Any], now: float) -> None:
        if frame["type"] == "ack":
            self.waits.append(now - self.sent[frame["id"]])
            self.acknowledged[frame["id"]] = frame["seq"]
        elif frame["type"] == "message":
            self.seqs.append(frame["seq"])
        elif frame["type"] == "error":
            self.errors += 1

    async def say(self, id: str, text: str) -> None:
        """Send a message."""
        self.sent[id] = time.perf_counter()
        await self.socket.send(json.dumps({"type": "message", "id": id, "text": text}))


@dataclass
class Came:
    """All sockets at the end, how long opening them took, and what the server held."""

    readers: list[Reader]
    opened_in: float
    memory_mb: float
    dropped: int

    def waits(self) -> list[float]:
        """Seconds from sending to each acknowledgement."""
        return [wait for one in self.readers for wait in one.waits]

    def missing(self) -> int:
        """Messages that were acknowledged, and not heard by a socket of their conversation."""
        stored: dict[str, set[int]] = {}
        for one in self.readers:
            stored.setdefault(one.conversation, set()).update(one.acknowledged.values())
        return sum(len(stored[one.conversation] - set(one.seqs)) for one in self.readers)

    def gaps(self) -> int:
        """Numbers that a socket skipped."""
        return sum(max(one.seqs, default=0) - len(set(one.seqs)) for one in self.readers)

    def disordered(self) -> int:
        """Messages that came after a later one, or twice."""
        pairs = [pair for one in self.readers for pair in zip(one.seqs, one.seqs[1:], strict=False)]
        return sum(later <= sooner for sooner, later in pairs)


async def enter(web: Served, key: str, body: dict[str, str]) -> dict[str, Any]:
    """A pass, as a page gets one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    head, rest = load.request("/v1/chat/tickets", body, key, None).split(b"\r\n", 1)
    # The page's own host, as the request names it.
    writer.write(b"\r\n".join((head, b"Origin: http://127.0.0.1", rest)))
    status, answer = await load.read(reader)
    writer.close()
    if status != 200:
        raise SystemExit(f"no pass: {status} {answer.decode()}")
    found: dict[str, Any] = json.loads(answer)
    return found


async def dial(web: Served, entered: dict[str, Any]) -> Reader:
    """A socket that is up to date."""
    address = f"ws://127.0.0.1:{web.port}/v1/chat?ticket={entered['ticket']}"
    socket = await connect(address, compression=None, ping_interval=None, proxy=None)
    await socket.recv()
    return Reader(entered["conversation_id"], socket)


async def open_all(web: Served, key: str, count: int) -> list[Reader]:
    """So many sockets, a tenth of them seconds."""
    room = asyncio.Semaphore(_AT_ONCE)
    seconds = count // _SECOND_OF

    async def pair(number: int) -> list[Reader]:
        async with room:
            entered = await enter(web, key, {})
            made = [await dial(web, entered)]
            if number < seconds:
                name = entered["conversation_id"]
                again = await enter(web, entered["token"], {"conversation_id": name})
                made.append(await dial(web, again))
            return made

    pairs = await asyncio.gather(*(pair(number) for number in range(count - seconds)))
    return [reader for one in pairs for reader in one]


async def chat(web: Served, key: str, flags: argparse.Namespace) -> Came:
    """Open, write, and wait for the last answers."""
    asked = bases.questions(_DIFFERENT)
    begun = time.perf_counter()
    readers = await open_all(web, key, flags.sockets)
    opened_in = time.perf_counter() - begun
    reading = [asyncio.create_task(one.read()) for one in readers]
    writers = list({one.conversation: one for one in readers}.values())
    begun, total = time.perf_counter(), int(flags.rate * flags.seconds)
    for number in range(total):
        await asyncio.sleep(max(0.0, begun + number / flags.rate - time.perf_counter()))
        await writers[number % len(writers)].say(f"m{number}", asked[number % len(asked)])
    memory = web.memory_mb()
    came = Came(readers, opened_in, memory, 0)
    until = time.perf_counter() + _LAST_ANSWERS
    # Nothing tells when the last of many frames has come.
    while time.perf_counter() < until and (len(came.waits()) < total or came.missing()):  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    came.dropped = sum(one.closed for one in readers)
    await asyncio.gather(*(one.socket.close() for one in readers))
    await asyncio.gather(*reading)
    return came


def figures_of(came: Came, total: int) -> dict[str, Any]:
    """Each bar beside what was reached."""
    waits = came.waits()
    cuts = [1000 * cut for cut in quantiles(waits, n=100)]
    errors = sum(one.errors for one in came.readers)
    return {
        "p50": figure("acknowledged: half within", cuts[49], "ms"),
        "p95": figure("acknowledged: 95 % within", cuts[94], "ms", at_most=250),
        "p99": figure("acknowledged: 99 % within", cuts[98], "ms"),
        "unacknowledged": figure("not acknowledged", total - len(waits), "", at_most=0),
        "missing": figure("acknowledged and not heard", came.missing(), "", at_most=0),
        "gaps": figure("gaps in what a socket heard", came.gaps(), "", at_most=0),
        "order": figure("messages out of order or twice", came.disordered(), "", at_most=0),
        "errors": figure("errors and sockets that broke", errors + came.dropped, "", at_most=0),
        "memory": figure("memory of all processes", came.memory_mb, "MB", at_most=800),
        "opened": figure("all of them opened within", came.opened_in, "s"),
    }


def prepared(home: Path) -> str:
    """A home that can answer, and the key of a page."""
    tickets = ROOT / "data" / "tickets.jsonl"
    with open_app(home=home) as app:
        app.index([ROOT / "data" / "articles"])
        labels = read_labels(tickets)
        app.learner.calibrate(labels, tickets.name, risk=0.1, confidence=0.95, learn=True)
        wish = Wish("page", Role.CUSTOMER, _SCOPES, visitors=True)
        return app.lobby.keys.add(wish, "benchmark")[1]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--try", action="store_true", dest="trial", help="Write no result.")
    flags = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    began = load_note()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        key = prepared(home)
        with served(home) as web:
            came = uvloop.run(chat(web, key, flags))
    figures = figures_of(came, int(flags.rate * flags.seconds))
    show(figures)
    notes = [
        began,
        f"{flags.sockets:,} sockets, {flags.rate:g} messages a second for {flags.seconds:g} s.",
    ]
    if not flags.trial:
        write_result("sockets", figures, "python benchmarks/sockets.py", notes)


if __name__ == "__main__":
    main()
