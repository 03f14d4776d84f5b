"""Intent learnt from labels: sentence vectors beside what the plain rules say of the message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kbsupport.model import Intent
from kbsupport.triage.signals import read_signals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FEWEST_LABELS = 40
# Below this a class is one person's wording, and above it cross-validation can judge it.
_FEWEST_OF_A_KIND = 3
# By 5-fold cross-validation on the sample tickets: 1 and 10 gave a worse log loss.
_LOOSENESS = 3.0
_ROUNDS = 1_000
_FLAGS = (
    "greeting_only", "thanks_only", "spam", "asks_for_person", "complaint", "refund",
    "billing_dispute", "legal", "security", "cancellation", "bug_report", "feature_request",
    "instructions", "urgent", "frustration", "complexity",
)  # fmt: skip
_INTENTS = tuple(Intent)


@dataclass(frozen=True, slots=True)
class IntentModel:
    """Weights of a fitted model; to predict takes numpy alone."""

    intents: tuple[Intent, ...]
    weights: Floats
    offsets: Floats

    def predict(self, vector: Floats, text: str) -> tuple[Intent, float]:
        """The likeliest intent of a message and its probability."""
        scores = self.weights @ _features(vector, text) + self.offsets
        shares = np.exp(scores - scores.max())
        best = int(shares.argmax())
        return self.intents[best], round(float(shares[best] / shares.sum()), 6)

    def reads(self, vector: Floats) -> bool:
        """Say whether it was fitted to vectors of this length, and not to another embedder's."""
        return bool(self.weights.shape[1] == len(vector) + len(_FLAGS) + len(_INTENTS))

    def to_dict(self) -> dict[str, Any]:
        """The model as plain lists."""
        return {
            "intents": [str(intent) for intent in self.intents],
            "weights": self.weights.tolist(),
            "offsets": self.offsets.tolist(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The model that `to_dict` described; ValueError where the lists do not fit together."""
        model = cls(
            intents=tuple(Intent(name) for name in stored["intents"]),
            weights=np.asarray(stored["weights"], dtype=np.float32),
            offsets=np.asarray(stored["offsets"], dtype=np.float32),
        )
        count = len(model.intents)
        if model.weights.ndim != 2 or model.weights.shape[0] != count:  # noqa: PLR2004
            raise ValueError(f"{count} intents do not fit weights of {model.weights.shape}")
        if model.offsets.shape != (count,) or not np.isfinite(model.weights).all():
            raise ValueError("the intent model holds wrong numbers; run: kbsupport calibrate")
        return model


def fit_intents(
    vectors: Floats, texts: Sequence[str], intents: Sequence[Intent | str]
) -> IntentModel | None:
    """A model of these labels, or None: too few, or all of one intent."""
    names = [Intent(intent) for intent in intents]
    enough = {name for name, count in Counter(names).items() if count >= _FEWEST_OF_A_KIND}
    rows = [row for row, name in enumerate(names) if name in enough]
    if len(rows) < FEWEST_LABELS or len(enough) < 2:  # noqa: PLR2004 - one class is no choice
        return None
    from sklearn.linear_model import LogisticRegression

    features = np.stack([_features(vectors[row], texts[row]) for row in rows])
    fitted = LogisticRegression(C=_LOOSENESS, max_iter=_ROUNDS)
    fitted.fit(features, [str(names[row]) for row in rows])
    weights, offsets = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:  # noqa: PLR2004 - of two classes it keeps the second one's only
        weights, offsets = np.vstack([-weights, weights]) / 2, np.hstack([-offsets, offsets]) / 2
    return IntentModel(
        intents=tuple(Intent(name) for name in fitted.classes_),
        weights=weights.astype(np.float32),
        offsets=offsets.astype(np.float32),
    )


def _features(vector: Floats, text: str) -> Floats:
    signals = read_signals(text)
    said = [float(getattr(signals, flag)) for flag in _FLAGS]
    guessed = [float(signals.intent == intent) for intent in _INTENTS]
    return np.concatenate([np.nan_to_num(vector), np.array(said + guessed)]).astype(np.float32)
