"""uvicorn: one process, or several that are watched over and started again."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn import _subprocess
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess, multiprocess

from kbsupport import meters, tracing
from kbsupport.api import logs
from kbsupport.api.beside import Beside
from kbsupport.api.lines import BoundedLines
from kbsupport.app import open_app
from kbsupport.errors import ConfigError

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from types import FrameType

    from fastapi import FastAPI

    from kbsupport.settings import Loaded

_HOME, _CONFIG, _WORKERS = "KBSUPPORT_HOME", "KBSUPPORT_SERVE_CONFIG", "KBSUPPORT_SERVE_OF"
_LARGEST_FRAME = 16_384
_QUEUE = 2048
_DEAD_AFTER = 30_000
# So long after it was told to end, whoever hangs is left behind: what was taken in is stored.
_LAST_WISH = 8.5
_INTERRUPTED = 130
_METERS = "meters-"
# Each worker multiplies alone: threads of several workers only wait for one another's cores, and
# 0.6 ms become 20.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
# onnxruntime heeds it as it is imported; a copy of a process with its thread might never end.
_TELLS_NOBODY = ("ORT_DISABLE_TELEMETRY",)
# Workers begin as copies of a process that has imported what they need: alone each of them takes
# two seconds of a core for that, and whoever calls while none is left waits for it.
_IMPORTED = ["kbsupport.api.web", "chromadb", "onnxruntime", "tokenizers", "scipy.sparse"]


def serve(
    loaded: Loaded,
    config: Path | None,
    *,
    host: str,
    port: int,
    workers: int,
    work: bool,
    tell: Callable[[str], None],
) -> int:
    """Open the doors until SIGTERM or Ctrl-C, then finish what was begun; the exit code."""
    for name in (*_THREADS, *_TELLS_NOBODY):
        os.environ.setdefault(name, "1")
    os.environ[_HOME] = str(loaded.home.absolute())
    os.environ[_WORKERS] = str(workers)
    if config is not None:
        os.environ[_CONFIG] = str(config.absolute())
    # Migrations are done once, before several processes look.
    with open_app(loaded.home, config) as app:
        app.database.settings()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a socket is a file
    listening = _bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    tell(f"http://{shown}:{listening.getsockname()[1]} · {workers} workers · Ctrl-C ends it")
    section = loaded.settings.serve
    if section.traces:
        tracing.exporter()  # said once, rather than by each worker
    set_up = _set_up(workers, int(section.drain_seconds), section.proxies)
    logs.to_stderr(access=False)
    # uvicorn raises a signal again once it has heeded it; what is beside us has to be ended first.
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: None)
    beside = Beside(config)
    with _counting(loaded.home / "run"), beside if work else nullcontext():
        if workers > 1:
            several = _Workers(set_up, [listening], beside.end)
            several.run()
            return several.code
        alone = _Alone(set_up, beside.end)
        alone.run([listening])
        return alone.code


class _Worker(multiprocess.Process):
    """Whether it still answers is asked over a pipe, of which it alone holds the other end."""

    def start(self) -> None:
        super().start()
        # Held here as well, the pipe would outlive it: one that dies while it is asked was waited
        # for, 5 seconds, and so were all others.
        self.child_conn.close()


class _Workers(Multiprocess):
    """Ends all of them in time, and what is beside them at the same time."""

    def __init__(
        self, set_up: uvicorn.Config, sockets: list[socket.socket], end: Callable[[], None]
    ) -> None:
        super().__init__(set_up, sockets)
        self._end, self._interrupted = end, False

    @property
    def code(self) -> int:
        """What all of this ends with: a worker that cannot begin ends the others."""
        if any(one.exitcode == STARTUP_FAILURE for one in self.processes):
            return STARTUP_FAILURE
        return _INTERRUPTED if self._interrupted else 0

    def init_processes(self) -> None:
        copied = multiprocessing.get_context("forkserver")
        copied.set_forkserver_preload(_IMPORTED)
        # uvicorn has no setting for either.
        _subprocess.spawn = copied  # type: ignore[assignment]
        multiprocess.Process = _Worker  # type: ignore[misc]
        # Ctrl-C reaches every process of a terminal; a worker that still loads leaves it to us.
        heeded = signal.signal(signal.SIGINT, signal.SIG_IGN)
        super().init_processes()
        signal.signal(signal.SIGINT, heeded)

    def handle_int(self) -> None:
        self._interrupted = True
        super().handle_int()

    def terminate_all(self) -> None:
        self._end()
        super().terminate_all()

    def join_all(self) -> None:
        until = time.monotonic() + _LAST_WISH
        for one in self.processes:
            one.process.join(max(0.0, until - time.monotonic()))
            if one.process.is_alive():
                one.kill()
        super().join_all()


class _Alone(uvicorn.Server):
    """The same where this process answers by itself."""

    def __init__(self, set_up: uvicorn.Config, end: Callable[[], None]) -> None:
        super().__init__(set_up)
        self._end, self.code = end, 0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGINT:
            self.code = _INTERRUPTED
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end()
        # A thread that hangs would be waited for without end.
        late = threading.Timer(_LAST_WISH, lambda: os._exit(self.code))
        late.daemon = True
        late.start()
        await super().shutdown(sockets)


def application() -> FastAPI:
    """What each worker builds for itself: connections and models do not survive a fork."""
    from kbsupport.api.web import create

    parent = multiprocessing.parent_process()
    if parent is not None:
        ending = threading.Thread(target=_end_with, args=[parent], name="kbsupport-end")
        ending.daemon = True
        ending.start()
    config = os.environ.get(_CONFIG)
    app = open_app(config=Path(config) if config else None)
    logs.to_stderr(access=app.settings.serve.log_requests)
    return create(app, int(os.environ.get(_WORKERS, "1")))


def _end_with(parent: BaseProcess) -> None:
    """A server that was killed tells nobody; workers it left would go on and hold its port."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _set_up(workers: int, drain: int, proxies: Sequence[str] = ()) -> uvicorn.Config:
    return uvicorn.Config(
        "kbsupport.api.serving:application",
        factory=True,
        workers=workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        backlog=_QUEUE,
        http=BoundedLines,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=drain,
        ws_max_size=_LARGEST_FRAME,
        # Browsers ask for it, and every socket would pay for it with memory.
        ws_per_message_deflate=False,
        ws_max_queue=16,
        ws_ping_interval=20,
        ws_ping_timeout=20,
    )


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except OSError as error:
        made.close()
        cure = "choose another --port, or end what listens there"
        raise ConfigError(f"{host}:{port} cannot be opened: {error.strerror}; {cure}") from error
    # A peer that reads no more does not keep what was meant for it for ever.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_AFTER)
    made.set_inheritable(True)
    return made


@contextmanager
def _counting(folder: Path) -> Iterator[None]:
    """A folder in which all processes of this server count; those of dead servers go."""
    for old in folder.glob(f"{_METERS}*"):
        if not Path(f"/proc/{old.name.removeprefix(_METERS)}").exists():
            shutil.rmtree(old, ignore_errors=True)
    own = folder / f"{_METERS}{os.getpid()}"
    own.mkdir(parents=True, exist_ok=True)
    os.environ[meters.FOLDER] = str(own.absolute())
    try:
        yield
    finally:
        shutil.rmtree(own, ignore_errors=True)
