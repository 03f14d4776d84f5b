"""JSON lines and help-centre exports (Zendesk): one file, many articles."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from kbsupport.errors import ArticleError
from kbsupport.knowledge.fields import Fields, make_article
from kbsupport.knowledge.formats import decode, html_blocks, markdown_blocks
from kbsupport.knowledge.templates import one_line, strip_tags
from kbsupport.model import Article, Failure

LONGEST_LINE = 5_000_000
LARGEST_EXPORT = 256_000_000

Row = tuple[int | None, object]


def read_rows(path: Path, name: str) -> tuple[tuple[Article, ...], tuple[Failure, ...]]:
    """The articles of a .jsonl or .json file; a bad row is a failure, the rest go on."""
    articles: dict[str, Article] = {}
    lines: dict[str, int | None] = {}
    failed: list[Failure] = []
    rows = _lines(path, name) if path.suffix.lower() == ".jsonl" else _export(path, name)
    for line, row in rows:
        try:
            article = _read_row(row, name, line)
        except ArticleError as error:
            failed.append(Failure(name, line, error.reason, _id_of(row)))
            continue
        if article.id in articles:
            where = f" on line {lines[article.id]}" if line else " in this file"
            failed.append(Failure(name, line, f"the id {article.id!r} is used before{where}"))
            continue
        articles[article.id] = article
        lines[article.id] = line
    return tuple(articles.values()), tuple(failed)


def _id_of(row: object) -> str | None:
    value = row.get("id") if isinstance(row, Mapping) else None
    if isinstance(value, str | int) and not isinstance(value, bool):
        return one_line(str(value)) or None
    return None


def _lines(path: Path, name: str) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, data in _bounded_lines(file):
            if data is None:
                reason = f"the line has more than {LONGEST_LINE:,} bytes"
                yield number, ArticleError(name, reason, number)
                continue
            try:
                text = decode(data, name, number)
                if text.strip():
                    yield number, json.loads(text)
            except ArticleError as error:
                yield number, ArticleError(name, f"{error.reason}; save it as UTF-8", number)
            except (ValueError, RecursionError) as error:
                yield number, ArticleError(name, f"is no JSON: {error}", number)


def _bounded_lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    number = 0
    while data := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(data) <= LONGEST_LINE or data.endswith(b"\n"):
            yield number, data
            continue
        while data and not data.endswith(b"\n"):  # never more than one stretch in memory
            data = file.readline(LONGEST_LINE)
        yield number, None


def _export(path: Path, name: str) -> Iterator[Row]:
    if (size := path.stat().st_size) > LARGEST_EXPORT:
        raise ArticleError(name, f"has {size:,} bytes; an export may have {LARGEST_EXPORT:,}")
    pages = list(_documents(decode(path.read_bytes(), name), name))
    flat = [item for page in pages for item in (page if isinstance(page, list) else [page])]
    topics = _sections(flat)
    found = False
    for item in flat:
        for row in _rows_of(item):
            found = True
            yield None, _with_topic(row, topics)
    if not found:
        raise ArticleError(name, 'holds no articles; expected {"articles": […]} or a list of them')


def _documents(text: str, name: str) -> Iterator[object]:
    """The JSON documents of a file: exports of many pages are often just joined."""
    decoder = json.JSONDecoder()
    position = len(text) - len(text.lstrip())
    while position < len(text):
        try:
            document, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise ArticleError(name, f"is no JSON: {error.msg}", error.lineno) from error
        except (ValueError, RecursionError) as error:
            raise ArticleError(name, f"is no JSON: {error}") from error
        yield document
        while end < len(text) and text[end].isspace():
            end += 1
        position = end


def _with_topic(row: object, topics: Mapping[str, str]) -> object:
    if isinstance(row, dict) and "section_id" in row:
        return {"topic": topics.get(str(row["section_id"])), **row}
    return row


def _rows_of(item: object) -> list[object]:
    if isinstance(item, dict) and "articles" in item:
        rows = item["articles"]
        return rows if isinstance(rows, list) else [rows]
    # A page of sections or categories alone belongs to the export but holds no article.
    alone = isinstance(item, dict) and not ({"id", "title", "text", "body"} & item.keys())
    return [] if alone else [item]


def _sections(pages: list[object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for page in pages:
        sections = page.get("sections") if isinstance(page, dict) else None
        for section in sections if isinstance(sections, list) else ():
            if isinstance(section, dict) and isinstance(section.get("name"), str):
                found[str(section.get("id"))] = section["name"]
    return found


def _read_row(row: object, name: str, line: int | None) -> Article:
    if isinstance(row, ArticleError):  # no row: the line itself could not be read
        raise row
    if not isinstance(row, dict):
        raise ArticleError(name, "is no JSON object", line)
    row_id = _id_of(row)
    if row_id is None:
        raise ArticleError(name, "has no id", line)
    if "body" in row and "text" not in row:
        fields = Fields(_renamed(row, name, line), name, {}, line)
        body = strip_tags(Fields(row, name, {}, line).body("body"))
        blocks = html_blocks(body, name, page=False)
    else:
        fields = Fields(row, name, {}, line)
        # Most exports write Markdown; where it is plain text, its line breaks mean something.
        blocks = markdown_blocks(fields.body("text"), name, keep_lines=True)
    return make_article(fields, blocks, id=row_id, fallback_title="", source=name)


def _renamed(row: Mapping[str, Any], name: str, line: int | None) -> dict[str, Any]:
    """A Zendesk article under our keys; what has no key of ours is kept as it is."""
    values = {key: value for key, value in row.items() if key != "body"}
    draft = values.get("draft", False)
    if not isinstance(draft, bool):
        raise ArticleError(name, "draft must be true or false", line)
    if not values.get("title"):
        values["title"] = values.get("name")
    values["published"] = not draft and values.get("published", True)
    # An article for a user segment is for some signed-in readers or for staff; which of them we
    # cannot know, and restricted text must never reach the public.
    if values.get("user_segment_id") is not None or values.get("user_segment_ids"):
        values["audience"] = "internal"
    locale = values.get("locale")
    if isinstance(locale, str) and not values.get("language"):
        values["language"] = locale.replace("_", "-").partition("-")[0].lower()
    for ours, theirs in (("url", "html_url"), ("updated", "updated_at"), ("tags", "label_names")):
        # "url" is the address of the API in these exports, "html_url" that of the page.
        if values.get(theirs) is not None:
            values[ours] = values.pop(theirs)
    return values
