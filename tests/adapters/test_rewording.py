import pytest

from kbsupport.adapters.rewording import Flaw, Sentence, can_be_checked, find_flaw, lay_out
from kbsupport.adapters.small_words import small_words

DAYS = "You have 45 days to register the return, and 14 days to hand the parcel in."
VALVE = "You can return a Valve, but not an opened battery."
MAIL = "Write to care@ondula.example or see https://help.ondula.example/returns first."
REFUND = "We refund to the payment method of the order within 7 working days after it arrives."
STEPS = (
    "The Wi-Fi has to be set again:",
    "1. Stand next to the Hub.",
    "2. Open Hub > Network. It may be offline.",
)


def flaw(said, *quotes, language="en", rests_on=(1,)):
    return find_flaw([Sentence(said, rests_on)], quotes, language)


@pytest.mark.parametrize(
    ("said", "quote", "language"),
    [
        ("Hello! You have 45 days to register the return, and then 14 days to hand in the parcel.",
         "You have 45 days to register the return, 14 days to hand in the parcel.", "en"),
        ("14 days to hand the parcel in, and 45 days to register the return, please.", DAYS, "en"),
        ("But not an opened battery: you can return a Valve.", VALVE, "en"),
        ("Within 7 working days after it arrives, we refund to the payment method of the order.",
         REFUND, "en"),
        ("This can't be changed, thanks.", "This cannot be changed.", "en"),
        ("Innerhalb von 14 Tagen bitte zurückgeben.", "Innerhalb von 14 Tagen zurückgeben.", "de"),
        ("Merci. Remboursement: ce n'est pas possible.", "Ce n’est pas possible: remboursement.",
         "fr"),
        ("Het pakket is niet verzekerd.", "Een pakket is niet verzekerd.", "nl-BE"),
        ("El paquete no está asegurado, gracias.", "El paquete no está asegurado.", "es"),
    ],
)  # fmt: skip
def test_other_small_words_another_order_of_clauses_and_politeness_are_fine(said, quote, language):
    assert flaw(said, quote, language=language) is None


@pytest.mark.parametrize(
    ("said", "quote", "found"),
    [
        ("You have 30 days to register the return, and 14 days to hand the parcel in.", DAYS,
         Flaw.NUMBER),
        ("You have 14 days to register the return, and 45 days to hand the parcel in.", DAYS,
         Flaw.COMPANY),
        ("You have 45 days to hand the parcel in, and 14 days to register the return.", DAYS,
         Flaw.COMPANY),
        ("You have 45 days, register. To hand the parcel in, the return, and 14 days.", DAYS,
         Flaw.COMPANY),
        ("You have 45 days to register the return.", DAYS, Flaw.LEFT_OUT),
        ("You can return a Valve, but an opened battery.", VALVE, Flaw.NEGATION),
        ("You can return an opened battery, but not a Valve.", VALVE, Flaw.COMPANY),
        ("You cannot return a Valve, but not an opened battery.", VALVE, Flaw.NEGATION),
        ("You can return a Valve, but not a battery.", VALVE, Flaw.LEFT_OUT),
        ("You must return a Valve, but not an opened battery.", VALVE, Flaw.CONDITION),
        ("You can only return a Valve, but not an opened battery.", VALVE, Flaw.CONDITION),
        ("We can return a Valve, but not an opened battery.", VALVE, Flaw.CONDITION),
        ("You can return a free Valve, but not an opened battery.", VALVE, Flaw.WORD),
        ("You can return a Valve, Hilde, but not an opened battery.", VALVE, Flaw.NAME),
        ("We refund to the payment method of the order within 7 days after it arrives.", REFUND,
         Flaw.NUMBER),
        ("You refund to the payment method of the order within 7 working days after it arrives.",
         REFUND, Flaw.CONDITION),
        ("Plan the way to the Hub.", "Plan the way from the Hub.", Flaw.CONDITION),
        ("The carrier pays the sender.", "The sender pays the carrier.", Flaw.COMPANY),
        ("Write to care@evil.example or see https://help.ondula.example/returns first.", MAIL,
         Flaw.LINK),
        ("Write to care@ondula.example or see https://help.ondula.example/refunds first.", MAIL,
         Flaw.LINK),
        ("Write to care@ondula.example or see [returns](https://help.ondula.example/returns) first",
         MAIL, Flaw.SIGNS),
        ("Write to care@ondula.example or see <a href=x>returns</a> first.", MAIL, Flaw.SIGNS),
        ("Write to c\u0430re@ondula.example or see https://help.ondula.example/returns first.",
         MAIL, Flaw.LINK),
        ("The Hub is\u200b online.", "The Hub is online.", Flaw.SIGNS),
        ("The Hub is \u202eonline.", "The Hub is online.", Flaw.SIGNS),
        ("The Hub\nis online.", "The Hub is online.", Flaw.SIGNS),
        ("The Hub is online\ud800.", "The Hub is online.", Flaw.SIGNS),
        ("Der Hub ist online.", "The Hub is online.", Flaw.WORD),
        ("", "The Hub is online.", Flaw.NOTHING_SAID),
        ("Please, please, please: the Hub is online, thanks.", "The Hub is online.", Flaw.TOO_LONG),
    ],
)  # fmt: skip
def test_whatever_says_something_else_has_a_flaw(said, quote, found):
    assert flaw(said, quote) is found


def test_every_sentence_rests_on_quotes_that_there_are_and_that_say_it():
    assert flaw("The Hub is online.", "The Hub is online.", rests_on=()) is Flaw.UNCITED
    assert flaw("The Hub is online.", "The Hub is online.", rests_on=(0,)) is Flaw.UNCITED
    assert flaw("The Hub is online.", "The Hub is online.", rests_on=(2,)) is Flaw.UNCITED
    swapped = [Sentence("The Hub is online.", (1,)), Sentence("The Valve is shut.", (2,))]
    quotes = ("The Valve is shut.", "The Hub is online.")
    assert find_flaw(swapped, quotes, "en") is Flaw.NAME
    assert find_flaw(swapped[:1], quotes[::-1], "en") is Flaw.LEFT_OUT
    assert find_flaw([], quotes, "en") is Flaw.NOTHING_SAID


def test_steps_stay_steps_in_their_order_and_with_their_numbers():
    said = [
        Sentence("Please set the Wi-Fi again: it has to be.", (1,)),
        Sentence("7. Please stand next to the Hub.", (2,)),
        Sentence("Then open Hub > Network.", (3,)),
        Sentence("It may be offline.", (3,)),
    ]
    whole = [Sentence("The Wi-Fi has to be set again:", (1,)), *said[1:]]
    assert find_flaw(whole, STEPS, "en") is None
    assert lay_out(whole, STEPS) == (
        "The Wi-Fi has to be set again:\n1. Please stand next to the Hub.\n"
        "2. Then open Hub > Network. It may be offline."
    )
    assert find_flaw([whole[0], *whole[2:], whole[1]], STEPS, "en") is Flaw.ORDER
    together = [whole[0], Sentence("Stand next to the Hub. Open Hub > Network.", (2, 3))]
    assert find_flaw(together, STEPS, "en") is Flaw.ORDER


def test_what_follows_a_list_stands_apart_from_it():
    quotes = ("- One way.", "Then wait.")
    said = [Sentence("One way.", (1,)), Sentence("Then wait.", (2,))]
    assert lay_out(said, quotes) == "- One way.\n\nThen wait."


def test_a_language_without_lists_and_rows_of_a_table_are_not_reworded():
    assert can_be_checked(["The Hub is online."], "en-GB")
    assert not can_be_checked(["Keskus on verkossa."], "fi")
    assert not can_be_checked(["The Hub is online."], None)
    assert not can_be_checked(["Visa | yes | no"], "en")
    assert flaw("Keskus on verkossa.", "Keskus on verkossa.", language="fi") is Flaw.LANGUAGE


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "nl"])
def test_no_word_is_free_that_turns_a_sentence(language):
    words = small_words(language)
    assert words.free.isdisjoint(words.turns)
    assert "not" in words.turns.values()


def test_words_that_can_be_read_in_too_many_ways_are_left_alone():
    quote = " ".join(["the same, same the"] * 200)
    assert flaw(quote, quote) in {None, Flaw.COMPANY}
