"""The page /docs: the OpenAPI document for people, with nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import Response

from kbsupport.api.guarding import door, open_to_all

router = door("docs", prefix="")

# No picture but the empty one that keeps a browser from asking for /favicon.ico.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@router.get("/docs", response_class=Response, include_in_schema=False)
@open_to_all()
def page() -> Response:
    """Every operation of the document, by group."""
    headers = {"Content-Security-Policy": _POLICY}
    return Response(_file("page.html"), headers=headers, media_type="text/html")


@router.get("/docs.js", response_class=Response, include_in_schema=False)
@open_to_all()
def script() -> Response:
    """What the page does."""
    return Response(_file("docs.js"), media_type="text/javascript")


@router.get("/docs.css", response_class=Response, include_in_schema=False)
@open_to_all()
def style() -> Response:
    """How the page looks."""
    return Response(_file("docs.css"), media_type="text/css")


@cache
def _file(name: str) -> bytes:
    return files("kbsupport.api").joinpath("docs", name).read_bytes()
