# ruff: noqa: DTZ001 - hypothesis takes its bounds without a zone
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.desk.hours import Hours, add_working, is_open, opens_next
from kbsupport.errors import ConfigError

ZONES = ("Europe/Amsterdam", "America/New_York", "UTC", "Asia/Kolkata")
NINE_TO_FIVE = (time(9), time(17))
OFFICE = Hours(ZoneInfo("Europe/Amsterdam"), (NINE_TO_FIVE,) * 5 + (None, None))
# Both clock changes of both zones lie within these years.
FIRST, DAYS = datetime(2025, 1, 1, tzinfo=UTC), 3 * 365
# A day, a minute of it and what is left of that: three numbers to draw instead of seven.
MINUTES, RESTS = st.integers(0, 24 * 60 - 1), st.integers(0, 60_000_000 - 1)
MOMENTS = st.builds(
    lambda day, minute, rest: FIRST + timedelta(days=day, minutes=minute, microseconds=rest),
    st.integers(0, DAYS - 1), MINUTES, RESTS,
)  # fmt: skip
DATES = st.integers(0, DAYS - 1).map(lambda day: FIRST.date() + timedelta(days=day))
TIMES = st.builds(
    lambda minute, rest: (FIRST + timedelta(minutes=minute, microseconds=rest)).time(),
    MINUTES, RESTS,
)  # fmt: skip
LENGTHS = st.timedeltas(timedelta(0), timedelta(days=10))


@st.composite
def spans(draw):
    opens, closes = sorted((draw(TIMES), draw(TIMES)))
    return opens, time(0) if opens == closes or draw(st.booleans()) else closes


DAY = st.none() | spans()
HOLIDAYS = st.frozensets(DATES, max_size=9)


@st.composite
def weeks(draw):
    days = [draw(DAY) for _ in range(6)]
    # One long day, so that the longest length ends within a lifetime.
    days.insert(draw(st.integers(0, 6)), (time(6), time(22)))
    closed = draw(HOLIDAYS)
    return Hours(ZoneInfo(draw(st.sampled_from(ZONES))), tuple(days), closed)


def on_the_wall(hours, moment):
    """True if a clock on the wall shows a time within hours, closing included."""
    wall = moment.astimezone(hours.zone)
    for day, shown in ((wall.date(), wall.time()), (wall.date() - timedelta(days=1), None)):
        span = None if day in hours.holidays else hours.week[day.weekday()]
        if span is None:
            continue
        opens, closes = span
        if shown is not None and opens <= shown and (closes == time(0) or shown <= closes):
            return True
        if shown is None and closes == time(0) == wall.time():
            return True
    return False


@given(weeks(), MOMENTS, LENGTHS)
def test_working_time_added_never_ends_outside_hours(hours, start, length):
    end = add_working(hours, start, length)
    assert end >= start
    assert on_the_wall(hours, end)


@given(weeks(), MOMENTS, LENGTHS, LENGTHS)
def test_more_working_time_never_ends_sooner(hours, start, one, other):
    shorter, longer = sorted((one, other))
    assert add_working(hours, start, shorter) <= add_working(hours, start, longer)


@given(weeks(), MOMENTS, LENGTHS, LENGTHS)
def test_working_time_adds_up(hours, start, one, other):
    at_once = add_working(hours, start, one + other)
    assert add_working(hours, add_working(hours, start, one), other) == at_once


@given(weeks(), MOMENTS, MOMENTS, LENGTHS)
def test_a_clock_that_jumps_back_never_makes_anything_due_later(hours, one, other, length):
    before, after = sorted((one, other))
    assert add_working(hours, before, length) <= add_working(hours, after, length)


@given(weeks(), MOMENTS, LENGTHS, st.sampled_from(ZONES))
def test_the_zone_a_moment_is_written_in_changes_nothing(hours, start, length, zone):
    elsewhere = start.astimezone(ZoneInfo(zone))
    assert add_working(hours, elsewhere, length) == add_working(hours, start, length)
    assert is_open(hours, elsewhere) == is_open(hours, start)


@given(weeks(), MOMENTS)
def test_a_desk_is_open_exactly_when_it_opens_next_at_once(hours, at):
    opens = opens_next(hours, at)
    assert opens >= at
    assert is_open(hours, opens)
    assert is_open(hours, at) == (opens == at)
    assert not is_open(hours, at) or on_the_wall(hours, at)


@pytest.mark.parametrize(
    ("zone", "friday", "monday"),
    [
        ("Europe/Amsterdam", datetime(2026, 3, 27, 16), datetime(2026, 3, 30, 10)),
        ("Europe/Amsterdam", datetime(2026, 10, 23, 16), datetime(2026, 10, 26, 10)),
        ("America/New_York", datetime(2026, 3, 6, 16), datetime(2026, 3, 9, 10)),
        ("America/New_York", datetime(2026, 10, 30, 16), datetime(2026, 11, 2, 10)),
    ],
)
def test_two_hours_over_a_weekend_on_which_the_clock_changes_are_two_hours(zone, friday, monday):
    hours = Hours(ZoneInfo(zone), OFFICE.week)
    end = add_working(hours, friday.replace(tzinfo=hours.zone), timedelta(hours=2))
    assert end == monday.replace(tzinfo=hours.zone)


@pytest.mark.parametrize(
    ("zone", "day", "real_hours"),
    [
        ("Europe/Amsterdam", date(2026, 3, 29), 23),
        ("Europe/Amsterdam", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
    ],
)
def test_a_day_that_is_never_closed_is_as_long_as_it_really_is(zone, day, real_hours):
    always = Hours(ZoneInfo(zone), ((time(0), time(0)),) * 7)
    begins = datetime.combine(day, time(0), always.zone)
    ends = datetime.combine(day + timedelta(days=1), time(0), always.zone)
    assert add_working(always, begins, timedelta(hours=real_hours)) == ends
    assert is_open(always, ends)


def test_a_holiday_is_no_working_day():
    hours = Hours(OFFICE.zone, OFFICE.week, frozenset({date(2026, 12, 25)}))
    thursday = datetime(2026, 12, 24, 16, tzinfo=hours.zone)
    end = add_working(hours, thursday, timedelta(hours=2))
    assert end == datetime(2026, 12, 28, 10, tzinfo=hours.zone)


def test_the_moment_of_closing_is_closed():
    closing = datetime(2026, 7, 6, 17, tzinfo=OFFICE.zone)
    assert is_open(OFFICE, closing - timedelta(microseconds=1))
    assert not is_open(OFFICE, closing)


def test_a_working_day_is_as_long_as_the_open_ones_are():
    assert OFFICE.day == timedelta(hours=8)


@pytest.mark.parametrize(
    "week", [(None,) * 7, (NINE_TO_FIVE,) * 6, ((time(17), time(9)),) * 7], ids=str
)
def test_hours_that_make_no_week_are_refused(week):
    with pytest.raises(ConfigError):
        Hours(OFFICE.zone, week)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"):
        add_working(OFFICE, datetime(2026, 7, 6, 12), timedelta(hours=1))
