"""Ctrl-C ends a command with 130, whatever code it lands in."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

INTERRUPTED = 130


@contextlib.contextmanager
def heeding_ctrl_c() -> Iterator[None]:
    """Leave at once when Ctrl-C is pressed.

    No KeyboardInterrupt: a compiled package that is being loaded swallows it, makes an ImportError
    of it, or crashes on it. What is stored survives a kill at any moment, so leaving is safe.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread, and so does whoever presses
        return
    before = signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def leave(code: int) -> None:
    """End this process at once, whatever its threads are at."""
    for stream in (sys.stdout, sys.stderr):
        # RuntimeError: the press came while this very stream was being written.
        with contextlib.suppress(OSError, ValueError, AttributeError, RuntimeError):
            stream.flush()
    os._exit(code)


def _leave(_number: int, _frame: Any) -> None:
    leave(INTERRUPTED)
