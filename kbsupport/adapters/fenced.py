"""HTTP to addresses that strangers named: only to where they may send us, and never for long."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kbsupport.adapters.web import WebError, cut_at
from kbsupport.errors import ConfigError, UpstreamError

if TYPE_CHECKING:
    import ssl

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

_SECONDS = 5.0
_LONGEST_URL = 2000
_SYSTEM = "the webhook"
_PORTS = frozenset({443, 8443})
_USUAL = {"https": 443, "http": 80}
_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*"
)
# What ends in a number is an address to some and a name to others: 127.1, 0x7f.1, 2130706433.
_NUMERIC = re.compile(r"(?:\d+|0x[0-9a-f]*)")
_GLOBAL_SIX = ipaddress.IPv6Network("2000::/3")
# Behind these prefixes stands an IPv4 address, in the last four bytes.
_LAST_FOUR = tuple(ipaddress.IPv6Network(one) for one in ("64:ff9b::/96", "::/96"))
# Where clouds tell their machines what only those may know.
_METADATA = frozenset(
    ipaddress.ip_address(one) for one in ("169.254.169.254", "100.100.100.200", "fd00:ec2::254")
)


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str


def public(address: Address) -> bool:
    """True for an address of the open internet, whatever it is wrapped in; pure."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    inside = _wrapped(address)
    if inside:
        return all(public(one) for one in inside)
    return address.is_global and address in _GLOBAL_SIX and not address.is_multicast


def _wrapped(address: ipaddress.IPv6Address) -> tuple[ipaddress.IPv4Address, ...]:
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if any(address in network for network in _LAST_FOUR):
        return (ipaddress.IPv4Address(address.packed[-4:]),)
    return ()


def resolve(host: str, port: int) -> Sequence[str]:
    """Every address that this machine's resolver knows of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


class FencedPost:
    """Tells endpoints of strangers, and lets none of them lead us to a place inside.

    `allowed` are hosts and networks that may be private: there http and every port are taken too.
    """

    def __init__(
        self,
        *,
        allowed: Collection[str] = (),
        seconds: float = _SECONDS,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts, self._networks = _allowed(allowed)
        self._seconds, self._resolve = seconds, resolve
        self._tls = tls
        self._made: ssl.SSLContext | None = None

    def check(self, url: str) -> None:
        """A ConfigError for an address that will not be told; nothing is sent to find out."""
        self._reach(_target(url), time.monotonic() + self._seconds)

    def send(
        self, url: str, body: bytes, *, secrets: Sequence[str], id: str, at: datetime
    ) -> tuple[int, str | None]:
        """The status of the answer and when it wants to be asked again; its body is not read."""
        headers = signed(secrets, id, at, body)
        headers |= {"content-type": "application/json", "user-agent": "kbsupport"}
        return self.post(url, body, headers)

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str | None]:
        """Send bytes to the address as it is resolved now: that very one is connected to."""
        import httpx

        deadline = time.monotonic() + self._seconds
        target = _target(url)
        pinned = self._reach(target, deadline)
        shown = f"[{pinned}]" if pinned.version == 6 else str(pinned)  # noqa: PLR2004
        address = httpx.URL(f"{target.scheme}://{shown}:{target.port}{target.path}")
        told = {"host": _host_header(target), "accept-encoding": "identity"} | headers
        try:
            with (
                httpx.Client(
                    verify=self._trust(), timeout=self._seconds, trust_env=False,
                    follow_redirects=False,
                ) as client,
                cut_at(deadline) as notice,
                client.stream(
                    "POST", address, content=body, headers=told,
                    extensions={"sni_hostname": target.host, "trace": notice},
                ) as answer,
            ):  # fmt: skip
                return answer.status_code, answer.headers.get("retry-after")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise WebError(_SYSTEM, _words(error, deadline, self._seconds)) from error

    def _trust(self) -> ssl.SSLContext:
        """Which certificates are believed; read once, as it takes longer than a call."""
        if self._made is None:
            import httpx

            self._made = self._tls or httpx.create_ssl_context(trust_env=False)
        return self._made

    def _reach(self, target: _Target, deadline: float) -> Address:
        """The address to connect to: every one that the name has must be allowed."""
        if target.host not in self._hosts and not self._networks:
            _check_usual(target)
        found = self._addresses(target, deadline)
        for one in found:
            self._check(one, target)
        return found[0]

    def _check(self, address: Address, target: _Target) -> None:
        views = _views(address)
        # Even a host that is allowed by its name must not be pointed at a cloud's metadata.
        named = target.host in self._hosts and not any(_forbidden(one) for one in views)
        if named or self._listed(views):
            return
        _check_usual(target)
        if not public(address):
            raise ConfigError(
                f"{target.host} is not a public address; allow it in [serve] private_hosts, "
                "or give another"
            )

    def _listed(self, views: Collection[Address]) -> bool:
        """True if a network of the list holds one of them; metadata has to be listed alone."""
        alone = not _METADATA.isdisjoint(views)
        return any(
            one in network and (not alone or network.num_addresses == 1)
            for network in self._networks
            for one in views
        )

    def _addresses(self, target: _Target, deadline: float) -> list[Address]:
        try:
            return [ipaddress.ip_address(target.host)]
        except ValueError:
            pass
        try:
            said = _within(deadline, lambda: self._resolve(target.host, target.port))
            found = [ipaddress.ip_address(one.partition("%")[0]) for one in said]
        except (OSError, ValueError) as error:
            raise UpstreamError(_SYSTEM, f"the name {target.host} is not known") from error
        if not found:
            raise UpstreamError(_SYSTEM, f"the name {target.host} has no address")
        return found


def signed(secrets: Sequence[str], id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks: one signature for each secret that is in use."""
    from standardwebhooks import Webhook

    text = body.decode()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(one).sign(id, at, text) for one in secrets),
    }


def _target(url: str) -> _Target:
    """The parts of an address that every reader reads alike; a ConfigError for any other."""
    if len(url) > _LONGEST_URL or not (url.isascii() and url.isprintable()) or " " in url:
        raise ConfigError(
            f"an address is at most {_LONGEST_URL} ASCII signs without spaces; write other "
            "letters of a host as xn--…"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{url!r} is no address: {error}") from error
    if parts.scheme not in _USUAL or not parts.hostname or "\\" in url:
        raise ConfigError("an address begins with https:// and names a host")
    if "@" in parts.netloc or parts.fragment:
        raise ConfigError("an address has neither a name and password before its host nor a #")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    chosen = _USUAL[parts.scheme] if port is None else port
    return _Target(parts.scheme, _host(parts.hostname), chosen, path)


def _host(name: str) -> str:
    """A host in its one spelling."""
    if ":" in name:
        try:
            return str(ipaddress.IPv6Address(name if "%" not in name else "no zone"))
        except ValueError as error:
            raise ConfigError(f"{name!r} is no IPv6 address that can be called") from error
    name = name.lower().removesuffix(".")
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name of a host")
    if _NUMERIC.fullmatch(name.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError as error:
            raise ConfigError(f"{name!r}: write an address as four numbers") from error
    return name


def _check_usual(target: _Target) -> None:
    if target.scheme != "https" or target.port not in _PORTS:
        known = " or ".join(str(port) for port in sorted(_PORTS))
        raise ConfigError(
            f"only https on port {known} is called; others have to be in [serve] private_hosts"
        )


def _allowed(given: Collection[str]) -> tuple[frozenset[str], tuple[Network, ...]]:
    hosts, networks = set(), []
    for one in given:
        try:
            networks.append(ipaddress.ip_network(one.strip("[]"), strict=False))
        except ValueError:
            hosts.add(_host(one))
    return frozenset(hosts), tuple(networks)


def _views(address: Address) -> tuple[Address, ...]:
    """An address and what it may be wrapped around."""
    inside = _wrapped(address) if isinstance(address, ipaddress.IPv6Address) else ()
    return (address, *inside)


def _forbidden(address: Address) -> bool:
    apart = address.is_link_local or address.is_multicast or address.is_unspecified
    return apart or address in _METADATA


def _host_header(target: _Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == _USUAL[target.scheme] else f"{host}:{target.port}"


def _within(deadline: float, look: Callable[[], Sequence[str]]) -> Sequence[str]:
    """A resolver cannot be interrupted: it is left behind where it takes too long."""
    found: list[Sequence[str] | Exception] = []

    def ask() -> None:
        try:
            found.append(look())
        except (OSError, ValueError) as error:
            found.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(max(0.0, deadline - time.monotonic()))
    if not found:
        raise TimeoutError("the resolver did not answer in time")
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def _words(error: Exception, deadline: float, seconds: float) -> str:
    import httpx

    if isinstance(error, httpx.TimeoutException) or time.monotonic() >= deadline:
        return f"no answer within {seconds:g} s"
    if isinstance(error, httpx.ConnectError | httpx.ReadError | httpx.WriteError):
        return str(error) or "the connection was cut"
    if isinstance(error, httpx.RemoteProtocolError):
        return "it cut the connection or does not speak HTTP"
    return f"the call could not be made ({type(error).__name__})"
