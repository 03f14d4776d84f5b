import asyncio
import json
import shutil
import socket as sockets
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import timedelta

import pytest
from misbehaving import let_loopback_through
from serving import Talk, in_thread
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from kbsupport.access.keys import Wish
from kbsupport.api.hub import Listener
from kbsupport.app import open_app
from kbsupport.intake import Incoming
from kbsupport.model import Role
from kbsupport.store.conversations import messages
from kbsupport.testing import FakeEmbedder

ASK = "how do i reset the password"
_UPGRADE = (
    "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
)
MESSAGE = {"type": "message", "id": "a", "text": ASK}


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture(scope="module")
def doors(small_homes, tmp_path_factory):
    """The doors on a real socket, for all of these tests; nothing is decided."""
    home = tmp_path_factory.mktemp("shared") / "home"
    shutil.copytree(small_homes["proven"], home)
    app = open_app(home=home)
    app.embedder = FakeEmbedder()
    with in_thread(app, work=False, small_buffers=True) as made:
        yield made


@pytest.fixture
def app(doors):
    return doors.house.app


@pytest.fixture(scope="module")
def page(doors):
    """The header of a key that stands in a page of ours."""
    keys = doors.house.keys
    _, text = keys.add(Wish("page", Role.CUSTOMER, visitors=True), "test")
    return {"Authorization": f"Bearer {text}", "Origin": doors.origin}


@pytest.fixture
def visitor(doors, page):
    """A pass for a visitor's new conversation; nobody has called too often yet."""
    doors.house.buckets._levels.clear()
    return doors.enter(page)


def closed_with(socket):
    """The code with which the other side closes."""
    try:
        while True:
            socket.recv(timeout=10)
    except ConnectionClosed as closed:
        return closed.rcvd.code


def refused(doors, ticket, **options):
    """The status with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as answer, doors.chat(ticket, **options):
        pass
    return answer.value.response.status_code


def unharmed(doors, visitor):
    """Another socket of the same conversation still stores and hears."""
    header = {"Authorization": f"Bearer {visitor['token']}"}
    with doors.chat(doors.enter(header, visitor["conversation_id"])["ticket"]) as socket:
        talk = Talk(socket)
        talk.say("unharmed", ASK)
        return talk.until("ack")["seq"] > 0


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "file://", "http://127.0.0.1"])
def test_a_page_that_may_not_hold_the_chat_opens_no_socket(doors, visitor, origin):
    assert refused(doors, visitor["ticket"], origin=origin) == 403
    with doors.chat(visitor["ticket"], origin=doors.origin) as socket:
        assert Talk(socket).until("state")


def test_a_ticket_opens_one_socket_once_and_for_a_minute(doors, visitor, app, monkeypatch):
    with doors.chat(visitor["ticket"]) as socket:
        Talk(socket).until("state")
    header = {"Authorization": f"Bearer {visitor['token']}"}
    late = doors.enter(header, visitor["conversation_id"])["ticket"]
    keys = app.lobby.keys
    real = keys._clock
    monkeypatch.setattr(keys, "_clock", lambda: real() + timedelta(seconds=61))
    for ticket in (visitor["ticket"], late, "", "kbs_000000000000_x", "é" * 300):
        with doors.chat(ticket) as socket:
            assert closed_with(socket) == 4401


def test_whoever_guesses_tickets_has_to_wait(doors, visitor):
    statuses = []
    for guess in range(25):
        try:
            with doors.chat(f"guess-{guess}") as socket:
                statuses.append(closed_with(socket))
        except InvalidStatus as answer:
            statuses.append(answer.response.status_code)
    assert (statuses[0], statuses[-1]) == (4401, 429)
    assert unharmed(doors, visitor)


@pytest.mark.parametrize("after", ["-1", "x", "1e9", "9" * 400, "²"])
def test_a_number_that_is_none_is_refused(doors, visitor, after):
    assert refused(doors, visitor["ticket"], after=after) == 400


def test_a_number_beyond_the_last_message_hides_nothing(doors, visitor):
    with doors.chat(visitor["ticket"], after=2**50) as socket:
        talk = Talk(socket)
        talk.say("a", ASK)
        assert talk.until("message")["seq"] == 1


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x00\xff", 1003),
        (b'{"type": "ping"}', 1003),
        ("", 1007),
        ("hello", 1007),
        ("null", 1007),
        ("[" * 8000, 1007),
        ('{"type": NaN}', 1007),
        ('{"type": "message", "type": "message", "id": "a", "text": "a"}', 1007),
        (json.dumps(MESSAGE | {"role": "admin"}), 1007),
        (json.dumps(MESSAGE | {"customer_id": "C-2"}), 1007),
        (json.dumps(MESSAGE | {"text": ""}), 1007),
        (json.dumps(MESSAGE | {"text": "a" * 8001}), 1007),
        (json.dumps(MESSAGE | {"text": "\0"}), 1007),
        ('{"type": "message", "id": "a", "text": "\\ud83d"}', 1007),
        (json.dumps(MESSAGE | {"id": "a b"}), 1007),
        (json.dumps(MESSAGE | {"id": "a" * 65}), 1007),
        (json.dumps({"type": "ack"}), 1007),
    ],
)
def test_a_frame_that_cannot_be_meant_is_an_error_and_the_third_closes(doors, visitor, frame, code):
    with doors.chat(visitor["ticket"]) as socket:
        talk = Talk(socket)
        socket.send(frame)
        assert talk.until("error")["code"] == "bad_frame"
        socket.send(json.dumps({"type": "ping"}))
        talk.until("pong")
        for _ in range(2):
            socket.send(frame)
        assert closed_with(socket) == code


def test_a_frame_that_is_too_large_closes(doors, visitor):
    with doors.chat(visitor["ticket"]) as socket:
        Talk(socket).until("state")
        with suppress(ConnectionClosed):
            socket.send("a" * 17_000)
        assert closed_with(socket) == 1009
    assert unharmed(doors, visitor)


def test_ten_megabytes_are_refused_when_they_are_announced(doors, visitor):
    header = {"Authorization": f"Bearer {visitor['token']}"}
    entered = doors.enter(header, visitor["conversation_id"])
    with doors.chat(entered["ticket"]) as socket:
        Talk(socket).until("state")
        announced = struct.pack("!BBQ4s", 0x81, 0xFF, 10_000_000, b"mask")
        socket.socket.sendall(announced + b"a" * 1000)
        assert closed_with(socket) == 1009
    assert unharmed(doors, visitor)


def test_a_flood_is_refused_and_not_stored(doors, visitor, app):
    with doors.chat(visitor["ticket"]) as socket:
        talk = Talk(socket)
        for number in range(25):
            talk.say(f"{number}", f"message {number}")
        talk.until("error", count=5)
        refused = [frame["id"] for frame in talk.heard if frame["type"] == "error"]
        assert refused == ["20", "21", "22", "23", "24"]
        assert talk.heard[-1]["code"] == "rate_limited"
    assert unharmed(doors, visitor)
    with app.database.read() as connection:
        assert len(messages(connection, visitor["conversation_id"])) == 21


def test_a_flood_of_frames_closes(doors, visitor):
    with doors.chat(visitor["ticket"]) as socket:
        with suppress(ConnectionClosed):
            for _ in range(400):
                socket.send('{"type": "ping"}')
        assert closed_with(socket) == 1008
    assert unharmed(doors, visitor)


def test_who_reads_too_slowly_is_let_go_and_others_are_not_held_up(doors, visitor, app):
    header = {"Authorization": f"Bearer {visitor['token']}"}
    name = visitor["conversation_id"]
    slow = sockets.socket()
    slow.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 2048)
    slow.connect(("127.0.0.1", doors.port))
    address = f"ws://127.0.0.1:{doors.port}/v1/chat?ticket={visitor['ticket']}"
    with (
        connect(address, sock=slow, proxy=None, compression=None, max_queue=1) as lazy,
        doors.chat(doors.enter(header, name)["ticket"]) as socket,
    ):
        talk = Talk(socket)
        Talk(lazy).until("state")
        talk.until("state")
        for number in range(160):
            given = Incoming("long " * 1500, name, channel="chat", key=f"n{number}")
            app.lobby.intake.receive(given)
            if number % 20 == 19:
                talk.until("message", count=20)
        assert talk.seqs() == list(range(1, 161))
        lost = Talk(lazy)
        with pytest.raises(ConnectionClosed):
            lost.until("never")
        assert lost.seqs() == list(range(1, len(lost.seqs()) + 1))
        assert len(lost.seqs()) < 160


def test_a_thousand_reconnects_leave_nothing_behind(doors, visitor, app):
    header = {"Authorization": f"Bearer {visitor['token']}"}
    caller = app.lobby.keys.admit(visitor["token"])
    keys, name = app.lobby.keys, visitor["conversation_id"]

    def come_and_go(_):
        asked = f"GET /v1/chat?ticket={keys.entry(caller, name)} HTTP/1.1\r\n{_UPGRADE}\r\n"
        with sockets.create_connection(("127.0.0.1", doors.port)) as raw:
            raw.sendall(asked.encode())
            return raw.recv(12)

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(come_and_go, range(1000))) == {b"HTTP/1.1 101"}
    entered = doors.enter(header, name)
    with doors.chat(entered["ticket"]) as socket:
        assert Talk(socket).until("state")
    until = time.monotonic() + 5
    hub = doors.house.hub
    while hub.rooms.everybody() and time.monotonic() < until:
        time.sleep(0.05)
    assert hub.rooms.everybody() == []


def test_no_more_than_fifty_sockets_read_one_conversation(doors, visitor, app):
    caller = app.lobby.keys.admit(visitor["token"])
    keys, name = app.lobby.keys, visitor["conversation_id"]
    with ExitStack() as held:
        for _ in range(50):
            Talk(held.enter_context(doors.chat(keys.entry(caller, name)))).until("state")
        with doors.chat(keys.entry(caller, name)) as socket:
            assert closed_with(socket) == 1013


def test_whoever_falls_behind_the_events_is_told_that_it_lost_some():
    async def all_of(listener):
        return [batch async for batch in listener]

    slow = Listener(most=2)
    for batch in (["one"], ["two"], ["three"], ["four"]):
        slow.hear(batch)
    assert (asyncio.run(all_of(slow)), slow.ended) == ([["one"], ["two"]], True)
