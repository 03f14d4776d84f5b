"""Hold the doors to their OpenAPI document: schemathesis, all phases, a key of every role.

Requests are made up from the document, allowed ones and forbidden ones, and sent to the app in
this process, over a home with two customers, two visitors, tickets, an escalation and files.
Counted are answers of 500 and above, answers that the document does not describe, and operations
that let in whoever shows no valid key.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, write_result
from benchmarks.figures import figure, load_note, missed
from kbsupport.app import open_app
from kbsupport.testing import FakeEmbedder

sys.path[:0] = [str(ROOT / "tests" / "api"), str(ROOT / "tests")]

import labelled  # noqa: E402 - where tests find each other
from fuzzing import Found, fuzzed  # noqa: E402
from probing import world_over  # noqa: E402

CALLERS = (
    "admin", "lead", "specialist", "auditor", "customer", "token", "visitor", "visitors",
)  # fmt: skip
_BARS = {
    "server_errors": "answers of 500 and above",
    "drift": "answers that the document does not describe",
    "ignored_authentication": "operations that let in whoever shows no valid key",
}
_AUTH = ("ignored_auth",)
_SERVER = ("not_a_server_error",)


def main() -> None:
    """Send them, and write down what came of it."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--examples", type=int, default=50, help="made up an operation and phase")
    asked.add_argument("--seed", type=int, default=1)
    chosen = asked.parse_args()
    note = load_note()
    with tempfile.TemporaryDirectory() as where:
        root = Path(where)
        rows = fuzz(root, chosen.examples, chosen.seed)
    command = f"python -m benchmarks.schemathesis_all --examples {chosen.examples}"
    made = figures(rows)
    path = write_result("schemathesis", made, command, [_NOTE, note], rows)
    sys.stdout.write(f"{path}\n")
    sys.exit(1 if missed(made) else 0)


_NOTE = (
    "all phases: examples, coverage, fuzzing, stateful; every check but positive_data_acceptance, "
    "since a document cannot say that an id has to be known or that two fields do not go together"
)


def fuzz(root: Path, examples: int, seed: int) -> list[dict[str, Any]]:
    """One row a caller, each over a world of its own."""
    rows: list[dict[str, Any]] = []
    home, articles = proven(root)
    for who in CALLERS:
        (root / who).mkdir()
        with world_over(home, articles, root / who) as world:
            begun = time.perf_counter()
            found = fuzzed(world.web, world.callers[who], examples=examples, seed=seed)
            rows.append(row_of(who, found, time.perf_counter() - begun))
        sys.stdout.write(f"{rows[-1]}\n")
    return rows


def proven(root: Path) -> tuple[Path, Path]:
    """A home that answers some questions alone, and the articles that it knows."""
    (root / "kb").mkdir()
    for name, text in labelled.articles().items():
        (root / "kb" / f"{name}.md").write_text(text, encoding="utf-8")
    labels = labelled.write(root / "labels.jsonl", labelled.rows())
    with open_app(home=root / "proven") as app:
        app.embedder = FakeEmbedder()
        app.index([root / "kb"])
        app.calibrate(labels, risk=0.2, confidence=0.8, learn=True)
    return root / "proven", root / "kb"


def row_of(who: str, found: Found, seconds: float) -> dict[str, Any]:
    """What came of one role's requests."""
    statuses = {str(int(status)): count for status, count in sorted(found.statuses.items())}
    return {
        "role": who, "requests": found.requests, "seconds": round(seconds, 1),
        "statuses": statuses,
        "server_errors": _of(found, _SERVER), "ignored_authentication": _of(found, _AUTH),
        "drift": sum(found.failures.values()) - _of(found, _SERVER) - _of(found, _AUTH),
        "failures": dict(found.failures), "errors": found.errors,
    }  # fmt: skip


def figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The sums, beside the bars."""
    sums = {name: sum(row[name] for row in rows) for name in ("requests", *_BARS)}
    asked = figure(f"requests made up, as {len(rows)} callers", sums["requests"], "")
    return {"requests": asked} | {
        name: figure(what, sums[name], "", at_most=0) for name, what in _BARS.items()
    }


def _of(found: Found, checks: tuple[str, ...]) -> int:
    return sum(n for key, n in found.failures.items() if key.partition(":")[0] in checks)


if __name__ == "__main__":
    main()
