"""Build one plugin by name: ours and a stranger's arrive by the same path."""

from __future__ import annotations

from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Any

from kbsupport.errors import ConfigError, UnknownPart

# Where a port is set, if its section is not called as it is.
_SECTIONS = {"tier": "tiers", "order": "orders"}


def build(port: str, name: str, **options: Any) -> Any:
    """The part of this port and name, made with its options as keywords."""
    group = f"kbsupport.{port}s"
    found = _ours(group, name) or _anyones(group, name)
    if found is None:
        raise UnknownPart(port, name, [e.name for e in entry_points(group=group)])
    try:
        part = found.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the {port} {name!r} is installed but cannot be loaded ({error}); reinstall it"
        ) from error
    try:
        return part(**options)
    except TypeError as error:
        section = _SECTIONS.get(port, port)
        raise ConfigError(f"[{section}] does not suit {name!r}: {error}") from error


def _ours(group: str, name: str) -> EntryPoint | None:
    # Asking one distribution is a hundred times faster than asking all that are installed.
    try:
        mine = distribution("kbsupport").entry_points
    except PackageNotFoundError:
        return None
    return next((e for e in mine if e.group == group and e.name == name), None)


def _anyones(group: str, name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=group, name=name)), None)
