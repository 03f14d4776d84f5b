"""Answers of routes, written without a second look: their shapes are tested, not checked again."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Response

_JSON = "application/json"


def as_json(found: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON as the command line writes it; what cannot be text any more is shown as such."""
    text = json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, _JSON)
