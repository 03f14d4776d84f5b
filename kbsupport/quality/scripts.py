"""In which script a text is written, and which one a language is written in."""

from __future__ import annotations

import re

_LETTERS = {
    "latin": "A-Za-zÀ-ɏḀ-ỿ",
    "greek": "Ͱ-Ͽἀ-῿",
    "cyrillic": "Ѐ-ԯ",
    "hebrew": "֐-׿",
    "arabic": "؀-ۿݐ-ݿ",
    "indic": "ऀ-෿",
    "thai": "฀-๿",
    "georgian": "Ⴀ-ჿ",
    "armenian": "԰-֏",
    "east asian": "぀-ヿ㐀-䶿一-鿿가-힯",
}
_PATTERNS = {name: re.compile(f"[{letters}]") for name, letters in _LETTERS.items()}
_WRITTEN = {
    "greek": "el", "cyrillic": "ru uk be bg sr mk kk ky mn tg", "hebrew": "he yi",
    "arabic": "ar fa ur ps ug", "indic": "hi mr ne bn pa gu ta te kn ml si", "thai": "th",
    "georgian": "ka", "armenian": "hy", "east asian": "zh ja ko",
    "latin": "en de fr nl es it pt sv da nb nn no fi is pl cs sk hu ro hr sl et lv lt ga cy eu ca "
    "gl tr az uz id ms tl vi sw af sq mt lb la eo",
}  # fmt: skip
_SCRIPT = {language: script for script, said in _WRITTEN.items() for language in said.split()}
_ENOUGH = 12


def foreign_script(text: str, language: str) -> str | None:
    """The script that most of a text is in, if its language is written in another one."""
    wanted = _SCRIPT.get(language)
    if wanted is None:
        return None
    counts = {name: len(letters.findall(text)) for name, letters in _PATTERNS.items()}
    most = max(counts, key=lambda name: counts[name])
    foreign = most != wanted and counts[most] >= _ENOUGH and counts[most] > counts[wanted]
    return most if foreign else None
