"""Read labelled tickets: JSON lines, each with what a person says was right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kbsupport.errors import ConfigError
from kbsupport.model import AUTO_RESOLVE, ESCALATE, Label

__all__ = ["AUTO_RESOLVE", "ESCALATE", "Label", "numbered_lines", "parse_label", "read_labels"]


def read_labels(path: Path) -> tuple[Label, ...]:
    """Every label of a file, in its order; the first bad line is an error that names it."""
    return tuple(parse_label(line, where) for where, line in numbered_lines(path))


def numbered_lines(path: Path) -> list[tuple[str, str]]:
    """Every line of a file of JSON lines that is not blank, with where it stands."""
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
    return [(f"{path}:{number}", line) for number, line in numbered if line.strip()]


def parse_label(line: str, where: str) -> Label:
    """One line as a label; `where` stands in front of what is wrong with it."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise ConfigError(f"{where}: expected an object with id, text, expected, accept_ids")
    try:
        return _label(row, where)
    except _BadField as bad:
        raise ConfigError(f"{where}: {bad}") from None


class _BadField(Exception):
    pass


def _label(row: Mapping[str, Any], where: str) -> Label:
    body = _text(row, "text")
    if body is None:
        raise _BadField("`text` is missing")
    subject = _text(row, "subject")
    accept_ids = _accept_ids(row)
    return Label(
        # What `learn` takes needs no id; its place in the file tells it apart. Not the folder: the
        # id is stored, and a home names no place on this machine.
        id=_id(row, "id") or Path(where).name,
        text=f"{subject}\n\n{body}" if subject else body,
        expected=_expected(row, accept_ids),
        accept_ids=accept_ids,
        kind=_text(row, "kind"),
        topic=_text(row, "topic"),
        intent=_text(row, "intent"),
        urgent=_flag(row, "urgent"),
        tier=_text(row, "tier"),
        language=_text(row, "language"),
        product=_text(row, "product"),
        customer_id=_id(row, "customer_id"),
        conversation_id=_id(row, "conversation_id"),
        created_at=_moment(row, "created_at"),
    )


def _expected(row: Mapping[str, Any], accept_ids: tuple[str, ...]) -> str:
    expected = _text(row, "expected")
    if expected is None and "article_id" in row:
        expected = AUTO_RESOLVE
    if expected is None:
        raise _BadField(f"`expected` is missing; write {AUTO_RESOLVE} or {ESCALATE}")
    if expected not in (AUTO_RESOLVE, ESCALATE):
        raise _BadField(f"`expected` is {expected!r}; it can be {AUTO_RESOLVE} or {ESCALATE}")
    if expected == AUTO_RESOLVE and not accept_ids:
        raise _BadField(
            f"{AUTO_RESOLVE} needs `accept_ids`: the ids of the articles that answer it"
        )
    return expected


def _accept_ids(row: Mapping[str, Any]) -> tuple[str, ...]:
    found = row.get("accept_ids")
    if found is None:
        alone = _text(row, "article_id")
        return (alone,) if alone else ()
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise _BadField("`accept_ids` must be a list of article ids")
    return tuple(dict.fromkeys(found))


def _text(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise _BadField(f"`{key}` must be text, not {json.dumps(value)[:40]}")
    return value


def _id(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    # Exports of ticket systems write ids as numbers.
    return str(value) if type(value) is int else _text(row, key)


def _flag(row: Mapping[str, Any], key: str) -> bool | None:
    value = row.get(key)
    if value is not None and not isinstance(value, bool):
        raise _BadField(f"`{key}` must be true or false, not {json.dumps(value)[:40]}")
    return value


def _moment(row: Mapping[str, Any], key: str) -> datetime | None:
    value = _text(row, key)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _BadField(f"`{key}` is {value!r}; write it like 2026-07-01T09:30:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
