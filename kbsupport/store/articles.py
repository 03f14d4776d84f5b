"""Article versions, their chunks and embeddings: the only truth about what is known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import bindparam, delete, func, insert, literal, select, tuple_

from kbsupport.model import Article, Audience, Chunk, ChunkKind, Section
from kbsupport.store.dialects import Upsert
from kbsupport.store.generations import Pruned
from kbsupport.store.tables import (
    ArticleVersionRow,
    ChunkRow,
    EmbeddingRow,
    LabelRow,
    MemberRow,
    SourceRow,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection

VERSION: Any = ArticleVersionRow.__table__  # type: ignore[attr-defined]
CHUNK: Any = ChunkRow.__table__  # type: ignore[attr-defined]
EMBEDDING: Any = EmbeddingRow.__table__  # type: ignore[attr-defined]
LABEL: Any = LabelRow.__table__  # type: ignore[attr-defined]
MEMBER: Any = MemberRow.__table__  # type: ignore[attr-defined]
SOURCE: Any = SourceRow.__table__  # type: ignore[attr-defined]

# Built once: putting a statement together takes longer than running it.
_ARTICLE = select(VERSION, literal("").label("source")).where(VERSION.c.id == bindparam("version"))
_TITLES = select(VERSION.c.id, VERSION.c.title).where(
    VERSION.c.id.in_(bindparam("versions", expanding=True))
)
_PASSAGES = (
    select(
        CHUNK.c.version_id,
        CHUNK.c.ordinal,
        CHUNK.c.section,
        CHUNK.c.start,
        CHUNK.c.end,
        VERSION.c.article_id,
        func.substr(VERSION.c.text, CHUNK.c.start + 1, CHUNK.c.end - CHUNK.c.start),
    )
    .join(VERSION, VERSION.c.id == CHUNK.c.version_id)
    .where(
        CHUNK.c.splitter == bindparam("splitter"),
        # Said twice: pairs alone would make SQLite read the whole table.
        CHUNK.c.version_id.in_(bindparam("versions", expanding=True)),
        tuple_(CHUNK.c.version_id, CHUNK.c.ordinal).in_(bindparam("wanted", expanding=True)),
    )
)
_ADD_VECTOR = Upsert(lambda insert: insert(EMBEDDING).on_conflict_do_nothing())


def find_version(connection: Connection, article: Article) -> int | None:
    """The id of this very content, if it is stored."""
    same = select(VERSION.c.id).where(
        VERSION.c.article_id == article.id, VERSION.c.content_hash == _content_hash(article)
    )
    return connection.execute(same).scalar()


def save_version(connection: Connection, article: Article) -> int:
    """Store a new content; its id."""
    row = {
        "article_id": article.id,
        "content_hash": _content_hash(article),
        "title": article.title,
        "text": article.text,
        "details": _details(article),
        "created_at": datetime.now(UTC),
    }
    return int(connection.execute(insert(VERSION).returning(VERSION.c.id), row).scalar_one())


def load_articles(connection: Connection, generation: int) -> Iterator[tuple[int, Article]]:
    """Every article version that belongs to a generation, drafts too."""
    query = (
        select(VERSION, MEMBER.c.source)
        .join(MEMBER, MEMBER.c.version_id == VERSION.c.id)
        .where(MEMBER.c.generation_id == generation)
        .order_by(VERSION.c.article_id)
    )
    for row in connection.execute(query):
        yield row.id, _article(row)


def load_article(connection: Connection, version: int) -> Article:
    """One article version by its id."""
    return _article(connection.execute(_ARTICLE, {"version": version}).one())


def newest_articles(connection: Connection, ids: Collection[str]) -> dict[str, Article]:
    """The newest version of each of these articles, published or not."""
    newest = (
        select(func.max(VERSION.c.id))
        .where(VERSION.c.article_id.in_(list(ids)))
        .group_by(VERSION.c.article_id)
    )
    query = select(VERSION, literal("").label("source")).where(VERSION.c.id.in_(newest))
    rows = connection.execute(query)
    return {row.article_id: _article(row) for row in rows}


def load_titles(connection: Connection, versions: Sequence[int]) -> tuple[str, ...]:
    """The titles of these versions, in this order."""
    found = connection.execute(_TITLES, {"versions": list(versions)})
    titles = {row.id: row.title for row in found}
    return tuple(titles[version] for version in versions)


def article_ids(connection: Connection) -> dict[int, str]:
    """The article that each stored version belongs to."""
    rows = connection.execute(select(VERSION.c.id, VERSION.c.article_id))
    return {row.id: row.article_id for row in rows}


def read_before(connection: Connection) -> dict[str, SourceRow]:
    """What is known of each file that was read without fault."""
    return {
        row.name: SourceRow(
            name=row.name, fingerprint=row.fingerprint, reader=row.reader, versions=row.versions
        )
        for row in connection.execute(select(SOURCE))
    }


def replace_sources(connection: Connection, sources: Sequence[Mapping[str, Any]]) -> None:
    """Remember what these files held, and forget all others."""
    connection.execute(delete(SOURCE))
    if sources:
        connection.execute(insert(SOURCE), list(sources))


def unsplit(connection: Connection, generation: int, splitter: str) -> list[int]:
    """Versions of a generation that this splitter has not cut yet."""
    cut = select(CHUNK.c.version_id).where(CHUNK.c.splitter == splitter)
    query = select(MEMBER.c.version_id).where(
        MEMBER.c.generation_id == generation, MEMBER.c.version_id.not_in(cut)
    )
    return [int(v) for v in connection.execute(query).scalars()]


def save_chunks(
    connection: Connection, version: int, splitter: str, chunks: Sequence[Chunk]
) -> None:
    """Store the pieces of one article version."""
    rows = [
        {
            "version_id": version,
            "splitter": splitter,
            "kind": str(chunk.kind),
            "ordinal": chunk.ordinal,
            "section": list(chunk.section),
            "start": chunk.start,
            "end": chunk.end,
            "words": chunk.words,
            "content_hash": chunk.content_hash,
        }
        for chunk in chunks
    ]
    if rows:
        connection.execute(insert(CHUNK), rows)


def load_chunks(
    connection: Connection, generation: int, splitter: str
) -> Iterator[tuple[int, Chunk]]:
    """The chunks that a generation indexes, with the id of the version each was cut from."""
    query = (
        select(CHUNK, VERSION.c.article_id)
        .join(MEMBER, MEMBER.c.version_id == CHUNK.c.version_id)
        .join(VERSION, VERSION.c.id == CHUNK.c.version_id)
        .where(*_indexed(generation, splitter))
        .order_by(VERSION.c.article_id, CHUNK.c.ordinal)
    )
    for row in connection.execute(query):
        yield (
            row.version_id,
            Chunk(
                article_id=row.article_id,
                kind=ChunkKind(row.kind),
                ordinal=row.ordinal,
                section=tuple(row.section),
                start=row.start,
                end=row.end,
                words=row.words,
                content_hash=row.content_hash,
            ),
        )


def load_passages(
    connection: Connection, splitter: str, wanted: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], tuple[str, str, str, int, int]]:
    """By version and ordinal: article id, section, text, start, end of the passage's words."""
    asked = {
        "splitter": splitter,
        "versions": list({version for version, _ in wanted}),
        "wanted": list(wanted),
    }
    found = {}
    rows = connection.execute(_PASSAGES, asked).all() if wanted else []
    if len(rows) < len(set(wanted)):
        raise Pruned("some passages")
    for version, ordinal, section, start, _end, article_id, text in rows:
        # The span as shown has no white space around it: text[start:end] is what one reads.
        begin = start + len(text) - len(text.lstrip())
        shown = text.strip()
        found[version, ordinal] = (
            article_id, " > ".join(section), shown, begin, begin + len(shown),
        )  # fmt: skip
    return found


def unembedded(
    connection: Connection, generation: int, splitter: str, embedder: str
) -> list[tuple[str, str]]:
    """Hash and words of the texts of a generation that have no vector yet."""
    done = select(EMBEDDING.c.content_hash).where(EMBEDDING.c.embedder == embedder)
    query = (
        select(CHUNK.c.content_hash, func.min(CHUNK.c.words))
        .join(MEMBER, MEMBER.c.version_id == CHUNK.c.version_id)
        .where(*_indexed(generation, splitter), CHUNK.c.content_hash.not_in(done))
        .group_by(CHUNK.c.content_hash)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def save_embeddings(
    connection: Connection, embedder: str, hashes: Iterable[str], vectors: NDArray[np.float32]
) -> None:
    """Store one vector a text."""
    rows = [
        {"content_hash": h, "embedder": embedder, "vector": v.astype("<f4").tobytes()}
        for h, v in zip(hashes, vectors, strict=True)
    ]
    if rows:
        connection.execute(_ADD_VECTOR.of_many(connection), rows)


def load_vectors(
    connection: Connection, hashes: Sequence[str], embedder: str, dimension: int
) -> NDArray[np.float32]:
    """The vectors of these texts, one a row, in this order."""
    places: dict[str, int] = {}
    for place, content_hash in enumerate(hashes):
        places.setdefault(content_hash, place)
    found = np.zeros((len(hashes), dimension), dtype=np.float32)
    asked, wanted = list(places), set(places)
    # SQLite takes 32,766 variables a statement; fewer at a time also keeps memory flat.
    for begin in range(0, len(asked), 10_000):
        query = select(EMBEDDING.c.content_hash, EMBEDDING.c.vector).where(
            EMBEDDING.c.embedder == embedder,
            EMBEDDING.c.content_hash.in_(asked[begin : begin + 10_000]),
        )
        for content_hash, blob in connection.execute(query):
            found[places[content_hash]] = np.frombuffer(blob, dtype="<f4")
            wanted.discard(content_hash)
    if wanted:
        raise Pruned(f"{len(wanted)} vectors")
    for place, content_hash in enumerate(hashes):
        found[place] = found[places[content_hash]]
    return found


def known_vectors(
    connection: Connection, hashes: Sequence[str], embedder: str, dimension: int
) -> dict[str, NDArray[np.float32]]:
    """The vectors there are of these texts, by the hash of each."""
    query = select(EMBEDDING.c.content_hash, EMBEDDING.c.vector).where(
        EMBEDDING.c.embedder == embedder
    )
    wanted = list(dict.fromkeys(hashes))
    found = {}
    for begin in range(0, len(wanted), 10_000):
        part = wanted[begin : begin + 10_000]
        for key, blob in connection.execute(query.where(EMBEDDING.c.content_hash.in_(part))):
            vector = np.frombuffer(blob, dtype="<f4")
            if len(vector) == dimension:
                found[key] = vector
    return found


def forget_unused(connection: Connection, generations: Sequence[int]) -> None:
    """Drop the chunks and vectors that no label and none of these generations needs."""
    used = select(MEMBER.c.version_id).where(MEMBER.c.generation_id.in_(generations))
    connection.execute(delete(CHUNK).where(CHUNK.c.version_id.not_in(used)))
    # Two conditions, not one union: each is looked up in an index of its own.
    unused = (
        EMBEDDING.c.content_hash.not_in(select(CHUNK.c.content_hash)),
        EMBEDDING.c.content_hash.not_in(select(LABEL.c.content_hash)),
    )
    connection.execute(delete(EMBEDDING).where(*unused))


def _indexed(generation: int, splitter: str) -> tuple[Any, ...]:
    return (
        MEMBER.c.generation_id == generation,
        CHUNK.c.splitter == splitter,
        CHUNK.c.kind != str(ChunkKind.NAVIGATION),
    )


def _content_hash(article: Article) -> str:
    content = json.dumps([article.title, article.text, _details(article)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _details(article: Article) -> dict[str, Any]:
    details = asdict(article)
    for elsewhere in ("id", "title", "text", "source"):
        del details[elsewhere]
    details["sections"] = [[list(s.path), s.start, s.end] for s in article.sections]
    details["audience"] = str(article.audience)
    return details


def _article(row: Any) -> Article:
    details = dict(row.details)
    for name in ("seen_questions", "tags", "tiers"):
        details[name] = tuple(details[name])
    details["sections"] = tuple(Section(tuple(p), s, e) for p, s, e in details["sections"])
    details["audience"] = Audience(details["audience"])
    return Article(id=row.article_id, title=row.title, text=row.text, source=row.source, **details)


def page(connection: Connection, generation: int, after: str, limit: int) -> list[Article]:
    """The articles of a generation whose ids come after one, in order, drafts too."""
    query = (
        select(VERSION, MEMBER.c.source)
        .join(MEMBER, MEMBER.c.version_id == VERSION.c.id)
        .where(MEMBER.c.generation_id == generation, VERSION.c.article_id > after)
        .order_by(VERSION.c.article_id)
        .limit(limit)
    )
    return [_article(row) for row in connection.execute(query)]


def find_article(connection: Connection, generation: int, article_id: str) -> Article | None:
    """One article of a generation."""
    query = (
        select(VERSION, MEMBER.c.source)
        .join(MEMBER, MEMBER.c.version_id == VERSION.c.id)
        .where(MEMBER.c.generation_id == generation, VERSION.c.article_id == article_id)
    )
    row = connection.execute(query).first()
    return None if row is None else _article(row)
