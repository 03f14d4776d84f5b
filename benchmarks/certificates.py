"""Are certificates honest? Random splits: how often one is issued, what it covers, how often wrong.

usage: certificates.py [--splits N]

Learnt, with 95 % confidence: the two sets of short requests at 5 % risk, the bundled tickets at
10 %. Each split gives half to `calibrate --learn` and asks the other half.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from benchmarks.common import write_result
from benchmarks.figures import figure, show
from benchmarks.trials import SAMPLE, ask, calibrated, fresh, labels_of, resplit
from kbsupport.model import Label

SETS = (("clinc_banking", 0.05), ("clinc_credit_cards", 0.05), (SAMPLE, 0.10))
AT_LEAST_ISSUED, COVERAGE, MOST_BROKEN = 0.9, 0.8, 2
ROUTINE = 0.6


def every_label(name: str) -> tuple[Label, ...]:
    """All labels of a set."""
    if name == SAMPLE:
        return labels_of(name, "")
    return (*labels_of(name, "calibration"), *labels_of(name, "test"))


def one_split(name: str, risk: float, seed: int) -> dict[str, Any]:
    """Calibrate on one half, ask the other."""
    labels = every_label(name)
    calibration, test = resplit(labels, len(labels) // 2, seed)
    with fresh(name) as app:
        made = calibrated(app, calibration, learn=True, risk=risk)
        tried = ask(app, test)
    routine = [n for n, label in enumerate(test) if label.kind == "routine"]
    done = [tried.resolved[n] and tried.right[n] for n in routine]
    return {
        "issued": made.certificate is not None,
        "coverage": tried.rightly,
        "wrong": tried.wrong,
        "resolved": sum(tried.resolved),
        "routine": sum(done) / len(done) if done else None,
    }


def summary(name: str, risk: float, splits: list[dict[str, Any]]) -> dict[str, Any]:
    """One row: how often issued, what it covers on the other half, how often its risk was passed."""
    issued = [one for one in splits if one["issued"]]
    routine = [one["routine"] for one in issued if one["routine"] is not None]
    return {
        "set": name,
        "risk": risk,
        "splits": len(splits),
        "issued": len(issued),
        "coverage, mean of those issued": mean(one["coverage"] for one in issued),
        "coverage, sd": round(float(np.std([one["coverage"] for one in issued])), 4)
        if issued
        else None,
        "wrong, mean": mean(one["wrong"] for one in issued),
        "over the risk": sum(one["wrong"] > risk for one in issued),
        "routine resolved": mean(routine),
    }


def mean(values: Any) -> float | None:
    """The mean, or nothing of nothing."""
    found = list(values)
    return round(float(np.mean(found)), 4) if found else None


def figures_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Each row beside its bars."""
    figures: dict[str, Any] = {}
    for row in rows:
        name, splits = row["set"], row["splits"]
        said = f"{name}, {row['risk']:.0%} risk, of {splits} splits"
        figures[f"{name} issued"] = figure(
            f"{said}: certificates", row["issued"], "", at_least=round(AT_LEAST_ISSUED * splits)
        )
        figures[f"{name} coverage"] = figure(
            f"{said}: coverage of the answerable", row["coverage, mean of those issued"] or 0.0, "",
            at_least=COVERAGE,
        )  # fmt: skip
        figures[f"{name} broken"] = figure(
            f"{said}: measured wrong rate over the risk",
            row["over the risk"],
            "",
            at_most=max(1, round(MOST_BROKEN * splits / 20)),
        )
        if name == SAMPLE:
            figures[f"{name} routine"] = figure(
                f"{said}: routine tickets resolved",
                row["routine resolved"] or 0.0,
                "",
                at_least=ROUTINE,
            )
    return figures


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--splits", type=int, default=20)
    flags = parser.parse_args()
    rows = []
    for name, risk in SETS:
        splits = []
        for seed in range(flags.splits):
            splits.append(one_split(name, risk, seed))
            print(name, seed, splits[-1], flush=True)
        rows.append(summary(name, risk, splits))
    figures = figures_of(rows)
    show(figures)
    notes = [
        "A split without a certificate escalates what is not certified where one is required; its coverage is not in the mean.",
        "Coverage is of the half that was asked. The wrong rate is measured on that half too; what is certified is that it is at most the risk.",
        "Half of the bundled tickets leave about 96 answerable ones for the proof, of which 29 without an error, or 46 with one, must be resolved to prove 10 %.",
    ]
    print(
        write_result(
            "certificates",
            figures,
            f"python benchmarks/certificates.py --splits {flags.splits}",
            notes,
            rows,
        )
    )


if __name__ == "__main__":
    main()
