"""Working hours: when a desk is open, and when so much working time will have passed; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kbsupport.errors import ConfigError

MIDNIGHT = time(0)
_NOTHING = timedelta(0)
_DAY = timedelta(days=1)
Day = tuple[time, time] | None


@dataclass(frozen=True)
class Hours:
    """A week of opening hours, Monday first; a day that closes at 00:00 is open to its end."""

    zone: ZoneInfo
    week: tuple[Day, ...]
    holidays: frozenset[date] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if len(self.week) != 7 or not any(self.week):  # noqa: PLR2004 - days of a week
            raise ConfigError("working hours need seven days, and one of them open")
        if any(day and MIDNIGHT != day[1] <= day[0] for day in self.week):
            raise ConfigError("working hours must close after they open")

    @property
    def day(self) -> timedelta:
        """The length of an average working day."""
        lengths = [_length(day) for day in self.week if day]
        return sum(lengths, _NOTHING) / len(lengths)


def is_open(hours: Hours, at: datetime) -> bool:
    """Say whether this is within working hours; the moment of closing is not."""
    return opens_next(hours, at) == at


def opens_next(hours: Hours, at: datetime) -> datetime:
    """This moment if it is within working hours, else the next opening; in UTC."""
    for begins, ends in _spans(hours, at):
        if at < ends:
            return max(begins, at.astimezone(UTC))
    raise AssertionError("working hours never end")  # pragma: no cover


def add_working(hours: Hours, start: datetime, length: timedelta) -> datetime:
    """When so much working time will have passed since then; in UTC."""
    left = max(length, _NOTHING)
    for begins, ends in _spans(hours, start):
        begins = max(begins, start.astimezone(UTC))  # noqa: PLW2901
        if left <= ends - begins:
            return begins + left
        left -= ends - begins
    raise AssertionError("working hours never end")  # pragma: no cover


def _spans(hours: Hours, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Openings and closings in UTC from this moment on, the running one included."""
    if start.tzinfo is None:
        raise ValueError("a moment without a time zone is nobody's moment")
    # Yesterday may have been open to its very end, which is where this may start.
    day = start.astimezone(hours.zone).date() - _DAY
    while True:
        span = hours.week[day.weekday()] if day not in hours.holidays else None
        if span is not None:
            begins, ends = _in_utc(hours.zone, day, span)
            # A clock change can swallow a short opening whole.
            if begins < ends and start <= ends:
                yield begins, ends
        day += _DAY


def _in_utc(zone: ZoneInfo, day: date, span: tuple[time, time]) -> tuple[datetime, datetime]:
    opens, closes = span
    last = day + _DAY if closes == MIDNIGHT else day
    # Wall clocks are turned into UTC before anything is counted: local times do not add up on the
    # day on which the clock changes. Of a time that comes twice, or never, the later reading opens
    # and the earlier one closes, so that no clock on the wall ever shows a moment outside hours.
    begins = max(_read(zone, day, opens))
    ends = min(_read(zone, last, closes))
    return begins, ends


def _read(zone: ZoneInfo, day: date, at: time) -> tuple[datetime, datetime]:
    moment = datetime.combine(day, at, zone)
    return moment.astimezone(UTC), moment.replace(fold=1).astimezone(UTC)


def _length(day: tuple[time, time]) -> timedelta:
    opens, closes = (timedelta(hours=t.hour, minutes=t.minute) for t in day)
    return (closes or _DAY) - opens
