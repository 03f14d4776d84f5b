"""For tests, ours and a plugin author's: a fake embedder, and what every embedder must keep to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from kbsupport.ports import Embedder, Vectors

_WORD = re.compile(r"\w+")
_NEARLY = 1e-4
# Empty, endless, several scripts, half a surrogate pair: all of these arrive in real mail.
_TEXTS = (
    "How do I get my money back?",
    "my card has not arrived yet",
    "Wie ändere ich meine Adresse?",
    "返品はどうすればいいですか",
    "",
    "word " * 5_000,
    "a broken \ud800 character",
)


class FakeEmbedder:
    """Texts that share words are near: fast, without a model, the same on every machine."""

    name = "fake"
    dimension = 32

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The sum of one fixed direction a word, scaled to length one."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            # A text without words has a direction too: no vector may be all zeros.
            for word in _WORD.findall(text.lower()) or [""]:
                vectors[row] += _direction(word, self.dimension)
            vectors[row] /= np.linalg.norm(vectors[row])
        return vectors


def check_embedder(embedder: Embedder) -> None:
    """Raise AssertionError with a reason unless this embedder keeps the contract of the port."""
    assert isinstance(embedder.name, str), "`name` must be a string"
    assert embedder.name, "`name` must say which model this is: it is stored with the index"
    nothing = embedder.embed([])
    assert nothing.shape == (0, embedder.dimension), "no texts must give no rows, and still a width"
    together = embedder.embed(_TEXTS)
    assert together.shape == (len(_TEXTS), embedder.dimension), "one row a text, `dimension` wide"
    assert together.dtype == np.float32, f"vectors must be float32, not {together.dtype}"
    assert np.isfinite(together).all(), "every number must be finite"
    lengths = np.linalg.norm(together, axis=1)
    assert np.allclose(lengths, 1, atol=_NEARLY), "every vector must have length one"
    assert np.array_equal(together, embedder.embed(_TEXTS)), "the same texts, the same vectors"
    for text, row in zip(_TEXTS, together, strict=True):
        alone = embedder.embed([text])[0]
        assert np.allclose(alone, row, atol=_NEARLY), (
            f"{text[:30]!r} has another vector when it is not alone in its batch"
        )


def _direction(word: str, dimension: int) -> Vectors:
    seed = hashlib.sha256(word.encode("utf-8", "replace")).digest()[:8]
    drawn = np.random.default_rng(int.from_bytes(seed, "little")).normal(size=dimension)
    return drawn.astype(np.float32)
