"""Who says that an answer did not help; pure. It counts only where an answer was given before."""

from __future__ import annotations

import re

_NOT = r"(?:n't| not)"
_FAILED = re.compile(
    r"\bstill (?:not|no|nothing|doesn't|does not|don't|isn't|is not|won't|can't|cannot|same"
    r"|the same|broken|failing|fails|invalid|offline|stuck|wrong|happens|happening|on the old)\b"
    r"|\b(?:is|are|was|has|light|it's) still\b"
    rf"|\b(?:do|does|did|is|was|has|have){_NOT} (?:really )?(?:help|helped|work|worked|working"
    r"|solve|solved|fix|fixed|change|changed|answer|answered)\b"
    r"|\b(?:no|any) (?:luck|better|difference|improvement)\b"
    r"|\bsame (?:problem|issue|error|thing|message|result)\b"
    r"|\bnot (?:what i (?:asked|meant|wanted|need)|my question|the (?:question|problem|answer))\b"
    r"|\b(?:wrong|useless|unhelpful) answer\b"
    r"|\bnothing (?:helped|helps|worked|works|changed|happens|happened)\b"
    r"|\bnone of (?:it|that|this|them|these|those|the \w+)(?: \w+){0,5} (?:help|work|worked|helped)"
    r"|\b(?:already )?tried (?:that|this|it|all|everything|every)\b.*\b(?:still|nothing|not|no)\b"
    r"|\b(?:geht|funktioniert|klappt)(?: \w+){0,3} (?:immer noch |noch immer )?nicht\b"
    r"|\bhilft (?:mir )?nicht\b"
    r"|\b(?:ne|n')\s?\w+ (?:toujours )?pas\b.*\b(?:marche|fonctionne|aide)"
    r"|\b(?:marche|fonctionne) (?:toujours )?pas\b"
    r"|\b(?:werkt|helpt)(?: \w+){0,2} (?:nog steeds )?niet\b"
)


def not_helped(plain: str) -> bool:
    """True if the message says that what was tried did not help."""
    return _FAILED.search(plain) is not None
