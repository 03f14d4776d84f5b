"""What customers read: a sentence for every reason, in words that mean something to them."""

import re
from datetime import UTC, datetime

import pytest

from kbsupport.adapters.readers import PlainReader
from kbsupport.errors import ConfigError
from kbsupport.model import Customer, Order, Outcome, Reason, Signals, Verdict
from kbsupport.replies import Replies

SAID_OTHERWISE = {
    Reason.THANKS, Reason.GREETING, Reason.CERTIFIED_THRESHOLD, Reason.PRIOR_THRESHOLD,
}  # fmt: skip
HANDED_OVER = sorted(set(Reason) - SAID_OTHERWISE)
LANGUAGES = ("en", "de", "fr", "nl")
ELSEWHERE = ("da", "es", "it", "no", "pl", "pt", "sv", "tr")
NOBODY = Customer(None, "standard")
LIEVE = Customer("C-1", "standard", name="Lieve Maertens", language="nl")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LAMP = Order("AB-12345", "C-1", "shipped", "Lamp", expected_on="2026-11-24", tracking="3S-99")
PERSON = {
    "en": r"\b(person|one)\b",
    "de": r"\b(Mensch|Menschen)\b",
    "fr": r"\bpersonne\b",
    "nl": r"\bmedewerker\b",
}
# What we call things among ourselves is nothing to a customer.
OURS = re.compile(
    r"probabilit|threshold|certif|polic|judge|evidence|escalat|passage|outcome|verdict|signal"
    r"|ticket|intent|topic|spam|instruction|legal|frustrat|verif|_",
    re.IGNORECASE,
)
EVERY_LINE = {
    "greeting": "[{name}]", "waiting": "{ticket}[{position}][{by}][{name}][{product}]",
    "passed_on": "{ticket}", "reply.greeting": "Hi[ {name}]",
    "asked_back.two_close_articles": "{first}{second}", "asked_back.missing_detail": "{details}",
    "order.found": "{order}[{state}][{expected}][{tracking}][{product}]",
    "order_state.lost_at_sea": "{order}[{state}]", "outgoing.next": "",
    "outgoing.signature": "[{signed}] {ticket}", "their_language.xx": "words",
    "dates.moment": "{weekday} {day} {month} {year} {time} {zone}",
}  # fmt: skip


def said(outcome, reason, signals=None, titles=("Return a lamp", "Return a valve"), **given):
    verdict = Verdict(outcome, reason, "a rule")
    given = {"customer": NOBODY} | given
    return Replies().words(verdict, signals or Signals(), titles, **given)


def handed(reason, **given):
    return said(Outcome.ESCALATE, reason, **given)


def everything_said(**given):
    asked = [
        said(Outcome.CLARIFY, reason, Signals(missing=("order_number", "product", "ver")), **given)
        for reason in (Reason.TWO_CLOSE_ARTICLES, Reason.SEVERAL_QUESTIONS, Reason.MISSING_DETAIL)
    ]
    courtesies = [said(Outcome.REPLY, r, **given) for r in (Reason.GREETING, Reason.THANKS)]
    trial = handed(Reason.TOPIC, handed_over=False, **given)
    return [*(handed(reason, **given) for reason in Reason), *asked, *courtesies, trial]


def company(folder, text, name="en.toml"):
    (folder / name).write_text(text, encoding="utf-8")
    return Replies(folder)


def speaking(replies, reason=Reason.LEGAL, **given):
    given = {"customer": NOBODY} | given
    return replies.words(Verdict(Outcome.ESCALATE, reason, "a rule"), Signals(), (), **given)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", HANDED_OVER)
def test_whoever_is_handed_over_is_told_that_a_person_will_see_to_it(reason, language):
    assert re.search(PERSON[language], handed(reason, language=language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_nothing_is_handed_over_nobody_is_promised(language):
    (text,) = {handed(one, language=language, handed_over=False) for one in HANDED_OVER}
    assert re.search(PERSON[language], text)
    assert everything_said(language=language).count(text) == 1
    asked = said(Outcome.CLARIFY, Reason.SEVERAL_QUESTIONS, language=language, handed_over=False)
    assert asked == said(Outcome.CLARIFY, Reason.SEVERAL_QUESTIONS, language=language)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_sentence_there_is_in_english_is_there_in_each_language(language):
    english, theirs = everything_said(), everything_said(language=language)
    assert not set(english) & set(theirs)
    # Reasons that share a sentence in one language share it in all.
    assert [theirs.index(one) for one in theirs] == [english.index(one) for one in english]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_customer_reads_a_word_of_ours(language):
    for text in everything_said(language=language):
        assert language != "en" or not OURS.search(text), text
        assert text == text.strip()
        assert text.endswith((".", "?", "!"))
        assert not re.search(r"[{}\[\]]|\bNone\b", text)


def test_a_rule_is_for_staff_and_never_for_the_customer():
    verdict = Verdict(Outcome.ESCALATE, Reason.SPAM, "the message reads as spam")
    assert "spam" not in Replies().words(verdict, Signals(), (), customer=NOBODY)


def test_english_to_somebody_unknown_is_as_it_always_was():
    assert handed(Reason.BILLING_DISPUTE) == (
        "Whether this charge is right has to be checked, so a person will look at it with you."
    )
    assert said(Outcome.REPLY, Reason.GREETING) == "Hello! What can I help you with?"
    assert Replies().waiting("So be it.", ticket="T-1") == "So be it. Your ticket is T-1."


def test_a_reason_never_heard_of_still_brings_a_person():
    assert handed("brand_new") == handed(Reason.BELOW_THRESHOLD)
    assert said(Outcome.CLARIFY, "brand_new").endswith("?")


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_each_language_is_the_one_it_says(language):
    text = " ".join(everything_said(language=language))
    assert PlainReader().read(text).language == language


def test_the_language_is_the_one_told_then_the_one_read_then_the_one_known():
    sure = Signals(language="de", language_probability=0.99)
    unsure = Signals(language="de", language_probability=0.5)
    strange = Signals(language="ja", language_probability=0.99)
    choose = Replies().language_for
    assert choose(sure, LIEVE, "fr-CA") == "fr"
    assert choose(sure, LIEVE) == "de"
    assert choose(unsure, LIEVE) == choose(strange, LIEVE) == "nl"
    assert choose(unsure, NOBODY) == choose(strange, NOBODY) == "en"
    assert handed(Reason.COMPLAINT, signals=sure) == handed(Reason.COMPLAINT, language="de")


@pytest.mark.parametrize(
    "code", ["", "../de", "de/../../etc", "..", "x" * 99, "\0", "é", "deutsch"]
)
def test_what_is_no_language_is_answered_in_english(code, tmp_path):
    replies = company(tmp_path, 'greeting = ""\n')
    assert speaking(replies, language=code) == handed(Reason.LEGAL)


def test_who_reads_no_english_is_told_in_a_language_of_his_own_first():
    spanish, english = handed(
        Reason.LANGUAGE, signals=Signals(language="es", language_probability=0.99)
    ).split("\n\n")
    assert PlainReader().read(spanish).language == "es"
    assert english == handed(Reason.LANGUAGE)
    assert handed(Reason.LANGUAGE, signals=Signals(language="ja")) == english


def test_who_is_answered_in_his_own_language_is_told_once():
    german = handed(Reason.LANGUAGE, language="de")
    assert handed(Reason.LANGUAGE, signals=Signals(language="de", language_probability=1)) == german
    in_doubt = handed(Reason.LANGUAGE, signals=Signals(language="de", language_probability=0.7))
    assert in_doubt == f"{german}\n\n{handed(Reason.LANGUAGE)}"


@pytest.mark.parametrize("language", ELSEWHERE)
def test_each_of_those_sentences_is_in_the_language_it_says(language):
    text = handed(Reason.LANGUAGE, signals=Signals(language=language)).partition("\n\n")[0]
    read = PlainReader().read(text).language
    # Danish and Norwegian are so alike in writing that the reader tells neither for sure.
    assert read == (None if language in ("da", "no") else language)


def test_of_several_questions_the_customer_says_which_comes_first():
    assert "Which one comes first?" in said(Outcome.CLARIFY, Reason.SEVERAL_QUESTIONS, titles=())


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (("order_number",), "your order number"),
        (("product",), "which product it is about"),
        (("order_number", "version"), "your order number and which version you use"),
        (("serial_number",), "serial number"),
        (
            ("order_number", "product", "version"),
            "your order number, which product it is about and which version you use",
        ),
    ],
)
def test_a_missing_detail_is_asked_for_by_its_name(missing, named):
    text = said(Outcome.CLARIFY, Reason.MISSING_DETAIL, Signals(missing=missing), titles=())
    assert f"need to know {named}." in text
    assert text.endswith("?")


def test_of_two_close_articles_both_are_named():
    text = said(Outcome.CLARIFY, Reason.TWO_CLOSE_ARTICLES, titles=("One", "Two", "Three"))
    assert "“One” or “Two”" in text
    assert "Three" not in text


@pytest.mark.parametrize("reason", [Reason.TWO_CLOSE_ARTICLES, Reason.MISSING_DETAIL])
def test_with_nothing_to_name_the_customer_is_asked_for_more(reason):
    assert said(Outcome.CLARIFY, reason, titles=("One",)) == said(Outcome.CLARIFY, "brand_new")


def test_a_name_is_greeted_once():
    bare = handed(Reason.LEGAL, language="en")
    assert handed(Reason.LEGAL, customer=LIEVE, language="en") == f"Hello Lieve Maertens,\n\n{bare}"
    assert said(Outcome.REPLY, Reason.GREETING, customer=LIEVE, language="en") == (
        "Hello Lieve Maertens! What can I help you with?"
    )
    assert "Lieve" not in said(Outcome.REPLY, Reason.THANKS, customer=LIEVE)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("Lieve\r\n\r\nBcc: all@example.com", "Lieve Bcc: all@example.com"),
        ("{ticket}", "{ticket}"),
        ("{0.__class__} [x]", "{0.__class__} [x]"),
        ("Ann\u202ekcab\u0007\0 Bo", "Annkcab Bo"),
        ("  Ann \u2028 Bo ", "Ann Bo"),
        ("A" * 1000, "A" * 59 + "…"),
    ],
)
def test_a_name_is_only_ever_plain_text_on_one_line(name, read):
    text = handed(Reason.LEGAL, customer=Customer("C-1", "standard", name=name))
    assert text.splitlines()[0] == f"Hello {read},"


@pytest.mark.parametrize("name", [None, "", "  ", "\n", "\u200b", "-", "??"])
def test_whoever_has_no_name_to_speak_of_is_not_greeted_by_it(name):
    customer = Customer("C-1", "standard", name=name)
    assert handed(Reason.LEGAL, customer=customer) == handed(Reason.LEGAL)


def test_a_title_with_braces_and_breaks_is_quoted_as_text():
    text = said(Outcome.CLARIFY, Reason.TWO_CLOSE_ARTICLES, titles=("{second}", "[a]\n{{b}}"))
    assert "“{second}” or “[a] {{b}}”" in text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "en",
            (
                "Your ticket is T-1. You are number 2 in line. "
                "A person will write to you by Mon 23 Nov, 11:00 (Europe/Brussels)."
            ),
        ),
        (
            "de",
            (
                "Ihre Ticketnummer ist T-1. Sie stehen in der Warteschlange an Stelle 2. "
                "Bis Mo., 23. November, 11:00 Uhr (Europe/Brussels) schreibt Ihnen jemand aus "
                "unserem Team."
            ),
        ),
        (
            "fr",
            (
                "Votre numéro de ticket est T-1. Vous êtes en position 2 dans la file d'attente. "
                "Une personne vous écrira avant cette échéance : lun. 23 novembre, 11:00 "
                "(Europe/Brussels)."
            ),
        ),
        (
            "nl",
            (
                "Uw ticketnummer is T-1. U bent nummer 2 in de wachtrij. "
                "Een medewerker schrijft u uiterlijk ma 23 november om 11:00 uur (Europe/Brussels)."
            ),
        ),
    ],
)
def test_who_waits_reads_what_happens_next_in_his_own_time(language, text):
    assert Replies().waiting(
        "So.", ticket="T-1", by=MONDAY, position=2, zone="Europe/Brussels", language=language
    ) == f"So. {text}"  # fmt: skip


def test_only_what_is_known_of_the_wait_is_said():
    waiting = Replies().waiting
    assert waiting("So.", ticket="T-1", position=3) == (
        "So. Your ticket is T-1. You are number 3 in line."
    )
    assert waiting("So.", ticket="T-1", by=MONDAY) == (
        "So. Your ticket is T-1. A person will write to you by Mon 23 Nov, 10:00 (UTC)."
    )


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc/passwd", "/etc/passwd", "Europe", "é\0"])
def test_a_time_zone_nobody_knows_is_utc_and_is_called_so(zone):
    assert "10:00 (UTC)" in Replies().waiting("So.", ticket="T-1", by=MONDAY, zone=zone)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_month_and_weekday_has_its_word(language):
    said_of = {
        Replies().waiting("", ticket="T", by=datetime(2026, n, n, tzinfo=UTC), language=language)
        for n in range(1, 13)
    }
    assert len(said_of) == 12


def test_a_message_to_a_busy_person_is_passed_on():
    replies = Replies()
    assert replies.passed_on("T-1") == (
        "Your message was added to T-1; the person who has it will read it."
    )
    assert "who takes it" in replies.passed_on("T-1", taken=False)


def test_an_order_says_where_it_is_when_it_comes_and_what_to_do_if_not():
    text = Replies().order(LAMP, customer=NOBODY)
    assert text == (
        "Your order AB-12345 (Lamp) has been shipped. Expected delivery: Tue 24 Nov 2026.\n"
        "Tracking: 3S-99\n\nIf this is not what you see, just write back and ask for a person."
    )
    german = Replies().order(LAMP, customer=Customer("C-1", "standard", language="de"))
    assert "Di., 24. November 2026" in german


def test_an_order_says_nothing_of_what_nobody_knows():
    bare = Replies().order(Order("AB-12345", None, ""), customer=NOBODY)
    assert bare.startswith("We have your order AB-12345.\n\n")
    odd = Order("AB-12345", None, "stuck in {customs}", expected_on="next\nweek")
    assert "It is now: stuck in {customs}. Expected delivery: next week." in Replies().order(
        odd, customer=NOBODY
    )


def test_a_specialist_is_quoted_to_the_letter():
    text = "1. Do {this}.\n\n   2. Then [that].\n"
    sent = Replies().outgoing(text, customer=LIEVE, ticket="T-1", signed="Ann\nBo", language="en")
    assert sent == (
        f"Hello Lieve Maertens,\n\n{text}\n\nIf this does not solve it, just write back and ask for"
        " a person. Your ticket is T-1.\n\nKind regards,\nAnn Bo"
    )
    unsigned = Replies().outgoing("Yes.", customer=NOBODY, ticket="T-1")
    assert unsigned.startswith("Yes.\n\n")
    assert "regards" not in unsigned


def test_who_is_closed_or_reopened_reads_what_happens_next():
    replies = Replies()
    assert "T-1 is closed" in replies.closed("T-1", customer=NOBODY)
    assert replies.closed("T-1", customer=LIEVE).startswith("Beste Lieve Maertens,\n\nUw ticket")
    again = replies.reopened("T-1", customer=NOBODY, by=MONDAY, position=1)
    assert again.startswith("Your ticket T-1 is open again")
    assert "number 1 in line" in again
    assert "Mon 23 Nov, 10:00 (UTC)" in again


def test_a_company_says_only_what_it_says_otherwise(tmp_path):
    replies = company(tmp_path, '[handed_over]\nlegal = "Our lawyer, a person, reads it."\n')
    assert speaking(replies) == "Our lawyer, a person, reads it."
    assert speaking(replies, Reason.SPAM) == handed(Reason.SPAM)
    assert speaking(replies, language="de") == handed(Reason.LEGAL, language="de")


def test_a_tier_has_words_of_its_own(tmp_path):
    text = '[tier.enterprise.handed_over]\nlegal = "At once."\n[handed_over]\nlegal = "Soon."\n'
    replies = company(tmp_path, text)
    assert speaking(replies) == "Soon."
    assert speaking(replies, customer=Customer("C-1", "enterprise")) == "At once."
    assert speaking(replies, customer=Customer("C-1", "premium")) == "Soon."


def test_a_new_language_is_a_new_file_and_says_the_rest_in_english(tmp_path):
    replies = company(tmp_path, '[handed_over]\nlegal = "Una persona."\n', "es.toml")
    assert speaking(replies, language="es-MX") == "Una persona."
    assert speaking(replies, Reason.SPAM, language="es") == handed(Reason.SPAM)


def test_a_product_is_named_where_only_one_can_be_meant(tmp_path):
    replies = company(tmp_path, '[handed_over]\nlegal = "A person reads this[ on {product}]."\n')
    one, two = (Customer("C-1", "standard", products=p) for p in (("Hub",), ("Hub", "Drop")))
    assert speaking(replies, customer=one) == "A person reads this on Hub."
    assert speaking(replies, customer=two) == "A person reads this."


def test_doubled_signs_stand_for_themselves(tmp_path):
    replies = company(tmp_path, '[handed_over]\nlegal = "{{name}} [[x]][ {name}]"\n')
    assert speaking(replies) == "{name} [x]"


@pytest.mark.parametrize("tier", ["", "tier.gold."])
@pytest.mark.parametrize(("key", "text"), EVERY_LINE.items())
def test_every_line_may_hold_what_it_is_given(key, text, tier, tmp_path):
    *tables, name = f"{tier}{key}".split(".")
    head = f"[{'.'.join(tables)}]\n" if tables else ""
    company(tmp_path, f'{head}{name} = "{text}"\n').check()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("greeting = ", ["not valid TOML", "Invalid value"]),
        ("a = " + "[" * 9999, ["not valid TOML"]),
        ('hello = "x"', ["hello", "is no line of ours", "handed_over"]),
        ('[handed_over]\nlegl = "x"', ["handed_over.legl", "there are", "handed_over.legal"]),
        ('[handed_over.legal]\nx = "x"', ["handed_over.legal.x"]),
        ('[handed_over]\nlegal = "{nam}"', ["handed_over.legal knows no {nam}", "{name}"]),
        ('[handed_over]\nlegal = "{ticket}"', ["handed_over.legal knows no {ticket}"]),
        ('[handed_over]\nlegal = "{name.x}"', ["handed_over.legal knows no {name.x}"]),
        ('[handed_over]\nlegal = "{}"', ["handed_over.legal knows no {}"]),
        ('[handed_over]\nlegal = "Hi {name}"', ["handed_over.legal", "{name}", "[square"]),
        ('[handed_over]\nlegal = "Hi {name"', ["handed_over.legal has a {", "{{"]),
        ('[handed_over]\nlegal = "Hi }"', ["handed_over.legal has a }"]),
        ('[handed_over]\nlegal = "[Hi"', ["handed_over.legal has a [ that is never closed"]),
        ('[handed_over]\nlegal = "[a [b {name}] c]"', ["handed_over.legal has a [ "]),
        ('[handed_over]\nlegal = "[Hi]"', ["handed_over.legal", "[Hi] holds no value"]),
        ('[handed_over]\nlegal = " "', ["handed_over.legal is empty"]),
        ("[handed_over]\nlegal = 3", ["handed_over.legal is 3", "text in quotes"]),
        ('[handed_over]\nlegal = ["x"]', ["handed_over.legal is ['x']"]),
        ('handed_over = "x"', ["handed_over is no line"]),
        ('[dates]\nmonths = ["Jan"]', ["dates.months", "12"]),
        ('[dates]\nweekdays = "Mon"', ["dates.weekdays", "7"]),
        ("a = " + "9" * 9999, ["not valid TOML"]),
        ('"a\\nb" = "x"', ["a b is no line"]),
        ('[handed_over]\nlegal = "{a\\nb}"', ["handed_over.legal knows no {a b}"]),
        ('tier = "x"', ["tier holds tables"]),
        ('[tier]\nenterprise = "x"', ["tier holds tables"]),
        ('[tier.gold.handed_over]\nlegl = "x"', ["tier.gold.handed_over.legl"]),
        ('[tier.gold]\nwaiting = "{x}"', ["tier.gold.waiting knows no {x}"]),
    ],
)
def test_a_wrong_file_is_named_with_the_key_and_the_cure(text, words, tmp_path):
    replies = company(tmp_path, text)
    for read in (replies.check, lambda: speaking(replies)):
        with pytest.raises(ConfigError) as caught:
            read()
        assert "\n" not in str(caught.value)
        assert all(word in str(caught.value) for word in [str(tmp_path / "en.toml"), *words])


def test_a_file_that_is_no_text_is_an_error(tmp_path):
    (tmp_path / "de.toml").write_bytes('greeting = "Grüß"'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"de\.toml is not UTF-8"):
        speaking(Replies(tmp_path), language="de")


def test_a_byte_order_mark_does_no_harm(tmp_path):
    assert speaking(company(tmp_path, '\ufeff[handed_over]\nlegal = "So."\n')) == "So."


def test_a_file_must_be_called_by_its_language(tmp_path):
    with pytest.raises(ConfigError, match=r"deutsch\.toml must be called by its language"):
        company(tmp_path, "", "deutsch.toml").check()


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="no folder of templates"):
        Replies(tmp_path / "none")


def test_a_folder_in_place_of_a_file_is_an_error(tmp_path):
    (tmp_path / "en.toml").mkdir()
    with pytest.raises(ConfigError, match=r"en\.toml cannot be read"):
        Replies(tmp_path).check()


def test_a_tier_that_nobody_has_is_an_error(tmp_path):
    replies = company(tmp_path, '[tier.gold]\nwaiting = "{ticket}"\n')
    replies.check(("standard", "gold"))
    with pytest.raises(ConfigError, match=r"tier\.gold is no tier; there are standard, premium"):
        replies.check(("standard", "premium"))


def test_a_change_is_seen_at_once(tmp_path):
    replies = company(tmp_path, '[handed_over]\nlegal = "One."\n')
    assert speaking(replies) == "One."
    company(tmp_path, '[handed_over]\nlegal = "Another."\n')
    assert speaking(replies) == "Another."
    (tmp_path / "en.toml").unlink()
    assert speaking(replies) == handed(Reason.LEGAL)


def test_a_file_that_breaks_while_it_is_in_use_goes_on_as_it_was_and_is_noted(tmp_path):
    replies = company(tmp_path, '[handed_over]\nlegal = "One."\n')
    replies.check()
    assert replies.notices == ()
    company(tmp_path, "broken")
    company(tmp_path, "broken", "de.toml")
    assert speaking(replies) == "One."
    assert speaking(replies, language="de") == handed(Reason.LEGAL, language="de")
    assert [notice.partition(" is not")[0] for notice in replies.notices] == [
        str(tmp_path / "en.toml"), str(tmp_path / "de.toml"),
    ]  # fmt: skip
    company(tmp_path, '[handed_over]\nlegal = "Mended."\n')
    (tmp_path / "de.toml").unlink()
    assert speaking(replies) == "Mended."
    assert speaking(replies, language="de") == handed(Reason.LEGAL, language="de")
    assert replies.notices == ()
