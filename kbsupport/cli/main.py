"""kbsupport: the door for people at a terminal and for scripts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kbsupport import __version__
from kbsupport.cli import (
    articles,
    ask,
    audit,
    backtest,
    calibrate,
    chat,
    config,
    customers,
    demo,
    desk,
    doctor,
    events,
    explain,
    feedback,
    gaps,
    index,
    keys,
    learn,
    mcp,
    metrics,
    replay,
    review,
    serve,
    switch,
    ticket,
    webhooks,
    whatif,
    work,
)
from kbsupport.cli.interrupt import INTERRUPTED, heeding_ctrl_c
from kbsupport.cli.options import Globals, hoist
from kbsupport.cli.output import mute_stdout, tell, tell_error
from kbsupport.errors import (
    ConfigError,
    IndexOutdated,
    KbSupportError,
    MissingExtra,
    ModelError,
    NotIndexed,
    StoreError,
    UpstreamError,
)

# Newer Typers carry their own copy of Click; this is the right class in either case.
_UsageError: Any = typer.BadParameter.__base__

# A package that is not installed is a part that is missing, though a setting asked for it.
_MISSING = (MissingExtra, NotIndexed, IndexOutdated, ModelError, StoreError, UpstreamError)

_EPILOG = "--home, --config, --json and --quiet may also stand after the command."

cli = typer.Typer(
    name="kbsupport",
    help="Answer support questions from your help articles, with their source; or hand over.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Framed help would import Rich, and double the time until anything is printed.
    rich_markup_mode=None,
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
chat.register(cli)
learn.register(cli)
calibrate.register(cli)
backtest.register(cli)
whatif.register(cli)
replay.register(cli)
explain.register(cli)
articles.register(cli)
ticket.register(cli)
desk.register(cli)
customers.register(cli)
feedback.register(cli)
review.register(cli)
switch.register(cli)
metrics.register(cli)
gaps.register(cli)
events.register(cli)
serve.register(cli)
work.register(cli)
keys.register(cli)
mcp.register(cli)
webhooks.register(cli)
audit.register(cli)
doctor.register(cli)
config.register(cli)
demo.register(cli)


def exit_code(error: KbSupportError) -> int:
    """1 a negative result, 2 usage or configuration, 3 a part missing or unreachable."""
    if isinstance(error, _MISSING):
        return 3
    return 2 if isinstance(error, ConfigError) else 1


def run(arguments: list[str] | None = None) -> None:
    """Run one command line; a known error becomes one line and an exit code."""
    given = hoist(sys.argv[1:] if arguments is None else arguments)
    with heeding_ctrl_c():
        sys.exit(_run(given))


def _run(given: list[str]) -> int:
    try:
        return int(cli(given, prog_name="kbsupport", standalone_mode=False) or 0)
    except KbSupportError as error:
        tell_error(str(error))
        return exit_code(error)
    except _UsageError as error:
        _explain(error)
        return 2
    except SystemExit as stopped:
        # Typer calls a pipe that was closed during the help a failure; `emit` sees to the data.
        if not isinstance(stopped.__context__, BrokenPipeError):
            raise
        mute_stdout()
        return 0
    except typer.Abort:
        return INTERRUPTED


def _explain(error: Any) -> None:
    said = error.format_message()
    if error.ctx is None:
        tell_error(said)
    elif type(error).__name__ == "NoArgsIsHelpError":
        tell(said)
    else:
        tell_error(f"{said.rstrip('.')}; see: {error.ctx.command_path} --help")
