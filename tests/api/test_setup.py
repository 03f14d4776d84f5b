"""How the doors are set up: for how long who is waited for, from the first byte to the last."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import uvicorn
from misbehaving import Misbehaving, let_loopback_through
from pydantic import ValidationError
from real_servers import free_port
from serving import Served, _wait
from webhooks.receiving import Receiver
from websockets.sync.client import connect

from kbsupport.access.keys import Wish
from kbsupport.api import lines, serving
from kbsupport.app import open_app
from kbsupport.mcp.listening import AtMost
from kbsupport.model import Role, Scope
from kbsupport.settings import ServeSettings
from kbsupport.store import waiting
from kbsupport.webhooks.schedule import ATTEMPTS, wait_after

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SOON = 0.3


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


def test_what_is_set_without_being_said():
    section = ServeSettings()
    assert (section.host, section.drain_seconds, lines.HEAD_SECONDS) == ("127.0.0.1", 8.0, 10.0)
    made = serving._set_up(2, 7)
    assert (made.timeout_graceful_shutdown, made.timeout_keep_alive) == (7, 30)
    assert (made.ws_ping_interval, made.ws_ping_timeout) == (20, 20)
    assert made.http is lines.BoundedLines
    with pytest.raises(ValidationError, match="drain_seconds"):
        ServeSettings(drain_seconds=9.5)


@pytest.mark.parametrize("attempt", range(1, ATTEMPTS))
def test_webhooks_that_failed_together_do_not_all_come_back_at_once(attempt):
    assert wait_after(attempt, 1.0) > wait_after(attempt, 0.0)


async def echo(scope, receive, send):
    """Says how long the body was, or before it came that nobody is wanted; a socket hears back."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        heard = await receive()
        await send({"type": "websocket.send", "text": heard.get("text", "")})
        await receive()
        return
    length, more = 0, scope["path"] != "/refused"
    while more:
        found = await receive()
        length, more = length + len(found["body"]), found["more_body"]
    said = str(length).encode()
    head = [(b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": said})


@pytest.fixture(scope="module")
def port():
    """A server set up as ours is, which waits for a head for a moment only."""
    set_up = serving._set_up(1, 2)
    set_up.app, set_up.factory, set_up.lifespan = echo, False, "off"
    server = uvicorn.Server(set_up)
    with pytest.MonkeyPatch.context() as patch, socket.socket() as listening:
        patch.setattr(lines, "HEAD_SECONDS", SOON)
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        _wait(lambda: server.started)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


@contextmanager
def line(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as made:
        yield made


def until_closed(made):
    """All that still comes, and how long it takes until the other side has hung up."""
    began, held = time.monotonic(), b""
    while part := made.recv(65_536):
        held += part
    return held, time.monotonic() - began


def answer(made):
    held = b""
    while b"\r\n\r\n" not in held:
        held += made.recv(65_536)
    return held


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow", b"HTTP/1.1 408"),
        (b"\r\n\r\n", b"HTTP/1.1 408"),
    ],
)
def test_whoever_never_says_what_they_want_is_cut(port, sent, said):
    with line(port) as made:
        made.sendall(sent)
        held, seconds = until_closed(made)
    assert held.startswith(said)
    assert bool(held) == bool(said)
    assert SOON * 0.8 < seconds < 2


@pytest.mark.parametrize("first", [GET, GET.replace(b"/", b"/refused", 1)])
@pytest.mark.parametrize("then", [b"G", b"\r\n"])
def test_the_next_head_has_to_come_in_time_too(port, first, then):
    with line(port) as made:
        made.sendall(first)
        answer(made)
        made.sendall(then)
        held, seconds = until_closed(made)
    assert held.startswith(b"HTTP/1.1 408")
    assert seconds < 2


def test_a_body_that_nobody_waited_for_keeps_no_socket(port):
    with line(port) as made:
        made.sendall(b"POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        answer(made)
        made.sendall(b"a")
        assert until_closed(made)[1] < 2


def test_a_connection_at_rest_and_a_chat_are_not_cut(port):
    with line(port) as made, line(port) as late:
        late.sendall(b"POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
        answer(late)
        late.sendall(b"ab")
        for one in (made, late):
            one.sendall(GET)
            assert b" 200 " in answer(one)
        upgraded = f"ws://127.0.0.1:{port}/"
        with connect(upgraded, proxy=None, compression=None) as chat:
            time.sleep(2 * SOON)
            chat.send("still here")
            assert chat.recv(timeout=5) == "still here"
        for one in (made, late):
            one.sendall(GET)
            assert b" 200 " in answer(one)


def test_a_body_is_no_head_however_it_comes_in(port):
    for length in (40_000, 200_000):
        with line(port) as made:
            made.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length)
            time.sleep(0.05)
            made.sendall(b"a" * length)
            assert answer(made).startswith(b"HTTP/1.1 200")


def test_a_head_without_end_is_refused(port):
    with line(port) as made:
        made.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(3):
            made.sendall(b"X-A: " + b"a" * 20_000 + b"\r\n")
            time.sleep(0.02)
        assert b"431" in until_closed(made)[0]


async def slow(scope, receive, send):
    if scope["path"] == "/slow":
        await asyncio.sleep(2 * SOON)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_assistants_are_answered_so_many_at_once():
    async def one(web, path):
        said = []

        async def send(message):
            said.append(message)

        await web({"type": "http", "path": path}, None, send)
        return said[0]

    async def whole():
        web = AtMost(2, slow)
        begun = [asyncio.create_task(one(web, "/slow")) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await one(web, "/")
        assert (refused["status"], dict(refused["headers"])[b"retry-after"]) == (503, b"1")
        assert [found["status"] for found in await asyncio.gather(*begun)] == [200, 200]
        assert (await one(web, "/"))["status"] == 200

    asyncio.run(whole())


def test_idle_connections_lock_no_assistant_out_and_are_cut(tmp_path):
    program = (
        "import sys; from kbsupport.api import lines; lines.HEAD_SECONDS = 2.0; "
        "from kbsupport.cli.main import run; run(sys.argv[1:])"
    )
    words = ["--home", tmp_path / "home", "mcp", "--http", "--port", "0"]
    command = [sys.executable, "-c", program, *words]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running,
        ExitStack() as held,
    ):
        held.callback(running.terminate)
        url = running.stderr.readline().split()[0]
        there = int(url.rpartition(":")[2].partition("/")[0])
        idle = [held.enter_context(line(there)) for _ in range(100)]
        found = Served(there).call("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert found[0] == 401
        for made in idle:
            assert until_closed(made)[0] == b""


def family(pid):
    """A process and all that it began."""
    begun = [
        int(child)
        for thread in Path(f"/proc/{pid}/task").glob("*/children")
        for child in thread.read_text(encoding="ascii").split()
    ]
    return [pid, *(one for child in begun for one in family(child))]


def lives(pid):
    """False for one that nobody has buried yet, too."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return said.rpartition(")")[2].split()[0] != "Z"


def test_whatever_hangs_all_of_it_is_gone_in_time_and_nothing_is_lost(tmp_path):
    home, config = tmp_path / "home", tmp_path / "kbsupport.toml"
    with Misbehaving() as crm, Receiver(slow=60) as receiver:
        crm.does = "hang"
        config.write_text(
            f'[crm]\nuse = "http"\nurl = "{crm.origin}/{{customer_id}}"\n'
            "timeout = 60\nretries = 0\n"
            '[serve]\nprivate_hosts = ["127.0.0.1"]\nlog_requests = false\n',
            encoding="utf-8",
        )
        with open_app(home, config) as app:
            told, _ = app.lobby.webhooks.add(receiver.url, ["ticket.*"], "test")
            header = app.lobby.keys.add(Wish("test", Role.ADMIN, [*Scope]), "test")[1]
        servers = [
            begin(home, config, "--workers", "2"),
            begin(home, config, "--workers", "1", "--no-work"),
        ]
        try:
            ids = be_stuck(servers, {"Authorization": f"Bearer {header}"}, crm, receiver)
            alive = [pid for one in servers for pid in family(one.program.pid)]
            assert len(alive) > 6
            began = time.monotonic()
            for one in servers:
                # As a terminal does it: everybody of its group hears of it.
                os.killpg(one.program.pid, signal.SIGINT)
            assert [one.program.wait(15) for one in servers] == [130, 130]
            assert time.monotonic() - began < 10
            # What workers were copied from answers nobody, but takes a moment to forget it all.
            _wait(lambda: not any(lives(pid) for pid in alive))
        finally:
            for one in servers:
                for pid in family(one.program.pid) if one.program.poll() is None else ():
                    os.kill(pid, signal.SIGKILL)
                one.program.wait()
    with open_app(home) as app, app.database.read() as connection:
        assert waiting.count(connection) == 1
        assert {one.id for one in app.people.tickets()} == ids
        assert {str(one.state) for one in app.lobby.webhooks.deliveries(told.id)} == {"waiting"}


def begin(home, config, *options):
    found = Served(free_port())
    command = [
        sys.executable, "-m", "kbsupport", "--home", home, "--config", config, "--quiet", "serve",
        "--port", str(found.port), *options,
    ]  # fmt: skip
    found.program = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    return found


def be_stuck(servers, header, crm, receiver):
    """Let a request of each server, a webhook and what decides wait for what never comes."""
    for one in servers:
        _wait(lambda one=one: answers(one))
        asked = {"text": "where is it?", "customer_id": "C-1"}
        threading.Thread(target=ask, args=(one, asked, header), daemon=True).start()
    first = servers[0].call("/v1/tickets", {"text": "I want to talk to a human"}, **header)
    _wait(lambda: receiver.got)
    second = servers[0].call(
        "/v1/tickets", {"text": "where is it?", "customer_id": "C-1"}, **header
    )
    _wait(lambda: len(crm.seen) == 3)
    assert [status for status, _ in (first, second)] == [201, 201], json.dumps([first, second])
    return {found["id"] for _, found in (first, second)}


def answers(web):
    try:
        return web.call("/healthz")[0] == 200
    except OSError:
        return False


def ask(web, asked, header):
    with suppress(OSError):  # it is cut, as it should be
        web.call("/v1/ask", asked, **header)
