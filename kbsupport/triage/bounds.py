"""Exact binomial bounds, in the standard library alone; pure."""

from __future__ import annotations

import math
from functools import lru_cache

from kbsupport.errors import ConfigError

_HALVINGS = 100


def binomial_tail(wrong: int, n: int, rate: float) -> float:
    """Tell how likely `wrong` or fewer of `n` are wrong, if each is wrong at this rate."""
    if wrong >= n:
        return 1.0
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    hit, miss, whole = math.log(rate), math.log1p(-rate), math.lgamma(n + 1)
    ways = (
        whole - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * hit + (n - k) * miss
        for k in range(wrong + 1)
    )
    return min(1.0, math.fsum(math.exp(log) for log in ways))


def clopper_pearson_upper(wrong: int, n: int, confidence: float) -> float:
    """Bound the rate from above: the true one lies higher in at most 1 - confidence of cases."""
    check_share("confidence", confidence)
    if not 0 <= wrong <= n:
        raise ConfigError(f"{wrong} wrong of {n}: wrong ones cannot be more than there are")
    if wrong == n:
        return 1.0
    low, high = wrong / n, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if binomial_tail(wrong, n, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def clean_needed(risk: float, confidence: float) -> int:
    """Count the resolved labels that prove the risk if not one of them is wrong."""
    check_share("risk", risk)
    check_share("confidence", confidence)
    return labels_needed(0, risk, 1 - confidence)


@lru_cache(maxsize=4096)
def labels_needed(wrong: int, risk: float, alpha: float) -> int:
    """Count the resolved labels that prove the risk though `wrong` of them are wrong."""
    low, high = wrong, wrong + 1
    while binomial_tail(wrong, high, risk) > alpha:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if binomial_tail(wrong, middle, risk) > alpha else (low, middle)
    return high


def check_share(name: str, value: float) -> None:
    """Refuse anything that does not lie strictly between 0 and 1."""
    # A comparison with NaN is false, so it is refused too.
    if not 0 < value < 1:
        raise ConfigError(f"{name} is {value}; it must lie strictly between 0 and 1, like 0.05")
