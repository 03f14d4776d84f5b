import itertools
import json

import labelled

from kbsupport.model import ReviewKind


def test_what_proved_a_certificate_is_kept_beside_it_without_any_text(loop):
    kept = loop.app.shelf.reference()
    assert kept["certificate"] == loop.app.shelf.standing().certificate.id
    assert "opera" not in json.dumps(kept)
    found = loop.app.loop.drifting.look()
    assert (found.alarm, found.found.alarm, found.found.tickets) == (None, False, 0)


def test_tickets_of_another_kind_suspend_what_was_proven_and_ask_for_labels(loop):
    asked = itertools.product(labelled.UNKNOWN, labelled.UNKNOWN, ("song", "price"))
    for one, other, word in itertools.islice(asked, 90):
        loop.ask(f"does the {one} of the {other} have a {word} in {other}land or {one}land")
    found = loop.app.loop.drifting.look()
    assert found.alarm is not None, found.said
    assert found.asked > 0
    assert len(loop.app.loop.reviews.queue(ReviewKind.LABEL)) == found.asked
    loop.by_a_person(loop.ask("my cat has a giraffe", conversation_id="v-1"), "Cats have none.")
    loop.app.loop.collect()
    loop.app.loop.reorder()
    *first, last = loop.app.loop.reviews.queue(ReviewKind.LABEL)
    assert len(first) == found.asked
    assert min(one.worth for one in first) >= 4 > last.worth
    reply = loop.ask()
    assert (reply.verdict.outcome, reply.verdict.reason) == ("escalate", "suspended")
    again = loop.app.loop.drifting.look()
    assert again.found.alarm
    assert again.alarm is None, "one alarm is enough"
    assert len(loop.app.loop.reviews.alarms()) == 1


def test_only_the_first_message_of_a_conversation_counts(loop):
    for _ in range(3):
        loop.ask("what about the giraffe", conversation_id="v-1")
    loop.ask("what about the giraffe")
    assert loop.app.loop.drifting.look().found.tickets == 2


def test_without_a_certificate_or_what_it_was_made_from_nothing_is_claimed(loop):
    (loop.app.home / "reference.json").unlink()
    assert "nothing was kept" in loop.app.loop.drifting.look().said
    (loop.app.home / "certificate.json").unlink()
    found = loop.app.loop.drifting.look()
    assert "no certificate" in found.said
    assert found.to_dict()["drifted"] is False
