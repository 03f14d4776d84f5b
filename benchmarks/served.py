"""`kbsupport serve` as a benchmark starts it: on a free port, with a key, until it is done."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from kbsupport import open_app
from kbsupport.access.keys import Wish
from kbsupport.model import Role, Scope

_PATIENCE = 60.0


@dataclass(frozen=True)
class Served:
    """Where it listens, the key that opens everything, and its processes."""

    port: int
    key: str
    program: subprocess.Popen[bytes]

    def ready(self) -> bool:
        """True if a worker answers and has its model."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as said:
                parts = json.load(said)["components"]
                # A line of messages to be decided is no fault of whoever takes them in.
                return all(parts[name] == "ok" for name in ("database", "index", "model"))
        except (OSError, urllib.error.URLError):
            return False

    def taking(self) -> bool:
        """True if a worker answers that messages can be taken: `/readyz` is a 200."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as said:
                return bool(said.status == HTTPStatus.OK)
        except (OSError, urllib.error.URLError):
            return False

    def processes(self) -> list[int]:
        """It and all that it started."""
        return [self.program.pid, *_children(self.program.pid)]

    def workers(self) -> list[int]:
        """The processes that answer: copies of the one that has imported everything."""
        copied = [pid for pid in _children(self.program.pid) if "forkserver" in _command(pid)]
        return [pid for pid in copied if not _children(pid)]

    def memory_mb(self) -> float:
        """What all of them hold, memory that is shared counted once."""
        return sum(_pss(pid) for pid in self.processes()) / 1000


@contextmanager
def served(home: Path, *options: str, workers: int = 2) -> Iterator[Served]:
    """Serve a home, ready to answer."""
    with open_app(home=home) as app:
        wish = Wish("benchmark", Role.ADMIN, [*Scope])
        _, key = app.lobby.keys.add(wish, "benchmark")
    port = free_port()
    command = [
        sys.executable, "-m", "kbsupport", "--home", str(home), "--quiet", "serve",
        "--port", str(port), "--workers", str(workers), *options,
    ]  # fmt: skip
    log = (home.parent / "serve.log").open("wb")
    program = subprocess.Popen(command, env=os.environ, stderr=log)
    made = Served(port, key, program)
    try:
        wait_until(made.ready)
        yield made
    finally:
        program.send_signal(signal.SIGTERM)
        try:
            program.wait(15)
        except subprocess.TimeoutExpired:
            program.kill()


def wait_until(reached: Callable[[], bool], patience: float = _PATIENCE) -> float:
    """How many seconds it took."""
    begin = time.perf_counter()
    while not reached():
        if time.perf_counter() - begin > patience:
            raise SystemExit(f"not ready after {patience:g} s")
        time.sleep(0.05)
    return time.perf_counter() - begin


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        # A thread may end while we look.
        with suppress(OSError):
            for child in task.read_text(encoding="ascii").split():
                found += [int(child), *_children(int(child))]
    return found


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    return ""


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
