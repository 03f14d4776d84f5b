"""Figures and reports on the wire."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from kbsupport.api.shapes.base import Name, Shown

_MOST_NAMES = 50
# Nothing was kept before, and nothing will be after.
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _aware(moment: datetime) -> datetime:
    """A moment in UTC, as far away as anything can have been kept."""
    known = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return min(max(known, _FIRST), _LAST).astimezone(UTC)


def _near(day: date) -> date:
    return min(max(day, _FIRST.date()), _LAST.date())


def _written(given: Any) -> Any:
    """Refuse a number, which would be taken for seconds since 1970."""
    if isinstance(given, str) and given.replace(".", "").replace("-", "", 1).isdecimal():
        raise ValueError("write it as 2026-11-01, or with a time")
    return given


Moment = Annotated[datetime, BeforeValidator(_written), AfterValidator(_aware)]
Day = Annotated[date, BeforeValidator(_written), AfterValidator(_near)]
Names = Annotated[list[Name], Field(max_length=_MOST_NAMES)]


class FiguresAsked(BaseModel):
    """Which cases are counted: those that began in a period, of all or only of these."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    since: Moment | None = Field(
        default=None, description="28 days before `until` if left out.", examples=["2026-10-01"]
    )
    until: Moment | None = Field(default=None, description="Now if left out.")
    channel: Names = []
    tier: Names = []
    topic: Names = []
    intent: Names = []
    silence_hours: float = Field(
        default=24.0, ge=1, le=8760, description="Hours without a word that count as resolved."
    )


class Format(StrEnum):
    """How a report is written."""

    JSON = "json"
    HTML = "html"
    MARKDOWN = "markdown"


class DailyAsked(BaseModel):
    """Which day's report is wanted, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    day: Day | None = Field(default=None, description="Yesterday (UTC) if left out.")
    format: Format = Format.JSON
    silence_hours: float = Field(default=24.0, ge=1, le=8760)


class FiguresOut(Shown):
    """The figures of a period, each with what it counts."""

    since: datetime
    until: datetime
    at: datetime
    cases: int
    funnel: list[dict[str, Any]]
    outcomes: list[dict[str, Any]]


class DailyOut(Shown):
    """The report of a day."""

    day: date
    remark: str | None
    today: FiguresOut
    week: FiguresOut
    week_before: FiguresOut
    trends: list[dict[str, Any]]
    next: list[dict[str, Any]]
