"""How many tickets a second are taken in over HTTP, each stored for good before it is confirmed.

`kbsupport serve` with 2 workers and the process that decides beside them; 64 connections, each
sending its next ticket with a key of its own as soon as the last was confirmed, for 60 seconds.

    python benchmarks/http_tickets.py [--seconds 60] [--connections 64]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import bases, load
from benchmarks.common import write_result
from benchmarks.figures import figure, load_note, show
from benchmarks.served import served
from kbsupport import open_app

_DIFFERENT = 500


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=64)
    flags = parser.parse_args()
    began = load_note()
    asked = bases.questions(_DIFFERENT)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with open_app(home=home) as app:
            app.index([Path(__file__).parents[1] / "data" / "articles"])

        def made(number: int) -> tuple[str, dict[str, Any], str | None]:
            return "/v1/tickets", {"text": asked[number % len(asked)]}, f"n-{number}"

        with served(home) as web:
            time.sleep(1)
            found = load.run(
                web.port, web.key, made, connections=flags.connections, seconds=flags.seconds,
                keep=True,
            )  # fmt: skip
            decided = _count(home, "decision_id IS NOT NULL AND author = 'customer'")
            memory = web.memory_mb()
        stored = _count(home, "author = 'customer'")
    ids = {json.loads(body)["id"] for body in found.bodies}
    figures = {
        "a_second": figure("tickets a second", found.a_second, "/s", at_least=300),
        "p50": figure("half of them within", found.percentile(50), "ms"),
        "p99": figure("99 % within", found.percentile(99), "ms", at_most=800),
        "errors": figure("errors", found.errors, "", at_most=0),
        "lost": figure("confirmed and not stored once", len(found.bodies) - stored, "", at_most=0),
        "same": figure("ids given twice", len(found.bodies) - len(ids), "", at_most=0),
        "decided": figure("decided meanwhile", decided, ""),
        "memory": figure("memory of all processes", memory, "MB"),
    }
    notes = [
        began,
        f"{flags.connections} connections, {flags.seconds:g} s; deciding goes on beside.",
    ]
    show(figures)
    write_result("http_tickets", figures, "python benchmarks/http_tickets.py", notes)


def _count(home: Path, where: str) -> int:
    with sqlite3.connect(home / "kbsupport.db") as connection:
        query = f"SELECT count(*) FROM message WHERE {where}"  # noqa: S608 - ours
        return int(connection.execute(query).fetchone()[0])


if __name__ == "__main__":
    main()
