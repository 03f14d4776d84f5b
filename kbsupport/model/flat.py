"""What a noun of plain fields can do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast


class Flat:
    """Base of nouns whose fields are all there is to print."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as the contract has them."""
        return asdict(cast("Any", self))
