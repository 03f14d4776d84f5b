import contextlib
import os
import shutil
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from misbehaving import let_loopback_through
from real_servers import free_port
from serving import Served

from kbsupport.access.keys import Wish
from kbsupport.app import open_app
from kbsupport.model import Role, Scope
from kbsupport.store import conversations, tickets

ASK = "How do I reset my password?"
SENT = "Where is it,"


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture(scope="module")
def home(indexed_home, tmp_path_factory):
    """A home of its own with the sample articles."""
    return shutil.copytree(indexed_home, tmp_path_factory.mktemp("served") / "home")


@pytest.fixture(scope="module")
def header(home):
    with open_app(home=home) as app:
        wish = Wish("test", Role.ADMIN, [*Scope])
        return {"Authorization": f"Bearer {app.lobby.keys.add(wish, 'test')[1]}"}


@pytest.fixture(scope="module")
def start(home, model_cache, tmp_path_factory, command_line):
    """Start `kbsupport serve` on the home, and end what is still there."""
    started, logs = [], tmp_path_factory.mktemp("logs")

    def go(*options, port=None, ready=True):
        found = Served(port or free_port())
        words = ["--home", home, "serve", "--port", found.port, "--workers", 2, *options]
        env = os.environ | {"KBSUPPORT_EMBEDDER__CACHE": str(model_cache)}
        found.log = logs / f"{len(started)}"
        with found.log.open("wb") as log:
            found.program = command_line(*words, env=env, stderr=log, start_new_session=True)
        started.append(found.program)
        if ready:
            until_ready(found)
        return found

    yield go
    for program in started:
        if program.poll() is None:
            program.terminate()
        program.wait(20)


@pytest.fixture(scope="module")
def _running():
    return []


@pytest.fixture
def web(start, _running):
    """The server of all these tests, or another one where a test has ended it."""
    if not _running or _running[-1].program.poll() is not None:
        _running.append(start())
    return _running[-1]


def until_ready(web, within=60.0):
    """How long it takes until a worker has all that it needs; others may be late."""
    began = time.monotonic()
    while True:
        try:
            parts = web.call("/readyz")[1]["components"]
            if {parts[name] for name in ("database", "index", "model")} == {"ok"}:
                return time.monotonic() - began
        except OSError:
            pass
        assert time.monotonic() - began < within
        time.sleep(0.05)


def send_until(web, header, over, confirmed):
    """Tickets with keys of their own, each sent until it is confirmed or the server is gone."""
    number = 0
    while not over.is_set():
        name = f"{threading.get_ident()}-{number}"
        named = header | {"Idempotency-Key": name}
        try:
            status, found = web.call("/v1/tickets", {"text": f"{SENT} {name}?"}, **named)
        except OSError:
            time.sleep(0.02)
            continue
        assert status in {200, 201, 503}, found
        if status != 503:
            confirmed[name] = found["id"]
            number += 1
        time.sleep(0.05)  # each of them is decided, too


def stored(home):
    """Every message of a customer, by what it says, and how often."""
    with open_app(home=home) as app:
        assert app.people.verify().fault is None
        with app.database.read() as connection:
            all_of_them = tickets.tickets(connection, limit=100_000)
            said = [conversations.messages(connection, t.conversation_id)[0] for t in all_of_them]
    found = {}
    for ticket, message in zip(all_of_them, said, strict=True):
        found.setdefault(message.text, []).append(ticket.id)
    return found


def children(pid):
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(one) for one in found]


def workers(pid):
    """The processes that answer: copies of the one that has imported everything."""
    for one in children(pid):
        if "forkserver" in Path(f"/proc/{one}/cmdline").read_text(encoding="utf-8"):
            return children(one)
    return []


def test_two_servers_and_an_index_run_share_a_home_without_harm(
    web, start, header, home, model_cache, command_line
):
    one, two = web, start("--no-work", "--workers", "1")
    first = one.call("/v1/ask", {"text": ASK}, **header)[1]
    env = os.environ | {"KBSUPPORT_EMBEDDER__CACHE": str(model_cache)}
    account = Path(__file__).parents[2] / "data/articles/account"
    assert command_line("--home", home, "index", account, env=env).wait(60) == 0
    answers = [each.call("/v1/ask", {"text": ASK}, **header)[1] for each in (one, two)]
    assert {found["article_id"] for found in answers} == {"reset-your-password"}
    assert "returns" in {article.partition("/")[0] for article in first["articles"]}
    for found in answers:
        assert not [article for article in found["articles"] if "/" in article]


def test_what_was_taken_in_is_decided_beside_the_workers(web, header):
    status, ticket = web.call("/v1/tickets", {"text": "I want to talk to a human"}, **header)
    assert (status, ticket["state"]) == (201, "new")
    for _ in range(200):
        found = web.call(f"/v1/tickets/{ticket['id']}", **header)[1]
        if found["state"] != "new":
            break
        time.sleep(0.05)
    assert found["state"] == "queued"
    metrics = web.call("/metrics", **header)[1]
    assert 'customer_interactions_total{channel="api"' in metrics


def test_a_port_that_is_taken_is_said_in_one_line(start):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        web = start(port=held.getsockname()[1], ready=False)
        assert web.program.wait(30) == 2
    said = web.log.read_text(encoding="utf-8")
    assert "cannot be opened" in said
    assert "Traceback" not in said


def test_slow_and_endless_callers_are_cut_and_others_are_answered(web, header):
    with contextlib.ExitStack() as lines:
        _be_a_nuisance(web, header, lines)


def _send_on(line, part):
    """130 MB, of which nobody should take more than the bound."""
    for _ in range(2000):
        line.sendall(part)


def _be_a_nuisance(web, header, lines):
    def line():
        return lines.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=30))

    head = (
        "POST /v1/ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: {header['Authorization']}\r\n"
    ).encode()
    slow = [line() for _ in range(30)]
    for one in slow:
        one.sendall(head + b"Content-Length: 100\r\n\r\n{")
    endless = line()
    endless.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
    part = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with pytest.raises(OSError, match=r"reset|pipe"):
        _send_on(endless, part)
    huge = line()
    try:
        huge.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-A: " + b"a" * 200_000 + b"\r\n\r\n"
        )
        refused = huge.recv(100)
    except OSError:
        refused = b""
    assert not refused.startswith(b"HTTP/1.1 200")
    began = time.monotonic()
    assert web.call("/v1/ask", {"text": ASK}, **header)[0] == 200
    assert time.monotonic() - began < 5
    for one in slow:
        assert one.recv(4096).startswith(b"HTTP/1.1 408")


def test_killed_workers_and_a_stop_under_load_lose_nothing_that_was_confirmed(web, home, header):
    over, confirmed = threading.Event(), {}
    senders = [
        threading.Thread(target=send_until, args=(web, header, over, confirmed), daemon=True)
        for _ in range(6)
    ]
    for one in senders:
        one.start()
    for _ in range(2):
        time.sleep(0.5)
        killed = workers(web.program.pid)
        assert killed
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert until_ready(web) < 20
    time.sleep(0.3)
    began = time.monotonic()
    web.program.terminate()
    over.set()
    assert web.program.wait(15) == 0
    assert time.monotonic() - began < 10
    for one in senders:
        one.join()
    held = {text: ids for text, ids in stored(home).items() if text.startswith(SENT)}
    assert len(confirmed) > 20
    assert dict.fromkeys(held, 1) == {text: len(ids) for text, ids in held.items()}
    for name, ticket in confirmed.items():
        assert held[f"{SENT} {name}?"] == [ticket]


def test_a_server_that_was_killed_leaves_nobody_behind(start):
    killed = start()
    family = [killed.program.pid]
    for pid in family:
        family += children(pid)
    assert len(family) >= 5  # it, the work, the one that is copied, two workers
    killed.program.kill()
    until = time.monotonic() + 15
    while any(alive(pid) for pid in family):
        assert time.monotonic() < until
        time.sleep(0.05)
    start(port=killed.port)


def alive(pid):
    """False for one that has ended, even if nobody has noted it."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return said.rpartition(")")[2].split()[0] != "Z"
