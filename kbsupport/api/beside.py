"""`kbsupport work` in a process of its own, beside the workers that answer."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

_AGAIN_AFTER = 1.0
# A little more than it takes for itself to leave what hangs.
_LAST_WISH = 8.5


class Beside:
    """While it is entered, the work is done: it is started again if it dies, until `end`."""

    def __init__(self, config: Path | None) -> None:
        named = [] if config is None else ["--config", str(config.absolute())]
        self._command = [sys.executable, "-m", "kbsupport", *named, "--quiet", "work", "--beside"]
        self._over = threading.Event()
        self._starting = threading.Lock()
        self._until = 0.0
        self._program: subprocess.Popen[bytes] | None = None
        self._watching = threading.Thread(target=self._watch, name="kbsupport-beside", daemon=True)

    def __enter__(self) -> Self:
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._watching.join(max(0.0, self._until - time.monotonic()))
        if self._program is not None:
            self._program.kill()

    def end(self) -> None:
        """Tell it to end, once, and do not wait for it."""
        with self._starting:
            if self._over.is_set():
                return
            self._over.set()
            self._until = time.monotonic() + _LAST_WISH
            if self._program is not None:
                self._program.terminate()

    def _watch(self) -> None:
        while True:
            with self._starting:
                if self._over.is_set():
                    return
                # Its own session: Ctrl-C is for us, and we tell it in our own time.
                self._program = subprocess.Popen(self._command, start_new_session=True)  # noqa: S603
            self._program.wait()
            self._over.wait(_AGAIN_AFTER)
