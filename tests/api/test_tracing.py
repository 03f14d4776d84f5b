from threading import Event
from time import monotonic

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from kbsupport import tracing
from kbsupport.api.web import create
from kbsupport.errors import ConfigError
from kbsupport.intake import Incoming

ASK = "how do i reset the password of jane@home.example"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def told(proven_app):
    """What is traced of this app; read it when its doors are closed."""
    memory = InMemorySpanExporter()
    proven_app.lobby.traces = tracing.Traces(memory)
    return memory


def named(memory):
    return {span.name: span for span in memory.get_finished_spans()}


def test_a_request_is_one_span_with_its_decision_and_its_steps_inside(told, proven_app, key_for):
    header = key_for("customer") | {"X-Request-Id": "r-1"}
    with TestClient(create(proven_app)) as client:
        asked = header | {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        reply = client.post("/v1/ask", json={"text": ASK}, headers=asked).json()
        client.get("/v1/tickets/jane@home.example", headers=header)
        client.get("/nothing/jane@home.example")
    spans = named(told)
    request, decision = spans["POST /v1/ask"], spans["decide"]
    assert f"{request.context.trace_id:032x}" == TRACE
    assert (f"{request.parent.span_id:016x}", request.kind) == (PARENT, SpanKind.SERVER)
    assert dict(request.attributes) == {
        "http.request.method": "POST", "http.route": "/v1/ask", "http.response.status_code": 200,
        "kbsupport.request_id": "r-1",
    }  # fmt: skip
    assert decision.parent.span_id == request.context.span_id
    assert decision.attributes["kbsupport.decision_id"] == reply["decision_id"]
    assert decision.attributes["kbsupport.outcome"] == reply["outcome"]
    for step in ("think", "write", "store"):
        assert spans[step].parent.span_id == decision.context.span_id
        took = (spans[step].end_time - spans[step].start_time) / 1e6
        assert took == pytest.approx(reply["timings_ms"][step], abs=0.01)
    assert spans["GET /v1/tickets/{ticket_id}"].parent is None
    assert spans["GET"].attributes["http.response.status_code"] == 404
    written = "".join(span.to_json() for span in told.get_finished_spans())
    assert not any(one in written for one in ("jane", "C-1", "kbs_", "password"))


def test_a_decision_made_behind_the_doors_is_a_trace_of_its_own(told, proven_app):
    proven_app.lobby.intake.receive(Incoming(ASK, channel="chat", customer_id="C-1"))
    proven_app.lobby.work.until_done()
    proven_app.lobby.fall_silent()
    decision = named(told)["decide"]
    assert decision.parent is None
    assert decision.attributes["kbsupport.channel"] == "chat"
    assert decision.resource.attributes["service.name"] == "kbsupport"


def test_what_fails_here_is_an_error_and_keeps_its_words_to_itself(
    told, proven_app, key_for, monkeypatch
):
    def fails(*_, **__):
        raise ZeroDivisionError("jane@home.example")

    monkeypatch.setattr(proven_app, "ask", fails)
    with TestClient(create(proven_app), raise_server_exceptions=False) as client:
        client.post("/v1/ask", json={"text": ASK}, headers=key_for("customer"))
    (span,) = told.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "jane" not in span.to_json()


def test_nothing_is_traced_unless_it_is_set(proven_app):
    assert proven_app.lobby.traces is None


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, r"pip install 'kbsupport\[otel\]'"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "no exporter 'zipkin' is installed"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "no exporter 'otlp_proto_http'"),
    ],
)
def test_an_exporter_that_is_not_installed_is_named(variables, words, monkeypatch, make_app):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tracing, "entry_points", lambda **_: ())
    with pytest.raises(ConfigError, match=words):
        _ = make_app(serve={"traces": True}).lobby.traces


def test_a_collector_that_does_not_answer_keeps_nobody_from_ending(monkeypatch, proven_app):
    monkeypatch.setattr(tracing, "_LAST_WISH", 0.1)
    over = Event()

    class Deaf(InMemorySpanExporter):
        def export(self, spans):
            over.wait(10)

        def shutdown(self):
            over.set()

    traces = tracing.Traces(Deaf())
    traces.decided(proven_app.ask(ASK, open_ticket=False), "api")
    begun = monotonic()
    traces.close()
    assert monotonic() - begun < 5
