"""The audit log: who did what, each row sealed together with all rows before it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import insert, select

from kbsupport.errors import StoreError
from kbsupport.model import storable
from kbsupport.store.tables import AuditRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

AUDIT: Any = AuditRow.__table__  # type: ignore[attr-defined]

_HEAD = select(AUDIT.c.id, AUDIT.c.hash).order_by(AUDIT.c.id.desc()).limit(1)
_APPEND = insert(AUDIT)
_BYTES = 32
_CUT = "rows {} to {} are missing: the end of the log was cut off"
_OTHER = "row {} is not the one that the anchor names: the log was written anew"


@dataclass(frozen=True, slots=True)
class Anchor:
    """How long the log was once and how it ended; kept elsewhere, it shows what was cut off."""

    rows: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verified:
    """How many rows from the first on are sound, and what is wrong after them."""

    rows: int
    fault: str | None


def append(
    connection: Connection,
    key: bytes,
    *,
    actor: str,
    action: str,
    subject: str,
    body: Mapping[str, Any],
    now: datetime,
) -> None:
    """Add a row: ids only, never texts or names, for it cannot be taken out again."""
    last = head(connection)
    row = {
        "id": last.rows + 1,
        "at": now.astimezone(UTC).isoformat(),
        # What is sealed has to be what is kept.
        "actor": storable(actor),
        "action": action,
        "subject": storable(subject),
        "body": _canonical(dict(body)),
    }
    connection.execute(_APPEND, row | {"hash": _seal(key, last.hash, row)})


def head(connection: Connection) -> Anchor:
    """Where the log ends now."""
    row = connection.execute(_HEAD).one_or_none()
    return Anchor(0, "") if row is None else Anchor(row.id, row.hash)


def verify(connection: Connection, key: bytes, anchor: Anchor | None = None) -> Verified:
    """Whether every row is as it was written; the first that is not is named."""
    sound, previous = 0, ""
    # In the order of their numbers: what is missing, moved or added is met where it stands now.
    query = select(AUDIT).order_by(AUDIT.c.id).execution_options(yield_per=1000)
    with connection.execute(query).mappings() as rows:
        for row in rows:
            held = str(row["hash"])
            fault = _fault(key, previous, sound + 1, dict(row))
            if fault is None and anchor is not None and sound + 1 == anchor.rows:
                fault = None if _same(held, anchor.hash) else _OTHER.format(anchor.rows)
            if fault is not None:
                return Verified(sound, fault)
            sound, previous = sound + 1, held
    if anchor is not None and sound < anchor.rows:
        return Verified(sound, _CUT.format(sound + 1, anchor.rows))
    return Verified(sound, None)


def read_anchor(path: Path) -> Anchor | None:
    """The anchor in a file; None if there is no such file."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return Anchor(int(held["rows"]), str(held["hash"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is no anchor of an audit log; restore it from a copy") from error


def write_anchor(path: Path, anchor: Anchor) -> None:
    """Replace the anchor at once and for good."""
    aside = _aside(path)
    try:
        _write(aside, (json.dumps(asdict(anchor)) + "\n").encode())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def read_key(path: Path) -> bytes:
    """The key of the log, made at the first call; only its owner may read the file."""
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise _unwritable(path, error) from error
    if len(key) != _BYTES:
        raise StoreError(f"{path} is damaged: not {_BYTES} bytes; restore it from a backup")
    return key


def _make_key(path: Path) -> None:
    aside = _aside(path)
    try:
        _write(aside, secrets.token_bytes(_BYTES))
        # Of several first runs at once one makes the key, whole; the others take that one.
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.{uuid4().hex}")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path} cannot be used: {error.strerror}; check the permissions of the home")


def _fault(key: bytes, previous: str, expected: int, row: Mapping[str, Any]) -> str | None:
    number = row["id"]
    if number > expected:
        return f"row {expected} is missing"
    if number < expected:
        return f"row {number} was put in"
    said = {name: value for name, value in row.items() if name != "hash"}
    if _same(str(row["hash"]), _seal(key, previous, said)):
        return None
    return f"row {number} is not as it was written, or was written with another key"


def _seal(key: bytes, previous: str, row: Mapping[str, Any]) -> str:
    return hmac.new(key, (previous + _canonical(row)).encode(), hashlib.sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _canonical(row: Mapping[str, Any]) -> str:
    # What is no JSON, as a forged row may hold, is its own words: they match no seal.
    return json.dumps(row, sort_keys=True, separators=(",", ":"), default=str)
