"""Prove how often an answer may be wrong, and ask why a question was not answered."""

import tempfile
from pathlib import Path

from kbsupport import open_app

data = Path(__file__).parents[1] / "data"

with tempfile.TemporaryDirectory() as home, open_app(home=home) as app:
    app.index([data / "articles"])
    found = app.calibrate(data / "tickets.jsonl", risk=0.1, confidence=0.95, learn=True)
    print("\n".join(found.lines()), end="\n\n")

    for text in ("Can the Hub join my 5 GHz network?", "Can the Drop measure chlorine?"):
        reply = app.ask(text, open_ticket=False)
        explained = app.explain(reply.decision_id)
        print("\n".join(explained.lines()), end="\n\n")
        same = app.replay(reply.decision_id).same
        print(f"Decided again from what was stored: {'the same' if same else 'another'}\n")
