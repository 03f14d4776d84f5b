"""A file of tickets, decided line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.cli.output import emit_json, progress, read_stdin, tell, tell_error
from kbsupport.errors import ConfigError, UnknownTier
from kbsupport.model import Audience, Reply

if TYPE_CHECKING:
    from kbsupport.app import App

_TEXT_KEYS = ("subject", "customer_id", "tier", "language", "product", "conversation_id")
_BROKEN_PART = 3


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks where a line does not say so."""

    customer: str | None
    tier: str | None
    language: str | None
    product: str | None
    audience: Audience
    open_tickets: bool


def decide_all(app: App, path: Path, asker: Asker, *, quiet: bool) -> int:
    """Print one decision a line, in order; 1 if a line was bad, 3 if a part was missing."""
    lines = list(_lines(path))
    seen: set[str] = set()
    bad, broken, notices = 0, dict[str, int](), dict[str, None]()
    with progress(quiet=quiet) as show:
        for number, line in enumerate(lines, 1):
            try:
                reply = _ask(app, line, asker, seen)
            except _BadLine as error:
                bad += 1
                emit_json(undecided(error.id, str(error)))
            else:
                emit_json(reply.to_dict())
                notices |= dict.fromkeys(reply.notices)
                if reply.error is not None:
                    broken[reply.error] = broken.get(reply.error, 0) + 1
            show("deciding", number, len(lines))
    for notice in notices:
        tell(f"note: {notice}", quiet=quiet)
    for fault, count in broken.items():
        tell_error(f"{count} of {len(lines)} lines could not be decided: {fault}")
    if bad:
        tell_error(f"{bad} of {len(lines)} lines could not be read; see their `error`")
    return _BROKEN_PART if broken else 1 if bad else 0


def _lines(path: Path) -> Iterator[bytes]:
    try:
        raw = read_stdin() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--batch {path} cannot be read: {error.strerror}") from error
    yield from (line for line in raw.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip())


class _BadLine(Exception):
    """A line that is no ticket, with its id if it has one."""

    def __init__(self, reason: str, row: Any = None) -> None:
        super().__init__(reason)
        given = row.get("id") if isinstance(row, dict) else None
        self.id = given if _is_id(given) else None


def _is_id(given: Any) -> bool:
    return isinstance(given, str | int) and not isinstance(given, bool)


def _ask(app: App, line: bytes, asker: Asker, seen: set[str]) -> Reply:
    row = _parse(line)
    ticket = _check(row, seen)
    try:
        return app.ask(
            "\n\n".join(part for part in (ticket["subject"], row["text"]) if part),
            id=row["id"],
            customer=ticket["customer_id"] or asker.customer,
            tier=ticket["tier"] or asker.tier,
            language=ticket["language"] or asker.language,
            product=ticket["product"] or asker.product,
            audience=asker.audience,
            conversation_id=ticket["conversation_id"],
            open_ticket=asker.open_tickets,
        )
    except UnknownTier as error:
        raise _BadLine(str(error), row) from error


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _BadLine("the line is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise _BadLine(f"the line is not JSON: {error}") from error


def _check(row: Any, seen: set[str]) -> dict[str, str | None]:
    if not isinstance(row, dict):
        raise _BadLine("the line is not a JSON object")
    if row.get("id") is None or row["id"] == "":
        raise _BadLine("the ticket has no id", row)
    if not _is_id(row["id"]):
        raise _BadLine("the id is neither a text nor a number", row)
    if str(row["id"]) in seen:
        raise _BadLine(f"the id {row['id']!r} stands twice", row)
    seen.add(str(row["id"]))
    if row.get("text") is None:
        raise _BadLine("the ticket has no text", row)
    for key in ("text", *_TEXT_KEYS):
        if row.get(key) is not None and not isinstance(row[key], str):
            raise _BadLine(f"the {key} is not a text", row)
    return {key: row.get(key) for key in _TEXT_KEYS}


def undecided(given: str | int | None, error: str) -> dict[str, Any]:
    """The line of a ticket that could not even be read: a person must look at it."""
    from kbsupport.model import Customer, Evidence, Outcome, Reason, Signals, Verdict

    reply = Reply(
        id=given,
        decision_id="",
        verdict=Verdict(Outcome.ESCALATE, Reason.FAILED, error),
        text="A person will look at this.",
        articles=(),
        probability=0.0,
        answer=None,
        passages=(),
        signals=Signals(),
        evidence=Evidence(),
        customer=Customer(None, ""),
        ticket_id=None,
        timings_ms={},
        error=error,
    )
    # Nobody asked and nothing was decided: no tier, and no decision to look up.
    return reply.to_dict() | {"decision_id": None, "customer": {"id": None, "tier": None}}
