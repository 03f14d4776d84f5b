"""Every router there is."""

from __future__ import annotations

from fastapi import APIRouter

from kbsupport.api.routes import (
    articles,
    chat,
    conversations,
    customers,
    decisions,
    docs,
    escalations,
    events,
    figures,
    graphql,
    health,
    hooks,
    keys,
    meters,
    openai,
    questions,
    tickets,
    webhooks,
)


def all_routers() -> tuple[APIRouter, ...]:
    """The routes of the whole API."""
    return (
        health.router, questions.router, tickets.router, conversations.router,
        escalations.router, customers.router, articles.router, decisions.router, figures.router,
        keys.router, events.router, webhooks.router, hooks.router, meters.router, chat.router,
        chat.pages,
        openai.router, docs.router, *graphql.routers(),
    )  # fmt: skip
