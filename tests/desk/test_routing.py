import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.desk.routing import nearest, route, spoken

TOPICS = st.sampled_from(("billing", "returns", "other", "delivery"))
SHARES = st.dictionaries(TOPICS, st.floats(0, 1))
FOUND = st.lists(st.tuples(st.none() | TOPICS, st.floats(-1e6, 1e6)), max_size=12)
COUNTS = st.dictionaries(TOPICS, st.integers(0, 50))


@given(SHARES, FOUND, COUNTS)
def test_a_topic_is_one_that_something_spoke_for(modelled, found, worded):
    routed = route(modelled, found, worded)
    spoke = {*modelled, *worded, *(topic for topic, _ in found if topic is not None)}
    assert routed.topic in (spoke or {None})
    assert 0 <= routed.probability <= 1 + 1e-9


@given(SHARES, FOUND, COUNTS)
def test_the_order_in_which_things_are_found_decides_nothing(modelled, found, worded):
    forth, back = route(modelled, found, worded), route(modelled, found[::-1], worded)
    assert forth.topic == back.topic
    assert forth.probability == pytest.approx(back.probability)


def test_where_nothing_is_near_nothing_is_said():
    routed = route({}, [(None, 3.0)])
    assert (routed.topic, routed.probability) == (None, 0.0)
    assert "nothing" in routed.why


def test_articles_alone_decide_where_nothing_was_learnt():
    assert route({}, [("billing", 9.0), ("returns", 4.0), ("returns", 3.0)]).topic == "billing"


def test_the_nearest_texts_outvote_a_weak_article():
    routed = route({"other": 0.9, "billing": 0.1}, [("billing", 1.0), ("returns", 0.9)])
    assert routed.topic == "other"
    assert "nearest texts 90%" in routed.why


def test_the_companys_own_words_decide_between_equals():
    found = [("billing", 1.0), ("returns", 1.0)]
    assert route({}, found, {"returns": 1}).topic == "returns"


def test_a_word_counts_where_a_word_begins_with_it_and_once():
    words = {"billing": ("invoice", "vat"), "orders": ("gift", "gift card"), "none": ()}
    said = spoken(words, "Two INVOICES, an invoice, a private gift  card")
    assert said == {"billing": 1, "orders": 1}


def test_the_nearest_past_ticket_has_the_heaviest_vote():
    vectors = np.eye(3, dtype=np.float32)
    votes = nearest(np.array([0.9, 0.3, 0.3], np.float32), vectors, ["a", "b", "b"])
    assert votes["a"] > 0.9
    assert sum(votes.values()) == pytest.approx(1)
    assert nearest(vectors[0], np.zeros((0, 3), np.float32), []) == {}
