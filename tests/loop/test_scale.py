from hypothesis import given
from hypothesis import strategies as st

from kbsupport.loop.scale import AUDIT, FAILED, QUOTED, WRITTEN, asked_by_alarm, weighed

gains = st.dictionaries(st.integers(1, 30).map("R-{}".format), st.floats(0, 600), min_size=1)


@given(gains, st.data())
def test_whatever_labels_would_settle_each_kind_of_review_keeps_its_place(gains, data):
    failed = data.draw(st.sets(st.sampled_from(sorted(gains))))
    worths = weighed(gains, failed)
    of_failed = [worths[one] for one in failed]
    of_others = [worth for one, worth in worths.items() if one not in failed]
    assert max(of_failed, default=0) < asked_by_alarm(0.0)
    assert all(worth >= FAILED for worth in of_failed)
    assert max(of_others, default=0) < FAILED
    assert all(worth >= AUDIT > WRITTEN > QUOTED for worth in of_others)


def test_of_one_kind_the_label_that_settles_most_doubt_is_worth_most():
    found = weighed({"R-1": 1.0, "R-2": 4.0, "R-3": 2.0}, {"R-3"})
    assert found == {"R-1": 2.25, "R-2": 2.9999, "R-3": 3.5}


def test_the_least_of_failed_answers_comes_before_the_best_of_others_and_after_any_alarm():
    assert weighed({"a": 1, "b": 0}, {"b"}) == {"a": 2.9999, "b": 3.0}
    assert weighed({"a": 1}, {"a"})["a"] < asked_by_alarm(0.0)


def test_where_no_label_settles_anything_none_is_worth_more_than_its_kind():
    assert weighed({"R-1": 0.0, "R-2": 0.0}, {"R-1"}) == {"R-1": 3.0, "R-2": 2.0}
