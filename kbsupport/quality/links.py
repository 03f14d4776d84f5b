"""Where a text leads: every host that a mail program or a browser would open from it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

_END = r"[^\s<>\"'`“”„«»]"
_LINK = re.compile(
    rf"(?P<url>\b[A-Za-z][A-Za-z0-9+-]{{1,20}}://{_END}+)"
    r"|(?P<script>\b(?:javascript|data|vbscript|file|blob):[^\s<>\"'`]+)"
    rf"|\]\(\s{{0,3}}<?(?P<target>[^\s<>)]+)"
    rf"|\b(?:href|src)\s{{0,3}}=\s{{0,3}}[\"']?(?P<attribute>[^\s<>\"']+)"
    rf"|(?P<www>\bwww\.{_END}+)"
    # Without a scheme only what mail programs take for a link: ends of names that are no words.
    r"|(?<![\w@./-])(?P<bare>(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,5}"
    r"(?:com|net|org|edu|gov|int|info|biz|io|dev|app|ai|co|me|tv|xyz|top|site|online|shop|store|"
    r"club|link|click|live|icu|ru|su|cn|tk|ml|ga|cf|de|fr|nl|be|at|ch|uk|eu|it|es|pl|us|ca|au|br|"
    r"in|jp)(?![\w-]|\.\w)(?:[/:?#][^\s<>\"'`]*)?)",
    re.IGNORECASE,
)
_AFTER = ".,;:!?)]}*_’”»…。，！？；：）】"
_DOTS = str.maketrans({"。": ".", "．": ".", "｡": ".", "\\": "/"})
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_OPENED = frozenset({"http", "https", "ftp"})


@dataclass(frozen=True, slots=True)
class Link:
    """A link: its host as a browser reads it, None where it opens no page of a host."""

    host: str | None
    start: int
    end: int
    written: str


def find_links(text: str) -> Iterator[Link]:
    """All links of a text, from left to right, but those to mail addresses and within the text."""
    for match in _LINK.finditer(text):
        name = match.lastgroup or ""
        written = match[name].rstrip(_AFTER)
        start = match.start(name)
        if name in {"target", "attribute"} and _stays(written):
            continue
        yield Link(host_of(written), start, start + len(written), written)


def hosts(text: str) -> frozenset[str]:
    """The hosts that a text names or leads to."""
    return frozenset(link.host for link in find_links(text) if link.host)


def host_of(url: str) -> str | None:
    """The host that a browser would open, which is not always the one that a reader sees."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", url)).translate(_DOTS)
    if "://" not in plain and not plain.startswith("//"):
        scheme = re.match(r"[A-Za-z][A-Za-z0-9+-]*:(?!\d)", plain)
        if scheme:
            return None
        plain = f"//{plain}"
    try:
        parts = urlsplit(plain)
        host = (parts.hostname or "").rstrip(".").casefold()
    except ValueError:
        return None
    return host if host and parts.scheme in {"", *_OPENED} else None


def _stays(written: str) -> bool:
    return written.startswith(("#", "mailto:", "tel:")) or (
        "//" not in written and ":" not in written and not re.match(r"[\w-]+\.[\w.-]+", written)
    )
