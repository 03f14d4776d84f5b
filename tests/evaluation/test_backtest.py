import json
import math
import sys

import pytest
from hypothesis import given
from judgements import COSTS, judged, tickets

from kbsupport.errors import ConfigError, MissingExtra
from kbsupport.evaluation.backtest import RISKS, Backtest
from kbsupport.evaluation.wording import between, headline, percent, summary_lines
from kbsupport.model import Outcome, Reason, Signals


def test_tickets_stand_in_order_of_time_and_those_without_a_time_last():
    backtest = Backtest(
        [judged("c", day=None), judged("b", day=2), judged("d", day=None), judged("a", day=1)],
        COSTS,
    )
    assert [one.label.id for one in backtest.judged] == ["a", "b", "c", "d"]
    assert [moment.day for moment in backtest.period] == [2, 3]
    assert Backtest([judged(day=None)], COSTS).period is None


def test_no_ticket_is_an_error_that_says_what_to_do():
    with pytest.raises(ConfigError, match="no labelled ticket"):
        Backtest([], COSTS)


@pytest.mark.parametrize("probability", [math.nan, math.inf, -0.1, 1.1])
def test_a_probability_that_is_none_is_refused(probability):
    with pytest.raises(ValueError, match="T-9: a probability lies between"):
        judged("T-9", probability=probability)


def test_a_ticket_for_a_person_is_never_answered_rightly():
    one = judged(answerable=False)
    assert one.resolved
    assert one.wrong
    assert not one.right
    assert not one.found


def test_an_answer_not_given_is_not_wrong():
    one = judged(right=False, outcome=Outcome.ESCALATE)
    assert not one.right
    assert not one.wrong
    assert one.found


def test_the_language_is_the_labelled_one_else_the_one_read():
    assert judged(language="de", signals=Signals(language="en")).language == "de"
    assert judged(signals=Signals(language="en")).language == "en"


def test_every_share_has_its_own_base():
    backtest = Backtest(
        [
            judged("1"),
            judged("2", right=False),
            judged("3", outcome=Outcome.ESCALATE),
            judged("4", outcome=Outcome.CLARIFY, right=False),
            judged("5", outcome=Outcome.REPLY, answerable=False),
        ],
        COSTS,
    )
    assert (backtest.tickets, backtest.answerable) == (5, 4)
    assert backtest.auto_resolve_rate.share == 2 / 5
    assert backtest.rightly_resolved.share == 1 / 4
    assert backtest.wrong_rate.share == 1 / 2
    assert backtest.shares[Outcome.CLARIFY] == backtest.shares[Outcome.REPLY] == 1 / 5
    assert (backtest.top1, backtest.recall_at_5) == (2 / 4, 1)
    assert [one.label.id for one in backtest.wrong_ones] == ["2"]
    # right 0, wrong 30 + 6 + 2, to a person 8, asked back 8, thanks 0
    assert backtest.money == 54


def test_a_share_of_nothing_is_none():
    backtest = Backtest([judged(answerable=False, outcome=Outcome.ESCALATE)], COSTS)
    assert backtest.wrong_rate.share is None
    assert backtest.rightly_resolved.share is None
    assert backtest.top1 is backtest.recall_at_5 is backtest.auroc is None
    assert backtest.coverage_at(0.05) == 0
    assert backtest.wrong_rate.to_dict()["low"] is None


def test_auroc_needs_right_ones_and_wrong_ones():
    assert Backtest([judged()], COSTS).auroc is None
    both = [judged("1", probability=0.9), judged("2", right=False, probability=0.2)]
    assert Backtest(both, COSTS).auroc == 1


def test_the_right_article_counts_among_five_and_not_as_the_sixth():
    ranked = ("a", "b", "c", "d", "right")
    assert judged(articles=ranked).found
    assert not judged(articles=("z", *ranked)).found


def test_groups_are_largest_first_and_months_in_order_of_time():
    backtest = Backtest(
        [
            judged("1", topic="billing", day=40),
            judged("2", topic="billing", right=False, day=0),
            judged("3", day=1),
            judged("4", topic="alerts", day=None),
        ],
        COSTS,
    )
    billing, alerts, unnamed = backtest.by("topic")
    assert (billing.name, billing.n, billing.wrong.count, billing.wrong.of) == ("billing", 2, 1, 2)
    assert (alerts.name, unnamed.name) == ("alerts", None)
    assert [one.name for one in backtest.by("month")] == ["2026-07", "2026-08", None]
    assert [one.name for one in backtest.by("week")] == ["2026-W27", "2026-W33", None]
    with pytest.raises(ConfigError, match="'colour'; there are tier, topic, kind"):
        backtest.by("colour")


@given(tickets())
def test_every_ticket_is_in_one_group_and_has_one_reason(judgements):
    backtest = Backtest(judgements, COSTS)
    for key in ("tier", "topic", "kind", "language", "month", "week"):
        assert sum(one.n for one in backtest.by(key)) == backtest.tickets
        assert sum(one.wrong.count for one in backtest.by(key)) == backtest.wrong_rate.count
    assert sum(one.n for one in backtest.reasons()) == backtest.tickets
    assert sum(backtest.counts.values()) == backtest.tickets


def test_reasons_say_how_often_the_best_article_was_right_all_the_same():
    backtest = Backtest(
        [
            judged("1", outcome=Outcome.ESCALATE, reason=Reason.ASKS_FOR_PERSON),
            judged("2", outcome=Outcome.ESCALATE, reason=Reason.ASKS_FOR_PERSON, right=False),
            judged("3"),
        ],
        COSTS,
    )
    first, second = backtest.reasons()
    assert (first.reason, first.n, first.right) == (Reason.ASKS_FOR_PERSON, 2, 1)
    assert (second.outcome, second.n) == (Outcome.RESOLVE, 1)


@given(tickets())
def test_the_figures_are_json_and_the_same_every_time(judgements):
    figures = json.dumps(Backtest(judgements, COSTS).to_dict(), allow_nan=False)
    assert figures == json.dumps(Backtest(judgements, COSTS).to_dict(), allow_nan=False)


def test_the_json_has_what_its_schema_says():
    figures = Backtest([judged("1"), judged("2", right=False, topic="x")], COSTS).to_dict()
    assert figures["wrong"] == {
        "count": 1, "of": 2, "share": 0.5, "low": 0.012579, "high": 0.987421,
    }  # fmt: skip
    assert figures["by"].keys() == {"tier", "topic", "kind", "language", "month"}
    assert figures["ranking"].keys() >= {"top1", "recall@5", "auroc", "coverage@0.01"}
    (wrong,) = figures["wrong_ones"]
    assert (wrong["id"], wrong["article_id"], wrong["accept_ids"]) == ("2", "other", ["right"])
    assert wrong["evidence"]["coverage"] == 0.75


def test_many_tickets_make_no_endless_curves():
    many = [judged(str(n), probability=n / 1000, threshold=0.5) for n in range(1000)]
    figures = Backtest(many, COSTS).to_dict()
    assert len(figures["risk_coverage"]) == len(figures["money"]["curve"]["points"]) == 200
    assert figures["risk_coverage"][-1]["taken"] == 1000


def test_a_table_has_one_row_a_ticket():
    backtest = Backtest([judged("b", day=1, threshold=0.5), judged("a", right=False)], COSTS)
    table = backtest.to_pandas()
    assert list(table["id"]) == ["a", "b"]
    assert list(table["wrong"]) == [True, False]
    assert list(table["money"]) == [38, 0]
    assert list(table["evidence_coverage"]) == [0.75, 0.75]
    assert "signals_urgent" in table.columns


def test_without_pandas_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"pip install 'kbsupport\[notebooks\]'"):
        Backtest([judged()], COSTS).to_pandas()


def resolved(right, wrong, others):
    return Backtest(
        [
            *(judged(f"r{n}") for n in range(right)),
            *(judged(f"w{n}", right=False) for n in range(wrong)),
            *(judged(f"o{n}", outcome=Outcome.ESCALATE) for n in range(others)),
        ],
        COSTS,
    )


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (
            (300, 3, 194),
            ("Of 497 tickets 61 % would have been answered at once; 3 of those 303 answers were "
            "wrong (1.0 %, at most 2.9 % with 95 % confidence)."),
        ),
        (
            (1, 1, 0),
            ("Of 2 tickets 100 % would have been answered at once; 1 of those 2 answers was wrong "
            "(50 %, at most 99 % with 95 % confidence).")
        ),
        (
            (99, 0, 1),
            ("Of 100 tickets 99.0 % would have been answered at once; all 99 answers were right "
            "(wrong at most 3.7 % with 95 % confidence)."),
        ),
        (
            (1, 0, 0),
            ("Of 1 ticket 100 % would have been answered at once; that answer was right "
            "(wrong at most 98 % with 95 % confidence)."),
        ),
        ((0, 0, 1), "Of 1 ticket none would have been answered at once."),
    ],
)  # fmt: skip
def test_the_headline_is_a_sentence_in_plain_words(counts, sentence):
    assert headline(resolved(*counts)) == sentence


def test_a_few_are_never_shown_as_none_nor_many_as_all():
    assert percent(0.0001) == "< 0.1 %"
    assert percent(0.9999) == "> 99.9 %"
    assert (percent(0), percent(1), percent(None)) == ("0 %", "100 %", "–")
    assert (percent(0.0294), percent(0.61), percent(0.95)) == ("2.9 %", "61 %", "95 %")


def test_the_summary_fits_a_terminal_and_tells_the_tiers_apart():
    backtest = Backtest([judged("1", tier="premium"), judged("2", right=False), judged("3")], COSTS)
    lines = summary_lines(backtest)
    assert lines[0] == headline(backtest)
    assert any(line.split()[:2] == ["premium", "1"] for line in lines)
    assert any(line.endswith("5%  10%") for line in lines)
    assert all(line == line.rstrip() and "\n" not in line for line in lines)


@given(tickets())
def test_whatever_the_tickets_there_is_a_summary(judgements):
    backtest = Backtest(judgements, COSTS)
    assert summary_lines(backtest) == summary_lines(Backtest(judgements, COSTS))
    assert between(backtest.auto_resolve_rate)
    covered = [backtest.coverage_at(risk) for risk in RISKS]
    assert covered == sorted(covered)
