"""Fit a judge to labels, pulled towards one that knows other knowledge bases.

Few labels say little, so every weight starts at the prior judge's and moves as far as the labels
pull it (a logistic regression with a Gaussian prior at another judge's weights, which scikit-learn
does not offer).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kbsupport.model import CHANNELS, Channels, Evidence, Found, Signals
from kbsupport.triage.judge import Judge, Term, centred, features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# benchmarks/judge.py says what these give; each is flat between half and double.
_PULL, _PULL_OF_FEW = 4.0, 2_400.0
_PULL_OF_RECORDS = 1.0
_PULL_OF_RANKING = 0.5
_LOOSE_BIAS = 0.1
# About the spread of each channel, so that one pull suits all.
_SPREAD = np.array([0.2 if name == "recall" else 0.15 for name in CHANNELS])
_FOLDS = 5
_UNPROVEN_RISK = 0.05
_NEVER = 0.9999
# About the spread of a signal that few messages raise.
_RARE = 0.2


@dataclass(frozen=True, slots=True)
class Ranked:
    """The articles found for a question, as rows of channels, and which of them are right."""

    channels: Floats
    right: NDArray[np.bool_]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Example:
    """One label as the judge meets it: evidence of the best article, and whether that is right."""

    evidence: Evidence
    signals: Signals
    article: str | None
    right: bool
    weight: float = 1.0


def ranked(found: Found, accepts: Callable[[str], bool], weight: float = 1.0) -> Ranked | None:
    """What a ranking can learn from one label; None if no right article was found."""
    right = np.array([accepts(match.article_id) for match in found.matches], np.bool_)
    if not right.any() or right.all():
        return None
    channels = np.array([match.channels.values() for match in found.matches])
    return Ranked(channels, right, weight)


def fit_ranking(
    examples: Sequence[Ranked], start: Channels, pull: float = _PULL_OF_RANKING
) -> Channels:
    """Weights that put right articles first: the likelihood of the right one among all found."""
    before = np.array(start.values()) * _SPREAD
    scaled = [(one.channels / _SPREAD, one.right, one.weight) for one in examples]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = 0.0, np.zeros_like(weights)
        for rows, right, weight in scaled:
            odds = rows @ weights
            shares = np.exp(odds - odds.max())
            shares /= shares.sum()
            ours = shares * right
            mass = max(float(ours.sum()), 1e-12)
            total -= weight * np.log(mass)
            slope -= weight * ((ours / mass - shares) @ rows)
        moved = weights - before
        return total + pull * float(moved @ moved), slope + 2 * pull * moved

    # More of any kind of evidence never ranks lower.
    found = _minimise(loss, np.maximum(before, 0.0), bounds=[(0.0, None)] * len(before))
    return Channels(*(round(float(value), 6) for value in found / _SPREAD))


def fit_judge(examples: Sequence[Example], start: Judge, pull: float | None = None) -> Judge:
    """The judge moved from `start` as far as the examples pull it."""
    pull = max(_PULL, _PULL_OF_FEW / max(len(examples), 1)) if pull is None else pull
    names = list(start.terms)
    rows = np.array([_row(example, start) for example in examples]).reshape(-1, len(names))
    articles = sorted({e.article for e in examples if e.article is not None})
    place = {article: number for number, article in enumerate(articles)}
    marks = np.zeros((len(rows), len(articles)))
    for number, example in enumerate(examples):
        if example.article is not None:
            marks[number, place[example.article]] = 1.0
    before = np.array([*(start.terms[n].weight for n in names), *[0.0] * len(articles), start.bias])
    pulls = np.array(
        [*[pull] * len(names), *[_PULL_OF_RECORDS] * len(articles), pull * _LOOSE_BIAS]
    )
    right = np.array([example.right for example in examples], np.bool_)
    weights = np.array([example.weight for example in examples])
    design = np.hstack([rows, marks, np.ones((len(rows), 1))])
    found = [round(float(v), 6) for v in _logistic(design, right, weights, before, pulls)]
    terms = {n: replace(start.terms[n], weight=w) for n, w in zip(names, found, strict=False)}
    records = dict(zip(articles, found[len(names) :], strict=False))
    return replace(start, name="fitted", terms=terms, bias=found[-1], records=records)


def cross_fitted(examples: Sequence[Example], start: Judge) -> list[float]:
    """The probability of each example by a judge that never saw it."""
    given = [0.0] * len(examples)
    for fold in range(min(_FOLDS, len(examples))):
        rest = [e for number, e in enumerate(examples) if number % _FOLDS != fold]
        judge = fit_judge(rest, start)
        for number in range(fold, len(examples), _FOLDS):
            given[number] = spoken(judge, examples[number])
    return given


def careful_threshold(scores: Sequence[float], right: Sequence[bool], least: float) -> float:
    """From where a judge may resolve though nothing is proven, never below `least`.

    The loosest at which one error more than was seen would still be one in twenty.
    """
    order = sorted(zip(scores, right, strict=True), key=lambda pair: -pair[0])
    wrong, found = 0, _NEVER
    for number, (score, ok) in enumerate(order, 1):
        wrong += not ok
        tied = number < len(order) and order[number][0] == score
        if not tied and wrong + 1 <= _UNPROVEN_RISK * (number + 1):
            found = score
    return round(max(found, least), 6)


def spoken(judge: Judge, example: Example) -> float:
    """What this judge says of an example, with its own record of the article."""
    record = judge.records.get(example.article or "", 0.0)
    return judge.probability(replace(example.evidence, record=record), example.signals)


def fit_prior(
    examples: Sequence[Example], ranking: Channels, *, only: Sequence[str], pull: float, name: str
) -> Judge:
    """A judge from nothing: features outside `only` are known to it and weigh nothing yet."""
    given = [features(example.evidence, example.signals) for example in examples]
    terms: dict[str, Term] = {}
    for feature in given[0]:
        values = np.array([row[feature] for row in given])
        used = feature in only
        mean, scale = (float(values.mean()), float(values.std()) + 1e-6) if used else (0.0, _RARE)
        terms[feature] = Term(round(mean, 6), round(scale, 6), 0.0)
    start = Judge(name, ranking, terms, 0.0, 1.0)
    fitted = fit_judge([replace(example, article=None) for example in examples], start, pull)
    kept = {n: t if n in only else replace(t, weight=0.0) for n, t in fitted.terms.items()}
    return replace(fitted, name=name, terms=kept)


def _row(example: Example, judge: Judge) -> list[float]:
    given = features(example.evidence, example.signals)
    return [centred(given[name], term) for name, term in judge.terms.items()]


def _logistic(
    design: Floats, right: NDArray[np.bool_], weights: Floats, before: Floats, pulls: Floats
) -> Floats:
    signs = np.where(right, 1.0, -1.0)

    def loss(found: Floats) -> tuple[float, Floats]:
        margins = signs * (design @ found)
        wrongness = weights * signs * np.exp(-np.logaddexp(0, margins))
        moved = found - before
        total = float(weights @ np.logaddexp(0, -margins)) + float(pulls @ moved**2) / 2
        return total, pulls * moved - wrongness @ design

    return _minimise(loss, before)


def _minimise(loss: Any, start: Floats, bounds: Any = None) -> Floats:
    from scipy.optimize import minimize

    done = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2_000}
    )
    found: Floats = done.x
    return found
