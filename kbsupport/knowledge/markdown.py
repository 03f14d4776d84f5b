"""Markdown, with the dialects that help centres mix into it, to HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from kbsupport.knowledge.markup import HTML_TAGS
from kbsupport.knowledge.templates import drop_between, strip_tags

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

# markdown-it is quadratic in unclosed brackets: above these a paragraph is taken as it is.
_LONGEST_PARAGRAPH = 20_000
_MOST_BRACKETS = 2_000
_MOST_UNCLOSED = 100

_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?(`{3,}|~{3,})")
_DATA_URI = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+")

_TOC = re.compile(r"^[ \t]*(?:[-*+]|\d+\.)[ \t].*\n[ \t]*\{:\s*toc[^}\n]*\}", re.MULTILINE)
_ATTRIBUTES = re.compile(r"\{::?/?[^{}\n]*\}")
_HEADING_ID = re.compile(r"[ \t]*\{#[\w:.-]+\}")
_NAMES = r"(?:\w+|\{[^{}]*\}|\*\s+as\s+\w+)"
_MODULE_LINE = re.compile(
    rf"^(?:import\s+(?:{_NAMES}(?:\s*,\s*{_NAMES})?\s+from\s+)?['\"][^'\"\n]+['\"]"
    r"|export\s+(?:const|let|default|function)\b[^\n]*);?[ \t]*$",
    re.MULTILINE,
)
_ADMONITION = re.compile(
    r"^([ \t]*):{3,}[ \t]*(?:[a-z]+\b)?(?:\[([^\]\n]*)\]|([^\n]*))$", re.MULTILINE
)
_ALERT = re.compile(r"^([ \t]*(?:>[ \t]*)+)\[![A-Z]+\][ \t]*$", re.MULTILINE)
_MARKDOWN_INSIDE = re.compile(r"^([ \t]*<\w+[^<>\n]*\bmarkdown=[^<>\n]*>)", re.MULTILINE)

_COMPONENT_LINE = re.compile(
    r"^([ \t]*)<(/?)([A-Z][\w.]*)((?:\s[^<>]*)?)>[ \t]*$|^[ \t]*</?>[ \t]*$", re.MULTILINE
)
_COMPONENT = re.compile(r"<[A-Z][\w.]*(?=\s)")
_LABEL = re.compile(r"""\b(?:title|label|summary)=(?:"([^"]*)"|'([^']*)')""")
_ANY_TAG = re.compile(r"<([A-Za-z][\w.-]*)((?:\s[^<>]*)?)>")
_AUTOLINK = re.compile(r"<(https?://[^\s<>]+)>")
# CommonMark does not close bold between full-width punctuation and a character, as Chinese needs
_CJK = "[\u2e80-\uffef]"
_CJK_BOLD = re.compile(rf"\*\*([^*\n]+)\*\*(?={_CJK})|(?<={_CJK})\*\*([^*\n]+)\*\*")
_EMPTY_BOLD = re.compile(r"(?<!\S)\*{4}(?!\S)")
_CLOSED = re.compile(r"</([A-Za-z][\w.-]*)\s*>")


def to_html(source: str, lists: Mapping[str, list[str]] | None = None, *, keep_lines: bool) -> str:
    """HTML of Markdown; with `keep_lines` a line break in a paragraph is a line break."""
    source = strip_tags(_DATA_URI.sub("", source), lists)
    closed = frozenset(_CLOSED.findall(source))
    source = _outside_fences(source, lambda text: _plain_markdown(text, closed))
    parser = _parser(keep_lines)
    tokens = parser.parse(source)
    for token in tokens:
        for child in token.children or ():
            if child.type == "html_inline" and _is_placeholder(child.content, closed):
                child.type = "text"
            elif child.type == "text" and "**" in child.content:
                child.content = _EMPTY_BOLD.sub("", _CJK_BOLD.sub(r"\1\2", child.content))
        if token.type == "html_block" or _is_indented_html(token):
            token.type = "html_block"
            token.content = _escape_placeholders(token.content, closed)
    html: str = parser.renderer.render(tokens, parser.options, {})
    return html


@cache
def _parser(keep_lines: bool) -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True, "breaks": keep_lines})
    parser.enable(["table", "strikethrough"])
    parser.core.ruler.at("inline", _read_inline)
    return parser


def _read_inline(state: StateCore) -> None:
    from markdown_it.token import Token

    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        hostile = token.content.count("[") > _MOST_BRACKETS
        if hostile or len(token.content) > _LONGEST_PARAGRAPH:
            token.children.append(Token("text", "", 0, content=token.content))
        else:
            state.md.inline.parse(token.content, state.md, state.env, token.children)


def _is_indented_html(token: Token) -> bool:
    # Four spaces make code in Markdown, but in a help centre's raw HTML they are indentation.
    return token.type == "code_block" and bool(re.match(r"\s*<[A-Za-z/!]", token.content))


def _is_placeholder(tag: str, closed: frozenset[str]) -> bool:
    """True for words of the article ("<or>", "<your name>"); `<Alert type="x">` is markup."""
    found = _ANY_TAG.fullmatch(tag)
    if found is None:
        return False
    name, rest = found[1], found[2]
    return (
        name.lower() not in HTML_TAGS
        and name not in closed
        and "=" not in rest
        and not rest.endswith("/")
    )


def _escape_placeholders(html: str, closed: frozenset[str]) -> str:
    html = _AUTOLINK.sub(r"\1", html)
    return _ANY_TAG.sub(
        lambda tag: _escape(tag[0]) if _is_placeholder(tag[0], closed) else tag[0], html
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _outside_fences(source: str, edit: Callable[[str], str]) -> str:
    if "```" not in source and "~~~" not in source:
        return edit(source)
    parts: list[str] = []
    lines: list[str] = []
    fence = ""
    for line in source.splitlines(keepends=True):
        found = _FENCE.match(line)
        lines.append(line)
        if fence:
            if found and found[1].startswith(fence) and not line[found.end() :].strip():
                parts.append("".join(lines))
                lines, fence = [], ""
        elif found and "`" not in line[found.end() :]:
            parts += [edit("".join(lines[:-1]))]
            lines, fence = [line], found[1]
    rest = "".join(lines)
    return "".join(parts) + (rest if fence else edit(rest))


def _plain_markdown(text: str, closed: frozenset[str]) -> str:
    """Kramdown attributes, MDX, directives and alerts: gone or turned into plain Markdown."""
    if "{" in text:
        text = _ATTRIBUTES.sub("", _TOC.sub("", text))
        text = _HEADING_ID.sub("", drop_between(text, "{/*", "*/}"))
        text = _without_expressions(text) if "={" in text else text
    if "import" in text or "export" in text:
        text = _MODULE_LINE.sub("", text)
    if ":::" in text:
        text = _ADMONITION.sub(lambda line: f"\n{line[1]}{line[2] or line[3] or ''}\n", text)
    if "[!" in text:
        text = _ALERT.sub(r"\1", text)
    if "markdown=" in text:
        text = _MARKDOWN_INSIDE.sub(r"\1\n", text)
    if "<" in text:
        text = _COMPONENT_LINE.sub(lambda line: _component_line(line, closed), text)
    return text


def _component_line(line: re.Match[str], closed: frozenset[str]) -> str:
    # On lines of their own components are taken out here and not later, or the Markdown between
    # them would count as part of an HTML block and keep its asterisks.
    if line[3] is None:
        return ""
    if not line[2] and _is_placeholder(line[0].strip(), closed) and line[3] not in closed:
        return line[0]
    label = _LABEL.search(line[4])
    return f"\n{line[1]}{label[1] or label[2] or ''}\n" if label else ""


def _without_expressions(text: str) -> str:
    """`<Tabs values={[{label: "a > b"}]}>` is no HTML; without what is in braces it is."""
    parts: list[str] = []
    position = unclosed = 0
    for component in _COMPONENT.finditer(text):
        if component.start() < position or unclosed > _MOST_UNCLOSED:
            continue
        depth, kept, end = 0, [component[0]], component.end()
        for character in text[end : end + 4000]:
            end += 1
            depth += (character == "{") - (character == "}")
            if depth == 0 and character != "}":
                kept.append(character)
            if depth == 0 and character == ">":
                parts += [text[position : component.start()], "".join(kept)]
                position = end
                break
        else:
            unclosed += 1
    return "".join(parts) + text[position:]
