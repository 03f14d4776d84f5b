"""Answers that quote: every sentence stands in the article, and says where."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kbsupport.model import Answer, Article, Citation, Passage, Question

# An answer is read on a phone: about a screen, unless a list of steps is longer.
_MOST_WORDS = 120
_ROOM_BESIDE_A_LIST = 60
_WORTH_ADDING = 0.8
_LONG_PARAGRAPH = 60
# What the title already says is answered first, and how-to questions by steps.
_FIRST = 0.15
_STEPS = 0.15
_HEADING = 0.5

_LINE = re.compile(r"[^\n]+")
_ITEM = re.compile(r"\s*(?:[-*•]|\d+[.)])\s")
_STEP = re.compile(r"\s*\d+[.)]\s")
_HOW = re.compile(r"\bhow\s+(?:do|can|to|would|should|does)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"\S.*?(?:[.!?。！？]+[\"'”’)\]]*(?=\s|\Z)|\Z)", re.DOTALL)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a whole list with the line that leads into it, or a table."""

    pieces: tuple[Span, ...]
    lines: bool

    @property
    def start(self) -> int:
        """Where it begins in the article's text."""
        return self.pieces[0][0]


class QuoteWriter:
    """Quotes the parts of the article that answer, in reading order; no model, no invention."""

    def write(
        self,
        question: Question,
        article: Article,
        passages: Sequence[Passage],
        relevance: Callable[[str], float],
    ) -> Answer | None:
        """The answer, or None if the article has nothing to quote."""
        blocks = _blocks(article, passages)
        if not blocks:
            return None
        chosen = _choose(article, blocks, _merit(question, article, passages, relevance))
        quoted = [
            (block, [_cite(article, span) for span in _trim(article, block, relevance)])
            for block in chosen
        ]
        text = "\n\n".join(
            ("\n" if block.lines else " ").join(c.quote for c in cited) for block, cited in quoted
        )
        return Answer(text, tuple(c for _, cited in quoted for c in cited))


def _merit(
    question: Question,
    article: Article,
    passages: Sequence[Passage],
    relevance: Callable[[str], float],
) -> Callable[[Block], float]:
    how = _HOW.search(question.text) is not None

    def merit(block: Block) -> float:
        early = 1 - block.start / max(len(article.text), 1)
        steps = how and _STEP.match(article.text, block.pieces[-1][0]) is not None
        heading = relevance(_section(article, block.start))
        # Words miss what is said differently; the passage it stands in was compared by meaning.
        near = max((p.vector_score for p in passages if _touches(p, block)), default=0.0)
        spoken = relevance(_text(article, block)) + near
        return spoken + _HEADING * heading + _FIRST * early + _STEPS * steps

    return merit


def _choose(
    article: Article, blocks: Sequence[Block], merit: Callable[[Block], float]
) -> list[Block]:
    """The block of most merit, then others nearly as good while they fit on a screen."""
    scored = sorted(blocks, key=lambda block: (-merit(block), block.start))
    floor = merit(scored[0]) * _WORTH_ADDING
    room, chosen = 0, list[Block]()
    for block in scored:
        size = len(_text(article, block).split())
        if not chosen:
            room = max(_MOST_WORDS - size, _ROOM_BESIDE_A_LIST)
            chosen.append(block)
        elif merit(block) >= floor and size <= room:
            chosen.append(block)
            room -= size
    return sorted(chosen, key=lambda block: block.start)


def _trim(article: Article, block: Block, relevance: Callable[[str], float]) -> Sequence[Span]:
    """Of a long paragraph the sentences that matter; steps and rows stay whole."""
    if block.lines or len(_text(article, block).split()) <= _LONG_PARAGRAPH:
        return block.pieces
    scores = [relevance(article.text[slice(*span)]) for span in block.pieces]
    floor = max(scores) * _WORTH_ADDING
    first = next(i for i, score in enumerate(scores) if score >= floor)
    last = max(i for i, score in enumerate(scores) if score >= floor)
    return block.pieces[first : max(last, first + 1) + 1]


def _blocks(article: Article, passages: Sequence[Passage]) -> list[Block]:
    """The blocks that the passages touch; a list that runs on past a passage is kept whole."""
    every = list(_split(article))
    touched = [block for block in every if any(_touches(p, block) for p in passages)]
    return touched or every


def _touches(passage: Passage, block: Block) -> bool:
    return passage.start < block.pieces[-1][1] and block.start < passage.end


def _split(article: Article) -> Iterator[Block]:
    heads = {section.start for section in article.sections if section.path}
    # A text that says no more than its title is still the text somebody wrote as the answer.
    title = article.title if article.text.strip() != article.title else None
    run: list[Span] = []
    in_list = False
    for line in _LINE.finditer(article.text):
        text = line.group()
        if line.start() in heads or text == title or not text.strip():
            continue
        span = _strip(article.text, line.span())
        apart = run and "\n\n" in article.text[run[-1][1] : span[0]]
        if run and not _belongs(text, article.text[slice(*run[-1])], in_list, bool(apart)):
            yield _block(article, run)
            run, in_list = [], False
        run.append(span)
        in_list = in_list or _listed(text)
    if run:
        yield _block(article, run)


def _belongs(line: str, before: str, in_list: bool, apart: bool) -> bool:
    """Items belong together, with what is indented below them and the line that leads to them."""
    leads = before.endswith(":") or _listed(before)
    if _listed(line):
        return leads or in_list or not apart
    return (in_list and line[0].isspace()) or (leads and not apart)


def _listed(line: str) -> bool:
    return bool(_ITEM.match(line)) or " | " in line


def _block(article: Article, run: Sequence[Span]) -> Block:
    if len(run) > 1:
        return Block(tuple(run), lines=True)
    start, end = run[0]
    found = _SENTENCE.finditer(article.text, start, end)
    return Block(tuple(_strip(article.text, m.span()) for m in found) or (run[0],), lines=False)


def _strip(text: str, span: Span) -> Span:
    part = text[slice(*span)]
    left = len(part) - len(part.lstrip())
    return span[0] + left, span[0] + max(left, len(part.rstrip()))


def _text(article: Article, block: Block) -> str:
    return article.text[block.start : block.pieces[-1][1]]


def _section(article: Article, place: int) -> str:
    path = next((s.path for s in article.sections if s.start <= place < s.end), ())
    return " > ".join(path)


def _cite(article: Article, span: Span) -> Citation:
    start, end = span
    return Citation(
        article_id=article.id,
        title=article.title,
        url=article.url,
        section=_section(article, start),
        start=start,
        end=end,
        quote=article.text[start:end],
    )
