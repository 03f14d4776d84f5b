"""kbsupport mcp."""

from __future__ import annotations

from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import tell

_EPILOG = """Examples:

kbsupport mcp

kbsupport mcp --write --as mia

kbsupport mcp --http --port 8766"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("mcp", epilog=_EPILOG)(mcp)


def mcp(
    context: typer.Context,
    http: Annotated[
        bool, typer.Option("--http", help="Listen on 127.0.0.1 for callers that hold a key.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port for --http; 0 takes a free one.")
    ] = 8766,
    write: Annotated[
        bool, typer.Option("--write", help="Also offer the tools that change something.")
    ] = False,
    internal: Annotated[
        bool, typer.Option("--internal", help="Let staff read internal articles, too.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="SPECIALIST",
            envvar="KBSUPPORT_SPECIALIST",
            help="Who you are on the rota; with --http the key says so.",
        ),
    ] = None,
) -> None:
    """Offer the knowledge base to AI assistants as an MCP server, over stdin and stdout."""
    from kbsupport.mcp.serving import Opening, over_http, over_stdio

    chosen = of(context)
    opening = Opening(write=write, internal=internal, by=by)
    with chosen.open() as app:
        if http:
            over_http(app, opening, port, lambda text: tell(text, quiet=chosen.quiet))
        else:
            over_stdio(app, opening)
