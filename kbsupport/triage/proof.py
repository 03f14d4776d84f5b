"""Thresholds for several tiers or topics at once, with one confidence for all of them; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kbsupport.errors import ConfigError
from kbsupport.triage.bounds import clean_needed
from kbsupport.triage.certificate import TierBound
from kbsupport.triage.thresholds import Plan, certify, plan

_ENOUGH_OF_ITS_OWN = 40


@dataclass(frozen=True, slots=True)
class Scored:
    """One label with what the judge says of it; `group` is its tier, or its topic."""

    score: float
    right: bool
    answerable: bool
    group: str
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class _Test:
    risk: float
    groups: frozenset[str]
    pooled: bool

    def takes(self, row: Scored) -> bool:
        return self.pooled or row.group in self.groups


def plan_tests(
    fit: Sequence[Scored],
    waiting: Sequence[str],
    risks: Mapping[str, float],
    confidence: float,
    by: str | None,
) -> Mapping[str, Plan]:
    """Fix what will be tested, from the fit part alone; stored with the judge.

    `waiting` names the group of each label of the threshold part that no rule stops: how many
    there are may be known beforehand, what is right about them may not.
    """
    tests = _tests(risks, by)
    counts = {
        key: len(waiting) if test.pooled else sum(one in test.groups for one in waiting)
        for key, test in tests.items()
    }
    reachable = {
        key for key, test in tests.items() if counts[key] > clean_needed(test.risk, confidence)
    }
    shared = _shared(confidence, len(reachable))
    plans = {}
    for key, test in tests.items():
        scores = [row.score for row in _fit_rows(fit, test)]
        reached = key in reachable
        plans[key] = plan(scores, counts[key], test.risk, shared) if reached else Plan()
    return plans


def certify_tiers(
    plans: Mapping[str, Plan],
    rows: Sequence[Scored],
    risks: Mapping[str, float],
    confidence: float,
    by: str | None,
    *,
    share: float = 1.0,
    floors: Mapping[str, float] | None = None,
) -> Mapping[str, TierBound]:
    """Test every plan on the threshold part: all bounds hold together with this confidence.

    Without `by`, all labels are pooled and tiers of one risk share one test. `floors` are the
    thresholds, by group, below which nothing may be proven.
    """
    present = {row.group for row in rows}
    unknown = sorted(present - risks.keys() - {""})
    if unknown:
        raise ConfigError(f"no risk is set for {', '.join(unknown)}; the policy names tiers")
    tests = _tests(risks, by)
    shared = _shared(confidence, sum(bool(plans[key].aims) for key in tests))
    bounds = {}
    for key, test in tests.items():
        floor = max((floors or {}).get(group, 0.0) for group in test.groups)
        taken = [row for row in rows if test.takes(row)]
        bound = _certified(plans[key], taken, test, shared, share, floor)
        for group in sorted(test.groups):
            # Labels of others say nothing about a group that has none.
            bounds[group] = bound if group in present else _nothing(test.risk, confidence)
    return {group: bounds[group] for group in risks}


def _tests(risks: Mapping[str, float], by: str | None) -> Mapping[str, _Test]:
    if by is not None:
        return {name: _Test(risk, frozenset({name}), pooled=False) for name, risk in risks.items()}
    return {
        f"risk {risk}": _Test(
            risk, frozenset(name for name, one in risks.items() if one == risk), pooled=True
        )
        for risk in dict.fromkeys(risks.values())
    }


def _shared(confidence: float, tests: int) -> float:
    """Each of several tests may err only so much less often (Bonferroni)."""
    return 1 - (1 - confidence) / max(1, tests)


def _fit_rows(fit: Sequence[Scored], test: _Test) -> Sequence[Scored]:
    rows = [row for row in fit if not row.stopped]
    own = [row for row in rows if test.takes(row)]
    return own if len(own) >= _ENOUGH_OF_ITS_OWN else rows


def _certified(
    plan: Plan, rows: Sequence[Scored], test: _Test, confidence: float, share: float, floor: float
) -> TierBound:
    return certify(
        plan,
        [row.score for row in rows],
        [row.right for row in rows],
        [row.answerable for row in rows],
        test.risk,
        confidence,
        stopped=[row.stopped for row in rows],
        share=share,
        floor=floor,
    )


def _nothing(risk: float, confidence: float) -> TierBound:
    return TierBound(risk, None, 0, 0, 1.0, 0.0, clean_needed(risk, confidence))
