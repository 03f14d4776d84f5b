"""How the server is reached: over the pipe it was started with, or over HTTP on this machine."""

from __future__ import annotations

import logging
import resource
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ConfigError, MissingExtra, NotFound

if TYPE_CHECKING:
    from kbsupport.app import App

HOST = "127.0.0.1"
_PATH = "/mcp"
_AT_ONCE = 64
_LAST_WISH = 8


@dataclass(frozen=True, slots=True)
class Opening:
    """What was asked for: `by` is who the operator is on the rota."""

    write: bool = False
    internal: bool = False
    by: str | None = None


def over_stdio(app: App, opening: Opening) -> None:
    """Speak with whoever started us, until they hang up."""
    _check_installed()
    from kbsupport.mcp.calling import operator
    from kbsupport.mcp.server import made

    _check_person(app, opening)
    _log_to_stderr()
    caller = operator(opening.by)
    try:
        made(app, lambda: caller, write=opening.write, internal=opening.internal).run("stdio")
    finally:
        app.lobby.fall_silent()


def over_http(app: App, opening: Opening, port: int, tell: Callable[[str], None]) -> None:
    """Listen on this machine alone, for callers that hold a key."""
    _check_installed()
    import uvicorn

    from kbsupport.api.lines import BoundedLines
    from kbsupport.mcp.listening import AtMost, Listening

    _log_to_stderr()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a socket is a file
    web = AtMost(_AT_ONCE, application(app, opening))
    with _bound(port) as listening:
        tell(f"http://{HOST}:{listening.getsockname()[1]}{_PATH} · needs a key · Ctrl-C ends it")
        set_up = uvicorn.Config(
            web, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
            http=BoundedLines, timeout_graceful_shutdown=_LAST_WISH,
        )  # fmt: skip
        Listening(set_up, app.lobby.fall_silent).run([listening])


def application(app: App, opening: Opening) -> Any:
    """The web application; every request shows a key, and none leaves anything behind."""
    from mcp.server.auth.settings import AuthSettings
    from pydantic import AnyHttpUrl

    from kbsupport.mcp.calling import Verifier, caller_by_key
    from kbsupport.mcp.server import made

    # The keys are ours: there is no server of tokens to send anybody to, so none is named.
    auth = AuthSettings(issuer_url=AnyHttpUrl(f"http://{HOST}"), resource_server_url=None)
    server = made(
        app, caller_by_key, write=opening.write, internal=opening.internal,
        verifier=Verifier(app.lobby.keys), auth=auth,
    )  # fmt: skip
    return server.streamable_http_app(
        streamable_http_path=_PATH, json_response=True, stateless_http=True, host=HOST,
        max_request_body_size=app.settings.serve.most_kilobytes * 1000,
    )  # fmt: skip


def _check_installed() -> None:
    try:
        import mcp.server  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra("mcp", "mcp") from error


def _check_person(app: App, opening: Opening) -> None:
    if opening.write and opening.by is None:
        raise ConfigError("--write needs to know who you are; add --as SPECIALIST")
    if opening.by is not None and app.people.rota().find(opening.by) is None:
        raise NotFound(f"nobody in the rota is called {opening.by!r}; see [desk] rota")


def _log_to_stderr() -> None:
    """Before the SDK sets up a log of its own, with colours and frames."""
    logging.basicConfig(level="WARNING", stream=sys.stderr, format="kbsupport: %(message)s")


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
        # Whoever reads the address may connect at once.
        made.listen(_AT_ONCE)
    except OSError as error:
        made.close()
        cure = "choose another --port, or end what listens there"
        raise ConfigError(f"{HOST}:{port} cannot be opened: {error.strerror}; {cure}") from error
    return made
