"""A proven bound on wrong auto-resolves: what was proven, for whom, by which labels; pure."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kbsupport.errors import CertificateError, ConfigError
from kbsupport.triage.bounds import check_share, clopper_pearson_upper

HASHES = {
    "generation": "the knowledge base has changed",
    "embedder": "another embedding model is in use",
    "judge": "another judge is in use",
    "policy": "the policy has changed",
}
_LABELS = ("source", "from", "to", "count", "left_out")
_ASSUMPTIONS = (
    "Future tickets are like the labelled ones: the same customers, products and channels.",
    "The labels are honest: whoever wrote them did not look at what the system would do.",
    "Knowledge base, embedding model, judge and policy stay as they were; a change ends it.",
    "The bound is on the share of resolved tickets that are wrong, on average over all of them.",
)
_POOLED = "A ticket of one tier is as hard as one of another: all tiers were proven together."
GROUPED_BY = ("tier", "topic")


@dataclass(frozen=True, slots=True)
class TierBound:
    """What is proven for one tier: a threshold and its bound, or how many labels are missing."""

    risk: float
    threshold: float | None
    n: int
    wrong: int
    bound: float
    coverage: float
    missing: int | None

    def to_dict(self) -> dict[str, Any]:
        """One entry of `tiers`."""
        tried = {"risk": self.risk, "n": self.n, "wrong": self.wrong}
        if self.threshold is None:
            return {"missing": self.missing, **tried}
        return {
            "threshold": self.threshold,
            "bound": self.bound,
            "coverage": self.coverage,
            **tried,
        }


@dataclass(frozen=True, slots=True)
class Certificate:
    """Which thresholds are proven, from which labels, for which system, under which assumptions."""

    id: str
    created_at: str
    risk: float | None
    confidence: float
    by: str | None
    tiers: Mapping[str, TierBound]
    labels: Mapping[str, Any]
    hashes: Mapping[str, str]
    assumptions: tuple[str, ...]
    sha256: str

    @property
    def proves(self) -> bool:
        """True if at least one tier has a proven threshold."""
        return any(bound.threshold is not None for bound in self.tiers.values())

    def bound_for(self, tier: str, topic: str | None) -> TierBound | None:
        """What is proven for such a ticket; one of a tier never heard of gets the strictest."""
        if self.by == "topic":
            return self.tiers.get(topic) if topic is not None else None
        return self.tiers.get(tier) or min(self.tiers.values(), key=_strictness, default=None)

    def holds_for(self, hashes: Mapping[str, str]) -> str | None:
        """Say what differs from the system it was issued for, or None if it still holds."""
        differing = [said for key, said in HASHES.items() if self.hashes[key] != hashes.get(key)]
        return "; ".join(differing) or None

    def to_dict(self) -> dict[str, Any]:
        """`HOME/certificate.json`."""
        return {**_content(self), "sha256": self.sha256}

    @classmethod
    def from_dict(cls, row: Any, where: str = "the certificate") -> Certificate:
        """Read one back; one that was edited or proves nothing is a CertificateError."""
        try:
            made = _read(row)
        except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise CertificateError(where, _said(error)) from error
        if made.sha256 != _digest(_content(made)) or made.to_dict() != row:
            raise CertificateError(where, "its content does not match its sha256: it was edited")
        return made


def issue(
    tiers: Mapping[str, TierBound],
    *,
    risk: float | None,
    confidence: float,
    by: str | None,
    labels: Mapping[str, Any],
    hashes: Mapping[str, str],
    created_at: str,
) -> Certificate:
    """Write down what was proven; the id and the sha256 come from the content."""
    assumptions = _ASSUMPTIONS if by is not None or len(tiers) == 1 else (*_ASSUMPTIONS, _POOLED)
    draft = Certificate(
        "", created_at, risk, confidence, by, dict(tiers), dict(labels), dict(hashes),
        assumptions, "",
    )  # fmt: skip
    named = f"c-{_digest(_content(draft))[:16]}"
    content = {**_content(draft), "id": named}
    return Certificate.from_dict({**content, "sha256": _digest(content)})


def _strictness(bound: TierBound) -> tuple[float, float]:
    """Lowest risk first; of equal ones that which resolves least."""
    return bound.risk, -math.inf if bound.threshold is None else -bound.threshold


def _content(certificate: Certificate) -> dict[str, Any]:
    return {
        "id": certificate.id,
        "created_at": certificate.created_at,
        "risk": certificate.risk,
        "confidence": certificate.confidence,
        "by": certificate.by,
        "tiers": {name: bound.to_dict() for name, bound in certificate.tiers.items()},
        "labels": dict(certificate.labels),
        "hashes": dict(certificate.hashes),
        "assumptions": list(certificate.assumptions),
    }


def _digest(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _said(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _read(row: Any) -> Certificate:
    _keys("the file", row, (*Certificate.__dataclass_fields__,))
    confidence, by = _number(row, "confidence"), row["by"]
    check_share("confidence", confidence)
    if by is not None and by not in GROUPED_BY:
        raise ValueError(f"by is {by!r}; it can be null, {' or '.join(GROUPED_BY)}")
    risk = None if row["risk"] is None else _number(row, "risk")
    if risk is not None:
        check_share("risk", risk)
    _keys("labels", row["labels"], _LABELS)
    for key in ("count", "left_out"):
        _count(row["labels"], key)
    _keys("hashes", row["hashes"], (*HASHES,))
    tiers = {name: _bound(name, one, confidence) for name, one in row["tiers"].items()}
    return Certificate(
        id=_text(row, "id"),
        created_at=_text(row, "created_at"),
        risk=risk,
        confidence=confidence,
        by=by,
        tiers=tiers,
        labels=dict(row["labels"]),
        hashes={key: _text(row["hashes"], key) for key in HASHES},
        assumptions=_sentences(row["assumptions"]),
        sha256=_text(row, "sha256"),
    )


def _bound(name: str, row: Any, confidence: float) -> TierBound:
    proven = isinstance(row, Mapping) and "threshold" in row
    fields = ("threshold", "bound", "coverage") if proven else ("missing",)
    _keys(f"tier {name!r}", row, (*fields, "risk", "n", "wrong"))
    risk, n, wrong = _number(row, "risk"), _count(row, "n"), _count(row, "wrong")
    check_share("risk", risk)
    if wrong > n:
        raise ValueError(f"tier {name!r}: {wrong} wrong of {n}")
    if not proven:
        return TierBound(risk, None, n, wrong, 1.0, 0.0, _count(row, "missing"))
    threshold, bound, coverage = (_number(row, key) for key in fields)
    if not (0 <= threshold <= 1 and 0 <= coverage <= 1):
        raise ValueError(f"tier {name!r}: threshold and coverage lie between 0 and 1")
    # The arithmetic is done again: a bound that the counts do not carry is no proof, sealed or not.
    least = clopper_pearson_upper(wrong, n, confidence)
    if not least - 1e-9 <= bound <= risk + 1e-9:
        raise ValueError(f"tier {name!r}: {wrong} wrong of {n} do not prove {risk}")
    return TierBound(risk, threshold, n, wrong, bound, coverage, None)


def _keys(what: str, row: Any, known: Sequence[str]) -> None:
    if not isinstance(row, Mapping):
        raise ValueError(f"{what} is not an object")
    if row.keys() != set(known):
        wrong = sorted(set(known) ^ {str(key) for key in row})
        raise ValueError(f"{what} has other keys than it must: {', '.join(wrong)}")


def _number(row: Mapping[str, Any], key: str) -> float:
    value = row[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{key} is {value!r}, not a number")
    return float(value)


def _count(row: Mapping[str, Any], key: str) -> int:
    value = row[key]
    if type(value) is not int or value < 0:
        raise ValueError(f"{key} is {value!r}, not a count")
    return value


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row[key]
    if not isinstance(value, str):
        raise ValueError(f"{key} is {value!r}, not text")
    return value


def _sentences(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("assumptions are not a list of sentences")
    return tuple(value)
