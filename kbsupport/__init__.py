"""kbsupport answers a support question from your help articles, or hands it to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kbsupport.model import (
    Answer,
    Article,
    Audience,
    Changes,
    Citation,
    Customer,
    Evidence,
    Outcome,
    Passage,
    Question,
    Reason,
    Reply,
    Signals,
    Verdict,
)

if TYPE_CHECKING:
    from kbsupport.app import App, open_app

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "App",
    "Article",
    "Audience",
    "Changes",
    "Citation",
    "Customer",
    "Evidence",
    "Outcome",
    "Passage",
    "Question",
    "Reason",
    "Reply",
    "Signals",
    "Verdict",
    "open_app",
]


def __getattr__(name: str) -> Any:
    # Importing the nouns is free; choosing the parts is not, so it waits until somebody asks.
    if name in {"App", "open_app"}:
        from kbsupport import app

        return getattr(app, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
