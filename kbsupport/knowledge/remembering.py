"""The memory of a generation: made from the database, kept in a file beside the index.

The file only saves time. Where it is missing, broken or stale, the database makes it anew.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kbsupport.knowledge.generation import UNREADABLE
from kbsupport.knowledge.memory import MOST_UNITS, Memory, Unit
from kbsupport.model import Chunk, ChunkKind
from kbsupport.store import articles as store
from kbsupport.store import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kbsupport.store.database import Database
    from kbsupport.store.generations import Generation
    from kbsupport.store.labels import StoredLabel

_Sized = tuple[Unit, str]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A memory, what it was made from, and the past tickets in it by the hash of their text."""

    stamp: str
    history: str
    memory: Memory
    past: dict[str, int]

    @property
    def any_history(self) -> bool:
        """True if past tickets are part of it."""
        return bool(self.past)


def remember(
    database: Database, root: Path, generation: Generation, history: str, *, keep: bool = True
) -> Remembered:
    """The memory of a generation with this history: read if it was made before, else made.

    Not kept for a draft: the next draft may get its number.
    """
    stamp = f"{generation.id}-{history}"
    with database.read() as connection:
        known = labels.load_labels(connection, labels.HISTORY)[-MOST_UNITS:]
    past = {one.text_hash: number for number, one in enumerate(known)}
    path = root / f"memory-{stamp}.npz"
    with contextlib.suppress(*UNREADABLE):
        memory = Memory.load(path)
        if len(memory.left_out) == len(past):
            return Remembered(stamp, history, memory, past)
    memory = make_memory(database, generation, known)
    # A home that cannot be written can still answer.
    with contextlib.suppress(OSError):
        if keep:
            _keep(memory, root, path)
    return Remembered(stamp, history, memory, past)


def make_memory(
    database: Database, generation: Generation, history: Sequence[StoredLabel]
) -> Memory:
    """From the generation's titles and seen questions, and these past tickets."""
    with database.read() as connection:
        chunks = list(store.load_chunks(connection, generation.id, generation.splitter))
        spoken = {kind: _units(chunks, kind) for kind in (ChunkKind.QUESTION, ChunkKind.TITLE)}
        past = [
            (Unit(one.label.text, one.label.accept_ids, past=True), one.content_hash)
            for one in history
        ]
        room = max(MOST_UNITS - len(past), 0)
        chosen = [*spoken[ChunkKind.QUESTION], *spoken[ChunkKind.TITLE]][:room] + past
        vectors = store.load_vectors(
            connection, [key for _, key in chosen], generation.embedder, generation.dimension
        )
    return Memory.fit([unit for unit, _ in chosen], vectors)


def _units(chunks: Iterable[tuple[int, Chunk]], kind: ChunkKind) -> list[_Sized]:
    return [
        (Unit(chunk.words, (chunk.article_id,)), chunk.content_hash)
        for _, chunk in chunks
        if chunk.kind is kind
    ]


def _keep(memory: Memory, root: Path, path: Path) -> None:
    """Written aside and renamed, so that nobody reads half a file; older ones go."""
    aside = root / f"{path.name}.{os.getpid()}"
    memory.save(aside)
    aside.replace(path)
    for other in root.glob("memory-*.npz*"):
        if other != path:
            other.unlink(missing_ok=True)
