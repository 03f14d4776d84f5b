import time

import pytest

from kbsupport.errors import ConfigError
from kbsupport.quality.rules import default_rules, parse_rules


def found(patterns, text):
    return [text[start:end] for start, end in patterns.find(text)]


def test_a_table_says_only_what_it_wants_otherwise():
    rules = parse_rules({"promises": {"en": ["no strings attached"]}, "longest": 500}, "ours.toml")
    assert rules.promises["en"] == ("no strings attached",)
    assert rules.promises["de"] == default_rules().promises["de"]
    assert (rules.shortest, rules.longest) == (default_rules().shortest, 500)


@pytest.mark.parametrize(
    "said",
    [
        "I promise you a refund.",
        "We'll guarantee delivery.",
        "This will never happen again!",
        "Wir garantieren Ihnen die Lieferung.",
        "Das kann nie wieder vorkommen.",
        "Nous vous promettons un remboursement.",
        "C’est gratuit à vie.",
        "Wij beloven u een oplossing.",
        "Dit zal nooit meer gebeuren.",
    ],
)
def test_the_shipped_rules_know_promises_in_four_languages(said):
    assert found(default_rules().promised, said)


@pytest.mark.parametrize(
    "said",
    [
        "The guarantee lasts two years.",
        "A promising result.",
        "Die Garantie gilt zwei Jahre.",
        "La garantie dure deux ans.",
        "De garantie geldt twee jaar.",
        "Sign up for the free plan.",
    ],
)
def test_to_speak_of_a_guarantee_is_no_promise(said):
    assert not found(default_rules().promised, said)


def test_rudeness_is_found_as_whole_words_only():
    assert found(default_rules().rude, "That is stupid, and so is die Scheiße.") == [
        "stupid",
        "Scheiße",
    ]
    assert not found(default_rules().rude, "Die Dame aus Scunthorpe isst Grapefruit: no problem.")


def test_a_pattern_ends_where_a_word_does_in_any_script():
    rules = parse_rules({"promises": {"de": ["für immer frei"]}}, "ours.toml")
    assert found(rules.promised, "Sie sind FÜR IMMER FREI.")
    assert not found(rules.promised, "Sie sind für immer freiüber.")


def test_a_list_of_links_holds_hosts_and_all_below_them():
    rules = parse_rules({"links": ["help.acme.example", ".acme.test"]}, "ours.toml")
    assert rules.leads_to("help.acme.example")
    assert rules.leads_to("acme.test")
    assert rules.leads_to("a.b.acme.test")
    for other in ("acme.example", "x.help.acme.example", "evilacme.test"):
        assert not rules.leads_to(other)


def test_a_pattern_that_would_take_for_ever_does_not():
    rules = parse_rules({"promises": {"en": ["(a+)+$", "(a|aa)+b"]}}, "ours.toml")
    begun = time.perf_counter()
    found(rules.promised, "a" * 50_000 + "!")
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("links", ["quality must be a table"]),
        ({"promise": {}}, ["'promise'", "promises, tone"]),
        ({"promises": ["x"]}, ["quality.promises", "must be a table"]),
        ({"promises": {"English": ["x"]}}, ["'English'", "like en"]),
        ({"promises": {"en": "x"}}, ["quality.promises.en", "must be a list"]),
        ({"promises": {"en": ["(we"]}}, ["quality.promises.en", "'(we'", "missing )"]),
        ({"tone": {"de": ["[a-"]}}, ["quality.tone.de", "broken pattern"]),
        ({"promises": {"en": ["(?=we)x"]}}, ["broken pattern", "without look-around"]),
        ({"promises": {"en": [r"(a)\1"]}}, ["broken pattern", "back-references"]),
        ({"promises": {"en": ["(a{900}){900}"]}}, ["broken pattern"]),
        ({"promises": {"en": ["maybe|"]}}, ["broken pattern", "empty text"]),
        ({"promises": {"en": [f"{n}(?:ab{{400}}){{2}}" for n in range(100)]}}, ["too many"]),
        ({"links": ["https://acme.example/"]}, ["quality.links", "is no host"]),
        ({"links": "acme.example"}, ["quality.links", "must be a list"]),
        ({"contacts": [1]}, ["quality.contacts", "must be a list"]),
        ({"longest": -1}, ["quality.longest", "-1"]),
        ({"longest": True}, ["quality.longest", "whole number"]),
        ({"shortest": 20, "longest": 10}, ["quality.shortest", "20"]),
    ],
)
def test_what_is_wrong_is_named(table, words):
    with pytest.raises(ConfigError) as failure:
        parse_rules(table, "ours.toml")
    assert all(word in str(failure.value) for word in ["ours.toml", *words])
