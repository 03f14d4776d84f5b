"""kill -9 at random moments of intake, claim, answer and sweep: is anything lost or done twice?

A child process works on one home and prints every message once it is acknowledged; after a random
time it is killed. Then the home is looked at, and the next child goes on with it, sending what was
not acknowledged again under the same key.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, write_result
from benchmarks.figures import figure, load_note, show
from kbsupport.app import App, open_app
from kbsupport.errors import Conflict, NotAllowed
from kbsupport.model import Author, State

SEED = 7
TEXTS = (
    "You took 12.80 twice from my card and I dispute that",
    "How many days do I have to send a Drop back?",
    "that did not help, it still does not work",
    "Please let me talk to a human",
)


def work(home: Path, first: int) -> None:
    """The child: ask, claim, answer, sweep, for ever; a line for each thing that is certain."""
    with open_app(home) as app:
        number = first
        while True:
            for turn, text in enumerate(TEXTS):
                key = f"{number}-{turn}"
                reply = app.ask(text, conversation_id=f"v-{number}", key=key, channel="kill")
                tell("asked", key, reply.ticket_id)
            take_one(app)
            app.people.sweep()
            number += 1


def take_one(app: App) -> None:
    """Claim what waits first and answer it."""
    waiting = app.desk.list()
    if not waiting:
        return
    name = waiting[0].escalation.id
    try:
        if waiting[0].escalation.state is State.QUEUED:
            app.desk.claim(name, "lead")
        done = app.desk.answer(name, "lead", f"An answer to {name}.", key=f"answer-{name}")
    except (Conflict, NotAllowed):
        return
    tell("answered", done.escalation_id, done.ticket_id)


def tell(what: str, name: str, ticket: str | None) -> None:
    """Acknowledge; whoever reads this line may rely on it."""
    print(json.dumps([what, name, ticket]), flush=True)


def killed(home: Path, first: int, seconds: float) -> list[list[Any]]:
    """Let a child work for a while, kill it, and give what it acknowledged."""
    command = [sys.executable, __file__, "--work", str(home), str(first)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    lines = [child.stdout.readline()]  # it is at work once the first message is taken
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    lines += child.stdout.readlines()
    child.wait()
    return [json.loads(line) for line in lines if line.endswith("\n")]


def faults(home: Path, told: list[list[Any]]) -> Counter[str]:
    """What is wrong in the home, by what was acknowledged so far."""
    wrong: Counter[str] = Counter()
    with open_app(home) as app:
        everything = {t.id: t for t in app.people.tickets(all_states=True)}
        said = {name: app.people.history(name) for name in everything}
        asked = Counter((m.conversation_id, m.text) for turns in said.values() for m in turns
                        if m.author is Author.CUSTOMER)  # fmt: skip
        for what, name, ticket in told:
            if what == "asked":
                number, turn = name.split("-")
                wrong["lost"] += asked[f"v-{number}", TEXTS[int(turn)]] < 1
            else:
                answers = [m.text for m in said.get(ticket, ()) if m.author is Author.SPECIALIST]
                wrong["lost"] += answers.count(f"An answer to {name}.") < 1
        wrong["doubled"] += sum(count - 1 for count in asked.values())
        for turns in said.values():
            answers = Counter(m.text for m in turns if m.author is Author.SPECIALIST)
            wrong["doubled"] += sum(count - 1 for count in answers.values())
            wrong["order"] += [m.seq for m in turns] != list(range(1, len(turns) + 1))
        wrong["stranded"] += len(app.people.without_next_action())
        wrong["audit"] += app.people.verify().fault is not None
    return wrong


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.work:
        work(Path(flags.work[0]), int(flags.work[1]))
    note, chance = load_note(), random.Random(SEED)
    told: list[list[Any]] = []
    wrong: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with open_app(home) as app:
            app.index([ROOT / "data" / "articles"])
        for number in range(flags.kills):
            # The last conversation may have been cut off: it is sent again, with the same keys.
            last = max(
                (int(name.split("-")[0]) for what, name, _ in told if what == "asked"), default=0
            )
            told += killed(home, last, chance.uniform(0, 1.5))
            found = faults(home, told)
            print(number + 1, len(told), dict(found), flush=True)
            wrong = Counter({name: max(wrong[name], found[name]) for name in wrong | found})
    figures = {
        "lost": figure("acknowledged messages lost", wrong["lost"], "", at_most=0),
        "doubled": figure("messages or answers kept twice", wrong["doubled"], "", at_most=0),
        "order": figure("conversations with a gap", wrong["order"], "", at_most=0),
        "stranded": figure("open tickets that nothing will happen with", wrong["stranded"], "", at_most=0),
        "audit": figure("faults in the audit log", wrong["audit"], "", at_most=0),
        "told": figure("acknowledged in all", len(told), ""),
    }  # fmt: skip
    show(figures)
    said = f"{flags.kills} kills of a process that asks, claims, answers and sweeps."
    print(write_result("kills", figures, "python benchmarks/kills.py", [said, note]))


if __name__ == "__main__":
    main()
