import asyncio
import json
import socket
import subprocess
import sys

import pytest
from mcp import Client, StdioServerParameters

from kbsupport.errors import ConfigError, KbSupportError, MissingExtra
from kbsupport.mcp.serving import Opening, over_http, over_stdio

PASSWORD = "how do i reset the password"
# The command line as it is, without the model.
PROGRAM = (
    "import sys; from kbsupport.app import App; from kbsupport.testing import FakeEmbedder; "
    "App.embedder = FakeEmbedder(); from kbsupport.cli.main import run; run(sys.argv[1:])"
)


def frame(id, method, **params):
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode()


def calls(id, name, **arguments):
    return frame(id, "tools/call", name=name, arguments=arguments)


HELLO = frame(
    1, "initialize", protocolVersion="2025-06-18", capabilities={},
    clientInfo={"name": "test", "version": "1"},
)  # fmt: skip


def test_the_sdks_client_starts_the_command_and_asks(proven_app):
    words = ["-c", PROGRAM, "--home", str(proven_app.home), "mcp"]

    async def story():
        async with Client(StdioServerParameters(command=sys.executable, args=words)) as client:
            tools = await client.list_tools()
            made = await client.call_tool("ask_question", {"text": PASSWORD})
            return [one.name for one in tools.tools], made.structured_content

    names, made = asyncio.run(story())
    assert "ask_question" in names
    assert "draft_reply" not in names
    assert made["outcome"] == "resolve"


def test_frames_that_are_none_are_answered_and_the_next_one_is_heard(command_line, proven_app):
    frames = [
        b"garbage", b"", b"\xff\xfe\x00", b"[" * 100_000, b"{}", b"[]", b"null",
        b'{"jsonrpc": "1.0", "id": 1, "method": "x"}',
        calls(2, "get_ticket", ticket_id="T").replace(b'"T"', b'"\\ud83d"'),
        b'{"jsonrpc": "2.0", "id": 3, "method": "' + b"a" * 10_000_000 + b'"}',
        HELLO, b'{"jsonrpc": "2.0", "method": "notifications/initialized"}',
        calls(4, "ask_question", text="a" * 10_000_000),
        frame(5, "no/such"), frame(6, "tools/call", name="get_ticket", arguments=[1]),
        calls(7, "search_knowledge_base", query="password"),
    ]  # fmt: skip
    told = b"\n".join(frames) + b"\n"
    with command_line(
        "--home", proven_app.home, "mcp", fake=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        running.stdin.write(told)
        running.stdin.flush()
        heard = [json.loads(running.stdout.readline())]
        while heard[-1].get("id") != 7:
            heard.append(json.loads(running.stdout.readline()))
        out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (0, b"")
    assert b"Traceback" not in err
    nameless = [one["error"]["code"] for one in heard if one["id"] is None]
    assert sorted(nameless) == [-32700] * 5 + [-32600] * 4
    by = {one["id"]: one for one in heard}
    assert "at most 8000" in by[4]["result"]["content"][0]["text"]
    assert (by[5]["error"]["code"], by[6]["error"]["code"]) == (-32601, -32602)
    assert by[7]["result"]["structuredContent"]["articles"][0]["article_id"] == "password"


@pytest.mark.parametrize(
    ("opening", "said"),
    [(Opening(write=True), "add --as SPECIALIST"), (Opening(by="nobody"), "nobody in the rota")],
)
def test_who_writes_has_to_be_somebody(proven_app, opening, said):
    with pytest.raises(KbSupportError, match=said):
        over_stdio(proven_app, opening)


def test_without_the_sdk_the_command_names_the_extra(proven_app, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    with pytest.raises(MissingExtra, match=r"pip install 'kbsupport\[mcp\]'"):
        over_http(proven_app, Opening(), 0, print)


def test_a_port_that_is_taken_is_named(proven_app):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="choose another --port"):
            over_http(proven_app, Opening(), taken.getsockname()[1], print)
