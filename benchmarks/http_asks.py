"""How many questions a second are answered over HTTP, on 10,000 chunks of real articles.

`kbsupport serve` with 2 workers; 32 connections, each asking again as soon as it was answered,
for 30 seconds; every decision is stored. The generator runs on the same cores.

    python benchmarks/http_asks.py [--chunks 10000] [--seconds 30] [--home HOME]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import bases, load
from benchmarks.common import write_result
from benchmarks.figures import figure, load_note, show
from benchmarks.served import served
from benchmarks.warm_ask import indexed
from kbsupport import open_app

_DIFFERENT = 2000


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--home", type=Path, help="a home that was made before, or is to be kept")
    flags = parser.parse_args()
    began = load_note()
    asked = bases.questions(_DIFFERENT)
    with tempfile.TemporaryDirectory() as folder:
        home = flags.home or Path(folder) / "home"
        if not (home / "kbsupport.db").exists():
            with open_app(home=home) as app:
                indexed(app, Path(folder), flags.chunks)
        with open_app(home=home) as app:
            chunks = app.library.open().generation.chunks

        def made(number: int) -> tuple[str, dict[str, Any], str | None]:
            return "/v1/ask", {"text": asked[number % len(asked)]}, None

        with served(home, "--no-work") as web:
            load.run(web.port, web.key, made, connections=8, seconds=3)
            found = load.run(
                web.port, web.key, made, connections=flags.connections, seconds=flags.seconds
            )
            memory = web.memory_mb()
    figures = {
        "chunks": figure("chunks in the index", chunks, ""),
        "a_second": figure("answers a second", found.a_second, "/s", at_least=120),
        "p50": figure("half of them within", found.percentile(50), "ms"),
        "p95": figure("95 % within", found.percentile(95), "ms", at_most=400),
        "errors": figure("errors", found.errors, "", at_most=0),
        "answers": figure("answers in all", len(found.seconds), ""),
        "memory": figure("memory of all processes", memory, "MB"),
    }
    notes = [
        began,
        f"{len(asked):,} different questions in turn; {flags.connections} connections",
    ]
    show(figures)
    write_result("http_asks", figures, "python benchmarks/http_asks.py", notes)


if __name__ == "__main__":
    main()
