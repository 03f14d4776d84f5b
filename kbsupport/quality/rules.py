"""What a company allows a reply to say: a table of the policy, checked key by key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from kbsupport.errors import ConfigError
from kbsupport.quality.patterns import BrokenPattern, Patterns

SHIPPED = "rules.toml"
_KEYS = ("promises", "tone", "links", "contacts", "shortest", "longest")
_HOST = re.compile(r"\.?(?:[^\W_](?:[\w-]*[^\W_])?\.)*[^\W_](?:[\w-]*[^\W_])?", re.UNICODE)
_LANGUAGE = re.compile(r"[a-z]{2,3}")
# A reply of this many signs is still checked in a blink.
MOST = 100_000


@dataclass(frozen=True)
class Rules:
    """What no reply may say, where it may lead, and how long it may be."""

    promises: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tone: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    shortest: int = 0
    longest: int = MOST

    @cached_property
    def promised(self) -> Patterns:
        """Finds what we may not promise, in any language."""
        return Patterns(_all(self.promises), words=True)

    @cached_property
    def rude(self) -> Patterns:
        """Finds what nobody should read from us, in any language."""
        return Patterns(_all(self.tone), words=True)

    def leads_to(self, host: str) -> bool:
        """True if replies may link to this host."""
        return any(
            host == one.removeprefix(".") or (one.startswith(".") and host.endswith(one))
            for one in self.links
        )

    def own(self, address: str) -> bool:
        """True if an address is one of the company's own."""
        told = address.casefold()
        return any(
            told.endswith(one) if one.startswith("@") else told == one for one in self.contacts
        )


@cache
def default_rules() -> Rules:
    """The rules that everybody starts with."""
    return parse_rules({}, SHIPPED)


def shipped_text() -> str:
    """The rules that ship, as they are written."""
    return files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8")


def parse_rules(table: Any, where: str) -> Rules:
    """The rules of section [quality]; what it leaves out is as in those shipped.

    Whatever is wrong with it is a ConfigError that names the key.
    """
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where}: quality must be a table, not {table!r}")
    for key in table:
        if key not in _KEYS:
            known = ", ".join(_KEYS)
            raise ConfigError(f"{where}: quality does not know {key!r}; there are {known}")
    row = {**tomllib.loads(shipped_text()), **table}
    rules = Rules(
        promises=_spoken(row, table, "promises", where),
        tone=_spoken(row, table, "tone", where),
        links=_hosts(row["links"], where),
        contacts=_contacts(row["contacts"], where),
        **_lengths(row, where),
    )
    _try_together(rules, where)
    return rules


def _all(spoken: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [pattern for one in spoken.values() for pattern in one]


def _spoken(
    row: Mapping[str, Any], given: Mapping[str, Any], key: str, where: str
) -> dict[str, tuple[str, ...]]:
    at = f"quality.{key}"
    if not isinstance(row[key], Mapping):
        raise ConfigError(f'{where}: {at} must be a table like {{en = ["one", "two"]}}')
    for language, patterns in (given.get(key) or {}).items():
        if not _LANGUAGE.fullmatch(language):
            raise ConfigError(f"{where}: {at} does not know the language {language!r}, like en")
        for pattern in _strings(patterns, f"{at}.{language}", where):
            _try(pattern, f"{at}.{language}", where)
    shipped = tomllib.loads(shipped_text())[key]
    return {language: tuple(said) for language, said in {**shipped, **row[key]}.items()}


def _try(pattern: str, at: str, where: str) -> None:
    try:
        Patterns([pattern]).check()
    except BrokenPattern as error:
        cure = "write a pattern of RE2, without look-around and back-references"
        raise ConfigError(
            f"{where}: {at} has a broken pattern {pattern!r}: {error}; {cure}"
        ) from error


def _try_together(rules: Rules, where: str) -> None:
    """Each may be small enough and all of them not."""
    try:
        for patterns in (rules.promised, rules.rude):
            patterns.check_together()
    except BrokenPattern as error:
        raise ConfigError(
            f"{where}: quality has too many patterns, or too long ones: {error}"
        ) from error


def _hosts(given: Any, where: str) -> tuple[str, ...]:
    hosts = [one.casefold() for one in _strings(given, "quality.links", where)]
    for host in hosts:
        if not _HOST.fullmatch(host):
            example = '"help.example.com", or ".example.com" for all below it'
            raise ConfigError(f"{where}: quality.links: {host!r} is no host; write {example}")
    return tuple(hosts)


def _contacts(given: Any, where: str) -> tuple[str, ...]:
    return tuple(one.casefold() for one in _strings(given, "quality.contacts", where))


def _strings(given: Any, at: str, where: str) -> Iterable[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
        raise ConfigError(f'{where}: {at} is {given!r}; it must be a list like ["one", "two"]')
    return given


def _lengths(row: Mapping[str, Any], where: str) -> dict[str, int]:
    shortest, longest = row["shortest"], row["longest"]
    for key, value in (("shortest", shortest), ("longest", longest)):
        if type(value) is not int or not 0 <= value <= MOST:
            wanted = f"it must be a whole number from 0 to {MOST}"
            raise ConfigError(f"{where}: quality.{key} is {value!r}; {wanted}")
    if shortest > longest:
        raise ConfigError(
            f"{where}: quality.shortest is {shortest}; longest must be as much, not {longest}"
        )
    return {"shortest": shortest, "longest": longest}
