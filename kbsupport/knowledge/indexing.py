"""From files to a new generation: read, compare, split, embed what is new, build, check, flip."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kbsupport.errors import ArticleError, NothingToIndex, NotIndexed, StoreError
from kbsupport.knowledge import articles as reading
from kbsupport.knowledge.chunks import SIZE, split, splitter_name
from kbsupport.knowledge.generation import build_folder, faults, remove_others
from kbsupport.knowledge.opened import read_generation
from kbsupport.model import Article, Changes, Failure
from kbsupport.store import articles as store
from kbsupport.store import generations

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.ports import Embedder
    from kbsupport.store.database import Database
    from kbsupport.store.generations import Generation

Progress = Callable[[str, int, int], None]

# Small enough that a killed run has little to embed again, large enough that commits are free.
_BATCH = 64
_KEPT = 2


Member = tuple[int, str]
_NEW = -1


@dataclass(frozen=True, slots=True)
class Read:
    """One source: either the versions it is known to hold, or the articles it was found to hold."""

    name: str
    fingerprint: str
    known: tuple[tuple[str, int], ...] = ()
    articles: tuple[Article, ...] = ()
    failed: tuple[Failure, ...] = ()


class Gate(Protocol):
    """Whoever wants to see a generation before questions are asked of it."""

    def admits(self, generation: Generation, *, fresh: bool) -> bool:
        """False keeps a fresh draft from being published; one that is live already stays."""

    def published(self) -> None:
        """What it admitted is live now, and no other index run has begun."""


class Indexer:
    """The one writer of a home's index."""

    def __init__(
        self, database: Database, root: Path, embedder: Callable[[], Embedder], size: int = SIZE
    ) -> None:
        self._database, self._root, self._embedder, self._size = database, root, embedder, size

    def sync(
        self,
        paths: Sequence[Path],
        *,
        exclude: frozenset[str] = frozenset(),
        dry_run: bool = False,
        progress: Progress = lambda *_: None,
        gate: Gate | None = None,
    ) -> Changes:
        """Make the index hold what these paths hold, and nothing else, if the gate admits it."""
        started = time.monotonic()
        found, unfound = reading.find_sources(paths)
        with self._alone(progress):
            read = list(self._read(found, progress))
            failed = [*unfound, *(failure for one in read for failure in one.failed)]
            if not any(one.known or one.articles for one in read):
                raise NothingToIndex(_nothing(paths, failed))
            with self._transaction(dry_run) as connection:
                live = generations.live(connection)
                before = self._members(connection, live)
                members, taken = _admit(self._store(connection, read, dry_run))
                wanted = _keep_last_good(members, before, failed)
                wanted = {i: m for i, m in wanted.items() if i not in exclude}
                if live and not dry_run:
                    generations.move(connection, live.id, _moved(before, wanted))
            changes = _compare(before, wanted)
            embedded, made = 0, live
            notices: tuple[str, ...] = ()
            if not dry_run:
                embedded, made, notices = self._publish(live, wanted, any(changes), progress, gate)
        added, changed, removed = changes
        return Changes(
            added=added,
            changed=changed,
            removed=removed,
            unchanged=len(wanted) - len(added) - len(changed),
            embedded=embedded,
            failed=tuple(failed + taken),
            generation=made.id if made else None,
            seconds=round(time.monotonic() - started, 3),
            notices=notices,
        )

    def rebuild(self, progress: Progress = lambda *_: None) -> Changes:
        """Build the live generation anew from the database alone; no model is needed."""
        started = time.monotonic()
        with self._alone(progress):
            with self._database.write() as connection:
                live = generations.live(connection)
                generations.abandon_unfinished(connection)
                if live is None:
                    raise NotIndexed("there is no index to rebuild; run: kbsupport index PATH")
                wanted = self._members(connection, live)
                draft = generations.begin(
                    connection,
                    embedder=live.embedder,
                    dimension=live.dimension,
                    splitter=live.splitter,
                    members=wanted.values(),
                )
            made = self._built(draft, progress)
            self._flip(made)
        return Changes(
            (), (), (), len(wanted), 0, (), made.id, round(time.monotonic() - started, 3)
        )

    def _read(self, found: Sequence[reading.Source], progress: Progress) -> Iterator[Read]:
        """Outside any transaction: reading may take long, and questions must go on."""
        with self._database.read() as connection:
            known = store.read_before(connection)
            names = store.article_ids(connection)
        for number, source in enumerate(found, 1):
            progress("reading", number, len(found))
            try:
                mark = reading.fingerprint(source)
            except ArticleError as error:
                failure = Failure(source.name, error.line, error.reason, source.id_hint)
                yield Read(source.name, "", failed=(failure,))
                continue
            last = known.get(source.name)
            same = last is not None and (last.fingerprint, last.reader) == (mark, reading.READER)
            if last is not None and same:
                yield Read(source.name, mark, known=tuple((names[v], v) for v in last.versions))
                continue
            parsed = reading.read_source(source)
            # Without a mark it is read again next time, so that its faults are reported again.
            mark = "" if parsed.failed else mark
            yield Read(source.name, mark, articles=parsed.articles, failed=parsed.failed)

    def _store(
        self, connection: Connection, read: Sequence[Read], dry_run: bool
    ) -> list[tuple[str, Member]]:
        """Article id, version and source of all that was read; new versions are stored."""
        held: list[tuple[str, Member]] = []
        sources = []
        for one in read:
            pairs = list(one.known)
            for article in one.articles:
                version = store.find_version(connection, article)
                if version is None:
                    version = _NEW if dry_run else store.save_version(connection, article)
                pairs.append((article.id, version))
            held += [(article_id, (version, one.name)) for article_id, version in pairs]
            sources.append(
                {
                    "name": one.name,
                    "fingerprint": one.fingerprint,
                    "reader": reading.READER,
                    "versions": [version for _, version in pairs],
                }
            )
        if not dry_run:
            store.replace_sources(connection, sources)
            generations.abandon_unfinished(connection)
        return held

    def _transaction(self, dry_run: bool) -> AbstractContextManager[Connection]:
        return self._database.read() if dry_run else self._database.write()

    def _members(self, connection: Connection, live: Generation | None) -> dict[str, Member]:
        if live is None:
            return {}
        names = store.article_ids(connection)
        held = generations.members(connection, live.id)
        return {names[version]: (version, source) for version, source in held.items()}

    def _publish(
        self,
        live: Generation | None,
        wanted: dict[str, Member],
        any_change: bool,
        progress: Progress,
        gate: Gate | None,
    ) -> tuple[int, Generation | None, tuple[str, ...]]:
        splitter = splitter_name(self._size)
        embedder = self._embedder()
        notices: tuple[str, ...] = ()
        if live and (live.embedder, live.splitter) == (embedder.name, splitter):
            fault = faults(self._root / live.directory, live.manifest)
            if fault is None and not any_change:
                # A run that was killed after its flip had no time to tidy up.
                if len(list(self._root.glob("gen-*"))) > _KEPT:
                    self._tidy()
                if gate is not None and gate.admits(live, fresh=False):
                    gate.published()
                return 0, live, ()
            if fault is not None:
                notices = (f"{live.directory} was damaged ({fault}) and has been replaced",)
        with self._database.write() as connection:
            draft = generations.begin(
                connection,
                embedder=embedder.name,
                dimension=embedder.dimension,
                splitter=splitter,
                members=wanted.values(),
            )
            self._split(connection, draft, splitter)
            todo = store.unembedded(connection, draft, splitter, embedder.name)
        self._embed(embedder, todo, progress)
        made = self._built(draft, progress)
        if not self._admitted(made, gate):
            return len(todo), live, ()
        self._flip(made)
        if gate is not None:
            gate.published()
        return len(todo), made, notices

    def _split(self, connection: Connection, generation: int, splitter: str) -> None:
        uncut = set(store.unsplit(connection, generation, splitter))
        for version, article in store.load_articles(connection, generation):
            # A draft is kept but never cut, so nothing of it can ever be found.
            if version in uncut and article.published:
                store.save_chunks(connection, version, splitter, split(article, self._size))

    def _embed(self, embedder: Embedder, todo: list[tuple[str, str]], progress: Progress) -> None:
        for begin in range(0, len(todo), _BATCH):
            part = todo[begin : begin + _BATCH]
            vectors = embedder.embed([words for _, words in part])
            with self._database.write() as connection:
                store.save_embeddings(connection, embedder.name, [h for h, _ in part], vectors)
            progress("embedding", min(begin + _BATCH, len(todo)), len(todo))

    def _built(self, draft: int, progress: Progress) -> Generation:
        """The folder, built aside and checked."""
        progress("building", 0, 1)
        with self._database.read() as connection:
            generation = generations.get(connection, draft)
        catalog, terms = read_generation(self._database, generation)
        hashes = [catalog.hash_of(row) for row in range(len(catalog.owners))]
        with self._database.read() as connection:
            vectors = store.load_vectors(
                connection, hashes, generation.embedder, generation.dimension
            )
        folder = self._root / generation.directory
        manifest = build_folder(folder, catalog, terms, vectors)
        progress("building", 1, 1)
        return replace(generation, manifest=manifest, chunks=len(hashes))

    def _flip(self, made: Generation) -> None:
        with self._database.write() as connection:
            generations.publish(connection, made.id, made.manifest, made.chunks)
        self._tidy()

    def _admitted(self, draft: Generation, gate: Gate | None) -> bool:
        admitted = False
        try:
            admitted = gate is None or gate.admits(draft, fresh=True)
        finally:
            if not admitted:
                # Its vectors stay until something is published: the next try embeds them no more.
                with self._database.write() as connection:
                    generations.abandon_unfinished(connection)
                shutil.rmtree(self._root / draft.directory, ignore_errors=True)
        return admitted

    def _tidy(self) -> None:
        with self._database.write() as connection:
            kept = generations.published(connection)[:_KEPT]
            store.forget_unused(connection, [g.id for g in kept])
        remove_others(self._root, [g.directory for g in kept])
        self._database.checkpoint()

    @contextlib.contextmanager
    def _alone(self, progress: Progress) -> Iterator[None]:
        """One builder at a time; a second one waits for the first."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            lock = (self._root / "builder.lock").open("w")
        except OSError as error:
            raise StoreError(f"{self._root} cannot be written: {error.strerror}") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress("waiting for another index run", 0, 1)
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _admit(held: Sequence[tuple[str, Member]]) -> tuple[dict[str, Member], list[Failure]]:
    """The first article of an id keeps it; a later one is reported and left out."""
    members: dict[str, Member] = {}
    taken: list[Failure] = []
    for article_id, member in held:
        first = members.setdefault(article_id, member)
        if first is not member:
            reason = f"the id {article_id!r} is taken by {first[1]}; give one of them another id"
            taken.append(Failure(member[1], None, reason))
    return members, taken


def _keep_last_good(
    members: dict[str, Member], before: dict[str, Member], failed: Sequence[Failure]
) -> dict[str, Member]:
    """An article that cannot be read today stays as it was."""
    bad_ids = {f.article_id for f in failed}
    # Of a file with many articles only the named ones are unread; else all it held may be.
    bad_sources = {
        f.path for f in failed if f.article_id is None or not f.path.endswith((".jsonl", ".json"))
    }
    bad_folders = tuple(path for path in bad_sources if path.endswith("/"))
    kept = {
        article_id: member
        for article_id, member in before.items()
        if article_id in bad_ids or member[1] in bad_sources or member[1].startswith(bad_folders)
    }
    return kept | members


def _compare(
    before: dict[str, Member], wanted: dict[str, Member]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    added = tuple(sorted(wanted.keys() - before.keys()))
    removed = tuple(sorted(before.keys() - wanted.keys()))
    both = wanted.keys() & before.keys()
    changed = tuple(sorted(i for i in both if wanted[i][0] != before[i][0]))
    return added, changed, removed


def _moved(before: dict[str, Member], wanted: dict[str, Member]) -> list[Member]:
    both = wanted.keys() & before.keys()
    return [wanted[i] for i in both if wanted[i][0] == before[i][0] and wanted[i] != before[i]]


def _nothing(paths: Sequence[Path], failed: Sequence[Failure]) -> str:
    where = ", ".join(str(path) for path in paths)
    why = (
        f"; the first of {len(failed)} faults: {failed[0].path}: {failed[0].reason}"
        if failed
        else ""
    )
    return f"no readable article in {where}{why}; nothing was published"
