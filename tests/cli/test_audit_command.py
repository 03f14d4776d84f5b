from datetime import UTC, datetime

import pytest

from kbsupport.store import audit
from kbsupport.store.database import Database

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def log(home):
    """A log of five rows."""
    made = Database(home / "kbsupport.db")
    key = audit.read_key(home / "audit.key")
    with made.write() as connection:
        for number in range(5):
            audit.append(
                connection, key, actor="ann", action="claim", subject=f"E-{number}", body={},
                now=NOW,
            )  # fmt: skip
    yield made
    made.close()


def tamper(log, line):
    with log.write() as connection:
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS audit_no_{verb}")
        connection.exec_driver_sql(line)


def test_a_sound_log_is_sound(kb, home, log):
    ran = kb("--home", home, "audit", "verify")
    assert (ran.code, ran.out, ran.err) == (0, "the audit log is sound: 5 rows\n", "")
    assert kb("--home", home, "audit", "verify", "--json").json == {
        "sound": True, "rows": 5, "fault": None,
    }  # fmt: skip


def test_a_home_where_nothing_was_done_has_a_sound_log(kb, home):
    assert kb("--home", home, "audit", "verify", "--json").json["rows"] == 0


@pytest.mark.parametrize(
    "line",
    [
        "UPDATE audit SET actor = 'bob' WHERE id = 3",
        "DELETE FROM audit WHERE id = 3",
        "UPDATE audit SET id = -3 WHERE id = 3",
    ],
)
def test_the_first_bad_row_is_named(kb, home, log, line):
    tamper(log, line)
    ran = kb("--home", home, "audit", "verify")
    assert ran.code == 1
    assert "not sound: row" in ran.out
    assert "3" in ran.out
    shown = kb("--home", home, "audit", "verify", "--json")
    assert (shown.code, shown.json["sound"]) == (1, False)


def test_an_anchor_shows_that_the_end_was_cut_off_and_is_not_replaced_then(kb, home, log, tmp_path):
    anchor = tmp_path / "anchor"
    assert kb("--home", home, "audit", "verify", "--write-anchor", anchor).code == 0
    written = anchor.read_bytes()
    tamper(log, "DELETE FROM audit WHERE id > 3")
    assert kb("--home", home, "audit", "verify").code == 0
    for option in ("--anchor", "--write-anchor"):
        ran = kb("--home", home, "audit", "verify", option, anchor)
        assert ran.code == 1
        assert "rows 4 to 5 are missing" in ran.out
    assert anchor.read_bytes() == written


def test_an_anchor_moves_on_with_the_log(kb, home, log, tmp_path):
    anchor = tmp_path / "anchor"
    kb("--home", home, "audit", "verify", "--write-anchor", anchor)
    with log.write() as connection:
        key = audit.read_key(home / "audit.key")
        audit.append(connection, key, actor="a", action="b", subject="c", body={}, now=NOW)
    both = ["--anchor", anchor, "--write-anchor", anchor]
    assert kb("--home", home, "audit", "verify", *both).code == 0
    assert audit.read_anchor(anchor).rows == 6


def test_an_anchor_that_is_missing_or_broken_is_one_line(kb, home, log, tmp_path):
    missing = kb("--home", home, "audit", "verify", "--anchor", tmp_path / "none")
    assert (missing.code, missing.out) == (2, "")
    assert "--write-anchor" in missing.says_one_line()
    broken = tmp_path / "broken"
    broken.write_text("{}")
    for option in ("--anchor", "--write-anchor"):
        ran = kb("--home", home, "audit", "verify", option, broken)
        assert (ran.code, ran.out) == (3, "")
        assert "no anchor" in ran.says_one_line()
