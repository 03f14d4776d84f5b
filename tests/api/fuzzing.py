"""Requests that the OpenAPI document allows and forbids, made up by schemathesis."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

PHASES = ("examples", "coverage", "fuzzing", "stateful")
# A document cannot say that two fields do not go together, nor that an id has to be known; what
# is refused for that reason was made up well. Requests that are made up badly may fit by chance
# only where a header of the transport is one more field to them.
_LEFT_OUT = ("positive_data_acceptance",)


@dataclass
class Found:
    """How many requests were sent, what was answered, and what was wrong with it."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def fuzzed(
    web: Any,
    header: Mapping[str, str],
    *,
    phases: Collection[str] = PHASES,
    examples: int = 5,
    seed: int = 1,
    without: Collection[str] = (),
) -> Found:
    """Send what the document makes up to every operation, and hold the answers to it."""
    import schemathesis
    from schemathesis.config import SchemathesisConfig
    from schemathesis.engine import events, from_schema
    from schemathesis.python import asgi

    checks: dict[str, Any] = {name: {"enabled": False} for name in (*_LEFT_OUT, *without)}
    config = SchemathesisConfig.from_dict({
        "seed": seed,
        "headers": dict(header),
        "continue-on-failure": True,
        "checks": checks,
        "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
        "phases": {name: {"enabled": name in phases} for name in PHASES},
    })  # fmt: skip
    schema = schemathesis.openapi.from_asgi("/openapi.json", web, config=config)
    found = Found()
    try:
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                _note(found, event.recorder)
            elif isinstance(event, events.NonFatalError | events.FatalError):
                found.errors.append(_plain(event))
    finally:
        # It would keep the application open, and in memory, until Python ends.
        asgi.shutdown_lifespans()
    return found


def _note(found: Found, recorder: Any) -> None:
    for case_id, interaction in recorder.interactions.items():
        found.requests += 1
        if interaction.response is not None:
            found.statuses[interaction.response.status_code] += 1
        for check in recorder.checks.get(case_id, ()):
            if check.failure_info is None:
                continue
            failure = check.failure_info.failure
            case = recorder.cases[case_id].value
            key = f"{check.name}: {case.operation.label}: {failure.title}"
            found.failures[key] += 1
            request = interaction.request
            found.examples.setdefault(
                key, f"{request.method} {request.uri} {request.body!r:.300} -> {failure.message}"
            )


def _plain(event: Any) -> str:
    info = getattr(event, "info", None)
    told = info.format() if info is not None else repr(event.exception)
    return f"{getattr(event, 'label', '')}: {told}"
