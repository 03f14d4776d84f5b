"""See labels as questions: each with what the system knew without having learnt from it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kbsupport.model import Filter, Found, Label, Question, Signals, storable, text_hash
from kbsupport.store import articles as store
from kbsupport.store import labels as kept
from kbsupport.triage.signals import read_signals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kbsupport.knowledge.indexing import Progress
    from kbsupport.mind import Mind
    from kbsupport.model import Channels
    from kbsupport.ports import AnswerWriter, Embedder
    from kbsupport.standing import Standing
    from kbsupport.store.database import Database

    Vectors = NDArray[np.float32]

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Seen:
    """One label, its signals, and all the articles found for it, not yet in order."""

    label: Label
    tier: str
    signals: Signals
    found: Found

    @property
    def text(self) -> str:
        """The question as it is asked."""
        return storable(self.label.text)


@dataclass(frozen=True, slots=True)
class Observer:
    """Puts labels to the system as if they were asked, without keeping a decision."""

    mind: Mind
    database: Database
    embedder: Callable[[], Embedder]
    writer: Callable[[], AnswerWriter]
    quotable: dict[int, bool] = field(default_factory=dict)

    def see(self, labels: Sequence[Label], progress: Progress, step: str) -> list[Seen]:
        """Every label as a question; a past ticket is hidden from the memory it is part of."""
        vectors = self.vectors(labels, progress)
        remembered = self.mind.library.memory()
        standing = self.mind.shelf.standing()
        judge = standing.judge_for(any_history=remembered.any_history)
        seen = []
        for number, (label, vector) in enumerate(zip(labels, vectors, strict=True), 1):
            text, tier = storable(label.text), label.tier or self.mind.rules.default_tier
            found = self.mind.library.weigh(
                text,
                vector,
                Filter(tier=tier, language=label.language, product=label.product),
                judge.ranking,
                memory=remembered.memory,
                without=remembered.past.get(text_hash(label.text)),
            )
            reading = self.mind.read(standing.intents, text, vector)
            signals = read_signals(text, (), reading)
            seen.append(Seen(label, tier, signals, found))
            progress(step, number, len(labels))
        return seen

    def ordered(self, seen: Seen, ranking: Channels, standing: Standing | None = None) -> Seen:
        """What was found, as a search with this ranking gives it under what stands."""
        found = self.mind.library.reorder(seen.text, seen.found, ranking)
        standing = standing or self.mind.shelf.standing()
        signals = self.mind.with_details(seen.text, seen.signals, found, standing)
        return replace(seen, found=found, signals=signals)

    def can_be_quoted(self, seen: Seen) -> bool:
        """True if the best article holds anything that can be quoted as an answer.

        That lies in the article, not in the question: each is tried once.
        """
        if not seen.found.matches:
            return False
        version = seen.found.matches[0].version
        if version not in self.quotable:
            self.quotable[version] = self._quotes(seen)
        return self.quotable[version]

    def _quotes(self, seen: Seen) -> bool:
        vector = self.vectors([seen.label], lambda *_: None)[0]
        library = self.mind.library
        shown = library.passages_of(seen.text, vector, seen.found, self.mind.rules.passages)
        if shown.article is None:
            return False
        question = Question(seen.text, tier=seen.tier)
        relevance = library.relevance(seen.text, shown.article)
        mine = [p for p in shown.passages if p.article_id == shown.article.id]
        answer = self.writer().write(question, shown.article, mine, relevance)
        return answer is not None and bool(answer.citations)

    def vectors(self, labels: Sequence[Label], progress: Progress) -> Vectors:
        """The vector of each label; what was embedded before is not embedded again."""
        import numpy as np

        embedder = self.embedder()
        keys = [content_hash(label) for label in labels]
        with self.database.read() as connection:
            known = store.known_vectors(connection, keys, embedder.name, embedder.dimension)
        todo = {k: storable(label.text) for k, label in zip(keys, labels, strict=True)
                if k not in known}  # fmt: skip
        names = list(todo)
        for begin in range(0, len(names), _BATCH):
            part = names[begin : begin + _BATCH]
            made = embedder.embed([todo[name] for name in part])
            known |= dict(zip(part, made, strict=True))
            progress("embedding", min(begin + _BATCH, len(names)), len(names))
        return (
            np.stack([known[key] for key in keys])
            if keys
            else np.zeros((0, embedder.dimension), np.float32)
        )

    def keep(
        self,
        labels: Sequence[Label],
        role: kept.Role,
        source: str,
        progress: Progress,
        *,
        move: bool = False,
    ) -> int:
        """Store labels with their vectors; how many were stored."""
        vectors = self.vectors(labels, progress)
        keys = [content_hash(label) for label in labels]
        with self.database.write() as connection:
            stored = kept.save_labels(connection, labels, role, source, keys, move=move)
            store.save_embeddings(connection, self.embedder().name, keys, vectors)
        return stored

    def embed_again(self, progress: Progress) -> None:
        """After a change of model: the vectors that stored labels lack."""
        embedder = self.embedder()
        with self.database.read() as connection:
            todo = kept.unembedded_labels(connection, embedder.name)
        for begin in range(0, len(todo), _BATCH):
            part = todo[begin : begin + _BATCH]
            vectors = embedder.embed([text for _, text in part])
            with self.database.write() as connection:
                store.save_embeddings(connection, embedder.name, [k for k, _ in part], vectors)
            progress("embedding past tickets", begin + len(part), len(todo))


def content_hash(label: Label) -> str:
    """Names the vector of a label's text."""
    return hashlib.sha256(storable(label.text).encode()).hexdigest()
