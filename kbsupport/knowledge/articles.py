"""Read articles: find the files, read each, and give every id to one article only."""

from __future__ import annotations

from dataclasses import dataclass

from kbsupport.errors import ArticleError
from kbsupport.knowledge.exports import read_rows
from kbsupport.knowledge.fields import Fields, guess_id, make_article, split_front_matter
from kbsupport.knowledge.formats import is_binary, read_binary, read_text, text_blocks
from kbsupport.knowledge.markup import Block
from kbsupport.knowledge.sources import Source, find_sources, fingerprint, unreadable
from kbsupport.model import Article, Failure

__all__ = ["READER", "Parsed", "Source", "find_sources", "fingerprint", "read_source"]

# Stored with every file: bump it when parsing changes, and unchanged files are read again.
READER = "1"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file held: its articles, and what could not be read."""

    articles: tuple[Article, ...]
    failed: tuple[Failure, ...]


def read_source(source: Source) -> Parsed:
    """The articles of one file; whatever is wrong with it is a Failure, never an exception."""
    many = source.path.suffix.lower() in (".jsonl", ".json")
    known = None if many else source.id_hint
    try:
        return Parsed(*read_rows(source.path, source.name)) if many else _read_one(source)
    except ArticleError as error:
        return _failed(source, error.reason, error.line, known)
    except OSError as error:
        return _failed(source, unreadable(error), None, known)


def _failed(source: Source, reason: str, line: int | None, id: str | None) -> Parsed:
    return Parsed((), (Failure(source.name, line, reason, id),))


def _read_one(source: Source) -> Parsed:
    if is_binary(source.path):
        blocks = read_binary(source.path, source.name)
        return _made(source, Fields({}, source.name, {}), blocks, source.id_hint)
    text = read_text(source.path, source.name)
    try:
        front = split_front_matter(text, source.name)
        fields = Fields(front.values, source.name, front.lines)
        named = fields.text("id") or source.id_hint
    except ArticleError as error:
        # The library keeps the last good version of an article by its id.
        return _failed(source, error.reason, error.line, guess_id(text) or source.id_hint)
    try:
        blocks = text_blocks(front, source.path.suffix.lower(), source.name)
        return _made(source, fields, blocks, named)
    except ArticleError as error:
        return _failed(source, error.reason, error.line, named)


def _made(source: Source, fields: Fields, blocks: list[Block], id: str) -> Parsed:
    title = " ".join(source.path.stem.replace("-", " ").replace("_", " ").split())
    article = make_article(fields, blocks, id=id, fallback_title=title, source=source.name)
    return Parsed((article,), ())
