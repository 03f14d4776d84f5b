import json

import pytest
import shapes

GOOD = [
    {"id": "a", "text": "How do I reset my password?"},
    {"id": "b", "text": "api rate limit", "tier": "enterprise", "customer_id": "C-9"},
    {"id": "c", "subject": "Hub", "text": "offline again, the LED is red"},
    {"id": "d", "text": "thanks, it works now!"},
    {"id": "e", "text": "I want to talk to a person"},
]
LABELS = {
    "expected": "escalate",
    "accept_ids": ["plans/cancel-plus"],
    "kind": "injection",
    "topic": "plans",
    "intent": "billing",
    "urgent": True,
    "audience": "internal",
}


def test_each_line_gets_its_decision_in_its_place(kb, batch, sample_app):
    ran = kb("ask", "--batch", batch(*GOOD))
    assert (ran.code, ran.err) == (0, "")
    assert [line["id"] for line in ran.lines] == list("abcde")
    texts = {article.id: article.text for article in sample_app.articles()}
    for line in ran.lines:
        shapes.check(line, texts)
        assert line["error"] is None
    assert ran.lines[1]["customer"] == {"id": "C-9", "tier": "enterprise"}
    assert [line["outcome"] for line in ran.lines[3:]] == ["reply", "escalate"]


def test_a_batch_opens_tickets_only_when_told_to(kb, batch):
    path = batch(*GOOD)
    assert not any(line["ticket_id"] for line in kb("ask", "--batch", path).lines)
    opened = kb("ask", "--batch", path, "--tickets").lines
    for line in opened:
        assert (line["ticket_id"] is not None) == (line["outcome"] == "escalate")


def test_neither_order_nor_labels_change_a_decision(kb, batch):
    def decide(rows):
        lines = kb("ask", "--batch", batch(*rows)).lines
        return {line["id"]: shapes.stable(line) for line in lines}

    plain = decide(GOOD)
    assert decide(GOOD[::-1]) == plain
    assert decide([row | LABELS for row in GOOD]) == plain


def test_a_line_is_decided_as_if_it_were_asked_alone(kb, batch):
    line = shapes.stable(kb("ask", "--batch", batch(*GOOD)).lines[2])
    text = f"{GOOD[2]['subject']}\n\n{GOOD[2]['text']}"
    alone = shapes.stable(kb("ask", text, "--json").json)
    # Asked alone it may open a ticket: its number is part of the reply.
    changed = {name: line[name] for name in ("id", "reply", "conversation_id")}
    assert alone | changed == line


BAD = {
    b"{not json": "JSON",
    b"[1, 2]": "object",
    b'"text"': "object",
    b"null": "object",
    b'{"text": "no id"}': "no id",
    b'{"id": "", "text": "no id"}': "no id",
    b'{"id": 7.5, "text": "x"}': "id",
    b'{"id": true, "text": "x"}': "id",
    b'{"id": "w1"}': "no text",
    b'{"id": "w2", "text": null}': "no text",
    b'{"id": "w3", "text": ["x"]}': "text",
    b'{"id": "w4", "text": "x", "tier": "gold"}': "standard, premium, enterprise",
    b'{"id": "w5", "text": "x", "tier": 3}': "tier",
    b'{"id": "w6", "text": "x", "customer_id": {}}': "customer_id",
    b'{"id": "w7", "text": "x", "subject": 1}': "subject",
    b'{"id": "a", "text": "again"}': "twice",
    b'{"id": "w8", "text": "\xff"}': "UTF-8",
    b"[" * 100_000: "JSON",
    b"1" * 5_000: "JSON",
}


def test_an_id_comes_back_as_it_was_given(kb, batch):
    ran = kb("ask", "--batch", batch(b'{"id": 7, "text": "Can I pay with PayPal?"}'))
    assert (ran.code, ran.lines[0]["id"]) == (0, 7)


def test_a_bad_line_yields_an_error_in_its_place_and_the_rest_go_on(kb, batch):
    ran = kb("ask", "--batch", batch(GOOD[0], *BAD, GOOD[3]))
    assert ran.code == 1
    assert f"{len(BAD)} of {len(BAD) + 2} lines" in ran.says_one_line()
    first, *failed, last = ran.lines
    assert first["outcome"] == "resolve"
    assert last["reason"] == "thanks"
    for line, (raw, words) in zip(failed, BAD.items(), strict=True):
        shapes.check(line)
        assert line.keys() == first.keys()
        assert words in line["error"]
        assert (line["outcome"], line["reason"]) == ("escalate", "failed")
        assert (line["decision_id"], line["ticket_id"], line["article_id"]) == (None, None, None)
        assert line["customer"] == {"id": None, "tier": None}
        if raw.startswith(b'{"id": "w') and b"\xff" not in raw:
            assert line["id"] == json.loads(raw)["id"]


STRANGE = {
    "nul": "my\0hub\0is\0offline",
    "only nuls": "\0\0",
    "half a pair": "my hub \ud800 is offline \udfff",
    "emoji": "🤖🔥💧" * 5,
    "stop words": "is it to be or the of and",
    "punctuation": "??? !!! ...",
    "no width": "\u200b\u200d\ufeff",
    "empty": "",
    "blank": " \n\t ",
    "dutch": "Waar is mijn pakket?",
    "greek": "Πού είναι το δέμα μου;",
    "arabic": "أين طردي؟",
    "chinese": "我的包裹在哪里？",
    "combining": "a" + "\u0301" * 500,
    "long word": "x" * 100_000,
    "long text": "my hub is offline again. " * 4_000,
    "line ends": "hub\u2028is\u2029offline\x85now\r\n\x0b\x0c",
    "markup": "<script>alert(1)</script> ' OR 1=1; -- {{7*7}} %s %(x)s",
}


def test_no_text_is_too_strange(kb, batch, sample_app):
    rows = [{"id": name, "text": text} for name, text in STRANGE.items()]
    ran = kb("ask", "--batch", batch(*rows), "--tickets")
    assert (ran.code, ran.err) == (0, "")
    texts = {article.id: article.text for article in sample_app.articles()}
    for line in ran.lines:
        shapes.check(line, texts)
        assert line["error"] is None
    found = {line["id"]: line for line in ran.lines}
    for name in ("empty", "blank", "only nuls", "no width"):
        assert (found[name]["reason"], found[name]["probability"]) == ("empty_question", 0)
    for name in ("emoji", "stop words", "punctuation", "long word", "chinese", "markup"):
        assert found[name]["outcome"] == "escalate", name


def test_half_a_surrogate_pair_anywhere_is_given_back_as_it_came(kb, batch):
    person = "let me talk to a person"
    line = rb'{"id": "\ud83d", "text": "%s", "customer_id": "\udc00", "tier": "premium"}'
    where = rb'{"id": "q", "text": "hub", "language": "\ud800", "product": "\u0000"}'
    ran = kb("ask", "--batch", batch(line % person.encode(), where), "--tickets")
    assert ran.code == 0
    assert ran.lines[0]["id"] == "\ud83d"
    assert r'"id": "\ud83d"' in ran.out
    assert kb("ticket", "show", ran.lines[0]["ticket_id"]).code == 0


def test_a_file_from_another_system_reads_the_same(kb, batch):
    plain = [shapes.stable(line) for line in kb("ask", "--batch", batch(*GOOD)).lines]
    foreign = batch(b"", *GOOD, b"  ", b"", end=b"\r\n", head=b"\xef\xbb\xbf")
    ran = kb("ask", "--batch", foreign)
    assert ran.code == 0
    assert [shapes.stable(line) for line in ran.lines] == plain


def test_a_batch_comes_from_stdin(kb):
    ran = kb("ask", "--batch", "-", stdin=json.dumps(GOOD[0]).encode())
    assert [line["id"] for line in ran.lines] == ["a"]


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_batch_is_nothing_to_do(kb, batch, content):
    ran = kb("ask", "--batch", "-", stdin=content)
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_flags_speak_for_lines_that_do_not_say(kb, batch):
    ran = kb("ask", "--batch", batch(*GOOD), "--tier", "premium", "--customer", "C-1")
    customers = [line["customer"] for line in ran.lines]
    assert customers[0] == {"id": "C-1", "tier": "premium"}
    assert customers[1] == {"id": "C-9", "tier": "enterprise"}


def test_without_an_index_every_line_goes_to_a_person_and_the_cure_is_said_once(
    kb, batch, tmp_path
):
    ran = kb("--home", tmp_path / "new", "ask", "--batch", batch(*GOOD))
    assert ran.code == 3
    assert "5 of 5 lines" in ran.says_one_line()
    assert "kbsupport index PATH" in ran.err
    for line in ran.lines:
        shapes.check(line)
        assert (line["outcome"], line["reason"]) == ("escalate", "failed")
