import time
from dataclasses import replace

import pytest

from kbsupport.model import Author, Citation, Customer, Reading
from kbsupport.model.quality import Checked, Fault, Finding
from kbsupport.quality.checking import check
from kbsupport.quality.drafts import Draft
from kbsupport.quality.rules import default_rules, parse_rules

ARTICLE = (
    "Reset the hub: hold the button for 10 seconds. We guarantee two years of service. "
    "Call +46 8 5250 0100 or write to care@lyssa-water.se, or see https://help.lyssa-water.se/hub. "
    "In the example the key is AKIAIOSFODNN7EXAMPLE."
)
QUOTE = "Reset the hub: hold the button for 10 seconds."
CUSTOMER = Customer(
    "C-1", "standard", name="Ann Lee", email="ann@lee-farm.se", phone="08-5250 0133"
)
BOT = Draft(QUOTE, (), {"hub": ARTICLE}, language="en", customer=CUSTOMER)
PERSON = replace(BOT, text="Please hold the button for ten seconds.", by=Author.SPECIALIST)


def cited(quote, article="hub", start=None, url=None):
    at = ARTICLE.find(quote) if start is None else start
    return Citation(article, "Hub", url, "", at, at + len(quote), quote)


BOT = replace(BOT, citations=(cited(QUOTE),), verbatim=True)


def faults(draft, rules=None, personal=None):
    found = check(draft, rules or default_rules(), personal)
    return [(one.fault, draft.text[one.start : one.end], one.blocks) for one in found.findings]


def test_an_answer_that_quotes_an_article_passes(personal):
    assert check(BOT, default_rules(), personal) == Checked(1.0)
    whole = replace(BOT, text=ARTICLE, citations=(cited(ARTICLE),))
    assert check(whole, default_rules(), personal) == Checked(1.0)


def test_what_a_person_writes_needs_no_citation(personal):
    assert check(PERSON, default_rules(), personal) == Checked(1.0)


def test_what_is_checked_survives_being_stored():
    found = check(replace(PERSON, text="I promise: it works!!!"), default_rules())
    assert Checked.from_dict(found.to_dict()) == found
    assert found.score == 0.9
    assert found.passed


def test_the_score_is_the_share_of_checks_passed():
    two = replace(BOT, text=f"{QUOTE} I promise. See https://evil.example/x", verbatim=False)
    assert check(two, default_rules()).score == 0.8


@pytest.mark.parametrize(
    ("citations", "fault", "words"),
    [
        ((), Fault.CITATION, "cites no article"),
        ((cited(QUOTE, "other"),), Fault.CITATION, "no article other"),
        ((cited(QUOTE, start=5),), Fault.CITATION, "stands elsewhere"),
        ((cited("", start=0),), Fault.CITATION, "without a word"),
        ((cited("Reset the hub at once.", start=0),), Fault.QUOTE, "does not say that"),
    ],
)
def test_a_citation_that_is_not_there_and_a_quote_that_is_not_exact_block(citations, fault, words):
    found = check(replace(BOT, citations=citations, verbatim=False), default_rules())
    assert not found.passed
    assert any(one.fault is fault and words in one.said for one in found.findings)


def test_an_answer_of_quotes_says_nothing_beside_them():
    more = replace(BOT, text=f"{QUOTE} Then throw it away.")
    assert faults(more) == [(Fault.QUOTE, " Then throw it away.", True)]
    less = replace(BOT, text="Reset the hub.")
    assert faults(less) == [(Fault.QUOTE, less.text, True), (Fault.LENGTH, less.text, False)]


def test_a_person_is_warned_of_words_that_no_article_has():
    said = 'The article says "hold the button for a whole minute".'
    assert faults(replace(PERSON, text=said, citations=(cited(QUOTE),))) == [
        (Fault.QUOTE, "hold the button for a whole minute", False)
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Your neighbour is bo@lee-farm.se, ask there.", "bo@lee-farm.se"),
        ("Your neighbour has +46 8 5250 0199, ask there.", "+46 8 5250 0199"),
        ("You paid with card 4111 1111 1111 1111, right?", "4111 1111 1111 1111"),
        ("We pay to DE89 3704 0044 0532 0130 00 as agreed.", "DE89 3704 0044 0532 0130 00"),
    ],
)
def test_personal_data_of_others_stops_a_person_too(personal, text, value):
    found = check(replace(PERSON, text=text), default_rules(), personal)
    assert [text[one.start : one.end] for one in found.findings if one.blocks] == [value]
    assert value not in found.findings[0].said


@pytest.mark.parametrize(
    "text",
    [
        "We wrote to ann@lee-farm.se and called (08) 5250 0133.",
        "Call +46 8 5250 0100 (08-5250 0100 from Sweden) or write to Care@lyssa-water.se.",
        "You wrote that bo@lee-farm.se is a new address of yours.",
        "Write to desk@lyssa-water.test or pay to SE45 5000 0000 0583 9825 7466.",
    ],
)
def test_what_the_customer_or_everybody_knows_is_no_finding(personal, text):
    rules = parse_rules({"contacts": ["@lyssa-water.test", "SE4550000000058398257466"]}, "r")
    draft = replace(PERSON, text=text, said="my new address: bo@lee-farm.se")
    assert check(draft, rules, personal) == Checked(1.0)


def test_a_card_is_not_repeated_even_to_whom_it_belongs(personal):
    said = "my card is 4111 1111 1111 1111"
    draft = replace(PERSON, text="Is your card 4111 1111 1111 1111?", said=said)
    assert not check(draft, default_rules(), personal).passed


@pytest.mark.parametrize(
    ("greeting", "warned"),
    [
        ("Dear Bo Berg,", True),
        ("Hallo Bo!", True),
        ("Hi Ann,", False),
        ("Dear Ms Lee,", False),
        ("Hello there,", False),
        ("Guten Tag,", False),
        ("Hello and welcome,", False),
    ],
)
def test_a_person_is_warned_who_greets_somebody_else(greeting, warned):
    found = faults(replace(PERSON, text=f"{greeting}\nplease hold the button."))
    assert [fault for fault, _, _ in found] == [Fault.PERSONAL_DATA] * warned


def test_a_secret_stops_everybody_and_is_not_repeated():
    found = check(replace(PERSON, text="Log in with password: Wasser24!"), default_rules())
    assert found.findings == (Finding(Fault.SECRET, "what looks like a password", 22, 31, True),)
    assert faults(replace(PERSON, text="The example key is AKIAIOSFODNN7EXAMPLE.")) == []


def test_a_promise_stops_the_assistant_and_warns_a_person():
    text = "We guarantee a refund. We guarantee two years of service."
    assert faults(replace(PERSON, text=text)) == [(Fault.PROMISE, "We guarantee", False)]
    assert faults(replace(BOT, text=text, verbatim=False))[0][2]


def test_rude_and_loud_words_are_found():
    rude = replace(PERSON, text="That is stupid. READ THE ARTICLE FIRST PLEASE!!!")
    assert {fault for fault, _, _ in faults(rude)} == {Fault.TONE}
    assert check(rude, default_rules()).passed
    assert not check(replace(rude, by=Author.ASSISTANT), default_rules()).passed


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("https://evil.example/login", "evil.example"),
        ("http://help.lyssa-water.se@evil.example", "evil.example"),
        ("https://evil.example\\@help.lyssa-water.se/", "evil.example"),
        ("https://help.lyssa-water.se.evil.example", "evil.example"),
        ("https://help.lyssa-water.se。evil.example", "evil.example"),
        ("https://HELP.LYSSA-WATER.SE\u200b.evil.example", "evil.example"),
        ("https://hеlp.lyssa-water.se", "hеlp"),
        ("[here](//evil.example/x)", "evil.example"),
        ('<a href="https://evil.example">', "evil.example"),
        ("www.evil-shop.com", "evil-shop"),
        ("evil-shop.com/login", "evil-shop"),
        ("javascript:alert(1)", "opens no page"),
        ("[x](data:text/html;base64,AAAA)", "opens no page"),
        ("ftp://files.evil.example", "evil.example"),
    ],
)
def test_a_link_that_is_not_on_the_list_stops_it(link, host):
    found = check(replace(PERSON, text=f"Please look at {link} for more."), default_rules())
    assert not found.passed
    assert {one.fault for one in found.findings} == {Fault.LINK}
    assert any(host in one.said for one in found.findings)


@pytest.mark.parametrize(
    "link",
    [
        "https://help.lyssa-water.se/other?x=1#top.",
        "help.lyssa-water.se/hub",
        "(https://status.acme.test)",
        "https://shop.example/a",
        "[mail](mailto:ann@lee-farm.se)",
        "[below](#steps)",
        "config.toml, e.g.this, 3.5in or No.5",
    ],
)
def test_links_of_sources_and_those_on_the_list_pass(link):
    rules = parse_rules({"links": [".acme.test"]}, "r")
    draft = replace(
        PERSON, text=f"Look at {link} for more.", known_links=frozenset({"shop.example"})
    )
    assert check(draft, rules) == Checked(1.0)


def test_a_reply_of_a_million_signs_is_stopped_in_a_moment(personal):
    for part in ("word ", "a@b.co ", "We guarantee ", "https://x.yz ", "1", "!!!", "(", '"'):
        draft = replace(PERSON, text=part * (1_000_000 // len(part)))
        begun = time.perf_counter()
        found = check(draft, default_rules(), personal)
        assert time.perf_counter() - begun < 3
        assert any(one.fault is Fault.LENGTH and one.blocks for one in found.findings)
        assert len(found.findings) <= 50


@pytest.mark.parametrize("text", ["", " \n\t", "...", "\u200b", "🙂"])
def test_an_empty_reply_is_stopped(text):
    assert Fault.EMPTY in {
        fault for fault, _, blocks in faults(replace(PERSON, text=text)) if blocks
    }


def test_a_reply_of_links_alone_is_stopped():
    draft = replace(PERSON, text="https://help.lyssa-water.se/hub\nhttps://help.lyssa-water.se/b")
    assert faults(draft) == [(Fault.EMPTY, draft.text, True)]


@pytest.mark.parametrize(
    ("language", "text", "script"),
    [
        ("en", "Пожалуйста, удерживайте кнопку десять секунд.", "cyrillic"),
        ("sv", "请按住按钮十秒钟，然后等待绿色指示灯亮起。", "east asian"),
        ("el", "Please hold the button for ten seconds.", "latin"),
    ],
)
def test_a_reply_in_another_script_is_stopped_and_a_person_warned(language, text, script):
    (one,) = check(replace(PERSON, text=text, language=language), default_rules()).findings
    assert (one.fault, one.blocks) == (Fault.LANGUAGE, False)
    assert script in one.said
    draft = replace(BOT, text=text, language=language, verbatim=False)
    assert not check(draft, default_rules()).passed


def test_a_reply_in_another_language_is_found_where_the_reader_is_sure():
    text = "Halten Sie den Knopf bitte zehn Sekunden lang."
    sure = replace(PERSON, text=text, written=Reading("de", 0.97))
    assert [fault for fault, _, _ in faults(sure)] == [Fault.LANGUAGE]
    assert faults(replace(sure, language="de-AT")) == []
    assert faults(replace(sure, language=None)) == []
    assert faults(replace(sure, written=Reading("de", 0.6))) == []
