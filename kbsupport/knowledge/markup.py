"""HTML to blocks of clean text, the one path of every rich format; and blocks to an article."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kbsupport.knowledge.templates import scrub
from kbsupport.model import Section

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HTML_TAGS = _words(
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink "
    "blockquote body br button canvas caption center cite code col colgroup data datalist dd del "
    "details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer form frame "
    "frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend "
    "li link main map mark marquee math menu meta meter nav nobr noframes noscript object ol "
    "optgroup option output p param picture pre progress q rp rt ruby s samp script search section "
    "select slot small source span strike strong style sub summary sup svg table tbody td template "
    "textarea tfoot th thead time title tr track tt u ul var video wbr"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_BLOCKS = _words(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "
    "figcaption figure footer form header hgroup hr legend main p search section summary tbody "
    "tfoot thead"
)
_NEVER = _words(
    "audio canvas datalist embed head iframe input map math noframes noscript object script select "
    "style svg template textarea video"
)
# Of a whole page only: in a fragment (Markdown, a help-centre body) an aside is a note to the
# reader, and there is no site around it.
_CHROME = frozenset({"nav", "header", "footer", "aside"})
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_AROUND_BREAKS = re.compile(r" *\n *")
_NUMBER = re.compile(r"-?\d{1,9}")
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]*)")

# The HTML5 algorithm walks up the open elements at every tag, and reopens unclosed bold and font
# in every paragraph: both are quadratic, and 100,000 nested <div> took 48 s.
_DEEPEST = 2000
_MOST_REOPENED = 500_000
_NESTING = _words("div span section article blockquote ul ol table dl font")
_REOPENED = _words("a b big code em font i nobr s small strike strong tt u")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading (`level` > 0), list item, table row or code block; ready to be joined.

    Neighbours of one `group` (a list, a table) stand on adjoining lines.
    """

    text: str
    level: int = 0
    group: int | None = None


def compose(blocks: Iterable[Block], title: str) -> tuple[str, tuple[Section, ...]]:
    """The text and its sections: without gaps or overlaps, from the first character to the last."""
    pieces: list[str] = []
    headings: list[tuple[int, int, str]] = []
    offset, last = 0, None
    for block in blocks:
        if pieces:
            together = block.group is not None and block.group == last
            pieces.append("\n" if together else "\n\n")
            offset += len(pieces[-1])
        if block.level:
            headings.append((offset, block.level, block.text))
        pieces.append(block.text)
        offset, last = offset + len(block.text), block.group
    return "".join(pieces), tuple(_sections(headings, offset, title))


def _sections(headings: list[tuple[int, int, str]], length: int, title: str) -> Iterable[Section]:
    starts = [start for start, _, _ in headings]
    if not starts or starts[0] > 0:
        yield Section((), 0, starts[0] if starts else length)
    open_now: list[tuple[int, str]] = []
    for number, (start, level, text) in enumerate(headings):
        while open_now and open_now[-1][0] >= level:
            open_now.pop()
        if number or text.casefold() != title.casefold():
            open_now.append((level, text))
        end = starts[number + 1] if number + 1 < len(starts) else length
        yield Section(tuple(name for _, name in open_now), start, end)


def too_deep(source: str) -> bool:
    """True for HTML that the parser would need minutes or gigabytes for."""
    depth = deepest = reopened = tags = 0
    for closing, name in _TAG.findall(source):
        tags += 1
        step = -1 if closing else 1
        tag = name.lower()
        if tag in _NESTING or tag not in HTML_TAGS:
            depth += step
            deepest = max(deepest, depth)
        if tag in _REOPENED:
            reopened += step
    return deepest > _DEEPEST or reopened * tags > _MOST_REOPENED


def read_html(source: str, *, page: bool) -> list[Block]:
    """Blocks of a whole page (its main part, if it has one) or of a fragment."""
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(source).body
    if body is None:
        return []
    main = _main(body) if page else None
    blocks = _walk(main, page=True, inside=True) if main is not None else []
    return blocks or _walk(body, page=page, inside=False)


def _main(body: LexborNode) -> LexborNode | None:
    for selector in ("main", "[role=main]"):
        if (found := body.css_first(selector)) is not None:
            return found
    articles = body.css("article")
    return articles[0] if len(articles) == 1 else None


def _walk(root: LexborNode, *, page: bool, inside: bool) -> list[Block]:
    # By hand and not by recursion: pages nest deeper than Python's stack.
    scribe = _Scribe(page=page, inside=inside)
    path: list[tuple[LexborNode, str]] = []
    node: LexborNode | None = root.child
    while node is not None or path:
        if node is None:
            node, tag = path.pop()
            scribe.leave(tag)
            node = node.next
            continue
        tag = node.tag or ""
        if tag == "-text":
            scribe.write(node.text_content or "")
        elif tag[0] not in "-!" and scribe.enter(node, tag):
            path.append((node, tag))
            node = node.child
            continue
        node = node.next
    scribe.flush()
    return scribe.blocks


@dataclass(slots=True)
class _List:
    number: int | None  # the next number; None for bullets


class _Scribe:
    """Writes down what a reader of the page sees, block by block."""

    def __init__(self, *, page: bool, inside: bool) -> None:
        self.blocks: list[Block] = []
        self._page, self._inside = page, inside
        self._words: list[str] = []
        self._lists: list[_List] = []
        self._marker: str | None = None
        self._cells: list[str] | None = None
        self._tables: list[bool] = []  # True: holds data, False: lays out the page
        self._links: list[tuple[int, str]] = []
        self._level = self._code = self._groups = 0
        self._in_cell = False

    def write(self, text: str) -> None:
        self._words.append(text if self._code else _BLANKS.sub(" ", text))

    def enter(self, node: LexborNode, tag: str) -> bool:
        """False if nothing inside is shown."""
        attributes = node.attributes
        if tag in _NEVER or _hidden(attributes) or (tag in _CHROME and self._is_chrome(node, tag)):
            return False
        if tag == "br":
            self._words.append("\n")
        elif tag == "a":
            self._links.append((len(self._words), attributes.get("href") or ""))
        elif tag == "img" and self._links:
            self._links[-1] = (self._links[-1][0], "")  # a picture to click on: no text at all
        elif tag in _LISTS:
            self._open_list(tag, attributes)
        elif tag == "li":
            self._open_item(attributes)
        elif tag in ("table", "tr", "td", "th"):
            self._open_table_part(node, tag)
        elif tag in _HEADINGS or tag == "pre" or tag in _BLOCKS:
            self._open_block(tag)
        elif tag not in HTML_TAGS:
            self._open_component(attributes)
        return True

    def leave(self, tag: str) -> None:
        if tag == "a" and self._links:
            self._close_link()
        elif tag in _LISTS:
            self._close_list()
        elif tag in ("table", "tr", "td", "th"):
            self._close_table_part(tag)
        elif tag in _HEADINGS:
            self.flush()
            self._level = 0
        elif tag == "pre" or tag in _BLOCKS or tag == "li":
            self._close_block(tag)

    def flush(self) -> None:
        """End the paragraph; a table cell is one line, so there it is only a space."""
        if self._in_cell:
            self._words.append(" ")
            return
        text = "".join(self._words)
        self._words.clear()
        self._links.clear()
        if text := _code(text) if self._code else _prose(text, one_line=self._level > 0):
            self._put(text)

    def _put(self, text: str) -> None:
        level = 0 if self._lists else self._level
        if self._lists or self._marker:
            indent = "  " * (len(self._lists) - 1)
            if self._marker or not self._code:  # code stays as it is, or its indentation is lost
                text = text if self._code else text.replace("\n", f"\n{indent}  ")
                text = f"{indent}{self._marker or ' '} {text}"
            self._marker = None
        group = self._groups if self._lists or self._cells is not None else None
        self.blocks.append(Block(text, level, group))

    def _is_chrome(self, node: LexborNode, tag: str) -> bool:
        if not self._page:
            return tag == "nav"
        # Many themes put the article's own title into <article><header>.
        return not (self._inside and tag == "header" and node.css_first("h1") is not None)

    def _open_block(self, tag: str) -> None:
        if self._level and tag not in _HEADINGS:
            self._words.append(" ")  # <h3><div>: still one heading
            return
        self.flush()
        self._level = _HEADINGS.get(tag, 0)
        self._code += tag == "pre"

    def _close_block(self, tag: str) -> None:
        if self._level:
            self._words.append(" ")
            return
        self.flush()
        self._code -= tag == "pre"

    def _open_component(self, attributes: dict[str, str | None]) -> None:
        title = attributes.get("title") or attributes.get("label") or attributes.get("summary")
        if title:
            self.flush()
            self._words.append(title)
            self.flush()

    def _open_list(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.flush()
        if not self._lists:
            self._groups += 1
        start = _NUMBER.fullmatch(attributes.get("start") or "1")
        self._lists.append(_List(int(start[0]) if start and tag == "ol" else None))

    def _open_item(self, attributes: dict[str, str | None]) -> None:
        self.flush()
        if not self._lists:
            self._marker = None
            return
        own = self._lists[-1]
        if own.number is None:
            self._marker = "-"
            return
        if value := _NUMBER.fullmatch(attributes.get("value") or ""):
            own.number = int(value[0])
        self._marker = f"{own.number}."
        own.number += 1

    def _close_list(self) -> None:
        self.flush()
        self._marker = None
        if self._lists:
            self._lists.pop()

    def _close_link(self) -> None:
        start, address = self._links.pop()
        shown = "".join(self._words[start:]).strip()
        if not shown and re.match(r"(?:https?|mailto|tel):", address):
            self._words.append(address)

    def _open_table_part(self, node: LexborNode, tag: str) -> None:
        if tag == "table":
            self.flush()
            layout = node.css_first("table table, table h1, table h2, table h3, table pre")
            self._tables.append(layout is None and not self._in_cell)
            self._groups += not self._lists
        elif not (self._tables and self._tables[-1]):
            self.flush()
        elif tag == "tr":
            self.flush()
            self._cells = []
        elif self._cells is not None:
            self._words.clear()
            self._in_cell = True

    def _close_table_part(self, tag: str) -> None:
        if not (self._tables and self._tables[-1]):
            self.flush()
        elif tag in ("td", "th") and self._cells is not None:
            self._cells.append(_prose("".join(self._words), one_line=True))
            self._words.clear()
            self._in_cell = False
        elif tag == "tr" and self._cells is not None:
            if any(self._cells):
                self._put(" | ".join(self._cells).rstrip())
            self._cells = None
        if tag == "table" and self._tables:
            self._tables.pop()


def _hidden(attributes: dict[str, str | None]) -> bool:
    if not attributes:
        return False
    if "hidden" in attributes and attributes["hidden"] != "until-found":
        return True
    style = attributes.get("style")
    return attributes.get("aria-hidden") == "true" or bool(style and _UNSEEN.search(style))


def _prose(text: str, *, one_line: bool) -> str:
    text = scrub(text)
    if one_line:
        return _BLANKS.sub(" ", text).strip()
    lines = (_BLANKS.sub(" ", line).strip() for line in _AROUND_BREAKS.split(text))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _code(text: str) -> str:
    lines = scrub(text, attributes=False).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def plain_blocks(paragraphs: Sequence[str]) -> list[Block]:
    """Blocks of text without any markup, its lines kept."""
    return [Block(text) for paragraph in paragraphs if (text := _code(paragraph).rstrip())]
