import pytest

from kbsupport.model import Reason
from kbsupport.triage.live import ALL_ON, Live, Mode, Suspension

LATER = Suspension("too many wrong answers", "2026-07-01T09:00:00+00:00")


def test_while_all_is_on_nothing_is_held():
    assert ALL_ON.held("standard", "billing") is None


def test_off_for_all_beats_a_topic_that_is_on():
    stopped = ALL_ON.switched(Mode.ON, "billing").switched(Mode.OFF)
    assert stopped.held("standard", "billing").reason is Reason.SWITCHED_OFF
    assert stopped.held("standard", None).reason is Reason.SWITCHED_OFF


def test_topics_go_live_one_by_one_out_of_the_shadow():
    live = ALL_ON.switched(Mode.SHADOW).switched(Mode.ON, "billing")
    assert live.held("standard", "billing") is None
    assert live.held("standard", "shipping").reason is Reason.SHADOW
    assert live.held("standard", None).reason is Reason.SHADOW
    assert live.switched(Mode.OFF, "billing").held("standard", "billing").reason is (
        Reason.SWITCHED_OFF
    )


@pytest.mark.parametrize(
    ("tiers", "topics", "tier", "topic", "held"),
    [
        ((), (), "standard", None, True),
        (("premium",), (), "premium", "billing", True),
        (("premium",), (), "standard", "billing", False),
        ((), ("billing",), "standard", "billing", True),
        ((), ("billing",), "standard", None, False),
    ],
)
def test_a_suspension_holds_what_it_speaks_of(tiers, topics, tier, topic, held):
    live = ALL_ON.with_suspension(Suspension("why", "then", tiers, topics))
    found = live.held(tier, topic)
    assert (found is not None and found.reason is Reason.SUSPENDED) is held
    assert live.lifted().held(tier, topic) is None


def test_it_is_read_back_as_it_was_written():
    live = ALL_ON.switched(Mode.SHADOW, "billing").with_suspension(LATER)
    assert Live.from_dict(live.to_dict()) == live


@pytest.mark.parametrize(
    "row", [None, [], "on", {"all": "on"}, {"all": "maybe", "topics": {}, "suspended": []}]
)
def test_what_cannot_be_read_holds_everything_until_a_switch_is_set(row):
    live = Live.from_dict(row)
    assert "kbsupport switch on" in live.held("standard", None).said
    assert live.switched(Mode.ON).held("standard", None) is None
