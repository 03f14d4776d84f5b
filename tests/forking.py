"""The command line in copies of one process that has imported everything: 0.1 s instead of 2 s.

Each copy is a real process with streams, a folder, an environment, signals and an exit code of its
own. Not for tests of imports, of a cold start, or of how Python opens streams.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path

# What a command that indexes, asks or serves imports until it has done so.
IMPORTED = (
    "alembic.command", "chromadb", "kbsupport.api.serving", "kbsupport.api.web", "kbsupport.app",
    "kbsupport.cli.main", "kbsupport.learning.renewing", "kbsupport.testing", "mcp.server",
    "onnxruntime", "scipy.stats", "sklearn.feature_extraction.text", "sklearn.linear_model",
)  # fmt: skip
_LARGEST = 100_000


class Copy(subprocess.Popen):
    """A copy that runs the command line, used as any other process is.

    `fake` lets it embed without a model, `strict` makes an error of every warning.
    """

    def __init__(self, original, arguments, *, fake=False, strict=False, **options):
        self._original, self._line = original, None
        self._wish = {"fake": fake, "strict": strict}
        super().__init__([str(one) for one in arguments], **options)

    def _execute_child(
        self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo,
        creationflags, shell, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, *more
    ):  # fmt: skip
        wish = self._wish | {
            "arguments": args, "folder": str(cwd or Path.cwd()), "session": more[5],
            "environment": dict(os.environ if env is None else env),
        }  # fmt: skip
        streams = (p2cread, c2pwrite, errwrite)
        held = [own if one == -1 else one for own, one in enumerate(streams)]
        self._line, theirs = _pair()
        with theirs:
            socket.send_fds(self._original, [json.dumps(wish).encode()], [theirs.fileno(), *held])
        self.pid = int(self._line.recv(_LARGEST))
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)

    def _internal_poll(self, *_, **__):
        if self.returncode is None and select.select([self._line], [], [], 0)[0]:
            self._ended()
        return self.returncode

    def _wait(self, timeout):
        if self.returncode is None:
            if not select.select([self._line], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            self._ended()
        return self.returncode

    def _ended(self):
        self.returncode = os.waitstatus_to_exitcode(int(self._line.recv(_LARGEST)))
        self._line.close()


@contextlib.contextmanager
def original():
    """The process that is copied; it ends when it cannot be reached any more."""
    ours, theirs = _pair()
    with theirs:
        command = [sys.executable, __file__, str(theirs.fileno())]
        begun = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
    with ours:
        yield ours
    begun.wait(10)


def _pair():
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _copied(line):
    """Make copies on request; returns None at the end, and in each copy what it is to do."""
    watched, copies = select.poll(), {}
    watched.register(line, select.POLLIN)
    while True:
        for number, _ in watched.poll():
            if number in copies:
                watched.unregister(number)
                os.close(number)
                _bury(*copies.pop(number))
                continue
            said, held, _, _ = socket.recv_fds(line, _LARGEST, 4)
            if not said:
                return None
            pid = os.fork()
            if not pid:
                for other in (line.detach(), held[0], *copies):
                    os.close(other)
                return _become(json.loads(said), held[1:])
            for stream in held[1:]:
                os.close(stream)
            told = socket.socket(fileno=held[0])
            told.send(str(pid).encode())
            watching = os.pidfd_open(pid)
            copies[watching] = pid, told
            watched.register(watching, select.POLLIN)


def _bury(pid, told):
    _, status = os.waitpid(pid, 0)
    with told, contextlib.suppress(OSError):  # whoever began it may be gone
        told.send(str(status).encode())


def _become(wish, streams):
    """All that a new process begins with."""
    if wish["session"]:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(wish["folder"])
    os.environ.clear()
    os.environ.update(wish["environment"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if wish["strict"]:
        warnings.simplefilter("error")
    if wish["fake"]:
        from kbsupport.app import App
        from kbsupport.testing import FakeEmbedder

        App.embedder = FakeEmbedder()
    return wish


if __name__ == "__main__":
    # Whoever is at the keyboard interrupts the tests, which end us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # It heeds this when it is imported; a copy of a process with its thread would never end.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    for _name in IMPORTED:
        importlib.import_module(_name)
    gc.collect()
    gc.freeze()
    _wish = _copied(socket.socket(fileno=int(sys.argv[1])))
    if _wish is not None:
        sys.argv = ["kbsupport", *_wish["arguments"]]
        runpy.run_module("kbsupport", run_name="__main__", alter_sys=True)
