import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from misbehaving import Misbehaving, let_loopback_through

from kbsupport.adapters.notifiers import CommandNotifier, LogNotifier, WebhookNotifier, sign
from kbsupport.errors import ConfigError, UpstreamError
from kbsupport.model import Notice

NOTICE = Notice("añá", "T-7", "T-7 “waits” for you", 12)
SAID = {"to": "añá", "ticket_id": "T-7", "text": "T-7 “waits” for you", "event_id": 12}
KEY = bytes(range(24))
AT = 1_674_087_231


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture(autouse=True)
def _a_secret(monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", "whsec_" + base64.b64encode(KEY).decode())


@pytest.fixture
def server():
    with Misbehaving({"hook": {"taken": True}}) as running:
        yield running


def hook(server, path="/hook", seconds=5.0):
    return WebhookNotifier(server.origin + path, "HOOK_SECRET", seconds, clock=lambda: AT)


def test_the_log_has_one_json_line_for_each_notice(tmp_path):
    path = tmp_path / "new" / "notices.jsonl"
    for _ in range(2):
        LogNotifier(str(path)).notify(NOTICE)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 2
    assert lines[0].pop("at").endswith("+00:00")
    assert lines[0] == SAID


def test_without_a_file_the_log_is_stderr(capsys, monkeypatch):
    LogNotifier().notify(NOTICE)
    said = capsys.readouterr()
    assert (said.out, json.loads(said.err)["ticket_id"]) == ("", "T-7")
    monkeypatch.setattr(sys, "stderr", None)
    LogNotifier().notify(NOTICE)


def test_lines_of_many_writers_are_never_mixed(tmp_path):
    path = tmp_path / "notices.jsonl"
    long = Notice("a", "T-1", "x" * 5_000, 1)
    writers = [
        threading.Thread(target=lambda: [LogNotifier(path).notify(long) for _ in range(50)])
        for _ in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = path.read_text().splitlines()
    assert len(lines) == 200
    assert {json.loads(line)["text"] for line in lines} == {long.text}


def test_a_log_that_cannot_be_written_is_an_upstream_error(tmp_path):
    with pytest.raises(UpstreamError, match="notifier log"):
        LogNotifier(tmp_path).notify(NOTICE)


def python(code):
    return CommandNotifier([sys.executable, "-c", code], timeout_seconds=5)


def test_a_program_gets_the_notice_on_stdin_and_no_shell_sees_its_arguments(tmp_path):
    out = tmp_path / "out"
    code = (
        "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read() + sys.argv[2].encode())"
    )
    CommandNotifier([sys.executable, "-c", code, str(out), "; $(exit 9)"]).notify(NOTICE)
    content, _, argument = out.read_bytes().partition(b"}")
    assert (json.loads(content + b"}"), argument) == (SAID, b"; $(exit 9)")


def test_a_program_that_reads_nothing_may_still_say_yes():
    python("pass").notify(Notice("a", "T-1", "x" * 1_000_000, 1))


def test_a_program_that_ends_badly_or_is_not_there_has_told_nobody(tmp_path):
    with pytest.raises(UpstreamError, match="ended with 3"):
        python("raise SystemExit(3)").notify(NOTICE)
    with pytest.raises(UpstreamError, match="No such file"):
        CommandNotifier([str(tmp_path / "none")]).notify(NOTICE)
    with pytest.raises(UpstreamError, match="Permission denied"):
        CommandNotifier([str(tmp_path)]).notify(NOTICE)


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path):
    out = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {out}; wait"
    begun = time.monotonic()
    with pytest.raises(UpstreamError, match=r"within 0\.5 s"):
        CommandNotifier(["sh", "-c", script], timeout_seconds=0.5).notify(NOTICE)
    assert time.monotonic() - begun < 5
    child = int(out.read_text())
    for _ in range(100):
        if not alive(child):
            break
        time.sleep(0.05)
    assert not alive(child)


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("command", ["notify --desk", [], ["x", 3]])
def test_a_command_is_a_list_of_words(command):
    with pytest.raises(ConfigError, match="must be a list"):
        CommandNotifier(command)


def test_a_signature_is_that_of_the_standards_own_example():
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    found = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_is_posted_with_a_signature_over_the_bytes_that_arrive(server):
    hook(server).notify(NOTICE)
    ((method, path, headers, body),) = server.seen
    assert (method, path, json.loads(body)) == ("POST", "/hook", SAID)
    given = {name.lower(): value for name, value in headers.items()}
    assert given["content-type"] == "application/json"
    assert (given["webhook-id"], given["webhook-timestamp"]) == ("notice-12", str(AT))
    signed = f"notice-12.{AT}.".encode() + body
    expected = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert given["webhook-signature"] == f"v1,{expected}"


def test_the_address_of_a_webhook_is_used_as_it_was_written(server):
    server.does = "no_content"
    hook(server, "/a%20b/?x=1&y=%2F").notify(NOTICE)
    hook(server, "").notify(NOTICE)
    assert [path for _, path, *_ in server.seen] == ["/a%20b/?x=1&y=%2F", "/"]


@pytest.mark.parametrize("does", ["empty", "no_content", "page", "null", "broken"])
def test_whatever_a_2xx_says_the_notice_was_taken(server, does):
    server.does = does
    hook(server).notify(NOTICE)
    assert len(server.seen) == 1


@pytest.mark.parametrize("does", ["error", "forbidden", "redirect", "silence", "hang", "drip_head"])
def test_a_webhook_that_does_not_say_yes_in_time_has_told_nobody(server, does):
    server.does = does
    begun = time.monotonic()
    with pytest.raises(UpstreamError, match="notifier"):
        hook(server, seconds=0.5).notify(NOTICE)
    assert time.monotonic() - begun < 5
    assert len(server.seen) == 1


def test_a_webhook_that_is_not_there_has_told_nobody():
    with Misbehaving() as gone:
        pass
    with pytest.raises(UpstreamError, match="notifier"):
        hook(gone).notify(NOTICE)


@pytest.mark.parametrize(
    ("secret", "words"),
    [(None, "not set"), ("", "not set"), ("whsec_!", "base64"), ("whsec_AAAA", "too short")],
)
def test_a_secret_that_cannot_sign_is_refused_and_never_printed(monkeypatch, secret, words):
    if secret is None:
        monkeypatch.delenv("HOOK_SECRET")
    else:
        monkeypatch.setenv("HOOK_SECRET", secret)
    with pytest.raises(ConfigError, match=words) as raised:
        WebhookNotifier("https://example.com", "HOOK_SECRET")
    assert "HOOK_SECRET" in str(raised.value)
    assert not secret or secret not in str(raised.value)


@pytest.mark.parametrize("url", ["", "example.com/hook", "ftp://example.com", "file:///etc/passwd"])
def test_an_address_that_is_no_http_is_refused(url):
    with pytest.raises(ConfigError, match="http"):
        WebhookNotifier(url, "HOOK_SECRET")


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_time_limit_is_a_time(seconds):
    with pytest.raises(ConfigError, match="timeout_seconds"):
        CommandNotifier([os.fspath(sys.executable)], seconds)
