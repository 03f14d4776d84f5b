"""uvicorn: one process, or several that are watched over and started again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.supervisors import Multiprocess

from kbsupport.app import open_app
from kbsupport.errors import ConfigError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kbsupport.settings import Loaded

_HOME, _CONFIG, _WORKERS = "KBSUPPORT_HOME", "KBSUPPORT_SERVE_CONFIG", "KBSUPPORT_SERVE_OF"
_LARGEST_FRAME = 16_384
_LONGEST_HEADERS = 32_768
_QUEUE = 2048
_LAST_WISH = 9.0
_AGAIN_AFTER = 1.0


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
    os.environ[_HOME] = str(loaded.home.absolute())
    os.environ[_WORKERS] = str(workers)
    if config is not None:
        os.environ[_CONFIG] = str(config.absolute())
    # Migrations are done once, before several processes look.
    with open_app(loaded.home, config) as app:
        app.database.settings()
    listening = _bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    tell(f"http://{shown}:{listening.getsockname()[1]} · {workers} workers · Ctrl-C ends it")
    set_up = _set_up(workers, int(loaded.settings.serve.drain_seconds))
    with _beside(config) if work else _nothing():
        if workers > 1:
            Multiprocess(set_up, [listening]).run()
        else:
            uvicorn.Server(set_up).run([listening])


def application() -> FastAPI:
    """What each worker builds for itself: connections and models do not survive a fork."""
    from kbsupport.api.web import create

    config = os.environ.get(_CONFIG)
    app = open_app(config=Path(config) if config else None)
    return create(app, int(os.environ.get(_WORKERS, "1")))


def _set_up(workers: int, drain: int) -> uvicorn.Config:
    return uvicorn.Config(
        "kbsupport.api.serving:application",
        factory=True,
        workers=workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_QUEUE,
        h11_max_incomplete_event_size=_LONGEST_HEADERS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=drain,
        ws_max_size=_LARGEST_FRAME,
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
    made.set_inheritable(True)
    return made


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
