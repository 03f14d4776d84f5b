"""The sample tickets, articles and customers fit one another."""

import csv
from pathlib import Path

import pytest

from kbsupport.evaluation.labels import read_labels
from kbsupport.knowledge.articles import find_sources, read_source
from kbsupport.model import Filter

DATA = Path(__file__).parents[2] / "data"
NEVER_RIGHT = {
    "returns/how-do-i-send-something-back",
    "troubleshooting/hub-backup-battery",
    "account/sign-in-with-app-3",
    "integrations/ifttt",
}


@pytest.fixture(scope="module")
def articles():
    found, unfound = find_sources([DATA / "articles"])
    read = [read_source(source) for source in found]
    assert not unfound
    assert not [failure for one in read for failure in one.failed]
    return {article.id: article for one in read for article in one.articles}


@pytest.fixture(scope="module")
def labels():
    return read_labels(DATA / "tickets.jsonl")


def test_every_accepted_article_may_be_shown_to_that_tier(articles, labels):
    for label in labels:
        shown = Filter(tier=label.tier)
        accepted = [articles[article_id] for article_id in label.accept_ids]
        assert all(one.published and shown.admits(one) for one in accepted), label.id


def test_no_contradicted_or_outdated_article_is_accepted(labels):
    assert not [label.id for label in labels if NEVER_RIGHT & set(label.accept_ids)]


def test_every_article_that_may_be_right_answers_some_ticket(articles, labels):
    accepted = {article_id for label in labels for article_id in label.accept_ids}
    by = Filter(tier="enterprise")
    public = {a.id for a in articles.values() if a.published and by.admits(a)}
    assert public - accepted == NEVER_RIGHT


def test_customers_exist_and_have_the_tier_of_their_tickets(labels):
    with (DATA / "customers.csv").open(encoding="utf-8", newline="") as file:
        tiers = {row["customer_id"]: row["tier"] for row in csv.DictReader(file)}
    for label in labels:
        assert label.tier == tiers.get(label.customer_id, "standard"), label.id
        assert label.customer_id is None or label.customer_id in tiers, label.id
