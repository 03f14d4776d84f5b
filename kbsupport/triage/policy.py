"""Policy: what a company allows, in a file that is checked key by key."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from kbsupport.errors import ConfigError
from kbsupport.model import Identity, Intent, Reason

SIGNALS: Mapping[str, Reason] = {
    "legal": Reason.LEGAL,
    "security": Reason.SECURITY,
    "billing_dispute": Reason.BILLING_DISPUTE,
    "complaint": Reason.COMPLAINT,
    "spam": Reason.SPAM,
    "refund": Reason.REFUND,
    "cancellation": Reason.CANCELLATION,
    "bug_report": Reason.BUG_REPORT,
    "feature_request": Reason.FEATURE_REQUEST,
    "urgent": Reason.URGENT,
    "instructions": Reason.INSTRUCTIONS,
}
DETAILS = ("order_number", "product", "version")
_DEFAULT_TIER = "default"
# Given at all, these are taken whole: half of one list of tiers and half of another is nobody's.
_WHOLE = frozenset({"tiers", "details"})
MOST_MONEY = 1e9


@dataclass(frozen=True, slots=True)
class Costs:
    """Money per ticket: a wrong automatic answer, a person's answer, the wait for that person."""

    wrong: float
    person: float
    waiting: float


@dataclass(frozen=True, slots=True)
class TierRules:
    """The share of wrong answers a tier bears, and the mood from which on a person answers."""

    risk: float
    frustration: float | None = None
    sentiment: float | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """Topics and articles that need to know who asks."""

    topics: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """What a company allows; `hash` is over all of it but the costs, which decide nothing."""

    version: int
    costs: Costs
    tiers: Mapping[str, TierRules]
    default: TierRules
    signals: tuple[str, ...]
    topics: tuple[str, ...]
    intents: tuple[Intent, ...]
    intent_probability: float
    complexity: float | None
    automate: tuple[str, ...]
    pair: float
    second: float
    questions: int
    details: Mapping[str, tuple[str, ...]]
    verified: Needs
    named: Needs
    orders: Identity
    language_sure: float

    @cached_property
    def hash(self) -> str:
        """The sha256 of what decides."""
        decides = asdict(cast("Any", self))
        del decides["costs"]
        canonical = json.dumps(decides, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def for_tier(self, tier: str) -> TierRules:
        """The rules of a tier; one never heard of gets the default ones."""
        return self.tiers.get(tier, self.default)

    def details_for(self, topic: str | None) -> tuple[str, ...]:
        """Which details a question on this topic must hold."""
        return self.details.get(topic, ()) if topic is not None else ()


SHIPPED = "policy.toml"


def default_policy() -> Policy:
    """The policy that everybody starts with."""
    return parse_policy("", SHIPPED)


def shipped_text() -> str:
    """The policy that ships, as it is written."""
    return files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8")


def read_policy(path: Path) -> Policy:
    """The policy of one file; whatever is wrong with it is a ConfigError that names the key."""
    return parse_policy(read_text(path), str(path))


def read_with_text(path: Path) -> tuple[Policy, str]:
    """The policy of one file, and what is written in it."""
    text = read_text(path)
    return parse_policy(text, str(path)), text


def read_text(path: Path) -> str:
    """The text of a policy file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"there is no policy file {path}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start})") from error


def parse_policy(text: str, where: str, shipped: str | None = None) -> Policy:
    """The policy written in this text; what it leaves out is as in the one shipped."""
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where} is not valid TOML: {error}") from error
    base = tomllib.loads(shipped_text() if shipped is None else shipped)
    return _policy(_Table(where, "", _merged(base, given)))


def _merged(shipped: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(shipped)
    for key, value in given.items():
        held = merged.get(key)
        deeper = isinstance(value, Mapping) and isinstance(held, Mapping) and key not in _WHOLE
        merged[key] = _merged(cast("Any", held), value) if deeper else value
    return merged


class _Table:
    """One table of the file, which refuses what it does not know."""

    def __init__(self, where: str, path: str, row: Any) -> None:
        self._where, self._path = where, path
        if not isinstance(row, Mapping):
            raise self.fault(None, f"must be a table, not {row!r}")
        self._row = row

    def fault(self, key: str | None, said: str) -> ConfigError:
        full = ".".join(part for part in (self._path, key) if part)
        return ConfigError(f"{self._where}: {full or 'the policy'} {said}")

    def only(self, *known: str) -> None:
        self._all_known(self._row, known)

    def names(self) -> tuple[str, ...]:
        return tuple(self._row)

    def table(self, key: str) -> _Table:
        path = ".".join(part for part in (self._path, key) if part)
        return _Table(self._where, path, self._row.get(key, {}))

    def number(self, key: str, low: float, high: float) -> float:
        value = self._row.get(key)
        if value is None:
            raise self.fault(key, f"is missing; write a number from {low:g} to {high:g}")
        # NaN compares false, so it is refused too.
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise self.fault(key, f"is {value!r}; it must be a number from {low:g} to {high:g}")
        return float(value)

    def maybe(self, key: str, low: float, high: float) -> float | None:
        return self.number(key, low, high) if key in self._row else None

    def count(self, key: str, least: int) -> int:
        value = self._row.get(key)
        if type(value) is not int or value < least:
            raise self.fault(key, f"is {value!r}; it must be a whole number of {least} or more")
        return value

    def risk(self, key: str) -> float:
        value = self.number(key, 0, 1)
        if not 0 < value < 1:
            raise self.fault(key, f"is {value:g}; it must lie strictly between 0 and 1, like 0.05")
        return value

    def words(self, key: str, known: Iterable[str] | None = None) -> tuple[str, ...]:
        value = self._row.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.fault(key, f'is {value!r}; it must be a list like ["one", "two"]')
        if known is not None:
            self._all_known(value, tuple(known), key)
        return tuple(sorted(set(value)))

    def word(self, key: str, known: Iterable[str]) -> str:
        value, names = self._row.get(key), tuple(known)
        if value not in names:
            raise self.fault(key, f"is {value!r}; it must be one of {', '.join(names)}")
        return str(value)

    def _all_known(
        self, names: Iterable[str], known: tuple[str, ...], key: str | None = None
    ) -> None:
        for name in names:
            if name not in known:
                raise self.fault(key, f"does not know {name!r}; there are {', '.join(known)}")


# What `quality` says is no matter of the triage: it only keeps a reply from being sent.
_SECTIONS = (
    "version", "costs", "tiers", "escalate", "automate", "clarify", "details", "verified",
    "named", "orders", "language", "quality",
)  # fmt: skip


def _policy(root: _Table) -> Policy:
    root.only(*_SECTIONS)
    escalate, clarify = root.table("escalate"), root.table("clarify")
    automate, orders, language = (root.table(k) for k in ("automate", "orders", "language"))
    escalate.only("signals", "topics", "intents", "intent_probability", "complexity")
    clarify.only("pair", "second", "questions")
    automate.only("topics")
    orders.only("identity")
    language.only("sure")
    tiers, default = _tiers(root.table("tiers"))
    details = root.table("details")
    return Policy(
        version=root.count("version", 1),
        costs=_costs(root.table("costs")),
        tiers=tiers,
        default=default,
        signals=escalate.words("signals", SIGNALS),
        topics=escalate.words("topics"),
        intents=tuple(Intent(name) for name in escalate.words("intents", list(Intent))),
        intent_probability=escalate.number("intent_probability", 0, 1),
        complexity=escalate.maybe("complexity", 0, 1),
        automate=automate.words("topics"),
        pair=clarify.number("pair", 0, 1),
        second=clarify.number("second", 0, 1),
        questions=clarify.count("questions", 2),
        details={topic: details.words(topic, DETAILS) for topic in details.names()},
        verified=_needs(root.table("verified")),
        named=_needs(root.table("named")),
        orders=Identity(orders.word("identity", list(Identity))),
        language_sure=language.number("sure", 0, 1),
    )


def _needs(table: _Table) -> Needs:
    table.only("topics", "articles")
    return Needs(table.words("topics"), table.words("articles"))


def _costs(table: _Table) -> Costs:
    table.only("wrong", "person", "waiting")
    return Costs(*(table.number(key, 0, MOST_MONEY) for key in ("wrong", "person", "waiting")))


def _tiers(table: _Table) -> tuple[dict[str, TierRules], TierRules]:
    named = [name for name in table.names() if name != _DEFAULT_TIER]
    if not named:
        raise table.fault(None, "names no tier; write at least [tiers.standard] with its risk")
    tiers = {name: _rules(table.table(name), None) for name in named}
    strictest = min(rules.risk for rules in tiers.values())
    return tiers, _rules(table.table(_DEFAULT_TIER), strictest)


def _rules(table: _Table, risk: float | None) -> TierRules:
    table.only("risk", "frustration", "sentiment")
    return TierRules(
        risk=table.risk("risk") if risk is None or "risk" in table.names() else risk,
        frustration=table.maybe("frustration", 0, 1),
        sentiment=table.maybe("sentiment", -1, 1),
    )
