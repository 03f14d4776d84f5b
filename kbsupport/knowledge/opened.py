"""One generation, open for questions: Chroma where it is sound, an exact scan where it is not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kbsupport.knowledge.catalog import Catalog, chroma_id
from kbsupport.knowledge.generation import (
    CATALOG,
    CHROMA,
    TERMS,
    UNREADABLE,
    faults,
    mark_damaged,
)
from kbsupport.knowledge.probe import survives
from kbsupport.knowledge.ranking import centroid_length
from kbsupport.knowledge.terms import TermIndex
from kbsupport.knowledge.vectors import ChromaFault, ChromaIndex, Group, nearest_exactly
from kbsupport.model import Audience, Filter
from kbsupport.store import articles as store
from kbsupport.store.generations import Pruned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kbsupport.store.database import Database
    from kbsupport.store.generations import Generation

NEAREST = 50
# Above this many hidden chunks, asking Chroma for so many more is slower than looking at the rest.
_HIDDEN = 200
_PROBE_SAMPLES = 40
_MOST_VIEWS = 64


class OpenGeneration:
    """Answers "which chunks are near?" and "what do the words say?" for one generation.

    `exact`: from the database alone, by a scan of all its chunks, for a replay.
    """

    def __init__(
        self,
        database: Database,
        generation: Generation,
        root: Path,
        deadline: float,
        *,
        exact: bool = False,
    ) -> None:
        self.generation = generation
        self.notices: list[str] = []
        self._database, self._deadline = database, deadline
        self._folder = root / generation.directory
        self._chroma: ChromaIndex | None = None
        self._matrix: NDArray[np.float32] | None = None
        self._by_article: dict[int, tuple[NDArray[np.float32], float]] = {}
        self._views: dict[Filter, tuple[NDArray[np.bool_], NDArray[np.int64], int]] = {}
        self._places: dict[str, int] | None = None
        self._rows_of_id: dict[str, list[int]] | None = None
        self._retried = False
        if exact:
            self.catalog, self.terms = read_generation(database, generation)
            return
        fault = faults(self._folder, generation.manifest) or self._load()
        if fault is None:
            self._open_chroma()
        else:
            self._announce(fault)
            self.catalog, self.terms = read_generation(database, generation)

    @cached_property
    def content_hash(self) -> str:
        """The same for two generations that hold the same versions, cut alike."""
        held = [[entry.article_id, entry.version] for entry in self.catalog.entries]
        content = json.dumps([self.generation.splitter, held])
        return hashlib.sha256(content.encode()).hexdigest()

    def view(self, by: Filter) -> NDArray[np.bool_]:
        """For each article, whether this question may see it."""
        return self._view(by)[0]

    def nearest(self, vector: NDArray[np.float32], by: Filter) -> list[int]:
        """Articles of the nearest chunks that this question may see, best first."""
        admitted, rows, hidden = self._view(by)
        found = self._ask_chroma(vector, by.audience, hidden) if hidden <= _HIDDEN else None
        if found is None:
            near = nearest_exactly(self._vectors(), rows, vector, NEAREST)
            found = [row for row, _ in near]
        owners = dict.fromkeys(int(self.catalog.owners[row]) for row in found)
        return [owner for owner in owners if admitted[owner]]

    def place_of(self, article_id: str) -> int | None:
        """Where an article stands in the catalog; None if it is not in this generation."""
        if self._places is None:
            self._places = {e.article_id: n for n, e in enumerate(self.catalog.entries)}
        return self._places.get(article_id)

    def vectors_of(self, article: int) -> tuple[NDArray[np.float32], float]:
        """The vectors of an article's chunks, in their order, and the length of their sum."""
        if article not in self._by_article:
            self.load([article])
        return self._by_article[article]

    def load(self, articles: Sequence[int]) -> None:
        """Fetch the vectors of these articles with one statement."""
        missing = [a for a in articles if a not in self._by_article]
        rows = [self.catalog.rows_of(a) for a in missing]
        vectors = self._fetch([row for span in rows for row in span]) if missing else None
        start = 0
        for article, span in zip(missing, rows, strict=True):
            assert vectors is not None
            mine = vectors[start : start + len(span)]
            self._by_article[article] = (mine, centroid_length(mine))
            start += len(span)

    def close(self) -> None:
        """Let the folder go."""
        if self._chroma is not None:
            self._chroma.close()

    def _load(self) -> str | None:
        """Catalog and terms from the folder; what is wrong with them, or None."""
        try:
            self.catalog = Catalog.load(self._folder / CATALOG)
            self.terms = TermIndex.load(self._folder / TERMS)
        except UNREADABLE as error:
            # Bytes may rot under an old time, and a newer generation may just have taken its place.
            fault = f"its files cannot be read: {error}"
            mark_damaged(self._folder, fault)
            return fault
        return None

    def _open_chroma(self) -> None:
        try:
            self._chroma = ChromaIndex(self._folder / CHROMA, self._sizes(), self._deadline)
        except ChromaFault as fault:
            self._after(fault)

    def _sizes(self) -> dict[str, int]:
        sizes: dict[str, int] = self.generation.manifest["groups"]
        return sizes

    def _ask_chroma(
        self, vector: NDArray[np.float32], audience: Audience, hidden: int
    ) -> list[int] | None:
        if self._chroma is None:
            return None
        groups = [Audience.PUBLIC] if audience is Audience.PUBLIC else list(Audience)
        try:
            found: list[tuple[str, float]] = []
            for group in groups:
                size = min(NEAREST + hidden, self._sizes().get(group, 0))
                found += self._chroma.nearest(group, vector, size) if size else []
        except ChromaFault as fault:
            self._after(fault)
            return self._ask_chroma(vector, audience, hidden)
        found.sort(key=lambda pair: -pair[1])
        rows = self._rows()
        return [row for name, _ in found for row in rows.get(name, ())]

    def _rows(self) -> dict[str, list[int]]:
        if self._rows_of_id is None:
            self._rows_of_id = {}
            for row, name in enumerate(self.catalog.hashes.tolist()):
                self._rows_of_id.setdefault(chroma_id(name.decode()), []).append(row)
        return self._rows_of_id

    def _after(self, fault: ChromaFault) -> None:
        """A call failed: a child process says whether the folder is sound and worth another try."""
        if self._chroma is not None:
            self._chroma.close()  # or the next one would be given the same broken insides
        self._chroma = None
        # Once is enough: an index that fails now and then would make every question slow.
        if not self._retried and survives(self._folder / CHROMA, self._sizes(), self._samples()):
            self._retried = True
            try:
                self._chroma = ChromaIndex(self._folder / CHROMA, self._sizes(), self._deadline)
            except ChromaFault as again:
                fault = again
            else:
                return
        mark_damaged(self._folder, str(fault))
        self._announce(str(fault))

    def _samples(self) -> dict[str, Group]:
        random = np.random.default_rng(0)
        samples = {}
        for name in self._sizes():
            rows = self.catalog.group(Audience(name))
            chosen = random.permutation(len(rows))[:_PROBE_SAMPLES]
            samples[name] = Group([], self._fetch([rows[i] for i in chosen]))
        return samples

    def _announce(self, fault: str) -> None:
        self.notices.append(
            f"the vector index of {self.generation.directory} is not used ({fault}): "
            "answers come from an exact scan of the database; run: kbsupport index --rebuild"
        )

    def _view(self, by: Filter) -> tuple[NDArray[np.bool_], NDArray[np.int64], int]:
        """Articles admitted, chunk rows of those, and how many of Chroma's rows are not."""
        if by not in self._views:
            if len(self._views) >= _MOST_VIEWS:
                self._views.clear()
            admitted = self.catalog.admitted(by)
            asked = self.catalog.admitted_audience(by.audience)
            owners = self.catalog.owners
            rows = np.flatnonzero(admitted[owners])
            self._views[by] = (admitted, rows, int(asked[owners].sum()) - len(rows))
        return self._views[by]

    def _vectors(self) -> NDArray[np.float32]:
        if self._matrix is None:
            self._matrix = self._fetch(range(len(self.catalog.owners)))
        return self._matrix

    def _fetch(self, rows: Sequence[int]) -> NDArray[np.float32]:
        made = self.generation
        hashes = [self.catalog.hash_of(row) for row in rows]
        with self._database.read() as connection:
            return store.load_vectors(connection, hashes, made.embedder, made.dimension)


def read_generation(database: Database, generation: Generation) -> tuple[Catalog, TermIndex]:
    """Catalog and term index of a generation, made anew from the database."""
    with database.read() as connection:
        articles = [
            (version, article)
            for version, article in store.load_articles(connection, generation.id)
            if article.published
        ]
        chunks = list(store.load_chunks(connection, generation.id, generation.splitter))
    if generation.chunks not in (0, len(chunks)):
        raise Pruned(f"{generation.chunks - len(chunks)} of {generation.chunks} chunks")
    catalog = Catalog.of(articles, chunks)
    terms = TermIndex.fit([a for _, a in articles], [c.words for _, c in chunks])
    return catalog, terms
