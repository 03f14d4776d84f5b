"""What learning and calibrating gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kbsupport.evaluation.parts import Parts, SortedOut
from kbsupport.triage.certificate import Certificate, TierBound
from kbsupport.triage.judge import Judge

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Learnt:
    """What `learn` did."""

    labels: int
    answered: int
    sorted_out: SortedOut
    judge: Judge

    def to_dict(self) -> dict[str, Any]:
        """`learn --json`."""
        return {
            "labels": self.labels,
            "answered": self.answered,
            "unanswered": self.labels - self.answered,
            "set_aside": set_aside(self.sorted_out),
            "judge": {"name": self.judge.name, **self.judge.about},
        }


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
            "set_aside": set_aside(self.sorted_out),
            "judge": {"name": self.judge.name, **self.judge.about},
        }


def set_aside(sorted_out: SortedOut) -> dict[str, int]:
    """How many labels could not be used, by what was wrong with them."""
    return {
        "unknown_articles": len(sorted_out.unknown_articles),
        "duplicates": sorted_out.duplicates,
        "contradictions": len(sorted_out.contradictions),
    }


def complaints(sorted_out: SortedOut) -> list[str]:
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


def calibration_lines(calibration: Calibration) -> Sequence[str]:
    """What calibrate says on a terminal."""
    certificate = calibration.certificate
    parts = calibration.parts
    head = (
        f"certificate {certificate.id}, with {certificate.confidence:.0%} confidence:"
        if certificate
        else f"no certificate: {calibration.missing} more labelled tickets are missing"
    )
    taught = f"{len(parts.teach)} labels taught, {len(parts.prove)} proved"
    lines = [bound_line(name, bound) for name, bound in calibration.bounds.items()]
    return [head, *(f"  {line}" for line in lines), f"  {taught}"]
