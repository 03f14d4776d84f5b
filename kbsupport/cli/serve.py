"""kbsupport serve."""

from __future__ import annotations

from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import tell

_EPILOG = """Examples:

kbsupport serve

kbsupport serve --port 9000 --workers 4"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("serve", epilog=_EPILOG)(serve)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many processes answer.")
    ] = None,
    work: Annotated[
        bool, typer.Option("--work/--no-work", help="Also do the work behind the doors.")
    ] = True,
) -> None:
    """Open the doors: HTTP, chat and events, until Ctrl-C.

    Beside the workers that answer, one process decides what waits, tells who listens and moves the
    overdue on; with --no-work, run `kbsupport work` yourself.
    """
    from kbsupport.api.serving import serve as run
    from kbsupport.settings import load

    chosen = of(context)
    loaded = load(chosen.home, chosen.config)
    section = loaded.settings.serve
    code = run(
        loaded,
        chosen.config,
        host=host or section.host,
        port=section.port if port is None else port,
        workers=workers or section.workers,
        work=work,
        tell=lambda text: tell(text, quiet=chosen.quiet),
    )
    raise typer.Exit(code)
