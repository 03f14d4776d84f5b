"""Questions from a file: JSON lines of tickets, whose labels, if any, are not even read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kbsupport.errors import ConfigError
from kbsupport.evaluation.labels import parse_label
from kbsupport.gaps.asked import Asked
from kbsupport.model import ESCALATE, storable

_LABELS = ("expected", "accept_ids", "article_id", "kind", "topic", "intent", "urgent")


def read_asked(path: Path) -> tuple[Asked, ...]:
    """Every ticket of a file; `reply` is what people wrote back, a text or a list of texts."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start})") from error
    # Not splitlines(): JSON strings may hold U+2028, which ends no line of JSON lines.
    numbered = enumerate(text.split("\n"), start=1)
    asked = [_asked(line, f"{path}:{number}") for number, line in numbered if line.strip()]
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
