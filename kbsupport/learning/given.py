"""Labels as they are given: a file, or labels already read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kbsupport.errors import ConfigError
from kbsupport.evaluation.labels import read_labels
from kbsupport.learning.renewing import Demand
from kbsupport.model import Label


def given_labels(given: Path | str | Sequence[Label]) -> tuple[Sequence[Label], str]:
    """Labels, and what to call where they come from: the name of a file, never its folder."""
    if isinstance(given, str | Path):
        return read_labels(Path(given)), Path(given).name
    return given, "labels"


def demand(check: Path, max_wrong: int) -> Demand:
    """What an index run has to hold to be published."""
    labels = read_labels(check)
    if not labels:
        raise ConfigError(f"{check} holds no labels; nothing can be checked with it")
    return Demand(labels, max_wrong)
