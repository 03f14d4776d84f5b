"""What Prometheus reads."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from kbsupport.api.gauges import Gauges
from kbsupport.api.guarding import GuardedRoute, house_of, needs
from kbsupport.api.problems import documented
from kbsupport.model import READERS, Scope

router = APIRouter(
    tags=["health"], route_class=GuardedRoute, responses=documented(401, 403, 429, 500, 503)
)
_KIND = "text/plain; version=0.0.4; charset=utf-8"


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {_KIND: {"schema": {"type": "string"}}}}},
)
@needs(Scope.METRICS, READERS)
def read_meters(request: Request) -> Response:
    """Counts and gauges of all workers, as Prometheus reads them."""
    app = house_of(request).app
    app.lobby.meters.systems(app.lobby.breakers())
    return Response(app.lobby.meters.page(Gauges(app)), media_type=_KIND)
