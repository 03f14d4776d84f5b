"""The same question, asked by different people: filters decide what can be found at all."""

import tempfile
from pathlib import Path

from kbsupport import Audience, open_app

articles = Path(__file__).parents[1] / "data" / "articles"
question = "How many API calls may we make per minute?"

with tempfile.TemporaryDirectory() as home, open_app(home=home) as app:
    app.index([articles])
    for tier in ("standard", "enterprise"):
        reply = app.ask(question, tier=tier, open_ticket=False)
        print(f"{tier:10} {reply.verdict.outcome}: {', '.join(reply.articles[:2])}")

    goodwill = "How much goodwill credit may I give?"
    for audience in Audience:
        reply = app.ask(goodwill, audience=audience, open_ticket=False)
        print(f"{audience:10} {reply.verdict.outcome}: {', '.join(reply.articles[:2])}")
