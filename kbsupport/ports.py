"""What we need from outside: small Protocols, one or two verbs each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kbsupport.model import Answer, Article, Passage, Question, Reading

    Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Texts in, unit vectors out; its name is stored with the index."""

    name: str
    dimension: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length one for each text, whatever else is in the batch."""
        ...


class AnswerWriter(Protocol):
    """Question and passages in, a cited answer out."""

    def write(
        self,
        question: Question,
        article: Article,
        passages: Sequence[Passage],
        relevance: Callable[[str], float],
    ) -> Answer | None:
        """The answer, or None if nothing can be quoted; `relevance` weighs any text, 0…1."""
        ...


class Reader(Protocol):
    """A message in, what its wording says out: language and mood."""

    def read(self, text: str) -> Reading:
        """The reading of any text, however long, empty or broken; it never raises."""
        ...
