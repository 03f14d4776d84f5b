"""Play two weeks of a desk on the sample tickets, and write the report that a manager gets."""

import tempfile
from datetime import timedelta
from pathlib import Path

from kbsupport import open_app
from kbsupport.figures.daily import daily_of
from kbsupport.figures.page import write_page
from kbsupport.figures.tables import daily_tables, write_tables
from kbsupport.figures.wording import lines
from kbsupport.rehearsal.play import REMARK, SETTINGS, two_weeks

data = Path(__file__).parents[1] / "data"

with (
    tempfile.TemporaryDirectory() as folder,
    open_app(Path(folder) / "home", settings=SETTINGS) as app,
):
    played = two_weeks(app, data)
    print(f"{played.tickets} tickets, {played.messages} messages. {REMARK}\n")
    report = daily_of(
        app.database, (played.end - timedelta(days=1)).date(), played.end + timedelta(hours=8),
        rota=app.people.rota().specialists, remark=REMARK,
    )  # fmt: skip
    print("\n".join(lines(report.both)))
    page = Path(folder) / "report.html"
    page.write_text(write_page(report), encoding="utf-8")
    files = write_tables(daily_tables(report), Path(folder) / "figures")
    print(f"\n{page.name}: {page.stat().st_size:,} bytes; {', '.join(f.name for f in files)}")
    assert app.people.verify().fault is None
    assert app.people.without_next_action() == []
