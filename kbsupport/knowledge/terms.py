"""The term index: what the words of a question say about articles and passages."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kbsupport.knowledge.chunks import navigates
from kbsupport.knowledge.words import letters, pairs, slug_words, terms, words
from kbsupport.model import Article, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

# benchmarks/retrieval.py says what each of these gives; the result moves little with any of them.
SATURATION = 1.2
PAIR_WEIGHT = 0.25
FIELD_WEIGHTS = {"title": 4.0, "slug": 2.0, "headings": 2.0, "seen": 1.0, "body": 1.0}
LENGTH_WEIGHTS = {"title": 0.3, "slug": 0.3, "headings": 0.3, "seen": 0.6, "body": 0.6}

_PARTS = ("keys", "gains", "starts", "rows", "weights")


@dataclass(frozen=True, slots=True)
class Postings:
    """Term key → the rows that hold it, with finished weights; keys are hashes, so no parsing."""

    keys: NDArray[np.uint64]
    gains: NDArray[np.float32]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    size: int

    def column(self, term: str) -> int | None:
        """Where a term stands, or None if no row holds it."""
        # As uint64: a plain int would make numpy turn all keys into floats, at every call.
        key = np.uint64(_key(term))
        place = int(self.keys.searchsorted(key))
        return place if place < len(self.keys) and self.keys[place] == key else None

    def columns(self, terms: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where those of these terms stand that some row holds, and which of them those are."""
        if not len(self.keys) or not terms:
            return np.zeros(0, np.int64), np.zeros(len(terms), np.bool_)
        keys = np.array([_key(term) for term in terms], np.uint64)
        places = np.minimum(self.keys.searchsorted(keys), len(self.keys) - 1)
        held = self.keys[places] == keys
        return places[held], held

    def add(self, scores: Scores, column: int) -> None:
        """Add one term's weights to the scores of the rows that hold it."""
        part = slice(self.starts[column], self.starts[column + 1])
        scores[self.rows[part]] += self.weights[part]


class TermIndex:
    """Three readings of the same words.

    `articles`: BM25F over title, slug, headings, seen questions and text, 0…1 of what the
    question could attain: the share of the question that the article speaks of.
    `passages`: TF-IDF cosine of words and pairs with each passage.
    `heads`: TF-IDF cosine of letter runs with titles, headings and seen questions.
    """

    def __init__(self, articles: Postings, passages: Postings, heads: Postings) -> None:
        self._articles, self._passages, self._heads = articles, passages, heads

    @classmethod
    def fit(cls, articles: Sequence[Article], passages: Sequence[str]) -> TermIndex:
        """Build from articles (rows in this order) and passage texts (rows in that order)."""
        heads = ["\n".join([a.title, *_headings(a), *a.seen_questions]) for a in articles]
        return cls(_bm25f(articles), tfidf(passages, terms), tfidf(heads, letters))

    def articles(self, question: str) -> Scores:
        """How much of the question each article speaks of, 0…1."""
        index = self._articles
        scores = np.zeros(index.size, np.float32)
        attainable = 0.0
        spoken = words(question)
        for term in dict.fromkeys(spoken + pairs(spoken)):
            column = index.column(term)
            attainable += self._gain(term, column)
            if column is not None:
                index.add(scores, column)
        return scores / np.float32(attainable) if attainable else scores

    def passages(self, question: str) -> Scores:
        """TF-IDF cosine with each passage."""
        return cosines(self._passages, terms(question))

    def heads(self, question: str) -> Scores:
        """Likeness of spelling with each article's title, headings and seen questions."""
        return cosines(self._heads, letters(question))

    def coverage(self, question: str, article: int) -> tuple[int, int, int, float]:
        """Words asked, held by the article, held by none, and the held share by weight."""
        index, asked = self._articles, list(dict.fromkeys(words(question)))
        held = unknown = 0
        held_gain = all_gain = 0.0
        for word in asked:
            column = index.column(word)
            gain = self._gain(word, column)
            all_gain += gain
            unknown += column is None
            if column is not None:
                rows = index.rows[index.starts[column] : index.starts[column + 1]]
                if (rows == article).any():
                    held += 1
                    held_gain += gain
        return len(asked), held, unknown, held_gain / all_gain if all_gain else 0.0

    def word_gain(self, word: str) -> float:
        """How telling a word is: rare words weigh more."""
        return self._gain(word, self._articles.column(word))

    def save(self, path: Path) -> None:
        """Write one file that opens without parsing."""
        arrays: dict[str, Any] = {}
        for name in ("articles", "passages", "heads"):
            arrays |= as_arrays(name, getattr(self, f"_{name}"))
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> TermIndex:
        """Read what `save` wrote; scikit-learn is not needed for it."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return cls(*(from_arrays(name, arrays) for name in ("articles", "passages", "heads")))

    def _gain(self, term: str, column: int | None) -> float:
        gains = self._articles.gains
        if column is not None:
            return float(gains[column])
        # A word that no article holds is as telling as the rarest one that some article does.
        rarest = math.log(1 + (self._articles.size + 0.5) / 0.5)
        return rarest * (PAIR_WEIGHT if " " in term else 1.0)


def as_arrays(name: str, postings: Postings) -> dict[str, Any]:
    """Postings as named arrays of a file that holds others too."""
    arrays = {f"{name}_{part}": getattr(postings, part) for part in _PARTS}
    return arrays | {f"{name}_size": np.int64(postings.size)}


def from_arrays(name: str, arrays: Any) -> Postings:
    """What `as_arrays` gave."""
    keys, gains, starts, rows, weights = (arrays[f"{name}_{part}"] for part in _PARTS)
    return Postings(keys, gains, starts, rows, weights, int(arrays[f"{name}_size"]))


def cosines(index: Postings, found: list[str]) -> Scores:
    """TF-IDF cosine of these terms with each row."""
    counts = Counter(found)
    columns, held = index.columns(list(counts))
    if not len(columns):
        return np.zeros(index.size, np.float32)
    times = np.fromiter(counts.values(), np.float32)[held]
    weights = (1 + np.log(times)) * index.gains[columns]
    # All postings at once: a question has a hundred letter runs, and each numpy call costs.
    begins, ends = index.starts[columns].tolist(), index.starts[columns + 1].tolist()
    parts = [slice(begin, end) for begin, end in zip(begins, ends, strict=True)]
    rows = np.concatenate([index.rows[part] for part in parts])
    products = np.concatenate(
        [index.weights[part] * weight for part, weight in zip(parts, weights, strict=True)]
    )
    norm = math.sqrt(float((weights**2).sum()))
    scores: Scores = np.bincount(rows, products, index.size).astype(np.float32)
    return scores / np.float32(norm)


def tfidf(texts: Sequence[str], analyzer: Callable[[str], list[str]]) -> Postings:
    """TF-IDF of the texts, a row each."""
    from scipy.sparse import csc_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True, dtype=np.float32)
    try:
        matrix = csc_matrix(vectorizer.fit_transform(texts))
    except ValueError:  # no text holds a single term
        return _postings({}, np.zeros(0), csc_matrix((len(texts), 0), dtype=np.float32))
    return _postings(vectorizer.vocabulary_, vectorizer.idf_, matrix)


def _bm25f(articles: Sequence[Article]) -> Postings:
    from scipy.sparse import csc_matrix

    counted = [_count_fields(article) for article in articles]
    lengths = {f: [fields[f][1] for fields in counted] for f in FIELD_WEIGHTS}
    mean = {f: (sum(n) / (sum(1 for x in n if x) or 1)) or 1.0 for f, n in lengths.items()}
    vocabulary: dict[str, int] = {}
    columns, rows, found = [], [], []
    for row, fields in enumerate(counted):
        for term, weight in _weigh_terms(fields, mean).items():
            columns.append(vocabulary.setdefault(term, len(vocabulary)))
            rows.append(row)
            found.append(weight / (SATURATION + weight))
    shape = (len(articles), len(vocabulary))
    matrix = csc_matrix((np.array(found, np.float32), (rows, columns)), shape=shape)
    held = np.diff(matrix.indptr)
    idf = np.log(1 + (len(articles) - held + 0.5) / (held + 0.5))
    gains = idf * np.array([PAIR_WEIGHT if " " in term else 1.0 for term in vocabulary])
    matrix.data *= np.repeat(gains, held).astype(np.float32)
    return _postings(vocabulary, gains, matrix)


def _weigh_terms(
    fields: dict[str, tuple[Counter[str], int]], mean: dict[str, float]
) -> dict[str, float]:
    weights: dict[str, float] = {}
    for field, (counts, length) in fields.items():
        share = LENGTH_WEIGHTS[field]
        scale = FIELD_WEIGHTS[field] / (1 - share + share * length / mean[field])
        for term, times in counts.items():
            weights[term] = weights.get(term, 0.0) + scale * times
    return weights


def _count_fields(article: Article) -> dict[str, tuple[Counter[str], int]]:
    lines = {
        "title": [article.title],
        "slug": [slug_words(article.id)],
        "headings": _headings(article),
        "seen": list(article.seen_questions),
        "body": [line for section in _speaking(article) for line in _lines(article, section)],
    }
    counted = {}
    for field, texts in lines.items():
        counts: Counter[str] = Counter()
        length = 0
        for text in texts:
            found = words(text)
            counts.update(found)
            counts.update(pairs(found))
            length += len(found)
        counted[field] = (counts, length)
    return counted


def _headings(article: Article) -> list[str]:
    return [section.path[-1] for section in _speaking(article) if section.path]


def _speaking(article: Article) -> list[Section]:
    """The sections that say something themselves; titles of other articles would mislead."""
    whole = Section(path=(), start=0, end=len(article.text))
    return [s for s in article.sections or (whole,) if not navigates(article, s)]


def _lines(article: Article, section: Section) -> list[str]:
    return article.text[section.start : section.end].splitlines()


def _postings(vocabulary: dict[str, int], gains: Any, matrix: Any) -> Postings:
    """A column-wise matrix with its columns put in the order of their keys."""
    names = sorted(vocabulary, key=vocabulary.__getitem__)
    keys = np.array([_key(name) for name in names], dtype=np.uint64)
    order = np.argsort(keys)
    matrix = matrix[:, order] if len(order) else matrix
    return Postings(
        keys=keys[order],
        gains=np.asarray(gains, np.float32)[order],
        starts=matrix.indptr.astype(np.int64),
        rows=matrix.indices.astype(np.int32),
        weights=matrix.data.astype(np.float32),
        size=matrix.shape[0],
    )


# Letter runs and common words come again with every question.
@lru_cache(maxsize=32_768)
def _key(term: str) -> int:
    digest = hashlib.blake2b(term.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
