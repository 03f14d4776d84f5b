from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from kbsupport.errors import ArticleError, ConfigError
from kbsupport.knowledge.articles import (
    Parsed,
    Source,
    find_sources,
    fingerprint,
    read_source,
)
from kbsupport.model import Article, Audience, Failure

DATA = Path(
    os.environ.get("KBSUPPORT_BENCH_DATA")
    or Path(__file__).resolve().parents[3] / "shared" / "data"
)
FOLDERS = ("kb_logingov", "kb_mycrypto", "kb_audacity", "tau2_banking_kb", "abcd_guidelines")
BENCHES = ("banking77", "banking77_val", "clinc_banking", "clinc_credit_cards")


def written(path: Path, content: str | bytes) -> Source:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Source(path.name, path, path.stem)


def article(path: Path, content: str | bytes) -> Article:
    parsed = read_source(written(path, content))
    assert parsed.failed == ()
    return parsed.articles[0]


def failure(path: Path, content: str | bytes) -> Failure:
    parsed = read_source(written(path, content))
    assert parsed.articles == ()
    return parsed.failed[0]


def rows(path: Path, *lines: object) -> Parsed:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return read_source(written(path, text))


# --- finding files


def test_files_are_found_in_one_order_with_names_and_ids(tmp_path):
    for name in ("b.md", "a/c.html", "a/d.jsonl", ".git/e.md", ".hidden.md", "~$f.docx", "g.png"):
        written(tmp_path / "kb" / name, "x")
    sources, failed = find_sources([tmp_path / "kb"])
    assert [(s.name, s.id_hint) for s in sources] == [("kb/a/c.html", "a/c"), ("kb/b.md", "b")]
    assert failed == ()


def test_a_named_file_is_called_by_its_own_name(tmp_path):
    written(tmp_path / "export.jsonl", "{}")
    (source,), _ = find_sources([tmp_path / "export.jsonl"])
    assert (source.name, source.id_hint) == ("export.jsonl", "export")


def test_the_same_name_twice_gets_a_number_whatever_the_order(tmp_path):
    paths = [written(tmp_path / folder / "kb" / "a.md", "x").path.parent for folder in "xy"]
    for order in (paths, paths[::-1]):
        sources, _ = find_sources(order)
        assert [s.name for s in sources] == ["kb/a.md", "kb/a.md#2"]
        assert [s.path.parts[-3] for s in sources] == ["x", "y"]


def test_overlapping_paths_give_each_file_once(tmp_path):
    file = written(tmp_path / "kb" / "a.md", "x").path
    sources, _ = find_sources([tmp_path / "kb", file, tmp_path / "kb"])
    assert len(sources) == 1


def test_an_empty_folder_has_no_sources_and_no_failure(tmp_path):
    assert find_sources([tmp_path]) == ((), ())


def test_a_path_that_does_not_exist_or_is_no_format_is_a_usage_error(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        find_sources([tmp_path / "nowhere"])
    with pytest.raises(ConfigError, match="no format we read"):
        find_sources([written(tmp_path / "a.png", "x").path])


def test_links_out_of_the_folder_and_loops_are_listed_and_not_followed(tmp_path):
    secret = written(tmp_path / "secret" / "s.md", "secret").path
    kb = written(tmp_path / "kb" / "real" / "a.md", "x").path.parents[1]
    (kb / "out.md").symlink_to(secret)
    (kb / "outside").symlink_to(secret.parent)
    (kb / "real" / "loop").symlink_to(kb)
    (kb / "broken.md").symlink_to(kb / "gone.md")
    (kb / "self.md").symlink_to(kb / "self.md")
    (kb / "picture.png").symlink_to(secret)
    sources, failed = find_sources([kb])
    assert [s.name for s in sources] == ["kb/real/a.md"]
    assert [f.path for f in failed] == [
        "kb/broken.md", "kb/out.md", "kb/outside", "kb/real/loop", "kb/self.md",
    ]  # fmt: skip


def test_a_link_to_hidden_data_inside_the_folder_is_followed(tmp_path):
    # This is how Kubernetes mounts a folder of articles.
    written(tmp_path / "kb" / "..data" / "a.md", "text")
    (tmp_path / "kb" / "a.md").symlink_to(tmp_path / "kb" / "..data" / "a.md")
    assert [s.name for s in find_sources([tmp_path / "kb"])[0]] == ["kb/a.md"]


def test_a_pipe_is_no_article_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.md")
    assert find_sources([tmp_path])[1][0].reason == "is not a regular file"


def test_fingerprints_tell_contents_apart(tmp_path):
    first, second = written(tmp_path / "a.md", "x"), written(tmp_path / "b.md", "y")
    assert fingerprint(first) != fingerprint(second)
    assert len(fingerprint(first)) == 64
    with pytest.raises(ArticleError, match="vanished"):
        fingerprint(Source("c.md", tmp_path / "c.md", "c"))


# --- front matter


def test_front_matter_fills_the_article_and_unknown_keys_are_kept(tmp_path):
    found = article(
        tmp_path / "a.md",
        "---\nid: refunds\ntitle: <b>Refunds</b> {{ site.name }} &amp; credit\n"
        "seen_questions: where is my money\ntags: [money, 2024]\naudience: Internal\n"
        "tiers: [gold]\nlanguage: no\nupdated: 2024-05-01\npublished: false\n"
        "author: 007\norder: 3\nreviewed: 2024-05-02\nscore: .nan\n---\n\nText.\n",
    )
    assert (found.id, found.title, found.text) == ("refunds", "Refunds & credit", "Text.")
    assert found.seen_questions == ("where is my money",)
    assert found.tags == ("money", "2024")
    assert (found.audience, found.tiers) == (Audience.INTERNAL, ("gold",))
    assert (found.language, found.author) == ("no", "007")
    assert (found.updated, found.published) == ("2024-05-01", False)
    assert found.extra == {"order": 3, "reviewed": "2024-05-02", "score": "NaN"}
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("---\ntitle: a\ntags: [a\n---\nx", 4, "broken front matter"),
        ("\n\n---\ntitle: a\nb: c: d\n---\nx", 5, "broken front matter"),
        ("---\ntitle: !!python/object/apply:os.system [id]\n---\nx", 2, "tag"),
        ("---\na: 1\nb: !secret x\n---\nx", 3, "tag"),
        ("---\na: &a [x]\nb: [*a, *a]\n---\nx", 2, "anchor"),
        ("---\na: " + "[" * 100 + "]" * 100 + "\n---\nx", 2, "nested"),
        ("---\naudience: secret\n---\nx", 2, "audience must be public or internal"),
        ("---\ntitle: a\ntiers: 5\n---\nx", 3, "tiers must be a list"),
        ('---\ntitle: a\ntiers: ""\n---\nx', 3, "tiers must be a list"),
        ("---\nseen_questions:\n- [a]\n---\nx", 2, "seen_questions must be a list"),
        ('---\npublished: "no"\n---\nx', 2, "published must be true or false"),
        ("---\npublished:\n---\nx", 2, "published must be true or false"),
        ("---\ntitle: [a]\n---\nx", 2, "title must be text"),
        ("---\naudience: internal\naudience: public\n---\nx", 3, "twice"),
        ("---\naudience: internal\nAudience: public\n---\nx", 3, "appears twice"),
        ("---\naudience: internal\nx", 1, "not closed"),
        ("---\n[a]\n---\nx", 2, "keys and values"),
        ("---\na: 2024-13-45\n---\nx", 2, "broken front matter"),
        ("+++\naudience = 'internal'\n+++\nx", 1, "TOML"),
    ],
)
def test_broken_front_matter_is_a_failure_with_its_line(tmp_path, content, line, reason):
    failed = failure(tmp_path / "a.md", content)
    assert (failed.path, failed.line, failed.article_id) == ("a.md", line, "a")
    assert reason in failed.reason


def test_a_failure_carries_the_id_that_the_front_matter_gives(tmp_path):
    assert failure(tmp_path / "a.md", "---\nid: b\ntags: [\n---\nx").article_id == "b"
    assert failure(tmp_path / "a.md", "---\nid: b\ntiers: 1\n---\nx").article_id == "b"


def test_a_capital_key_and_a_draft_are_understood(tmp_path):
    assert article(tmp_path / "a.md", "---\nAudience: internal\n---\nx").audience == "internal"
    assert article(tmp_path / "b.md", "---\ndraft: true\n---\nx").published is False


def test_prose_between_rules_is_no_front_matter(tmp_path):
    assert article(tmp_path / "a.md", "---\n\nHello there\n\n---\n\nYou.").text.startswith("Hello")


def test_the_title_is_front_matter_then_first_heading_then_file_name(tmp_path):
    assert article(tmp_path / "a-b_c.md", "Text").title == "a b c"
    assert article(tmp_path / "a.md", "Text\n\n## **Two** words\n").title == "Two words"
    assert article(tmp_path / "a.md", "---\ntitle: T\n---\n# H\n\nx").title == "T"


def test_sections_partition_the_text_and_leave_the_title_out_of_their_paths(tmp_path):
    found = article(tmp_path / "a.md", "Hi\n\n# A\n\na\n\n## C\n\nc\n\n## B\n\nb\n\n# D\n")
    assert found.title == "A"
    assert [s.path for s in found.sections] == [(), (), ("C",), ("B",), ("D",)]
    assert "".join(found.text[s.start : s.end] for s in found.sections) == found.text
    assert found.text[found.sections[2].start :].startswith("C\n\nc")


# --- files that are gone, closed to us, or empty


def test_a_vanished_file_is_reported(tmp_path):
    for suffix in (".md", ".pdf", ".docx", ".jsonl", ".json"):
        parsed = read_source(Source("a", tmp_path / f"a{suffix}", "a"))
        assert parsed.failed[0].reason == "vanished during the run"


def test_an_unreadable_file_is_reported(tmp_path):
    (tmp_path / "x.md").mkdir()  # root may read everything else
    failed = read_source(Source("x.md", tmp_path / "x.md", "x")).failed[0]
    assert "cannot be read" in failed.reason
    assert failed.article_id == "x"


@pytest.mark.parametrize("content", ["", "  \n\n", "---\npublished: false\n---\n", "{% if x %}"])
def test_an_article_without_text_is_reported(tmp_path, content):
    assert failure(tmp_path / "a.md", content).reason == "has no text"


# --- JSON lines


def test_a_bad_row_is_reported_with_its_line_and_the_rest_go_on(tmp_path):
    found = rows(
        tmp_path / "a.jsonl",
        {"id": "good", "text": "One\nTwo", "title": "T"},
        '{"id": "broken"',
        "[1]",
        {"text": "x"},
        {"id": "good", "text": "again"},
        {"id": "n", "text": 5},
        {"id": "q", "text": "x", "seen_questions": ["a", {}]},
        "",
        {"id": "empty", "text": ""},
        '{"id": "odd", "text": "a\\ud800b\\u0000c\\u202e", "title": "\\ud800", "k": "\\ud800"}',
        {"id": 7, "text": "x", "title": None, "audience": None, "tiers": None},
    )
    assert [a.id for a in found.articles] == ["good", "odd", "7"]
    assert found.articles[0].text == "One\nTwo"
    assert found.articles[1].text == "a\ufffdbc"
    json.dumps(found.articles[1].to_dict(), ensure_ascii=False).encode()
    assert [(f.line, f.article_id) for f in found.failed] == [
        (2, None), (3, None), (4, None), (5, None), (6, "n"), (7, "q"), (9, "empty"),
    ]  # fmt: skip
    assert "line 1" in found.failed[3].reason


def test_a_line_that_is_too_long_is_skipped_without_reading_it_whole(tmp_path):
    good = json.dumps({"id": "a", "text": "x"})
    found = rows(tmp_path / "a.jsonl", good, "x" * 6_000_000, good.replace('"a"', '"b"'))
    assert [a.id for a in found.articles] == ["a", "b"]
    assert [f.line for f in found.failed] == [2]


def test_json_lines_may_have_a_byte_order_mark_and_crlf(tmp_path):
    source = written(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"id": "a", "text": "x"}\r\n')
    assert read_source(source).articles[0].text == "x"


# --- real articles


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_articles_are_clean(folder):
    if not (DATA / folder / "articles").is_dir():
        pytest.skip(f"{folder} is not in {DATA}")
    sources, failed = find_sources([DATA / folder / "articles"])
    parsed = [read_source(source) for source in sources]
    assert failed == ()
    assert [f for p in parsed for f in p.failed] == []
    for found in (a for p in parsed for a in p.articles):
        assert not [bad for bad in ("{%", "{{", "{:", "</", "<div", "\r") if bad in found.text]
        assert "".join(found.text[s.start : s.end] for s in found.sections) == found.text
        assert found.title.strip()


@pytest.mark.parametrize("bench", BENCHES)
def test_real_json_lines_are_read_whole(bench):
    path = DATA / "bench" / bench / "articles.jsonl"
    if not path.is_file():
        pytest.skip(f"bench/{bench} is not in {DATA}")
    sources, _ = find_sources([path])
    parsed = read_source(sources[0])
    assert parsed.failed == ()
    assert len(parsed.articles) == len(path.read_text(encoding="utf-8").splitlines())


def test_seven_hundred_articles_are_read_in_seconds(tmp_path):
    words = "You can *always* ask for a [refund](x) of what **you** paid us. " * 2
    body = "".join(f"## Step {n}\n\n{words}\n\n1. Open {n}\n2. Click\n\n" for n in range(10))
    for number in range(700):
        written(tmp_path / f"{number}.md", f"---\nid: a{number}\ntags: [x]\n---\n# T\n\n{body}")
    started = time.process_time()
    parsed = [read_source(source) for source in find_sources([tmp_path])[0]]
    assert all(p.articles for p in parsed)
    assert time.process_time() - started < 9  # dense markup, 4 alone; real ones take 2.5
