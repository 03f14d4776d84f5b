"""How well does the judge tell right answers from wrong ones? One table for all public sets.

usage: judge.py [--sets NAME …] [--resplits N]

For each set: a fresh home, its articles indexed, `calibrate calibration.jsonl --risk 0.05
--confidence 0.95` without `--learn` (judge only) or with it (learnt), then every ticket of
test.jsonl is asked. The prior judge is one fitted without the set's family. The two small help
centres are split again at random, all their tickets, N times, with such a prior judge throughout.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import fit_prior, trials
from benchmarks.common import write_result
from benchmarks.figures import figure, show
from benchmarks.trials import Tried, ask, calibrated, fresh, labels_of, resplit
from kbsupport.app import App
from kbsupport.model import CHANNELS, Label

LARGE = ("banking77", "clinc_banking", "clinc_credit_cards")
SMALL = ("kb_logingov", "kb_mycrypto")
MODES = ("TF-IDF threshold", "cosine threshold", "prior judge", "judge only", "learnt")
BARS = {
    ("banking77", "judge only"): (0.968, 0.68),
    ("banking77", "learnt"): (0.989, 0.85),
    ("clinc_banking", "judge only"): (0.985, 0.72),
    ("clinc_banking", "learnt"): (0.998, 0.97),
    ("clinc_credit_cards", "judge only"): (0.985, 0.75),
    ("clinc_credit_cards", "learnt"): (0.998, 0.97),
    ("kb", "judge only"): (0.972, 0.58),
    ("kb", "learnt"): (0.982, 0.68),
}
TOP1_BAR = 0.87
SINGLE = {"TF-IDF threshold": "passage_terms", "cosine threshold": "vector_best"}


def single_channel(prior: Path, channel: str, folder: Path) -> Path:
    """A prior judge that orders and judges by one channel alone: what a threshold on it is."""
    held = json.loads(prior.read_text())
    for judge in held.values():
        judge["ranking"] = {name: float(name == channel) for name in CHANNELS}
        judge["terms"] = {channel: {"mean": 0.5, "scale": 0.1, "weight": 1.0}}
        judge["bias"] = 0.0
    path = folder / f"{channel}.json"
    path.write_text(json.dumps(held))
    return path


def try_mode(
    name: str, mode: str, prior: Path, parts: tuple[Sequence[Label], Sequence[Label]]
) -> Tried:
    """One mode on one split of a set."""
    calibration, test = parts
    with tempfile.TemporaryDirectory() as folder:
        given = single_channel(prior, SINGLE[mode], Path(folder)) if mode in SINGLE else prior
        with fresh(name, given) as app:
            if mode in ("judge only", "learnt"):
                calibrated(app, calibration, learn=mode == "learnt")
            return asked(app, test)


def asked(app: App, test: Sequence[Label]) -> Tried:
    """Every ticket of the test part, as it would be decided."""
    return ask(app, test)


def family_of(name: str) -> str:
    """The sets that come from the same source."""
    return next(family for family, sets in fit_prior.FAMILIES.items() if name in sets)


def cells(tries: Sequence[Tried]) -> dict[str, Any]:
    """Top-1, AUROC and coverage of several tries; of one, without a spread."""
    return {
        "top1": trials.mean_of(tries, lambda one: one.top1),
        "auroc": trials.mean_of(tries, lambda one: one.auroc),
        "coverage": trials.mean_of(tries, lambda one: one.coverage),
    }


def measure(name: str, prior: Path, resplits: int) -> dict[str, list[Tried]]:
    """Every mode on one set."""
    calibration, test = labels_of(name, "calibration"), labels_of(name, "test")
    splits = [(calibration, test)]
    if name in SMALL:
        every = (*calibration, *test)
        splits = [resplit(every, len(calibration), seed) for seed in range(resplits)]
    found: dict[str, list[Tried]] = {mode: [] for mode in MODES}
    for parts in splits:
        for mode in MODES:
            found[mode].append(try_mode(name, mode, prior, parts))
    for mode, tries in found.items():
        print(f"{name:20} {mode:18} {cells(tries)}", flush=True)
    return found


def figures_of(measured: dict[str, dict[str, list[Tried]]]) -> dict[str, Any]:
    """Each bar beside what was reached."""
    figures: dict[str, Any] = {}
    for (name, mode), (area, share) in BARS.items():
        sets = SMALL if name == "kb" else (name,)
        if not all(one in measured for one in sets):
            continue
        tries = [measured[one][mode] for one in sets]
        words = f"{'two help centres, mean' if name == 'kb' else name}, {mode}"
        for key, bar in (("auroc", area), ("coverage", share)):
            value = sum(cells(one)[key]["mean"] for one in tries) / len(tries)
            label = "AUROC" if key == "auroc" else "coverage at 5 % wrong"
            figures[f"{name} {mode} {key}"] = exact(
                figure(f"{words}: {label}", value, "", at_least=bar), value, bar
            )
        if (name, mode) == ("kb", "learnt"):
            value = sum(cells(one)["top1"]["mean"] for one in tries) / len(tries)
            figures["kb learnt top1"] = exact(
                figure(f"{words}: top-1", value, "", at_least=TOP1_BAR), value, TOP1_BAR
            )
    for name, found in measured.items():
        ours, theirs = (
            cells(found[mode])["auroc"]["mean"] for mode in ("prior judge", "cosine threshold")
        )
        figures[f"{name} prior"] = figure(
            f"{name}, prior judge: AUROC above that of a cosine threshold",
            ours - theirs,
            "",
            at_least=0.0,
        )
    return figures


def exact(one: dict[str, Any], value: float, bar: float) -> dict[str, Any]:
    """Four digits: three would round a miss into a hit."""
    return one | {"value": round(value, 4), "reached": value >= bar}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sets", nargs="*", default=(*LARGE, *SMALL))
    parser.add_argument("--resplits", type=int, default=20)
    parser.add_argument("--priors", type=Path, help="a folder of prior_FAMILY.json made before")
    flags = parser.parse_args()
    measured: dict[str, dict[str, list[Tried]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in flags.sets:
            family = family_of(name)
            path = (flags.priors or Path(folder)) / f"prior_{family}.json"
            if not path.exists():
                prepared = fit_prior.prepare(Path(folder) / "sets")
                for one in fit_prior.FAMILIES:
                    fit_prior.write(
                        path.with_name(f"prior_{one}.json"), fit_prior.priors(prepared, one)
                    )
            measured[name] = measure(name, path, flags.resplits)
    figures = figures_of(measured)
    show(figures)
    rows = [
        {"set": name, "judge": mode}
        | {key: f"{one['mean']:.3f}" + (f" ± {one['sd']:.3f}" if len(tries) > 1 else "")
           for key, one in cells(tries).items()}
        for name, found in measured.items()
        for mode, tries in found.items()
    ]  # fmt: skip
    notes = [
        "Coverage: the largest share of answerable tickets rightly resolved while at most 5 % of those resolved are wrong, the threshold chosen on the test itself: the ceiling of the ranking.",
        f"The two help centres: mean and standard deviation of {flags.resplits} random re-splits of all their tickets.",
        "Every judge starts from a prior judge that was fitted without the set's family.",
        "Tuned on banking77_val and on calibration parts only.",
        "Where a bar is missed: a fifth to seven tenths of the calibration labels are held back for the proof and teach nothing, and on the login.gov articles some of the surest answers differ from an accepted title by a word, which the labels count as wrong; one such among the first twenty takes coverage there to nearly nothing, hence its spread.",
        "Tried without lasting gain: other kernels, ridges and shares of spelling in the memory; pulls towards the prior judge chosen by cross-validation; variance, z-scores among articles, how tight an article's seen questions lie. What single ideas give has its own section.",
    ]
    if set(flags.sets) == {*LARGE, *SMALL}:
        print(write_result("judge", figures, "python benchmarks/judge.py", notes, rows))


if __name__ == "__main__":
    main()
