"""How long a question takes in a process that is already warm, on 10,000 chunks of real articles.

`App.ask` with the default audience, decision stored, tickets opened, one question after another.

    python benchmarks/warm_ask.py [--chunks 10000] [--questions 300]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

from benchmarks import bases
from benchmarks.common import write_result
from benchmarks.figures import figure, load_note, show
from kbsupport import open_app

if TYPE_CHECKING:
    from kbsupport.app import App

WARM_UP = 20


def indexed(app: App, work: Path, chunks: int) -> tuple[int, int]:
    """Index articles until there are so many chunks; how many articles and chunks."""
    # 6.36 chunks an article on the average, of the real ones and of their copies; rather too many.
    count = bases.write(work / "articles", bases.with_copies(round(chunks / 6.3)))
    app.index([work / "articles"])
    return count, app.library.open().generation.chunks


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=300)
    flags = parser.parse_args()
    began = load_note()
    asked = bases.questions(flags.questions + WARM_UP)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        with open_app(home=work / "home") as app:
            articles, chunks = indexed(app, work, flags.chunks)
            for question in asked[:WARM_UP]:
                app.ask(question)
            seconds, replies = [], []
            for question in asked[WARM_UP:]:
                begin = time.perf_counter()
                replies.append(app.ask(question))
                seconds.append(time.perf_counter() - begin)
    ms = [second * 1000 for second in seconds]
    figures = {
        "articles": figure("articles", articles, ""),
        "chunks": figure("chunks in the index", chunks, ""),
        "questions": figure("questions", len(ms), ""),
        "p50": figure("App.ask, p50", percentile(ms, 50), "ms", at_most=15, of=ms),
        "p95": figure("App.ask, p95", percentile(ms, 95), "ms", at_most=40),
        "p99": figure("App.ask, p99", percentile(ms, 99), "ms"),
    }
    for step in sorted({name for reply in replies for name in reply.timings_ms}):
        taken = [reply.timings_ms.get(step, 0.0) for reply in replies]
        figures[f"step_{step}"] = figure(
            f"of it {step}, p50", percentile(taken, 50), "ms", of=taken
        )
    show(figures)
    outcomes = Counter(str(reply.verdict.outcome) for reply in replies)
    notes = [
        began,
        "Real articles; beyond those there are copies with another word in every paragraph.",
        "Half of the questions were put to other companies than those in the index.",
        "Outcomes: " + ", ".join(f"{n} {name}" for name, n in sorted(outcomes.items())) + ".",
    ]
    write_result("warm_ask", figures, "python benchmarks/warm_ask.py", notes)


def percentile(values: list[float], nth: int) -> float:
    """The value that so many per cent do not exceed."""
    return quantiles(values, n=100, method="inclusive")[nth - 1]


if __name__ == "__main__":
    main()
