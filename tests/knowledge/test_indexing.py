import numpy as np
import pytest

from kbsupport.errors import IndexOutdated, NothingToIndex, NotIndexed
from kbsupport.knowledge.chunks import split
from kbsupport.model import Audience, Channels, Filter
from kbsupport.store import generations
from kbsupport.testing import FakeEmbedder, check_embedder

REFUND = "---\nid: refund\n---\n# Refunds\n\nMoney comes back to your card within 14 days.\n"
BATTERY = "# Battery\n\nOpen the lid and change the battery of the sensor.\n"
BROKEN = "---\ntags: [\n---\n# Refunds\n\nNonsense.\n"
SECRET = (
    "---\naudience: internal\n---\n# Goodwill\n\nThe xylophone voucher may be 30 euros at most.\n"
)
DRAFT = "---\npublished: false\n---\n# Zeppelin\n\nThe zeppelin leaves next summer.\n"


class Counting(FakeEmbedder):
    def __init__(self, name="fake"):
        self.name, self.seen = name, []

    def embed(self, texts):
        self.seen += texts
        return super().embed(texts)


class Unusable(FakeEmbedder):
    def embed(self, texts):
        raise AssertionError("the model is not to be used")


def counts(changes):
    return len(changes.added), len(changes.changed), len(changes.removed), changes.unchanged


def ids(app):
    return {article.id: article for article in app.articles()}


def rows(app, table):
    with app.database.read() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()


def test_the_fake_embedder_keeps_the_contract():
    check_embedder(FakeEmbedder())


def test_an_embedder_that_breaks_the_contract_is_told_why():
    class Long(FakeEmbedder):
        def embed(self, texts):
            return super().embed(texts) * np.float32(2)

    class Moody(FakeEmbedder):
        def embed(self, texts):
            return super().embed([f"{len(texts)} {text}" for text in texts])

    for broken, reason in ((Long(), "length one"), (Moody(), "not alone in its batch")):
        with pytest.raises(AssertionError, match=reason):
            check_embedder(broken)


def test_a_second_run_embeds_nothing_and_makes_no_generation(make_app, folder):
    embedder = Counting()
    app = make_app(embedder=embedder)
    first = app.index([folder(refund=REFUND, battery=BATTERY)])
    assert counts(first) == (2, 0, 0, 0)
    assert first.embedded == len(embedder.seen) == 4
    second = app.index([folder()])
    assert counts(second) == (0, 0, 0, 2)
    assert (second.embedded, second.generation) == (0, first.generation)
    assert len(embedder.seen) == 4


def test_added_changed_and_removed_articles_are_counted_and_found(fake_app, folder):
    fake_app.index([folder(refund=REFUND, battery=BATTERY)])
    changed = BATTERY.replace("sensor", "gadget")
    done = fake_app.index([folder(refund=None, battery=changed, new="# New\n\nFresh paint.\n")])
    assert (done.added, done.changed, done.removed) == (("new",), ("battery",), ("refund",))
    assert done.unchanged == 0
    assert fake_app.ask("battery of the gadget").articles[0] == "battery"
    assert "refund" not in fake_app.ask("money comes back to your card").articles
    assert fake_app.ask("fresh paint").articles[0] == "new"


def test_texts_that_are_the_same_are_embedded_once(fake_app, folder):
    same = "# Battery\n\nThe same words.\n"
    assert fake_app.index([folder(a=same, b=same)]).embedded == 2


def test_a_file_that_moves_keeps_its_article(fake_app, folder):
    root = folder(refund=REFUND, battery=BATTERY)
    fake_app.index([root])
    (root / "refund.md").rename(root / "moved.md")
    done = fake_app.index([root])
    assert counts(done) == (0, 0, 0, 2)
    assert ids(fake_app)["refund"].source == "help/moved.md"
    # What it was called before no longer says what is kept of it.
    folder(moved=BROKEN)
    assert fake_app.index([root]).removed == ()
    assert ids(fake_app).keys() == {"refund", "battery"}


def test_a_draft_is_listed_and_never_found(fake_app, folder):
    embedder = fake_app.embedder = Counting()
    fake_app.index([folder(draft=DRAFT, battery=BATTERY)])
    assert "draft" in ids(fake_app)
    for audience in Audience:
        reply = fake_app.ask("when does the zeppelin leave", audience=audience)
        assert "draft" not in str(reply.to_dict() | {"reply": ""})
    assert not any("zeppelin" in words.lower() for words in embedder.seen[:-2])
    published = fake_app.index([folder(draft=DRAFT.replace("false", "true"))])
    assert published.changed == ("draft",)
    assert fake_app.ask("zeppelin next summer").articles[0] == "draft"
    fake_app.index([folder(draft=DRAFT)])
    assert "draft" not in fake_app.ask("zeppelin next summer").articles


def test_an_internal_article_is_never_shown_to_the_public(fake_app, folder):
    twin = f"---\naudience: internal\n---\n{BATTERY}"
    fake_app.index([folder(secret=SECRET, battery=BATTERY, twin=twin)])
    for question in ("xylophone voucher", "battery of the sensor", "secret", "Goodwill"):
        reply = fake_app.ask(question).to_dict()
        shown = str([reply[key] for key in ("reply", "answer", "passages", "articles", "evidence")])
        assert not {"secret", "twin"} & set(reply["articles"])
        assert "euros" not in shown
        assert "'secret'" not in shown
        assert "'twin'" not in shown
    assert fake_app.ask("xylophone voucher", audience="internal").articles[0] == "secret"
    with fake_app.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT brief FROM ticket").scalars().all()
    assert kept
    assert not any("euros" in brief for brief in kept[:4])


@pytest.mark.parametrize(
    ("front", "asked"),
    [
        ("tiers: [premium]", Filter(tier="standard")),
        ("language: de", Filter(language="en")),
        ("product: other", Filter(product="mine")),
    ],
)
@pytest.mark.parametrize("hidden", [40, 130])
def test_what_a_filter_hides_takes_nobody_elses_place(fake_app, folder, front, asked, hidden):
    near = "# Invoice\n\nInvoice number {} invoice.\n"
    articles = {f"h{n:03}": f"---\n{front}\n---\n{near.format(n)}" for n in range(hidden)}
    articles |= {f"v{n}": f"# Paper {n}\n\nOn paper, number {n} at home.\n" for n in range(9)}
    fake_app.index([folder(**articles)])
    text = "invoice invoice number"
    found = fake_app.library.search(text, fake_app.library.embed(text), asked, 8, Channels(1))
    assert all(match.article_id.startswith("v") for match in found.matches)

    index = fake_app.library.open()
    vector = fake_app.embedder.embed(["invoice invoice number"])[0]
    admitted = index.view(asked)
    rows = np.flatnonzero(admitted[index.catalog.owners])
    best = rows[np.argsort(-(index._vectors()[rows] @ vector))]
    exact = list(dict.fromkeys(index.catalog.owners[best].tolist()))
    assert set(index.nearest(vector, asked)) == set(exact)
    assert index.nearest(vector, asked)[0] == exact[0]


def test_chroma_and_the_exact_scan_find_the_same(fake_app, folder):
    articles = {f"a{n:02}": f"# Thing {n}\n\nWords {n} of thing {n * 7 % 30}.\n" for n in range(30)}
    fake_app.index([folder(**articles)])
    index = fake_app.library.open()
    for question in ("thing 3", "words of 21", "other"):
        vector = fake_app.embedder.embed([question])[0]
        by_chroma = index.nearest(vector, Filter())
        chroma, index._chroma = index._chroma, None
        assert by_chroma[:10] == index.nearest(vector, Filter())[:10]
        index._chroma = chroma


def test_excluded_articles_are_left_out_even_all_of_them(fake_app, folder):
    root = folder(refund=REFUND, battery=BATTERY)
    fake_app.index([root])
    assert fake_app.index([root], exclude=["refund", "unknown"]).removed == ("refund",)
    assert fake_app.index([root]).added == ("refund",)
    assert fake_app.index([root], exclude=["refund", "battery"]).removed == ("battery", "refund")
    assert fake_app.ask("battery").articles == ()


def test_a_dry_run_says_the_same_and_changes_nothing(make_app, folder):
    app = make_app()
    app.index([folder(refund=REFUND, battery=BATTERY)])
    root = folder(refund=REFUND.replace("14", "30"), battery=None, new="# New\n\nWords.\n")
    before = {p: p.read_bytes() for p in app.home.rglob("*") if p.is_file() and "-" not in p.name}
    tables = {
        t: rows(app, t) for t in ("article_version", "chunk", "embedding", "member", "source")
    }
    dry = make_app(embedder=Unusable()).index([root], dry_run=True)
    assert before == {p: p.read_bytes() for p in before}
    assert tables == {t: rows(app, t) for t in tables}
    done = app.index([root])
    assert (dry.added, dry.changed, dry.removed) == (done.added, done.changed, done.removed)
    assert (dry.embedded, dry.unchanged) == (0, done.unchanged)


def test_an_unreadable_file_keeps_its_last_good_version(fake_app, folder):
    root = folder(refund=REFUND, battery=BATTERY)
    fake_app.index([root])
    folder(refund="---\nid: refund\ntags: [\n---\n# Refunds\n\nNonsense.\n")
    for _ in range(2):  # it is reported every time, and kept every time
        done = fake_app.index([root])
        assert counts(done) == (0, 0, 0, 2)
        assert [f.path for f in done.failed] == ["help/refund.md"]
    assert fake_app.ask("money back to my card").articles[0] == "refund"
    folder(refund=BROKEN)  # now even its id cannot be read
    assert counts(fake_app.index([root])) == (0, 0, 0, 2)
    assert ids(fake_app)["refund"].text.endswith("within 14 days.")
    folder(refund=REFUND.replace("14", "30"))
    healed = fake_app.index([root])
    assert (healed.changed, healed.failed) == (("refund",), ())


def test_a_bad_line_keeps_its_own_article_and_lets_others_go(fake_app, tmp_path):
    rows = [
        '{"id": "a", "title": "A", "text": "One."}',
        '{"id": "b", "title": "B", "text": "Two."}',
    ]
    path = tmp_path / "faq.jsonl"
    path.write_text("\n".join(rows))
    fake_app.index([path])
    path.write_text('{"id": "a", "text": ""}\n{"id": "c", "title": "C", "text": "Three."}')
    done = fake_app.index([path])
    assert len(done.failed) == 1
    assert ids(fake_app).keys() == {"a", "c"}
    assert (done.added, done.removed) == (("c",), ("b",))


def test_the_first_of_two_articles_keeps_the_id_and_both_are_named_every_time(fake_app, folder):
    root = folder(a="---\nid: x\n---\n# A\n\nFirst.\n", b="---\nid: x\n---\n# B\n\nSecond.\n")
    for _ in range(2):
        done = fake_app.index([root])
        (failure,) = done.failed
        assert (failure.path, "help/a.md" in failure.reason) == ("help/b.md", True)
        assert ids(fake_app)["x"].title == "A"


def test_every_version_that_was_ever_published_is_kept(fake_app, folder):
    for n in range(4):
        fake_app.index([folder(battery=f"# Battery\n\nVersion number {n}.\n")])
    with fake_app.database.read() as connection:
        texts = connection.exec_driver_sql("SELECT text FROM article_version ORDER BY id").scalars()
        assert [text[-2] for text in texts] == ["0", "1", "2", "3"]
    back = fake_app.index([folder(battery="# Battery\n\nVersion number 0.\n")])
    assert back.changed == ("battery",)
    assert rows(fake_app, "article_version") == 4
    assert "number 0" in fake_app.ask("battery version number").passages[0].text


def test_one_generation_before_the_live_one_is_kept_and_nothing_older(fake_app, folder):
    made = [
        fake_app.index([folder(battery=f"# Battery\n\nVersion number {n}.\n")]).generation
        for n in range(4)
    ]
    kept = sorted(p.name for p in (fake_app.home / "index").glob("gen-*"))
    assert kept == [f"gen-{n:06}" for n in made[-2:]]
    # The title and one passage each: two generations hold three different texts.
    assert (rows(fake_app, "chunk"), rows(fake_app, "embedding")) == (4, 3)


def test_what_a_killed_run_left_behind_is_tidied_by_the_next_one(fake_app, folder, monkeypatch):
    monkeypatch.setattr(fake_app.indexer, "_tidy", lambda: None)
    for n in range(3):
        fake_app.index([folder(battery=f"# Battery\n\nVersion number {n}.\n")])
    monkeypatch.undo()
    assert len(list((fake_app.home / "index").glob("gen-*"))) == 3
    fake_app.index([folder()])
    assert len(list((fake_app.home / "index").glob("gen-*"))) == 2
    assert (rows(fake_app, "chunk"), rows(fake_app, "embedding")) == (4, 3)


def test_a_rebuild_needs_no_model_and_changes_no_answer(make_app, folder):
    app = make_app()
    app.index([folder(refund=REFUND, battery=BATTERY, secret=SECRET)])
    before = [app.ask(q).articles for q in ("battery", "money back")]
    app.close()
    rebuilt = make_app(embedder=Unusable()).rebuild()
    assert (rebuilt.embedded, rebuilt.unchanged, rebuilt.generation) == (0, 3, 2)
    app = make_app()
    replies = [app.ask(q) for q in ("battery", "money back")]
    assert [reply.articles for reply in replies] == before
    assert not any(reply.notices for reply in replies)


def test_a_rebuild_of_nothing_says_so(fake_app):
    with pytest.raises(NotIndexed, match="kbsupport index PATH"):
        fake_app.rebuild()


def test_another_model_is_refused_until_everything_is_indexed_anew(make_app, folder):
    root = folder(refund=REFUND, battery=BATTERY)
    make_app().index([root])
    other = make_app(embedder=Counting("other"))
    with pytest.raises(IndexOutdated, match=r"built with fake.*other is set now"):
        other.library.embed("battery")
    done = other.index([root])
    assert (counts(done), done.embedded) == ((0, 0, 0, 2), 4)
    assert other.ask("change the battery").articles[0] == "battery"


def test_another_size_of_passages_cuts_anew_and_embeds_what_differs(make_app, folder):
    long = "# Long\n\n" + "\n\n".join(f"Paragraph {n} " + "word " * 30 for n in range(6))
    root = folder(long=long, battery=BATTERY)
    first = make_app().index([root])
    app = make_app(index={"passage_words": 40})
    done = app.index([root])
    assert counts(done) == (0, 0, 0, 2)
    assert done.generation == first.generation + 1
    assert done.embedded > 0
    assert rows(app, "chunk") > 4
    assert app.index([root]).generation == done.generation


def test_nothing_readable_publishes_nothing(fake_app, folder):
    root = folder(battery=BATTERY)
    fake_app.index([root])
    folder(battery=None)
    with pytest.raises(NothingToIndex):
        fake_app.index([root])
    assert fake_app.ask("change the battery").articles == ("battery",)


def test_only_drafts_or_only_internal_articles_can_be_asked(fake_app, folder):
    fake_app.index([folder(draft=DRAFT)])
    assert fake_app.ask("zeppelin").articles == ()
    fake_app.index([folder(draft=DRAFT, secret=SECRET)])
    assert fake_app.ask("zeppelin voucher").articles == ()
    assert fake_app.ask("voucher", audience="internal").articles == ("secret",)


def test_an_article_without_a_single_word_can_be_indexed(fake_app, folder):
    fake_app.index([folder(signs="# !!!\n\n??? ...\n", battery=BATTERY)])
    assert fake_app.ask("change the battery").articles[0] == "battery"


def test_a_search_goes_on_while_two_newer_generations_take_its_place(make_app, folder):
    app, builder = make_app(), make_app()
    builder.index([folder(battery=BATTERY)])
    index = app.library.open()
    nearest = index.nearest

    def slow(vector, by):
        for n in range(2):
            builder.index([folder(battery=f"# Battery\n\nChange the battery, version {n}.\n")])
        return nearest(vector, by)

    index.nearest = slow
    reply = app.ask("change the battery")
    assert reply.articles == ("battery",)
    assert "version 1" in reply.passages[0].text
    assert (reply.error, reply.notices) == (None, ())


def test_a_generation_that_vanishes_while_it_is_opened_is_not_mistaken_for_an_empty_one(
    make_app, folder, monkeypatch
):
    app, builder = make_app(), make_app()
    builder.index([folder(battery=BATTERY)])
    live = generations.live
    seen = []

    def late(connection):
        found = live(connection)
        if not seen:
            seen.append(found.id)
            for n in range(2):
                builder.index([folder(battery=f"# Battery\n\nChange the battery, version {n}.\n")])
        return found

    monkeypatch.setattr("kbsupport.knowledge.library.generations.live", late)
    reply = app.ask("change the battery")
    assert reply.articles == ("battery",)
    assert (reply.error, reply.notices) == (None, ())


def test_the_first_article_of_an_id_wins_and_both_files_are_named(fake_app, folder):
    named = "---\nid: battery\n---\n# Battery {0}\n\nChange battery {0}.\n"
    done = fake_app.index([folder(a=named.format("one"), b=named.format("two"))])
    assert fake_app.article("battery").title == "Battery one"
    (failure,) = done.failed
    assert failure.path.endswith("b.md")
    assert "the id 'battery' is taken by" in failure.reason
    assert "a.md" in failure.reason


def test_a_passage_is_shown_with_its_exact_place(fake_app, folder):
    fake_app.index([folder(battery=BATTERY + "\n## Which one\n\nUse a CR2032 cell, 3 volts.\n")])
    reply = fake_app.ask("which cell, how many volts")
    article = fake_app.article("battery")
    assert reply.passages
    for passage in reply.passages:
        assert article.text[passage.start : passage.end] == passage.text
    assert reply.passages[0].section == "Which one"


def test_navigation_is_kept_and_never_indexed(fake_app, folder):
    text = BATTERY + "\n## Related articles\n\n- Telescope repairs\n"
    embedder = fake_app.embedder = Counting()
    fake_app.index([folder(battery=text)])
    assert "Telescope" in fake_app.article("battery").text
    assert not any("Telescope" in words for words in embedder.seen)
    assert len(split(fake_app.article("battery"))) == rows(fake_app, "chunk")
