"""Index a folder of articles, learn from solved tickets, and ask two questions from Python."""

import tempfile
from pathlib import Path
from textwrap import indent

from kbsupport import open_app

data = Path(__file__).parents[1] / "data"

with tempfile.TemporaryDirectory() as home, open_app(home=home) as app:
    changes = app.index([data / "articles"])
    print(f"{len(changes.added)} articles, {changes.embedded} texts embedded")
    print(f"{app.learn(data / 'tickets.jsonl').line()}\n")

    for text in ("How long is the reset link valid?", "Please let me talk to a human"):
        reply = app.ask(text)
        print(f"{text}\n  {reply.verdict.outcome}: {reply.verdict.reason}")
        print(indent(reply.text, "  | "))
        for cited in reply.answer.citations if reply.answer else ():
            print(f"  from {cited.article_id}, characters {cited.start} to {cited.end}")
        print()
