"""Logs as JSON lines: what was asked for and how it ended, never what anybody wrote."""

from __future__ import annotations

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from typing import Any

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
ACCESS = logging.getLogger("kbsupport.access")


class JsonLines(logging.Formatter):
    """One object a line: time, level, name, text, and whatever the caller added."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "name": record.name,
            "text": record.getMessage(),
        }
        said |= {name: value for name, value in vars(record).items() if name not in _KNOWN}
        if record.exc_info and record.exc_info[0] is not None:
            # Not the words of the exception: they may quote whatever it choked on.
            said["trace"] = _places(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)


def to_stderr(*, access: bool) -> None:
    """Write everything that is logged to stderr, a line each, and what ends a thread unforeseen."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(JsonLines())
    for name in ("", "kbsupport", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [out], False
        logger.setLevel(logging.INFO if name == "kbsupport" else logging.WARNING)
    ACCESS.setLevel(logging.INFO if access else logging.WARNING)
    sys.excepthook = _fell
    threading.excepthook = lambda one: _fell(one.exc_type, one.exc_value, one.exc_traceback)


def _fell(kind: type[BaseException], error: BaseException | None, trace: Any) -> None:
    told = (kind, error or kind(), trace)
    logging.getLogger("kbsupport").critical("ended by %s", kind.__name__, exc_info=told)


def _places(trouble: Any) -> list[str]:
    import traceback

    kind, _, trace = trouble
    frames = traceback.extract_tb(trace)
    return [kind.__name__, *(f"{f.filename}:{f.lineno} {f.name}" for f in frames)]
