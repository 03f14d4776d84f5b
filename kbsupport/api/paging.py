"""Lists a page at a time: a cursor says where the next page begins, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from kbsupport.model import storable

T = TypeVar("T")

MOST = 100
_LONGEST = 800


class Paging(BaseModel):
    """Which rows are wanted of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: int = Field(default=20, ge=1, le=MOST, description="How many rows at most.")
    cursor: Annotated[
        str | None,
        Field(
            max_length=_LONGEST,
            pattern="^([0-9a-f]{2})+$",
            description="`next_cursor` of the page before.",
        ),
    ] = None

    @property
    def place(self) -> str:
        """Where the page begins, as `paged` wrote it; empty for the first."""
        return storable(bytes.fromhex(self.cursor or "").decode("utf-8", "replace"))

    @property
    def number(self) -> int | None:
        """The same where places are numbers; what is none begins before everything."""
        place = self.place
        if not place:
            return None
        return int(place) if place.isascii() and place.isdecimal() and len(place) <= _DIGITS else 0


# What a database can look up.
_DIGITS = 18


def paged(
    rows: Sequence[T], asked: Paging, place: Callable[[T], str | int], shown: Callable[[T], Any]
) -> dict[str, Any]:
    """A page of `limit` rows out of one more than that, which says whether there is a next."""
    kept = rows[: asked.limit]
    more = len(rows) > asked.limit
    following = str(place(kept[-1])).encode().hex() if more and kept else None
    return {"items": [shown(row) for row in kept], "next_cursor": following}


def sliced(rows: Sequence[T], asked: Paging, shown: Callable[[T], Any]) -> dict[str, Any]:
    """The same of rows that are all there: their cursor counts them."""
    begin = asked.number or 0
    numbered = list(enumerate(rows[begin : begin + asked.limit + 1], begin + 1))
    return paged(numbered, asked, lambda one: one[0], lambda one: shown(one[1]))
