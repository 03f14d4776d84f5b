import json

import numpy as np
import pytest

from kbsupport.model import Intent
from kbsupport.testing import FakeEmbedder
from kbsupport.triage.intent import IntentModel, fit_intents

TEXTS = [f"where is my parcel number {n}" for n in range(30)]
TEXTS += [f"i forgot the password of account {n}" for n in range(30)]
INTENTS = [Intent.ORDER_STATUS] * 30 + [Intent.ACCOUNT] * 30


@pytest.fixture(scope="module")
def vectors():
    return np.asarray(FakeEmbedder().embed(TEXTS), dtype=np.float32)


def test_a_fitted_model_tells_its_classes_apart(vectors):
    model = fit_intents(vectors, TEXTS, INTENTS)
    for row in (0, 45):
        intent, sure = model.predict(vectors[row], TEXTS[row])
        assert intent == INTENTS[row]
        assert 0.5 < sure <= 1


def test_the_weights_give_what_the_library_gives(vectors):
    from sklearn.linear_model import LogisticRegression

    from kbsupport.triage import intent as module

    labels = [*INTENTS[:50], *[Intent.FAQ] * 10]
    model = fit_intents(vectors, TEXTS, labels)
    rows = np.stack([module._features(v, t) for v, t in zip(vectors, TEXTS, strict=True)])
    fitted = LogisticRegression(C=module._LOOSENESS, max_iter=1000).fit(rows, [*map(str, labels)])
    best = fitted.predict_proba(rows).max(axis=1)
    mine = [model.predict(v, t)[1] for v, t in zip(vectors, TEXTS, strict=True)]
    assert np.allclose(best, mine, atol=1e-4)


def test_a_model_survives_being_stored(vectors):
    model = fit_intents(vectors, TEXTS, INTENTS)
    again = IntentModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.predict(vectors[3], TEXTS[3]) == model.predict(vectors[3], TEXTS[3])


def test_too_few_labels_or_one_class_teach_nothing(vectors):
    assert fit_intents(vectors[:20], TEXTS[:20], INTENTS[:20]) is None
    assert fit_intents(vectors, TEXTS, [Intent.FAQ] * 60) is None
    assert fit_intents(vectors[:0], [], []) is None


def test_a_stored_model_of_another_shape_is_refused(vectors):
    stored = fit_intents(vectors, TEXTS, INTENTS).to_dict()
    with pytest.raises(ValueError, match="do not fit"):
        IntentModel.from_dict({**stored, "intents": ["faq"]})
    with pytest.raises(ValueError, match="wrong numbers"):
        IntentModel.from_dict({**stored, "offsets": []})
