"""Split an article into chunks along its headings, with exact character spans; pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator

from kbsupport.model import Article, Chunk, ChunkKind, Section

SIZE = 110

# Scripts without spaces are counted by the character, as the model's tokenizer does.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
_LINE = re.compile(r".*?(?:\n+|\Z)", re.DOTALL)
_SENTENCE = re.compile(r".*?(?:[.!?。！？]+[\"'”’)\]]*\s+|\n+|\Z)", re.DOTALL)
_LONG_WORD = 8

# A short list of titles of other articles answers nothing, and finds the wrong article.
_NAVIGATION = re.compile(r"(related|see also|more info|further|next|learn more)", re.IGNORECASE)
_NAVIGATION_WORDS = 60

Span = tuple[int, int]


def splitter_name(size: int) -> str:
    """What is stored with an index, so that another way of splitting is noticed."""
    return f"headings-{size}"


def count_words(text: str) -> int:
    """About as many words as a reader would count, and never fewer than an endless one holds."""
    return max(len(_WORD.findall(text)), len(text) // (2 * _LONG_WORD))


def split(
    article: Article, size: int = SIZE, count: Callable[[str], int] = count_words
) -> tuple[Chunk, ...]:
    """The passages, which rejoin to the article's text; title and seen questions follow."""
    chunks = [
        _passage(article, section, span, ordinal)
        for ordinal, (section, span) in enumerate(_passages(article, size, count))
    ]
    spoken = [(ChunkKind.TITLE, article.title)]
    spoken += [(ChunkKind.QUESTION, question) for question in article.seen_questions]
    chunks += [
        Chunk(article.id, kind, ordinal, (), 0, 0, words, _hash(words))
        for ordinal, (kind, words) in enumerate(spoken, start=len(chunks))
        if words.strip()
    ]
    return tuple(chunks)


def _passages(
    article: Article, size: int, count: Callable[[str], int]
) -> Iterator[tuple[Section, Span]]:
    whole = Section(path=(), start=0, end=len(article.text))
    for section in article.sections or (whole,):
        lines = _pieces(_LINE, article.text, section.start, section.end)
        small = [s for line in lines for s in _cut(article.text, line, size, count)]
        for span in _pack(article.text, small, size, count):
            yield section, span


def _cut(text: str, span: Span, size: int, count: Callable[[str], int]) -> Iterator[Span]:
    """A line, or its sentences where it is too long, or its words where those are."""
    if count(text[slice(*span)]) <= size:
        yield span
        return
    for begin, finish in _pieces(_SENTENCE, text, *span):
        if count(text[begin:finish]) <= size:
            yield begin, finish
        else:
            yield from _slices(text, begin, finish, size, count)


def _slices(
    text: str, start: int, end: int, size: int, count: Callable[[str], int]
) -> Iterator[Span]:
    step = size * _LONG_WORD
    while start < end:
        stop = min(start + step, end)
        # Short words and scripts without spaces: fewer letters make as many words.
        while (held := count(text[start:stop])) > size and stop > start + 1:
            stop = max(start + 1, start + (stop - start) * size // held)
        space = text.rfind(" ", start, stop)
        if stop < end and space > start:
            stop = space + 1
        yield start, stop
        start = stop


def _pack(text: str, pieces: list[Span], size: int, count: Callable[[str], int]) -> Iterator[Span]:
    """Join neighbours while they fit; a last crumb joins the piece before it."""
    packed: list[Span] = []
    for begin, finish in pieces:
        # Counted together: many lines without a word are still long.
        crumb = finish == pieces[-1][1] and count(text[begin:finish]) < size // 4
        if packed and (crumb or count(text[packed[-1][0] : finish]) <= size):
            packed[-1] = (packed[-1][0], finish)
        else:
            packed.append((begin, finish))
    yield from packed


def _pieces(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[Span]:
    while start < end:
        match = pattern.match(text, start, end)
        if match is None or match.end() == start:
            yield start, end
            return
        yield start, match.end()
        start = match.end()


def _passage(article: Article, section: Section, span: Span, ordinal: int) -> Chunk:
    # Title and headings say what the words are about; without them a step is an orphan.
    body = article.text[slice(*span)].strip()
    words = ". ".join(part for part in (article.title, *section.path, body) if part)
    kind = ChunkKind.NAVIGATION if navigates(article, section) else ChunkKind.PASSAGE
    return Chunk(article.id, kind, ordinal, section.path, *span, words, _hash(words))


def navigates(article: Article, section: Section) -> bool:
    """True for a short list of titles of other articles."""
    named = section.path and _NAVIGATION.match(section.path[-1])
    return (
        bool(named) and count_words(article.text[section.start : section.end]) < _NAVIGATION_WORDS
    )


def _hash(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()
