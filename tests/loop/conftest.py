from dataclasses import dataclass

import pytest

ASKED = "how do i reset the password"
RATED = {"audit_share": 1.0}


@dataclass
class Loop:
    """An app over few articles that proves what it answers, and what one does with it there."""

    app: object

    def ask(self, text=ASKED, **given):
        return self.app.ask(text, customer="c-1", **given)

    def answered(self, **given):
        """A ticket that the assistant answered."""
        reply = self.ask(conversation_id=f"v-{given.pop('n', 1)}", **given)
        assert reply.verdict.outcome == "resolve", reply.verdict
        return reply

    def by_a_person(self, reply, text, who="lead"):
        """The ticket of this reply, answered by a person."""
        waiting = next(w for w in self.app.desk.list() if w.escalation.ticket_id == reply.ticket_id)
        self.app.desk.claim(waiting.escalation.id, who)
        return self.app.desk.answer(waiting.escalation.id, who, text)

    def audits(self, *flags):
        """So many audited answers in a row, each of them right or wrong; the alarm if it rang."""
        for n, right in enumerate(flags):
            self.answered(n=f"audit-{n}")
            (waiting,) = self.app.loop.reviews.queue()
            _, raised = self.app.loop.reviews.judge(waiting.id, "ana", right=right)
            if raised is not None:
                return raised
        return None


@pytest.fixture
def loop(small_homes, home, make_app):
    import shutil

    shutil.copytree(small_homes["proven"], home)
    return Loop(make_app(review=RATED))
