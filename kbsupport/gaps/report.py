"""Gaps as they are told: by kind, the most asked first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kbsupport.gaps.conflicts import Conflict
from kbsupport.gaps.kinds import Aside, Kind
from kbsupport.gaps.outline import Outline

SCHEMA_VERSION = 1
_WIDE, _BAR = 100, 20

_HEADS: Mapping[Kind, str] = {
    Kind.MISSING: "Missing: no article answers",
    Kind.CONTRADICTORY: "Contradictory: two articles disagree",
    Kind.NOT_FOUND: "There, but not found: an article seems to answer, and was not sure enough",
    Kind.POLICY: "Policy: a rule leaves them to people",
}
_ASIDES: Mapping[Aside, str] = {
    Aside.ANSWERED: "would be answered now",
    Aside.NO_QUESTION: "ask nothing",
    Aside.SEVERAL: "ask several things, or leave out a detail, and are asked back",
    Aside.ALONE: "are like no other question that no article answers",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that one thing keeps from being answered, and what that is."""

    kind: Kind
    name: str
    tickets: tuple[str, ...]
    questions: tuple[str, ...]
    why: str
    per_month: float | None = None
    probability: float = 0.0
    articles: tuple[str, ...] = ()
    conflict: Conflict | None = None
    outline: Outline | None = None

    def to_dict(self) -> dict[str, Any]:
        """One of `gaps`."""
        return {
            "kind": str(self.kind),
            "name": self.name,
            "tickets": list(self.tickets),
            "per_month": self.per_month,
            "probability": round(self.probability, 4),
            "questions": list(self.questions),
            "why": self.why,
            "articles": list(self.articles),
            "conflict": self.conflict.to_dict() if self.conflict else None,
            "outline": self.outline.to_dict() if self.outline else None,
        }


@dataclass(frozen=True, slots=True)
class Closed:
    """A gap that an article closed, and what that bought."""

    at: datetime
    article_id: str
    name: str
    tickets: int
    before: int
    after: int
    wrong: float | None

    def to_dict(self) -> dict[str, Any]:
        """One of `closed`."""
        return {
            "at": self.at.isoformat(),
            "article_id": self.article_id,
            "name": self.name,
            "tickets": self.tickets,
            "before": self.before,
            "after": self.after,
            "expected_wrong": self.wrong,
        }

    def line(self) -> str:
        """One row of the list."""
        risk = "" if self.wrong is None else f", {self.wrong:.0%} of them wrong by its own estimate"
        return (
            f"{self.at:%Y-%m-%d}  {self.article_id}: of {self.tickets} tickets ({self.name}) "
            f"{self.before} answered before, {self.after} after{risk}"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """All gaps, those to be written first in front, and the questions that belong to none."""

    questions: int
    gaps: tuple[Gap, ...]
    asides: Mapping[Aside, int] = field(default_factory=dict)
    closed: tuple[Closed, ...] = ()

    def of(self, kind: Kind) -> tuple[Gap, ...]:
        """The gaps of one kind, the most asked first."""
        return tuple(gap for gap in self.gaps if gap.kind is kind)

    def drafts(self) -> list[Outline]:
        """The drafts of the missing articles, in the order of the report."""
        return [gap.outline for gap in self.of(Kind.MISSING) if gap.outline is not None]

    def to_dict(self) -> dict[str, Any]:
        """`gaps --json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "questions": self.questions,
            "counts": {
                str(kind): {
                    "gaps": len(self.of(kind)),
                    "tickets": sum(len(gap.tickets) for gap in self.of(kind)),
                }
                for kind in Kind
            },
            "asides": {str(aside): self.asides.get(aside, 0) for aside in Aside},
            "gaps": [gap.to_dict() for gap in self.gaps],
            "closed": [one.to_dict() for one in self.closed],
        }

    def lines(self, most: int) -> list[str]:
        """What `gaps` says on a terminal: of each kind the first `most`."""
        said = [f"{_count(self.questions, 'question')} looked at."]
        if not self.questions:
            said = ["No ticket went to a person yet; give a file of tickets, or come back later."]
        for kind in _HEADS:
            said += _section(kind, self.of(kind), most)
        rest = [f"{self.asides[a]} {text}" for a, text in _ASIDES.items() if self.asides.get(a)]
        if rest:
            said += ["", f"In no gap: {'; '.join(rest)}."]
        if self.closed:
            said += ["", "Gaps closed", *(f"  {one.line()}" for one in self.closed)]
        return said


def _section(kind: Kind, gaps: Sequence[Gap], most: int) -> list[str]:
    if not gaps:
        return []
    tickets = sum(len(gap.tickets) for gap in gaps)
    said = ["", f"{_HEADS[kind]} ({_count(tickets, 'ticket')} in {_count(len(gaps), 'gap')})"]
    longest = max(len(gap.tickets) for gap in gaps)
    for number, gap in enumerate(gaps[:most], 1):
        bar = "▇" * max(1, round(_BAR * len(gap.tickets) / longest))
        monthly = "" if gap.per_month is None else f" ({gap.per_month:g} a month)"
        said += [
            f"{number:3}. {bar} {_count(len(gap.tickets), 'ticket')}{monthly}: {gap.name}",
            f"     {gap.why}",
            *(f"     “{_short(text)}”" for text in gap.questions[:2]),
        ]
    if len(gaps) > most:
        said.append(f"     and {len(gaps) - most} more; see them with --most or --json")
    return said


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDE else f"{line[: _WIDE - 1]}…"
