"""What random audits prove: the range of the live wrong rate, and how soon an alarm comes.

usage: audits.py [--runs N]

Simulated with known wrong rates and looked at after every audit. Runs of seeds that nothing was
chosen by.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.common import write_result
from benchmarks.figures import figure, show
from kbsupport.watch.bounds import LiveBound, alarm

RATES = (0.01, 0.02, 0.05, 0.10)
AUDITS, CONFIDENCE = 1000, 0.95
RISK, WORSE, ALPHA, WITHIN = 0.05, 0.12, 0.05, 300
# How many audits were good before the change, and at which wrong rate.
BEFORE = ((0, RISK), (500, RISK), (500, 0.02), (2000, 0.02))
# Later than this a bar of 300 audits is not to be had at such a false-alarm rate.
SOON = 500
LEAST_COVERED, LEAST_FOUND = 0.95, 0.9
SEED = 20_261


def covered(rate: float, runs: int) -> dict[str, Any]:
    """How often the range holds the true rate at every single look."""
    generator = np.random.default_rng((SEED, round(rate * 1000)))
    live, held, width = LiveBound(CONFIDENCE), 0, []
    for _ in range(runs):
        flags = (generator.random(AUDITS) < rate).tolist()
        wrong, always = 0, True
        for n, found in enumerate(flags, 1):
            wrong += found
            bound = live.of(n, wrong)
            always = always and bound.lower <= rate <= bound.upper
        held += always
        width.append(live.after(flags))
    return {
        "what": f"range holds {rate:.0%} at all {AUDITS} looks",
        "runs": runs,
        "share": held / runs,
        "median": f"{statistics.median(b.lower for b in width):.1%}–{statistics.median(b.upper for b in width):.1%}",
    }


def found_in_time(before: int, good: float, runs: int) -> dict[str, Any]:
    """How often an alarm comes within 300 audits of the change, and how often before it."""
    generator = np.random.default_rng((SEED, before, round(good * 1000)))
    delays: list[int] = []
    early = 0
    for _ in range(runs):
        rates = np.repeat((good, WORSE), (before, WITHIN))
        raised = alarm((generator.random(len(rates)) < rates).tolist(), RISK, ALPHA)
        if raised is not None and raised.at > before:
            delays.append(raised.at - before)
        early += raised is not None and raised.at <= before
    return {
        "what": f"{WORSE:.0%} after {before} audits at {good:.0%}: alarm within {WITHIN} audits",
        "runs": runs,
        "before": before,
        "share": len(delays) / runs,
        "median": f"after {statistics.median(delays):.0f} audits",
        "before the change": early / runs,
    }


def false_alarms(rate: float, runs: int) -> dict[str, Any]:
    """How often an alarm comes in 3,000 audits though nothing is wrong."""
    generator = np.random.default_rng((SEED, 3, round(rate * 1000)))
    flags = (generator.random((runs, 3 * AUDITS)) < rate).tolist()
    count = sum(alarm(one, RISK, ALPHA) is not None for one in flags)
    return {
        "what": f"alarm in {3 * AUDITS} audits at {rate:.0%}, {RISK:.0%} certified",
        "runs": runs,
        "share": count / runs,
    }


def figures_of(rows: Sequence[dict[str, Any]], looks: float) -> dict[str, Any]:
    """Each bar beside what was reached."""
    figures = {}
    bars: dict[str, float]
    for row in rows:
        what, share = f"{row['what']}: share of {row['runs']} runs", row["share"]
        if row["what"].startswith("range"):
            bars = {"at_least": LEAST_COVERED}
        elif row["what"].startswith("alarm"):
            bars = {"at_most": ALPHA}
        else:
            bars = {"at_least": LEAST_FOUND} if row["before"] <= SOON else {}
        figures[row["what"]] = figure(what, share, "", **bars)
    figures["look"] = figure("the range after one more audit, 1,000 before it", looks, "ms")
    return figures


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    rows = [covered(rate, runs) for rate in RATES]
    rows += [found_in_time(before, good, runs) for before, good in BEFORE]
    rows += [false_alarms(rate, runs) for rate in (RISK, 0.02)]
    flags = [number % 20 == 0 for number in range(AUDITS)]
    begin = time.perf_counter()
    for step in range(20):
        LiveBound(CONFIDENCE).after([*flags, *[False] * step])
    figures = figures_of(rows, (time.perf_counter() - begin) / 20 * 1000)
    show(figures)
    notes = [
        "Median: of the range after 1,000 audits, or of the audits from the change to the alarm.",
        "The alarm is false at most 5 % of the time over the whole life of a certificate. A change after a long good time costs more audits: what may be false has to be shared out over all times at which a change could come.",
    ]
    print(
        write_result("audits", figures, f"python benchmarks/audits.py --runs {runs}", notes, rows)
    )


if __name__ == "__main__":
    main()
