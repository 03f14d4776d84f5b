"""Sheets of lines: the shipped ones, a company's own laid over them, read again when changed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from kbsupport.errors import ConfigError
from kbsupport.templates.lines import Line, compile_line, plain

ENGLISH = "en"

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_SUFFIX = ".toml"
# What may be missing is left out with its part of the line; the rest is there for sure.
_EVERYWHERE = frozenset({"name", "product"})
_PLACE_IN_LINE = frozenset({"position", "by"})
_ORDER_PERHAPS = frozenset({"state", "expected", "tracking"})
_GIVEN: Mapping[str, frozenset[str]] = {
    "waiting": frozenset({"ticket"}),
    "reopened": frozenset({"ticket"}),
    "closed": frozenset({"ticket"}),
    "passed_on": frozenset({"ticket"}),
    "in_line": frozenset({"ticket"}),
    "outgoing": frozenset({"ticket"}),
    "asked_back.two_close_articles": frozenset({"first", "second"}),
    "asked_back.missing_detail": frozenset({"details"}),
    "order": frozenset({"order"}),
    "order_state": frozenset({"order"}),
    "dates.moment": frozenset({"weekday", "day", "month", "year", "time", "zone"}),
    "dates.day": frozenset({"weekday", "day", "month", "year"}),
}
_PERHAPS: Mapping[str, frozenset[str]] = {
    "waiting": _PLACE_IN_LINE,
    "reopened": _PLACE_IN_LINE,
    "outgoing.signature": frozenset({"signed"}),
    "order": _ORDER_PERHAPS,
    "order_state": _ORDER_PERHAPS,
}
# Tables whose keys a company chooses itself.
_OPEN = frozenset({"their_language", "order_state"})
_MAY_BE_EMPTY = frozenset({"greeting", "outgoing.next", "outgoing.signature", "order.help"})
_LISTS: Mapping[str, int] = {"dates.weekdays": 7, "dates.months": 12}


@dataclass(frozen=True, slots=True)
class Sheet:
    """The lines of one file by their keys, and those that differ for a tier."""

    lines: Mapping[str, Line] = field(default_factory=dict)
    tiers: Mapping[str, Mapping[str, Line]] = field(default_factory=dict)

    def find(self, key: str, tier: str) -> Line | None:
        """The line for this tier, else the one for everybody."""
        return self.tiers.get(tier, {}).get(key) or self.lines.get(key)


@dataclass(frozen=True, slots=True)
class Voice:
    """What is said in one language to one tier: the first sheet that has a line says it."""

    language: str
    tier: str
    sheets: tuple[Sheet, ...]

    def find(self, key: str) -> Line | None:
        """The line of this key, if any sheet has it."""
        return next((line for s in self.sheets if (line := s.find(key, self.tier))), None)

    def say(self, *keys: str, **values: str) -> str:
        """The first of these lines that there is, with its values; the last is always there."""
        line = next(line for key in keys if (line := self.find(key)) is not None)
        return line.filled(values)


class Sheets:
    """All sheets there are, each read when it is needed and again when it changed.

    If a file breaks while it is in use, that is noted and its last sound version speaks on.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None and not folder.is_dir():
            raise ConfigError(f"there is no folder of templates {folder}")
        self._folder = folder
        self._own: dict[str, tuple[object, Sheet | None]] = {}
        self._faults: dict[str, str] = {}
        self._checked = False

    @property
    def notices(self) -> tuple[str, ...]:
        """What is wrong with files that broke after they were read."""
        return tuple(self._faults.values())

    def check(self, tiers: Collection[str] = ()) -> None:
        """Read every file there is, or fail on the first that is wrong or names an unknown tier."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")) if self._folder else ():
            if not _LANGUAGE.fullmatch(path.stem):
                raise ConfigError(f"{path} must be called by its language, like de.toml")
            stamp, sheet = _stamp(path), _read(path)
            for tier in sheet.tiers if tiers else ():
                if tier not in tiers:
                    known = ", ".join(tiers)
                    raise ConfigError(f"{path}: tier.{tier} is no tier; there are {known}")
            self._own[path.stem] = (stamp, sheet)
        self._checked = True

    def has(self, language: str) -> bool:
        """Whether there is a file for this language, ours or the company's."""
        return self._of_company(language) is not None or _shipped(language) is not None

    def voice(self, language: str, tier: str) -> Voice:
        """How to speak this language to this tier; what it lacks is said in English."""
        found = (
            sheet
            for one in dict.fromkeys((language, ENGLISH))
            for sheet in (self._of_company(one), _shipped(one))
        )
        return Voice(language, tier, tuple(sheet for sheet in found if sheet is not None))

    def _of_company(self, language: str) -> Sheet | None:
        if self._folder is None or not _LANGUAGE.fullmatch(language):
            return None
        path = self._folder / f"{language}{_SUFFIX}"
        stamp, held = _stamp(path), self._own.get(language)
        if held is not None and held[0] == stamp:
            return held[1]
        try:
            sheet = None if stamp is None else _read(path)
            self._faults.pop(language, None)
        except ConfigError as error:
            if held is None and not self._checked:
                raise
            sheet = held[1] if held else None
            self._faults[language] = f"{error}; until it is right, what it said before is used"
        self._own[language] = (stamp, sheet)
        return sheet


def base_language(code: str | None) -> str | None:
    """The language of a code like de-AT; None for what is no code, which must open no file."""
    first = re.split(r"[-_]", (code or "").strip().lower(), maxsplit=1)[0]
    return first if _LANGUAGE.fullmatch(first) else None


@cache
def _shipped(language: str) -> Sheet | None:
    if not _LANGUAGE.fullmatch(language):
        return None
    name = f"{language}{_SUFFIX}"
    file = files(__package__).joinpath(name)
    return _parse(file.read_bytes(), name, None) if file.is_file() else None


def _read(path: Path) -> Sheet:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    return _parse(content, str(path), _shipped(ENGLISH))


def _parse(content: bytes, where: str, like: Sheet | None) -> Sheet:
    """The sheet in these bytes; it may hold the keys of `like` and no others."""
    try:
        table = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where} is not UTF-8 text (byte {error.start})") from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a bare ValueError
        raise ConfigError(f"{where} is not valid TOML: {error}") from error
    tiers = table.pop("tier", {})
    if not isinstance(tiers, dict) or not all(isinstance(one, dict) for one in tiers.values()):
        raise ConfigError(f"{where}: tier holds tables, like [tier.enterprise.handed_over]")
    return Sheet(
        _lines(table, where, "", like),
        {tier: _lines(row, where, f"tier.{tier}.", like) for tier, row in tiers.items()},
    )


def _lines(
    table: Mapping[str, Any], where: str, before: str, like: Sheet | None
) -> dict[str, Line]:
    return {
        key: _line(key, text, f"{where}: {plain(before + key)}", like)
        for key, text in _flat(table, f"{where}: {before}", "")
    }


def _flat(table: Mapping[str, Any], where: str, path: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        key = f"{path}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, where, f"{key}.")
        elif key in _LISTS:
            if not isinstance(value, list) or len(value) != _LISTS[key]:
                raise ConfigError(f"{where}{key} must be a list of {_LISTS[key]} names")
            yield from ((f"{key}.{place}", one) for place, one in enumerate(value))
        else:
            yield key, value


def _line(key: str, text: Any, where: str, like: Sheet | None) -> Line:
    table = key.partition(".")[0]
    if like is not None and key not in like.lines and (table not in _OPEN or key.count(".") != 1):
        known = _beside(key, like)
        raise ConfigError(f"{where} is no line of ours; there are {', '.join(known)}")
    if not isinstance(text, str):
        raise ConfigError(f"{where} is {text!r}; it must be text in quotes")
    if not text.strip() and key not in _MAY_BE_EMPTY:
        raise ConfigError(f"{where} is empty; leave it out to keep the shipped line")
    given = _GIVEN.get(key, frozenset()) | _GIVEN.get(table, frozenset())
    perhaps = _PERHAPS.get(key, frozenset()) | _PERHAPS.get(table, frozenset())
    return compile_line(
        text, given, perhaps | _EVERYWHERE, lambda said: ConfigError(f"{where} {said}")
    )


def _beside(key: str, like: Sheet) -> list[str]:
    """The keys of the same table, or all tables if there is no such table."""
    table = key.partition(".")[0]
    near = sorted(one for one in like.lines if one.startswith(f"{table}."))
    return near or sorted({one.partition(".")[0] for one in like.lines})


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino
