from __future__ import annotations

import io
import json
import os
import time
import zipfile
from pathlib import Path

import pytest

from kbsupport.knowledge import formats
from kbsupport.knowledge.articles import Parsed, Source, read_source

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def parsed(path: Path, content: str | bytes) -> Parsed:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_source(Source(path.name, path, path.stem))


def text(path: Path, content: str | bytes) -> str:
    found = parsed(path, content)
    assert found.failed == ()
    return found.articles[0].text


def reason(path: Path, content: str | bytes) -> str:
    found = parsed(path, content)
    assert found.articles == ()
    return found.failed[0].reason


def docx(body: str, **parts: str) -> bytes:
    packed = io.BytesIO()
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    package = "http://schemas.openxmlformats.org/package/2006"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="xml" '
            'ContentType="application/xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}" Target="word/document.xml"/></Relationships>',
        )
        archive.writestr("word/document.xml", body)
        for name, part in parts.items():
            archive.writestr(f"word/{name}.xml", part)
    return packed.getvalue()


def document(*paragraphs: tuple[str, str]) -> str:
    inner = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{words}</w:t></w:r></w:p>'
        for style, words in paragraphs
    )
    return f'<w:document xmlns:w="{WORD}"><w:body>{inner}</w:body></w:document>'


def pdf(*lines: str) -> bytes:
    shown = "".join(f"({line}) Tj T* " for line in lines)
    stream = f"BT /F1 12 Tf 14 TL 72 720 Td {shown}ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"xref\n0 6\n0000000000 65535 f \n" + table
    return out + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % out.index(b"xref")


# --- Markdown and HTML


def test_markdown_becomes_plain_text(tmp_path):
    assert text(
        tmp_path / "a.md",
        "# How to\n\nA *very* **bold** `word`, a [link](http://x.org) and <http://y.org>.\n"
        "Same paragraph.  \nNew line. ![alt](pic.png)\n\n"
        "3. three\n4. four\n   - nested\n\n     more\n\n"
        "| Plan | Price |\n|---|---|\n| Free | **0** |\n\n"
        "```sh\nls  -l\n\n  cd x\n```\n\n> quoted &amp; R&#68;\n\n<!-- not\nshown -->\n",
    ) == (
        "How to\n\nA very bold word, a link and http://y.org. Same paragraph.\nNew line.\n\n"
        "3. three\n4. four\n  - nested\n    more\n\n"
        "Plan | Price\nFree | 0\n\n"
        "ls  -l\n\n  cd x\n\nquoted & RD"
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('{% hint style="info" %}\nNote **this**.\n{% endhint %}', "Note this."),
        ('{% tabs %}\n{% tab title="Mac" %}\n1. a\n{% endtab %}\n{% endtabs %}', "Mac\n\n1. a"),
        ("Hello {{ user.name }}, hi {{{ raw }}}.", "Hello, hi."),
        ("{% raw %}{{ x }}{% endraw %}ok", "ok"),
        ("{% capture a %}\nShown\n{% endcapture %}\n{% include b.html content=a %}", "Shown"),
        ("{% capture a %}\nUnseen\n{% endcapture %}\nText", "Text"),
        ("{% comment %}secret{% endcomment %}Text {# secret #}", "Text"),
        ("{% content-ref url='a.md' %}\n[a.md](a.md)\n{% endcontent-ref %}\n\nText", "Text"),
        ("* TOC\n{:toc}\n\n## Head {#id}\n\nText{: .x}\n{: .y}", "Head\n\nText"),
        ("```\na {{ secret }} b {% x %}\n```", "a  b"),
        ("a {{ open\n\nb", "a open\n\nb"),
        ("a &#123;&#123; x }} \\{\\{ y }} **{**{ z }}", "a"),
        ("{{{% x %}{ y }} z", "z"),
        ("import A from './a'\nexport const b = 1\n\n{/* secret */}Text", "Text"),
        ('<Alert label="Careful">\n**Hot**\n</Alert>', "Careful\n\nHot"),
        ('<Tabs values={[{a: "b > c"}]}>\n\nText\n\n</Tabs>', "Text"),
        ("One <or> two, /home/<name>/x", "One <or> two, /home/<name>/x"),
        (":::note Title\nText\n:::\n\n> [!NOTE]\n> More", "Title\n\nText\n\nMore"),
        ("**注意\uff1a**请看", "注意\uff1a请看"),
        ("<div>\n\n    <p>In</p>\n\n</div>", "In"),
        ("a\u200bb\u202ec\u00a0d\x07e \u0645\u06cc\u200c\u0631", "abc de \u0645\u06cc\u200c\u0631"),
        ("[![pic](a.png)](b.png) [](http://x.org)", "http://x.org"),
    ],
)
def test_template_leftovers_never_reach_the_text(tmp_path, source, expected):
    assert text(tmp_path / "a.md", source) == expected


def test_an_include_of_a_list_in_the_front_matter_is_shown(tmp_path):
    source = (
        "---\nids: [Passport, '**State** ID']\n---\nWe take:\n\n{% include l.html items=page.ids %}"
    )
    assert text(tmp_path / "a.md", source) == "We take:\n\n- Passport\n- State ID"


def test_titles_and_seen_questions_are_clean_too(tmp_path):
    row = {"id": "a", "title": "{{ x }} <Alert /> T\u202e", "text": "x"}
    row["seen_questions"] = ["a <!-- b --> {% c %}d", "{{ x }}"]
    found = parsed(tmp_path / "a.jsonl", json.dumps(row)).articles[0]
    assert (found.title, found.seen_questions) == ("T", ("a d",))


def test_of_a_page_only_the_main_part_is_read(tmp_path):
    page = (
        "<html><head><title>Site</title><style>x{}</style></head><body><header>Logo</header>"
        "<nav>Menu</nav><main><header><h1>Title</h1></header><p>Text<br>more</p>"
        "<p hidden>h</p><p style='display: none'>n</p><span aria-hidden=true>i</span>"
        "<script>alert(1)</script><aside>Ad</aside><noscript>js</noscript>"
        "<template>t</template><ol start=3><li>c<ul><li>d</ul></ol>"
        "<pre>  a\n    b</pre><table><tr><th>A<th>B<tr><td>1<td></table></main>"
        "<footer>Foot</footer></body></html>"
    )
    found = "Title\n\nText\nmore\n\n3. c\n  - d\n\n  a\n    b\n\nA | B\n1 |"
    assert text(tmp_path / "a.html", page) == found
    assert text(tmp_path / "b.html", "<header>Logo</header><p>Text") == "Text"


def test_a_table_that_lays_out_the_page_is_no_table(tmp_path):
    page = "<table><tr><td>Menu<td><h1>T</h1><p>a</p><p>b</p></table>"
    assert text(tmp_path / "a.html", page) == "Menu\n\nT\n\na\n\nb"


def test_plain_text_keeps_its_lines(tmp_path):
    assert text(tmp_path / "a.txt", "a * b\r\n  c\r\n\r\n\r\nd <e>\r\n") == "a * b\n  c\n\nd <e>"


# --- encodings and files that are no text


@pytest.mark.parametrize(
    "data",
    [
        "# Ä\n\nü".encode("utf-8-sig"),
        "# Ä\r\n\r\nü".encode("utf-16"),
        b"\xfe\xff" + "# Ä\n\nü".encode("utf-16-be"),
        "# Ä\n\nü".encode("cp1252"),
        "# Ä\r\rü".encode(),
    ],
)
def test_old_and_marked_encodings_are_read(tmp_path, data):
    assert text(tmp_path / "a.md", data) == "Ä\n\nü"


def test_a_page_may_declare_its_encoding(tmp_path):
    page = '<meta charset="shift_jis"><p>設定'.encode("shift_jis")
    assert text(tmp_path / "a.html", page) == "設定"


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\x00\x00", bytes(range(1, 32)) * 9, b"a\0b"])
def test_a_binary_file_is_no_text(tmp_path, data):
    assert reason(tmp_path / "a.md", data) == "is not text"


def test_a_huge_file_is_refused_without_reading_it(tmp_path, monkeypatch):
    with (tmp_path / "a.md").open("wb") as file:
        file.truncate(100_000_000)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"read {path}"))
    found = read_source(Source("a.md", tmp_path / "a.md", "a"))
    assert "100,000,000 bytes" in found.failed[0].reason


@pytest.mark.parametrize(
    "source", ["<div>" * 100_000 + "x", "<b><i>" * 50_000 + "<p>x" * 1000, "<x-y>" * 100_000]
)
def test_deep_nesting_neither_crashes_nor_takes_minutes(tmp_path, source):
    started = time.perf_counter()
    assert "nests" in reason(tmp_path / "a.html", source)
    assert text(tmp_path / "b.html", "<div>" * 1900 + "x") == "x"
    assert time.perf_counter() - started < 10


@pytest.mark.parametrize("piece", ["![a](", "[", "> ", "- ", "{{", "{% capture x %}", "<a ", "`a"])
def test_hostile_markdown_takes_seconds_at_most(tmp_path, piece):
    started = time.perf_counter()
    parsed(tmp_path / "a.md", "x " + piece * 100_000)
    assert time.perf_counter() - started < 15


# --- DOCX


def test_a_word_document_is_read_with_its_headings(tmp_path):
    styles = (
        f'<w:styles xmlns:w="{WORD}"><w:style w:type="paragraph" w:styleId="H">'
        '<w:name w:val="heading 1"/></w:style></w:styles>'
    )
    data = docx(document(("H", "Refunds"), ("N", "Wait {{ days }} days.")), styles=styles)
    found = parsed(tmp_path / "a.docx", data).articles[0]
    assert (found.title, found.text) == ("Refunds", "Refunds\n\nWait days.")


def test_a_zip_bomb_is_refused(tmp_path):
    assert "64 MB" in reason(tmp_path / "a.docx", docx("x", bomb="0" * 65_000_000))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_in_a_word_document_are_refused(tmp_path, encoding):
    evil = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///">]><a/>'
    data = docx(evil.encode(encoding))  # type: ignore[arg-type]
    assert "entities" in reason(tmp_path / "a.docx", data)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04broken", docx("<no"), docx("<a/>"), docx("")])
def test_a_broken_word_document_is_reported(tmp_path, data):
    assert reason(tmp_path / "a.docx", data)


def test_deep_word_documents_are_reported(tmp_path):
    deep = "<w:sdt><w:sdtContent>" * 20_000 + "</w:sdtContent></w:sdt>" * 20_000
    body = f'<w:document xmlns:w="{WORD}"><w:body>{deep}</w:body></w:document>'
    assert "no readable DOCX" in reason(tmp_path / "a.docx", docx(body))


# --- PDF


def test_a_pdf_is_read_as_paragraphs(tmp_path):
    data = pdf("A long first line of a refund para-", "graph ends.", "Another long line of words")
    assert text(tmp_path / "my-file.pdf", data) == (
        "A long first line of a refund paragraph ends.\n\nAnother long line of words"
    )
    assert parsed(tmp_path / "my-file.pdf", data).articles[0].title == "my file"


def test_a_pdf_without_text_may_be_scanned(tmp_path):
    assert reason(tmp_path / "a.pdf", pdf()) == "has no text; it may be scanned"


def test_an_encrypted_pdf_is_reported(tmp_path):
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("Secret"))))
    writer.encrypt("password", algorithm="RC4-128")
    packed = io.BytesIO()
    writer.write(packed)
    assert "encrypted" in reason(tmp_path / "a.pdf", packed.getvalue())


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4\n", pdf("x")[:200], os.urandom(2000)])
def test_a_broken_pdf_is_reported(tmp_path, data):
    assert reason(tmp_path / "a.pdf", data)


# --- help-centre exports


def zendesk(**more: object) -> dict[str, object]:
    return {"id": 1, "title": "T &amp; U", "body": "<h2>A</h2><p>b</p>", "draft": False} | more


def test_a_zendesk_export_is_read(tmp_path):
    export = {
        "articles": [
            zendesk(
                html_url="https://x.org/1", url="https://x.org/api/1.json", locale="en-us",
                label_names=["a"], section_id=9, updated_at="2024-01-01", outdated=False,
            ),
            zendesk(id=2, draft=True),
            zendesk(id=3, user_segment_id=77),
            zendesk(id=4, draft="yes"),
            zendesk(id=5, body=None),
        ],
        "sections": [{"id": 9, "name": "Billing"}],
    }  # fmt: skip
    found = parsed(tmp_path / "a.json", json.dumps(export))
    first, draft, restricted = found.articles
    assert (first.id, first.title, first.text) == ("1", "T & U", "A\n\nb")
    assert (first.url, first.language, first.topic) == ("https://x.org/1", "en", "Billing")
    assert (first.tags, first.updated, first.published) == (("a",), "2024-01-01", True)
    assert first.extra["outdated"] is False
    assert draft.published is False
    assert restricted.audience == "internal"
    assert [(f.article_id, f.reason) for f in found.failed] == [
        ("4", "draft must be true or false"), ("5", "has no text"),
    ]  # fmt: skip


def test_pages_bare_lists_and_our_own_keys_are_read(tmp_path):
    pages = [{"articles": [zendesk()], "next_page": "x"}, {"articles": [zendesk(id=2)]}]
    joined = "\n".join(json.dumps(page) for page in pages)
    own = [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}]
    assert len(parsed(tmp_path / "a.json", json.dumps(pages)).articles) == 2
    assert len(parsed(tmp_path / "a.json", joined).articles) == 2
    assert len(parsed(tmp_path / "a.json", json.dumps([zendesk()])).articles) == 1
    assert [f.article_id for f in parsed(tmp_path / "a.json", json.dumps(own)).failed] == [None]


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "[1]", "[" * 100_000, '{"articles": 5}'])
def test_a_json_file_without_articles_is_reported(tmp_path, content):
    assert reason(tmp_path / "a.json", content)


def test_the_largest_export_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "LARGEST_FILE", 3)
    assert "bytes" in reason(tmp_path / "a.txt", "abcd")
