import json
import os
import select
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from kbsupport.model import EventType, State
from kbsupport.store import events, tickets
from kbsupport.store.database import Database

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def database(home):
    made = Database(home / "kbsupport.db")
    with made.write() as connection:
        for number in (1, 2):
            tickets.open_ticket(
                connection, conversation_id=f"v-{number}", state=State.ANSWERED, customer_id="c",
                tier="standard", question="?", reason="r", decision_id="d", brief={}, now=NOW,
            )  # fmt: skip
    yield made
    made.close()


def happen(database, ticket="T-1", times=1, type=EventType.TICKET_CREATED, **given):
    with database.write() as connection:
        for _ in range(times):
            events.record(connection, type, now=NOW, ticket_id=ticket, **given)


def test_events_are_shown_in_order_each_with_its_cause(kb, home, database):
    happen(database, body={"decision": "d-1"})
    happen(database, type=EventType.TICKET_ESCALATED, cause=1)
    ran = kb("--home", home, "events")
    first, second = ran.out.splitlines()
    assert first.split() == [
        "1", "2026-07-01", "09:30:00", "ticket.created", "T-1", "decision=d-1",
    ]  # fmt: skip
    assert second.split() == [
        "2", "2026-07-01", "09:30:00", "ticket.escalated", "T-1", "after", "1",
    ]  # fmt: skip
    assert kb("--home", home, "events", "--json").lines[1] == {
        "id": 2, "type": "ticket.escalated", "at": "2026-07-01T09:30:00+00:00", "ticket_id": "T-1",
        "cause": 1, "body": {},
    }  # fmt: skip


def test_a_ticket_a_place_and_a_limit_choose_among_them(kb, home, database):
    happen(database, times=600)
    happen(database, "T-2", times=2)
    happen(database, None)

    def shown(*given):
        return [row["id"] for row in kb("--home", home, "events", "--json", *given).lines]

    assert shown("--ticket", "t-2") == [601, 602]
    assert shown("--after", 601) == [602, 603]
    assert shown("--after", 5, "--limit", 2) == [6, 7]
    assert shown() == list(range(1, 101))
    assert shown("--after", 603) == []
    assert "--after 100" in kb("--home", home, "events").says_one_line()
    assert kb("--home", home, "events", "--after", "503").err == ""


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["--ticket", "T-9"], 1),
        (["--ticket", "bird"], 1),
        (["--limit", 0], 2),
        (["--after", -1], 2),
    ],
)
def test_what_cannot_be_shown_is_one_line(kb, home, database, given, code):
    ran = kb("--home", home, "events", *given)
    assert (ran.code, ran.out) == (code, "")
    assert ran.says_one_line()


@pytest.fixture
def follow(home, database, command_line):
    """A process that follows the events of the home."""
    started = []

    def follow(*more):
        process = command_line(
            "--home", home, "events", "--json", "--follow", *more,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield follow
    for process in started:
        process.kill()
        process.communicate()


def next_line(process):
    ready, _, _ = select.select([process.stdout], [], [], 30)
    assert ready
    return json.loads(process.stdout.readline())


def test_what_happens_next_is_followed_and_ctrl_c_ends_it(follow, database):
    happen(database)
    process = follow()
    assert next_line(process)["id"] == 1
    for number in (2, 3):
        happen(database)
        begun = time.monotonic()
        assert next_line(process)["id"] == number
        assert time.monotonic() - begun < 5
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, b"")


def test_whoever_stops_reading_ends_it_though_nothing_happens(follow, database):
    happen(database)
    process = follow()
    assert next_line(process)["id"] == 1
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr.read() == b""


def test_following_ends_at_its_limit(follow, database):
    happen(database, times=3)
    out, said = follow("--after", "1", "--limit", "2").communicate(timeout=30)
    assert [json.loads(line)["id"] for line in out.splitlines()] == [2, 3]
    assert said == b""


def test_a_pipe_that_was_closed_from_the_start_is_no_error(home, database):
    happen(database, times=50)
    line = f"{sys.executable} -m kbsupport --home {home} events --follow | head -n 1"
    ran = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, timeout=60, check=False,
        env=os.environ,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.split()[0] == b"1"
