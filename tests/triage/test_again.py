import pytest

from kbsupport.triage.again import not_helped
from kbsupport.triage.signals import read_signals


@pytest.mark.parametrize(
    "text",
    [
        "it still doesn't work",
        "Still not working!",
        "That did not help at all.",
        "tried that, same problem",
        "no luck",
        "That's not what I asked",
        "nothing changed",
        "I restarted the router as you said, the light is still amber",
        "none of the ten codes on the sheet work!!",
        "Das hilft mir nicht",
        "Es funktioniert immer noch nicht",
        "ça ne marche toujours pas",
        "het werkt nog steeds niet",
    ],
)
def test_who_says_that_it_did_not_help_is_understood(text):
    assert read_signals(text).not_helped


@pytest.mark.parametrize(
    "text",
    [
        "can I still send the valve back?",
        "thanks, it works now",
        "is it still possible to change my address",
        "do you still sell the Hub H1?",
        "how do I connect the hub",
        "",
    ],
)
def test_a_question_is_no_complaint_about_an_answer(text):
    assert not not_helped(text.lower())
