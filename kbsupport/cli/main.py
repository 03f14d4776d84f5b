"""kbsupport: the door for people at a terminal and for scripts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kbsupport import __version__
from kbsupport.cli import articles, ask, config, demo, doctor, index, ticket
from kbsupport.cli.options import Globals, hoist
from kbsupport.cli.output import tell
from kbsupport.errors import (
    ConfigError,
    IndexOutdated,
    KbSupportError,
    ModelError,
    NotIndexed,
    StoreError,
    UpstreamError,
)

_EPILOG = "--home, --config, --json and --quiet may also stand after the command."

cli = typer.Typer(
    name="kbsupport",
    help="Answer support questions from your help articles, with their source; or hand over.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"kbsupport {__version__}")
        raise typer.Exit


@cli.callback()
def globals_first(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="Where everything is kept (KBSUPPORT_HOME).")
    ] = None,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="Read this TOML file instead of ./kbsupport.toml."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no notices.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keep the options that every command shares."""
    del version
    context.obj = Globals(home, config_file, as_json, quiet)


index.register(cli)
ask.register(cli)
articles.register(cli)
ticket.register(cli)
doctor.register(cli)
config.register(cli)
demo.register(cli)


def exit_code(error: KbSupportError) -> int:
    """1 a negative result, 2 usage or configuration, 3 a part missing or unreachable."""
    if isinstance(error, ConfigError):
        return 2
    if isinstance(error, NotIndexed | IndexOutdated | ModelError | StoreError | UpstreamError):
        return 3
    return 1


def run(arguments: list[str] | None = None) -> None:
    """Run one command line; a known error becomes one line and an exit code."""
    try:
        cli(hoist(sys.argv[1:] if arguments is None else arguments), prog_name="kbsupport")
    except KbSupportError as error:
        tell(f"kbsupport: {error}")
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)
