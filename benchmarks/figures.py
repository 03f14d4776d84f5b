"""A figure: what was measured, in which unit, beside the bar that it should reach."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from benchmarks.common import spread


def figure(
    what: str,
    value: float,
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    of: Sequence[float] = (),
) -> dict[str, Any]:
    """One figure; `of` are the single measurements that its spread is taken from."""
    value = tidy(value)
    made: dict[str, Any] = {"what": what, "value": value, "unit": unit}
    if at_most is not None:
        made |= {"at_most": at_most, "reached": value <= at_most}
    if at_least is not None:
        made |= {"at_least": at_least, "reached": value >= at_least}
    if of:
        made["spread"] = {name: tidy(number) for name, number in spread(of).items()}
    return made


def missed(figures: dict[str, Any]) -> list[str]:
    """Names of the figures that do not reach their bar."""
    return [name for name, one in figures.items() if one.get("reached") is False]


def load_note() -> str:
    """How busy the machine was with other things; call it before anything is measured."""
    return f"Load average when it began: {os.getloadavg()[0]:.1f}."


def show(figures: dict[str, Any]) -> None:
    """Print one line for each figure."""
    for one in figures.values():
        verdict = {True: "reached", False: "NOT REACHED", None: ""}[one.get("reached")]
        print(f"{one['what']:66} {one['value']:>10g} {one['unit']:6} {verdict}")


def tidy(number: float) -> float:
    """Three digits say all that a measurement can say; a count stays whole."""
    return int(number) if number == int(number) else float(f"{number:.3g}")
