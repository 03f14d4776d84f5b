"""How many questions a second one process takes in, with ticket, decision, event and audit.

The bundled articles and tickets; every ticket is asked in a conversation of its own, as a door
would. SQLite with `synchronous=FULL`: nothing is acknowledged that is not on the disk.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.common import ROOT, write_result
from benchmarks.figures import figure, load_note, show
from kbsupport.app import App, open_app
from kbsupport.evaluation.labels import read_labels

ROUNDS = 3
BAR_A_SECOND, BAR_STORE_MS = 60, 3.0


def once(app: App, texts: list[str], name: str) -> tuple[float, list[float]]:
    """Questions a second, and the milliseconds that each spent in the database."""
    stored = []
    begun = time.perf_counter()
    for number, text in enumerate(texts):
        reply = app.ask(text, conversation_id=f"{name}-{number}", channel="bench")
        assert reply.ticket_id is not None
        stored.append(reply.timings_ms["store"])
    return len(texts) / (time.perf_counter() - begun), stored


def main() -> None:
    """Measure, print and write."""
    note = load_note()
    texts = [label.text for label in read_labels(ROOT / "data" / "tickets.jsonl")]
    with tempfile.TemporaryDirectory() as folder, open_app(Path(folder) / "home") as app:
        app.index([ROOT / "data" / "articles"])
        once(app, texts[:50], "warm")
        rounds = [once(app, texts, f"round-{n}") for n in range(ROUNDS)]
        assert app.people.without_next_action() == []
        assert app.people.verify().fault is None
    rates = [rate for rate, _ in rounds]
    medians = [statistics.median(stored) for _, stored in rounds]
    figures = {
        "rate": figure(
            "questions taken in, one process", statistics.median(rates), "a second",
            at_least=BAR_A_SECOND, of=rates,
        ),
        "store": figure(
            "of each, in the database, median", statistics.median(medians), "ms",
            at_most=BAR_STORE_MS, of=medians,
        ),
    }  # fmt: skip
    show(figures)
    print(write_result("intake", figures, "python benchmarks/intake.py", [note]))


if __name__ == "__main__":
    main()
