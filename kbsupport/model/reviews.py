"""What people say about answers: feedback of customers, and reviews by staff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

RATINGS = range(1, 6)


class ReviewKind(StrEnum):
    """An audit is drawn at random and bounds the wrong rate; a label is worth learning."""

    AUDIT = "audit"
    LABEL = "label"


class ReviewState(StrEnum):
    """Where a review stands; `gone` says that its ticket was erased."""

    OPEN = "open"
    AGREED = "agreed"
    DISPUTED = "disputed"
    LEARNT = "learnt"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a customer said about a ticket, or about one article that was quoted there."""

    ticket_id: str
    at: datetime
    rating: int | None = None
    helpful: bool | None = None
    article_id: str | None = None
    comment: str | None = None
    by: str | None = None

    @property
    def fault(self) -> str | None:
        """What is wrong with it, in words; None if it can be kept."""
        if self.rating is None and self.helpful is None:
            return "feedback needs a rating from 1 to 5, or whether it helped"
        if self.rating is not None and self.rating not in RATINGS:
            return f"a rating of {self.rating} is none; give 1, 2, 3, 4 or 5"
        if self.rating is not None and self.article_id is not None:
            return "a rating is about the ticket; of an article say whether it helped"
        return None

    @property
    def bad(self) -> bool:
        """True if whoever gave it was not helped."""
        return self.helpful is False or (self.rating is not None and self.rating < RATINGS[2])

    def to_dict(self) -> dict[str, Any]:
        """`feedback --json`."""
        return {
            "ticket_id": self.ticket_id, "at": self.at.isoformat(), "rating": self.rating,
            "helpful": self.helpful, "article_id": self.article_id, "comment": self.comment,
            "by": self.by,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proposal:
    """The label that a review proposes: what should have happened, and by which articles."""

    expected: str
    accept_ids: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {"expected": self.expected, "accept_ids": list(self.accept_ids)}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Proposal:
        """Read back what `to_dict` gave."""
        return cls(row["expected"], tuple(row["accept_ids"]))


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person says; `right` tells of an audit whether the answer that was sent was."""

    by: str
    at: datetime
    says: Proposal
    right: bool | None = None
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `review show --json` lists it."""
        return {
            "by": self.by, "at": self.at.isoformat(), **self.says.to_dict(), "right": self.right,
            "note": self.note,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Review:
    """A question that people should look at again, and what they said."""

    id: str
    kind: ReviewKind
    decision_id: str
    ticket_id: str | None
    asked_at: datetime
    why: str
    worth: float
    proposed: Proposal
    state: ReviewState
    tier: str | None = None
    topic: str | None = None
    drawn_with: float | None = None
    certificate: str | None = None
    opinions: tuple[Opinion, ...] = ()

    @property
    def settled(self) -> Opinion | None:
        """The opinion that counts: the last one, once nobody disagrees with it."""
        agreed = self.state in {ReviewState.AGREED, ReviewState.LEARNT}
        return self.opinions[-1] if agreed and self.opinions else None

    def to_dict(self) -> dict[str, Any]:
        """One row of `review list --json`."""
        return {
            "id": self.id, "kind": str(self.kind), "state": str(self.state), "why": self.why,
            "worth": self.worth, "decision_id": self.decision_id, "ticket_id": self.ticket_id,
            "asked_at": self.asked_at.isoformat(), "tier": self.tier, "topic": self.topic,
            "proposed": self.proposed.to_dict(), "drawn_with": self.drawn_with,
            "certificate": self.certificate,
            "opinions": [one.to_dict() for one in self.opinions],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that was proven and no longer holds; `said` is what a person reads."""

    id: int
    at: datetime
    kind: str
    certificate: str | None
    said: str
    body: Mapping[str, Any]
    ended_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """One row of `review alarms --json`."""
        return {
            "id": self.id, "at": self.at.isoformat(), "kind": self.kind, "said": self.said,
            "certificate": self.certificate, "body": dict(self.body),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
        }  # fmt: skip
