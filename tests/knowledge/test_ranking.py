from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kbsupport.knowledge.ranking import TERM_WEIGHT, centroid_length, fuse, order, vector_scores
from kbsupport.knowledge.vectors import ChromaFault, nearest_exactly, within


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_best_chunk_counts_and_so_does_the_whole_article():
    question = unit([[1, 0]])[0]
    chunks = unit([[1, 0], [0, 1]])
    ((best, mean, about),) = vector_scores([(chunks, centroid_length(chunks))], question)
    assert best == pytest.approx(1)
    assert mean == pytest.approx(0.5)
    assert about == pytest.approx(np.sqrt(0.5))


def test_chunks_that_cancel_out_have_no_centroid():
    chunks = unit([[1, 0], [-1, 0]])
    (scores,) = vector_scores([(chunks, centroid_length(chunks))], unit([[1, 0]])[0])
    assert tuple(scores) == (pytest.approx(1), pytest.approx(0), 0)


def test_the_mean_is_of_the_best_three_alone():
    chunks = unit([[1, 0], [1, 0], [1, 0], [-1, 0], [-1, 0]])
    ((_, mean, _),) = vector_scores([(chunks, centroid_length(chunks))], unit([[1, 0]])[0])
    assert mean == pytest.approx(1)


CHUNKS = st.integers(1, 9).flatmap(
    lambda count: arrays(np.float32, (count, 3), elements=st.floats(-1, 1, width=32))
)


@given(st.lists(CHUNKS, min_size=1, max_size=6))
def test_articles_are_scored_together_as_each_alone(articles):
    held = [(chunks, centroid_length(chunks)) for chunks in articles]
    question = unit([[1, 2, 3]])[0]
    together = vector_scores(held, question)
    for one, row in zip(held, together, strict=True):
        assert vector_scores([one], question)[0].tolist() == pytest.approx(row.tolist())
        cosines = sorted((one[0] @ question).tolist(), reverse=True)
        assert row[:2].tolist() == pytest.approx([cosines[0], np.mean(cosines[:3])])


def test_more_evidence_of_either_kind_never_ranks_lower():
    assert fuse(0.5, 0.5) == 0.5 + TERM_WEIGHT * 0.5
    assert fuse(0.6, 0.5) > fuse(0.5, 0.5)
    assert fuse(0.5, 0.6) > fuse(0.5, 0.5)


@given(st.lists(st.floats(-1, 2)))
def test_places_are_ordered_by_score_and_ties_keep_their_order(scores):
    places = order(scores)
    assert sorted(places) == list(range(len(scores)))
    for one, other in pairwise(places):
        assert (scores[one], other) > (scores[other], one) or scores[one] == scores[other]
        assert scores[one] != scores[other] or one < other


@given(arrays(np.float32, (20, 4), elements=st.floats(-1, 1, width=32)), st.integers(1, 30))
def test_the_exact_scan_is_a_sort(vectors, count):
    question = np.array([1, 0, 0, 0], np.float32)
    rows = np.arange(0, 20, 2)
    found = nearest_exactly(vectors, rows, question, count)
    best = sorted((vectors[rows] @ question).tolist(), reverse=True)[:count]
    assert [score for _, score in found] == pytest.approx(best)
    assert {row for row, _ in found} <= set(rows.tolist())


def test_the_exact_scan_of_nothing_is_nothing():
    assert nearest_exactly(np.zeros((0, 4), np.float32), np.arange(0), np.zeros(4), 5) == []


def test_whatever_goes_wrong_in_chroma_is_one_kind_of_fault():
    class PanicException(BaseException):  # a Rust panic is no Exception
        pass

    def panic():
        raise PanicException("index out of bounds")

    with pytest.raises(ChromaFault, match="index out of bounds"):
        within(1, panic)
    with pytest.raises(ChromaFault, match="no answer within"):
        within(0.01, lambda: __import__("time").sleep(0.5))
    assert within(None, lambda: 7) == 7
