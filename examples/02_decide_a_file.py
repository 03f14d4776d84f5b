"""Learn from the tickets of three months, decide those of the fourth, count what happens."""

import tempfile
from collections import Counter
from pathlib import Path

from kbsupport import open_app
from kbsupport.evaluation.labels import read_labels

OCTOBER = 10
data = Path(__file__).parents[1] / "data"
labels = read_labels(data / "tickets.jsonl")
october = [label for label in labels if label.created_at.month == OCTOBER]
earlier = [label for label in labels if label not in october]

with tempfile.TemporaryDirectory() as home, open_app(home=home) as app:
    app.index([data / "articles"])
    print(app.learn(earlier).line())
    outcomes, wrong = Counter(), 0
    for label in october:
        reply = app.ask(label.text, tier=label.tier, open_ticket=False)
        outcomes[reply.verdict.outcome] += 1
        if reply.verdict.outcome == "resolve":
            wrong += not label.accepts(reply.articles[0])

for outcome, count in outcomes.most_common():
    print(f"{count:4} {outcome}")
print(f"{wrong:4} of those resolved wrongly: nothing was proven, see 04_calibrate_and_explain.py")
