"""A real JSON server on loopback that misbehaves on demand, and the door to it."""

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


def let_loopback_through(monkeypatch):
    """No test may leave this machine; one that has a server on it may speak to that."""
    for name in ("connect", "connect_ex"):
        real = getattr(socket.socket, name)

        def connect(self, address, real=real):
            if self.family != socket.AF_UNIX and address[0] != "127.0.0.1":
                raise AssertionError(f"a test tried the network: {address}")
            return real(self, address)

        monkeypatch.setattr(socket.socket, name, connect)


class Misbehaving:
    """Answers the JSON kept under the last step of a path, unless told to do something else."""

    def __init__(self, rows=()):
        self.rows = dict(rows)
        self.does = "answer"
        self.seen = []
        self.stopped = threading.Event()
        self._server = _Quiet(("127.0.0.1", 0), _Answering)
        self._server.owner = self
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = False  # so that closing the server waits for all of them

    def handle_error(self, request, address):
        """Whoever asked has hung up; that is what is being tested."""


class _Answering(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        owner = self.server.owner
        length = int(self.headers.get("Content-Length", 0))
        owner.seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        getattr(self, owner.does)(owner)

    do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815 - http.server calls them so

    def _send(self, status, content, kind="application/json", **headers):
        self.send_response(status)
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def answer(self, owner):
        key = unquote(urlsplit(self.path).path.rpartition("/")[2])
        if key in owner.rows:
            self._send(200, json.dumps(owner.rows[key]).encode(), Set_Cookie="kept=no")
        else:
            self._send(404, b'{"error": "not found"}')

    def page(self, _):
        self._send(200, b"<html><body>Please log in</body></html>", "text/html")

    def error(self, _):
        self._send(500, b"Internal Server Error", "text/plain")

    def forbidden(self, _):
        self._send(403, b'{"error": "no"}')

    def redirect(self, owner):
        self._send(302, b"", Location=f"{owner.origin}/elsewhere")

    def empty(self, _):
        self._send(200, b"")

    def no_content(self, _):
        self.send_response(204)
        self.end_headers()

    def broken(self, _):
        self._send(200, b'{"customer_id": "C-1", ')

    def null(self, _):
        self._send(200, b"null")

    def infinite(self, _):
        self._send(200, b'{"customer_id": "C-1", "tier": "premium", "account_value": Infinity}')

    def deep(self, _):
        self._send(200, b"[" * 100_000)

    def array(self, _):
        self._send(200, b"[]")

    def stranger(self, owner):
        self._send(200, json.dumps(list(owner.rows.values())[-1]).encode())

    def huge(self, _):
        self.send_response(200)
        self.end_headers()
        while not self.server.owner.stopped.is_set():
            self.wfile.write(b" " * 65_536)

    def hang(self, owner):
        owner.stopped.wait()

    def cut(self, _):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"customer_id"')
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def silence(self, _):
        self.connection.shutdown(socket.SHUT_RDWR)

    def drip(self, owner):
        """A head and then a byte at a time: each read is quick, the whole never ends."""
        self.send_response(200)
        self.end_headers()
        self._drop_by_drop(owner)

    def drip_head(self, owner):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self._drop_by_drop(owner)

    def _drop_by_drop(self, owner):
        with contextlib.suppress(OSError):
            while not owner.stopped.wait(0.02):
                self.wfile.write(b"1")
                self.wfile.flush()
