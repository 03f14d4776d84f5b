"""uvicorn: one process, or several that are watched over and started again."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn import _subprocess
from uvicorn.supervisors import Multiprocess

from kbsupport import meters, tracing
from kbsupport.api import logs
from kbsupport.api.lines import BoundedLines
from kbsupport.app import open_app
from kbsupport.errors import ConfigError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kbsupport.settings import Loaded

_HOME, _CONFIG, _WORKERS = "KBSUPPORT_HOME", "KBSUPPORT_SERVE_CONFIG", "KBSUPPORT_SERVE_OF"
_LARGEST_FRAME = 16_384
_QUEUE = 2048
_DEAD_AFTER = 30_000
_LAST_WISH = 9.0
_AGAIN_AFTER = 1.0
_METERS = "meters-"
# Each worker multiplies alone: threads of several workers only wait for one another's cores, and
# 0.6 ms become 20.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
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
) -> None:
    """Open the doors until SIGTERM or Ctrl-C, then finish what was begun."""
    for name in _THREADS:
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
    # uvicorn raises a signal again once it has heeded it; what is beside us has to be ended first.
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: None)
    with _counting(loaded.home / "run"), _beside(config) if work else _nothing():
        if workers > 1:
            _Workers(set_up, [listening]).run()
        else:
            uvicorn.Server(set_up).run([listening])


class _Workers(Multiprocess):
    """Ctrl-C reaches every process of a terminal; a worker that still loads leaves it to us."""

    def init_processes(self) -> None:
        copied = multiprocessing.get_context("forkserver")
        copied.set_forkserver_preload(_IMPORTED)
        _subprocess.spawn = copied  # type: ignore[assignment] # uvicorn has no setting for it
        heeded = signal.signal(signal.SIGINT, signal.SIG_IGN)
        super().init_processes()
        signal.signal(signal.SIGINT, heeded)


def application() -> FastAPI:
    """What each worker builds for itself: connections and models do not survive a fork."""
    from kbsupport.api.web import create

    config = os.environ.get(_CONFIG)
    app = open_app(config=Path(config) if config else None)
    logs.to_stderr(access=app.settings.serve.log_requests)
    return create(app, int(os.environ.get(_WORKERS, "1")))


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


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _beside(config: Path | None) -> Iterator[None]:
    """`kbsupport work` in a process of its own, started again if it dies."""
    named = [] if config is None else ["--config", str(config.absolute())]
    command = [sys.executable, "-m", "kbsupport", *named, "--quiet", "work"]
    over = threading.Event()
    held: list[subprocess.Popen[bytes]] = []

    def watch() -> None:
        while not over.is_set():
            # Its own session: Ctrl-C is for us, and we tell it in our own time.
            program = subprocess.Popen(command, start_new_session=True)  # noqa: S603
            held[:] = [program]
            program.wait()
            over.wait(_AGAIN_AFTER)

    watching = threading.Thread(target=watch, name="kbsupport-beside", daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        for program in held:
            program.terminate()
            try:
                program.wait(_LAST_WISH)
            except subprocess.TimeoutExpired:
                program.kill()
