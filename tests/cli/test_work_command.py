"""`kbsupport work` and `serve` as processes: what they say, and what they end with."""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest
from cli.conftest import Ran
from misbehaving import let_loopback_through

from kbsupport.api import serving
from kbsupport.cli.main import run
from kbsupport.intake import Incoming

# The command line as it is, with a round of work that nobody thought of.
FAILING = (
    "import sys; from kbsupport.work import Work; "
    "Work.round = lambda *_, **__: int('jane@home.example'); "
    "from kbsupport.cli.main import run; run(sys.argv[1:])"
)


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def typed(home, capsys):
    """Run a command over an empty home in this process."""

    def typed(*words):
        with pytest.raises(SystemExit) as stopped:
            run(["--home", str(home), *words])
        said = capsys.readouterr()
        return Ran(stopped.value.code or 0, said.out, said.err)

    return typed


@pytest.fixture
def begun(home):
    """Start a command over an empty home; its first line on stderr is to be read."""
    started = []

    def begun(*words, program=("-m", "kbsupport")):
        command = [sys.executable, *program, "--home", str(home), *words]
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield begun
    for one in started:
        one.kill()
        one.communicate()


def test_work_says_what_fails_as_json_by_its_place_and_goes_on(begun):
    program = begun("work", program=("-c", FAILING))
    assert program.stderr.readline() == "working; Ctrl-C ends it\n"
    first, second = (program.stderr.readline() for _ in range(2))
    line = json.loads(first)
    assert (line["level"], line["name"]) == ("error", "kbsupport.work")
    assert line["trace"][0] == "ValueError"
    assert "work.py" in line["trace"][1]
    assert "jane" not in first + second
    program.send_signal(signal.SIGINT)
    assert program.wait(10) == 130
    assert "Traceback" not in program.stderr.read()


def test_after_the_word_to_end_no_other_decision_is_begun(proven_app, monkeypatch):
    for text in ("first", "second", "third"):
        proven_app.lobby.intake.receive(Incoming(text, channel="chat"))
    over, one = threading.Event(), proven_app.lobby.deciding.one
    monkeypatch.setattr(proven_app.lobby.deciding, "one", lambda: (over.set(), one())[1])
    assert proven_app.lobby.work.round(over=over).decided == 1
    monkeypatch.undo()
    assert proven_app.lobby.work.until_done().decided == 2


def test_what_is_told_to_end_is_done_and_what_is_interrupted_says_so(begun):
    work, serve = begun("work"), begun("serve", "--port", "0", "--workers", "1", "--no-work")
    work.stderr.readline()
    address = serve.stderr.readline().split()[0]
    assert address.startswith("http://127.0.0.1:")
    until_it_answers(address)
    began = time.monotonic()
    work.send_signal(signal.SIGTERM)
    serve.send_signal(signal.SIGINT)
    assert (work.wait(10), serve.wait(10)) == (0, 130)
    assert time.monotonic() - began < 9


def until_it_answers(address):
    import urllib.request

    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.05)


def test_the_doors_are_open_to_this_machine_alone_unless_told_otherwise(typed, monkeypatch):
    given = []
    monkeypatch.setattr(serving, "serve", lambda *_, **named: given.append(named) or 0)
    assert typed("serve").code == 0
    assert typed("serve", "--host", "0.0.0.0").code == 0
    assert [one["host"] for one in given] == ["127.0.0.1", "0.0.0.0"]


def test_an_extra_that_is_not_installed_is_a_part_that_is_missing(typed, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    done = typed("mcp")
    assert done.code == 3
    assert "pip install 'kbsupport[mcp]'" in done.says_one_line()
    assert typed("mcp", "--port", "x").code == 2
