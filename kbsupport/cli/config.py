"""kbsupport config show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, plain_table

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at the settings.")


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(group, name="config")


@group.command("show", epilog="Examples:\n\nkbsupport config show\n\nkbsupport config show --json")
def show_config(context: typer.Context) -> None:
    """Show every setting and where its value comes from."""
    from kbsupport.settings import load

    chosen = of(context)
    loaded = load(chosen.home, chosen.config)
    values = {"home": str(loaded.home), **dict(_flat(loaded.settings.model_dump(mode="json")))}
    found = [(key, value, loaded.origins[key]) for key, value in values.items()]
    if chosen.json:
        emit_json({key: {"value": value, "origin": origin} for key, value, origin in found})
        return
    rows = [("setting", "value", "from")]
    rows += [(key, _plain(value), origin) for key, value, origin in found]
    emit(plain_table(rows))


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _flat(values: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{at}{key}.")
        else:
            yield f"{at}{key}", value
