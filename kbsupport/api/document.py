"""The OpenAPI document: what FastAPI finds, and what stands around every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from kbsupport.api.problems import ProblemOut

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fastapi import FastAPI

ABOUT = """Ask, hand over, look up. Send `Authorization: Bearer kbs_…`; make a key with
`kbsupport keys add`. Every POST takes an `Idempotency-Key`: sent twice, done once. What is
refused is answered as RFC 9457 says, with a request id to look for in the log."""

_ID = "Stands in the log beside the request; your own `X-Request-Id` if you sent one."
_COUNTED = "All workers together allow more: each counts its share."
# What answers say beside their body, as OpenAPI and as a browser of another origin may read it.
HEADERS: Mapping[str, Mapping[str, Any]] = {
    "X-Request-Id": {"description": _ID, "required": True, "schema": {"type": "string"}},
    "X-RateLimit-Limit": {
        "description": f"Calls that you may make at once. {_COUNTED}",
        "schema": {"type": "integer", "minimum": 1},
    },
    "X-RateLimit-Remaining": {
        "description": "How many of them are left.", "schema": {"type": "integer", "minimum": 0},
    },
    "X-RateLimit-Reset": {
        "description": "Seconds until all of them are there again.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Retry-After": {
        "description": "Seconds to wait before the same request.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Idempotent-Replay": {
        "description": "`true` where this was answered before: nothing was done again.",
        "schema": {"type": "string", "const": "true"},
    },
    "Location": {
        "description": "Where what was made is to be found.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
}  # fmt: skip
_RATE = tuple(name for name in HEADERS if name.startswith("X-RateLimit"))
_WAIT = frozenset({"409", "429", "503"})
_LOCATED = "/ReceivedOut"


def install(web: FastAPI) -> None:
    """Make the document once, when it is asked for."""

    def made() -> dict[str, Any]:
        if web.openapi_schema is None:
            web.openapi_schema = _made(web)
        return web.openapi_schema

    web.openapi = made  # type: ignore[method-assign]


def _made(web: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=web.title, version=web.version, description=ABOUT, routes=web.routes)
    about = "a key (kbs_…) or a customer's token (kbt_…)"
    shape = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = shape.pop("$defs", {})
    parts = found.setdefault("components", {})
    parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": about}}
    parts.setdefault("schemas", {}).update({"ProblemOut": shape, **inner})
    parts["headers"] = {name: dict(header) for name, header in HEADERS.items()}
    for operations in found["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                said = _headers(operation, status)
                response["headers"] = {**response.get("headers", {}), **dict(said)}
    return found


def _headers(operation: Mapping[str, Any], status: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an answer of this status says beside its body."""
    yield _named("X-Request-Id")
    # Whoever has no key has no calls.
    if "x-scope" in operation and status != "401":
        yield from (_named(name) for name in _RATE)
    if status in _WAIT:
        yield _named("Retry-After")
    sent = {one["name"] for one in operation.get("parameters", ())}
    if status.startswith("2") and "Idempotency-Key" in sent:
        yield _named("Idempotent-Replay")
    if status == "201" and _LOCATED in str(operation["responses"][status]["content"]):
        yield _named("Location")


def _named(name: str) -> tuple[str, dict[str, Any]]:
    return name, {"$ref": f"#/components/headers/{name}"}
