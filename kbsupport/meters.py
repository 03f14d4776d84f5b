"""Counts of what happens: each process counts for itself, and whoever looks adds them up."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kbsupport.model import Reply

# The folder in which several processes of one home keep their counts; unset, one is alone.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Meters:
    """The counters of one process."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._own = CollectorRegistry()
        self._interactions = Counter(
            "customer_interactions", "Messages of customers that were decided",
            ["channel", "intent", "resolution_type"], registry=self._own,
        )  # fmt: skip
        self._decisions = Counter(
            "kbsupport_decisions", "Decisions, by what was done and why",
            ["outcome", "reason", "tier"], registry=self._own,
        )  # fmt: skip
        self._took = Histogram(
            "response_time_seconds", "Deciding one message, from its reading to its reply",
            ["channel"], buckets=_SECONDS, registry=self._own,
        )  # fmt: skip
        self._requests = Histogram(
            "kbsupport_http_request_seconds", "Answering one request",
            ["route", "method", "status"], buckets=_SECONDS, registry=self._own,
        )  # fmt: skip

        self._breakers = Gauge(
            "kbsupport_breaker_open", "1 while another system is left alone", ["system"],
            registry=self._own, multiprocess_mode="livemax",
        )  # fmt: skip

    def systems(self, left_alone: Mapping[str, bool]) -> None:
        """Which systems behind this one are left alone by this process."""
        for name, is_open in left_alone.items():
            self._breakers.labels(name).set(is_open)

    def decided(self, reply: Reply, channel: str) -> None:
        """One message was decided."""
        outcome = str(reply.verdict.outcome)
        intent = str(reply.signals.intent or "unknown")
        self._interactions.labels(channel, intent, outcome).inc()
        self._decisions.labels(outcome, str(reply.verdict.reason), reply.customer.tier).inc()
        self._took.labels(channel).observe(reply.timings_ms.get("total", 0.0) / 1000)

    def requested(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(route, method, str(status)).observe(seconds)

    def page(self, *also: Any) -> bytes:
        """All counts of all processes, and what these collectors find, as Prometheus reads them."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        counts = self._own
        if os.environ.get(FOLDER):
            _forget_the_dead(Path(os.environ[FOLDER]))
            counts = CollectorRegistry()
            MultiProcessCollector(counts)  # type: ignore[no-untyped-call]
        looked = CollectorRegistry()
        for one in also:
            looked.register(one)
        return bytes(generate_latest(counts)) + bytes(generate_latest(looked))


def _forget_the_dead(folder: Path) -> None:
    """What a process that is gone found last is no longer so; what it counted still counts."""
    from prometheus_client.multiprocess import mark_process_dead

    for path in folder.glob("gauge_live*.db"):
        pid = path.stem.rpartition("_")[2]
        if not Path(f"/proc/{pid}").exists():
            # Another may look at the same moment.
            with suppress(FileNotFoundError):
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
