"""Made-up labelled tickets with what was decided for them."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from kbsupport.evaluation.backtest import Judged
from kbsupport.evaluation.labels import AUTO_RESOLVE, ESCALATE, Label
from kbsupport.model import Evidence, Outcome, Reason, Signals, Verdict
from kbsupport.triage.policy import Costs

COSTS = Costs(wrong=30.0, person=6.0, waiting=2.0)
START = datetime(2026, 7, 1, 9, tzinfo=UTC)
_REASONS = {
    Outcome.RESOLVE: Reason.CERTIFIED_THRESHOLD,
    Outcome.CLARIFY: Reason.TWO_CLOSE_ARTICLES,
    Outcome.REPLY: Reason.THANKS,
    Outcome.ESCALATE: Reason.BELOW_THRESHOLD,
}


def judged(
    id="T-1",
    *,
    right=True,
    answerable=True,
    outcome=Outcome.RESOLVE,
    reason=None,
    probability=0.9,
    threshold=None,
    articles=None,
    day=0,
    tier="standard",
    text="Where is it?",
    rule="it was so",
    signals=None,
    **label,
):
    """One ticket; it accepts the article "right", and `right` says if that was found first."""
    label.setdefault("created_at", None if day is None else START + timedelta(days=day))
    expected, accept = (AUTO_RESOLVE, ("right",)) if answerable else (ESCALATE, ())
    return Judged(
        label=Label(id=id, text=text, expected=expected, accept_ids=accept, **label),
        tier=tier,
        verdict=Verdict(outcome, reason or _REASONS[outcome], rule, threshold=threshold),
        articles=articles or (("right", "other") if right else ("other", "right")),
        probability=probability,
        decision_id=f"D-{id}",
        evidence=Evidence(coverage=0.75),
        signals=signals or Signals(),
    )


def tickets(min_size=1, max_size=20):
    """Lists of any tickets at all; few probabilities, so that ties are common."""
    one = st.builds(
        judged,
        right=st.booleans(),
        answerable=st.booleans(),
        outcome=st.sampled_from(Outcome),
        probability=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]),
        threshold=st.sampled_from([None, 0.5, 0.75]),
        tier=st.sampled_from(["standard", "premium"]),
        day=st.one_of(st.none(), st.integers(0, 90)),
    )
    return st.lists(one, min_size=min_size, max_size=max_size)
