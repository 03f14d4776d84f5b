"""kbsupport doctor."""

from __future__ import annotations

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, plain_table

_BROKEN = 3


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("doctor", epilog="Examples:\n\nkbsupport doctor\n\nkbsupport doctor --json")(doctor)


def doctor(context: typer.Context) -> None:
    """Check every part for real, with cures."""
    from kbsupport.doctor import examine

    chosen = of(context)
    with chosen.open() as app:
        findings = examine(app)
    if chosen.json:
        emit_json({"ok": all(f.ok for f in findings), "parts": [f.to_dict() for f in findings]})
    else:
        rows = [(("ok" if f.ok else "FAIL"), f.part, f.words) for f in findings]
        emit(plain_table(rows))
        for finding in findings:
            if finding.cure:
                emit(f"\n{finding.part}: {finding.cure}")
    if not all(f.ok for f in findings):
        raise typer.Exit(_BROKEN)
