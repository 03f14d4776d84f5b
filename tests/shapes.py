"""What the contract says a decision looks like."""

DECISION = {
    "schema_version",
    "id",
    "decision_id",
    "outcome",
    "reason",
    "reply",
    "article_id",
    "articles",
    "probability",
    "certified",
    "certificate",
    "answer",
    "passages",
    "signals",
    "evidence",
    "customer",
    "ticket_id",
    "timings_ms",
    "error",
}
CITATION = {"article_id", "title", "url", "section", "start", "end", "quote"}
PASSAGE = {"article_id", "section", "text", "start", "end", "term_score", "vector_score"}
OUTCOMES = {"resolve", "clarify", "reply", "escalate"}


def check(decision, texts=None):
    """Hold one decision to the contract; `texts` maps article ids to their texts."""
    assert decision.keys() >= DECISION
    assert decision["schema_version"] == 1
    assert decision["outcome"] in OUTCOMES
    assert decision["reason"]
    assert decision["reply"].strip()
    found = decision["articles"]
    assert len(found) == len(set(found)) <= 10
    assert decision["article_id"] == (found[0] if found else None)
    assert 0 <= decision["probability"] <= 1
    if not decision["passages"]:
        assert decision["probability"] == 0
    assert (decision["answer"] is not None) == (decision["outcome"] == "resolve")
    assert decision["certified"] is (decision["certificate"] is not None)
    assert decision["customer"].keys() >= {"id", "tier"}
    for passage in decision["passages"]:
        assert passage.keys() == PASSAGE
    cited = decision["answer"]["citations"] if decision["answer"] else []
    assert decision["answer"] is None or cited
    for citation in cited:
        assert citation.keys() == CITATION
        assert citation["article_id"] == decision["article_id"]
        assert citation["quote"] in decision["answer"]["text"]
    if texts is not None:
        for one in decision["passages"]:
            assert texts[one["article_id"]][one["start"] : one["end"]] == one["text"]
        for one in cited:
            assert texts[one["article_id"]][one["start"] : one["end"]] == one["quote"]


def stable(decision):
    """All of a decision that the same question must get again."""
    changing = {"decision_id", "timings_ms", "ticket_id"}
    return {key: value for key, value in decision.items() if key not in changing}
