"""Look at questions as they would be decided now, with what people wrote back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kbsupport.gaps.asked import Asked, Looked
from kbsupport.gaps.conflicts import Conflicting, conflicting
from kbsupport.gaps.outline import sentences
from kbsupport.knowledge.rests import Source, rests_on
from kbsupport.learning.deciding import decide_all
from kbsupport.model import Article, Filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kbsupport.knowledge.indexing import Progress
    from kbsupport.learning.seeing import Observer, Seen
    from kbsupport.model import Channels
    from kbsupport.ports import Embedder

    Vectors = NDArray[np.float32]

# What people wrote says the same as an article, in other words, if a passage is so near to it.
_SAME = 0.8
_BATCH = 64
# Titles are near to much that the article does not say; only what it says counts.
_PASSAGES = 12


@dataclass(frozen=True, slots=True)
class Reply:
    """What people wrote back, as a vector, and how near passages of articles are to it."""

    text: str
    vector: Vectors
    near: Mapping[str, float]

    def rests(self, articles: Mapping[str, Source]) -> str | None:
        """The one of these articles that it names, quotes, or says in other words."""
        near = {one: articles[one] for one in self.near if one in articles}
        said = rests_on(self.text, near)
        if said is not None:
            return said.article_id
        best = max(near, key=lambda one: self.near[one], default=None)
        return best if best is not None and self.near[best] >= _SAME else None


class Look:
    """Questions looked at once, to be decided with all articles, or without one of them."""

    def __init__(self, observer: Observer, asked: Sequence[Asked], progress: Progress) -> None:
        self._observer, self._asked = embedding_once(observer), asked
        self._standing = observer.mind.shelf.standing()
        labels = [one.label for one in asked]
        self._vectors = self._observer.vectors(labels, progress)
        self._seen = self._observer.see(labels, progress, "looking")
        self._sources = {
            one.id: Source(one.id, one.title, one.text, one.url)
            for one in observer.mind.library.articles()
        }
        self._replies = self._read_replies(progress)

    def decided(self, without: str | None = None) -> list[Looked]:
        """Every question as it is decided, or would be if one article were not there."""
        seen = [_hide(one, without) for one in self._seen] if without else self._seen
        ordered = [self._observer.ordered(one, self._ranking, self._standing) for one in seen]
        judged = decide_all(self._observer, ordered, self._standing)
        articles = {one: held for one, held in self._sources.items() if one != without}
        rows = zip(self._asked, self._vectors, ordered, judged, self._replies, strict=True)
        return [
            Looked(
                asked=asked,
                vector=vector,
                outcome=one.verdict.outcome,
                reason=one.verdict.reason,
                probability=one.probability,
                scores={match.article_id: match.score for match in found.found.matches},
                certificate=one.verdict.certificate,
                own_case=one.signals.own_case,
                instructions=one.signals.instructions,
                reply=None if reply is None else reply.vector,
                rests=None if reply is None else reply.rests(articles),
            )
            for asked, vector, found, one, reply in rows
        ]

    @property
    def _ranking(self) -> Channels:
        any_history = self._observer.mind.library.memory().any_history
        return self._standing.judge_for(any_history=any_history).ranking

    def _read_replies(self, progress: Progress) -> list[Reply | None]:
        texts = {n: _said(one.replies) for n, one in enumerate(self._asked) if one.replies}
        numbers, found = list(texts), dict[int, Reply]()
        for begin in range(0, len(numbers), _BATCH):
            part = numbers[begin : begin + _BATCH]
            vectors = self._observer.embedder().embed([texts[number] for number in part])
            for number, vector in zip(part, vectors, strict=True):
                near = self._near(number, texts[number], vector)
                whole = "\n".join(self._asked[number].replies)
                found[number] = Reply(whole, vector, near)
            progress("reading replies", begin + len(part), len(numbers))
        return [found.get(number) for number in range(len(self._asked))]

    def _near(self, number: int, text: str, vector: Vectors) -> dict[str, float]:
        library = self._observer.mind.library
        memory, by = library.memory().memory, Filter(tier=self._seen[number].tier)
        found = library.weigh(text, vector, by, self._ranking, memory=memory)
        shown = library.passages_of(text, vector, found, _PASSAGES)
        near: dict[str, float] = {}
        for one in shown.passages:
            near[one.article_id] = max(near.get(one.article_id, 0.0), one.vector_score)
        return near


class _Once:
    """An embedder that reads no text twice: looking and naming ask for the same ones."""

    def __init__(self, inner: Embedder) -> None:
        self.name, self.dimension, self._inner = inner.name, inner.dimension, inner
        self._known: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The vectors of the texts, a row each."""
        if not texts:
            return self._inner.embed([])
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            made = np.asarray(self._inner.embed(new), np.float32)
            self._known |= dict(zip(new, made, strict=True))
        return np.stack([self._known[text] for text in texts])


def embedding_once(observer: Observer) -> Observer:
    """The same observer, with an embedder that remembers."""
    once = _Once(observer.embedder())
    return replace(observer, embedder=lambda: once)


def comparing(
    articles: Sequence[Article], observer: Observer
) -> Callable[[str, str], Conflicting | None]:
    """Says on what two of these articles contradict each other."""
    texts = {article.id: article.text for article in articles}

    def embed(given: Sequence[str]) -> Vectors:
        return np.asarray(observer.embedder().embed(list(given)), np.float32)

    def compare(first: str, second: str) -> Conflicting | None:
        return conflicting((first, texts[first]), (second, texts[second]), embed)

    return compare


def _hide(seen: Seen, article_id: str) -> Seen:
    kept = tuple(match for match in seen.found.matches if match.article_id != article_id)
    return replace(seen, found=replace(seen.found, matches=kept))


def _said(replies: Sequence[str]) -> str:
    """What was said beside courtesy; all of it where nothing else was."""
    return "\n".join(s for reply in replies for s in sentences(reply)) or "\n".join(replies)
