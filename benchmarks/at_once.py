"""Eight processes write tickets into one database at the same time: is anything lost?

Each opens a thousand tickets, a message and an event with each, and counts one shared
conversation up. Then: every ticket is there once, numbers have no gap, the shared conversation's
messages are numbered in the order they were kept, the audit log is whole. First on an SQLite
file, then in a new database on a PostgreSQL server, where `--postgres URL` or
KBSUPPORT_TEST_POSTGRES names one whose user may make databases; else its last figures stay.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, write_result
from benchmarks.figures import figure, load_note, show
from kbsupport.model import Author, EventType, Identity, State
from kbsupport.store import audit, conversations, events, tickets
from kbsupport.store.database import Database
from kbsupport.store.postgres import Place

SHARED = "everybody"
KEY = b"k" * 32
SQLITE, SERVER = "SQLite", "PostgreSQL"


def write(where: Path | str, process: int, times: int, ready: Any, failures: Any) -> None:
    """One process: its tickets, one transaction each."""
    database = Database(where)
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


def race(where: Path | str, writers: int, times: int) -> tuple[dict[str, int], float, str]:
    """What went wrong, the seconds it took, and how this database keeps what it acknowledged."""
    database, spawn = Database(where), multiprocessing.get_context("spawn")
    ready, failures = spawn.Barrier(writers + 1), spawn.Queue()
    started = [
        spawn.Process(target=write, args=(where, n, times, ready, failures)) for n in range(writers)
    ]
    for writer in started:
        writer.start()
    ready.wait()
    begun = time.perf_counter()
    for writer in started:
        writer.join()
    seconds = time.perf_counter() - begun
    wrong = faults(database, writers * times) | {"errors": failures.qsize()}
    kept = database.condition()
    database.close()
    return wrong, seconds, kept


@contextmanager
def new_database(url: str) -> Iterator[str]:
    """The URL of a database on that server which is gone afterwards."""
    from sqlalchemy import make_url

    name = f"kbsupport_bench_{secrets.token_hex(6)}"
    connection = Place(url).connect({})
    connection.autocommit = True
    connection.cursor().execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.close()


def figures_of(on: str, wrong: dict[str, int], rate: float) -> dict[str, Any]:
    """The figures of one kind of database."""
    said = {
        "lost": ("tickets lost", wrong["lost"]),
        "errors": ("errors", wrong["errors"]),
        "numbers": ("gaps or doubles in ticket numbers", wrong["numbers"]),
        "order": ("turns of the shared conversation out of order", wrong["turns"] + wrong["order"]),
        "events": ("events lost", wrong["events"]),
        "audit": ("faults in the audit log", wrong["audit"]),
    }
    # The file's figures had these names before there was a server.
    begin = "" if on == SQLITE else "postgres_"
    found = {
        f"{begin}{key}": figure(f"{on}: {what}", value, "", at_most=0)
        for key, (what, value) in said.items()
    }
    rate_of = figure(f"{on}: tickets a second, all together", rate, "")
    return found | {f"{begin}rate": rate_of}


def earlier() -> tuple[dict[str, Any], list[str]]:
    """The server's figures of the last run that had one, and what was noted of it."""
    path = RESULTS / "at_once.json"
    held = json.loads(path.read_text("utf-8")) if path.is_file() else {"figures": {}, "notes": []}
    figures = {key: one for key, one in held["figures"].items() if key.startswith("postgres_")}
    return figures, [note for note in held["notes"] if note.startswith(SERVER)]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--tickets", type=int, default=1_000)
    parser.add_argument("--postgres", default=os.environ.get("KBSUPPORT_TEST_POSTGRES"))
    flags = parser.parse_args()
    note, expected = load_note(), flags.writers * flags.tickets
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kbsupport.db"
        wrong, seconds, kept = race(file, flags.writers, flags.tickets)
    figures = figures_of(SQLITE, wrong, expected / seconds)
    said = [f"{flags.writers} processes, {flags.tickets:,} tickets each.", f"{SQLITE}: {kept}."]
    if flags.postgres:
        with new_database(flags.postgres) as url:
            wrong, seconds, kept = race(url, flags.writers, flags.tickets)
        figures |= figures_of(SERVER, wrong, expected / seconds)
        said.append(f"{kept}, on the same machine.")
    else:
        held, told = earlier()
        figures |= held
        said += told
    show(figures)
    print(write_result("at_once", figures, "python benchmarks/at_once.py", [*said, note]))


if __name__ == "__main__":
    main()
