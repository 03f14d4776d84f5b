"""Answers of routes, written without a second look: their shapes are tested, not checked again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import Response

if TYPE_CHECKING:
    from kbsupport.model import Caller, Reply

_JSON = "application/json"
_FAILED = "a part of ours failed; people have to look"


def as_json(found: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON as the command line writes it."""
    return said(to_text(found), status, headers)


def to_text(found: Any) -> str:
    """The same as a text that may be kept."""
    return json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def said(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """A text that is JSON; what cannot be text any more is shown as such."""
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, _JSON)


def decision_for(caller: Caller, reply: Reply) -> dict[str, Any]:
    """A decision as this caller may read it: what failed inside is for staff and the log."""
    shown = reply.to_dict()
    if caller.staff:
        return shown
    shown["notices"] = []
    if reply.error is not None:
        shown["error"] = shown["evidence"]["rule"] = _FAILED
    return shown
