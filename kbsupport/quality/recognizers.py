"""Presidio without a model: a blank pipeline, and recognisers that tell by shape and checksum."""

from __future__ import annotations

import importlib.abc
import logging
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

from kbsupport.quality.numbers import callable_number, telephone_numbers

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
    from spacy.language import Language

# Presidio and spaCy import these where they are installed, for models that we do not use: 10 s and
# 300 MB on two cores.
_UNUSED = frozenset({"torch", "transformers", "tensorflow", "mxnet", "cupy", "jax", "stanza"})
_IBAN_LENGTHS = range(15, 35)
# Presidio's own pattern leaves out cards that begin with 2, and those of 12 or 19 digits.
_CARD = r"(?<![\w+(-])(?:1800|2131|2[2-7]|3\d|4|5\d|6)(?:[ -]?\d){10,18}(?![\w-])"
_IBAN = r"\b[A-Za-z]{2}\d{2}[A-Za-z0-9]{11,30}\b"


def build(threshold: float) -> AnalyzerEngine:
    """The analyzer with the recognisers that need no model; it takes about a second."""
    with _without_what_is_unused():
        return _build(threshold)


def _build(threshold: float) -> AnalyzerEngine:
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.predefined_recognizers import (
        IbanRecognizer,
        IpRecognizer,
        UsSsnRecognizer,
    )

    # It would log the account number that it could not check.
    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)
    recognizers = [_email(), _phone(), _card(), IbanRecognizer(), _iban(), IpRecognizer(),
                   UsSsnRecognizer()]  # fmt: skip
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=recognizers, supported_languages=["en"]),
        nlp_engine=_blank(),
        supported_languages=["en"],
        default_score_threshold=threshold,
    )


def _blank() -> NlpEngine:
    import spacy
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        """A tokenizer, which is all that words of context need."""

        def __init__(self) -> None:
            super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
            self.nlp: dict[str, Language] = {"en": spacy.blank("en")}  # type: ignore[assignment]

        def load(self) -> None:
            """There is nothing to load."""

    return Blank()


def _email() -> EntityRecognizer:
    import tldextract
    from presidio_analyzer.predefined_recognizers import EmailRecognizer

    # By itself it would ask the network for the list of domains, and write it to a folder.
    domains = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    class Email(EmailRecognizer):
        """Presidio's own, off the network."""

        def validate_result(self, pattern_text: str) -> bool:
            return domains(pattern_text).fqdn != ""

    return Email()


def _phone() -> EntityRecognizer:
    from presidio_analyzer import RecognizerResult
    from presidio_analyzer.predefined_recognizers import PhoneRecognizer

    class Phone(PhoneRecognizer):
        """Presidio's own, and by shape what it misses: numbers of countries it does not ask for."""

        def analyze(
            self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
        ) -> list[RecognizerResult]:
            del nlp_artifacts  # nor does Presidio's own look at them
            found = super().analyze(text, entities)
            known = [one for one in found if callable_number(text, one.start, one.end)]
            return known + [
                RecognizerResult("PHONE_NUMBER", *one) for one in telephone_numbers(text)
            ]

    return Phone()


def _card() -> EntityRecognizer:
    from presidio_analyzer import Pattern
    from presidio_analyzer.predefined_recognizers import CreditCardRecognizer

    return CreditCardRecognizer(patterns=[Pattern("card", _CARD, 0.3)])


def _iban() -> EntityRecognizer:
    from presidio_analyzer import Pattern, PatternRecognizer

    class Iban(PatternRecognizer):
        """In small letters as well; the checksum tells it from anything else."""

        def validate_result(self, pattern_text: str) -> bool:
            return iban_holds(pattern_text)

    return Iban(supported_entity="IBAN_CODE", patterns=[Pattern("iban", _IBAN, 0.3)])


def iban_holds(value: str) -> bool:
    """True if the checksum of an account number is right."""
    bare = re.sub(r"[ -]", "", value).upper()
    if len(bare) not in _IBAN_LENGTHS or not bare.isascii() or not bare.isalnum():
        return False
    return int("".join(str(int(sign, 36)) for sign in bare[4:] + bare[:4])) % 97 == 1


class _Absent(importlib.abc.MetaPathFinder):
    """Says to one thread that some packages are not installed."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        del path, target
        mine = threading.get_ident() == self._thread
        if mine and fullname.partition(".")[0] in _UNUSED:
            raise ModuleNotFoundError(f"{fullname} is not needed here", name=fullname)
        return None


@contextmanager
def _without_what_is_unused() -> Iterator[None]:
    absent = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)
