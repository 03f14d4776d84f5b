"""What it costs to keep an index up to date: nothing changed, and 20 runs with 5 % edited each.

700 articles, whole `kbsupport index` processes. The disk is the whole home but the model.

    python benchmarks/incremental.py [--runs 20]
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import bases
from benchmarks.common import write_result
from benchmarks.figures import figure, load_note, show
from benchmarks.processes import KBSUPPORT, Run, disk_bytes, timed
from kbsupport import open_app

ARTICLES = 700
EDITED = 0.05
UNCHANGED_RUNS = 7


def edit(folder: Path, random_: random.Random, run: int) -> None:
    """Change one sentence in some of the articles."""
    paths = sorted(folder.rglob("*.md"))
    for path in random_.sample(paths, round(EDITED * len(paths))):
        lines = path.read_text(encoding="utf-8").rstrip().split("\n")
        lines[-1] += f" This was checked again in revision {run}."
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    began, random_ = load_note(), random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        home, articles = Path(folder) / "home", Path(folder) / "articles"
        bases.write(articles, itertools.islice(bases.articles(), ARTICLES))
        command = [KBSUPPORT, "--home", str(home), "index", str(articles), "--json", "--quiet"]
        with open_app(home=home) as app:
            # The model is converted at the very first start: that is not the index's time.
            app.embedder.embed(["ready?"])
        first = timed(command)
        sizes = [disk_bytes(home, but="models")]
        unchanged = [timed(command) for _ in range(UNCHANGED_RUNS)]
        edited: list[Run] = []
        for number in range(1, runs + 1):
            edit(articles, random_, number)
            edited.append(timed(command))
            sizes.append(disk_bytes(home, but="models"))
            print(f"run {number}: {edited[-1].seconds:.1f} s, {sizes[-1] / 1e6:.1f} MB", flush=True)
        found = json.loads(edited[-1].stdout)
    again = [run.seconds for run in unchanged]
    taken = [run.seconds for run in edited]
    embedded = [json.loads(run.stdout)["embedded"] for run in edited]
    grown = [size / sizes[0] for size in sizes[1:]]
    figures = {
        "first": figure(f"first index of {ARTICLES} articles", first.seconds, "s"),
        "first_embedded": figure("texts embedded by it", json.loads(first.stdout)["embedded"], ""),
        "unchanged": figure(
            "index again, nothing changed", median(again), "s", at_most=2, of=again
        ),
        "unchanged_embedded": figure(
            "texts embedded by that",
            max(json.loads(run.stdout)["embedded"] for run in unchanged),
            "",
            at_most=0,
        ),
        "edited": figure(f"index again, {EDITED:.0%} edited", median(taken), "s", of=taken),
        "edited_embedded": figure("texts embedded by that", median(embedded), "", of=embedded),
        "disk_first": figure("disk after the first index", sizes[0] / 1e6, "MB"),
        "disk": figure(
            f"disk after {runs} edits ÷ after the first", grown[-1], "x", at_most=2.5, of=grown
        ),
    }
    show(figures)
    notes = [
        began,
        "Chunks and vectors are kept for the live generation and the one before it.",
        f"The last run: {found['changed']} changed, {found['unchanged']} unchanged.",
    ]
    write_result("incremental", figures, "python benchmarks/incremental.py", notes)


if __name__ == "__main__":
    main()
