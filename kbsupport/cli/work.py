"""kbsupport work."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Annotated

import typer

from kbsupport.cli.interrupt import INTERRUPTED, leave
from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, tell

_EPILOG = """Examples:

kbsupport work

kbsupport work --once"""

_SIGNS = (signal.SIGTERM, signal.SIGINT)
# So long after it was told to end, what hangs is left behind: its lease ends by itself.
_LAST_WISH = 8.0
_LOOK_EVERY = 0.5


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("work", epilog=_EPILOG)(work)


def work(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Do what there is to do, and end.")] = False,
    beside: Annotated[
        bool, typer.Option("--beside", hidden=True, help="End with whoever began it.")
    ] = False,
) -> None:
    """Decide what was taken in, tell who listens, and move the overdue on, until Ctrl-C.

    `kbsupport serve` runs one of these beside its workers. Several at once share the work.
    """
    chosen = of(context)
    if once:
        with chosen.open() as app:
            done = app.lobby.work.until_done()
            if chosen.json:
                emit_json({"decided": done.decided, "told": done.told})
            else:
                emit(f"{done.decided} decided, {done.told} events told")
        return
    from kbsupport.api.logs import to_stderr

    with chosen.open() as app:
        end = _told_to_end()
        if beside:
            threading.Thread(target=_end_with_parent, name="kbsupport-beside", daemon=True).start()
        to_stderr(access=False)
        tell("working; Ctrl-C ends it", quiet=chosen.quiet)
        app.lobby.work.run(end.over)
    raise typer.Exit(end.code)


def _end_with_parent() -> None:
    """A server that was killed tells nobody; what it left would work on and hold its home."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)


class _End:
    """Whether it is over, and what this process ends with then."""

    def __init__(self) -> None:
        self.over, self.code = threading.Event(), 0


def _told_to_end() -> _End:
    """The end, which comes with a signal, and a while later to whatever still hangs."""
    end = _End()

    def wait() -> None:
        # In a thread, for whoever is interrupted may hold the very lock that saying so needs.
        end.code = INTERRUPTED if signal.sigwait(_SIGNS) == signal.SIGINT else 0
        end.over.set()
        signal.sigtimedwait([signal.SIGINT], _LAST_WISH)
        leave(end.code)

    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNS)
    threading.Thread(target=wait, name="kbsupport-end", daemon=True).start()
    return end
