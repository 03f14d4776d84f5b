"""What would have happened to labelled tickets, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ConfigError, MissingExtra
from kbsupport.evaluation import scores
from kbsupport.evaluation.curves import (
    Bin,
    CostCurve,
    RiskPoint,
    cost_curve,
    coverage_at,
    reliability,
    risk_coverage,
    thinned,
)
from kbsupport.evaluation.groups import KEYS, WEEK, Group, ReasonCount, group, reasons
from kbsupport.evaluation.judged import Judged, in_time_order, money, money_by_a_person
from kbsupport.evaluation.scores import Rate, rate
from kbsupport.model import Outcome

if TYPE_CHECKING:
    import pandas as pd

    from kbsupport.triage.policy import Costs

__all__ = ["Backtest", "Judged"]

SCHEMA_VERSION = 1
CONFIDENCE = 0.95
RISKS = (0.01, 0.02, 0.05, 0.1)


@dataclass(frozen=True)
class Backtest:
    """Labelled tickets in order of time with what was decided, and every figure about them.

    What verdicts say is what counts: certified or not, a ticket was resolved if they say so.
    """

    judged: tuple[Judged, ...]
    costs: Costs

    def __init__(self, judged: Iterable[Judged], costs: Costs) -> None:
        ordered = in_time_order(judged)
        if not ordered:
            raise ConfigError("there is no labelled ticket to look at; give a file with some")
        object.__setattr__(self, "judged", ordered)
        object.__setattr__(self, "costs", costs)

    @property
    def tickets(self) -> int:
        """How many tickets there are."""
        return len(self.judged)

    @property
    def answerable(self) -> int:
        """How many of them an article answers."""
        return sum(one.label.answerable for one in self.judged)

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        """When the first and the last ticket came; None if no ticket says."""
        moments = [one.label.created_at for one in self.judged if one.label.created_at]
        return (moments[0], moments[-1]) if moments else None

    @cached_property
    def counts(self) -> Mapping[Outcome, int]:
        """How many tickets came to each outcome."""
        seen = Counter(one.verdict.outcome for one in self.judged)
        return {outcome: seen[outcome] for outcome in Outcome}

    @property
    def shares(self) -> Mapping[Outcome, float]:
        """The share of tickets that came to each outcome."""
        return {outcome: count / self.tickets for outcome, count in self.counts.items()}

    @cached_property
    def auto_resolve_rate(self) -> Rate:
        """Of all tickets, those answered and not seen by a person."""
        return rate(self.counts[Outcome.RESOLVE], self.tickets, CONFIDENCE)

    @cached_property
    def rightly_resolved(self) -> Rate:
        """Of the answerable tickets, those answered and right."""
        right = self.counts[Outcome.RESOLVE] - len(self.wrong_ones)
        return rate(right, self.answerable, CONFIDENCE)

    @cached_property
    def wrong_rate(self) -> Rate:
        """Of the tickets answered, those answered wrongly, with the exact interval."""
        return rate(len(self.wrong_ones), self.counts[Outcome.RESOLVE], CONFIDENCE)

    @cached_property
    def wrong_ones(self) -> tuple[Judged, ...]:
        """Every ticket that was answered wrongly."""
        return tuple(one for one in self.judged if one.wrong)

    @property
    def top1(self) -> float | None:
        """Of the answerable tickets, the share whose first article is right."""
        return self._of_answerable(sum(one.right for one in self.judged))

    @property
    def recall_at_5(self) -> float | None:
        """Of the answerable tickets, the share with a right one among the first five articles."""
        return self._of_answerable(sum(one.found for one in self.judged))

    @cached_property
    def auroc(self) -> float | None:
        """The chance that a right one has the higher probability; None if all or none are right."""
        right = [one.right for one in self.judged]
        if all(right) or not any(right):
            return None
        return scores.auroc([one.probability for one in self.judged], right)

    @property
    def calibration_error(self) -> float:
        """How far off the probability is on average, over ten bins of equal count."""
        return scores.calibration_error(*self._promised_and_right())

    @property
    def brier(self) -> float:
        """Mean squared distance of the probability from what came true."""
        return scores.brier(*self._promised_and_right())

    def coverage_at(self, risk: float) -> float:
        """The largest share of the answerable that a single threshold resolves at this risk."""
        return coverage_at(self.risk_coverage(), risk)

    def risk_coverage(self) -> tuple[RiskPoint, ...]:
        """Risk and coverage at every threshold, highest first."""
        return self._risk_coverage

    def reliability(self) -> tuple[Bin, ...]:
        """What was promised and what was right, in bins of like probability."""
        return reliability(self.judged, CONFIDENCE)

    def cost_curve(self) -> CostCurve:
        """Money per ticket at every threshold, and where the present one stands."""
        return self._cost_curve

    @property
    def money(self) -> float:
        """What all tickets together cost as decided."""
        return sum(money(one, self.costs) for one in self.judged)

    def by(self, key: str) -> tuple[Group, ...]:
        """Groups by tier, topic, kind, language, month or week."""
        return group(self.judged, key)

    def reasons(self) -> tuple[ReasonCount, ...]:
        """Every reason that decided, most frequent first."""
        return reasons(self.judged)

    def to_dict(self) -> dict[str, Any]:
        """All figures as JSON.

        `schema_version` · `tickets`, `answerable` · `period` {`from`,`to`} or null · `confidence`
        of every interval · `outcomes` {outcome: count} · `auto_resolve`, `rightly_resolved`,
        `wrong`: {`count`,`of`,`share`,`low`,`high`} · `ranking` {`top1`,`recall@5`,`auroc`,
        `coverage@0.01`…} · `calibration` {`error`,`brier`,`bins`} · `money` {`total`,`per_ticket`,
        `by_persons`,`costs`,`curve`} · `risk_coverage`: at most 200 points · `by` {key: [{`name`,
        `n`,`answerable`,`auto_resolve`,`wrong`}]} · `reasons` [{`outcome`,`reason`,`n`,`right`}] ·
        `wrong_ones` [{`id`,`decision_id`,`text`,`tier`,`reason`,`rule`,`article_id`,`accept_ids`,
        `probability`,`threshold`,`evidence`,`signals`}]. Shares of nothing are null.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            "tickets": self.tickets,
            "answerable": self.answerable,
            "period": self._period_dict(),
            "confidence": CONFIDENCE,
            "outcomes": {str(outcome): count for outcome, count in self.counts.items()},
            "auto_resolve": self.auto_resolve_rate.to_dict(),
            "rightly_resolved": self.rightly_resolved.to_dict(),
            "wrong": self.wrong_rate.to_dict(),
            "ranking": self._ranking_dict(),
            "calibration": {
                "error": round(self.calibration_error, 6),
                "brier": round(self.brier, 6),
                "bins": [one.to_dict() for one in self.reliability()],
            },
            "money": self._money_dict(),
            "risk_coverage": [point.to_dict() for point in thinned(self.risk_coverage())],
            "by": {key: [one.to_dict() for one in self.by(key)] for key in KEYS if key != WEEK},
            "reasons": [one.to_dict() for one in self.reasons()],
            "wrong_ones": [_wrong_dict(one) for one in self.wrong_ones],
        }

    def to_pandas(self) -> pd.DataFrame:
        """One row a ticket: label, decision, money, evidence and signals."""
        try:
            import pandas as pd
        except ImportError:
            raise MissingExtra("pandas", "notebooks") from None
        return pd.DataFrame([_row(one, self.costs) for one in self.judged])

    def _repr_html_(self) -> str:
        from kbsupport.evaluation.report import backtest_card

        return backtest_card(self)

    @cached_property
    def _risk_coverage(self) -> tuple[RiskPoint, ...]:
        return risk_coverage(self.judged, CONFIDENCE)

    @cached_property
    def _cost_curve(self) -> CostCurve:
        return cost_curve(self.judged, self.costs)

    def _of_answerable(self, count: int) -> float | None:
        return count / self.answerable if self.answerable else None

    def _promised_and_right(self) -> tuple[list[float], list[bool]]:
        return [one.probability for one in self.judged], [one.right for one in self.judged]

    def _period_dict(self) -> dict[str, str] | None:
        if self.period is None:
            return None
        first, last = self.period
        return {"from": first.isoformat(), "to": last.isoformat()}

    def _ranking_dict(self) -> dict[str, float | None]:
        figures = {"top1": self.top1, "recall@5": self.recall_at_5, "auroc": self.auroc}
        figures |= {f"coverage@{risk}": self.coverage_at(risk) for risk in RISKS}
        return {name: None if value is None else round(value, 6) for name, value in figures.items()}

    def _money_dict(self) -> dict[str, Any]:
        costs = self.costs
        return {
            "total": round(self.money, 6),
            "per_ticket": round(self.money / self.tickets, 6),
            "by_persons": round(money_by_a_person(costs), 6),
            "costs": {"wrong": costs.wrong, "person": costs.person, "waiting": costs.waiting},
            "curve": self.cost_curve().to_dict(),
        }


def _wrong_dict(one: Judged) -> dict[str, Any]:
    return {
        "id": one.label.id,
        "decision_id": one.decision_id,
        "text": one.label.text,
        "tier": one.tier,
        "reason": str(one.verdict.reason),
        "rule": one.verdict.rule,
        "article_id": one.article_id,
        "accept_ids": list(one.label.accept_ids),
        "probability": one.probability,
        "threshold": one.verdict.threshold,
        "evidence": one.evidence.to_dict(),
        "signals": one.signals.to_dict(),
    }


def _row(one: Judged, costs: Costs) -> dict[str, Any]:
    label, verdict = one.label, one.verdict
    return {
        "id": label.id,
        "created_at": label.created_at,
        "text": label.text,
        "tier": one.tier,
        "topic": label.topic,
        "kind": label.kind,
        "language": one.language,
        "expected": label.expected,
        "accept_ids": label.accept_ids,
        "outcome": str(verdict.outcome),
        "reason": str(verdict.reason),
        "rule": verdict.rule,
        "certified": verdict.certified,
        "threshold": verdict.threshold,
        "article_id": one.article_id,
        "probability": one.probability,
        "right": one.right,
        "resolved": one.resolved,
        "wrong": one.wrong,
        "money": money(one, costs),
        "decision_id": one.decision_id,
        **{f"evidence_{name}": value for name, value in one.evidence.to_dict().items()},
        **{f"signals_{name}": value for name, value in one.signals.to_dict().items()},
    }
