"""What all that crosses the wire has in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LONGEST_QUESTION = 8000


def _storable(text: str) -> str:
    """Refuse what neither a database nor a reader can hold."""
    if "\0" in text:
        raise ValueError("a NUL sign cannot be kept")
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValueError("half a surrogate pair cannot be kept")
    return text


def _said(text: str) -> str:
    """Refuse what nobody could read."""
    if not text.strip():
        raise ValueError("there are no words in it")
    return text


# What `_storable` and `_said` refuse, for whoever reads the OpenAPI document.
_NO_NUL = {"pattern": r"^[^\u0000]*$"}
_SOME_WORD = {"pattern": r"^[^\u0000]*[^\u0000\s][^\u0000]*$"}

Text = Annotated[str, Field(json_schema_extra=dict(_NO_NUL)), AfterValidator(_storable)]
Words = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_QUESTION, json_schema_extra=dict(_NO_NUL)),
    AfterValidator(_storable),
]
Said = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_QUESTION, json_schema_extra=dict(_SOME_WORD)),
    AfterValidator(_storable),
    AfterValidator(_said),
]
Name = Annotated[
    str,
    Field(min_length=1, max_length=200, json_schema_extra=dict(_NO_NUL)),
    AfterValidator(_storable),
]


class Body(BaseModel):
    """What somebody sends: nothing that is not named here is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(BaseModel):
    """What they get."""

    model_config = ConfigDict(extra="allow")


class Page(BaseModel):
    """Some rows, and where the next ones begin."""

    items: list[Any]
    next_cursor: str | None = Field(
        default=None, description="Give it as `cursor` to read on; null at the end."
    )
