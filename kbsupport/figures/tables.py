"""Figures as CSV files: one for each kind of row, with the same columns every day."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kbsupport.errors import ConfigError
from kbsupport.figures.daily import Daily
from kbsupport.figures.metrics import Metrics
from kbsupport.figures.rates import Figure

Rows = tuple[Sequence[str], list[Sequence[Any]]]

_PERIOD = ("since", "until")
_SHARE = ("key", "name", "value", "numerator", "denominator", "low", "high", "note",
          "left_out_young")  # fmt: skip
_TIME = ("key", "name", "n", "p50", "p90", "p95", "longest", "left_out_negative")
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def tables_of(metrics: Metrics) -> Mapping[str, Rows]:
    """The rows of every file, by its name."""
    period = (metrics.since.isoformat(), metrics.until.isoformat())

    def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Rows:
        return (*_PERIOD, *columns), [(*period, *row) for row in rows]

    people = (
        "id", "name", "open", "capacity", "answered", "claimed_in_seconds", "answered_in_seconds",
        "first_in_time", "solved_in_time", "first_contact", "ratings", "mean_rating",
        "refused_answers", "improve",
    )  # fmt: skip
    return {
        "figures": table(_SHARE, (_share(one) for one in metrics.figures.values())),
        "times": table(_TIME, (_picked(one.to_dict(), _TIME) for one in metrics.times)),
        "escalations": table(("reason", "cases"), metrics.reasons),
        "people": table(people, _people(metrics)),
        "groups": table(
            ("by", "group", "cases", *_SHARE),
            (
                (one.by, one.name, one.cases, *_share(figure))
                for one in metrics.groups
                for figure in one.shares.values()
            ),
        ),
        "errors": table(
            ("part", "what", "count"), ((one.part, one.what, one.count) for one in metrics.faults)
        ),
        "days": table(
            ("day", "answered_alone", "asked_back", "people"),
            ((one.day.isoformat(), one.alone, one.asked_back, one.people) for one in metrics.days),
        ),
    }


def daily_tables(daily: Daily) -> Mapping[str, Rows]:
    """The same over the week, the day and the week before, and what a report adds."""
    periods = [tables_of(one) for one in (daily.today, daily.week, daily.before)]
    made: dict[str, Rows] = {
        name: (head, [row for one in periods for row in one[name][1]])
        for name, (head, _) in periods[0].items()
    }
    made["trends"] = (
        ("key", "name", "now", "before", "change"),
        [(one.key, one.name, one.now, one.before, one.change) for one in daily.trends],
    )
    made["next"] = (
        ("what", "why", "urgent"),
        [(one.what, one.why, one.urgent) for one in daily.advice],
    )
    made["gaps_closed"] = (
        ("at", "article_id", "before", "after"),
        [(one.at.isoformat(), one.article_id, one.before, one.after) for one in daily.gaps],
    )
    return made


def write_tables(tables: Mapping[str, Rows], folder: Path) -> tuple[Path, ...]:
    """Write them as NAME.csv below a folder; the files."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (head, rows) in tables.items():
            path = folder / f"{name}.csv"
            with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                lines = csv.writer(file)
                lines.writerow(head)
                lines.writerows([_plain(cell) for cell in row] for row in rows)
            written.append(path)
    except OSError as error:
        raise ConfigError(f"--csv {folder} cannot be written: {error.strerror}") from error
    return tuple(written)


def _share(one: Figure) -> tuple[Any, ...]:
    return _picked(one.to_dict(), _SHARE)


def _people(metrics: Metrics) -> Iterable[tuple[Any, ...]]:
    for one in metrics.people:
        shares = (one.first_in_time.value, one.in_time.value, one.first_contact.value)
        yield (
            one.id, one.name, one.open, one.capacity, one.answered, one.to_claim.p50,
            one.to_answer.p50, *shares, one.ratings, one.mean_rating, one.refused,
            "; ".join(one.improve),
        )  # fmt: skip


def _picked(row: Mapping[str, Any], columns: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in columns)


def _plain(cell: Any) -> Any:
    """Text that a spreadsheet only shows; the names of topics come from others."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
