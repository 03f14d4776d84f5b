"""Decide a file of tickets and count what would happen to them."""

import json
import tempfile
from collections import Counter
from pathlib import Path

from kbsupport import open_app

data = Path(__file__).parents[1] / "data"
tickets = [json.loads(line) for line in (data / "tickets.jsonl").read_text().splitlines()[:60]]

with tempfile.TemporaryDirectory() as home, open_app(home=home) as app:
    app.index([data / "articles"])
    outcomes = Counter(
        app.ask(ticket["text"], tier=ticket["tier"], open_ticket=False).verdict.outcome
        for ticket in tickets
    )

for outcome, count in outcomes.most_common():
    print(f"{count:4} {outcome}")
