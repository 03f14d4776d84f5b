"""What the wording of a message says: language and mood."""

from __future__ import annotations

from typing import Protocol

from kbsupport.adapters.languages import read_language
from kbsupport.errors import MissingExtra
from kbsupport.model import Reading

# A mood shows early, and its library takes its time over long texts.
_READ = 2_000
# Its lexicon is English: in other languages it takes words for what they are not ("die").
_MOODS_IN = frozenset({"en", None})


class PlainReader:
    """Language by small words and letters, sentiment by VADER's lexicon; ready in 30 ms."""

    def __init__(self) -> None:
        self._mood = _Mood()

    def read(self, text: str) -> Reading:
        """Language, None where the text leaves it open, and sentiment from -1 to 1."""
        language, sure = read_language(text)
        sentiment = self._mood(text) if language in _MOODS_IN else 0.0
        return Reading(language=language, language_probability=sure, sentiment=sentiment)


class LinguaReader:
    """Language by lingua, for processes that live long: 230 MB, and a second to wake."""

    def __init__(self, languages: list[str] | None = None, lead: float = 0.1) -> None:
        try:
            from lingua import IsoCode639_1, LanguageDetectorBuilder
        except ImportError as error:
            raise MissingExtra("lingua-language-detector", "languages") from error
        if languages:
            codes = [getattr(IsoCode639_1, code.upper()) for code in languages]
            builder = LanguageDetectorBuilder.from_iso_codes_639_1(*codes)
        else:
            builder = LanguageDetectorBuilder.from_all_languages()
        self._detector = builder.with_minimum_relative_distance(lead).build()
        self._mood = _Mood()

    def read(self, text: str) -> Reading:
        """As the plain reader, but surer of more languages; as silent on a word or two."""
        language, sure = read_language(text)
        beginning = _speakable(text)
        # lingua takes "ok" for Dutch, so what is too short for the plain reader is for it as well.
        if len(beginning.split()) >= _FEWEST_WORDS:
            found = self._detector.detect_language_of(beginning)
            if found is not None:
                language = found.iso_code_639_1.name.lower()
                sure = round(self._detector.compute_language_confidence(beginning, found), 4)
        sentiment = self._mood(text) if language in _MOODS_IN else 0.0
        return Reading(language=language, language_probability=sure, sentiment=sentiment)


_FEWEST_WORDS = 4


class _Scores(Protocol):
    def polarity_scores(self, text: str) -> dict[str, float]: ...


class _Mood:
    def __init__(self) -> None:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        self._lexicon: _Scores = SentimentIntensityAnalyzer()

    def __call__(self, text: str) -> float:
        return round(self._lexicon.polarity_scores(_speakable(text))["compound"], 4)


def _speakable(text: str) -> str:
    """The beginning of a text, without the broken signs that libraries refuse."""
    return text[:_READ].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
