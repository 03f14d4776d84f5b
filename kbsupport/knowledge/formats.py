"""Markdown, HTML, text, PDF and DOCX: one file, one article."""

from __future__ import annotations

import codecs
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.parsers.expat import ExpatError

from kbsupport.errors import ArticleError
from kbsupport.knowledge.fields import FrontMatter
from kbsupport.knowledge.markdown import to_html
from kbsupport.knowledge.markup import Block, plain_blocks, read_html, too_deep
from kbsupport.knowledge.templates import clean_characters, drop_between, strip_tags

LARGEST_FILE = 10_000_000
_MOST_UNPACKED = 64_000_000
_MOST_PARTS = 5_000
_MOST_CONTROLS = 0.1
_MOST_PAGES = 2_000

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"<meta[^>]{0,200}charset=[\"']?([\w-]{3,20})", re.IGNORECASE)
_OLD_ENCODINGS = re.compile(r"iso8859|cp125|shift_jis|euc|gb|big5|koi8|mac-")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*?(?=[^\n])")
_HYPHENATED = re.compile(r"(?<=[^\W\d_])-\n[ \t]*(?=[a-zß-ÿ])")
_NEW_ITEM = re.compile(r"\s*(?:[•◦▪·\u2013*-]\s|\(?\d{1,3}[.)]\s)")
_SENTENCE_END = (".", "!", "?", ":", "\u3002", "\uff01", "\uff1f")

# What pypdf, mammoth and the parsers below them raise on broken or hostile bytes: they promise
# no exceptions of their own, and one bad file must not stop the others.
BROKEN = (
    ArithmeticError, AssertionError, AttributeError, EOFError, ExpatError, LookupError, MemoryError,
    NameError, OSError, RuntimeError, TypeError, ValueError, struct.error, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip


def read_text(path: Path, name: str) -> str:
    """The decoded text of a file; ArticleError if it is too large or no text."""
    _check_size(path, name)
    return decode(path.read_bytes(), name)


def decode(data: bytes, name: str, line: int | None = None) -> str:
    """Text by its byte order mark, else UTF-8, else what the page declares, else Windows-1252."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _checked(data.decode(encoding, "replace").lstrip("\ufeff"), name, line)
    if b"\0" in data:
        raise ArticleError(name, "is not text", line)
    try:
        return _checked(data.decode(), name, line)
    except UnicodeDecodeError:
        return _checked(_decode_old(data), name, line)


def _decode_old(data: bytes) -> str:
    declared = _DECLARED.search(data, 0, 2000)
    if declared:
        try:
            encoding = codecs.lookup(declared[1].decode()).name
            if _OLD_ENCODINGS.match(encoding):
                return data.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _checked(text: str, name: str, line: int | None) -> str:
    if len(_CONTROLS.findall(text)) > len(text) * _MOST_CONTROLS:
        raise ArticleError(name, "is not text", line)
    return clean_characters(text)


def _check_size(path: Path, name: str) -> None:
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise ArticleError(name, f"has {size:,} bytes; an article may have {LARGEST_FILE:,}")


def is_binary(path: Path) -> bool:
    """True for formats that have no front matter."""
    return path.suffix.lower() in (".pdf", ".docx")


def read_binary(path: Path, name: str) -> list[Block]:
    """Blocks of a PDF or DOCX file."""
    _check_size(path, name)
    return (_read_pdf if path.suffix.lower() == ".pdf" else _read_docx)(path, name)


def text_blocks(front: FrontMatter, suffix: str, name: str) -> list[Block]:
    """Blocks of the text below the front matter."""
    if suffix == ".txt":
        return plain_blocks(_BLANK_LINES.split(strip_tags(drop_between(front.body, "<!--", "-->"))))
    if suffix in (".html", ".htm"):
        return html_blocks(strip_tags(front.body, front.lists), name, page=True)
    return markdown_blocks(front.body, name, front.lists)


def markdown_blocks(
    source: str, name: str, lists: dict[str, list[str]] | None = None, *, keep_lines: bool = False
) -> list[Block]:
    """Blocks of Markdown."""
    return html_blocks(to_html(source, lists, keep_lines=keep_lines), name, page=False)


def html_blocks(source: str, name: str, *, page: bool, line: int | None = None) -> list[Block]:
    """Blocks of HTML; ArticleError for what no parser survives."""
    if too_deep(source):
        raise ArticleError(name, "nests its HTML tags too deeply, or leaves too many open", line)
    return read_html(source, page=page)


def _read_docx(path: Path, name: str) -> list[Block]:
    try:
        _check_zip(path, name)
        html = _docx_to_html(path)
    except FileNotFoundError:
        raise
    except BROKEN as error:
        raise ArticleError(name, f"is no readable DOCX file ({_why(error)})") from error
    return html_blocks(strip_tags(html), name, page=False)


def _docx_to_html(path: Path) -> str:
    import mammoth

    with path.open("rb") as file:
        found = mammoth.convert_to_html(
            file,
            style_map="p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh",
            include_embedded_style_map=False,
            # Pictures may be links to files and servers: they are never opened.
            convert_image=lambda _image: [],
        )
    return str(found.value)


def _check_zip(path: Path, name: str) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        # The sizes it declares are the sizes zipfile stops at, so they can be believed.
        if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _MOST_UNPACKED:
            raise ArticleError(name, "unpacks to more than 64 MB")
        if any(part.flag_bits & 1 for part in parts):
            raise ArticleError(name, "is encrypted; save a copy without a password")
        for part in parts:
            if part.filename.lower().endswith((".xml", ".rels")):
                # Without the NULs UTF-16 reads like ASCII.
                markup = archive.read(part).replace(b"\0", b"")
                if b"<!DOCTYPE" in markup or b"<!ENTITY" in markup:
                    raise ArticleError(name, "declares XML entities, which no word processor does")


def _read_pdf(path: Path, name: str) -> list[Block]:
    import logging

    # pypdf reports every oddity it repairs; stderr is for what the user can act on.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    from pypdf.errors import PyPdfError

    try:
        text = clean_characters(_pdf_text(path, name))
    except FileNotFoundError:
        raise
    except (PyPdfError, *BROKEN) as error:
        raise ArticleError(name, f"is no readable PDF file ({_why(error)})") from error
    if not text.strip():
        raise ArticleError(name, "has no text; it may be scanned")
    return plain_blocks(list(_paragraphs(text)))


def _pdf_text(path: Path, name: str) -> str:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    with path.open("rb") as file:
        reader = PdfReader(file)
        try:
            if reader.is_encrypted and not reader.decrypt(""):
                raise ArticleError(name, "is encrypted; save a copy without a password")
            if len(reader.pages) > _MOST_PAGES:
                raise ArticleError(name, f"has more than {_MOST_PAGES} pages")
            return "\n\n".join(page.extract_text() for page in reader.pages)
        except (DependencyError, FileNotDecryptedError) as error:
            raise ArticleError(name, "is encrypted; save a copy without a password") from error


def _paragraphs(text: str) -> Iterator[str]:
    """Yield paragraphs; PDF knows lines only, so a short line that ends a sentence ends one."""
    lines = text.split("\n")
    longest = max(len(line) for line in lines)
    held: list[str] = []
    for line in lines:
        bare = " ".join(line.split())
        if held and (not bare or _NEW_ITEM.match(line)):
            yield _joined(held)
            held = []
        if bare:
            held.append(bare)
            if bare.endswith(_SENTENCE_END) and len(line) < longest * 0.8:
                yield _joined(held)
                held = []
    if held:
        yield _joined(held)


def _joined(lines: list[str]) -> str:
    return _HYPHENATED.sub("", "\n".join(lines)).replace("\n", " ")


def _why(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__
