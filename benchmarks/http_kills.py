"""kill -9 of all workers while tickets come in with keys, and clients try again: 30 times.

16 clients send tickets, each with a key of its own, until it is confirmed. Every few seconds every
worker is killed. Afterwards each confirmed ticket has to be there, once.

    python benchmarks/http_kills.py [--kills 30]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import sqlite3
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

from benchmarks.common import write_result
from benchmarks.figures import figure, load_note, show
from benchmarks.served import Served, served, wait_until
from kbsupport import open_app

CLIENTS = 16


class Sender(threading.Thread):
    """Sends one ticket after another, each until it is confirmed."""

    def __init__(self, web: Served, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self._web, self._over = web, over
        self.confirmed: dict[str, str] = {}
        self.again = 0

    def run(self) -> None:
        """Until it is over, and the last is confirmed."""
        while not self._over.is_set():
            text = f"Where is my parcel {uuid.uuid4().hex}?"
            while (ticket := self._send(text)) is None:
                self.again += 1
                time.sleep(0.05)
            self.confirmed[text] = ticket

    def _send(self, text: str) -> str | None:
        line = http.client.HTTPConnection("127.0.0.1", self._web.port, timeout=10)
        headers = {
            "Authorization": f"Bearer {self._web.key}", "Content-Type": "application/json",
            "Idempotency-Key": text[-33:-1],
        }  # fmt: skip
        try:
            line.request("POST", "/v1/tickets", json.dumps({"text": text}), headers)
            said = line.getresponse()
            found = json.loads(said.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            line.close()
        return str(found["id"]) if said.status in {200, 201} else None


def main() -> None:
    """Kill, count and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    flags = parser.parse_args()
    began, chance = load_note(), random.Random(7)
    ready: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with open_app(home=home) as app:
            app.index([Path(__file__).parents[1] / "data" / "articles"])
        over = threading.Event()
        with served(home) as web:
            senders = [Sender(web, over) for _ in range(CLIENTS)]
            for one in senders:
                one.start()
            for _ in range(flags.kills):
                time.sleep(chance.uniform(0.3, 2.0))
                for pid in web.workers():
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                # The port stays open: what comes meanwhile waits for the first worker to be back.
                ready.append(wait_until(web.taking))
            over.set()
            for one in senders:
                one.join()
        confirmed = {text: ticket for one in senders for text, ticket in one.confirmed.items()}
        lost, doubled = _check(home, confirmed)
        with open_app(home=home) as app:
            stranded = len(app.people.without_next_action())
            broken = app.people.verify().fault is not None
    figures = {
        "kills": figure("times all workers were killed", len(ready), ""),
        "confirmed": figure("tickets confirmed", len(confirmed), ""),
        "again": figure("requests sent again", sum(one.again for one in senders), ""),
        "lost": figure("confirmed and lost", lost, "", at_most=0),
        "doubled": figure("stored twice", doubled, "", at_most=0),
        "ready": figure("ready again after", max(ready), "s", at_most=5, of=ready),
        "stranded": figure("open tickets without a next action", stranded, "", at_most=0),
        "audit": figure("faults in the audit log", broken, "", at_most=0),
    }
    show(figures)
    write_result("http_kills", figures, "python benchmarks/http_kills.py", [began])


def _check(home: Path, confirmed: dict[str, str]) -> tuple[int, int]:
    query = (
        "SELECT message.text, 'T-' || ticket.id FROM message JOIN ticket USING (conversation_id) "
        "WHERE message.author = 'customer'"
    )
    with sqlite3.connect(home / "kbsupport.db") as connection:
        rows = connection.execute(query).fetchall()
    lost = len(confirmed.items() - set(rows))
    return lost, len(rows) - len({text for text, _ in rows})


if __name__ == "__main__":
    main()
