"""What every process finds out for itself is seen by whoever asks one of them."""

import asyncio
import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from mcp import Client
from misbehaving import let_loopback_through
from real_servers import free_port
from webhooks.receiving import Receiver

from kbsupport.adapters.upstream import FAILURES
from kbsupport.api.web import create
from kbsupport.errors import UpstreamError
from kbsupport.intake import Incoming
from kbsupport.mcp.calling import operator
from kbsupport.mcp.server import made
from kbsupport.model import Author, Delivery
from kbsupport.outbox import note_delivered
from kbsupport.store import conversations

ASK = "how do i reset the password"
PERSON = "i want to speak to a human being now"
# Shows what it finds, then waits for its end: it comes with the end of stdin.
FINDS = (
    "import sys; from kbsupport.meters import Meters; m = Meters(); "
    "m.systems({sys.argv[1]: True}); m.requested('/x', 'GET', 200, 0.1); "
    "print('found', flush=True); sys.stdin.read()"
)
SHOWS = "from kbsupport.meters import Meters; print(Meters().page().decode())"
OPEN = 'kbsupport_breaker_open{{system="{}"}}'


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


def counted(text: str) -> dict[str, float]:
    """Every series of a page with its value."""
    rows = [line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#"]
    return {name: float(value) for name, _, value in rows}


def shown(app):
    """What Prometheus would be told, without asking this process to look."""
    return counted(app.lobby.meters.page().decode())


def test_what_the_dead_found_is_forgotten_and_what_they_counted_is_not(tmp_path):
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", FINDS]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": env}
    with (
        subprocess.Popen([*command, "crm"], **pipes) as dead,
        subprocess.Popen([*command, "orders"], **pipes) as alive,
    ):
        assert [one.stdout.readline() for one in (dead, alive)] == [b"found\n"] * 2
        dead.kill()
        dead.wait()
        look = subprocess.run(
            [sys.executable, "-c", SHOWS], env=env, check=True, capture_output=True, text=True
        )
        alive.stdin.close()
    found = counted(look.stdout)
    assert found[OPEN.format("orders")] == 1
    assert OPEN.format("crm") not in found
    name = 'kbsupport_http_request_seconds_count{method="GET",route="/x",status="200"}'
    assert found[name] == 2


@pytest.fixture
def failing(make_app, tmp_path):
    """An app whose CRM is not there, and whose rewriter is not either."""
    gone = {"use": "sql", "url": f"sqlite:///{tmp_path}/gone.db", "retries": 0}
    crm = gone | {"query": "SELECT id, tier FROM customer WHERE id = :customer_id"}
    nobody = {
        "use": "chat", "base_url": f"http://127.0.0.1:{free_port()}/v1", "model": "m",
    }  # fmt: skip
    return make_app(crm=crm, rewriter=nobody)


def test_a_worker_and_whoever_decides_show_their_breakers_before_they_are_asked(failing):
    assert failing.lobby.breakers() == {}
    for _ in range(FAILURES):
        failing.ask(ASK, customer="C-1")
    with pytest.raises(UpstreamError):
        failing.rewriter.guarded.call("k", refuse)
    assert failing.lobby.breakers() == {"crm": True, "rewriter": False}
    for _ in range(FAILURES - 1):
        with pytest.raises(UpstreamError):
            failing.rewriter.guarded.call("k", refuse)
    assert OPEN.format("crm") not in shown(failing)
    failing.lobby.work.round()
    assert [shown(failing)[OPEN.format(one)] for one in ("crm", "rewriter")] == [1, 1]
    failing.rewriter.guarded._breaker.learn(0.0, fine=True, probe=True)
    with TestClient(create(failing)):
        until(lambda: shown(failing)[OPEN.format("rewriter")] == 0)


def refuse(_):
    raise UpstreamError("rewriter", "it is not there")


def until(reached, within=5.0):
    deadline = time.monotonic() + within
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_webhook_that_fails_and_a_message_that_reached_nobody_are_counted(
    proven_app, client, key_for
):
    header = key_for("auditor")

    def look():
        return counted(client.get("/metrics", headers=header).text)

    def webhooks():
        found = look()
        return [
            found[f'kbsupport_webhooks{{state="{state}"}}']
            for state in ("working", "failing", "disabled")
        ]

    assert webhooks() == [0, 0, 0]
    assert look()["kbsupport_messages_failed"] == 0
    lobby = proven_app.lobby
    lobby.post._hosts = frozenset({"127.0.0.1"})
    with Receiver(says=[(410, {}), (500, {})]) as receiver:
        for _ in range(2):
            lobby.webhooks.add(receiver.url, ["ticket.*"], "test")
        assert webhooks() == [2, 0, 0]
        ticket = lobby.intake.receive(Incoming(PERSON, channel="chat", customer_id="C-1")).ticket
        lobby.work.until_done()
        until(lambda: webhooks() == [0, 1, 1])
    with proven_app.database.write() as connection:
        said = conversations.add_message(
            connection, ticket.conversation_id, author=Author.SPECIALIST, text="Hello",
            now=proven_app.people.clock(), delivery=Delivery.PENDING,
        )  # fmt: skip
    for became in (Delivery.FAILED, Delivery.FAILED):
        note_delivered(proven_app.database, said, became, proven_app.people.clock())
    assert [look()["kbsupport_messages_failed"] for _ in range(2)] == [1, 1]
    assert look()['kbsupport_up{part="webhooks"}'] == 1


def test_decisions_what_is_overdue_and_what_was_not_told_have_their_values(
    proven_app, client, key_for
):
    header, people = key_for("auditor"), proven_app.people
    for text in (ASK, ASK, PERSON):
        proven_app.lobby.intake.receive(Incoming(text, channel="chat"))
    began = people.clock()
    while proven_app.lobby.deciding.one():
        pass
    found = counted(client.get("/metrics", headers=header).text)
    decided = {
        name.partition('outcome="')[2].partition('"')[0]: value
        for name, value in found.items()
        if name.startswith("kbsupport_decisions_total")
    }
    assert decided == {"resolve": 2, "escalate": 1}
    assert found["kbsupport_overdue"] == 0
    people.clock = lambda: began + timedelta(days=30)
    found = counted(client.get("/metrics", headers=header).text)
    assert found["kbsupport_overdue"] == 1
    late = 'kbsupport_outbox_oldest_seconds{{subscriber="{}"}}'
    assert found[late.format("webhooks")] == pytest.approx(30 * 86_400, abs=60)
    people.clock = lambda: began
    people.outbox.deliver()
    found = counted(client.get("/metrics", headers=header).text)
    assert found[late.format("webhooks")] == 0


def test_what_an_assistant_asks_is_counted_as_a_decision(proven_app):
    async def ask():
        served = made(proven_app, lambda: operator(None), write=False, internal=False)
        async with Client(served) as assistant:
            return await assistant.call_tool("ask_question", {"text": ASK})

    assert asyncio.run(ask()).structured_content["outcome"] == "resolve"
    assert shown(proven_app)['response_time_seconds_count{channel="mcp"}'] == 1
