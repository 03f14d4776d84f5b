"""Refusals as OpenAI's clients show them: a problem as everywhere, with their `error` beside it."""

from __future__ import annotations

import json

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from kbsupport.api.guarding import GuardedRoute, Route
from kbsupport.api.problems import Problem
from kbsupport.errors import KbSupportError

_SERVER = 500


class ChatRoute(GuardedRoute):
    """A guarded route that such clients call; all they print of a refusal is `error.message`."""

    def get_route_handler(self) -> Route:
        """The guarded one, with both forms in what it refuses."""
        inner = super().get_route_handler()

        async def spoken(request: Request) -> Response:
            try:
                return await inner(request)
            except (Problem, KbSupportError, RequestValidationError, HTTPException) as error:
                answers = request.app.exception_handlers
                answer = next(answers[kind] for kind in type(error).__mro__ if kind in answers)
                return _both(await answer(request, error))

        return spoken


def _both(refused: Response) -> Response:
    found = json.loads(bytes(refused.body))
    faults = [f"{'.'.join(map(str, one['where']))}: {one['what']}" for one in found["faults"]]
    theirs = {
        "message": "; ".join((found["detail"], *faults)), "param": None, "code": None,
        "type": "server_error" if refused.status_code >= _SERVER else "invalid_request_error",
    }  # fmt: skip
    refused.body = json.dumps(found | {"error": theirs}).encode()
    refused.headers["content-length"] = str(len(refused.body))
    return refused
