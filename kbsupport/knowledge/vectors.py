"""Nearest vectors: Chroma, one folder a generation and never changed, or an exact scan."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from kbsupport.errors import KbSupportError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

T = TypeVar("T")

# benchmarks/growth.py: on clustered vectors the first already finds everything.
EF_SEARCH = (100, 400, 1600, 6400)
RECALL = 0.99
_RECALL_AT = 10
_RECALL_QUERIES = 50
_SELF_QUERIES = 200
_SAME = 1e-4
_BATCH = 5000
_SYNC = 1000


class ChromaFault(KbSupportError):
    """Chroma failed, hung, or does not hold what it should; the exact scan takes over."""


@dataclass(frozen=True, slots=True)
class Group:
    """The vectors of one collection: ids of this order stand for the rows."""

    ids: Sequence[str]
    vectors: Vectors


def within(seconds: float | None, call: Callable[[], T]) -> T:
    """The call's result, or ChromaFault if it fails or outlasts its deadline; None is patient."""
    result: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(call())
        except BaseException as error:  # noqa: BLE001 - a Rust panic is no Exception; all are re-raised
            failure.append(error)

    # A daemon thread: a call that hangs for ever must not hold up the end of the process.
    thread = threading.Thread(target=run, daemon=True, name="chroma-call")
    thread.start()
    thread.join(seconds)
    if failure:
        raise ChromaFault(f"Chroma failed: {failure[0]}") from failure[0]
    if not result:
        raise ChromaFault(f"Chroma gave no answer within {seconds or 0:g} s")
    return result[0]


def build_chroma(directory: Path, groups: Mapping[str, Group]) -> int:
    """Fill a new folder, check what it finds against an exact scan, close it; the ef it needs."""
    return within(None, lambda: _build(directory, groups))


def _build(directory: Path, groups: Mapping[str, Group]) -> int:
    client = _client(directory)
    try:
        needed = [
            _check(_fill(client, name, group), group)
            for name, group in groups.items()
            if len(group.ids)
        ]
        return max(needed, default=EF_SEARCH[0])
    finally:
        client.close()


def _fill(client: Any, name: str, group: Group) -> Any:
    space = {
        "space": "cosine",
        "ef_construction": 100,
        "max_neighbors": 16,
        "ef_search": EF_SEARCH[0],
        # Below Chroma's own threshold nothing would reach the vector files before the close.
        "sync_threshold": max(2, min(_SYNC, len(group.ids))),
        "batch_size": max(2, min(100, len(group.ids))),
    }
    collection = client.create_collection(
        collection_name(name), embedding_function=None, configuration={"hnsw": space}
    )
    for begin in range(0, len(group.ids), _BATCH):
        part = slice(begin, begin + _BATCH)
        collection.add(ids=list(group.ids[part]), embeddings=group.vectors[part])
    return collection


def _check(collection: Any, group: Group) -> int:
    if collection.count() != len(group.ids):
        raise ChromaFault(f"Chroma holds {collection.count()} of {len(group.ids)} vectors")
    random = np.random.default_rng(0)
    rows = random.permutation(len(group.ids))
    for ef in EF_SEARCH:
        if ef != EF_SEARCH[0]:
            collection.modify(configuration={"hnsw": {"ef_search": ef}})
        found = _recall(collection, group, rows[:_RECALL_QUERIES], random)
        if found >= RECALL and _finds_itself(collection, group, rows[:_SELF_QUERIES]):
            return ef
    raise ChromaFault(f"Chroma finds only {found:.3f} of the nearest vectors")


def _recall(
    collection: Any, group: Group, rows: NDArray[np.int64], random: np.random.Generator
) -> float:
    """Share of the true ten nearest that Chroma gives, near but not at stored vectors."""
    noise = random.normal(size=(len(rows), group.vectors.shape[1])) * 0.02
    asked = (group.vectors[rows] + noise).astype(np.float32)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    wanted = min(_RECALL_AT, len(group.ids))
    given = collection.query(query_embeddings=asked, n_results=wanted, include=["distances"])
    exact = np.sort(asked @ group.vectors.T, axis=1)[:, -wanted]
    # By distance, not by id: equal texts are equally near, whichever of them is named.
    hits = [
        sum(1 - d >= floor - _SAME for d in distances)
        for distances, floor in zip(given["distances"], exact, strict=True)
    ]
    return float(sum(hits) / (wanted * len(rows)))


def _finds_itself(collection: Any, group: Group, rows: NDArray[np.int64]) -> bool:
    given = collection.query(
        query_embeddings=group.vectors[rows], n_results=1, include=["distances"]
    )
    return all(distances and distances[0] <= _SAME for distances in given["distances"])


class ChromaIndex:
    """A published folder, open for questions."""

    def __init__(self, directory: Path, sizes: Mapping[str, int], deadline: float) -> None:
        self._deadline = deadline
        self._client: Any = None
        try:
            self._collections = within(deadline, lambda: self._open(directory, sizes))
        except ChromaFault:
            self.close()
            raise

    def nearest(self, group: str, vector: Vectors, count: int) -> list[tuple[str, float]]:
        """Ids and cosines of the nearest vectors, best first."""
        collection = self._collections.get(group)
        if collection is None:
            return []
        found = within(
            self._deadline,
            lambda: collection.query(
                query_embeddings=vector[None, :], n_results=count, include=["distances"]
            ),
        )
        ids, distances = found["ids"][0], found["distances"][0]
        return [(i, 1.0 - d) for i, d in zip(ids, distances, strict=True)]

    def close(self) -> None:
        """Let the folder go, so that it can be removed; a broken client may not want to."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(ChromaFault):
                within(self._deadline, client.close)

    def _open(self, directory: Path, sizes: Mapping[str, int]) -> dict[str, Any]:
        if not (directory / "chroma.sqlite3").is_file():
            raise ChromaFault(f"{directory}/chroma.sqlite3 is missing")
        self._client = _client(directory)
        opened = {}
        for name, size in sizes.items():
            collection = self._client.get_collection(collection_name(name), embedding_function=None)
            if collection.count() != size:
                raise ChromaFault(f"Chroma holds {collection.count()} of {size} vectors")
            opened[name] = collection
        return opened


def nearest_exactly(
    vectors: Vectors, rows: NDArray[np.int64], vector: Vectors, count: int
) -> list[tuple[int, float]]:
    """Rows and cosines of the nearest among these rows: slower than Chroma on many, never wrong."""
    scores = vectors[rows] @ vector
    if not len(scores):
        return []
    best = np.argpartition(-scores, min(count, len(scores)) - 1)[:count]
    ranked = sorted(map(int, best), key=lambda place: (-scores[place], rows[place]))
    return [(int(rows[place]), float(scores[place])) for place in ranked]


def collection_name(group: str) -> str:
    """Chroma wants at least three characters."""
    return f"chunks-{group}"


def _client(directory: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(
        path=str(directory), settings=Settings(anonymized_telemetry=False)
    )
