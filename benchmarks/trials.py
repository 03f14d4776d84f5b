"""Try the triage as it is deployed: a home of its own, calibrated, then asked what it never saw."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bases import shared_data
from benchmarks.common import ROOT
from kbsupport.app import App, open_app
from kbsupport.evaluation.labels import read_labels
from kbsupport.evaluation.scores import auroc
from kbsupport.learning.results import Calibration
from kbsupport.model import Label, Outcome, Question

RISK, CONFIDENCE = 0.05, 0.95
SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Tried:
    """What was decided for each label, in plain columns."""

    probability: tuple[float, ...]
    right: tuple[bool, ...]
    answerable: tuple[bool, ...]
    resolved: tuple[bool, ...]
    certified: tuple[bool, ...]

    @property
    def top1(self) -> float:
        """The share of answerable labels whose first article is right."""
        return sum(self.right) / max(1, sum(self.answerable))

    @property
    def auroc(self) -> float:
        """The chance that a right answer is given a higher probability than a wrong one."""
        return auroc(self.probability, self.right)

    @property
    def coverage(self) -> float:
        """Coverage of the answerable at 5 % wrong, the threshold chosen on these very labels."""
        return coverage_at(self.probability, self.right, self.answerable, RISK)

    @property
    def wrong(self) -> float:
        """The share of resolved labels that are wrong."""
        taken = [ok for ok, done in zip(self.right, self.resolved, strict=True) if done]
        return 1 - sum(taken) / len(taken) if taken else 0.0

    @property
    def rightly(self) -> float:
        """The share of answerable labels that are resolved rightly."""
        both = sum(a and b for a, b in zip(self.right, self.resolved, strict=True))
        return both / max(1, sum(self.answerable))


def coverage_at(
    scores: Sequence[float], right: Sequence[bool], answerable: Sequence[bool], risk: float
) -> float:
    """The largest share of answerable labels rightly taken while at most `risk` are wrong."""
    score, good = np.array(scores), np.array(right, bool)
    order = np.argsort(-score, kind="stable")
    wrong, taken = np.cumsum(~good[order]), np.arange(1, len(score) + 1)
    ends = np.append(np.diff(score[order]) != 0, True)  # a threshold cannot split ties
    fits = np.flatnonzero((wrong <= risk * taken) & ends)
    return float(good[order][: fits[-1] + 1].sum() / max(1, sum(answerable))) if len(fits) else 0.0


def articles_of(name: str) -> Path:
    """The articles of a set, in one file or as a folder."""
    if name == SAMPLE:
        return ROOT / "data" / "articles"
    folder = shared_data() / "bench" / name
    lines = folder / "articles.jsonl"
    return lines if lines.exists() else folder / "articles"


@cache
def labels_of(name: str, part: str) -> tuple[Label, ...]:
    """The labels of one part of a set."""
    if name == SAMPLE:
        return read_labels(ROOT / "data" / "tickets.jsonl")
    return read_labels(shared_data() / "bench" / name / f"{part}.jsonl")


@cache
def _indexed(name: str) -> Path:
    home = Path(tempfile.mkdtemp(prefix="kbsupport-trial-")) / "home"
    with open_app(home) as app:
        app.index([articles_of(name)])
    return home


@contextmanager
def fresh(name: str, prior: Path | None = None) -> Iterator[App]:
    """An app over a fresh home in which the set is indexed and nothing is learnt."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(_indexed(name), home)
        settings: dict[str, Any] = {"triage": {"prior": str(prior)}} if prior else {}
        with open_app(home, settings=settings) as app:
            yield app


def ask(app: App, labels: Sequence[Label]) -> Tried:
    """Put every label to the app as a question; nothing is stored."""
    columns: list[tuple[float, bool, bool, bool, bool]] = []
    for label in labels:
        tier = label.tier or app.mind.rules.default_tier
        question = Question(label.text, tier=tier, language=label.language, product=label.product)
        thought = app.mind.think(question, tier, (), asked_back=False)
        case = thought.case
        assert case is not None
        best = case.order[0] if case.order else None
        resolved = thought.verdict.outcome is Outcome.RESOLVE
        columns.append(
            (case.probability, label.accepts(best), label.answerable, resolved,
             thought.verdict.certified)
        )  # fmt: skip
    return Tried(*zip(*columns, strict=True))


def calibrated(
    app: App, labels: Sequence[Label], *, learn: bool, risk: float = RISK
) -> Calibration:
    """Calibrate as the command does."""
    return app.learner.calibrate(
        labels, "calibration.jsonl", risk=risk, confidence=CONFIDENCE, learn=learn
    )


def resplit(labels: Sequence[Label], size: int, seed: int) -> tuple[list[Label], list[Label]]:
    """A random calibration part of this size, and the rest."""
    order = np.random.default_rng(seed).permutation(len(labels))
    return [labels[i] for i in order[:size]], [labels[i] for i in order[size:]]


def mean_of(tries: Sequence[Tried], read: Callable[[Tried], float]) -> dict[str, float]:
    """Mean and standard deviation of a figure over several tries."""
    values = [read(one) for one in tries]
    return {"mean": round(float(np.mean(values)), 4), "sd": round(float(np.std(values)), 4)}
