"""What docs/events.md tells others to do is done as it stands there."""

import re
from pathlib import Path

from kbsupport.model import EventType

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]


def test_the_page_lists_everything_that_can_happen():
    listed = set(re.findall(r"`([a-z]+\.[a-z_]+)`", PAGE.read_text(encoding="utf-8")))
    assert {str(one) for one in EventType} <= listed


def test_the_pages_receiver_believes_what_is_sent_once_and_nothing_else(outside, receiver):
    page = {}
    # All but the server, which waits for what comes.
    exec(block("python").partition("\nwith ")[0], page)
    _, secret = outside.webhooks.add(receiver.url, [], "test")
    outside.happens(EventType.TICKET_CLOSED)
    outside.step()
    headers, body = receiver.got[0]
    status, event = page["receive"](secret, headers, body)
    assert (status, event["type"]) == (204, "ticket.closed")
    assert page["receive"](secret, headers, body) == (204, None)
    assert page["receive"](secret, headers, body.replace(b"closed", b"opened")) == (400, None)


def test_the_pages_scrip_is_the_one_that_is_tested():
    tested = Path(__file__).parents[1] / "contracts" / "test_correspondence.py"
    assert block("perl").split("1;\n")[0] in tested.read_text(encoding="utf-8")
