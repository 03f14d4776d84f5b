"""The library: ask it for passages, and keep it in step with the files."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kbsupport.errors import IndexOutdated, NotIndexed
from kbsupport.knowledge.opened import OpenGeneration
from kbsupport.knowledge.ranking import fuse, order, vector_scores
from kbsupport.knowledge.words import words
from kbsupport.model import Article, Coverage, Filter, Found, Match, Passage
from kbsupport.store import articles as store
from kbsupport.store import generations
from kbsupport.store.generations import Pruned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kbsupport.ports import Embedder
    from kbsupport.store.database import Database

_BY_TERMS = 30
_BY_VECTORS = 30
_BY_SPELLING = 5
_MOST_MATCHES = 10
_OF_THE_BEST = 3


@dataclass(frozen=True, slots=True)
class _Ranked:
    article: int
    match: Match


class Library:
    """The searchable whole: term index and vector index of the live generation."""

    def __init__(
        self,
        database: Database,
        root: Path,
        embedder: Callable[[], Embedder],
        deadline: float = 10.0,
    ) -> None:
        self._database, self._root = database, root
        self._embedder, self._deadline = embedder, deadline
        self._opened: OpenGeneration | None = None

    def search(self, text: str, by: Filter, passages: int) -> Found:
        """Articles in order and the best passages of the first ones, of what `by` admits."""
        try:
            return self._search(text, by, passages)
        except Pruned:
            # Two index runs ended while we looked; the newest generation is whole.
            return self._search(text, by, passages)

    def _search(self, text: str, by: Filter, passages: int) -> Found:
        index = self.open()
        vector = self._embedder().embed([text])[0]
        terms = index.terms.articles(text)
        admitted = index.view(by)
        near = index.nearest(vector, by)[:_BY_VECTORS]
        spoken = _best(terms, admitted, _BY_TERMS)
        spelt = _best(index.terms.heads(text), admitted, _BY_SPELLING)
        ranked = _rank(index, sorted({*near, *spoken, *spelt}), vector, terms)
        notices = tuple(index.notices)
        if not ranked:
            return Found(generation=index.generation.id, notices=notices)
        shown = self._passages(index, ranked, text, vector, passages)
        return Found(
            generation=index.generation.id,
            matches=tuple(r.match for r in ranked),
            titles=self._titles([r.match.version for r in ranked[:2]]),
            passages=shown,
            article=self.article(ranked[0].match.version),
            coverage=Coverage(*index.terms.coverage(text, ranked[0].article)),
            notices=notices,
        )

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

    def open(self) -> OpenGeneration:
        """The live generation; a newer one is noticed at the next question."""
        with self._database.read() as connection:
            live = generations.live(connection)
        if live is None:
            raise NotIndexed("nothing is indexed yet; run: kbsupport index PATH")
        if self._opened is None or self._opened.generation.id != live.id:
            name = self._embedder().name
            if live.embedder != name:
                raise IndexOutdated(
                    f"the index was built with {live.embedder}, but {name} is set now; "
                    "run: kbsupport index PATH, or set the former model again"
                )
            self.close()
            self._opened = OpenGeneration(self._database, live, self._root, self._deadline)
        return self._opened

    def article(self, version: int) -> Article:
        """One article version with its text."""
        with self._database.read() as connection:
            return store.load_article(connection, version)

    def articles(self) -> list[Article]:
        """Every article of the live generation, drafts too."""
        with self._database.read() as connection:
            live = generations.live(connection)
            if live is None:
                raise NotIndexed("nothing is indexed yet; run: kbsupport index PATH")
            return [article for _, article in store.load_articles(connection, live.id)]

    def close(self) -> None:
        """Let the generation go."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _passages(
        self,
        index: OpenGeneration,
        ranked: Sequence[_Ranked],
        text: str,
        vector: NDArray[np.float32],
        count: int,
    ) -> tuple[Passage, ...]:
        """Up to three passages of the first article, and the best one of each that follows."""
        terms = index.terms.passages(text)
        chosen: list[tuple[int, int, float, float]] = []
        for place, one in enumerate(ranked):
            rows = index.catalog.rows_of(one.article)
            cosines = index.vectors_of(one.article)[0] @ vector
            scored = [
                (row, float(terms[row]), float(cosine))
                for row, cosine in zip(rows, cosines, strict=True)
                if index.catalog.is_passage(row)
            ]
            best = order([fuse(cosine, term) for _, term, cosine in scored])
            for nth in best[: 1 if place else _OF_THE_BEST]:
                row, term, cosine = scored[nth]
                ordinal = int(index.catalog.ordinals[row])
                chosen.append((one.match.version, ordinal, term, cosine))
        return self._read_passages(index, chosen[:count])

    def _titles(self, versions: Sequence[int]) -> tuple[str, ...]:
        with self._database.read() as connection:
            return store.load_titles(connection, versions)

    def _read_passages(
        self, index: OpenGeneration, chosen: Sequence[tuple[int, int, float, float]]
    ) -> tuple[Passage, ...]:
        with self._database.read() as connection:
            chunks = store.load_passages(
                connection, index.generation.splitter, [(v, o) for v, o, _, _ in chosen]
            )
        found = []
        for version, ordinal, term, cosine in chosen:
            article_id, section, text, start, end = chunks[version, ordinal]
            found.append(
                Passage(article_id, section, text, start, end, round(term, 6), round(cosine, 6))
            )
        return tuple(found)


def _rank(
    index: OpenGeneration,
    candidates: Sequence[int],
    vector: NDArray[np.float32],
    terms: NDArray[np.float32],
) -> list[_Ranked]:
    index.load(candidates)
    ranked = []
    for article in candidates:
        entry = index.catalog.entries[article]
        best, about = vector_scores(*index.vectors_of(article), vector)
        term = float(terms[article])
        ranked.append(
            _Ranked(
                article,
                Match(
                    article_id=entry.article_id,
                    version=entry.version,
                    score=round(fuse(about, term), 6),
                    term_score=round(term, 6),
                    vector_score=round(best, 6),
                ),
            )
        )
    places = order([r.match.score for r in ranked])
    return [ranked[place] for place in places[:_MOST_MATCHES]]


def _best(scores: NDArray[np.float32], admitted: NDArray[np.bool_], count: int) -> list[int]:
    import numpy as np

    shown = np.where(admitted, scores, 0.0)
    best = np.argsort(-shown, kind="stable")[:count]
    return [int(article) for article in best if shown[article] > 0]
