"""A rota read from its file, which is checked key by key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kbsupport.desk.hours import Day, Hours
from kbsupport.desk.rota import ANY, DEFAULT_TIER, STRATEGIES, Due, Review, Rota, Rule
from kbsupport.errors import ConfigError
from kbsupport.model import Level, Reason, Specialist

SHIPPED = "rota.toml"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))")
_LENGTH = re.compile(r"(\d{1,4})([mhd])")
_MOST_MINUTES = 7 * 24 * 60
_MOST_TICKETS = 1_000


def shipped_text() -> str:
    """The rota that ships, as it is written."""
    return files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8")


def read_text(path: Path) -> str:
    """The text of a rota file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"there is no rota file {path}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start})") from error


def parse_rota(text: str, where: str, tiers: Sequence[str] = ()) -> Rota:
    """The rota written in this text; whatever is wrong is a ConfigError that names the key."""
    try:
        given = tomllib.loads(text)
    # A date that does not exist is a ValueError of its own.
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where} is not valid TOML: {error}") from error
    root = _Table(where, "", given)
    root.only("lead", "strategy", "usual", "hours", "due", "specialist", "rule", "approval",
              "topics")  # fmt: skip
    hours = {table.name: _hours(table) for table in root.tables("hours")}
    if not hours:
        raise root.fault("hours", 'is missing; write [hours.office] with zone, mon = "09:00-17:00"')
    people = _specialists(root, tuple(hours))
    reviews = tuple(_review(table) for table in root.tables("approval"))
    lead, spoken = _lead(root, people), root.table("topics")
    _all_reviewed(root, people, lead, reviews)
    ids = [person.id for person in people]
    return Rota(
        specialists=people,
        hours=hours,
        due=_dues(root, hours, tiers),
        lead=lead,
        usual=timedelta(minutes=root.count("usual", 1, _MOST_MINUTES)),
        strategy=root.word("strategy", STRATEGIES) if root.has("strategy") else STRATEGIES[0],
        rules=tuple(_rule(table, ids, tiers) for table in root.rows("rule")),
        reviews=reviews,
        words={topic: spoken.lowered(topic) for topic in spoken.names()},
    )


class _Table:
    """One table of the file, which refuses what it does not know."""

    def __init__(self, where: str, path: str, row: Any) -> None:
        self._where, self._path = where, path
        if not isinstance(row, Mapping):
            raise self.fault(None, f"must be a table, not {row!r}")
        self._row = row

    @property
    def name(self) -> str:
        return self._path.rpartition(".")[2]

    def fault(self, key: str | None, said: str) -> ConfigError:
        return ConfigError(f"{self._where}: {self._full(key) or 'the rota'} {said}")

    def only(self, *known: str) -> None:
        for key in self._row:
            if key not in known:
                raise self.fault(None, f"does not know {key!r}; there are {', '.join(known)}")

    def names(self) -> tuple[str, ...]:
        return tuple(self._row)

    def has(self, key: str) -> bool:
        return key in self._row

    def table(self, key: str) -> _Table:
        return _Table(self._where, self._full(key), self._row.get(key, {}))

    def tables(self, key: str) -> list[_Table]:
        within = self.table(key)
        return [within.table(name) for name in within.names()]

    def rows(self, key: str) -> list[_Table]:
        value = self._row.get(key, [])
        if not isinstance(value, list):
            raise self.fault(key, f"must be tables; write [[{key}]] above each")
        return [_Table(self._where, f"{key}[{n}]", row) for n, row in enumerate(value, 1)]

    def text(self, key: str) -> str:
        value = self._row.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(key, f"is {value!r}; it must be a text" if self.has(key)
                             else "is missing; it must be a text")  # fmt: skip
        return value.strip()

    def word(self, key: str, known: Iterable[str]) -> str:
        value, names = self.text(key), list(known)
        if value not in names:
            raise self.fault(key, f"does not know {value!r}; there are {', '.join(names)}")
        return value

    def words(self, key: str, known: Iterable[str] | None = None) -> frozenset[str]:
        value = self._row.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.fault(key, f'is {value!r}; it must be a list like ["one", "two"]')
        names = None if known is None else list(known)
        for one in value:
            if names is not None and one not in names:
                raise self.fault(key, f"does not know {one!r}; there are {', '.join(names)}")
        return frozenset(value)

    def lowered(self, key: str) -> tuple[str, ...]:
        return tuple(sorted({" ".join(word.casefold().split()) for word in self.words(key)}))

    def count(self, key: str, least: int, most: int) -> int:
        value = self._row.get(key)
        if type(value) is not int or not least <= value <= most:
            said = f"is {value!r}" if self.has(key) else "is missing"
            raise self.fault(key, f"{said}; it must be a whole number from {least} to {most}")
        return value

    def flag(self, key: str) -> bool:
        value = self._row.get(key, False)
        if not isinstance(value, bool):
            raise self.fault(key, f"is {value!r}; it must be true or false")
        return value

    def dates(self, key: str) -> frozenset[date]:
        value = self._row.get(key, [])
        plain = isinstance(value, list) and all(
            isinstance(one, date) and not isinstance(one, datetime) for one in value
        )
        if not plain:
            raise self.fault(key, f"is {value!r}; it must be a list of dates like [2026-12-25]")
        return frozenset(value)

    def span(self, key: str) -> Day:
        if not self.has(key):
            return None
        value = self.text(key)
        found = _SPAN.fullmatch(value)
        if found is None:
            raise self.fault(key, f'is {value!r}; write it like "09:00-17:30", at most to 24:00')
        opens = time(int(found[1]), int(found[2]))
        closes = time(0) if found[5] else time(int(found[3]), int(found[4]))
        if not found[5] and closes <= opens:
            raise self.fault(key, f"is {value!r}; it closes before it opens")
        return opens, closes

    def length(self, key: str, day: timedelta) -> timedelta:
        value = self.text(key)
        found = _LENGTH.fullmatch(value)
        if found is None or int(found[1]) == 0:
            raise self.fault(key, f'is {value!r}; write it like "30m", "4h" or "2d"')
        unit = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": day}[found[2]]
        return int(found[1]) * unit

    def _full(self, key: str | None) -> str:
        return ".".join(part for part in (self._path, key) if part)


def _hours(table: _Table) -> Hours:
    table.only("zone", *DAYS, "holidays")
    zone = table.text("zone")
    try:
        known = ZoneInfo(zone)
    # Depending on what is wrong with a name, zoneinfo raises one of these three.
    except (LookupError, ValueError, OSError):
        said = f"does not know {zone!r}; it must be a zone like Europe/Amsterdam"
        raise table.fault("zone", f"{said} (where no zone is known: pip install tzdata)") from None
    week = tuple(table.span(day) for day in DAYS)
    if not any(week):
        raise table.fault(None, 'is open on no day; write at least mon = "09:00-17:00"')
    return Hours(known, week, table.dates("holidays"))


def _dues(root: _Table, hours: Mapping[str, Hours], tiers: Sequence[str]) -> dict[str, Due]:
    dues = {}
    for table in root.tables("due"):
        if tiers and table.name not in (*tiers, DEFAULT_TIER):
            raise table.fault(None, f"is no tier; there are {', '.join(tiers)}")
        table.only("hours", "first", "solved")
        name = table.word("hours", hours)
        day = hours[name].day
        due = Due(table.length("first", day), table.length("solved", day), name)
        if due.solved < due.first:
            raise table.fault("solved", "is sooner than first")
        dues[table.name] = due
    if not dues:
        raise root.fault("due", 'is missing; write [due.standard] with hours, first = "4h", solved')
    return dues


def _specialists(root: _Table, hours: Sequence[str]) -> tuple[Specialist, ...]:
    people: dict[str, Specialist] = {}
    for table in root.rows("specialist"):
        table.only("id", "name", "level", "topics", "languages", "capacity", "hours", "approves",
                   "away")  # fmt: skip
        person = Specialist(
            id=table.text("id"),
            name=table.text("name") if table.has("name") else table.text("id"),
            level=Level(table.word("level", list(Level))),
            topics=table.words("topics"),
            languages=table.words("languages"),
            capacity=table.count("capacity", 1, _MOST_TICKETS),
            hours=table.word("hours", hours),
            approves=table.words("approves"),
            away=table.flag("away"),
        )
        if person.id in people:
            raise table.fault("id", f"is {person.id!r} again; each needs an id of their own")
        if not person.topics:
            raise table.fault("topics", f'names nothing; write topics, or ["{ANY}"] for all')
        people[person.id] = person
    if not people:
        raise root.fault("specialist", "is missing; write at least one [[specialist]], the lead")
    return tuple(people.values())


def _lead(root: _Table, people: Sequence[Specialist]) -> Specialist:
    by_id = {person.id: person for person in people}
    lead = by_id[root.word("lead", by_id)]
    if lead.level is not Level.LEAD or ANY not in lead.topics or lead.away:
        said = 'must have level = "lead" and topics = ["*"], and not be away'
        raise root.fault("lead", f"is {lead.id!r}, who {said}: whatever nobody takes goes there")
    return lead


def _rule(table: _Table, ids: Sequence[str], tiers: Sequence[str]) -> Rule:
    table.only("topics", "tiers", "languages", "level", "to")
    if not (table.has("level") or table.has("to")):
        raise table.fault(None, "asks for nothing; write level or to")
    rule = Rule(
        topics=table.words("topics"),
        tiers=table.words("tiers", tiers or None),
        languages=table.words("languages"),
        level=Level(table.word("level", list(Level))) if table.has("level") else None,
        to=table.word("to", ids) if table.has("to") else None,
    )
    if not (rule.topics or rule.tiers or rule.languages):
        raise table.fault(None, "holds for everything; write topics, tiers or languages")
    return rule


def _review(table: _Table) -> Review:
    table.only("reasons", "topics", "words")
    review = Review(
        speciality=table.name,
        reasons=table.words("reasons", list(Reason)),
        topics=table.words("topics"),
        words=table.lowered("words"),
    )
    if not (review.reasons or review.topics or review.words):
        raise table.fault(None, "asks for nobody's yes; write reasons, topics or words")
    return review


def _all_reviewed(
    root: _Table, people: Sequence[Specialist], lead: Specialist, reviews: Sequence[Review]
) -> None:
    known = [review.speciality for review in reviews]
    for number, person in enumerate(people, 1):
        for one in sorted(person.approves - set(known)):
            there = ", ".join(known) or "none"
            raise root.fault(
                f"specialist[{number}].approves", f"does not know {one!r}; [approval] has {there}"
            )
    for name in known:
        # Nobody approves their own answer, so the lead alone is not enough.
        if not any(name in person.approves for person in people if person != lead):
            raise root.fault(f"approval.{name}", f'has no reviewer but the lead; add "{name}" to '
                             "the approves of a specialist")  # fmt: skip
