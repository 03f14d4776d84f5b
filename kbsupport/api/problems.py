"""What went wrong, as RFC 9457 says it: never the words of an error, always a request id."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from kbsupport.errors import (
    ConfigError,
    Conflict,
    IndexOutdated,
    KbSupportError,
    NotAllowed,
    NotFit,
    NotFound,
    NotIndexed,
    StoreError,
    UpstreamError,
)

KIND = "application/problem+json"
_LOG = logging.getLogger("kbsupport.api")
# The nearest ancestor counts; errors know nothing of HTTP, and this is the one place that does.
_STATUS: Mapping[type[KbSupportError], tuple[int, str]] = {
    NotFound: (404, "there is nothing of that id here, or nothing that you may see"),
    Conflict: (409, "somebody was faster, or this does not fit how things stand; look again"),
    NotAllowed: (403, "this may not be done by this key, or not now"),
    NotFit: (422, "it should not be sent as it is: revise it, or insist"),
    NotIndexed: (503, "there is no index to ask yet"),
    IndexOutdated: (503, "the index has to be built again"),
    StoreError: (503, "nothing can be stored just now; try again"),
    UpstreamError: (502, "a system behind this one does not answer; try again"),
    ConfigError: (422, "what was asked for is not set up here"),
    KbSupportError: (500, "this could not be done; the log says why"),
}


class Fault(BaseModel):
    """One thing that is wrong with what was sent."""

    where: list[str | int] = Field(examples=[["body", "text"]])
    what: str = Field(examples=["Field required"])


class ProblemOut(BaseModel):
    """Why a request was not done."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is nothing of that id here, or nothing that you may see"])
    request_id: str = Field(examples=["5f0c6bd1e02a4f0e"])
    faults: list[Fault] = []


class Problem(Exception):
    """A request that is refused before anything is asked of the app."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What FastAPI says in the OpenAPI document of these refusals."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {KIND: {"schema": {
            "$ref": "#/components/schemas/ProblemOut"}}}}
        for status in statuses
    }  # fmt: skip


def install(web: FastAPI) -> None:
    """Answer every failure with a problem."""
    web.add_exception_handler(Problem, _refused)
    web.add_exception_handler(KbSupportError, _failed)
    web.add_exception_handler(RequestValidationError, _invalid)
    web.add_exception_handler(HTTPException, _http)


def answer(
    request_id: str,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    faults: Sequence[Mapping[str, Any]] = (),
) -> Response:
    """A problem as a response."""
    said = {
        "type": "about:blank", "title": HTTPStatus(status).phrase, "status": status,
        "detail": detail, "request_id": request_id, "faults": list(faults),
    }  # fmt: skip
    held = {name: value for name, value in (headers or {}).items() if name.isascii()}
    return Response(json.dumps(said), status, held, KIND)


def id_of(request: Request) -> str:
    """The request's id, as the outermost layer gave it."""
    found: str = request.scope.get("kbsupport.request_id", "")
    return found


def promise(request: Request, headers: Mapping[str, str]) -> None:
    """Headers for whatever will be answered; what is answered may say others of these names."""
    request.scope.setdefault("kbsupport.headers", {}).update(headers)


def unforeseen(request_id: str, error: Exception) -> Response:
    """What nobody thought of, noted in the log by the id that is answered."""
    _LOG.error("request %s failed: %s", request_id, type(error).__name__, exc_info=error)
    return answer(request_id, 500, _STATUS[KbSupportError][1])


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(id_of(request), error.status, error.detail, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, KbSupportError)
    status, detail = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("request %s: %s", id_of(request), " ".join(str(error).split()))
    headers = {"Retry-After": "2"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    if isinstance(error, NotFit):
        detail = str(error).replace("--anyway", '"anyway": true')
    return answer(id_of(request), status, detail, headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"where": [_plain(part) for part in one["loc"]], "what": one["msg"]}
        for one in error.errors()
    ]
    detail = "what was sent does not fit; faults say where"
    return answer(id_of(request), HTTPStatus.UNPROCESSABLE_ENTITY, detail, faults=faults)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "")
    return answer(id_of(request), status, status.description or status.phrase, headers)


def _allowed(request: Request) -> str:
    """The methods of all routes of a path; whoever refuses knows only those of the first."""
    routes = request.app.state.routes
    fits = (route for route in routes if route.path_regex.match(request.url.path))
    return ", ".join(sorted({method for route in fits for method in route.methods}))


def _plain(part: str | int) -> str | int:
    return part if isinstance(part, int) else part.encode("utf-8", "replace").decode()[:100]
