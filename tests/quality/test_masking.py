import re

import pytest

from kbsupport.model import Customer
from kbsupport.quality.masking import mask, masked_for_log

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def test_what_was_masked_comes_back_as_it_was(personal):
    text = f"Ann (ann@lyssa-water.se, +46 8 5250 0133) sent {TOKEN}; write to ann@lyssa-water.se."
    masked = mask(text, personal, Customer("C-1", "standard", name="Ann Lee", company="Lyssa"))
    assert masked.text == "[NAME_1] ([EMAIL_1], [PHONE_1]) sent [SECRET_1]; write to [EMAIL_1]."
    assert masked.unmask(masked.text) == text
    assert TOKEN not in repr(masked)


def test_several_texts_for_one_reader_share_their_placeholders(personal):
    first = mask("From ann@lyssa-water.se", personal)
    second = mask("To bo@lyssa-water.se, from ann@lyssa-water.se", personal, before=first)
    assert second.text == "To [EMAIL_2], from [EMAIL_1]"
    assert second.unmask(first.text) == "From ann@lyssa-water.se"


def test_a_placeholder_that_somebody_wrote_stands_for_nothing(personal):
    masked = mask("I am [EMAIL_1], or ann@lyssa-water.se", personal)
    assert masked.text == "I am [EMAIL_1], or [EMAIL_2]"
    assert masked.unmask("[EMAIL_1] [EMAIL_2] [EMAIL_3] [CARD_1]") == (
        "[EMAIL_1] ann@lyssa-water.se [EMAIL_3] [CARD_1]"
    )


def test_what_comes_back_is_not_read_again(personal):
    masked = mask("Key [SECRET_2] and password: x[EMAIL_1]9", personal)
    assert masked.unmask(masked.text) == "Key [SECRET_2] and password: x[EMAIL_1]9"


def test_a_log_holds_no_personal_data_and_no_secret():
    said = masked_for_log(
        f"Ann\nann@lyssa-water.se, +46 8 5250 0133, card 4111-1111-1111-1111, "
        f"DE89 3704 0044 0532 0130 00, 81.2.69.142, 2a00:1450:4001:81b::200e, {TOKEN}"
    )
    assert said == "Ann [EMAIL], [NUMBER], card [NUMBER], [IBAN], [IP], [IP], [SECRET]"


def test_a_log_keeps_what_it_is_read_for():
    order = re.compile(r"\b\d{10}\b")
    line = "2026-11-21T10:30:00 OND-1052218 t-4711 took 12.345 ms, order 5403926876"
    assert masked_for_log(line, [order]) == line
    assert masked_for_log("order 5403926876") == "order [NUMBER]"


@pytest.mark.parametrize("text", ["", "\0\ud800", "@" * 5_000, "1" * 1_000_000, "\n" * 100])
def test_no_text_breaks_a_log(text):
    assert len(masked_for_log(text)) <= 2_001
