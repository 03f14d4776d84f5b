"""Webhooks over HTTP: endpoints of others, and bells that others ring."""

import json
import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from misbehaving import let_loopback_through
from standardwebhooks import Webhook
from webhooks.parts import given, web_of
from webhooks.receiving import Receiver

from kbsupport.model import Ref, Role
from kbsupport.model.webhooks import Elsewhere, Said
from kbsupport.store import conversations


class HelpDesk:
    """A help desk of another make whose tickets stand in a dict."""

    name = "request-tracker"

    def __init__(self):
        self.tickets = {}

    def read(self, ref):
        return self.tickets[ref.id]


def ticket(number, *said, **more):
    spoken = tuple(Said(str(place), text) for place, text in enumerate(said, 1))
    ref = Ref(HelpDesk.name, str(number))
    return Elsewhere(ref, "A question", f"buyer{number}@shop.example", spoken, **more)


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def help_desk():
    return HelpDesk()


@pytest.fixture
def app(proven_app, help_desk):
    given(proven_app, help_desk)
    yield proven_app
    proven_app.lobby.inbound.close_up()


@pytest.fixture
def web(app):
    with TestClient(web_of(app), raise_server_exceptions=False) as client:
        yield client


def later(app, **by):
    return app.people.clock() + timedelta(**(by or {"seconds": 5}))


def said_here(app):
    with app.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT DISTINCT conversation_id FROM message").scalars()
        return [
            message.text
            for name in rows.all()
            for message in conversations.messages(connection, name)
            if message.author == "customer"
        ]


def test_a_bell_opens_a_ticket_and_each_thing_that_is_said_comes_once(app, web, help_desk):
    _, path = app.lobby.bells.add("request-tracker", "test")
    help_desk.tickets["7"] = ticket(7, "Where is my parcel?")
    for body in ({"ticket": 7}, {"ticket": {"id": 7}, "queue_slug": "support"}):
        assert web.post(f"/v1/hooks/request-tracker/{path}", json=body).status_code == 202
    assert app.lobby.inbound.read_all() == 0, "not before whoever rang has stored it"
    assert app.lobby.inbound.read_all(later(app)) == 1
    help_desk.tickets["7"] = ticket(7, "Where is my parcel?", "It should have come on Monday.")
    app.lobby.inbound.ring("request-tracker", "7")
    app.lobby.inbound.read_all(later(app))
    assert said_here(app) == ["Where is my parcel?", "It should have come on Monday."]
    [made] = app.people.tickets(all_states=True)
    assert made.customer_id == "buyer7@shop.example"
    assert app.people.mirrored(made.id) == Ref("request-tracker", "7")


def test_what_rings_often_and_in_any_order_becomes_one_message_each(app, web, help_desk):
    chance = random.Random(5)
    rings = [number for number in range(40) for _ in range(chance.randint(1, 5))]
    chance.shuffle(rings)
    _, path = app.lobby.bells.add("request-tracker", "test")
    for number in rings:
        help_desk.tickets[str(number)] = ticket(number, f"Question {number}", f"More of {number}")
        answer = web.post(f"/v1/hooks/request-tracker/{path}", json={"ticket": number})
        assert answer.status_code == 202
        if chance.random() < 0.2:
            app.lobby.inbound.read_all(later(app))
    while app.lobby.inbound.read_all(later(app)):
        pass
    wanted = [f"{what} {number}" for number in range(40) for what in ("Question", "More of")]
    assert sorted(said_here(app)) == sorted(wanted)


def test_what_is_closed_there_is_closed_here_once(app, web, help_desk):
    help_desk.tickets["7"] = ticket(7, "how do i reset the password")
    app.lobby.inbound.ring("request-tracker", "7")
    app.lobby.inbound.read_all(later(app))
    [made] = app.people.tickets(all_states=True)
    app.lobby.deciding.now(made.conversation_id)
    help_desk.tickets["7"] = ticket(7, "how do i reset the password", closed_by="12")
    app.lobby.inbound.ring("request-tracker", "7")
    app.lobby.inbound.read_all(later(app))
    assert app.people.ticket(made.id).state == "closed"
    app.desk.reopen(made.id, "mia")
    app.lobby.inbound.ring("request-tracker", "7")
    app.lobby.inbound.read_all(later(app))
    assert app.people.ticket(made.id).state == "queued"


def test_a_ticket_that_another_kbsupport_made_is_none_of_ours(app, help_desk):
    assert app.lobby.inbound.take_in(ticket(9, "Hello", marked=True)) is None
    assert said_here(app) == []


def test_a_help_desk_that_is_down_is_asked_again(app, help_desk, monkeypatch):
    from kbsupport.errors import UpstreamError

    def down(ref):
        raise UpstreamError("request-tracker")

    help_desk.tickets["7"] = ticket(7, "Hello")
    app.lobby.inbound.ring("request-tracker", "7")
    with monkeypatch.context() as patched:
        patched.setattr(help_desk, "read", down)
        assert app.lobby.inbound.read_all(later(app, seconds=2)) == 0
    assert app.lobby.inbound.read_all(later(app, seconds=3)) == 0, "not at once"
    assert app.lobby.inbound.read_all(later(app, seconds=20)) == 1
    assert said_here(app) == ["Hello"]


def test_only_a_whole_and_living_address_rings(app, web):
    bell, path = app.lobby.bells.add("request-tracker", "test")
    body = {"ticket": 7}
    wrong = [path[:-1], f"{bell.id}_", "x_y", f"{path}x", "é", "_"]
    for other in [f"request-tracker/{one}" for one in wrong] + [f"django-helpdesk/{path}"]:
        assert web.post(f"/v1/hooks/{other}", json=body).status_code == 404
    app.lobby.bells.end(bell.id, "test")
    assert web.post(f"/v1/hooks/request-tracker/{path}", json=body).status_code == 404


def test_a_bell_that_names_no_ticket_is_refused(app, web):
    _, path = app.lobby.bells.add("request-tracker", "test")
    for body in (
        {},
        [],
        {"ticket": "7; DROP"},
        {"ticket": True},
        {"ticket": {}},
        {"ticket": 10**30},
    ):
        answer = web.post(f"/v1/hooks/request-tracker/{path}", json=body)
        assert answer.status_code == 422, body
    assert web.post(f"/v1/hooks/request-tracker/{path}").status_code == 422


def signed(secret, body, *, at=None, id="msg_1"):
    at = at or datetime.now(UTC)
    return {
        "webhook-id": id, "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body), "content-type": "application/json",
    }  # fmt: skip


def test_a_signed_bell_takes_its_own_bytes_once_and_nothing_else(app, web, help_desk):
    bell, path = app.lobby.bells.add("request-tracker", "test", signed=True)
    secret, body = app.lobby.bells.secret(bell), json.dumps({"ticket": 7})
    where = f"/v1/hooks/request-tracker/{path}"
    headers = signed(secret, body)
    assert web.post(where, content=body, headers=headers).status_code == 202
    replayed = web.post(where, content=body, headers=headers)
    assert (replayed.status_code, replayed.json()) == (200, {"status": "known"})
    encoded_again = json.dumps({"ticket": 7}, separators=(",", ":"))
    old = datetime.now(UTC) - timedelta(seconds=301)
    refused = [
        (encoded_again, headers),
        (body, signed(secret, body, at=old)),
        (body, signed("whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=", body)),
        (body, headers | {"webhook-timestamp": "nan"}),
        (body, headers | {"webhook-signature": "v1"}),
        (body, {"content-type": "application/json"}),
    ]
    for content, with_these in refused:
        assert web.post(where, content=content, headers=with_these).status_code == 401
    begun = time.monotonic()
    for count, status in ((1000, 401), (10_000, 431)):
        many = headers | {"webhook-signature": "v1,AAAA " * count + headers["webhook-signature"]}
        assert web.post(where, content=body, headers=many).status_code == status
    assert time.monotonic() - begun < 1.0


def test_webhooks_are_added_shown_tested_and_removed_over_http(app, web, key_for):
    admin = key_for(Role.ADMIN)
    with Receiver() as receiver:
        wish = {"url": receiver.url, "types": ["ticket.*"]}
        made = web.post("/v1/webhooks", json=wish, headers=admin)
        assert made.status_code == 201, made.text
        name = made.json()["id"]
        assert made.json()["secret"].startswith("whsec_")
        assert web.post(f"/v1/webhooks/{name}/test", headers=admin).json()["good"]
        again = web.post(f"/v1/webhooks/{name}/rotate", json={"grace_hours": 1.0}, headers=admin)
        assert again.json()["secret"] != made.json()["secret"]
        [listed] = web.get("/v1/webhooks", headers=admin).json()["items"]
        assert "secret" not in listed
        app.lobby.inbound.take_in(ticket(1, "Hello there"))
        app.people.outbox.deliver()
        app.lobby.dispatcher.step(patience=5.0)
        [delivery] = web.get(f"/v1/webhooks/{name}/deliveries", headers=admin).json()["items"]
        assert delivery["state"] == "sent"
        where = f"/v1/webhooks/{name}/deliveries/{delivery['id']}/again"
        assert web.post(where, headers=admin).json()["state"] == "waiting"
        assert web.post(f"/v1/webhooks/{name}/enable", headers=admin).status_code == 200
        assert web.post(f"/v1/webhooks/{name}/remove", headers=admin).json()["id"] == name
    assert web.get(f"/v1/webhooks/{name}/deliveries", headers=admin).status_code == 404
    app.lobby.dispatcher.close()


def test_an_address_inside_is_refused_over_http_and_only_administrators_add_any(web, key_for):
    admin = key_for(Role.ADMIN)
    for url in ("http://169.254.169.254/", "https://127.1/", "https://[::ffff:10.0.0.1]/", "x"):
        answer = web.post("/v1/webhooks", json={"url": url}, headers=admin)
        assert answer.status_code == 422, url
    wish = {"url": "https://8.8.8.8/", "types": ["ticket.lost"]}
    assert web.post("/v1/webhooks", json=wish, headers=admin).status_code == 422
    for role in (Role.CUSTOMER, Role.SPECIALIST, Role.LEAD, Role.AUDITOR):
        assert web.get("/v1/webhooks", headers=key_for(role)).status_code == 403
