"""Text that strangers wrote, made safe to stand in a page; pure."""

from __future__ import annotations

import html
import re

# No page may hold them, and a lone surrogate cannot even be written to a file.
_NOT_FOR_PAGES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(text: object) -> str:
    """Any text without the characters that no page may hold."""
    return _NOT_FOR_PAGES.sub("�", str(text))


def escaped(text: object) -> str:
    """Any text as harmless HTML, in elements and in quoted attributes alike."""
    return html.escape(clean(text))
