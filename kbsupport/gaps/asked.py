"""A question as gaps see it: what people wrote back, what was found and decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kbsupport.model import Label, Outcome, Reason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, and what people wrote back; what a label says is right is never looked at."""

    label: Label
    replies: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The ticket it came with."""
        return self.label.id

    @property
    def text(self) -> str:
        """What was asked."""
        return self.label.text


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """A question beside what the system makes of it now.

    `scores` are those of the articles found, best first; `reply` is the vector of what people
    wrote back, and `rests` the article that says the same.
    """

    asked: Asked
    vector: Vector
    outcome: Outcome
    reason: Reason
    probability: float
    scores: Mapping[str, float]
    certificate: str | None = None
    own_case: float = 0.0
    instructions: bool = False
    reply: Vector | None = None
    rests: str | None = None

    @property
    def articles(self) -> tuple[str, ...]:
        """The articles found, best first."""
        return tuple(self.scores)
