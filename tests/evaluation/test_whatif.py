import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judgements import COSTS, judged, tickets

from kbsupport.errors import ConfigError
from kbsupport.evaluation.whatif import compare
from kbsupport.model import Outcome, Reason
from kbsupport.triage.policy import Costs


def test_the_same_decisions_change_nothing():
    same = [judged("1"), judged("2", outcome=Outcome.ESCALATE)]
    change = compare(same, same, COSTS, COSTS)
    assert change.flips == ()
    assert (change.saves, change.saved_by_flips) == (0, 0)
    assert change.summary_lines()[0] == "0 of 2 tickets are decided otherwise"
    assert "<table>" not in change._repr_html_()


def test_each_flip_says_from_what_to_what_and_whether_it_is_better():
    handed_over = {"outcome": Outcome.ESCALATE}
    before = [
        judged("gain", **handed_over),
        judged("harm", right=False, **handed_over),
        judged("loss"),
        judged("relief", right=False),
        judged("still"),
    ]
    after = [
        judged("gain"),
        judged("harm", right=False),
        judged("loss", **handed_over),
        judged("relief", right=False, **handed_over),
        judged("still"),
    ]
    change = compare(before, after, COSTS, COSTS)
    assert [flip.after.label.id for flip in change.flips] == ["gain", "harm", "loss", "relief"]
    for flips, name in (
        (change.became_right, "gain"),
        (change.became_wrong, "harm"),
        (change.no_longer_right, "loss"),
        (change.no_longer_wrong, "relief"),
    ):
        assert [flip.after.label.id for flip in flips] == [name]
    assert change.moves == {
        (Outcome.ESCALATE, Outcome.RESOLVE): 2,
        (Outcome.RESOLVE, Outcome.ESCALATE): 2,
    }
    # 8 + 8 + 0 + 38 before, 0 + 38 + 8 + 8 after
    assert (change.before.money, change.after.money, change.saves) == (54, 54, 0)
    figures = change.to_dict()
    assert figures["counts"] == {
        "flips": 4,
        "became_right": 1,
        "became_wrong": 1,
        "no_longer_right": 1,
        "no_longer_wrong": 1,
    }
    assert figures["flips"][0]["before"]["reason"] == "below_threshold"


def test_another_reason_is_a_flip_and_another_article_only_where_it_is_quoted():
    before = [
        judged("1", outcome=Outcome.ESCALATE),
        judged("2", outcome=Outcome.ESCALATE),
        judged("3"),
    ]
    after = [
        judged("1", outcome=Outcome.ESCALATE, reason=Reason.UNCERTIFIED),
        judged("2", outcome=Outcome.ESCALATE, right=False),
        judged("3", right=False),
    ]
    change = compare(before, after, COSTS, COSTS)
    assert [flip.after.label.id for flip in change.flips] == ["1", "3"]
    assert change.flips[1].became_wrong
    assert change.flips[1].no_longer_right


def test_new_costs_alone_flip_nothing_and_what_they_save_is_told_apart():
    dearer = Costs(wrong=50.0, person=6.0, waiting=2.0)
    wrong, handed_over = judged(right=False), judged(right=False, outcome=Outcome.ESCALATE)
    costs_alone = compare([wrong], [wrong], COSTS, dearer)
    assert (costs_alone.saves, costs_alone.saved_by_flips) == (-20, 0)
    both = compare([wrong], [handed_over], COSTS, dearer)
    assert (both.saves, both.saved_by_flips) == (30, 50)
    assert "the flips alone save 50.00" in both.summary_lines()[-1]
    assert "that costs 20.00" in costs_alone.summary_lines()[-1]


def test_the_order_of_the_files_is_no_change():
    first, second = judged("1", day=1), judged("2", day=2)
    assert compare([first, second], [second, first], COSTS, COSTS).flips == ()


@pytest.mark.parametrize("after", [[], [judged("2")], [judged("1"), judged("2")]])
def test_other_tickets_than_before_are_refused(after):
    with pytest.raises(ConfigError, match="not the same ones"):
        compare([judged("1")], after, COSTS, COSTS)


def test_no_ticket_at_all_is_refused():
    with pytest.raises(ConfigError, match="no labelled ticket"):
        compare([], [], COSTS, COSTS)


def test_nothing_that_strangers_wrote_becomes_markup():
    hostile = "<script>alert(1)</script>"
    before = judged(hostile, text=hostile, outcome=Outcome.ESCALATE)
    page = compare([before], [judged(hostile, text=hostile)], COSTS, COSTS)._repr_html_()
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 2


@given(tickets(), st.data())
def test_money_saved_is_what_the_flips_save(before, data):
    outcomes = data.draw(
        st.lists(st.sampled_from(Outcome), min_size=len(before), max_size=len(before))
    )
    after = [
        dataclasses.replace(one, verdict=dataclasses.replace(one.verdict, outcome=outcome))
        for one, outcome in zip(before, outcomes, strict=True)
    ]
    change = compare(before, after, COSTS, COSTS)
    assert change.saves == pytest.approx(change.saved_by_flips)
    wrong = len(change.became_wrong) - len(change.no_longer_wrong)
    assert change.after.wrong_rate.count - change.before.wrong_rate.count == wrong
    assert len(change.flips) == sum(change.moves.values())
    assert json.dumps(change.to_dict(), allow_nan=False)
    back = compare(after, before, COSTS, COSTS)
    assert len(back.became_right) == len(change.no_longer_right)
    assert back.saves == -change.saves
