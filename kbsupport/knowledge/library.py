"""The library: ask it for passages, and keep it in step with the files."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kbsupport.errors import IndexOutdated, NotIndexed
from kbsupport.knowledge.opened import OpenGeneration
from kbsupport.knowledge.ranking import order
from kbsupport.knowledge.remembering import Remembered, remember
from kbsupport.knowledge.searching import (
    Look,
    Ranked,
    best_of,
    choose,
    coverage_of,
    rank,
    score_of,
    shown,
)
from kbsupport.knowledge.words import words
from kbsupport.model import Article, Channels, Filter, Found
from kbsupport.store import articles as store
from kbsupport.store import generations, labels
from kbsupport.store.generations import Pruned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from kbsupport.knowledge.memory import Memory
    from kbsupport.model import Reading
    from kbsupport.ports import Embedder
    from kbsupport.store.database import Database
    from kbsupport.store.generations import Generation

_BY_TERMS = 30
_BY_VECTORS = 30
_BY_SPELLING = 5
_BY_RECALL = 10
_MOST_MATCHES = 10
_TITLES_READ = 50


class Library:
    """The searchable whole: term index, vector index and memory of the live generation.

    `only` is a generation to stay with instead: a draft that is looked at before it is live, or one
    to be searched again, `exact` by a scan of the database.
    """

    def __init__(
        self,
        database: Database,
        root: Path,
        embedder: Callable[[], Embedder],
        deadline: float = 10.0,
        only: Generation | None = None,
        *,
        exact: bool = False,
    ) -> None:
        self._database, self._root = database, root
        self._embedder, self._deadline = embedder, deadline
        self._only, self._exact = only, exact
        self._opened: OpenGeneration | None = None
        self._memory: Remembered | None = None
        self._steady = threading.local()

    def embed(self, text: str) -> NDArray[np.float32]:
        """The vector of a question, once it is sure that the index speaks the same language."""
        self.open()
        vector: NDArray[np.float32] = self._embedder().embed([text])[0]
        return vector

    def search(
        self, text: str, vector: NDArray[np.float32], by: Filter, passages: int, weights: Channels
    ) -> Found:
        """Articles in order and the best passages of the first ones, of what `by` admits."""
        try:
            return self._search(text, vector, by, passages, weights)
        except Pruned:
            # Two index runs ended while we looked; the newest generation is whole.
            self._stay_with_newest()
            return self._search(text, vector, by, passages, weights)

    def _search(
        self, text: str, vector: NDArray[np.float32], by: Filter, passages: int, weights: Channels
    ) -> Found:
        index = self.open()
        look = self._look(text, vector, self.memory(index).memory)
        found, ranked = self._weigh(index, look, by, weights)
        return self._with_passages(index, look, found, ranked, passages)

    def passages_of(
        self, text: str, vector: NDArray[np.float32], found: Found, passages: int
    ) -> Found:
        """What was found, with the passages, titles and article that a search shows."""
        index = self.open()
        places = [(index.place_of(match.article_id), match) for match in found.matches]
        ranked = [Ranked(place, match) for place, match in places if place is not None]
        look = self._look(text, vector, self.memory(index).memory)
        return self._with_passages(index, look, found, ranked, passages)

    def _look(
        self, text: str, vector: NDArray[np.float32], memory: Memory, without: int | None = None
    ) -> Look:
        recall = memory.recall(vector, text, without)
        return Look(text, vector, recall, self.open().terms.passages(text))

    def _with_passages(
        self,
        index: OpenGeneration,
        look: Look,
        found: Found,
        ranked: Sequence[Ranked],
        passages: int,
    ) -> Found:
        if not ranked:
            return found
        chosen = choose(index, ranked, look)[:passages]
        versions = [r.match.version for r in ranked[:2]]
        with self._database.read() as connection:  # one look at the database for all of it
            titles = store.load_titles(connection, versions)
            article = store.load_article(connection, versions[0])
            chunks = store.load_passages(
                connection, index.generation.splitter, [(v, o) for v, o, _, _ in chosen]
            )
        return replace(found, titles=titles, passages=shown(chunks, chosen), article=article)

    def weigh(
        self,
        text: str,
        vector: NDArray[np.float32],
        by: Filter,
        weights: Channels,
        *,
        memory: Memory,
        without: int | None = None,
    ) -> Found:
        """The numbers of a search alone, with all articles found.

        `without` hides one past ticket from the memory.
        """
        look = self._look(text, vector, memory, without)
        return self._weigh(self.open(), look, by, weights, most=None)[0]

    def reorder(self, text: str, found: Found, weights: Channels) -> Found:
        """What `weigh` found as a search with these weights would give it."""
        index = self.open()
        scored = [replace(m, score=score_of(m.channels.values(), weights)) for m in found.matches]
        matches = tuple(scored[n] for n in order([m.score for m in scored])[:_MOST_MATCHES])
        best = index.place_of(matches[0].article_id) if matches else None
        if best is None:
            return found
        return replace(found, matches=matches, coverage=coverage_of(index, text, best))

    def _weigh(
        self,
        index: OpenGeneration,
        look: Look,
        by: Filter,
        weights: Channels,
        most: int | None = _MOST_MATCHES,
    ) -> tuple[Found, list[Ranked]]:
        terms = index.terms.articles(look.text)
        spelling = index.terms.heads(look.text)
        admitted = index.view(by)
        near = index.nearest(look.vector, by)[:_BY_VECTORS]
        spoken = best_of(terms, admitted, _BY_TERMS)
        spelt = best_of(spelling, admitted, _BY_SPELLING)
        places = (index.place_of(article) for article in look.recall.leading(_BY_RECALL))
        recalled = [place for place in places if place is not None and admitted[place]]
        candidates = sorted({*near, *spoken, *spelt, *recalled})
        scores = (terms, spelling, index.catalog.greatest(look.passages))
        ranked = rank(index, candidates, look, scores, weights, most)
        found = Found(
            generation=index.generation.id,
            unanswered=look.recall.unanswered(),
            notices=tuple(index.notices),
        )
        if not ranked:
            return found, []
        coverage = coverage_of(index, look.text, ranked[0].article)
        return replace(found, matches=tuple(r.match for r in ranked), coverage=coverage), ranked

    def memory(self, index: OpenGeneration | None = None) -> Remembered:
        """What the live generation's short texts and the past tickets say together."""
        if self._held is not None:
            return self._held[1]
        with self._database.read() as connection:
            history = labels.history_stamp(connection)
        return self._remembered(index or self.open(), history)

    def _remembered(self, index: OpenGeneration, history: str) -> Remembered:
        stamp = f"{index.generation.id}-{history}"
        if self._memory is None or self._memory.stamp != stamp:
            where = self._database, self._root, index.generation, history
            self._memory = remember(*where, keep=self._only is None)
        return self._memory

    def languages(self, read: Callable[[str], Reading]) -> tuple[str, ...]:
        """What the articles are written in; where they do not say, as their titles read."""
        entries = self.open().catalog.entries
        spoken = {entry.language for entry in entries if entry.language is not None}
        silent = [entry.version for entry in entries if entry.language is None][:_TITLES_READ]
        found = read(". ".join(self._titles(silent))).language if silent else None
        if silent and found is None:
            return ()  # a guess would keep good answers from people
        return tuple(sorted(spoken | ({found} if found else set())))

    def relevance(self, text: str, article: Article) -> Callable[[str], float]:
        """How much of the question a part of this article speaks of, by weight of words.

        A word that stands all over the article tells no part from another and weighs little.
        """
        terms = self.open().terms
        lines = [set(words(line)) for line in article.text.splitlines() if line.strip()]
        gains = {}
        for word in words(text):
            held = sum(word in line for line in lines)
            gains[word] = terms.word_gain(word) * math.log1p(len(lines) / (held + 1))
        total = sum(gains.values()) or 1.0

        def measure(part: str) -> float:
            spoken = set(words(part))
            return sum(gain for word, gain in gains.items() if word in spoken) / total

        return measure

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Stay with what is live now, and with this history: one question, or many in a row.

        Whatever is published meanwhile, this thread sees one generation from search to verdict.
        """
        before = self._held
        if before is None:
            self._steady.held = self._both()
        try:
            yield
        finally:
            self._steady.held = before

    def _stay_with_newest(self) -> None:
        """Whoever stays with a generation that is gone stays with the newest one instead."""
        if self._held is not None:
            self._steady.held = None
            self._steady.held = self._both()

    def _both(self) -> tuple[OpenGeneration, Remembered]:
        """What is live and what is remembered, with one look at the database."""
        try:
            return self._look_for_both()
        except Pruned:
            return self._look_for_both()

    def _look_for_both(self) -> tuple[OpenGeneration, Remembered]:
        with self._database.read() as connection:
            live, history = self._live(connection), labels.history_stamp(connection)
        index = self._opened_as(live)
        return index, self._remembered(index, history)

    @property
    def _held(self) -> tuple[OpenGeneration, Remembered] | None:
        return getattr(self._steady, "held", None)

    def open(self) -> OpenGeneration:
        """The live generation; a newer one is noticed at the next question."""
        if self._held is not None:
            return self._held[0]
        try:
            return self._open()
        except Pruned:
            # Two index runs ended while it was being opened; the newest generation is whole.
            return self._open()

    def _open(self) -> OpenGeneration:
        with self._database.read() as connection:
            live = self._live(connection)
        return self._opened_as(live)

    def _opened_as(self, live: Generation) -> OpenGeneration:
        if self._opened is None or self._opened.generation.id != live.id:
            name = self._embedder().name
            if live.embedder != name:
                raise IndexOutdated(
                    f"the index was built with {live.embedder}, but {name} is set now; "
                    "run: kbsupport index PATH, or set the former model again"
                )
            self.close()
            self._opened = OpenGeneration(
                self._database, live, self._root, self._deadline, exact=self._exact
            )
        return self._opened

    def article(self, version: int) -> Article:
        """One article version with its text."""
        with self._database.read() as connection:
            return store.load_article(connection, version)

    def articles(self) -> list[Article]:
        """Every article of the live generation, drafts too."""
        with self._database.read() as connection:
            live = self._live(connection)
            return [article for _, article in store.load_articles(connection, live.id)]

    def close(self) -> None:
        """Let the generation go."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _live(self, connection: Connection) -> Generation:
        live = self._only or generations.live(connection)
        if live is None:
            raise NotIndexed("nothing is indexed yet; run: kbsupport index PATH")
        return live

    def _titles(self, versions: Sequence[int]) -> tuple[str, ...]:
        with self._database.read() as connection:
            return store.load_titles(connection, versions)
