"""The judge: evidence to the probability that the article named is right; plain arithmetic.

A logistic regression over named features, so every probability can be taken apart. It is fitted
in `fitting.py`; here it only speaks.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from kbsupport.errors import JudgeError
from kbsupport.model import CHANNELS, Channels, Evidence, Signals

_WIDEST_LEAD = 0.5
_FURTHEST = 5.0
_SOFT = 1e-3


@dataclass(frozen=True, slots=True)
class Term:
    """One feature's part in the judgement: its weight once it is centred and scaled."""

    mean: float
    scale: float
    weight: float


@dataclass(frozen=True)
class Judge:
    """How articles are ordered, how evidence is weighed, and what labels said of articles.

    `threshold` is the probability from which it may resolve where nothing is certified;
    `plans` are the thresholds that calibration fixed before it looked at the labels that prove.
    """

    name: str
    ranking: Channels
    terms: Mapping[str, Term]
    bias: float
    threshold: float
    records: Mapping[str, float] = field(default_factory=dict)
    plans: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    def probability(self, evidence: Evidence, signals: Signals) -> float:
        """How likely it is that the best article is right; 0 if there is none."""
        if evidence.best_by_vectors is None:
            return 0.0
        given = features(evidence, signals)
        weighed = (term.weight * centred(given[name], term) for name, term in self.terms.items())
        return logistic(self.bias + evidence.record + math.fsum(weighed))

    def parts(self, evidence: Evidence, signals: Signals) -> dict[str, float]:
        """What each feature adds to the log-odds, the largest first."""
        given = features(evidence, signals)
        parts = {n: term.weight * centred(given[n], term) for n, term in self.terms.items()}
        parts |= {"record": evidence.record, "bias": self.bias}
        return dict(sorted(parts.items(), key=lambda part: -abs(part[1])))

    @cached_property
    def hash(self) -> str:
        """Names this judge: equal judges decide alike."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The judge as it is stored."""
        return {
            "name": self.name,
            "threshold": self.threshold,
            "bias": self.bias,
            "ranking": asdict(self.ranking),
            "terms": {name: asdict(term) for name, term in self.terms.items()},
            "records": dict(self.records),
            "plans": dict(self.plans),
            "about": dict(self.about),
        }

    @classmethod
    def from_dict(cls, row: Any, where: str = "the judge") -> Judge:
        """Read back what `to_dict` gave; anything else is a JudgeError."""
        try:
            made = cls(
                name=str(row["name"]),
                threshold=_number(row["threshold"]),
                bias=_number(row["bias"]),
                ranking=Channels(**{n: _number(row["ranking"][n]) for n in CHANNELS}),
                terms={
                    name: Term(*(_number(term[part]) for part in ("mean", "scale", "weight")))
                    for name, term in row["terms"].items()
                },
                records={name: _number(value) for name, value in row["records"].items()},
                plans=row["plans"],
                about=row["about"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise JudgeError(where, f"it is no judge ({error})") from error
        if unknown := made.terms.keys() - FEATURES.keys():
            raise JudgeError(where, f"it weighs {', '.join(sorted(unknown))}, which is not known")
        return made


def features(evidence: Evidence, signals: Signals) -> dict[str, float]:
    """What the judge looks at, by name."""
    return {name: read(evidence, signals) for name, read in FEATURES.items()}


def centred(value: float, term: Term) -> float:
    """A feature in units of its spread; one freak value may not decide alone."""
    return min(max((value - term.mean) / term.scale, -_FURTHEST), _FURTHEST)


def logistic(odds: float) -> float:
    """Log-odds as a probability, without overflow."""
    if odds >= 0:
        return 1.0 / (1.0 + math.exp(-odds))
    return math.exp(odds) / (1.0 + math.exp(odds))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _log_share(evidence: Evidence) -> float:
    share = evidence.first_share
    return math.log((share + _SOFT) / (1.0 - share + _SOFT))


def _channel(name: str) -> Any:
    return lambda evidence, _: getattr(evidence.channels, name)


def _lead(name: str) -> Any:
    return lambda e, _: min(max(getattr(e.leads, name), -_WIDEST_LEAD), _WIDEST_LEAD)


def _nearer(ours: str, theirs: str) -> Any:
    """How much nearer the article is than what nobody could answer."""
    return lambda e, _: getattr(e.channels, ours) - getattr(e.unanswered, theirs)


# Every feature reads evidence and signals and gives one number.
FEATURES: Mapping[str, Any] = {
    "score": lambda e, _: e.score,
    "lead": lambda e, _: math.log1p(max(e.lead, 0.0)),
    "share": lambda e, _: _log_share(e),
    "crowd": lambda e, _: e.crowd,
    **{name: _channel(name) for name in CHANNELS},
    **{f"{name}_lead": _lead(name) for name in CHANNELS},
    "agreement": lambda e, _: float(e.agreement),
    "unanswered_recall": lambda e, _: e.unanswered.recall,
    "unanswered_best": lambda e, _: e.unanswered.best,
    "unanswered_mean": lambda e, _: e.unanswered.mean,
    "unanswered_likeness": lambda e, _: e.unanswered.likeness,
    "recall_over_unanswered": _nearer("recall", "recall"),
    "seen_over_unanswered": _nearer("seen_best", "best"),
    "likeness_over_unanswered": _nearer("seen_likeness", "likeness"),
    "length": lambda e, _: math.log1p(e.words),
    "unknown": lambda e, _: e.words_unknown / max(e.words, 1),
    "coverage": lambda e, _: e.coverage,
    "all_covered": lambda e, _: float(e.words_covered == e.words),
    "several_questions": lambda _, s: float(s.questions > 1),
    "complaint": lambda _, s: float(s.complaint),
    "frustration": lambda _, s: s.frustration,
    "bug_report": lambda _, s: float(s.bug_report),
    "feature_request": lambda _, s: float(s.feature_request),
    "complexity": lambda _, s: s.complexity,
    "own_case": lambda _, s: s.own_case,
}
