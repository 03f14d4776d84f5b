"""Every router there is."""

from __future__ import annotations

from fastapi import APIRouter

from kbsupport.api.routes import (
    articles,
    chat,
    conversations,
    customers,
    decisions,
    escalations,
    figures,
    health,
    keys,
    meters,
    questions,
    tickets,
)


def all_routers() -> tuple[APIRouter, ...]:
    """The routes of the whole API."""
    return (
        health.router, questions.router, tickets.router, conversations.router,
        escalations.router, customers.router, articles.router, decisions.router, figures.router,
        keys.router, meters.router, chat.router, chat.pages,
    )  # fmt: skip
