"""The frame of a report: one page that needs nothing from anywhere; pure."""

from __future__ import annotations

from collections.abc import Sequence

from kbsupport.evaluation.markup import escaped

# `default-src 'none'` makes the browser itself hold us to it: no scripts, nothing loaded.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_CSS = """
:root { color-scheme: light dark; --ink: #1b2330; --muted: #5d6878; --grid: #dfe3ea;
  --paper: #ffffff; --page: #f4f5f8; --good: #2563a8; --bad: #c2410c; --asked: #b88a1e;
  --calm: #9aa5b5; --soft: #eef2f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --muted: #9ba6b6; --grid: #333c4a;
  --paper: #1a2029; --page: #11151c; --good: #6ea8e8; --bad: #f2894f; --asked: #d9b04a;
  --calm: #6b7687; --soft: #222a36; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.05rem; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 3rem 0 .4rem; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: .4rem 0; } .muted, figcaption, .lead { color: var(--muted); }
.lead { max-width: 48rem; }
.headline { font-size: clamp(1.4rem, 3.2vw, 2.05rem); line-height: 1.28; font-weight: 650;
  letter-spacing: -.012em; margin: 1.4rem 0 .8rem; text-wrap: balance; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1rem;
  margin: 1.6rem 0; padding: 0; list-style: none; }
.tiles li, figure, .card { background: var(--paper); border: 1px solid var(--grid);
  border-radius: .6rem; padding: 1rem 1.2rem; margin: 0; }
.tiles b { display: block; font-size: 1.85rem; line-height: 1.2; font-weight: 650;
  font-variant-numeric: tabular-nums; }
.tiles span { display: block; font-size: .875rem; color: var(--muted); }
.strip { display: flex; height: 1.6rem; gap: 2px; border-radius: .4rem; overflow: hidden;
  margin: .6rem 0; }
.strip i { display: block; min-width: 2px; }
.key { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; margin: 0; padding: 0;
  list-style: none; font-size: .9rem; }
.key i { display: inline-block; width: .75rem; height: .75rem; border-radius: .2rem;
  margin-right: .45rem; }
.good { background: var(--good); } .bad { background: var(--bad); }
.asked { background: var(--asked); } .calm { background: var(--calm); }
.plain { background: var(--grid); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr));
  gap: 1rem; margin-top: 1rem; }
figure svg { display: block; } figure svg text { font-family: inherit !important; }
figcaption { font-size: .875rem; margin-top: .6rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; background: var(--paper); font-size: .925rem;
  margin: .8rem 0 1.6rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .4rem 0; }
th, td { padding: .42rem .8rem; border-bottom: 1px solid var(--grid); text-align: right;
  vertical-align: top; }
th:first-child, th.left, td.left { text-align: left; overflow-wrap: break-word;
  max-width: 24rem; }
thead th { color: var(--muted); font-weight: 500; font-size: .85rem; }
tbody th { font-weight: 500; }
.bar { display: inline-flex; width: 7rem; height: .7rem; background: var(--soft);
  border-radius: .2rem; overflow: hidden; margin-right: .6rem; vertical-align: baseline; }
.bar i { display: block; height: 100%; }
.number { display: inline-block; min-width: 4.2em; }
thead th:first-child { width: 24%; }
.card { margin: 1rem 0; border-left: 4px solid var(--bad); }
blockquote { margin: .7rem 0; padding: .6rem .9rem; background: var(--soft);
  border-radius: .4rem; white-space: pre-wrap; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: .6rem 0 0;
  font-size: .925rem; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
details { margin-top: .6rem; font-size: .875rem; } summary { cursor: pointer;
  color: var(--muted); }
footer { margin-top: 3rem; font-size: .875rem; color: var(--muted); }
@media print { :root { --page: #ffffff; } body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; } figure, .card, tr, .tiles li { break-inside: avoid; }
  h2, caption { break-after: avoid; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
"""


def page(title: str, body: str) -> str:
    """A whole page: valid HTML, one file, no script."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{_CSS}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A table whose cells are HTML already; the first `left` columns hold words."""
    titles = "".join(
        f'<th scope="col"{_side(n, left)}>{escaped(one)}</th>' for n, one in enumerate(head)
    )
    body = "\n".join(f"<tr>{_cells(row, left)}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><caption>{escaped(caption)}</caption>\n'
        f"<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def figure(svg: str, caption: str) -> str:
    """A plot with the sentence that says how to read it."""
    return f"<figure>{svg}<figcaption>{escaped(caption)}</figcaption></figure>"


def bar(parts: Sequence[tuple[str, float]], number: str) -> str:
    """A small bar of coloured shares, with its number beside it."""
    inside = "".join(
        f'<i class="{colour}" style="width:{100 * share:.1f}%"></i>' for colour, share in parts
    )
    shown = f'<span class="bar" aria-hidden="true">{inside}</span>'
    return f'{shown}<span class="number">{escaped(number)}</span>'


def _cells(row: Sequence[str], left: int) -> str:
    first = f'<th scope="row">{row[0]}</th>'
    return first + "".join(
        f"<td{_side(n, left)}>{cell}</td>" for n, cell in enumerate(row[1:], start=1)
    )


def _side(place: int, left: int) -> str:
    return ' class="left"' if 0 < place < left else ""
