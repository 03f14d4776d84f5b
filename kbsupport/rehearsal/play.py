"""Two weeks in a minute: the questions are given, who comes when is drawn by chance.

Every decision is the app's own. Whatever is made from a play has to say so: see `REMARK`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kbsupport.evaluation.labels import read_labels
from kbsupport.model import Label
from kbsupport.rehearsal.customers import Customers
from kbsupport.rehearsal.staff import Staff
from kbsupport.rehearsal.stage import Stage, set_stage

if TYPE_CHECKING:
    from kbsupport.app import App

REMARK = (
    "Simulated: the questions are the sample tickets and every decision is real, but when they "
    "came, what specialists did and what customers said was drawn by chance."
)
# The play draws its audits itself, so that the same seed gives the same figures.
SETTINGS = {"review": {"audit_share": 0.0}}
WEEK = (1.3, 1.1, 1.0, 1.0, 0.9, 0.5, 0.4)  # how many come on each weekday
# So few tickets prove no stricter round figure; nobody should go live with it.
RISK = 0.15
_TAUGHT = 0.6
_TICK = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Played:
    """What was played: from when to when, how many tickets, and how many messages in all."""

    begin: datetime
    end: datetime
    tickets: int
    messages: int


def teach(app: App, data: Path, risk: float = RISK) -> Sequence[Label]:
    """Give a new app the sample articles and the older tickets; the newer ones are left."""
    labels = sorted(read_labels(data / "tickets.jsonl"), key=lambda label: str(label.created_at))
    older = labels[: int(_TAUGHT * len(labels))]
    app.index([data / "articles"])
    app.calibrate(older, risk=risk, learn=True)
    shutil.copy(data / "specialists.toml", app.home)
    return labels[len(older) :]


def two_weeks(app: App, data: Path, *, days: int = 14, seed: int = 7) -> Played:
    """Teach a new app, opened with `SETTINGS`, and play what it has not seen."""
    newer = teach(app, data)
    stage = set_stage(app, seed=seed)
    app.people.bring_in(data / "customers.csv")
    return play(stage, newer, days)


def play(stage: Stage, labels: Sequence[Label], days: int = 14) -> Played:
    """Let customers come over so many days, and people work on what they get."""
    begin = stage.clock.now
    customers = Customers(stage)
    staff = Staff(stage, customers.read)
    for moment, label in _moments(stage, labels, days):
        stage.at(moment, partial(customers.come, label))
    for number in range(int(timedelta(days=days) / _TICK)):
        stage.at(begin + number * _TICK, staff.work)
    end = begin + timedelta(days=days)
    stage.run(end)
    return Played(begin, end, len(labels), customers.messages)


def _moments(stage: Stage, labels: Sequence[Label], days: int) -> Iterator[tuple[datetime, Label]]:
    """When each ticket comes: in order, more on Mondays, at its own time of the day."""
    weights = [WEEK[(stage.clock.now + timedelta(days=n)).weekday()] for n in range(days)]
    chosen = sorted(stage.chance.choices(range(days), weights, k=len(labels)))
    for day, label in zip(chosen, labels, strict=True):
        at = label.created_at
        time = timedelta(hours=at.hour, minutes=at.minute) if at else timedelta(hours=12)
        yield stage.clock.now + timedelta(days=day) + time, label
