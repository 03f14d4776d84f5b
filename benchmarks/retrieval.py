"""Which article comes first: kbsupport's ranking beside each part alone and their plain sum.

Every bench set is indexed into a fresh home; all answerable questions (calibration and test) are
asked. The baselines see the same cleaned articles and the same vectors as the product:

  embeddings   the best cosine of an article's chunks, the title and the seen questions
  TF-IDF       scikit-learn's, words and pairs, over the article's title, text and seen questions
  plain sum    of these two
  vector part  what kbsupport makes of the cosines
  term part    what kbsupport makes of the words
  kbsupport    Library.search, as the product ranks

    python benchmarks/retrieval.py [--part calibration|test]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.common import data_folder, write_result
from kbsupport.adapters.embedders import OnnxEmbedder
from kbsupport.evaluation.labels import Label, read_labels
from kbsupport.evaluation.scores import (
    Interval,
    Place,
    hits,
    paired_interval,
    place_of,
    recall_at,
    top1,
)
from kbsupport.knowledge.indexing import Indexer
from kbsupport.knowledge.library import Library
from kbsupport.knowledge.ranking import vector_scores
from kbsupport.model import Article, Filter
from kbsupport.standing import read_priors
from kbsupport.store.database import Database

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETS = (
    "kb_logingov",
    "kb_mycrypto",
    "clinc_banking",
    "clinc_credit_cards",
    "banking77_val",
    "banking77",
)
PARTS = ("calibration", "test")
MEAN_OF = ("kb_logingov", "kb_mycrypto")
OURS, SUM = "kbsupport", "plain sum"
SINGLES = ("embeddings", "TF-IDF")
RANKINGS = (*SINGLES, SUM, "vector part", "term part", OURS)
BAR = {"top1": 0.79, "recall_at_5": 0.975}
COUNTS = {"top1": 1, "recall_at_5": 5}

Places = dict[str, list[Place]]


def questions(folder: Path, parts: Iterable[str]) -> list[Label]:
    """Read the questions of a set that an article answers."""
    labels = [label for part in parts for label in read_labels(folder / f"{part}.jsonl")]
    return [label for label in labels if label.answerable]


def measure(folder: Path, embedder: OnnxEmbedder, parts: Sequence[str]) -> Places:
    """For each ranking, the place of the first accepted article for each question of a set."""
    asked = questions(folder, parts)
    source = folder / "articles"
    source = source if source.is_dir() else folder / "articles.jsonl"
    with tempfile.TemporaryDirectory() as home:
        database = Database(Path(home) / "kbsupport.db")
        Indexer(database, Path(home) / "index", lambda: embedder).sync([source])
        library = Library(database, Path(home) / "index", lambda: embedder)
        scores = baselines(library, embedder, asked)
        ids = np.array([entry.article_id for entry in library.open().catalog.entries])
        places: Places = {
            name: [place_by_score(row, ids, q) for row, q in zip(matrix, asked, strict=True)]
            for name, matrix in scores.items()
        }
        places[OURS] = [place_as_ranked(library, label) for label in asked]
        library.close()
    return places


def baselines(
    library: Library, embedder: OnnxEmbedder, asked: Sequence[Label]
) -> dict[str, NDArray[np.float64]]:
    """Scores of every ranking but ours: a row for each question, a column for each article."""
    index = library.open()
    rows = range(len(index.catalog.entries))
    articles = {article.id: article for article in library.articles()}
    vectors = embedder.embed([label.text for label in asked])
    held = [index.vectors_of(row) for row in rows]
    cosines = np.stack([vector_scores(held, vector) for vector in vectors])
    tfidf = tfidf_scores([articles[entry.article_id] for entry in index.catalog.entries], asked)
    return {
        "embeddings": cosines[:, :, 0],
        "TF-IDF": tfidf,
        SUM: cosines[:, :, 0] + tfidf,
        "vector part": cosines.mean(axis=2),
        "term part": np.array([index.terms.articles(label.text) for label in asked]),
    }


def tfidf_scores(articles: Sequence[Article], asked: Sequence[Label]) -> NDArray[np.float64]:
    """Cosines of TF-IDF over words and pairs, as one would write it in five lines."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    texts = [" ".join([a.title, a.text, *a.seen_questions]) for a in articles]
    held = vectorizer.fit_transform(texts)
    found: NDArray[np.float64] = (vectorizer.transform([q.text for q in asked]) @ held.T).toarray()
    return found


def place_by_score(scores: NDArray[np.float64], ids: NDArray[np.str_], label: Label) -> Place:
    """How many wrong articles score at least as high as the best right one: ties count against."""
    right = np.isin(ids, label.accept_ids)
    return int((scores[~right] >= scores[right].max()).sum()) if right.any() else None


def place_as_ranked(library: Library, label: Label) -> Place:
    """Find the place in the list that the product makes."""
    weights = read_priors().fresh.ranking
    found = library.search(label.text, library.embed(label.text), Filter(), 1, weights)
    return place_of([match.article_id for match in found.matches], label.accept_ids)


def gap(sets: Sequence[Places], base: str, count: int) -> Interval:
    """Our ranking minus another one."""
    return paired_interval([(hits(p[OURS], count), hits(p[base], count)) for p in sets])


def best_single(sets: Sequence[Places]) -> str:
    """Choose the one of embeddings and TF-IDF with the higher top-1."""
    return max(SINGLES, key=lambda name: np.mean([top1(places[name]) for places in sets]))


def row(title: str, sets: Sequence[Places]) -> dict[str, Any]:
    """Figures of one set, or the mean of several with equal weight."""
    made: dict[str, Any] = {"set": title, "questions": sum(len(places[OURS]) for places in sets)}
    for metric, count in COUNTS.items():
        made[metric] = {
            name: round(float(np.mean([recall_at(places[name], count) for places in sets])), 4)
            for name in RANKINGS
        }
        single = best_single(sets)
        for key, base in (("best_single", single), ("plain_sum", SUM)):
            found = gap(sets, base, count)
            made[f"{metric}_minus_{key}"] = {
                "against": base,
                "difference": round(found.difference, 4),
                "interval_95": [round(found.low, 4), round(found.high, 4)],
            }
    return made


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print top-1 / recall@5 of every ranking, and the differences."""
    print(f"{'set':24}{'n':>6}" + "".join(f"{name:>16}" for name in RANKINGS))
    for one in rows:
        cells = [f"{one['top1'][r]:.3f} / {one['recall_at_5'][r]:.3f}" for r in RANKINGS]
        print(f"{one['set']:24}{one['questions']:>6}" + "".join(f"{cell:>16}" for cell in cells))
    print("\nkbsupport minus the other, with the 95 % interval of a paired bootstrap")
    for one in rows:
        for key in ("best_single", "plain_sum"):
            cells = []
            for metric in COUNTS:
                found = one[f"{metric}_minus_{key}"]
                low, high = found["interval_95"]
                cells.append(f"{metric} {found['difference']:+.3f} [{low:+.3f}, {high:+.3f}]")
            print(f"{one['set']:24} {found['against']:12} {'   '.join(cells)}")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=PARTS, help="only this part, and write nothing")
    flags = parser.parse_args()
    data = data_folder()
    measured: dict[str, Places] = {}
    with tempfile.TemporaryDirectory() as cache:
        embedder = OnnxEmbedder(Path(os.environ.get("KBSUPPORT_MODELS") or cache))
        for name in SETS:
            if data is None or not (data / "bench" / name).is_dir():
                print(f"skipped {name}: no shared bench data", file=sys.stderr)
                continue
            parts = (flags.part,) if flags.part else PARTS
            measured[name] = measure(data / "bench" / name, embedder, parts)
    if not measured:
        return
    rows = [row(name, [places]) for name, places in measured.items()]
    if all(name in measured for name in MEAN_OF):
        rows.insert(0, row("mean of the kb sets", [measured[name] for name in MEAN_OF]))
    show(rows)
    if flags.part is None:
        ours = {metric: rows[0][metric][OURS] for metric in COUNTS}
        figures = {"embedder": embedder.name, "bar": BAR, "kb_mean": ours}
        notes = [
            (
                "Recall@5 misses its bar by one question of the 120 of kb_logingov; one such question "
                "is 0.0042 of the mean. Tried on the calibration parts: reciprocal ranks, z-scores, "
                "letter runs, passage-level terms, other chunk sizes and separators, learned weights, "
                "pseudo-relevance feedback, fp32 vectors. None moved recall there, where it is above "
                "the bar, so nothing more was chosen by looking at the test part."
            ),
            "Each question counts once; the mean gives both kb sets the same weight.",
            "Weights were chosen on the calibration parts, which are a part of these questions.",
        ]
        print(write_result("retrieval", figures, "python benchmarks/retrieval.py", notes, rows))


if __name__ == "__main__":
    main()
