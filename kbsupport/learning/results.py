"""What learning and calibrating gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kbsupport.evaluation.parts import Parts, SortedOut
from kbsupport.triage.certificate import Certificate, TierBound
from kbsupport.triage.judge import Judge

if TYPE_CHECKING:
    from kbsupport.triage.policy import Policy

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Learnt:
    """What `learn` did."""

    labels: int
    answered: int
    sorted_out: SortedOut
    judge: Judge
    ended: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """`learn --json`; `ended` is the certificate that no longer holds."""
        return {
            "labels": self.labels,
            "answered": self.answered,
            "unanswered": self.labels - self.answered,
            "set_aside": _set_aside(self.sorted_out),
            "ended": self.ended,
            "judge": {"name": self.judge.name, **self.judge.about},
        }

    @property
    def partial(self) -> bool:
        """True if labels were left out for what they say; one that stands twice loses nothing."""
        return bool(self.sorted_out.unknown_articles or self.sorted_out.contradictions)

    def line(self) -> str:
        """What `learn` says on a terminal."""
        unanswered = self.labels - self.answered
        who = "a judge fitted to the past tickets" if self.judge.about.get("fitted") else (
            "the judge as it was"
        )  # fmt: skip
        return (
            f"{self.labels} labels are remembered, {self.answered} with their article and "
            f"{unanswered} that no article answers; {who} decides"
        )

    def notes(self) -> list[str]:
        """What to say beside that: labels left out, a certificate that ended."""
        said = _complaints(self.sorted_out)
        if self.ended is not None:
            said.append(
                f"{self.ended} no longer holds, because the past tickets have changed; "
                "run: kbsupport calibrate FILE"
            )
        return said


@dataclass(frozen=True, slots=True)
class Calibration:
    """What `calibrate` found; `certificate` is None where nothing could be proven."""

    certificate: Certificate | None
    bounds: Mapping[str, TierBound]
    risk: float | None
    confidence: float
    parts: Parts
    sorted_out: SortedOut
    judge: Judge

    @property
    def by(self) -> str | None:
        """What tiers are told apart by, if labels are not pooled."""
        by: str | None = self.judge.about.get("by")
        return by

    @property
    def missing(self) -> int | None:
        """How many more labels the nearest tier needs, where none is proven."""
        if self.certificate is not None:
            return None
        return min((b.missing for b in self.bounds.values() if b.missing is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        """`calibrate --json`: the certificate, or what is missing for one."""
        if self.certificate is not None:
            row = self.certificate.to_dict()
        else:
            tiers = {name: bound.to_dict() for name, bound in self.bounds.items()}
            row = {"id": None, "risk": self.risk, "confidence": self.confidence, "tiers": tiers}
        return row | {
            "missing": self.missing,
            "taught": len(self.parts.teach),
            "proved": len(self.parts.prove),
            "left_out": self.parts.left_out,
            "set_aside": _set_aside(self.sorted_out),
            "judge": {"name": self.judge.name, **self.judge.about},
        }

    def lines(self) -> list[str]:
        """What `calibrate` says on a terminal."""
        made, parts = self.certificate, self.parts
        head = "no certificate:"
        if made is not None:
            head = f"certificate {made.id}, with {made.confidence:.0%} confidence:"
        lines = bound_lines(self.bounds)
        taught = f"{len(parts.teach)} labels taught, {len(parts.prove)} proved"
        return [head, *(f"  {line}" for line in (*lines, taught))]

    def notes(self, policy: Policy) -> list[str]:
        """What to say beside that: labels that prove nothing, a risk looser than agreed."""
        said = _complaints(self.sorted_out)
        if self.parts.left_out:
            said.append(
                f"{self.parts.left_out} labels were learnt before: they teach and prove nothing"
            )
        looser = [
            f"{name} ({policy.for_tier(name).risk:.0%})"
            for name, bound in self.bounds.items()
            if self.by != "topic" and bound.risk > policy.for_tier(name).risk
        ]
        if looser:
            said.append(
                f"a risk of {self.risk:g} is looser than the policy for {', '.join(looser)}"
            )
        return said

    def cure(self) -> str:
        """What to do where nothing is proven."""
        missing = self.missing
        more = f"label about {missing} more tickets" if missing else "label more tickets"
        return f"nothing is certified: {more}, or allow a higher risk, and calibrate again"


def bound_lines(bounds: Mapping[str, TierBound]) -> list[str]:
    """What is proven, a line for each different bound: tiers that share a test share a line."""
    names: dict[TierBound, list[str]] = {}
    for name, bound in bounds.items():
        names.setdefault(bound, []).append(name)
    return [bound_line(", ".join(named), bound) for bound, named in names.items()]


def bound_line(name: str, bound: TierBound) -> str:
    """What is proven of one tier, in plain words."""
    if bound.threshold is None:
        return (
            f"{name}: nothing proven at {bound.risk:.0%} risk; about {bound.missing} more labelled "
            "tickets are needed"
        )
    return (
        f"{name}: answers from a probability of {bound.threshold:.3f}; {bound.wrong} of {bound.n} "
        f"such answers were wrong, at most {bound.bound:.1%} are; that answers "
        f"{bound.coverage:.0%} of what can be answered"
    )


def _set_aside(sorted_out: SortedOut) -> dict[str, int]:
    """How many labels could not be used, by what was wrong with them."""
    return {
        "unknown_articles": len(sorted_out.unknown_articles),
        "duplicates": sorted_out.duplicates,
        "contradictions": len(sorted_out.contradictions),
    }


def _complaints(sorted_out: SortedOut) -> list[str]:
    """What to tell a person about labels that could not be used."""
    said = []
    for labels, why in (
        (sorted_out.unknown_articles, "name no article of the knowledge base"),
        (sorted_out.contradictions, "contradict one another"),
    ):
        if labels:
            named = ", ".join(label.id for label in labels[:_NAMED])
            more = "" if len(labels) <= _NAMED else " …"
            said.append(f"{len(labels)} labels {why} and were left out: {named}{more}")
    if sorted_out.duplicates:
        said.append(f"{sorted_out.duplicates} labels stand twice and count once")
    return said
