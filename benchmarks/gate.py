"""What the triage costs a question on top of retrieval, and how long learning takes.

A base with 2,000 past tickets (banking77, learnt). The gate is everything that plain retrieval does
not do: what the memory recalls, signals, evidence, judge and verdict.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import write_result
from benchmarks.figures import figure, load_note, show
from benchmarks.trials import articles_of, calibrated, fresh, labels_of
from kbsupport.app import App
from kbsupport.triage.signals import read_signals

SET = "banking77"
LABELS = 2_000
QUESTIONS = 400
BAR_MS, BAR_SECONDS = 5.0, 30.0


def gate_times(app: App) -> list[float]:
    """Milliseconds of each question in the parts that belong to the gate."""
    mind, library = app.mind, app.library
    times = []
    with library.steady():
        memory, standing = library.memory().memory, app.shelf.standing()
        judge = standing.judge_for(any_history=True)
        for label in labels_of(SET, "test")[:QUESTIONS]:
            vector = library.embed(label.text)
            found = library.weigh(label.text, vector, by(), judge.ranking, memory=memory)
            found = library.reorder(label.text, found, judge.ranking)
            begun = time.perf_counter()
            recall = memory.recall(vector, label.text)
            for match in found.matches:
                recall.of(match.article_id)
            recall.unanswered()
            reading = mind.read(standing.intents, label.text, vector)
            mind.decide(read_signals(label.text, (), reading), found, "standard", standing)
            times.append((time.perf_counter() - begun) * 1000)
    return times


def by() -> Any:
    """What a customer of the default tier may see."""
    from kbsupport.model import Filter

    return Filter(tier="standard")


def learning_seconds() -> float:
    """One whole process: calibrate --learn with 2,000 labels that it has never embedded."""
    command = [sys.executable, "-m", "kbsupport", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        home, file = f"{folder}/home", Path(folder) / "labels.jsonl"
        lines = [
            {"id": label.id, "text": label.text, "expected": label.expected,
             "accept_ids": list(label.accept_ids)}
            for label in labels_of(SET, "calibration")[:LABELS]
        ]  # fmt: skip
        file.write_text("\n".join(json.dumps(line) for line in lines))
        subprocess.run(
            [*command, "--home", home, "index", str(articles_of(SET))],
            check=True,
            capture_output=True,
        )
        begun = time.perf_counter()
        made = subprocess.run(
            [*command, "--home", home, "calibrate", str(file), "--risk", "0.05", "--learn"],
            check=False, capture_output=True,
        )  # fmt: skip
        if made.returncode not in (0, 1):
            raise RuntimeError(made.stderr.decode())
        return time.perf_counter() - begun


def main() -> None:
    """Measure, print and write."""
    note = load_note()
    with fresh(SET) as app:
        calibrated(app, labels_of(SET, "calibration")[:LABELS], learn=True)
        gate_times(app)
        times = sorted(gate_times(app))
    learning = [learning_seconds() for _ in range(3)]
    p95 = times[int(0.95 * len(times))]
    figures = {
        "median": figure("the gate, a question, median", statistics.median(times), "ms", at_most=BAR_MS, of=times),
        "p95": figure("the gate, a question, 95th percentile", p95, "ms", at_most=BAR_MS),
        "learning": figure(
            "calibrate --learn with 2,000 labels, whole process", statistics.median(learning), "s",
            at_most=BAR_SECONDS, of=learning,
        ),
    }  # fmt: skip
    show(figures)
    print(write_result("gate", figures, "python benchmarks/gate.py", [note]))


if __name__ == "__main__":
    main()
