import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from real_servers import cannot_have, took_part

from kbsupport.adapters.upstream import FAILURES
from kbsupport.api.logs import JsonLines
from kbsupport.api.web import create
from kbsupport.intake import Incoming

ASK = "how do i reset the password"
PERSON = "i want to speak to a human being now"


def counted(text: str) -> dict[str, float]:
    """Every series of a page with its value."""
    rows = [line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#"]
    return {name: float(value) for name, _, value in rows}


def test_what_was_decided_and_what_waits_is_counted(client, key_for, proven_app):
    header = key_for("customer")
    client.post("/v1/ask", json={"text": ASK}, headers=header)
    proven_app.lobby.intake.receive(Incoming(PERSON, channel="chat", customer_id="C-1"))
    before = counted(client.get("/metrics", headers=key_for("lead")).text)
    assert before["kbsupport_undecided"] == 1
    proven_app.lobby.work.until_done()
    answer = client.get("/metrics", headers=key_for("auditor"))
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = counted(answer.text)
    interactions = {
        tuple(re.findall(r'="([^"]*)"', name)): value
        for name, value in found.items()
        if name.startswith("customer_interactions_total")
    }
    assert [value for (channel, *_), value in sorted(interactions.items())] == [1, 1]
    assert {(channel, kind) for channel, _, kind in interactions} == {
        ("api", "resolve"), ("chat", "escalate"),
    }  # fmt: skip
    assert found['response_time_seconds_count{channel="chat"}'] == 1
    assert sum(v for n, v in found.items() if n.startswith("queue_size")) == 1
    assert found["kbsupport_undecided"] == found["kbsupport_without_next_action"] == 0
    assert found['kbsupport_certificate{tier="standard"}'] == 1
    assert 0 < found["kbsupport_wrong_rate_bound"] <= 1
    assert found["kbsupport_index_age_seconds"] > 0
    assert found['kbsupport_up{part="certificate"}'] == 1
    route = 'kbsupport_http_request_seconds_count{method="POST",route="/v1/ask",status="200"}'
    assert found[route] == 1
    assert "C-1" not in answer.text


def test_counts_are_for_those_who_may_see_them(client, key_for):
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=key_for("customer")).status_code == 403
    assert client.get("/metrics", headers=key_for("specialist")).status_code == 403


def test_several_processes_count_together(tmp_path):
    code = (
        "from kbsupport.meters import Meters; m = Meters();"
        "m.requested('/x', 'GET', 200, 0.1); m.systems({'crm': True});"
        "print(m.page().decode()) if __import__('sys').argv[1:] else None"
    )
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], env=env, check=True)
    done = subprocess.run(
        [sys.executable, "-c", code, "show"], env=env, check=True, capture_output=True, text=True
    )
    found = counted(done.stdout)
    name = 'kbsupport_http_request_seconds_count{method="GET",route="/x",status="200"}'
    assert found[name] == 3


def test_a_system_that_is_left_alone_shows(make_app, key_for, tmp_path):
    gone = {"use": "sql", "url": f"sqlite:///{tmp_path}/gone.db", "retries": 0}
    crm = gone | {"query": "SELECT id, tier FROM customer WHERE id = :customer_id"}
    orders = gone | {"query": 'SELECT number, state FROM "order" WHERE number = :number'}
    app, header = make_app(crm=crm, orders=orders), key_for("lead")
    with TestClient(create(app)) as client:
        for _ in range(FAILURES):
            client.post("/v1/ask", json={"text": ASK, "customer_id": "C-1"}, headers=header)
        found = counted(client.get("/metrics", headers=header).text)
    assert found['kbsupport_breaker_open{system="crm"}'] == 1
    assert found['kbsupport_breaker_open{system="orders"}'] == 0


def test_a_log_line_says_what_was_asked_for_and_nothing_of_what_was_said(client, key_for, caplog):
    caplog.set_level(logging.INFO, "kbsupport.access")
    header = key_for("customer") | {"X-Request-Id": "r-1"}
    client.post("/v1/ask", json={"text": "my card 4111 1111 1111 1111"}, headers=header)
    client.get("/v1/tickets/jane@home.example", headers=header)
    lines = [JsonLines().format(one) for one in caplog.records]
    assert '"request": "r-1"' in lines[0]
    assert '"route": "/v1/ask"' in lines[0]
    assert not re.search("4111|jane|C-1|kbs_", "".join(lines))


def test_an_error_is_logged_by_its_place_and_not_by_its_words():
    try:
        int("jane@home.example")
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info()})
    line = JsonLines().format(record)
    assert "jane" not in line
    assert "test_meters.py" in line


DEPLOY = Path(__file__).parents[2] / "deploy"


def test_every_series_of_rules_and_dashboard_is_one_that_we_count(client, key_for, proven_app):
    client.post("/v1/ask", json={"text": ASK}, headers=key_for("customer"))
    text = client.get("/metrics", headers=key_for()).text
    known = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    written = "".join(
        path.read_text(encoding="utf-8")
        for path in (DEPLOY / "prometheus/kbsupport.rules.yml", DEPLOY / "grafana/kbsupport.json")
    )
    used = set(
        re.findall(r"\b((?:kbsupport|customer_interactions|response_time|queue_size)\w*)", written)
    )
    bare = {re.sub(r"_(bucket|count|sum)$", "", one) for one in used}
    ours = {one for one in bare if not one.startswith("kbsupport_alert")}
    assert {one for one in ours if "_" in one} - known == {"kbsupport_breaker_open"} - known


def test_promtool_accepts_rules_and_metrics(client, key_for, promtool):
    rules = DEPLOY / "prometheus"
    for command in (
        ["check", "rules", str(rules / "kbsupport.rules.yml")],
        ["test", "rules", str(rules / "kbsupport.rules.test.yml")],
    ):
        subprocess.run([promtool, *command], check=True, capture_output=True)
    client.post("/v1/ask", json={"text": ASK}, headers=key_for("customer"))
    page = client.get("/metrics", headers=key_for()).content
    done = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture
def promtool():
    found = shutil.which("promtool")
    if found is None:
        cannot_have("promtool", "it comes with Debian's prometheus")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    took_part("promtool", said.stdout.split()[2])
    return found
