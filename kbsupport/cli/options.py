"""Options that every command takes, before or after its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from kbsupport.app import App

_WITH_VALUE = ("--home", "--config")
_SWITCHES = ("--json", "--quiet")


@dataclass(frozen=True, slots=True)
class Globals:
    """What was asked for beside the command itself."""

    home: Path | None = None
    config: Path | None = None
    json: bool = False
    quiet: bool = False

    def open(self) -> App:
        """The app these options ask for."""
        from kbsupport.app import open_app

        return open_app(home=self.home, config=self.config)


def of(context: typer.Context) -> Globals:
    """The global options of a command's context."""
    found = context.find_root().obj
    return found if isinstance(found, Globals) else Globals()


def hoist(arguments: list[str]) -> list[str]:
    """Global options first, wherever they were typed; what follows `--` is left alone."""
    front: list[str] = []
    rest: list[str] = []
    unfinished: list[str] = []  # an option that still waits for its value when the line ends
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument in _WITH_VALUE:
            value = next(waiting, None)
            front += [argument, value] if value is not None else []
            unfinished = [argument] if value is None else []
        elif argument in _SWITCHES or argument.startswith(tuple(f"{o}=" for o in _WITH_VALUE)):
            front.append(argument)
        else:
            rest.append(argument)
    return front + unfinished if unfinished else front + rest
