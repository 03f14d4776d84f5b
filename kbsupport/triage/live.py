"""What may be answered alone right now: one switch for all, one for each topic, suspensions; pure.

The judge and the certificate say what is safe; people say here what they want.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from kbsupport.model import Reason


class Mode(StrEnum):
    """On answers; shadow decides silently beside people; off leaves all to them."""

    ON = "on"
    SHADOW = "shadow"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Held:
    """Why nothing is answered alone, though it could be."""

    reason: Reason
    said: str


@dataclass(frozen=True, slots=True)
class Suspension:
    """What an alarm has taken back, for these tiers and topics; empty stands for all."""

    why: str
    at: str
    tiers: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()

    def covers(self, tier: str, topic: str | None) -> bool:
        """True if it speaks of this question."""
        return (not self.tiers or tier in self.tiers) and (not self.topics or topic in self.topics)

    def to_dict(self) -> dict[str, Any]:
        """As it stands in `live.json`."""
        return {
            "why": self.why, "at": self.at, "tiers": list(self.tiers), "topics": list(self.topics),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Live:
    """How the switches stand; `all` off beats every topic's own switch."""

    all: Mode = Mode.ON
    topics: Mapping[str, Mode] = field(default_factory=dict)
    suspended: tuple[Suspension, ...] = ()
    broken: str | None = None

    def held(self, tier: str, topic: str | None) -> Held | None:
        """Why a question of this tier and topic may not be answered alone; None if it may."""
        if self.broken is not None:
            return Held(Reason.SWITCHED_OFF, self.broken)
        if self.all is Mode.OFF:
            return Held(Reason.SWITCHED_OFF, "all answers are switched off")
        own = None if topic is None else self.topics.get(topic)
        if own is Mode.OFF:
            return Held(Reason.SWITCHED_OFF, f"answers on {topic} are switched off")
        for one in self.suspended:
            if one.covers(tier, topic):
                return Held(Reason.SUSPENDED, one.why)
        if (own or self.all) is Mode.SHADOW:
            where = f"the topic {topic} is" if own else "answers are"
            return Held(Reason.SHADOW, f"{where} in shadow mode")
        return None

    def switched(self, mode: Mode, topic: str | None = None) -> Live:
        """The same with one switch set."""
        if topic is None:
            return replace(self, all=mode, broken=None)
        return replace(self, topics={**self.topics, topic: mode}, broken=None)

    def with_suspension(self, suspension: Suspension) -> Live:
        """The same with one more taken back."""
        return replace(self, suspended=(*self.suspended, suspension))

    def lifted(self) -> Live:
        """The same with nothing suspended."""
        return replace(self, suspended=())

    def to_dict(self) -> dict[str, Any]:
        """`live.json`, and `switch show --json`."""
        return {
            "all": str(self.all),
            "topics": {topic: str(mode) for topic, mode in sorted(self.topics.items())},
            "suspended": [one.to_dict() for one in self.suspended],
        }

    @classmethod
    def from_dict(cls, row: Any) -> Self:
        """Read back what `to_dict` gave; what cannot be read holds everything."""
        try:
            suspended = tuple(
                Suspension(
                    str(one["why"]), str(one["at"]), tuple(one["tiers"]), tuple(one["topics"])
                )
                for one in row["suspended"]
            )
            topics = {str(topic): Mode(mode) for topic, mode in row["topics"].items()}
            return cls(Mode(row["all"]), topics, suspended)
        except (AttributeError, KeyError, TypeError, ValueError):
            return cls.unreadable()

    @classmethod
    def unreadable(cls) -> Self:
        """Nobody knows how the switches stand, so nothing is answered alone."""
        return cls(
            broken="live.json cannot be read, so nothing is answered alone; "
            "set the switch anew: kbsupport switch on"
        )


ALL_ON = Live()
