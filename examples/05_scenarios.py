"""Run four scenarios through the whole house: simple, complex, an escalation, many at once."""

import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kbsupport import open_app
from kbsupport.app import App

data = Path(__file__).parents[1] / "data"
AT_ONCE, CONVERSATIONS = 8, 40


def simple(app: App) -> str:
    """One question, one article, one quote."""
    reply = app.ask("How many days do I have to send a Drop back?", conversation_id="simple")
    return (
        f"{reply.verdict.outcome}, {reply.answer.citations[0].article_id if reply.answer else ''}"
    )


def complicated(app: App) -> str:
    """Two things at once, then one of them, then it does not help."""
    outcomes = []
    for text in (
        "How long does delivery to Spain take? And can I pay by bank transfer?",
        "How long does delivery to Spain take?",
        "that did not help, it still has not come",
    ):
        reply = app.ask(text, conversation_id="complicated")
        outcomes.append(f"{reply.verdict.outcome} ({reply.verdict.reason})")
    return ", then ".join(outcomes)


def escalation(app: App) -> str:
    """A person decides, answers, and the customer reads it."""
    reply = app.ask(
        "You took 12.80 twice from my card and I dispute that",
        customer="C-1093",
        conversation_id="escalation",
    )
    waiting = next(w for w in app.desk.list() if w.escalation.ticket_id == reply.ticket_id)
    app.desk.claim(waiting.escalation.id, "lead")
    app.desk.answer(waiting.escalation.id, "lead", "One of the two was a hold and is gone now.")
    (message,) = app.people.unread("escalation")
    app.people.note_read(message)
    return f"{reply.ticket_id} is {app.people.ticket(reply.ticket_id).state}: {message.text!r}"


def many_at_once(app: App) -> str:
    """Conversations side by side; within each, messages keep their order."""

    def talk(number: int) -> list[str | None]:
        texts = ("Can the Hub join my 5 GHz network?", "thanks!")
        return [app.ask(text, conversation_id=f"many-{number}").ticket_id for text in texts]

    begun = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tickets = list(pool.map(talk, range(CONVERSATIONS)))
    seconds = time.perf_counter() - begun
    assert all(first == second for first, second in tickets)
    assert len({first for first, _ in tickets}) == CONVERSATIONS
    return f"{2 * CONVERSATIONS / seconds:.0f} messages a second, none lost"


with tempfile.TemporaryDirectory() as home, open_app(home=home) as app:
    app.index([data / "articles"])
    app.learn(data / "tickets.jsonl")
    app.people.bring_in(data / "customers.csv")
    for scenario in (simple, complicated, escalation, many_at_once):
        print(f"{scenario.__name__}: {scenario(app)}")

    happened = Counter(str(event.type) for event in app.people.events(limit=10_000))
    print("events:", ", ".join(f"{count} {name}" for name, count in sorted(happened.items())))
    assert app.people.without_next_action() == []
    assert app.people.verify().fault is None
    print(f"audit log: {app.people.verify().rows} rows, none changed")
