"""Every router there is."""

from __future__ import annotations

from fastapi import APIRouter

from kbsupport.api.routes import health, questions


def all_routers() -> tuple[APIRouter, ...]:
    """The routes of the whole API."""
    return (health.router, questions.router)
