"""Events over HTTP: listed, streamed, and a message from outside with all that it caused."""

import asyncio
import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from api.serving import Served, _wait
from fastapi.testclient import TestClient
from misbehaving import let_loopback_through
from webhooks.parts import open_doors, web_of

from kbsupport.access.keys import Wish
from kbsupport.api.hub import Listener
from kbsupport.api.routes import events
from kbsupport.model import EventType, Role
from kbsupport.store import events as stored

PASSWORD = "how do i reset the password"
SAID = {"type": "chat.message", "text": PASSWORD, "conversation_id": "chat-1", "id": "m-1"}


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def web(proven_app):
    with TestClient(web_of(proven_app), raise_server_exceptions=False) as client:
        yield client


def test_a_message_from_outside_is_decided_and_gives_the_chain_it_caused(web, key_for):
    admin = key_for(Role.ADMIN)
    answer = web.post("/v1/events", json=SAID | {"customer_id": "C-7"}, headers=admin)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    types = [one["type"] for one in found["events"]]
    assert types == ["message.received", "ticket.created", "ticket.answered"]
    ids = [one["id"] for one in found["events"]]
    assert [one["cause"] for one in found["events"]] == [None, *ids[:-1]]
    assert found["decision"]["outcome"] == "resolve"
    assert found["decision"]["answer"]["citations"]
    again = web.post("/v1/events", json=SAID | {"customer_id": "C-7"}, headers=admin)
    assert again.json() == found
    other = SAID | {"customer_id": "C-7", "text": "something else"}
    assert web.post("/v1/events", json=other, headers=admin).status_code == 422


def test_what_is_sent_many_times_in_any_order_is_one_message_each(web, proven_app, key_for):
    admin = key_for(Role.ADMIN)
    sent = [f"m-{number % 12}" for number in range(36)]

    def send(name):
        body = SAID | {"id": name, "text": f"{PASSWORD} {name}", "conversation_id": f"c-{name}"}
        return web.post("/v1/events", json=body, headers=admin).json()["ticket_id"]

    with ThreadPoolExecutor(4) as threads:
        tickets = dict(zip(sent, threads.map(send, sent), strict=True))
    assert len(set(tickets.values())) == 12
    for ticket in tickets.values():
        assert [one.author for one in proven_app.people.history(ticket)].count("customer") == 1


def test_a_message_that_needs_a_person_says_so(web, key_for):
    body = SAID | {"text": "I want to speak to a human, please."}
    found = web.post("/v1/events", json=body, headers=key_for(Role.ADMIN)).json()
    assert found["events"][-1]["type"] == "ticket.escalated"
    assert found["decision"]["outcome"] == "escalate"


def test_an_unknown_type_and_what_a_customer_may_not_say_are_refused(web, key_for):
    admin, customer = key_for(Role.ADMIN), key_for(Role.CUSTOMER)
    for wrong in ({"type": "chat.typing"}, {"type": None}, {"text": " "}, {"more": 1}):
        assert web.post("/v1/events", json=SAID | wrong, headers=admin).status_code == 422
    named = SAID | {"customer_id": "C-2"}
    assert web.post("/v1/events", json=named, headers=customer).status_code == 403
    assert web.post("/v1/events", json=SAID, headers=customer).status_code == 404
    auditor = key_for(Role.AUDITOR)
    assert web.post("/v1/events", json=SAID, headers=auditor).status_code == 403


def test_a_customer_sees_the_events_of_their_own_tickets_and_no_others(web, key_for):
    admin, theirs, other = (key_for(Role.ADMIN), key_for(Role.CUSTOMER, customer_id="C-1"),
                            key_for(Role.CUSTOMER, customer_id="C-2"))  # fmt: skip
    own = {"type": "chat.message", "text": "I want to speak to a human, please."}
    mine = web.post("/v1/events", json=own, headers=theirs).json()
    web.post("/v1/events", json=own, headers=other)
    seen = web.get("/v1/events", headers=theirs).json()["items"]
    assert {one["ticket_id"] for one in seen} == {mine["ticket_id"]}
    assert all(one["body"].keys() <= {"message", "seq", "decision"} for one in seen)
    everything = web.get("/v1/events", headers=admin).json()["items"]
    assert len(everything) > len(seen)
    where = f"/v1/events?ticket_id={mine['ticket_id']}"
    assert web.get(where, headers=theirs).json()["items"] == seen
    foreign, unknown = (web.get(f"/v1/events?ticket_id={one}", headers=other)
                        for one in (mine["ticket_id"], "T-999"))  # fmt: skip
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json()["detail"] == unknown.json()["detail"]


def test_events_are_read_page_by_page_after_any_of_them(web, key_for):
    admin = key_for(Role.ADMIN)
    for number in range(4):
        web.post("/v1/events", json=SAID | {"id": f"m-{number}"}, headers=admin)
    first = web.get("/v1/events?limit=2", headers=admin).json()
    rest = web.get(f"/v1/events?cursor={first['next_cursor']}", headers=admin).json()
    after = web.get(f"/v1/events?after={first['items'][-1]['id']}", headers=admin).json()
    assert rest["items"] == after["items"]
    assert rest["next_cursor"] is None
    for wrong in ("after=-1", "after=x", "limit=0", f"after={10**20}", "page=1"):
        assert web.get(f"/v1/events?{wrong}", headers=admin).status_code == 422


@contextmanager
def listening(app):
    """The doors on a real socket, and a way to open streams that are closed before them."""
    opened = []
    with open_doors(app) as port:
        try:
            yield Served(port), lambda *given: opened.append(Stream(port, *given)) or opened[-1]
        finally:
            for stream in opened:
                stream.close()


class Stream:
    """A reader of the stream that keeps what it hears."""

    def __init__(self, port, headers, query=""):
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.line.request("GET", f"/v1/events/stream{query}", headers=headers)
        self.socket = self.line.sock
        self.reply = self.line.getresponse()
        self.events, self.comments, self.ended = [], 0, False
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        held = {}
        try:
            for line in self.reply:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name in {"id", "event", "data"}:
                    held[name] = value
                elif not name and not value and "data" in held:
                    self.events.append((int(held["id"]), held["event"], json.loads(held["data"])))
                    held = {}
                elif line.startswith(b":"):
                    self.comments += 1
        except (OSError, ValueError, AttributeError):
            pass
        self.ended = True

    def close(self):
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.reply.close()
        self.line.close()


def happens(app, ticket=None, type=EventType.TICKET_CLAIMED):
    with app.database.write() as connection:
        return stored.record(
            connection, type, now=app.people.clock(), ticket_id=ticket, body={"by": "mia"}
        )


def test_a_stream_tells_what_happens_resumes_and_ends_with_its_key(
    proven_app, key_for, monkeypatch
):
    monkeypatch.setattr(events, "_HEARTBEAT", 0.2)
    admin = key_for(Role.ADMIN)
    with listening(proven_app) as (_, stream):
        first = happens(proven_app)
        now, resumed = stream(admin), stream(admin, "?after=0")
        assert now.reply.status == 200
        assert now.reply.getheader("content-type").startswith("text/event-stream")
        _wait(lambda: [one[0] for one in resumed.events] == [first])
        second = happens(proven_app)
        _wait(lambda: [one[0] for one in now.events] == [second])
        _wait(lambda: [one[0] for one in resumed.events] == [first, second])
        assert now.events[0][1:] == ("ticket.claimed", {
            "id": second, "type": "ticket.claimed", "at": now.events[0][2]["at"],
            "ticket_id": None, "cause": None, "body": {"by": "mia"},
        })  # fmt: skip
        _wait(lambda: now.comments > 0)
        resumed.close()
        third = happens(proven_app)
        again = stream(admin | {"Last-Event-ID": str(second)})
        _wait(lambda: [one[0] for one in again.events] == [third])
        key = admin["Authorization"].removeprefix("Bearer kbs_").split("_")[0]
        proven_app.lobby.keys.revoke(key, "test")
        begun = time.monotonic()
        _wait(lambda: now.ended and again.ended)
        assert time.monotonic() - begun < 2


def test_a_customers_stream_holds_their_own_and_too_many_are_refused(
    proven_app, key_for, monkeypatch
):
    monkeypatch.setattr(events, "_STREAMS_EACH", 2)
    admin, customer = key_for(Role.ADMIN), key_for(Role.CUSTOMER)
    with listening(proven_app) as (doors, stream):
        said = {"type": "chat.message", "text": PASSWORD}
        own = doors.call("/v1/events", said, **customer)[1]["ticket_id"]
        other = doors.call("/v1/events", said, **admin)[1]["ticket_id"]
        heard, late = (stream(customer, "?after=0") for _ in range(2))
        _wait(lambda: len(heard.events) == 3 and len(late.events) == 3)
        refused = stream(customer)
        assert refused.reply.status == 429
        for ticket in (other, own):
            happens(proven_app, ticket)
        happens(proven_app)
        _wait(lambda: len(heard.events) == 4)
        time.sleep(0.3)
        assert {one[2]["ticket_id"] for one in heard.events} == {own}
        assert heard.events[-1][2]["body"] == {}
        late.close()
        lead = key_for(Role.LEAD, scopes=["ask", "tickets:read"])
        assert stream(lead).reply.status == 403


def test_a_key_that_ends_while_history_is_read_is_told_nothing_more(
    web, proven_app, key_for, monkeypatch
):
    for number in range(4):
        web.post("/v1/events", json=SAID | {"id": f"m-{number}"}, headers=key_for(Role.ADMIN))
    monkeypatch.setattr(events, "_BATCH", 1)
    keys = proven_app.lobby.keys
    made, text = keys.add(Wish("reader", Role.ADMIN), "test")

    async def read():
        house = web.app.state.house
        told = events._live(house, keys.admit(text), 0, Listener(10))
        first = [await anext(told), await anext(told)]
        keys.revoke(made.id, "test")
        return first, [frame async for frame in told]

    first, rest = asyncio.run(read())
    assert [frame.partition("\n")[0] for frame in first] == ["id: 1", "id: 2"]
    assert rest == []
