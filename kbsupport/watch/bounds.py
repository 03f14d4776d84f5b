"""How often answers are wrong, from random audits: a range that holds at every look; pure.

What must be so: since the certificate was issued, each answer was drawn for an audit by a chance
that does not depend on the answer (one share for all; it may change between answers), and what was
found of one says nothing about the next. Where tiers or topics have shares of their own, each needs
a range of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kbsupport.errors import ConfigError
from kbsupport.watch.wagers import check_alpha, entry, onset, raised, still_kept

# The range is narrowest where a wrong rate of a few in a hundred is expected.
_WRONG_BEFORE, _RIGHT_BEFORE = 0.5, 10.0
_HALVINGS = 60
# A rate that worsens later is found almost as fast as one that is bad from the beginning.
_AT_ONCE = 0.05
# By how much the odds of a wrong answer may have grown, and what is bet on each.
_WORSE = ((1.5, 0.15), (2.5, 0.70), (4.0, 0.15))

Flags = Iterable[bool | None]


@dataclass(frozen=True, slots=True)
class Bound:
    """Between which rates the true one lies, at this look and all others together."""

    lower: float
    upper: float
    n: int
    wrong: int
    left_out: int
    confidence: float

    @property
    def rate(self) -> float | None:
        """The share of audited answers that were wrong; None of none."""
        return self.wrong / self.n if self.n else None

    def to_dict(self) -> dict[str, float | int]:
        """The bound as it is printed."""
        return {
            "lower": self.lower, "upper": self.upper, "n": self.n, "wrong": self.wrong,
            "left_out": self.left_out, "confidence": self.confidence,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class LiveBound:
    """Bounds the live wrong rate after every audit: all those ranges hold at once."""

    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise ConfigError(
                f"confidence is {self.confidence}; it must lie strictly between 0 and 1, like 0.95"
            )

    def after(self, wrong: Flags) -> Bound:
        """The range after these audits; None stands for one whose ticket was erased since."""
        audited, left_out = _sound(wrong)
        return self.of(len(audited), sum(audited), left_out)

    def of(self, n: int, wrong: int, left_out: int = 0) -> Bound:
        """The range after `n` audits of which so many found a wrong answer: order is no matter."""
        if not 0 <= wrong <= n:
            raise ConfigError(f"{wrong} wrong of {n} audits: wrong ones cannot be more than all")
        lower, upper = _range(n, wrong, self.confidence)
        return Bound(lower, upper, n, wrong, left_out, self.confidence)


@dataclass(frozen=True, slots=True)
class Alarm:
    """The live wrong rate is higher than certified; `at` and `since` count audits from 1."""

    at: int
    since: int
    n: int
    wrong: int
    risk: float
    alpha: float
    evidence: float

    @property
    def said(self) -> str:
        """What happened, in a sentence."""
        audits = "audit" if self.n == 1 else "audits"
        return (
            f"{self.wrong} of {self.n} {audits} since number {self.since} found a wrong answer; "
            f"{self.risk:.1%} were certified (such an alarm is false at most {self.alpha:.0%} "
            "of the time, however often one looks)"
        )


def alarm(wrong: Flags, risk: float, alpha: float = 0.05) -> Alarm | None:
    """Whether more answers are wrong than certified.

    While the wrong rate stays at or below the risk, audits of one certificate raise an alarm, at
    any time, with a probability of at most alpha.
    """
    check_alpha(alpha)
    if not 0 < risk < 1:
        raise ConfigError(f"risk is {risk}; it must lie strictly between 0 and 1, like 0.05")
    audited, _ = _sound(wrong)
    rates = [raised(risk, odds) for odds, _ in _WORSE]
    wealth = [0.0] * len(rates)
    for step, found in enumerate(audited):
        factors = [rate / risk if found else (1 - rate) / (1 - risk) for rate in rates]
        wealth = [(w + entry(step, _AT_ONCE)) * f for w, f in zip(wealth, factors, strict=True)]
        total = still_kept(step + 1, _AT_ONCE) + sum(
            part * one for (_, part), one in zip(_WORSE, wealth, strict=True)
        )
        if total >= 1 / alpha:
            return _raised(
                audited[: step + 1], rates[wealth.index(max(wealth))], risk, alpha, total
            )
    return None


def _raised(
    audited: Sequence[bool], rate: float, risk: float, alpha: float, evidence: float
) -> Alarm:
    gain, loss = math.log(rate / risk), math.log((1 - rate) / (1 - risk))
    begin = onset([gain if found else loss for found in audited])
    recent = audited[begin:]
    return Alarm(len(audited), begin + 1, len(recent), sum(recent), risk, alpha, round(evidence, 2))


def _sound(wrong: Flags) -> tuple[list[bool], int]:
    given = list(wrong)
    audited = [bool(one) for one in given if one is not None]
    return audited, len(given) - len(audited)


@lru_cache(maxsize=65536)
def _range(count: int, wrong: int, confidence: float) -> tuple[float, float]:
    """The rates against which a wager spread over all rates has not won 1 / (1 - confidence)."""
    if not count:
        return 0.0, 1.0
    right = count - wrong
    won = _log_beta(_WRONG_BEFORE + wrong, _RIGHT_BEFORE + right)
    won += math.log(1 - confidence) - _log_beta(_WRONG_BEFORE, _RIGHT_BEFORE)

    def refuted(rate: float) -> bool:
        odds = (wrong * math.log(rate) if wrong else 0.0) + (
            right * math.log1p(-rate) if right else 0.0
        )
        return won >= odds

    middle = wrong / count
    lower = _edge(0.0, middle, refuted) if wrong else 0.0
    upper = _edge(1.0, middle, refuted) if right else 1.0
    return lower, upper


def _edge(outside: float, inside: float, refuted: Callable[[float], bool]) -> float:
    """The last rate, seen from the inside, that is not refuted; rounded to the outside."""
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        if refuted(middle):
            outside = middle
        else:
            inside = middle
    return outside


def _log_beta(one: float, other: float) -> float:
    return math.lgamma(one) + math.lgamma(other) - math.lgamma(one + other)
