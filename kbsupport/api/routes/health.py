"""Whether this process lives, and whether it can do its work."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from kbsupport.api.guarding import GuardedRoute, house_of, open_to_all
from kbsupport.api.problems import documented
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.health import HealthOut, ReadyOut

router = APIRouter(tags=["health"], route_class=GuardedRoute, responses=documented(429, 500, 503))


@router.get("/healthz", response_model=HealthOut)
@open_to_all()
async def alive() -> Response:
    """This process answers, however busy its threads are."""
    return as_json({"status": "ok"})


@router.get("/readyz", response_model=ReadyOut, responses={503: {"model": ReadyOut}})
@open_to_all()
def ready(request: Request) -> Response:
    """What works and what does not; 503 while no message can be taken."""
    found = house_of(request).readiness()
    return as_json(found.to_dict(), 200 if found.ready else 503)
