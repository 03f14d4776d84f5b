"""kbsupport backtest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, progress, tell

if TYPE_CHECKING:
    from kbsupport.evaluation.backtest import Backtest

_EPILOG = """Examples:

kbsupport backtest tickets.jsonl

kbsupport backtest tickets.jsonl --html report.html

kbsupport backtest tickets.jsonl --json"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("backtest", epilog=_EPILOG)(backtest)


def backtest(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Labelled tickets (JSON lines).")],
    html: Annotated[Path | None, typer.Option(help="Write a report with plots here.")] = None,
) -> None:
    """Say what would be decided for labelled tickets now; nothing is stored.

    Answered at once, wrong with its exact interval, cost, by tier, topic, kind and language.
    """
    from kbsupport.evaluation.wording import summary_lines

    chosen = of(context)
    with chosen.open() as app, progress(quiet=chosen.quiet) as show:
        found = app.backtest(file, progress=show)
        familiar = app.familiar(file)
        notices = app.mind.notices()
    if html is not None:
        _write(found, html, file.name)
    if chosen.json:
        emit_json(found.to_dict() | {"familiar": familiar.to_dict(), "notices": list(notices)})
    else:
        emit("\n".join(summary_lines(found)))
    for note in (*notices, *familiar.notes()):
        tell(f"note: {note}", quiet=chosen.quiet)


def _write(found: Backtest, path: Path, name: str) -> None:
    from kbsupport.errors import ConfigError
    from kbsupport.evaluation.report import write_report

    page = write_report(found, f"Backtest of {name}")
    try:
        # Half a surrogate pair has no UTF-8, and a ticket may hold one.
        path.write_text(page, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigError(f"--html {path} cannot be written: {error.strerror}") from error
