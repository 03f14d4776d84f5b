"""A real receiver of webhooks on loopback that answers as it is told to."""

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """Keeps what it gets; `says` are the answers to come, then 200."""

    says: list = field(default_factory=list)
    got: list = field(default_factory=list)
    connections: int = 0
    slow: float = 0.0
    at_once: int = 0
    most_at_once: int = 0

    def __post_init__(self):
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.server = _Counting(("127.0.0.1", 0), _Answering)
        self.server.owner = self
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def wrap(self, tls):
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        return self

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class _Counting(ThreadingHTTPServer):
    def get_request(self):
        self.owner.connections += 1
        return super().get_request()

    def handle_error(self, request, address):
        """Whoever called has hung up, or did not trust us: that is what is being tested."""


class _Answering(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        owner = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with owner.lock:
            owner.got.append((dict(self.headers.items()), body))
            status, headers = owner.says.pop(0) if owner.says else (200, {})
            owner.at_once += 1
            owner.most_at_once = max(owner.most_at_once, owner.at_once)
        owner.over.wait(owner.slow)
        with owner.lock:
            owner.at_once -= 1
        if status == "endless":
            self._pour(owner)
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _pour(self, owner):
        self.send_response(200)
        self.send_header("Content-Length", "10000000000")
        self.end_headers()
        while not owner.over.is_set():
            self.wfile.write(b" " * 65_536)


def until(true, within=5.0):
    """Wait for what another thread does."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
