"""Traces for OpenTelemetry: a span for each request and each decision, nothing of what was said."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from kbsupport.model import Reply

# How a request ended: its route as it is written, and its status.
Ended = Callable[[str | None, int], None]

_OURS = 500
_LAST_WISH = 2.0
_PARENT = frozenset({b"traceparent", b"tracestate"})


def exporter() -> Callable[[], SpanExporter]:
    """What sends spans away, as the variables of OpenTelemetry name it; gRPC if they do not."""
    name = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if name == "otlp":
        by_http = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").startswith("http")
        name = f"otlp_proto_{'http' if by_http else 'grpc'}"
    for found in entry_points(group="opentelemetry_traces_exporter", name=name):
        made: Callable[[], SpanExporter] = found.load()
        return made
    if name == "otlp_proto_grpc":
        raise MissingExtra("opentelemetry-exporter-otlp-proto-grpc", "otel")
    raise ConfigError(f"[serve] traces: no exporter {name!r} is installed; see docs/operations.md")


@contextmanager
def untraced(scope: Mapping[str, Any]) -> Iterator[Ended]:
    """A request of which nothing is told."""
    del scope
    yield lambda *_: None


class Traces:
    """Makes the spans of one process, and sends them in the background."""

    def __init__(self, sends: SpanExporter) -> None:
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        named = Resource({"service.name": "kbsupport"}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=named, shutdown_on_exit=False)
        self._sends = sends
        self._provider.add_span_processor(BatchSpanProcessor(sends))
        self._tracer = self._provider.get_tracer("kbsupport")

    @contextmanager
    def request(self, scope: Mapping[str, Any]) -> Iterator[Ended]:
        """The span of one request; whoever calls may name the trace that it belongs to."""
        from opentelemetry.trace import SpanKind, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        held = {n.decode(): v.decode("latin-1") for n, v in scope["headers"] if n in _PARENT}
        method = scope["method"]
        # The words of an exception may quote whatever it choked on.
        with self._tracer.start_as_current_span(
            method, TraceContextTextMapPropagator().extract(held), SpanKind.SERVER,
            {"http.request.method": method, "kbsupport.request_id": scope["kbsupport.request_id"]},
            record_exception=False, set_status_on_exception=False,
        ) as span:  # fmt: skip

            def ended(route: str | None, status: int) -> None:
                if route is not None:
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)
                span.set_attribute("http.response.status_code", status)
                if status >= _OURS:
                    span.set_status(StatusCode.ERROR)

            yield ended

    def decided(self, reply: Reply, channel: str) -> None:
        """A decision that has just been made, and its steps one after another."""
        from opentelemetry.trace import set_span_in_context

        took = {name: int(ms * 1e6) for name, ms in reply.timings_ms.items()}
        end = time.time_ns()
        at = end - took.pop("total", 0)
        about = {
            "kbsupport.decision_id": reply.decision_id, "kbsupport.channel": channel,
            "kbsupport.outcome": str(reply.verdict.outcome),
            "kbsupport.reason": str(reply.verdict.reason),
        }  # fmt: skip
        span = self._tracer.start_span("decide", attributes=about, start_time=at)
        for name, lasted in took.items():
            step = self._tracer.start_span(name, set_span_in_context(span), start_time=at)
            at += lasted
            step.end(at)
        span.end(end)

    def close(self) -> None:
        """Send what is left, but wait only so long for a collector that does not answer."""
        enough = threading.Timer(_LAST_WISH, self._sends.shutdown)
        enough.start()
        self._provider.shutdown()
        enough.cancel()
