"""What went wrong, in words for an assistant: never the words of an error, nor a path."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from pydantic import ValidationError

from kbsupport.errors import (
    ConfigError,
    Conflict,
    IndexOutdated,
    KbSupportError,
    NotAllowed,
    NotFound,
    NotIndexed,
    StoreError,
    UpstreamError,
)

_LOG = logging.getLogger("kbsupport.mcp")
_MOST_FAULTS = 5
# Their mistake, or nobody's: no operator has to look.
_THEIRS = (NotFound, Conflict, NotAllowed)
# The nearest ancestor counts.
_SAID: Mapping[type[KbSupportError], str] = {
    NotFound: "there is nothing of that id here, or nothing that you may see",
    Conflict: "this does not fit how things stand: look again; a draft is kept only for whoever "
    "has claimed the escalation",
    NotAllowed: "you may not do this",
    NotIndexed: "there is no index to ask yet; the operator has to run: kbsupport index",
    IndexOutdated: "the index has to be built again; the operator has to run: kbsupport index",
    StoreError: "nothing can be read or kept just now; try again later",
    UpstreamError: "a system behind this one does not answer; try again later",
    ConfigError: "what was asked for is not set up here",
    KbSupportError: "this could not be done; the log says why",
}


def said(error: KbSupportError) -> str:
    """What the caller is told; the log has the rest."""
    level = logging.INFO if isinstance(error, _THEIRS) else logging.WARNING
    _LOG.log(level, "%s: %s", type(error).__name__, " ".join(str(error).split()))
    return next(_SAID[kind] for kind in type(error).__mro__ if kind in _SAID)


def faults(error: ValidationError) -> str:
    """Which arguments do not fit, and why; nothing of what was in them."""
    found = error.errors(include_url=False, include_input=False)
    told = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in found]
    return "; ".join(told[:_MOST_FAULTS])
