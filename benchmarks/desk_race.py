"""Specialists racing for the same escalations: each has exactly one winner, and nobody else has it.

Every thread has a desk of its own over one SQLite file, as processes would, and goes through all
escalations in an order of its own; so most claims come too late, and each of those must be told so.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.common import write_result
from benchmarks.figures import figure, load_note, show
from kbsupport.desk.desk import Desk, Handover
from kbsupport.desk.reading_rota import parse_rota
from kbsupport.desk.rota import Rota
from kbsupport.errors import Conflict
from kbsupport.model import Identity, State
from kbsupport.store import audit, conversations, escalations, events, tickets
from kbsupport.store.database import Database

SPECIALISTS, ESCALATIONS = 16, 500
KEY = bytes(32)
TIERS = ("standard", "premium", "enterprise")

HEAD = """
lead = "s00"
usual = 30
[hours.always]
zone = "UTC"
mon = "00:00-24:00"
[due.default]
hours = "always"
first = "4h"
solved = "8h"
"""
PERSON = """
[[specialist]]
id = "s{:02}"
level = "{}"
topics = ["*"]
languages = ["en"]
capacity = 1000
hours = "always"
"""


def rota() -> Rota:
    """Sixteen people who may all take everything."""
    people = [PERSON.format(n, "frontline" if n else "lead") for n in range(SPECIALISTS)]
    return parse_rota(HEAD + "".join(people), "race.toml", TIERS)


def desk_over(path: Path) -> tuple[Desk, Database]:
    """A desk with connections of its own."""
    database, known = Database(path), rota()
    return Desk(database, lambda: known, KEY, TIERS, lambda: datetime.now(UTC)), database


def hand_over(desk: Desk, database: Database, number: int) -> str:
    """One new ticket in the queue."""
    now = datetime.now(UTC)
    with database.write() as connection:
        conversation = conversations.begin(
            connection, None, channel="cli", customer_id=f"c-{number}", identity=Identity.NAMED,
            now=now,
        )  # fmt: skip
        ticket = tickets.open_ticket(
            connection, conversation_id=conversation, state=State.NEW, customer_id=f"c-{number}",
            tier="standard", question="Help me.", reason="below_threshold", decision_id="d",
            brief={}, now=now,
        )  # fmt: skip
        opened = desk.open(connection, Handover(ticket, None, language="en"), cause=None)
    return opened.escalation.id


def race(path: Path, ids: list[str]) -> tuple[list[tuple[str, str]], list[float], list[str], float]:
    """Who won what, how long each claim took in milliseconds, what went wrong, and the seconds."""
    won: list[tuple[str, str]] = []
    times: list[float] = []
    faults: list[str] = []
    gate = threading.Barrier(SPECIALISTS + 1)

    def run(number: int) -> None:
        desk, database = desk_over(path)
        mine, by = random.Random(number).sample(ids, len(ids)), f"s{number:02}"
        gate.wait()
        try:
            for one in mine:
                begun = time.perf_counter()
                with suppress(Conflict):
                    won.append((desk.claim(one, by).id, by))
                times.append((time.perf_counter() - begun) * 1000)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is the result
            faults.append(f"{by}: {type(error).__name__}: {error}")
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(SPECIALISTS)]
    for thread in threads:
        thread.start()
    gate.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return won, times, faults, time.perf_counter() - begun


def check(database: Database, won: list[tuple[str, str]]) -> dict[str, int]:
    """What the database says afterwards."""
    with database.read() as connection:
        held = {one.id: one.owner for one in escalations.at_work(connection)}
        told = [e for e in events.events(connection, limit=10**6) if e.type == "ticket.claimed"]
        waiting = len(escalations.waiting(connection))
        fault = audit.verify(connection, KEY).fault
    winners = Counter(one for one, _ in won)
    return {
        "one_winner": sum(count == 1 for count in winners.values()),
        "wrong_owner": sum(held.get(one) != by for one, by in won),
        "events": len(told),
        "waiting": waiting,
        "audit_faults": int(fault is not None),
    }


def main() -> None:
    """Race, check, print and write."""
    note = load_note()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kbsupport.db"
        desk, database = desk_over(path)
        opening = []
        ids = []
        for number in range(ESCALATIONS):
            begun = time.perf_counter()
            ids.append(hand_over(desk, database, number))
            opening.append((time.perf_counter() - begun) * 1000)
        won, times, faults, seconds = race(path, ids)
        found = check(database, won)
        database.close()
    for fault in faults:
        print(fault)
    figures: dict[str, Any] = {
        "one_winner": figure(f"escalations with exactly one winner, of {ESCALATIONS}", found["one_winner"], "", at_least=ESCALATIONS),
        "wins": figure("claims told they had won, beside one for each", abs(len(won) - ESCALATIONS), "", at_most=0),
        "wrong_owner": figure("winners whom the database does not name as the owner", found["wrong_owner"], "", at_most=0),
        "events": figure("events of a claim, beside one for each", abs(found["events"] - ESCALATIONS), "", at_most=0),
        "waiting": figure("escalations that nobody got", found["waiting"], "", at_most=0),
        "faults": figure("errors other than 'somebody was faster'", len(faults), "", at_most=0),
        "audit": figure("faults in the audit log", found["audit_faults"], "", at_most=0),
        "seconds": figure(f"{SPECIALISTS} threads, {len(times):,} attempts, together", seconds, "s"),
        "attempt": figure("one attempt, median", statistics.median(times), "ms", of=times),
        "open": figure(
            f"handing over a ticket into a queue of up to {ESCALATIONS}, median",
            statistics.median(opening), "ms", of=opening,
        ),
    }  # fmt: skip
    show(figures)
    print(write_result("desk_race", figures, "python benchmarks/desk_race.py", [note]))


if __name__ == "__main__":
    main()
