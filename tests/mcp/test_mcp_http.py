import asyncio
import json
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from misbehaving import let_loopback_through

from kbsupport.access.keys import Wish
from kbsupport.app import open_app
from kbsupport.intake import Incoming
from kbsupport.model import Identity, Role, Scope

PASSWORD = "how do i reset the password"
LIST = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture(scope="module")
def app(small_homes, tmp_path_factory):
    """The app over the home that is served."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(small_homes["proven"], home)
    with open_app(home) as made:
        yield made


@pytest.fixture(scope="module")
def served(command_line, app):
    """Where `kbsupport mcp --http --write` listens."""
    words = ["--home", app.home, "mcp", "--http", "--port", 0, "--write"]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with command_line(*words, fake=True, **piped) as running:
        try:
            yield running.stderr.readline().decode().split()[0]
        finally:
            running.send_signal(signal.SIGTERM)
            out, err = running.communicate(timeout=20)
    assert out == b""
    assert b"Traceback" not in err


@pytest.fixture
def key_of(app):
    """Make a key of a role."""

    def make(role, **wish):
        if role is Role.CUSTOMER and not wish.get("visitors"):
            wish.setdefault("customer_id", "C-1")
        if role in {Role.SPECIALIST, Role.LEAD}:
            wish.setdefault("specialist_id", app.people.rota().lead.id)
        return app.lobby.keys.add(Wish("test", role, **wish), "test")[1]

    return make


@asynccontextmanager
async def client_at(url, key, mode="auto"):
    """The SDK's client over HTTP, with a key."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def asked(url, body, **headers):
    """The status of a plain request, and what was said."""
    usual = {
        "Accept": "application/json, text/event-stream", "Content-Type": "application/json",
    }  # fmt: skip
    request = urllib.request.Request(url, body, usual | headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_every_caller_sees_and_does_what_their_key_opens(served, key_of, app):
    ask = Incoming("my password", customer_id="C-2", identity=Identity.VERIFIED)
    theirs = app.lobby.intake.receive(ask).ticket.id
    mine = app.lobby.intake.receive(
        Incoming("my parcel", customer_id="C-1", identity=Identity.VERIFIED)
    ).ticket.id

    async def story(key, mode):
        async with client_at(served, key, mode) as client:
            names = [one.name for one in (await client.list_tools()).tools]
            seen = [
                await client.call_tool("get_ticket", {"ticket_id": one})
                for one in (mine, theirs, "T-999")
            ]
            queue = await client.call_tool("list_escalations", {})
            made = await client.call_tool("ask_question", {"text": PASSWORD})
            return names, seen, queue, made

    names, (own, foreign, unknown), queue, made = asyncio.run(story(key_of(Role.CUSTOMER), "auto"))
    assert names == ["search_knowledge_base", "ask_question", "get_ticket"]
    assert (own.structured_content["question"], own.structured_content["internal"]) == (
        "my parcel", None,
    )  # fmt: skip
    assert foreign.is_error
    assert foreign.content == unknown.content
    assert queue.is_error
    assert made.structured_content["outcome"] == "resolve"

    names, seen, queue, made = asyncio.run(story(key_of(Role.AUDITOR), "legacy"))
    assert names == ["explain_decision", "get_ticket", "list_escalations"]
    assert [one.is_error for one in (*seen, queue, made)] == [False, False, True, False, True]


def test_who_may_write_is_in_the_key(served, key_of):
    async def names(key):
        async with client_at(served, key) as client:
            return {one.name for one in (await client.list_tools()).tools}

    assert "draft_reply" in asyncio.run(names(key_of(Role.SPECIALIST)))
    assert "draft_reply" not in asyncio.run(names(key_of(Role.ADMIN, scopes=[Scope.ASK])))


def test_what_opens_nothing_is_refused_before_it_is_read(served, key_of, app):
    page = f"Bearer {key_of(Role.CUSTOMER, visitors=True)}"
    for header in ("", "Bearer", "Bearer kbs_x_y", "Basic a2JzX3g=", page, "Bearer " + "k" * 9000):
        assert asked(served, b"{", Authorization=header)[0] == 401
    good = {"Authorization": f"Bearer {key_of(Role.ADMIN)}"}
    assert asked(served, LIST, **good)[0] == 200
    for made in app.lobby.keys.all():
        app.lobby.keys.revoke(made.id, "test")
    await_refusal(served, good)


def await_refusal(url, header):
    """A revoked key is dead in every process within two seconds."""
    until = time.monotonic() + 2.0
    while asked(url, LIST, **header)[0] != 401:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_requests_that_cannot_be_meant_are_refused_and_hurt_nobody(served, key_of):
    good = {"Authorization": f"Bearer {key_of(Role.ADMIN)}"}
    for body, headers, status in (
        (b"{", {}, 400), (b"[]", {}, 400), (b"\xff\xfe", {}, 400), (b"[" * 100_000, {}, 400),
        (b"a" * 10_000_000, {}, 413), (LIST, {"Content-Type": "text/plain"}, 400),
        (LIST, {"Origin": "https://elsewhere.example"}, 403), (LIST, {"Origin": "null"}, 403),
        (LIST, {"Host": "elsewhere.example"}, 421),
    ):  # fmt: skip
        found, said = refused_or_cut(served, body, good | headers)
        assert found == status, said
        assert "Traceback" not in said
    answered, said = asked(served, LIST, **good)
    assert (answered, json.loads(said)["id"]) == (200, 1)


def refused_or_cut(url, body, headers):
    """Whoever sends on after a refusal finds the socket closed; the refusal counts."""
    try:
        return asked(url, body, **headers)
    except (ConnectionError, urllib.error.URLError):
        return 413, "cut off"
