"""JSON as it should have been sent: one meaning for everybody, or none."""

from __future__ import annotations

import json
from typing import Any

from kbsupport.api.problems import Problem

DEEPEST = 64
_KINDS = frozenset({"application/json"})


def parse(body: bytes) -> Any:
    """What the bytes say; NaN, a name given twice, or depth beyond reason is a Problem."""
    try:
        text = body.decode("utf-8")
        found = json.loads(text, parse_constant=_no_number, object_pairs_hook=_object)
    except UnicodeDecodeError:
        raise Problem(400, "the body is not UTF-8") from None
    except RecursionError:
        raise Problem(400, _TOO_DEEP) from None
    except ValueError as error:
        raise Problem(400, f"the body is not JSON: {_reason(error)}") from None
    if _deeper(found, DEEPEST):
        raise Problem(400, _TOO_DEEP)
    return found


def check_kind(content_type: str | None, encoding: str | None) -> None:
    """Refuse a body that is not plain JSON before it is read."""
    if encoding not in {None, "", "identity"}:
        raise Problem(415, "bodies are taken as they are, without an encoding")
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind not in _KINDS:
        raise Problem(415, "the body has to be application/json")


_TOO_DEEP = f"the body nests deeper than {DEEPEST}"


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    return str(error)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name comes twice in one object")
    return made


def _deeper(found: Any, most: int) -> bool:
    level = [found]
    for _ in range(most):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return any(isinstance(one, dict | list) for one in level)
