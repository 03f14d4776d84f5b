"""JSON over HTTP, whatever the other side does: the one home of httpx."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kbsupport.errors import ConfigError, UpstreamError

if TYPE_CHECKING:
    import httpx

_LARGEST = 2_000_000
_QUOTED = 500
_NOT_FOUND = 404
_EMPTY = frozenset({204, 205})
_ELSEWHERE = range(300, 400)


class WebError(UpstreamError):
    """What another system answered, where it answered at all.

    `said` is the beginning of its words, for people who look into it: it may speak of a customer.
    """

    def __init__(
        self, system: str, message: str, *, status: int | None = None, said: str = ""
    ) -> None:
        super().__init__(system, message)
        self.status, self.said = status, said


class Web:
    """One system that speaks JSON; each call has a connection of its own and ends in time."""

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        largest: int = _LARGEST,
    ) -> None:
        import httpx

        address = urlsplit(base_url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ConfigError(f"[{system}] its address must be http://… or https://…, with a host")
        _check(system, headers or {})
        self._system, self._timeout, self._largest = system, timeout, largest
        self._late = f"no whole answer within {timeout:g} s"
        self._base = base_url.rstrip("/")
        self._client = httpx.Client(
            timeout=timeout,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                **(headers or {}),
            },
            auth=auth,
            follow_redirects=False,
            # A connection that was kept may be dead, and then a write is neither done nor refused.
            limits=httpx.Limits(max_keepalive_connections=0),
            # What one answer sets must not travel with the next question.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        missing_ok: bool = False,
    ) -> Any:
        """The JSON of the answer; {} where it has no content, None for a 404 if `missing_ok`."""
        import httpx

        _check(self._system, headers or {})
        deadline = time.monotonic() + self._timeout
        try:
            with cut_at(deadline) as notice:
                request = self._client.build_request(
                    method,
                    self._base + path,
                    params=params,
                    json=body,
                    data=form,
                    headers=headers,
                    extensions={"trace": notice},
                )
                response = self._client.send(request, stream=True)
                try:
                    content = self._read(response, deadline)
                finally:
                    response.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            raise WebError(self._system, self._words(error, deadline)) from error
        if missing_ok and response.status_code == _NOT_FOUND:
            return None
        return self._parsed(response, content)

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        held = bytearray()
        for part in response.iter_bytes():
            held += part
            if len(held) > self._largest:
                words = f"it answered more than {self._largest:,} bytes"
                raise WebError(self._system, words, status=response.status_code)
        if time.monotonic() >= deadline:  # an answer that names no length looks whole when cut
            raise WebError(self._system, self._late, status=response.status_code)
        return bytes(held)

    def _words(self, error: Exception, deadline: float) -> str:
        """What went wrong; never the words of a refused header, which hold the secret."""
        import httpx

        if isinstance(error, httpx.TimeoutException) or time.monotonic() >= deadline:
            return self._late
        if isinstance(error, httpx.ConnectError | httpx.ReadError | httpx.WriteError):
            return str(error) or "the connection was cut"
        if isinstance(error, httpx.RemoteProtocolError):
            return "it cut the connection or does not speak HTTP"
        return f"the call could not be made ({type(error).__name__})"

    def _parsed(self, response: httpx.Response, content: bytes) -> Any:
        status, said = response.status_code, content[:_QUOTED].decode("utf-8", "replace")
        if status in _ELSEWHERE:
            words = f"it answered {status}, a redirect; write the final address into its settings"
            raise WebError(self._system, words, status=status, said=said)
        if not response.is_success:
            words = f"it answered {status} {response.reason_phrase}".rstrip()
            raise WebError(self._system, words, status=status, said=said)
        if status in _EMPTY:
            return {}
        try:
            found = json.loads(content, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            kind = response.headers.get("content-type", "no type").split(";")[0]
            words = f"it answered {len(content)} bytes of {kind} that are not JSON"
            raise WebError(self._system, words, status=status, said=said) from error
        if found is None:
            raise WebError(self._system, "it answered null", status=status, said=said)
        return found


def _check(system: str, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise ConfigError(f"[{system}] the header {name} holds signs that HTTP cannot send")


def _refuse(word: str) -> Any:
    raise ValueError(word)


@contextmanager
def cut_at(deadline: float) -> Iterator[Any]:
    """Cut the connection at the deadline.

    httpx limits each read, so whoever sends a byte a second would be listened to for ever.
    """
    line: list[socket.socket] = []

    def cut() -> None:
        for held in line:
            with suppress(OSError):
                # Not held.shutdown(): of a TLS socket that also takes the reader's state away.
                socket.socket.shutdown(held, socket.SHUT_RDWR)

    def notice(name: str, about: Mapping[str, Any]) -> None:
        if name in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            line[:] = [about["return_value"].get_extra_info("socket")]
            if time.monotonic() >= deadline:
                cut()

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield notice
    finally:
        timer.cancel()
