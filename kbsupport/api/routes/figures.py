"""Figures of a period, and the report of a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Query, Request, Response

from kbsupport.api.guarding import door, house_of, needs
from kbsupport.api.problems import Problem
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.figures import DailyAsked, DailyOut, FiguresAsked, FiguresOut, Format
from kbsupport.model import READERS, Scope

router = door("figures")

_DAYS = timedelta(days=28)
# The page brings its plots and its style along, and nothing else.
_PAGE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


@router.get("/metrics", response_model=FiguresOut)
@needs(Scope.METRICS, READERS)
def get_figures(request: Request, asked: Annotated[FiguresAsked, Query()]) -> Response:
    """Show what became of the cases of a period, by every definition, each with what it counts."""
    from kbsupport.figures.metrics import metrics_of

    app = house_of(request).app
    now = app.people.clock()
    end = asked.until or now
    begin = asked.since or end - _DAYS
    if begin >= end:
        raise Problem(422, "since is not before until")
    wanted = {
        "channel": asked.channel, "tier": asked.tier, "topic": asked.topic, "intent": asked.intent,
    }  # fmt: skip
    where = {name: tuple(some) for name, some in wanted.items() if some}
    found = metrics_of(
        app.database, begin, end, now, rota=app.people.rota().specialists, where=where,
        silence=timedelta(hours=asked.silence_hours),
    )  # fmt: skip
    return as_json(found.to_dict())


@router.get(
    "/reports/daily",
    response_model=DailyOut,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}},
                                 "text/markdown": {"schema": {"type": "string"}}}}},
)  # fmt: skip
@needs(Scope.METRICS, READERS)
def get_daily(request: Request, asked: Annotated[DailyAsked, Query()]) -> Response:
    """Show the report of a day as data, as a page or as Markdown."""
    from kbsupport.figures.daily import daily_of
    from kbsupport.figures.page import write_page
    from kbsupport.figures.wording import markdown

    app = house_of(request).app
    now = app.people.clock()
    found = daily_of(
        app.database, asked.day or now.date() - timedelta(days=1), now,
        rota=app.people.rota().specialists, silence=timedelta(hours=asked.silence_hours),
    )  # fmt: skip
    if asked.format is Format.HTML:
        return _text(write_page(found), "text/html", {"Content-Security-Policy": _PAGE})
    if asked.format is Format.MARKDOWN:
        return _text(markdown(found), "text/markdown", {})
    return as_json(found.to_dict())


def _text(text: str, kind: str, headers: dict[str, str]) -> Response:
    return Response(text.encode("utf-8", "backslashreplace"), 200, headers, kind)
