from kbsupport.model import Coverage, Evidence, Found, Match
from kbsupport.triage.evidence import weigh


def match(name, terms, vectors):
    return Match(name, 1, terms + vectors, terms, vectors)


def test_nothing_found_weighs_nothing():
    assert weigh(Found(generation=1)) == Evidence()


def test_each_ranking_has_its_own_first_and_its_lead():
    found = Found(1, (match("a", 0.5, 0.6), match("b", 0.2, 0.9)))
    evidence = weigh(found)
    assert (evidence.best_by_terms, evidence.best_by_vectors) == ("a", "b")
    assert not evidence.rankings_agree
    assert (evidence.term_score, evidence.term_margin) == (0.5, 0.3)
    assert (evidence.vector_score, evidence.vector_margin) == (0.9, 0.3)


def test_a_single_match_leads_by_all_it_has():
    evidence = weigh(Found(1, (match("a", 0.5, 0.6),)))
    assert evidence.rankings_agree
    assert (evidence.term_margin, evidence.vector_margin) == (0.5, 0.6)


def test_no_word_in_common_is_no_first_by_terms():
    evidence = weigh(Found(1, (match("a", 0.0, 0.6), match("b", 0.0, 0.5))))
    assert evidence.best_by_terms is None
    assert evidence.best_by_vectors == "a"
    assert not evidence.rankings_agree


def test_coverage_is_passed_on():
    found = Found(1, (match("a", 0.5, 0.6),), coverage=Coverage(5, 3, 1, 2 / 3))
    evidence = weigh(found)
    assert (evidence.words, evidence.words_covered, evidence.words_unknown) == (5, 3, 1)
    assert evidence.coverage == 0.666667
