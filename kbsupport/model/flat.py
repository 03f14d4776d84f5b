"""What a noun of plain fields can do."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any, cast


class Flat:
    """Base of nouns whose fields are all there is to print."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as the contract has them."""
        # Not asdict(): its deep copy of what is frozen anyway costs a question a millisecond.
        values = ((name, getattr(self, name)) for name in _names(cast("Any", type(self))))
        return {name: v.to_dict() if isinstance(v, Flat) else v for name, v in values}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
