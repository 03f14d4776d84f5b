"""The nouns of the house: frozen values that flow from room to room."""

from kbsupport.model.articles import (
    Article,
    Audience,
    Changes,
    Chunk,
    ChunkKind,
    Failure,
    Filter,
    Section,
)
from kbsupport.model.decisions import (
    Answer,
    Brief,
    Citation,
    Evidence,
    Intent,
    Outcome,
    Reason,
    Reply,
    Signals,
    Verdict,
)
from kbsupport.model.questions import (
    Coverage,
    Customer,
    Found,
    Match,
    Passage,
    Question,
)

__all__ = [
    "Answer",
    "Article",
    "Audience",
    "Brief",
    "Changes",
    "Chunk",
    "ChunkKind",
    "Citation",
    "Coverage",
    "Customer",
    "Evidence",
    "Failure",
    "Filter",
    "Found",
    "Intent",
    "Match",
    "Outcome",
    "Passage",
    "Question",
    "Reason",
    "Reply",
    "Section",
    "Signals",
    "Verdict",
]
