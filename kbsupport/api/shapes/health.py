"""How a worker feels, on the wire."""

from __future__ import annotations

from typing import Literal

from kbsupport.api.shapes.base import Shown


class HealthOut(Shown):
    """It lives."""

    status: Literal["ok"]


class ReadyOut(Shown):
    """What works: `degraded` answers, but not as well as it should."""

    status: Literal["ready", "degraded", "unready"]
    components: dict[str, str]
    oldest_waiting_seconds: float | None
