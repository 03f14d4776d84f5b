"""One line with places for values, compiled once and filled in one pass; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from kbsupport.errors import ConfigError

Fault = Callable[[str], ConfigError]

_TOKEN = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{(?P<name>[^{}\[\]]*)\}|[\[\]{}]")
_DOUBLED = frozenset({"{{", "}}", "[[", "]]"})
_LONGEST = 500
_LONGEST_NAME = 60
# Some scripts join their letters with these two; all other invisible signs only deceive.
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class _Part:
    """Text and names of values by turns; an optional part is left out if it lacks a value."""

    pieces: tuple[str, ...]
    optional: bool

    def filled(self, values: Mapping[str, str]) -> str:
        names = self.pieces[1::2]
        if self.optional and not all(values.get(name) for name in names):
            return ""
        return "".join(
            values.get(piece, "") if place % 2 else piece for place, piece in enumerate(self.pieces)
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One line; values are put in as they are, so that a brace in one of them means nothing."""

    parts: tuple[_Part, ...]

    def filled(self, values: Mapping[str, str]) -> str:
        """The line as a customer reads it."""
        return "".join(part.filled(values) for part in self.parts)


def compile_line(text: str, given: Collection[str], perhaps: Collection[str], fault: Fault) -> Line:
    """The line of this text; `given` are values that are always there, `perhaps` those that may be.

    One that may be missing must stand in an optional part, or the line would show a gap.
    """
    parts = _parts(text, fault)
    for part in parts:
        names = part.pieces[1::2]
        if part.optional and not names:
            said = "holds no value; write [[ and ]] for the signs themselves"
            raise fault(f"[{plain(part.pieces[0])}] {said}")
        for name in names:
            if name not in given and name not in perhaps:
                known = ", ".join(f"{{{one}}}" for one in sorted({*given, *perhaps}))
                raise fault(f"knows no {{{plain(name)}}}; there are {known}")
            if name in perhaps and not part.optional:
                said = "is not always known; put what depends on it in [square brackets]"
                raise fault(f"{{{name}}} {said}")
    return Line(parts)


def _parts(text: str, fault: Fault) -> tuple[_Part, ...]:
    parts, pieces, inside, at = [], [""], False, 0
    for token in _TOKEN.finditer(text):
        pieces[-1] += text[at : token.start()]
        at, sign = token.end(), token[0]
        if sign in _DOUBLED:
            pieces[-1] += sign[0]
        elif token["name"] is not None:
            pieces += [token["name"], ""]
        elif sign == ("]" if inside else "["):
            parts.append(_Part(tuple(pieces), optional=inside))
            pieces, inside = [""], not inside
        else:
            raise fault(f"has a {sign} that does not fit; write {sign * 2} for the sign itself")
    if inside:
        raise fault("has a [ that is never closed; write [[ for the sign itself")
    pieces[-1] += text[at:]
    return (*parts, _Part(tuple(pieces), optional=False))


def plain(value: str | None, longest: int = _LONGEST) -> str:
    """One line of plain text: no line breaks, nothing invisible, and not longer than that."""
    if not value:
        return ""
    # A sign that makes no width may turn round what is read, so it goes; breaks become blanks.
    kept = "".join(
        " " if category in ("Cc", "Zl", "Zp") else sign
        for sign in value[: 4 * longest]
        if (category := unicodedata.category(sign)) not in ("Cf", "Cs", "Cn") or sign in _JOINERS
    )
    one = " ".join(kept.split())
    return one if len(one) <= longest else f"{one[: longest - 1].rstrip()}…"


def plain_name(value: str | None) -> str:
    """A name as it may stand in a greeting; nothing if there is no letter in it."""
    name = plain(value, _LONGEST_NAME)
    return name if any(sign.isalpha() for sign in name) else ""
