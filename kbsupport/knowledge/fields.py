"""Front matter and JSON keys: checked, typed, and put together with the text to an article."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from kbsupport.errors import ArticleError
from kbsupport.knowledge.markup import HTML_TAGS, Block, compose
from kbsupport.knowledge.templates import clean_characters, one_line
from kbsupport.model import Article, Audience

KEYS = (
    "id", "title", "text", "seen_questions", "topic", "tags", "audience", "tiers", "language",
    "product", "url", "author", "updated", "published",
)  # fmt: skip
_KNOWN = frozenset(KEYS)
_WORDS = _KNOWN - {"published", "audience", "tiers", "tags", "seen_questions"}

_FENCE = re.compile(r"-{3}[ \t]*$")
_CLOSE = re.compile(r"^(?:-{3}|\.{3})[ \t]*$", re.MULTILINE)
_KEY_LINE = re.compile(r"^[\w-]+[ \t]*:(?:[ \t]|$)", re.MULTILINE)
_LOOKS_LIKE_YAML = re.compile(r"^[\w-]+[ \t]*:|\A\s*[{\[&*!%\"']", re.MULTILINE)
_ID_LINE = re.compile(r"^id[ \t]*:[ \t]*[\"']?([^\"'\n#]+)", re.MULTILINE)
_DEEPEST_YAML = 20
_TAG = re.compile(r"</?([A-Za-z][\w.-]*)(?:\s[^<>]*)?/?>|<!--.*?-->")


class FrontMatter:
    """What stands above the text: values, the text as it was typed, and the line of each key."""

    def __init__(self, values: dict[str, Any], lines: dict[str, int], body: str) -> None:
        self.values, self.lines, self.body = values, lines, body

    @property
    def lists(self) -> dict[str, list[str]]:
        """Lists of text, which some sites show with an include."""
        return {
            key: value
            for key, value in self.values.items()
            if isinstance(value, list) and all(isinstance(item, str) for item in value)
        }


def split_front_matter(text: str, path: str) -> FrontMatter:
    """The front matter and the text below it; ArticleError names the line of what is broken."""
    above = len(text) - len(text.lstrip("\n \t"))
    first_line = text.count("\n", 0, above) + 1
    opening, _, rest = text[above:].partition("\n")
    if opening.rstrip() == "+++":
        raise ArticleError(path, "TOML front matter is not read; use YAML between ---", first_line)
    if not _FENCE.fullmatch(opening):
        return FrontMatter({}, {}, text)
    end = _CLOSE.search(rest)
    if end is None:
        # Without its last line it would be published as text, `audience: internal` unread.
        if _KEY_LINE.match(rest):
            raise ArticleError(path, "front matter is not closed by a line of ---", first_line)
        return FrontMatter({}, {}, text)
    above_text = rest[: end.start()]
    if above_text.strip() and not _LOOKS_LIKE_YAML.search(above_text):
        return FrontMatter({}, {}, text)  # prose between two rules
    values, lines = _read_yaml(above_text, path, first_line + 1)
    return FrontMatter(values, lines, rest[end.end() :])


def guess_id(text: str) -> str | None:
    """The `id:` of front matter too broken to read, so that the failure finds its article."""
    found = _ID_LINE.search(text[:5000])
    return one_line(found[1]) or None if found else None


def _read_yaml(source: str, path: str, line: int) -> tuple[dict[str, Any], dict[str, int]]:
    import yaml

    try:
        typed, lines = _scan(source, path, line)
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        values = yaml.load(source, Loader=loader)  # noqa: S506 -- both are safe, one is fast
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = line + mark.line if mark else line
        raise ArticleError(path, f"broken front matter: {error.problem}", where) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: 2024-13-45
        raise ArticleError(path, f"broken front matter: {error}", line) from error
    if values is None:
        return {}, {}
    if not isinstance(values, dict):
        raise ArticleError(path, "front matter must be keys and values", line)
    named = {str(key): value for key, value in values.items()}
    for key in named.keys() & typed.keys():
        # "id: 007" is no octal seven, and "language: no" is Norwegian.
        if key.lower() in _WORDS and isinstance(named[key], bool | int | float):
            named[key] = typed[key]
    return named, lines


def _scan(source: str, path: str, line: int) -> tuple[dict[str, str], dict[str, int]]:
    """The scalars of the top level as typed and the lines of its keys; refuses what can harm."""
    import yaml

    typed: dict[str, str] = {}
    lines: dict[str, int] = {}
    depth, key = 0, None
    for event in yaml.parse(source, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        mark = event.start_mark
        where = line + (mark.line if mark else 0)
        opens, closes = (
            isinstance(event, kind) for kind in (yaml.CollectionStartEvent, yaml.CollectionEndEvent)
        )
        refused = "is nested too deeply" if depth > _DEEPEST_YAML else _refused(event)
        if refused:
            raise ArticleError(path, f"front matter {refused}", where)
        if depth == 1 and not closes and key is None:
            key = str(getattr(event, "value", ""))
            if lines.setdefault(key, where) != where:
                raise ArticleError(path, f"front matter has the key {key!r} twice", where)
        elif depth == 1 and not closes and key is not None:
            typed[key] = str(getattr(event, "value", ""))
            key = None
        depth += opens - closes
    return typed, lines


def _refused(event: Any) -> str | None:
    # Aliases can unfold a few lines to gigabytes, and tags ask for objects.
    if type(event).__name__ == "AliasEvent" or getattr(event, "anchor", None):
        return "has an anchor or alias, which is refused"
    if getattr(event, "tag", None):
        return f"has the tag {event.tag}, which is refused"
    return None


class Fields:
    """The keys of one article; reading one of the wrong type raises ArticleError with its line."""

    def __init__(
        self,
        values: Mapping[str, Any],
        path: str,
        lines: Mapping[str, int],
        line: int | None = None,
    ) -> None:
        self._path, self._lines, self._line = path, lines, line
        self._values: dict[str, Any] = {}
        for key, value in values.items():
            # "Audience: internal" must not be taken for an unknown key and published.
            name = key.lower() if key.lower() in _KNOWN else key
            if name in self._values:
                raise self._wrong(key, "appears twice")
            self._values[name] = value

    def _wrong(self, key: str, reason: str) -> ArticleError:
        return ArticleError(self._path, f"{key} {reason}", self._lines.get(key, self._line))

    def text(self, key: str) -> str | None:
        """A short text on one line; numbers and dates are as good as text."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self._wrong(key, "must be text")
        return one_line(str(value)) or None

    def body(self, key: str) -> str:
        """A long text."""
        value = self._values.get(key)
        if value is not None and not isinstance(value, str):
            raise self._wrong(key, "must be text")
        return clean_characters(value or "")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; a single text counts as a list of one."""
        value = self._values.get(key)
        if value is None:
            return ()
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not all(_is_word(item) for item in items):
            raise self._wrong(key, "must be a list of texts")
        return tuple(dict.fromkeys(text for item in items if (text := plain(str(item)))))

    def tiers(self) -> tuple[str, ...]:
        """The tiers that may see it; an empty name would open a restricted article to all."""
        tiers = self.texts("tiers")
        value = self._values.get("tiers")
        if value not in (None, []) and not tiers:
            raise self._wrong("tiers", "must be a list of texts")
        return tiers

    def audience(self) -> Audience:
        """Public unless it says otherwise."""
        value = self._values.get("audience")
        if value is None:
            return Audience.PUBLIC
        try:
            return Audience(value.strip().lower())
        except (ValueError, AttributeError):
            raise self._wrong("audience", "must be public or internal") from None

    def published(self) -> bool:
        """True, false or absent: "no" in quotes is unclear, and what is unclear stays unseen."""
        value = self._values.get("published", True)
        if not isinstance(value, bool):
            raise self._wrong("published", "must be true or false")
        # Hugo, Jekyll and help centres mark drafts so; to show one is worse than to miss one.
        return value and self._values.get("draft") is not True

    def extra(self) -> dict[str, Any]:
        """Every key that is not ours, as JSON can hold it."""
        return {
            plain_key(key): _as_json(value)
            for key, value in self._values.items()
            if key not in _KNOWN
        }


def _is_word(item: object) -> bool:
    return isinstance(item, str | int | float) and not isinstance(item, bool)


def _as_json(value: Any) -> Any:
    text = json.dumps(value, default=_iso, allow_nan=True, skipkeys=True)
    cleaned: Any = json.loads(text, parse_constant=str)  # .nan and .inf are no JSON
    return _without_surrogates(cleaned)


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not value.isascii() else value
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value


def plain_key(key: str) -> str:
    """An unknown key without what SQL and JSON choke on."""
    return one_line(key)


def plain(text: str) -> str:
    """A title or question without the markup that editors leave in it."""
    if "<" in text:
        text = _TAG.sub(_drop_tag, text)
    return one_line(html.unescape(text) if "&" in text else text)


def _drop_tag(tag: re.Match[str]) -> str:
    name = tag[1]
    known = name is None or name.lower() in HTML_TAGS or "=" in tag[0] or tag[0].endswith("/>")
    return "" if known else tag[0]


def make_article(
    fields: Fields, blocks: Sequence[Block], *, id: str, fallback_title: str, source: str
) -> Article:
    """The article, or ArticleError naming the key that is wrong."""
    title = plain(fields.text("title") or "") or next((b.text for b in blocks if b.level), "")
    title = title or fallback_title or id
    text, sections = compose(blocks, title)
    article = Article(
        id=id,
        title=title,
        text=text,
        sections=sections,
        seen_questions=fields.texts("seen_questions"),
        topic=fields.text("topic"),
        tags=fields.texts("tags"),
        audience=fields.audience(),
        tiers=fields.tiers(),
        language=fields.text("language"),
        product=fields.text("product"),
        url=fields.text("url"),
        author=fields.text("author"),
        updated=fields.text("updated"),
        published=fields.published(),
        extra=fields.extra(),
        source=source,
    )
    if not text.strip():
        raise ArticleError(source, "has no text")
    return article
