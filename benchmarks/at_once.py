"""Eight processes write tickets into one database at the same time: is anything lost?

Each opens a thousand tickets, a message and an event with each, and counts one shared
conversation up. Then: every ticket is there once, numbers have no gap, the shared conversation's
messages are numbered in the order they were kept, the audit log is whole.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.common import write_result
from benchmarks.figures import figure, load_note, show
from kbsupport.model import Author, EventType, Identity, State
from kbsupport.store import audit, conversations, events, tickets
from kbsupport.store.database import Database

SHARED = "everybody"
KEY = b"k" * 32


def write(path: Path, process: int, times: int, ready: Any, failures: Any) -> None:
    """One process: its tickets, one transaction each."""
    database = Database(path)
    ready.wait()
    for number in range(times):
        try:
            one(database, f"{process}-{number}")
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is counted
            failures.put(repr(error))
    database.close()


def one(database: Database, name: str) -> None:
    """A ticket with its conversation, a message, a turn of the shared one, event and audit."""
    now = datetime.now(UTC)
    about = {"channel": "bench", "customer_id": None, "identity": Identity.ANONYMOUS, "now": now}
    with database.write() as connection:
        conversations.begin(connection, name, **about)
        conversations.begin(connection, SHARED, **about)
        for where in (name, SHARED):
            conversations.add_message(connection, where, author=Author.CUSTOMER, text=name, now=now)
        made = tickets.open_ticket(
            connection, conversation_id=name, state=State.QUEUED, customer_id=None,
            tier="standard", question=name, reason="no_passage", decision_id=name, brief={},
            now=now, next_action_at=now,
        )  # fmt: skip
        events.record(connection, EventType.TICKET_CREATED, now=now, ticket_id=made.id)
        audit.append(connection, KEY, actor=name, action="open", subject=made.id, body={}, now=now)


def faults(database: Database, expected: int) -> dict[str, int]:
    """What is wrong afterwards, counted."""
    with database.read() as connection:
        kept = tickets.tickets(connection, limit=expected * 2)
        turns = conversations.messages(connection, SHARED)
        told = len(events.events(connection, limit=expected * 2))
        whole = audit.verify(connection, KEY)
    numbers = sorted(int(ticket.id.removeprefix("T-")) for ticket in kept)
    return {
        "lost": expected - len({ticket.question for ticket in kept}),
        "numbers": int(numbers != list(range(1, expected + 1))),
        "turns": int([turn.seq for turn in turns] != list(range(1, expected + 1))),
        "order": sum(a.seq >= b.seq for a, b in pairwise(turns)),
        "events": expected - told,
        "audit": int(whole.fault is not None or whole.rows != expected),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--tickets", type=int, default=1_000)
    flags = parser.parse_args()
    note, expected = load_note(), flags.writers * flags.tickets
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kbsupport.db"
        database = Database(path)
        ready, failures = spawn.Barrier(flags.writers + 1), spawn.Queue()
        writers = [
            spawn.Process(target=write, args=(path, n, flags.tickets, ready, failures))
            for n in range(flags.writers)
        ]
        for writer in writers:
            writer.start()
        ready.wait()
        begun = time.perf_counter()
        for writer in writers:
            writer.join()
        seconds = time.perf_counter() - begun
        wrong = faults(database, expected)
        failed = failures.qsize()
        database.close()
    figures = {
        "lost": figure("tickets lost", wrong["lost"], "", at_most=0),
        "errors": figure("errors", failed, "", at_most=0),
        "numbers": figure("gaps or doubles in ticket numbers", wrong["numbers"], "", at_most=0),
        "order": figure(
            "turns of the shared conversation out of order", wrong["turns"] + wrong["order"], "",
            at_most=0,
        ),
        "events": figure("events lost", wrong["events"], "", at_most=0),
        "audit": figure("faults in the audit log", wrong["audit"], "", at_most=0),
        "rate": figure("tickets a second, all together", expected / seconds, ""),
    }  # fmt: skip
    show(figures)
    said = f"{flags.writers} processes, {flags.tickets:,} tickets each, one SQLite file."
    print(write_result("at_once", figures, "python benchmarks/at_once.py", [said, note]))


if __name__ == "__main__":
    main()
