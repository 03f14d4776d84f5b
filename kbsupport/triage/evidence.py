"""Evidence: numbers one can read about how well what was found fits the question; pure."""

from __future__ import annotations

from collections.abc import Callable

from kbsupport.model import Evidence, Found, Match


def weigh(found: Found) -> Evidence:
    """The evidence of one search."""
    if not found.matches:
        return Evidence()
    by_terms, term_margin = _first(found.matches, lambda match: match.term_score)
    by_vectors, vector_margin = _first(found.matches, lambda match: match.vector_score)
    return Evidence(
        best_by_terms=by_terms.article_id if by_terms.term_score > 0 else None,
        best_by_vectors=by_vectors.article_id,
        rankings_agree=by_terms.article_id == by_vectors.article_id and by_terms.term_score > 0,
        term_score=by_terms.term_score,
        term_margin=term_margin,
        vector_score=by_vectors.vector_score,
        vector_margin=vector_margin,
        words=found.coverage.words,
        words_covered=found.coverage.held,
        words_unknown=found.coverage.unknown,
        coverage=round(found.coverage.share, 6),
    )


def _first(matches: tuple[Match, ...], score: Callable[[Match], float]) -> tuple[Match, float]:
    """The match with the best score, and how far it leads the next."""
    ranked = sorted(matches, key=score, reverse=True)
    lead = score(ranked[0]) - score(ranked[1]) if len(ranked) > 1 else score(ranked[0])
    return ranked[0], round(lead, 6)
