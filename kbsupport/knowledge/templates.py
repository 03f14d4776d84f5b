"""Template leftovers and odd characters: what must never reach an answer is taken out here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# A tag that is longer than this, or spans a blank line, is an opener somebody forgot to close.
_LONGEST_TAG = 2000
_CLOSERS = {"%": "%}", "{": "}}", "#": "#}"}
_OPENER = re.compile(r"\{([%{#])")
_KRAMDOWN_ID = re.compile(r"\{#[\w:.-]+\}")
_KRAMDOWN = re.compile(r"\{::?/?[^{}\n]*\}")
_TITLE = re.compile(r"""\b(?:title|label|summary)=(?:"([^"]*)"|'([^']*)')""")
_ITEMS = re.compile(r"\bitems=page\.([\w-]+)")
_WORD = re.compile(r"[\w-]+")

# Blocks whose title is all that tells the reader which case the text below is for.
_TITLED = frozenset({"tab", "code", "step", "accordion", "details", "expandable", "card"})
# Blocks that show something other than their body: a comment nothing, a content-ref another page.
_UNSHOWN = frozenset({"comment", "content-ref"})

_BREAKS = re.compile("\r\n?|[\u0085\u2028\u2029\x0b\x0c]")
_SPACES = re.compile("[\u00a0\u2007\u202f]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# Joiners spell words in Persian and many Indian scripts and glue emoji; beside Latin they hide.
_JOINERS = re.compile(
    "(?<![\u0300-\U0010ffff])[\u200c\u200d]|[\u200c\u200d](?![\u0300-\U0010ffff])"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u0300-\uffff\U000e0000-\U000e007f]")


def clean_characters(text: str) -> str:
    """Text without control, zero-width and direction characters; line ends are line feeds."""
    if not _ODD.search(text):
        return text
    text = _SPACES.sub(" ", _BREAKS.sub("\n", text))
    text = _JOINERS.sub("", _UNSEEN.sub("", text))
    return _SURROGATES.sub("\ufffd", text)


@dataclass(frozen=True, slots=True)
class _Tag:
    start: int
    end: int
    body: str | None  # None: an opener without its closer

    @property
    def name(self) -> str:
        word = _WORD.search(self.body or "")
        return word[0] if word else ""


def _tags(text: str) -> Iterator[_Tag]:
    position = 0
    while found := _OPENER.search(text, position):
        kind, start = found[1], found.start()
        if kind == "#" and (named := _KRAMDOWN_ID.match(text, start)):
            position = named.end()
            continue
        end = text.find(_CLOSERS[kind], found.end(), start + _LONGEST_TAG)
        if end < 0 or "\n\n" in text[found.end() : end]:
            position = found.end()
            if kind != "#":  # a lone "{#" is no template syntax
                yield _Tag(start, position, None)
            continue
        position = end + 2
        if kind == "{" and text[start + 2] == "{" and text[position : position + 1] == "}":
            position += 1  # {{{ unescaped }}}
        yield _Tag(start, position, text[found.end() : end] if kind == "%" else "")


def strip_tags(text: str, lists: Mapping[str, list[str]] | None = None) -> str:
    """Source without Liquid, Jinja, Handlebars and GitBook tags; what they show stays.

    `lists` are lists of the front matter, for includes that show one (`items=page.NAME`).
    """
    if "{%" not in text and "{{" not in text and "{#" not in text:
        return text
    tags = list(_tags(text))
    names = [tag.name for tag in tags]
    # A capture stays where it stands if it is shown anywhere (an include further on takes it as
    # an argument, and that include is gone); captured and never used, no reader ever saw it.
    used = {
        word
        for tag, name in zip(tags, names, strict=True)
        if name not in ("capture", "assign")
        for word in _WORD.findall(text[tag.start : tag.end])
    }
    last = {name: number for number, name in enumerate(names)}
    out: list[str] = []
    position = skip_to = 0
    for number, (tag, name) in enumerate(zip(tags, names, strict=True)):
        if tag.start < skip_to:
            continue
        out.append(text[position : tag.start])
        position = tag.end
        if _unshown(tag, name, used) and last.get(f"end{name}", -1) > number:
            position = skip_to = tags[names.index(f"end{name}", number)].end
            continue
        _leave(out, text, tag, _shown(tag, name, lists or {}))
    out.append(text[position:])
    return "".join(out)


def _unshown(tag: _Tag, name: str, used: set[str]) -> bool:
    if name != "capture":
        return name in _UNSHOWN
    words = _WORD.findall(tag.body or "")
    return len(words) > 1 and words[1] not in used


def _shown(tag: _Tag, name: str, lists: Mapping[str, list[str]]) -> list[str]:
    if name in _TITLED and (title := _TITLE.search(tag.body or "")):
        return [title[1] or title[2] or ""]
    if name == "include" and (items := _ITEMS.search(tag.body or "")):
        return [f"- {item}" for item in lists.get(items[1], [])]
    return []


def _leave(out: list[str], text: str, tag: _Tag, lines: list[str]) -> None:
    before = "".join(out[-1:]).rpartition("\n")[2]
    if lines:
        indent = before if not before.strip() else ""
        out.append("\n" + "".join(f"{indent}{line}\n" for line in lines))
    elif before.endswith(" ") and text[tag.end : tag.end + 1] in tuple(".,;:!?)"):
        out[-1] = out[-1][:-1]  # "Hello {{ name }}, …" reads "Hello, …"


def drop_between(text: str, start: str, stop: str) -> str:
    """Text without what stands between two marks, or the marks."""
    parts: list[str] = []
    position = 0
    while (found := text.find(start, position)) >= 0:
        end = text.find(stop, found)
        if end < 0:
            break
        parts.append(text[position:found])
        position = end + len(stop)
    return "".join(parts) + text[position:]


def scrub(text: str, *, attributes: bool = True) -> str:
    """One finished block without any template syntax, even if entities or bold hid it before."""
    text = clean_characters(text)
    if "{" not in text:
        return text
    for _ in range(3):  # what is cut may leave a new tag behind: {{{% x %}{ y }}
        text = strip_tags(text)
    if attributes:
        text = _KRAMDOWN.sub("", text)
    while "{{" in text or "{%" in text:
        text = text.replace("{{", "").replace("{%", "")
    return text.replace("%}", "")


def one_line(text: str) -> str:
    """A title, a seen question or another short value, on one line and scrubbed."""
    return " ".join(scrub(text).split())
