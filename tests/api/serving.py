"""The doors on a real socket: `kbsupport serve` as it is, or the same server in a thread."""

import json
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from real_servers import free_port, running
from websockets.sync.client import connect

from kbsupport.api import serving
from kbsupport.api.web import create


@dataclass
class Served:
    """Where it listens, and how it is spoken to."""

    port: int
    headers: dict = field(default_factory=dict)
    house: Any = None  # behind it, where it is in this process

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.port}"

    def call(self, path, body=None, method=None, **headers):
        """The status and what was answered."""
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        asked = urllib.request.Request(
            f"{self.origin}{path}", data, self.headers | kind | headers, method=method
        )
        try:
            with urllib.request.urlopen(asked, timeout=30) as reply:
                return reply.status, _read(reply)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, _read(refused)

    def enter(self, header, conversation_id=None, **headers):
        """A pass for a chat socket."""
        wish = {} if conversation_id is None else {"conversation_id": conversation_id}
        status, found = self.call("/v1/chat/tickets", wish, **header, **headers)
        assert status == 200, found
        return found

    def chat(self, ticket, after=0, **options):
        """A socket, as a program opens one."""
        options.setdefault("proxy", None)
        options.setdefault("compression", None)
        address = f"ws://127.0.0.1:{self.port}/v1/chat?ticket={ticket}&after={after}"
        return connect(address, **options)


class Talk:
    """One side of a chat: what was heard is kept, and read until something wanted comes."""

    def __init__(self, socket):
        self.socket, self.heard = socket, []

    def say(self, id, text):
        """Send a message; its acknowledgement is yet to come."""
        self.socket.send(json.dumps({"type": "message", "id": id, "text": text}))

    def until(self, type, count=1, within=10.0):
        """The last of so many frames of a type."""
        while True:
            frame = json.loads(self.socket.recv(timeout=within))
            self.heard.append(frame)
            count -= frame["type"] == type
            if not count:
                return frame

    def seqs(self):
        """The numbers of the messages that came, in the order in which they came."""
        return [frame["seq"] for frame in self.heard if frame["type"] == "message"]


def _read(reply):
    text = reply.read().decode()
    return json.loads(text) if "json" in reply.headers.get("Content-Type", "") else text


@contextmanager
def in_thread(app, *, port=0, work=True, small_buffers=False):
    """The server as `kbsupport serve` sets it up, over an app of this process; it closes the app.

    `work` decides what waits, in a thread as well; the buffers of a socket hold little if `small`.
    """
    set_up = serving._set_up(1, 2)
    set_up.app, set_up.factory = create(app), False
    server = uvicorn.Server(set_up)
    over = threading.Event()
    threads = [threading.Thread(target=app.lobby.work.run, args=(over,))] if work else []
    with _listening(port, small_buffers) as listening:
        threads.append(threading.Thread(target=server.run, kwargs={"sockets": [listening]}))
        for thread in threads:
            thread.start()
        try:
            _wait(lambda: server.started)
            yield Served(listening.getsockname()[1], house=set_up.app.state.house)
        finally:
            over.set()
            for thread in threads[:-1]:
                thread.join()
            server.should_exit = True
            threads[-1].join()


@contextmanager
def served(home, *options, port=None, log, workers=1, **env):
    """`kbsupport serve` in a process of its own, from its first healthy answer."""
    found = Served(port or free_port())
    command = [
        sys.executable, "-m", "kbsupport", "--home", str(home), "--quiet", "serve",
        "--port", str(found.port), "--workers", str(workers), *options,
    ]  # fmt: skip

    def answers():
        try:
            return found.call("/healthz")[0] == 200
        except OSError:
            return False

    with running(command, log=log, env=env, answers=answers):
        yield found


@contextmanager
def _listening(port, small):
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if small:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        made.bind(("127.0.0.1", port))
        yield made


def _wait(reached, within=20.0):
    until = time.monotonic() + within
    while not reached():
        assert time.monotonic() < until, "it did not come to that in time"
        time.sleep(0.01)
