"""A request with a key is done once, whatever happens in between; and what that does not cover."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from api.conftest import PASSWORD

from kbsupport.api.house import House, Requests
from kbsupport.api.problems import Problem
from kbsupport.errors import StoreError
from kbsupport.model import Role, Scope
from kbsupport.store.requests import Answered, Begun

NAMED = {"Idempotency-Key": "k-1"}


def test_a_ticket_is_answered_alike_however_far_it_has_come(client, proven_app, key_for):
    header = key_for("customer") | NAMED
    first = client.post("/v1/tickets", json={"text": PASSWORD}, headers=header)
    proven_app.lobby.work.until_done()
    again = client.post("/v1/tickets", json={"text": PASSWORD}, headers=header)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.json()["state"] == "new"
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    ticket = client.get(first.headers["location"], headers=header).json()
    assert ticket["state"] == "answered"


@pytest.mark.parametrize(
    "other",
    [{"text": "else"}, {"language": "de"}, {"product": "p"}, {"customer_id": "C-2"},
     {"conversation_id": "c-9"}, {"subject": "s"}],
)  # fmt: skip
def test_another_ticket_under_the_same_key_is_refused(client, key_for, other):
    header, body = key_for(Role.ADMIN) | NAMED, {"text": PASSWORD, "customer_id": "C-1"}
    assert client.post("/v1/tickets", json=body, headers=header).status_code == 201
    assert client.post("/v1/tickets", json=body | other, headers=header).status_code == 422
    assert client.post("/v1/ask", json={"text": PASSWORD}, headers=header).status_code == 422
    assert len(client.get("/v1/tickets", headers=header).json()["items"]) == 1


def test_an_event_is_answered_alike_even_after_a_person_has_come(client, proven_app, key_for):
    header = key_for(Role.ADMIN) | NAMED
    said = {"type": "chat.message", "text": "i want to speak to a human being now", "id": "m-1"}
    first = client.post("/v1/events", json=said, headers=header)
    (one,) = proven_app.desk.list()
    proven_app.desk.claim(one.escalation.id, proven_app.people.rota().lead.id)
    assert client.post("/v1/events", json=said, headers=header).content == first.content
    # By its id alone it is one message, told with what has come of it by then.
    later = client.post("/v1/events", json=said, headers=key_for(Role.ADMIN)).json()
    assert later["ticket_id"] != first.json()["ticket_id"]


class Clock:
    def __init__(self):
        self.now = datetime(2026, 7, 1, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock(proven_app, monkeypatch):
    made = Clock()
    monkeypatch.setattr(proven_app.people, "clock", made)
    return made


@pytest.fixture
def requests(proven_app):
    return Requests(proven_app)


def test_a_request_in_flight_waits_a_minute_for_whoever_does_it(requests, clock):
    first = requests.begin("k", "asked", None)
    assert first == Begun("k", clock.now)
    clock.now += timedelta(seconds=59)
    with pytest.raises(Problem) as refused:
        requests.begin("k", "asked", None)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (409, "1")
    clock.now += timedelta(seconds=2)
    second = requests.begin("k", "asked", None)
    assert isinstance(second, Begun)
    # Whoever was given up for dead takes nothing from whoever does it now.
    requests.forget(first)
    requests.done(first, 200, "late")
    requests.done(second, 200, "mine")
    assert requests.begin("k", "asked", None) == Answered(200, "mine")


def test_what_was_answered_is_kept_for_a_day(requests, clock):
    requests.done(requests.begin("k", "asked", None), 200, "said")
    clock.now += timedelta(hours=23, minutes=59)
    assert requests.begin("k", "asked", None) == Answered(200, "said")
    with pytest.raises(Problem, match="another request"):
        requests.begin("k", "other", None)
    clock.now += timedelta(minutes=2)
    assert isinstance(requests.begin("k", "other", None), Begun)


def test_a_ring_of_another_help_desk_is_known_for_a_week(requests, clock):
    requests.done(requests.begin("hook/1", "asked", None), 202, "")
    clock.now += timedelta(days=6)
    assert requests.begin("hook/1", "asked", None) == Answered(202, "")
    clock.now += timedelta(days=2)
    assert isinstance(requests.begin("hook/1", "asked", None), Begun)


def test_a_clock_that_was_set_back_keeps_nobody_waiting(requests, clock):
    requests.begin("k", "asked", None)
    clock.now -= timedelta(hours=1)
    assert isinstance(requests.begin("k", "asked", None), Begun)


def test_over_http_a_request_in_flight_is_a_409_that_says_when(client, proven_app, key_for):
    header = key_for(Role.ADMIN) | NAMED
    real = proven_app.ask

    def meanwhile(*given, **named):
        inner = client.post("/v1/ask", json={"text": PASSWORD}, headers=header)
        assert (inner.status_code, inner.headers["retry-after"]) == (409, "1")
        return real(*given, **named)

    proven_app.ask = meanwhile
    assert client.post("/v1/ask", json={"text": PASSWORD}, headers=header).status_code == 200


def test_what_failed_for_reasons_of_ours_may_be_tried_again(client, proven_app, key_for):
    header, real = key_for(Role.ADMIN) | NAMED, proven_app.ask

    def fails(*_given, **_named):
        raise StoreError("the disk is full")

    proven_app.ask = fails
    assert client.post("/v1/ask", json={"text": PASSWORD}, headers=header).status_code == 503
    proven_app.ask = real
    answer = client.post("/v1/ask", json={"text": PASSWORD}, headers=header)
    assert answer.status_code == 200
    assert "idempotent-replay" not in answer.headers


def test_a_key_of_a_page_is_told_apart_by_where_its_holder_is(client, key_for):
    header = key_for("customer", visitors=True) | NAMED
    page = {"Origin": "http://testserver"}
    first = client.post("/v1/visitors", headers=header | page)
    assert first.status_code == 201, first.text
    client._transport.client = ("198.51.100.7", 50000)
    second = client.post("/v1/visitors", headers=header | page)
    assert second.json()["conversation_id"] != first.json()["conversation_id"]
    assert second.json()["token"]


def test_what_failed_inside_is_told_to_staff_alone(client, proven_app, key_for):
    (proven_app.home / "policy.toml").write_text("[", encoding="utf-8")
    asked = {"text": PASSWORD}
    theirs = client.post("/v1/ask", json=asked, headers=key_for("customer")).json()
    ours = client.post("/v1/ask", json=asked, headers=key_for(Role.ADMIN)).json()
    assert str(proven_app.home) in ours["error"]
    assert str(proven_app.home) not in str(theirs)
    assert theirs["error"] == theirs["evidence"]["rule"]
    assert (theirs["outcome"], ours["outcome"]) == ("escalate", "escalate")


@pytest.mark.parametrize("told", [{"tier": "enterprise"}, {"customer_id": "C-2"}])
def test_a_customer_cannot_say_what_the_key_says(client, key_for, told):
    asked = {"text": PASSWORD} | told
    assert client.post("/v1/ask", json=asked, headers=key_for("customer")).status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/ask", {"text": PASSWORD}),
        ("/v1/chat/completions",
         {"model": "kbsupport", "messages": [{"role": "user", "content": PASSWORD}]}),
        ("/v1/events", {"type": "chat.message", "text": PASSWORD}),
    ],
)  # fmt: skip
def test_whoever_needs_the_model_waits_in_line_or_is_sent_away(client, key_for, path, body):
    client.app.state.house._in_line = 500
    answer = client.post(path, json=body, headers=key_for(Role.ADMIN))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    client.app.state.house._in_line = 0
    assert client.post(path, json=body, headers=key_for(Role.ADMIN)).status_code == 200


def test_a_pages_key_hands_on_no_more_than_it_opens(client, key_for):
    header = key_for("customer", visitors=True, scopes=[Scope.TICKETS_WRITE])
    page = {"Origin": "http://testserver"}
    token = client.post("/v1/visitors", headers=header | page).json()["token"]
    theirs = {"Authorization": f"Bearer {token}"}
    assert client.post("/v1/ask", json={"text": PASSWORD}, headers=theirs).status_code == 403
    assert client.post("/v1/chat/tickets", json={}, headers=theirs).status_code == 403
    assert client.post("/v1/tickets", json={"text": PASSWORD}, headers=theirs).status_code == 201


def test_of_large_bodies_only_so_many_are_in_memory_at_once(proven_app):
    house = House(proven_app)

    async def entered(length):
        async with asyncio.timeout(0.05), house.carrying(length):
            return True

    async def all_of_it():
        async with AsyncExitStack() as held:
            for _ in range(4):
                await held.enter_async_context(house.carrying("70000000"))
            assert await entered("900")
            for length in ("70000000", None):
                with pytest.raises(TimeoutError):
                    await entered(length)
        assert await entered(None)

    asyncio.run(all_of_it())
