"""What each idea gives: the judge without it, on the set kept for tuning (banking77_val).

Everything is looked at once in each mode; then judges are fitted to the calibration part without
one group of features (or with another model) and tried on the other part.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import fit_prior
from benchmarks.common import write_result
from benchmarks.trials import Tried, fresh, labels_of
from kbsupport.learning.seeing import Seen
from kbsupport.model import CHANNELS, Channels
from kbsupport.triage.fitting import Example, fit_judge, fit_ranking, ranked, spoken
from kbsupport.triage.judge import Judge, features

SET = "banking77_val"
GROUPS: dict[str, Callable[[str], bool]] = {
    "words covered and unknown": lambda n: n in {"coverage", "all_covered", "unknown", "length"},
    "nearness to past escalations": lambda n: "unanswered" in n,
    "the memory (class model)": lambda n: n.startswith(("recall", "unanswered_recall")),
    "nearest seen questions": lambda n: n.startswith(("seen_", "likeness_")),
    "leads over the next article": lambda n: (
        n.endswith("_lead") or n in {"lead", "share", "agreement", "crowd"}
    ),
    "words (TF-IDF, BM25, spelling)": lambda n: n.startswith(
        ("terms", "spelling", "passage_terms")
    ),
    "what the message says": lambda n: n in fit_prior.OF_THE_MESSAGE,
}
WORD_CHANNELS = {"terms", "spelling", "passage_terms"}
MEMORY_CHANNELS = {"recall", "seen_best", "seen_mean", "seen_likeness"}


class Looked:
    """Both parts of the set as the system sees them in one mode."""

    def __init__(self, prior: Path, *, learn: bool) -> None:
        self._context = fresh(SET, prior)
        self.app = self._context.__enter__()
        teach, test = labels_of(SET, "calibration"), labels_of(SET, "test")
        if learn:
            self.app.observer.keep(teach, "history", "calibration.jsonl", lambda *_: None)
        self.teach = self._see(teach)
        self.test = self._see(test)
        self.start = self.app.shelf.standing().priors.for_history(any_history=learn)

    def _see(self, labels: Any) -> list[Seen]:
        return self.app.observer.see(labels, lambda *_: None, "looking")

    def ordered(self, ranking: Channels) -> tuple[list[Example], list[Example]]:
        """Both parts with the evidence that a ranking gives."""
        ours, theirs = (
            [fit_prior.example_of(self.app.observer.ordered(one, ranking)) for one in part]
            for part in (self.teach, self.test)
        )
        return ours, theirs

    def ranking(self, without: set[str]) -> Channels:
        """Weights fitted to the labels, with some channels silent."""
        rows = [ranked(one.found, one.label.accepts) for one in self.teach]
        kept = [n for n, name in enumerate(CHANNELS) if name not in without]
        silenced = []
        for row in rows:
            if row is not None:
                channels = np.zeros_like(row.channels)
                channels[:, kept] = row.channels[:, kept]
                silenced.append(replace(row, channels=channels))
        start = Channels(
            **{n: 0.0 if n in without else getattr(self.start.ranking, n) for n in CHANNELS}
        )
        fitted = fit_ranking(silenced, start)
        return Channels(**{n: 0.0 if n in without else getattr(fitted, n) for n in CHANNELS})


def tried(examples: Sequence[Example], scores: Sequence[float], seen: Sequence[Seen]) -> Tried:
    """Scores as a trial."""
    none = (False,) * len(scores)
    return Tried(
        tuple(scores),
        tuple(e.right for e in examples),
        tuple(s.label.answerable for s in seen),
        none,
        none,
    )


def judged(
    looked: Looked, ranking: Channels, change: Callable[[Judge], Judge], *, records: bool = True
) -> Tried:
    """A judge fitted from a changed start."""
    teach, test = looked.ordered(ranking)
    judge = fit_judge(teach, change(replace(looked.start, ranking=ranking)))
    if not records:
        judge = fit_judge(
            [replace(e, article=None) for e in teach],
            change(replace(looked.start, ranking=ranking)),
        )
    return tried(test, [spoken(judge, e) for e in test], looked.test)


def trees(looked: Looked, ranking: Channels, *, blend: bool) -> Tried:
    """Extremely randomised trees on the same features, alone or averaged with the judge."""
    from sklearn.ensemble import ExtraTreesClassifier

    teach, test = looked.ordered(ranking)
    rows, other = (
        [list(features(e.evidence, e.signals).values()) for e in part] for part in (teach, test)
    )
    model = ExtraTreesClassifier(400, min_samples_leaf=3, max_features=0.3, random_state=0)
    scores = model.fit(rows, [e.right for e in teach]).predict_proba(other)[:, 1]
    if blend:
        judge = fit_judge(teach, replace(looked.start, ranking=ranking))
        scores = (scores + np.array([spoken(judge, e) for e in test])) / 2
    return tried(test, scores.tolist(), looked.test)


def blank(judge: Judge) -> Judge:
    """The same features, weighing nothing."""
    return replace(
        judge, bias=0.0, terms={n: replace(t, weight=0.0) for n, t in judge.terms.items()}
    )


def without(group: Callable[[str], bool]) -> Callable[[Judge], Judge]:
    """A start that does not know a group of features."""
    return lambda judge: replace(
        judge, terms={n: t for n, t in judge.terms.items() if not group(n)}
    )


def variants(looked: Looked) -> dict[str, Tried]:
    """The judge as it is, and without each idea."""
    full = looked.ranking(set())
    same: Callable[[Judge], Judge] = lambda judge: judge  # noqa: E731
    found = {"as it is": judged(looked, full, same)}
    found["without the ranking being fitted"] = judged(looked, looked.start.ranking, same)
    for name, group in GROUPS.items():
        silent = {c for c in CHANNELS if group(c)} & (WORD_CHANNELS | MEMORY_CHANNELS)
        ranking = looked.ranking(silent) if silent else full
        found[f"without {name}"] = judged(looked, ranking, without(group))
    found["without the record of each article"] = judged(looked, full, same, records=False)
    found["without a prior judge"] = judged(looked, full, blank)
    found["trees instead (extra-trees)"] = trees(looked, full, blend=False)
    found["trees and the judge averaged"] = trees(looked, full, blend=True)
    return found


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prior", type=Path, help="prior judges fitted without the set's family")
    flags = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        prior = flags.prior or Path(folder) / "prior.json"
        if flags.prior is None:
            fit_prior.write(
                prior, fit_prior.priors(fit_prior.prepare(Path(folder) / "sets"), "banking77")
            )
        for mode, learn in (("judge only", False), ("learnt", True)):
            for name, one in variants(Looked(prior, learn=learn)).items():
                rows.append(
                    {"mode": mode, "judge": name, "top1": f"{one.top1:.3f}", "auroc": f"{one.auroc:.3f}",
                     "coverage": f"{one.coverage:.3f}"}
                )  # fmt: skip
                print(json.dumps(rows[-1]), flush=True)
    notes = [
        "Fitted on all of calibration.jsonl, tried on test.jsonl of banking77_val, the set that is kept for tuning; nothing is held back for a proof.",
        "Not built: contrastive fine-tuning of the embedder. It takes minutes for each knowledge base, changes every vector; so it was not tried.",
    ]
    print(write_result("ideas", {}, "python benchmarks/ideas.py", notes, rows))


if __name__ == "__main__":
    main()
