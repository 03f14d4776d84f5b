"""Decisions that were kept, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import StrictBool

from kbsupport.api.shapes.base import Body, Shown
from kbsupport.api.shapes.questions import DecisionOut


class KeptOut(Shown):
    """A decision with what it was asked, as it was kept."""

    id: str
    created_at: datetime
    generation: int | None
    question: dict[str, Any]
    decision: DecisionOut
    replayable: bool


class ReplayIn(Body):
    """How it is made again."""

    search: StrictBool = False


class RepeatedOut(Shown):
    """A decision made again; `differs` and `gone` say why it is not the same."""

    decision_id: str
    same: bool
    searched: bool
    probability: dict[str, Any] | None
    verdict: dict[str, Any] | None
    differs: list[str]
    gone: list[str]
    notes: list[str]


class ExplainedOut(Shown):
    """Why it was decided so, in plain words."""

    decision_id: str
    question: str
    outcome: str
    reason: str
    rule: str
    article_id: str | None
    probability: float
    certified: bool
    certificate: str | None
    tier: str
    evidence: list[str]
    parts: list[dict[str, Any]]
    would_change: list[str]
    notes: list[str]
