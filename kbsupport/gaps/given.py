"""Questions from a file: JSON lines of tickets, whose labels, if any, are not even read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kbsupport.errors import ConfigError
from kbsupport.evaluation.labels import numbered_lines, parse_label
from kbsupport.gaps.asked import Asked
from kbsupport.model import ESCALATE, storable

_LABELS = ("expected", "accept_ids", "article_id", "kind", "topic", "intent", "urgent")


def read_asked(path: Path) -> tuple[Asked, ...]:
    """Every ticket of a file; `reply` is what people wrote back, a text or a list of texts."""
    asked = [_asked(line, where) for where, line in numbered_lines(path)]
    if not asked:
        raise ConfigError(f"{path} holds no tickets; give a file with some")
    return tuple(asked)


def _asked(line: str, where: str) -> Asked:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise ConfigError(f"{where}: expected an object with id and text")
    bare = {key: value for key, value in row.items() if key not in (*_LABELS, "reply")}
    label = parse_label(json.dumps(bare | {"expected": ESCALATE}), where)
    return Asked(label, tuple(_replies(row.get("reply"), where)))


def _replies(given: Any, where: str) -> Iterator[str]:
    replies = given if isinstance(given, list) else [] if given is None else [given]
    for reply in replies:
        if not isinstance(reply, str):
            raise ConfigError(f"{where}: `reply` must be a text or a list of texts")
        if reply.strip():
            yield storable(reply)
