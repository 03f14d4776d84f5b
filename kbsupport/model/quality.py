"""What a check of a reply says before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kbsupport.model.flat import Flat


class Fault(StrEnum):
    """What can be wrong with a reply: the closed list documented in docs/quality.md."""

    EMPTY = "empty"
    LENGTH = "length"
    CITATION = "citation"
    QUOTE = "quote"
    PERSONAL_DATA = "personal_data"
    SECRET = "secret"  # noqa: S105 - the name of a fault
    PROMISE = "promise"
    LINK = "link"
    TONE = "tone"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Finding(Flat):
    """One fault at one place of the text; `said` never repeats what must not be read."""

    fault: Fault
    said: str
    start: int
    end: int
    blocks: bool


@dataclass(frozen=True, slots=True)
class Checked(Flat):
    """What was found, and the share of the checks that were passed; a warning counts half."""

    score: float
    findings: tuple[Finding, ...] = ()

    @property
    def passed(self) -> bool:
        """True if nothing stands in the way of sending it."""
        return not any(one.blocks for one in self.findings)

    @property
    def said(self) -> str:
        """What stands in the way, else what is warned of, in words."""
        told = [one for one in self.findings if one.blocks] or self.findings
        return "; ".join(dict.fromkeys(one.said for one in told))

    def to_dict(self) -> dict[str, Any]:
        """As a reply and an event hold it."""
        found = [one.to_dict() for one in self.findings]
        return {"score": self.score, "passed": self.passed, "findings": found}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Checked:
        """What `to_dict` wrote."""
        found = [Finding(**{**one, "fault": Fault(one["fault"])}) for one in row["findings"]]
        return cls(row["score"], tuple(found))
