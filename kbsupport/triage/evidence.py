"""Evidence: numbers one can read about how well what was found fits the question; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from kbsupport.model import CHANNELS, Channels, Evidence, Found, Match

# Those that look at different things; an article that all of them put first has no rival.
_RANKINGS = ("vector_best", "vector_about", "terms", "recall", "seen_best")


def weigh(found: Found, records: Mapping[str, float]) -> Evidence:
    """The evidence of one search; `records` is what labels have shown of articles."""
    if not found.matches:
        return Evidence(unanswered=found.unanswered)
    best = found.matches[0]
    by_terms = _ranked(found.matches, "terms")
    by_vectors = _ranked(found.matches, "vector_best")
    spoken = by_terms[0].channels.terms > 0
    shares = _shares([match.score for match in found.matches])
    coverage = found.coverage
    return Evidence(
        best_by_terms=by_terms[0].article_id if spoken else None,
        second_by_terms=_second(by_terms) if spoken else None,
        best_by_vectors=by_vectors[0].article_id,
        second_by_vectors=_second(by_vectors),
        rankings_agree=spoken and by_terms[0] is by_vectors[0],
        agreement=sum(_ranked(found.matches, name)[0] is best for name in _RANKINGS),
        score=best.score,
        lead=round(best.score - (found.matches[1].score if len(found.matches) > 1 else 0.0), 6),
        first_share=shares[0],
        second_share=shares[1] if len(shares) > 1 else 0.0,
        crowd=round(sum(match.score for match in found.matches) / len(found.matches), 6),
        channels=best.channels,
        leads=_leads(best, found.matches[1:]),
        unanswered=found.unanswered,
        words=coverage.words,
        words_covered=coverage.held,
        words_unknown=coverage.unknown,
        coverage=round(coverage.share, 6),
        record=records.get(best.article_id, 0.0),
    )


def _ranked(matches: tuple[Match, ...], channel: str) -> list[Match]:
    return sorted(matches, key=lambda match: -getattr(match.channels, channel))


def _second(ranked: list[Match]) -> str | None:
    return ranked[1].article_id if len(ranked) > 1 else None


def _shares(scores: list[float]) -> list[float]:
    weights = [math.exp(score - scores[0]) for score in scores]
    total = sum(weights)
    return [round(weight / total, 6) for weight in weights]


def _leads(best: Match, others: tuple[Match, ...]) -> Channels:
    leads = {}
    for name in CHANNELS:
        rival = max((getattr(match.channels, name) for match in others), default=0.0)
        leads[name] = round(getattr(best.channels, name) - rival, 6)
    return Channels(**leads)
