"""Labels decided without keeping anything, now and under other rules."""

import labelled
import pytest

from kbsupport.errors import ConfigError, NotProven
from kbsupport.evaluation.labels import read_labels
from kbsupport.model import Outcome, Reason
from kbsupport.store import tickets


@pytest.fixture
def labels(tmp_path):
    def make(made):
        return labelled.write(tmp_path / "labels.jsonl", made)

    return make


FRESH = [
    labelled.row("a", "reset the login of my password", "password"),
    labelled.row("b", "parcel courier is late", "parcel"),
    labelled.row("c", "what about the giraffe in the opera", None),
    labelled.row("d", "I want to talk to a person about my garden sprinkler", None),
]


def test_labels_are_decided_as_the_assistant_decides_them(proven_app, labels):
    file = labels(FRESH)
    backtest = proven_app.backtest(file)
    for one in backtest.judged:
        reply = proven_app.ask(one.label.text, tier=one.tier)
        assert (one.verdict, one.probability) == (reply.verdict, reply.probability)
        assert one.articles == reply.articles
        assert (one.evidence, one.signals) == (reply.evidence, reply.signals)
    assert backtest.counts[Outcome.RESOLVE] == 2
    assert backtest.wrong_ones == ()


def test_a_backtest_keeps_nothing(proven_app, labels):
    proven_app.backtest(labels(FRESH))
    with proven_app.database.read() as connection:
        assert connection.exec_driver_sql("select count(*) from decision").scalar() == 0
        assert tickets.tickets(connection) == []


def test_labels_and_files_give_the_same(proven_app, labels):
    file = labels(FRESH)
    assert proven_app.backtest(read_labels(file)) == proven_app.backtest(file)


def test_past_tickets_are_hidden_while_they_are_asked(proven_app):
    with proven_app.database.read() as connection:
        from kbsupport.store import labels as kept

        past = [one.label for one in kept.load_labels(connection, kept.HISTORY)][:5]
    for one in proven_app.judging.judge(past):
        told = proven_app.ask(one.label.text)
        assert one.evidence.channels.seen_best <= told.evidence.channels.seen_best


def test_an_article_that_cannot_be_quoted_is_not_counted_as_resolved(proven_app, labels):
    proven_app.writer = type("Silent", (), {"write": lambda *_: None})()
    backtest = proven_app.backtest(labels(FRESH))
    assert backtest.counts[Outcome.RESOLVE] == 0
    assert {r.reason for r in backtest.reasons()} >= {Reason.NOTHING_TO_QUOTE}


def test_what_the_system_knows_of_the_labels_is_said(proven_app, labels):
    lost = labelled.row("lost", "where is my boat", "boat")
    familiar = proven_app.familiar(labels([*labelled.rows(), *FRESH, lost]))
    assert familiar.learnt + familiar.proved == len(labelled.rows())
    assert familiar.proved > 0
    assert familiar.unknown_articles == 1
    assert len(familiar.notes()) == 2
    fresh = proven_app.familiar(read_labels(labels(FRESH)))
    assert (fresh.learnt, fresh.proved, fresh.same_file) == (0, 0, False)
    assert fresh.notes() == []


def test_a_file_named_as_the_one_that_proved_is_suspected(proven_app, labels):
    # The fixture was calibrated on a file of the same name.
    familiar = proven_app.familiar(labels(FRESH))
    assert familiar.same_file
    assert "of this name" in familiar.notes()[0]


def test_labels_of_unknown_articles_stay_answerable_and_are_never_right(proven_app, labels):
    backtest = proven_app.backtest(labels([*FRESH, labelled.row("lost", "my boat", "boat")]))
    assert backtest.answerable == 3
    assert backtest.top1 == pytest.approx(2 / 3)


def test_no_labels_at_all_are_refused(proven_app, labels):
    for act in (proven_app.backtest, lambda f: proven_app.whatif(f, costs={"wrong": 1})):
        with pytest.raises(ConfigError, match="no labelled ticket"):
            act(labels([]))


def test_other_costs_flip_nothing_and_change_the_money(proven_app, labels):
    trial = proven_app.whatif(labels(FRESH), costs={"person": 100})
    assert trial.change.flips == ()
    assert trial.change.after.money > trial.change.before.money
    assert trial.change.after.costs.waiting == trial.change.before.costs.waiting


@pytest.mark.parametrize(
    "costs", [{"tears": 1}, {"wrong": -1}, {"wrong": float("nan")}, {"wrong": float("inf")}]
)
def test_costs_that_are_none_are_refused(proven_app, labels, costs):
    with pytest.raises(ConfigError, match="--cost"):
        proven_app.whatif(labels(FRESH), costs=costs)


def test_another_risk_is_proven_again_and_nothing_put_in_force(proven_app, labels, home):
    names = ("judge.json", "certificate.json")
    before = [(home / name).read_bytes() for name in names]
    trial = proven_app.whatif(labels(labelled.rows()), risk=0.3)
    assert trial.bounds["standard"].risk == 0.3
    assert trial.bounds["standard"].threshold is not None
    assert [(home / name).read_bytes() for name in names] == before
    certified = {one.verdict.certificate for one in trial.change.after.judged} - {None}
    assert len(certified) == 1
    assert certified.isdisjoint({proven_app.shelf.standing().certificate.id})


def test_the_same_risk_changes_nothing(proven_app, labels):
    trial = proven_app.whatif(labels(labelled.rows()), risk=0.2)
    assert trial.change.flips == ()


def test_a_risk_that_is_not_proven_is_an_error_with_the_cure(proven_app, labels):
    with pytest.raises(NotProven, match="calibrate FILE --learn"):
        proven_app.whatif(labels(FRESH), risk=0.001)
    with pytest.raises(ConfigError, match="strictly between"):
        proven_app.whatif(labels(FRESH), risk=1)


def test_without_kept_labels_no_risk_is_guessed(plain_app, labels):
    with pytest.raises(NotProven, match="calibrate FILE --learn"):
        plain_app.whatif(labels(FRESH), risk=0.05)


def test_another_policy_is_tried(proven_app, labels, tmp_path):
    policy = tmp_path / "stricter.toml"
    policy.write_text(
        '[tiers.standard]\nrisk = 0.2\n[escalate]\ntopics = ["passwords"]\n', encoding="utf-8"
    )
    trial = proven_app.whatif(labels(FRESH), policy=policy, risk=0.25)
    reasons = {flip.after.label.id: flip.after.verdict.reason for flip in trial.change.flips}
    assert reasons["L-a"] is Reason.TOPIC


def test_a_policy_under_which_nothing_is_proven_says_so(proven_app, labels, tmp_path):
    policy = tmp_path / "strictest.toml"
    policy.write_text("[tiers.standard]\nrisk = 0.001\n", encoding="utf-8")
    trial = proven_app.whatif(labels(FRESH), policy=policy)
    assert trial.uncertified in trial.notes()
    assert not any(one.verdict.certified for one in trial.change.after.judged)


def test_without_a_certificate_policies_are_compared_uncertified(plain_app, labels, tmp_path):
    policy = tmp_path / "other.toml"
    policy.write_text('[escalate]\ntopics = ["passwords"]\n', encoding="utf-8")
    trial = plain_app.whatif(labels(FRESH), policy=policy)
    assert "uncertified" in trial.notes()[0]


def test_a_policy_with_an_unknown_rule_is_refused(proven_app, labels, tmp_path):
    policy = tmp_path / "wild.toml"
    policy.write_text("[escalate]\nwhen_it_rains = true\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="when_it_rains"):
        proven_app.whatif(labels(FRESH), policy=policy)
