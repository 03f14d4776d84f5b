"""How often an escalation reaches the right topic: learnt on the first half, asked of the later.

Every weight was chosen by cross-validation within the first half of the bundled tickets by time;
the words of data/specialists.toml were written from the articles and that half. What each idea
gave there is in the notes, and only what ships is put to the later half.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.common import ROOT, write_result
from benchmarks.figures import figure, show
from benchmarks.trials import SAMPLE, calibrated, fresh, labels_of
from kbsupport.app import App
from kbsupport.desk.rota import read_rota
from kbsupport.desk.routing import Routed, nearest, route, spoken
from kbsupport.knowledge.chunks import split
from kbsupport.model import ChunkKind, Label, Outcome, Question

BAR = 0.90
FOLDS = 5
SURE = 0.8
STRICTNESS = (1.0, 10.0, 30.0)
TRIED = (
    "Tried within the first half and not shipped: a conditional logistic model that learns the "
    "weights of 25 signs (what each channel says of the articles found, nearest pieces and tickets, "
    "a model of sentence vectors, tier, product, earlier ticket of the conversation, kind of "
    "message). In five folds 0.762 without the hand-written words, 0.843 with them; learnt on what "
    "came before and asked of what came next, 0.742 and 0.774 of 124 tickets, where the two "
    "likeliest topics hold the right one in 0.879 and 0.911. None of it promises the bar, so the "
    "later half was not asked again. The topics lie close: of 17 pairs of first-half tickets with "
    "a cosine of 0.65 or more, 10 share theirs. What continues a conversation keeps its topic "
    "(9 of 9), as tickets do in the app."
)


@dataclass(frozen=True)
class Past:
    """What votes: vectors and topics of past tickets, and of the pieces of articles."""

    tickets: Any
    ticket_topics: tuple[str, ...]
    pieces: Any
    piece_topics: tuple[str, ...]

    @property
    def all(self) -> tuple[Any, tuple[str, ...]]:
        """Tickets and pieces together."""
        return np.vstack([self.tickets, self.pieces]), self.ticket_topics + self.piece_topics


def past_of(app: App, labels: Sequence[Label]) -> Past:
    """The past as a home knows it that learnt these labels."""
    pieces = [
        (chunk.words, article.topic)
        for article in app.articles()
        for chunk in split(article)
        if article.topic and chunk.kind is not ChunkKind.NAVIGATION
    ]
    return Past(
        app.embedder.embed([label.text for label in labels]),
        tuple(label.topic or "other" for label in labels),
        app.embedder.embed([words for words, _ in pieces]),
        tuple(topic for _, topic in pieces),
    )


def shipped(app: App, past: Past, words: Any, label: Label) -> Routed:
    """A ticket's topic as the desk routes it."""
    modelled = nearest(app.embedder.embed([label.text])[0], *past.all)
    return route(modelled, found(app, label), spoken(words, label.text))


def found(app: App, label: Label) -> list[tuple[str | None, float]]:
    """Topics and scores of the best articles."""
    matches = app.search(label.text, tier=label.tier).matches[:10]
    return [(match.topic, match.score) for match in matches]


def tried(app: App, past: Past, words: Any, labels: Sequence[Label]) -> dict[str, list[str | None]]:
    """The topic of each of these labels, by every idea."""
    vectors = app.embedder.embed([label.text for label in labels])
    ideas: dict[str, list[str | None]] = dict(fitted(past, vectors))
    for label, vector in zip(labels, vectors, strict=True):
        near, seen = nearest(vector, *past.all), found(app, label)
        said = spoken(words, label.text)
        by = {
            "votes of the articles found": route({}, seen),
            "nearest past tickets": route(nearest(vector, past.tickets, past.ticket_topics), []),
            "nearest past tickets and pieces of articles": route(near, []),
            "hand-written words alone": route({}, [], said),
            "nearest and votes": route(near, seen),
            "nearest, votes and words (ships)": route(near, seen, said),
        }
        for idea, routed in by.items():
            ideas.setdefault(idea, []).append(routed.topic)
    return ideas


def fitted(past: Past, vectors: Any) -> Iterator[tuple[str, list[str | None]]]:
    """Logistic models of sentence vectors, of past tickets alone and with pieces of articles."""
    from sklearn.linear_model import LogisticRegression

    sources = {
        "past tickets": (past.tickets, past.ticket_topics),
        "past tickets and pieces": past.all,
    }
    for name, (known, topics) in sources.items():
        for c in STRICTNESS:
            model = LogisticRegression(C=c, max_iter=2_000).fit(known, topics)
            yield f"logistic model of {name}, C {c:g}", list(model.predict(vectors))


def cross_validated(labels: Sequence[Label], words: Any) -> dict[str, float]:
    """The share of right topics by idea; every fold is asked of a home that learnt the others."""
    fold = np.random.default_rng(0).permutation(len(labels)) % FOLDS
    right: dict[str, int] = {}
    for k in range(FOLDS):
        taught = [label for label, of in zip(labels, fold, strict=True) if of != k]
        asked = [label for label, of in zip(labels, fold, strict=True) if of == k]
        with fresh(SAMPLE) as app:
            app.learn(taught)
            for idea, topics in tried(app, past_of(app, taught), words, asked).items():
                hits = sum(t == label.topic for t, label in zip(topics, asked, strict=True))
                right[idea] = right.get(idea, 0) + hits
    return {idea: hits / len(labels) for idea, hits in right.items()}


def escalated(app: App, label: Label) -> bool:
    """Say whether a person gets this ticket."""
    tier = label.tier or app.mind.rules.default_tier
    question = Question(label.text, tier=tier, language=label.language, product=label.product)
    verdict = app.mind.think(question, tier, (), asked_back=False).verdict
    return verdict.outcome is Outcome.ESCALATE


def main() -> None:
    """Measure, print and write."""
    labels = sorted(labels_of(SAMPLE, ""), key=lambda label: str(label.created_at))
    early, late = labels[: len(labels) // 2], labels[len(labels) // 2 :]
    words = read_rota(ROOT / "data" / "specialists.toml").words
    ideas = cross_validated(early, words)
    with fresh(SAMPLE) as app:
        calibrated(app, early, learn=True)
        past = past_of(app, early)
        routed = [shipped(app, past, words, label) for label in late]
        to_people = np.array([escalated(app, label) for label in late])
    right = np.array([r.topic == label.topic for r, label in zip(routed, late, strict=True)])
    sure = np.array([r.probability >= SURE for r in routed])
    figures = {
        "all": figure("right topic, all later tickets", right.mean(), "share", at_least=BAR),
        "escalated": figure(
            "right topic, later tickets that a person gets", right[to_people].mean(), "share",
            at_least=BAR,
        ),
        "sure": figure(f"right topic where the probability is {SURE:g} or more", right[sure].mean(), "share"),
        "sure_share": figure("the share of those among all", sure.mean(), "share"),
    }  # fmt: skip
    show(figures)
    notes = [
        f"{len(early)} tickets learnt, {len(late)} asked, {int(to_people.sum())} of them for people.",
        "Right topics by cross-validation within the first half (the words were written from that "
        "half, so figures with words flatter there): "
        + "; ".join(f"{idea} {share:.3f}" for idea, share in ideas.items())
        + ".",
        TRIED,
    ]  # fmt: skip
    print(*notes, sep="\n")
    rows = [
        {"topic": label.topic, "routed": r.topic, "probability": round(r.probability, 3)}
        for r, label in zip(routed, late, strict=True)
        if r.topic != label.topic
    ]
    print(write_result("routing", figures, "python benchmarks/routing.py", notes, rows))


if __name__ == "__main__":
    main()
