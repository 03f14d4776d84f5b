from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from test_guarding import refused
from test_tickets_api import PASSWORD, opened

from kbsupport.access.keys import Wish
from kbsupport.api.web import create
from kbsupport.model import Role

PAGE = "https://shop.example"


@pytest.fixture
def page(make_app, small_homes, home):
    """The API where pages of one shop may hold the chat."""
    import shutil

    shutil.copytree(small_homes["proven"], home)
    app = make_app(serve={"origins": [PAGE]})
    with TestClient(create(app), raise_server_exceptions=False) as made:
        yield app, made


def held(app, role, **wish):
    """A key as a header."""
    wish = Wish("test", Role(role), **wish)
    return {"Authorization": f"Bearer {app.lobby.keys.add(wish, 'test')[1]}"}


def visits(client, key):
    """A visitor's header and conversation."""
    made = client.post("/v1/visitors", headers=key | {"Origin": PAGE}).json()
    return {"Authorization": f"Bearer {made['token']}"}, made["conversation_id"]


def test_a_visitor_of_a_page_has_one_conversation_and_sees_no_other(page):
    app, client = page
    key = held(app, role="customer", visitors=True)
    one, mine = visits(client, key)
    two, theirs = visits(client, key)
    assert mine != theirs
    assert client.get(f"/v1/conversations/{mine}", headers=one).json()["last_seq"] == 0
    made = opened(client, one)
    assert made["conversation_id"] == mine
    app.lobby.work.until_done()
    assert client.get(f"/v1/conversations/{mine}", headers=one).json()["state"] == "answered"
    items = client.get(f"/v1/conversations/{mine}/messages", headers=one).json()["items"]
    assert [said["author"] for said in items] == ["customer", "assistant"]
    assert [t["id"] for t in client.get("/v1/tickets", headers=one).json()["items"]] == [made["id"]]
    assert client.get("/v1/tickets", headers=two).json()["items"] == []
    refused(client.get(f"/v1/tickets/{made['id']}", headers=two), 404)
    refused(client.get(f"/v1/conversations/{mine}", headers=two), 404)
    body = {"text": "a", "conversation_id": mine}
    refused(client.post("/v1/tickets", json=body, headers=two), 404)
    refused(client.get("/v1/customers/me", headers=one), 404)


def test_a_key_that_stands_in_a_page_begins_visits_from_that_page_and_asks_nothing_else(page):
    app, client = page
    key = held(app, role="customer", visitors=True)
    for origin in ({}, {"Origin": "https://other.example"}, {"Origin": "null"}):
        refused(client.post("/v1/visitors", headers=key | origin), 403)
    from_page = key | {"Origin": PAGE}
    refused(client.post("/v1/tickets", json={"text": "a"}, headers=from_page), 403)
    refused(client.get("/v1/tickets", headers=from_page), 403)
    asked = client.post("/v1/ask", json={"text": PASSWORD}, headers=from_page)
    assert asked.status_code == 200
    refused(client.post("/v1/visitors", headers=held(app, role="customer", customer_id="C-1")), 403)
    refused(client.post("/v1/visitors", headers=held(app, role="admin")), 403)


def test_a_token_stands_for_one_customer_until_it_ends(page):
    app, client = page
    backend = held(app, role="admin")
    made = client.post("/v1/tokens", json={"customer_id": "C-5"}, headers=backend).json()
    mine = {"Authorization": f"Bearer {made['token']}"}
    ticket = opened(client, mine)
    assert client.get(f"/v1/tickets/{ticket['id']}", headers=backend).json()["customer_id"] == "C-5"
    refused(client.post("/v1/tokens", json={"customer_id": "C-1"}, headers=mine), 403)
    now = app.people.clock()
    app.lobby.keys._clock = lambda: now + timedelta(minutes=61)
    refused(client.get("/v1/tickets", headers=mine), 401)


def test_a_token_ends_with_the_key_that_gave_it(page):
    app, client = page
    backend = held(app, role="admin")
    made = client.post("/v1/tokens", json={"customer_id": "C-5"}, headers=backend).json()
    mine = {"Authorization": f"Bearer {made['token']}"}
    assert client.get("/v1/tickets", headers=mine).status_code == 200
    (key,) = app.lobby.keys.all()
    client.post(f"/v1/keys/{key.id}/revoke", headers=held(app, role="admin"))
    refused(client.get("/v1/tickets", headers=mine), 401)


def test_what_is_shown_once_is_not_kept_for_a_repeated_request(page):
    app, client = page
    named = held(app, role="admin") | {"Idempotency-Key": "token"}
    body = {"customer_id": "C-5"}
    one = client.post("/v1/tokens", json=body, headers=named).json()
    two = client.post("/v1/tokens", json=body, headers=named)
    assert (two.json(), two.status_code) == (one | {"token": None}, 201)
    from sqlalchemy import text

    with app.database.read() as connection:
        kept = connection.execute(text("select body from request")).scalars().all()
    assert kept
    assert not any(one["token"] in str(body) for body in kept)
