"""kbsupport work."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, tell

_EPILOG = """Examples:

kbsupport work

kbsupport work --once"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("work", epilog=_EPILOG)(work)


def work(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Do what there is to do, and end.")] = False,
) -> None:
    """Decide what was taken in, tell who listens, and move the overdue on, until Ctrl-C.

    `kbsupport serve` runs one of these beside its workers. Several at once share the work.
    """
    chosen = of(context)
    over = threading.Event()
    with chosen.open() as app:
        if once:
            done = app.lobby.work.until_done()
            if chosen.json:
                emit_json({"decided": done.decided, "told": done.told})
            else:
                emit(f"{done.decided} decided, {done.told} events told")
            return
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: over.set())
        tell("working; Ctrl-C ends it", quiet=chosen.quiet)
        app.lobby.work.run(over)
