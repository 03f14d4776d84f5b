"""The catalog: which article each chunk belongs to, and who may see it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kbsupport.model import Article, Audience, Chunk, ChunkKind, Filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KINDS = tuple(ChunkKind)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the filters need of an article, without its text."""

    article_id: str
    version: int
    audience: Audience
    tiers: tuple[str, ...]
    language: str | None
    product: str | None
    topic: str | None = None


@dataclass(frozen=True)
class Catalog:
    """Articles and chunks of a generation, as rows; the rows of one article are adjacent."""

    entries: tuple[Entry, ...]
    owners: NDArray[np.int32]
    kinds: NDArray[np.int8]
    ordinals: NDArray[np.int32]
    hashes: NDArray[np.bytes_]

    @classmethod
    def of(
        cls, articles: Sequence[tuple[int, Article]], chunks: Sequence[tuple[int, Chunk]]
    ) -> Catalog:
        """From versions with their articles, and chunks in the same order of articles."""
        entries = tuple(
            Entry(a.id, version, a.audience, a.tiers, a.language, a.product, a.topic)
            for version, a in articles
        )
        row = {version: number for number, (version, _) in enumerate(articles)}
        return cls(
            entries=entries,
            owners=np.array([row[version] for version, _ in chunks], np.int32),
            kinds=np.array([_KINDS.index(c.kind) for _, c in chunks], np.int8),
            ordinals=np.array([c.ordinal for _, c in chunks], np.int32),
            hashes=np.array([c.content_hash.encode() for _, c in chunks], "S64"),
        )

    @property
    def products(self) -> tuple[str, ...]:
        """The products that articles are about."""
        return tuple(sorted({e.product for e in self.entries if e.product is not None}))

    def rows_of(self, article: int) -> range:
        """The chunk rows of one article."""
        return range(self._starts[article], self._starts[article + 1])

    def greatest(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """For each article, the greatest score of its chunks; void for one that has none."""
        if not len(scores):
            return np.zeros(len(self.entries), np.float32)
        begins = np.minimum(self._starts[:-1], len(scores) - 1)
        found: NDArray[np.float32] = np.maximum.reduceat(scores, begins)
        return found

    @cached_property
    def _starts(self) -> list[int]:
        """Where each article's rows begin: asked for fifty times a question."""
        found: list[int] = np.searchsorted(self.owners, np.arange(len(self.entries) + 1)).tolist()
        return found

    def is_passage(self, row: int) -> bool:
        """True if the chunk is a piece of the text."""
        return bool(self.kinds[row] == _KINDS.index(ChunkKind.PASSAGE))

    def hash_of(self, row: int) -> str:
        """The content hash of a chunk."""
        return str(self.hashes[row].decode())

    def admitted(self, by: Filter) -> NDArray[np.bool_]:
        """For each article, whether this question may see it."""
        return np.array([by.admits(entry) for entry in self.entries], np.bool_)

    def admitted_audience(self, audience: Audience) -> NDArray[np.bool_]:
        """For each article, whether the audience alone lets it be seen."""
        all_seen = audience is Audience.INTERNAL
        return np.array([all_seen or e.audience is Audience.PUBLIC for e in self.entries], np.bool_)

    def group(self, audience: Audience) -> list[int]:
        """The first chunk row of every different text that this audience alone is given."""
        mine = [entry.audience is audience for entry in self.entries]
        first: dict[bytes, int] = {}
        for row, owner in enumerate(self.owners):
            if mine[owner]:
                first.setdefault(self.hashes[row], row)
        return list(first.values())

    def save(self, path: Path) -> None:
        """Write one file that opens without parsing, but for the few words on each article."""
        lines = [
            [e.article_id, e.version, e.audience, list(e.tiers), e.language, e.product, e.topic]
            for e in self.entries
        ]
        entries = np.frombuffer(json.dumps(lines).encode(), np.uint8)
        arrays: dict[str, Any] = {
            "entries": entries, "owners": self.owners, "kinds": self.kinds,
            "ordinals": self.ordinals, "hashes": self.hashes,
        }  # fmt: skip
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Catalog:
        """Read what `save` wrote."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            entries = tuple(
                Entry(article_id, version, Audience(audience), tuple(tiers), *rest)
                for article_id, version, audience, tiers, *rest in json.loads(
                    arrays["entries"].tobytes()
                )
            )
            return cls(
                entries, arrays["owners"], arrays["kinds"], arrays["ordinals"], arrays["hashes"]
            )


def chroma_id(content_hash: str) -> str:
    """Half a hash names a text well enough, and halves what Chroma keeps of names."""
    return content_hash[:32]
