"""What stands around every answer: ids, limits, and what a page of another origin may read."""

import logging
import shutil
import socket
import time

import pytest
from fastapi.testclient import TestClient
from misbehaving import let_loopback_through
from serving import in_thread

from kbsupport.access.keys import Wish
from kbsupport.api.web import create
from kbsupport.model import Role, Scope

ASK = {"text": "how do i reset the password"}
SHOP = "https://shop.example"


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def made(make_app, small_homes, home):
    """An app with few calls a minute, and how a key of it is made."""
    shutil.copytree(small_homes["proven"], home)
    limits = {"origins": [SHOP], "calls_a_minute": 3, "priority_calls_a_minute": 5}
    app = make_app(serve=limits)

    def key_for(role=Role.CUSTOMER, **wish):
        text = app.lobby.keys.add(Wish("test", role, **wish), "test")[1]
        return {"Authorization": f"Bearer {text}"}

    return app, key_for


@pytest.fixture
def web(made):
    with TestClient(create(made[0]), raise_server_exceptions=False) as client:
        yield client


def left(response):
    """What an answer says of the calls that are left."""
    names = ("limit", "remaining", "reset")
    return tuple(int(response.headers[f"x-ratelimit-{name}"]) for name in names)


def test_what_nobody_thought_of_is_answered_like_everything_else(made, web, monkeypatch, caplog):
    app, key_for = made

    def fails(*_, **__):
        raise ZeroDivisionError("jane@home.example")

    monkeypatch.setattr(app, "ask", fails)
    asked = key_for(customer_id="C-1") | {"Origin": SHOP, "X-Request-Id": "r-500"}
    with caplog.at_level(logging.INFO):
        answer = web.post("/v1/ask", json=ASK, headers=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert (answer.json()["request_id"], answer.headers["x-request-id"]) == ("r-500", "r-500")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert left(answer)[:2] == (3, 2)
    assert "jane" not in answer.text
    assert "request r-500 failed: ZeroDivisionError" in caplog.text
    (noted,) = [one for one in caplog.records if one.name == "kbsupport.access"]
    assert (noted.request, noted.status, noted.route) == ("r-500", 500, "/v1/ask")


def test_a_page_of_another_origin_may_read_how_long_to_wait(web):
    answer = web.get("/healthz", headers={"Origin": SHOP})
    readable = set(answer.headers["access-control-expose-headers"].split(", "))
    assert {"Retry-After", "X-Request-Id", "X-RateLimit-Remaining"} <= readable


def test_every_answer_to_a_key_says_how_many_calls_are_left(made, web):
    _, key_for = made
    header = key_for(customer_id="C-1")
    answers = [web.get("/v1/keys", headers=header), web.get("/v1/tickets/T-9", headers=header)]
    assert [one.status_code for one in answers] == [403, 404]
    answers += [web.get("/v1/tickets", headers=header) for _ in range(2)]
    assert [left(one)[:2] for one in answers] == [(3, 2), (3, 1), (3, 0), (3, 0)]
    assert (answers[2].status_code, answers[3].status_code) == (200, 429)
    assert left(answers[2])[2] == 60
    assert int(answers[3].headers["retry-after"]) == 20
    assert "x-ratelimit-limit" not in web.get("/v1/tickets").headers, "nobody's calls"


def test_all_keys_of_a_customer_share_what_one_customer_may(made, web):
    _, key_for = made
    first, second = key_for(customer_id="C-1"), key_for(customer_id="C-1")
    before = [web.get("/v1/tickets", headers=one).status_code for one in (first, second, first)]
    assert before == [200, 200, 200]
    assert web.get("/v1/tickets", headers=second).status_code == 429
    other = key_for(customer_id="C-2")
    assert left(web.get("/v1/tickets", headers=other))[:2] == (3, 2)
    scopes = [Scope.TICKETS_READ, Scope.PRIORITY]
    pressing = key_for(customer_id="C-1", scopes=scopes)
    assert left(web.get("/v1/tickets", headers=pressing))[:2] == (5, 4)


def test_whoever_draws_many_passes_is_one_stranger(made, web, monkeypatch):
    monkeypatch.setattr("kbsupport.api.guarding._STRANGERS_A_MINUTE", 4)
    _, key_for = made
    page = key_for(visitors=True) | {"Origin": SHOP}
    tokens = [web.post("/v1/visitors", headers=page).json()["token"] for _ in range(2)]
    met = [{"Authorization": f"Bearer {one}"} for one in tokens]
    answers = [web.get("/v1/tickets", headers=one).status_code for one in (*met, *met)]
    assert answers == [200, 200, 429, 429]


def test_a_body_that_ends_early_is_not_our_failure(made, caplog):
    app, key_for = made
    said = key_for(customer_id="C-1")["Authorization"]
    caplog.set_level(logging.INFO)
    head = (
        f"POST /v1/ask HTTP/1.1\r\nHost: here\r\nAuthorization: {said}\r\n"
        'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"te'
    )
    with in_thread(app, work=False) as doors:
        with socket.create_connection(("127.0.0.1", doors.port)) as hung_up:
            hung_up.sendall(head.encode())
            time.sleep(0.3)
        until = time.monotonic() + 10
        while not (noted := [one for one in caplog.records if one.name == "kbsupport.access"]):
            assert time.monotonic() < until
            time.sleep(0.05)
    assert [one.status for one in noted] == [400]
    assert "failed" not in caplog.text


def test_the_document_names_every_header_and_what_a_bell_takes(web):
    found = web.get("/openapi.json").json()
    assert found["components"]["headers"]["X-Request-Id"]["required"]
    opened = found["paths"]["/v1/tickets"]["post"]["responses"]
    rate = {f"X-RateLimit-{name}" for name in ("Limit", "Remaining", "Reset")}
    assert {"X-Request-Id", "Location", "Idempotent-Replay"} | rate == set(opened["201"]["headers"])
    assert {"X-Request-Id", "Retry-After"} | rate == set(opened["429"]["headers"])
    assert set(opened["401"]["headers"]) == {"X-Request-Id"}
    bell = found["paths"]["/v1/hooks/{system}/{path}"]["post"]
    signed = {one["name"] for one in bell["parameters"] if one["in"] == "header"}
    assert signed == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    asked = bell["requestBody"]["content"]["application/json"]["schema"]
    assert asked["required"] == ["ticket"]
    assert {"200", "202"} < set(bell["responses"])


BREAKS = [
    b"X-Request-Id: a\rSet-Cookie: b",
    b"X-Request-Id: a\nSet-Cookie: b",
    b"X-Request-Id: a\r\n Set-Cookie: b",
    b"Idempotency-Key: a\x00Set-Cookie: b",
    b"Idempotency-Key: a\r\n\tSet-Cookie: b",
]


@pytest.mark.parametrize("line", BREAKS)
def test_a_line_break_in_a_header_makes_no_other_header(made, line):
    app, key_for = made
    body, bearer = b'{"text": "a"}', key_for(customer_id="C-1")["Authorization"].encode()
    head = [
        b"POST /v1/tickets HTTP/1.1", b"Host: x", b"Connection: close", line,
        b"Authorization: " + bearer, b"Content-Type: application/json", b"Content-Length: 13",
    ]  # fmt: skip
    with in_thread(app, work=False) as doors:
        with socket.create_connection(("127.0.0.1", doors.port), timeout=10) as caller:
            caller.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body)
            said = b""
            while part := caller.recv(65_536):
                said += part
        status, _, rest = said.partition(b"\r\n")
        fields = rest.partition(b"\r\n\r\n")[0].splitlines()
        names = {field.partition(b":")[0].strip().lower() for field in fields}
        assert b"set-cookie" not in names
        assert status.startswith(b"HTTP/1.1 400")
        assert doors.call("/healthz")[0] == 200


def test_the_name_of_a_file_breaks_no_header(made, web):
    admin = made[1](Role.ADMIN)
    name = 'a"\r\nSet-Cookie: b\r\n\r\n.txt'
    file = {"name": name, "kind": "text/plain", "data": "YWJj"}
    taken = web.post("/v1/tickets", json={"text": "see", "attachments": [file]}, headers=admin)
    assert taken.status_code == 201
    where = f"/v1/tickets/{taken.json()['id']}/attachments"
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    found = web.get(f"{where}/{digest}", headers=admin)
    assert found.content == b"abc"
    assert "set-cookie" not in found.headers
    assert "\n" not in found.headers["content-disposition"]
