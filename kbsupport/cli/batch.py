"""A file of tickets, decided line by line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.cli.output import emit_json, progress, tell
from kbsupport.errors import ConfigError, KbSupportError, StoreError
from kbsupport.model import SCHEMA_VERSION, Audience

if TYPE_CHECKING:
    from kbsupport.app import App

_TEXT_KEYS = ("subject", "customer_id", "tier", "language", "product", "conversation_id")


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
    """Print one decision a line, in order; 1 if any line could not be decided."""
    lines = list(_lines(path))
    seen: set[str] = set()
    failed = 0
    with progress(quiet=quiet) as show:
        for number, line in enumerate(lines, 1):
            decision = _decide(app, line, asker, seen)
            failed += decision["error"] is not None
            emit_json(decision)
            show("deciding", number, len(lines))
    if failed:
        tell(f"kbsupport: {failed} of {len(lines)} lines could not be decided; see their `error`")
    return 1 if failed else 0


def _lines(path: Path) -> Iterator[bytes]:
    try:
        raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--batch {path} cannot be read: {error.strerror}") from error
    yield from (line for line in raw.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip())


def _decide(app: App, line: bytes, asker: Asker, seen: set[str]) -> dict[str, Any]:
    row: Any = None
    try:
        row = _parse(line)
        ticket = _check(app, row, seen)
        return app.ask(
            "\n\n".join(part for part in (ticket["subject"], row["text"]) if part),
            id=row["id"],
            customer=ticket["customer_id"] or asker.customer,
            tier=ticket["tier"] or asker.tier,
            language=asker.language or ticket["language"],
            product=asker.product or ticket["product"],
            audience=asker.audience,
            conversation_id=ticket["conversation_id"],
            open_ticket=asker.open_tickets,
        ).to_dict()
    except StoreError:
        raise  # no later line can be stored either
    except (ValueError, KbSupportError) as error:
        given = row.get("id") if isinstance(row, dict) else None
        return undecided(given if isinstance(given, str) else None, str(error))


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError("the line is not UTF-8") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"the line is not JSON: {error}") from error


def _check(app: App, row: Any, seen: set[str]) -> dict[str, str | None]:
    if not isinstance(row, dict):
        raise ValueError("the line is not a JSON object")
    if not isinstance(row.get("id"), str) or not row["id"]:
        raise ValueError("the ticket has no id")
    if row["id"] in seen:
        raise ValueError(f"the id {row['id']!r} stands twice")
    seen.add(row["id"])
    if not isinstance(row.get("text"), str):
        raise ValueError("the ticket has no text")
    ticket: dict[str, str | None] = {}
    for key in _TEXT_KEYS:
        value = row.get(key)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{key} is not a text")
        ticket[key] = value
    known = app.settings.customers.tiers
    if ticket["tier"] is not None and ticket["tier"] not in known:
        raise ValueError(f"no tier {ticket['tier']!r}; there are {', '.join(known)}")
    return ticket


def undecided(given: str | None, error: str) -> dict[str, Any]:
    """The line of a ticket that could not even be read: a person must look at it."""
    from kbsupport.model import Customer, Evidence, Outcome, Reason, Reply, Signals, Verdict

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
    return reply.to_dict() | {"schema_version": SCHEMA_VERSION, "decision_id": None}
