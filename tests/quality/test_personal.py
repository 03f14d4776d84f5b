import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kbsupport.quality.numbers import same, telephone_numbers
from kbsupport.quality.personal import Entity, PersonalData, possible
from kbsupport.quality.recognizers import iban_holds

ROOT = Path(__file__).parents[2]
SENTENCES = (
    Path(os.environ.get("KBSUPPORT_BENCH_DATA") or ROOT.parent / "shared" / "data")
    / "pii_presidio"
    / "pii.jsonl"
)


def seen(personal, text):
    return [(one.entity, text[one.start : one.end]) for one in personal.find(text)]


@pytest.mark.parametrize(
    ("entity", "value"),
    [
        (Entity.EMAIL, "ann.lee@lyssa-water.se"),
        (Entity.PHONE, "+46 8 5250 0133"),
        (Entity.PHONE, "(020) 7946 0958"),
        (Entity.PHONE, "0680 298 70 63"),
        (Entity.CARD, "4111 1111 1111 1111"),
        (Entity.CARD, "2223003122003222"),
        (Entity.IBAN, "DE89 3704 0044 0532 0130 00"),
        (Entity.IBAN, "gb29nwbk60161331926819"),
        (Entity.IP, "81.2.69.142"),
        (Entity.IP, "2a00:1450:4001:81b::200e"),
        (Entity.SSN, "536-22-8726"),
    ],
)
def test_personal_data_is_found_whole(personal, entity, value):
    assert seen(personal, f"Ann told us: {value}, as of today.") == [(entity, value)]


@pytest.mark.parametrize(
    "text",
    [
        "Your order OND-1052218 is on its way.",
        "Your order number 5403926876 is on its way; call us about order 12345678.",
        "Ticket t-20261121 was closed on 2026-11-21 at 10:30.",
        "That is 1 250 000 EUR, or $1,250,000.00, or 12.500.000,00 €.",
        "Version 10.15.7 replaces 10.14.6.8345; steps 5 10 15 20 25 30.",
        "Open http://192.168.1.1 or 127.0.0.1 in your browser.",
        "Write to name@example.com.",
        "The card number 4111 1111 1111 1112 is mistyped.",
    ],
)
def test_our_own_numbers_and_those_of_nobody_are_no_personal_data(personal, text):
    assert seen(personal, text) == []


def test_the_look_before_hides_nothing_that_presidio_finds(personal):
    if not SENTENCES.exists():
        pytest.skip("no shared data")
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    hidden = [text for text in texts if not possible(text) and list(personal._look(text, 0))]
    assert hidden == []
    assert sum(map(possible, texts)) < len(texts) / 3  # it is worth looking


def test_a_text_without_any_does_not_load_presidio():
    code = (
        "import sys; from kbsupport.quality.personal import PersonalData\n"
        "assert PersonalData().find('Restart the hub and wait 30 seconds.') == ()\n"
        "assert 'presidio_analyzer' not in sys.modules\n"
        "assert PersonalData().find('ann@lyssa-water.se')\n"
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_value_is_found_wherever_a_long_text_is_cut(personal):
    for before in range(1_660, 2_020, 40):
        text = "word " * (before // 5) + "ann.lee@lyssa-water.se and " + "word " * 900
        assert seen(personal, text) == [(Entity.EMAIL, "ann.lee@lyssa-water.se")]


def test_a_million_signs_of_almost_an_address_take_a_moment(personal):
    assert personal.find("a" * 1_000_000) == ()
    assert personal.find("a" * 20_000 + "@") == ()
    assert len(personal.find("ann@lyssa-water.se " * 2_000)) == 2_000


def test_many_threads_share_one(personal):
    fresh, found = PersonalData(), []
    threads = [
        threading.Thread(target=lambda: found.append(fresh.find("Call +46 8 5250 0133 now")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert set(found) == {personal.find("Call +46 8 5250 0133 now")}


def test_a_number_is_the_same_however_it_begins():
    assert same("4685250133", "085250133"[1:])
    assert same("004685250133", "085250133")
    assert not same("5250133", "5250134")
    assert not same("0133", "46852500133")


def test_what_is_said_before_a_number_decides_where_its_form_does_not():
    assert list(telephone_numbers("My cell: 78651450"))
    assert not list(telephone_numbers("Our count: 78651450"))


def test_a_checksum_tells_an_account_from_a_word():
    assert iban_holds("BE71 0961 2345 6769")
    assert not iban_holds("BE71 0961 2345 6768")
    assert not iban_holds("ＢＥ71096123456769")
