"""What customers demand, report and complain about, by their phrases; pure.

Every pattern reads `plain` text: lower case, straight quotes, one space between words.
"""

from __future__ import annotations

import re

from kbsupport.triage.spoken import Spoken

_WORDS = r"(?:[\w'-]+ ){0,3}"
_MY = r"(?:my|our|the|this|that|these|those|all|all my|all our)"
_REPAID = (
    r"(?:refund(?! policy| procedure)|reimbursement|compensation|goodwill"
    r"|(?:money|cash|payment|deposit|funds) back)"
)
# Who only wants to know how something is done asks in one of these ways before he names it.
_ASKING = re.compile(
    r"\b(?:how|what|what's|where|when|which|who|why|whether|if|can|could|may|might|should|shall|do"
    r"|does|did|is|are|will|would it|would you|am)\b"
)
_WONDERING = re.compile(
    r"(?:(?:and|so|but|hi|hello),? )?(?:how|what|where|when|which|can|could|do|does|will|would"
    r"|should"
    r"|may|is there|are there)\b"
)
# "will I be charged twice", "if my account was hacked": nothing has happened yet.
_WOULD_BE = frozenset("if whether would will might could can should may avoid prevent".split())
# So does who says first what he is about, and then asks.
_HOW_TO = re.compile(
    r"\bhow (?:do|can|to|would|should|does|could|long|much|many|is)\b|[.!?,] ?how\W*$|^how\b"
    r"|\bwhat (?:do|should|must|can) i do\b|\bwhere (?:do|can) i\b|\bwhat now\b"
)
_INSISTS = re.compile(
    r"\b(?:immediately|at once|right now|straight away|third time|again and again|or else|demand"
    r"|insist|my lawyer|money back now|refund now|last time|final)\b"
)
_CLAUSE = re.compile(r".+?(?:[.!?;]+(?= |$)|$)")

_ORDERED = (
    r"(?:^|^[\w ,]{0,30}\b(?:please|pls|plz|kindly|just|and|then|so)\b,? ?|\bplease "
    r"|\b(?:want|expect|need|ask|asked|tell|told|demand)(?: from)? you(?: people| guys)? to"
    r" (?:please )?"
    r"|\byou (?:must|have to|need to|should|will) |\b(?:i|we) (?:demand|insist|expect) (?:that"
    r" )?you )"
)

# Most messages hold none of these, and are not searched for whole phrases.
_REFUND = Spoken(
    "back refund reimburs compensat credit voucher owe money cash deposit",
    rf"\b(?:want|wants|demand|expect|insist on|require|claim|asking for|asked for|request)"
    rf"(?: to (?:have|get|receive|be given))? {_WORDS}{_REPAID}\b"
    r"|\b(?:would|i'd|we'd) like (?:to (?:have|get) )?(?:my|our|the|all my|a full|a) "
    r"(?:full )?(?:money back|refund)\b"
    rf"|{_ORDERED}(?:refund|reimburse|compensate) (?:me|us|my|our|the|this|it|both|one|that)\b"
    rf"|{_ORDERED}(?:give|pay|transfer|wire) {_WORDS}back\b"
    rf"|{_ORDERED}send (?:me |us )?(?:my|our|the) money back\b"
    rf"|\b(?:give|pay) (?:me|us) (?:back )?(?:my|our) money\b"
    rf"|{_ORDERED}(?:issue|approve|grant|process) {_WORDS}(?:refund|credit|voucher)\b"
    r"|\byou (?:still )?owe (?:me|us)\b|\b(?:refund|reimburse) me\b(?! if\b)"
    r"|\bcredit note (?:is )?(?:still )?missing\b|\bpay back the (?:difference|rest|amount)\b",
)
_CANCELLATION = Spoken(
    "cancel terminat clos delet deactivat remov end stop leav kündig",
    rf"{_ORDERED}(?:cancel|terminate|close|delete|deactivate|remove|end|stop)"
    rf" (?:{_MY} {_WORDS}(?:account|subscription|plan|membership|contract|order|service|policy"
    r"|trial|profile|renewal|booking)s?\b|it (?:all )?(?:now|today|immediately|at once)|everything)"
    r"|\b(?:i|we)(?: (?:really|just|now|hereby|therefore))?"
    r"(?: want to| wish to| have decided to|'d like to| would like to| am going to)? "
    r"(?:cancel|terminate)(?:ing)? (?:my|our|this|the) "
    r"|\b(?:i am|i'm|we are|we're) (?:cancelling|canceling|leaving you|closing my account)\b"
    r"|\b(?:cancellation of my|notice of cancellation|hiermit kündige|kündige ich hiermit)\b",
)
_BILLING_DISPUTE = Spoken(
    "charg bill debit deduct invoic taken twice duplicat amount disput contest authori "
    "approve agree sign took taking",
    r"\b(?:(?:charged?|charging|billed|debited|deducted|invoiced|taken)\b"
    r"(?: [\w'.,€$£-]+){0,8}? (?:twice|two times|double|three times)\b"
    r"|(?:double|twice) (?:charged|billed|debited|charge|billing|payment)\b"
    r"|(?:duplicate|duplicated) (?:charge|payment|transaction|debit|billing)s?\b"
    r"|(?:over-?charged|billed too much|charged too much|charged the wrong|charged me wrong)\b"
    r"|(?:wrong|incorrect) (?:charge|bill|invoice)\b|(?:billed|debited|invoiced) the wrong\b"
    r"|(?:invoice|bill|charge|amount)s? (?:is|was|are|were|looks) (?:completely |clearly )?"
    r"(?:wrong|incorrect|too high|not correct|not right)\b"
    r"|(?:i|we)(?: \w+)? (?:dispute|disputed|contest|contested)\b|disputing\b"
    r"|(?:did not|didn't|never|have not|haven't) (?:authori[sz]ed?|approved?|agreed? to|signed? up)"
    r"|(?:still|keeps?|kept|again) (?:being |getting |got )?(?:charged|billed|charging|billing"
    r"|taking)"
    r"|(?:took|taken|charged|debited) (?:me )?[€$£]?\d[\w€$£.,]*(?: \w+)? again\b"
    r"|paid (?:for (?:it|this) )?twice\b"
    r"|(?:file|filed|filing|raise|start|initiate)(?:ing)? a (?:chargeback|dispute)\b"
    r"|invoice (?:has|lists|shows|says) [^.?!]{0,40}\b(?:only|but|instead of)\b"
    r"|charges? (?:i|we) (?:don't|do not|didn't) (?:recogni[sz]e|know|make)\b)",
)
_LEGAL = Spoken(
    "law legal attorney solicitor barrister court sue suing ombuds trading subpoena consumer "
    "client rights breach police authorit regulator bbb liable responsible letter anw avocat "
    "abogad avvocat advocaat advogad",
    r"\b(?:(?:my|our|a|the) (?:lawyer|attorney|solicitor|barrister|legal (?:team|department"
    r"|counsel))\b"
    r"|lawyers? will\b|legal (?:action|steps|proceedings|consequences|claim)\b"
    r"|(?:small claims|take (?:you|this|the matter) to court|see you in court|lawsuit)\b"
    r"|(?:will|going to|gonna|could|shall|i'll|we'll) sue\b|suing (?:you|your|ondula)?"
    r"|ombuds(?:man|woman|person)\b|trading standards\b|subpoena\b|court order\b"
    r"|consumer (?:protection|rights|affairs|association|centre|center|court)\b"
    r"|(?:law office|law firm|on behalf of my client|matter of my client)\b"
    r"|reserve all (?:my |our )?rights\b|breach of (?:contract|the law|gdpr|data protection)\b"
    r"|police (?:were|was|are|is|came|asks?|officers?|report|want|need|investigat\w+)\b"
    r"|(?:reported|report|going) (?:you |this |it )?to the (?:police|authorit\w+|regulator|bbb)\b"
    r"|(?:hold|held) you (?:fully |legally )?(?:liable|responsible)\b"
    r"|(?:data protection|supervisory) authority\b|letter before (?:action|claim)\b"
    r"|(?:rechts)?anw[aä]lt(?:in|e)?\b|avocat\b|abogad[oa]\b|avvocat[oa]\b|advocaat\b"
    r"|advogad[oa]\b)",
)
_SECURITY = Spoken(
    "hack compromis hijack taken breach clon broken used someone somebody stranger unknown "
    "thie they scam defraud phish fraud unauthor unrecogn suspicious identity leak exposed "
    "vulnerab weakness exploit security swap other someone konto compte cuenta pirat",
    r"\b(?:(?:account|accounts|e-?mail|mailbox|password|login|profile|wallet|card|app|phone"
    r"|device)s?"
    r"(?: \w+)? (?:has been|have been|was|were|is|got|been|seems|is being|had been) (?:\w+ )?"
    r"(?:hacked|compromised|hijacked|taken over|breached|cloned|broken into|used by)\b"
    r"|(?:some(?:one|body)(?: else)?|a stranger|an unknown person|hackers?|a thief|they)"
    r" (?:has |have |had |is |may have |might have |must have |was |keeps )?(?:just )?"
    r"(?:logged|logging|got|broke|broken|accessed|accessing|using|used|signed|changed|hacked|stole"
    r"|stolen|steal|trying to (?:log|get|access)) (?:in|into|on|to|onto|my|our)\b"
    r"|(?:i|i've|we|we've) (?:was|been|got|were|have been|am being) "
    r"(?:hacked|scammed|defrauded|phished)\b"
    r"|(?:fraudulent|unauthori[sz]ed|unrecogni[sz]ed|suspicious) (?:\w+ )?"
    r"(?:charge|transaction|payment|login|log-?in|sign-?in|access|order|purchase|activity"
    r"|withdrawal)"
    r"s?\b|(?:victim of|this is|it is|it's|committed) (?:\w+ )?(?:fraud|identity theft)\b"
    r"|identity (?:theft|was stolen|has been stolen)\b|data (?:leak|breach)\b"
    r"|(?:leaked|exposed) (?:my|our|customer)\b|security (?:vulnerability|hole|flaw|breach)\b"
    r"|vulnerability (?:report|in your|in the)\b|(?:found|discovered|report)\w* a (?:\w+ )?"
    r"(?:vulnerability|weakness|exploit|security issue)\b|sim.?swap"
    r"|(?:can )?see (?:\w+ )?(?:other|another|someone else's|somebody else's) "
    r"(?:customer|person|user|people)?"
    r"|in some(?:one|body) else'?s account\b|(?:konto wurde|compte a été|cuenta fue) \w+ackt?é?"
    r"|gehackt\b|pirat[ée]\b|hackead[oa]\b)",
)
_COMPLAINT = Spoken(
    "accept disgrac appall outrag disgust pathetic ridicul shame scandal terribl horribl "
    "awful worst useless incompet furi frustrat disappoint thie liar nonsense rip fed sick "
    "enough patience joke junk crap rubbish garbage trash shit scam farce shambl theft "
    "robbery insane crazy never waste dare point think lot people apology service complain "
    "time twice mail reply answer response reaction repl respon cares heard hear got get "
    "threat wtf thanks hard design frechheit unversch inaccettab schandalig belachelijk "
    "nothing",
    r"\b(?:(?:unacceptable|disgrace(?:ful)?|appalling|outrageous|disgust(?:ed|ing)|pathetic"
    r"|ridiculous"
    r"|shameful|scandal(?:ous)?|terrible|horrible|awful|worst|useless|incompeten(?:t|ce)|furious"
    r"|infuriating|frustrat(?:ed|ing)|disappoint(?:ed|ing|ment)|thieves|liars|nonsense"
    r"|rip(?:ped)?[ -]?off|fed up|sick of|had enough|losing patience|beyond a joke)\b"
    r"|(?:piece of|total|absolute|utter) (?:junk|crap|rubbish|garbage|trash|shit|joke)\b"
    r"|(?:this|that|it|thats|that's|its|it's)(?: is| was)? (?:really |just )?(?:a|such a) "
    r"(?:joke|scam|disgrace|farce|shambles)\b|this is (?:theft|robbery|a rip|insane|crazy"
    r"|bullshit)\b"
    r"|^never again\b|never again (?:will|have|shall|buy|order|with)\b|waste of (?:my |our"
    r" )?(?:money|time)\b|shame on you\b|how dare\b"
    r"|(?:what is|what's|whats) the point of (?:this|your|it)\b|what i think of (?:you|your)\b"
    r"|you lot\b|you people (?:can|can't|don't|never|should|are un|are in|allow)|expect an"
    r" apology\b|(?:bad|poor|terrible|lousy) (?:customer )?service\b"
    r"|(?:making|make|file|lodge|raise|submit|register|formal|official) (?:a |an |this |my )?"
    r"(?:formal |official |serious )?complaint\b|(?:want|wish|like|have) to complain\b"
    r"|(?:(?:second|third|fourth|fifth|tenth|\d+(?:nd|rd|th)) time (?:i|we|this|now|that)\b)"
    r"|(?:written|wrote|called|mailed|emailed|complained|contacted)(?: \w+){0,3}"
    r" (?:twice|(?:three|four|five|six|several|many|\d+) (?:times|mails|e-?mails))\b"
    r"|(?:still )?no (?:reply|answer|response|reaction) (?:since|for|from|yet|after|at all)\b"
    r"|no ?(?:one|body) (?:answers|replies|responds|cares|answered|replied)\b"
    r"|(?:get|got|hear|heard) nothing (?:back|from)\b|threat to\b|wtf\b|bullshit\b"
    r"|thanks for nothing\b|making (?:life|it) (?:so )?hard\b|who designed this\b"
    r"|(?:frechheit|unverschämt|inacceptable|inaceptable|inaccettabile|schandalig|belachelijk)\b)",
)
_COMPLAINT_MATTER = re.compile(
    r"\bcomplaints? (?:procedure|process|policy|department|form|address|team|officer)\b"
    r"|\bhow (?:do|can|would|to|should) (?:i |we )?(?:make|file|lodge|raise|submit|complain)\b"
)
_BUG = Spoken(
    "bug glitch crash freez hang clos error http status return respon give throw trace "
    "segfault pointer exception screen page since after",
    r"\b(?:a|this|the|another|found|nasty|annoying|same|software|firmware|app) bug\b(?! bounty)"
    r"|\bbug (?:report|in (?:the|your))\b|\bbuggy\b|\bglitch(?:y|es)?\b"
    r"|\b(?:app|site|website|page|screen|software|program|browser|dashboard|portal|widget|it)"
    r"(?: \w+){0,3} (?:crash(?:es|ed|ing)?|freezes|freezing|hangs|keeps closing|closes itself)\b"
    r"|\bcrash(?:es|ed|ing) (?:when|on|after|every|each|at|as soon)\b"
    r"|\b(?:error|http|status|returns|response|responses|gives|throws)(?: code)?:? (?:a |an )?"
    r"[45]\d\d\b|\b[45]\d\d (?:error|response|internal)|\binternal server error\b"
    r"|\b(?:stack ?trace|traceback|segfault|null ?pointer|unhandled exception)\b"
    r"|\b(?:blank|white|black|frozen|empty) (?:screen|page)\b"
    r"|\b(?:since|after) (?:the |your |this |that |last |latest |yesterday's )?(?:new |latest "
    r"|last "
    r"|recent |app |firmware )?(?:update|upgrade|release|version)\b",
)
_FEATURE = Spoken(
    "feature suggest great nice cool good lovely helpful useful handy wish hope add implement "
    "introduce build bring support plan map coming avail love",
    r"\b(?:feature (?:request|suggestion)|suggestion:|i suggest|my suggestion)\b"
    r"|\b(?:would|it'd) be (?:so |very |really )?(?:great|nice|cool|good|lovely|helpful|useful"
    r"|handy)"
    r" (?:if|to have)\b|\b(?:wish|hope) (?:you|the app|it|there) (?:would|could|had|were|was"
    r"|will)\b"
    r"|\b(?:please|could you|can you|you should|why don't you) (?:please )?"
    r"(?:add|implement|introduce|build|bring back|support) (?!me\b|my\b|it\b|this to\b|us\b)"
    r"|\b(?:any|are there|do you have) plans? (?:to|for)\b|\b(?:is|are) (?:\w+ ){1,4}planned\b"
    r"|\bon (?:your|the) road ?map\b|\bwhen (?:is|are|will) [\w ]{1,30} (?:coming|be (?:supported|"
    r"available|added))\b|\bmissing feature\b|\bwould love (?:to see|an option|a way|it if)\b",
)
_URGENT = Spoken(
    "urgent asap a.s.a.p emergency hurry dringend sofort right straight once soon immediat need"
    " must fix help unlock reply answer call stop wait time quick fast water gas smoke flood burst"
    " leaking going deadline due expire last today booked comes coming standing accident ago",
    r"\b(?:(?:urgent(?:ly)?|asap|a\.s\.a\.p|an emergency|hurry|dringend|sofort|urgente"
    r"|dringende?)\b"
    r"|(?:right away|straight away|at once|as soon as possible|immediate(?:ly)? (?:help"
    r"|action|attention|assistance|answer|reply))\b|(?:need|needed|must have|fix|help|unlock|reply"
    r"|answer|call|stop)\b[^.?!]{0,40}\b(?:immediately|today|tonight|now|within the hour)\b"
    r"|(?:can't|cannot|can not) wait\b|time is running\b|(?:quick|fast) (?:answer|reply|help)\b"
    r"|quick(?:ly)?(?: please)?[!.]*$|(?:water|gas|smoke) (?:is )?(?:running|everywhere"
    r"|pouring|flooding|coming|under|all over)\b|(?:flooding|flooded|burst|leaking) (?:now|riser"
    r"|pipe"
    r"|everywhere|right)\b|going off (?:right )?now\b|(?:deadline|due|expires?|last (?:day|retry"
    r"|chance)) (?:is )?(?:today|tonight|tomorrow)\b|today is (?:the last|day \d|my last)\b"
    r"|(?:booked|comes|coming|waiting) (?:for )?(?:this (?:morning|afternoon|evening)|tomorrow"
    r" at)\b"
    r"|(?:he|she|they|officer)(?:'s|'re| is| are) waiting\b|standing (?:in|here|outside)\b"
    r"|by accident (?:an?|\d+|half)[^.?!]{0,14} (?:min|minutes|hour|hours) ago\b"
    r"|(?:\d+|half an?|an?) (?:min|mins|minutes|hour) ago\b[^.]{0,40}\b(?:stop|still|quick"
    r"|correct))",
)
# "what is on offer right now" can wait.
_RIGHT_NOW = re.compile(
    r"^(?!what|where|which|who\b|tell me|let me know|get me|show).*\bright now\b|[-,] quick\b"
)
_URGENT_CAPS = re.compile(r"\b(?:NOW|HELP|URGENT|ASAP|TODAY|STOP|IMMEDIATELY)\b")


def demands_refund(plain: str) -> bool:
    """Whether money or credit is demanded back."""
    return _demanded(_REFUND, plain)


def demands_cancellation(plain: str) -> bool:
    """Whether an account, order or contract shall be ended by us."""
    return _demanded(_CANCELLATION, plain)


def disputes_bill(plain: str) -> bool:
    """Whether a bill or a charge is said to be wrong."""
    return any(_happened(_BILLING_DISPUTE, clause) for clause in _clauses(plain))


def is_legal(plain: str) -> bool:
    """Whether lawyers, courts, the police or an authority are brought in."""
    return any(_stated(_LEGAL, clause) for clause in _clauses(plain))


def is_security(plain: str) -> bool:
    """Whether an account, a card or data is said to be in the wrong hands."""
    return any(_happened(_SECURITY, clause) for clause in _clauses(plain))


def complaints(plain: str) -> int:
    """How many different phrases complain."""
    if _COMPLAINT_MATTER.search(plain):
        return 0
    return len({found[0] for found in _COMPLAINT.finditer(plain)})


def reports_bug(plain: str) -> bool:
    """Whether software is said to misbehave."""
    return _BUG.search(plain) is not None


def requests_feature(plain: str) -> bool:
    """Whether something is wished for that does not exist yet."""
    return _FEATURE.search(plain) is not None


def is_urgent(plain: str, written: str) -> bool:
    """Whether it cannot wait; `written` is the text with its capitals."""
    shouts = _URGENT_CAPS.search(written) is not None and written != written.upper()
    return shouts or any(phrase.search(plain) for phrase in (_URGENT, _RIGHT_NOW))


def _clauses(plain: str) -> list[str]:
    return [clause.strip() for clause in _CLAUSE.findall(plain)]


def _stated(phrase: Spoken, clause: str) -> re.Match[str] | None:
    """Where the clause says it, unless it only asks how such a thing goes."""
    found = phrase.search(clause)
    asks = found and clause.endswith("?") and _WONDERING.match(clause)
    return None if asks else found


def _happened(phrase: Spoken, clause: str) -> bool:
    found = _stated(phrase, clause)
    return found is not None and _WOULD_BE.isdisjoint(clause[: found.start()].split()[-6:])


def _demanded(phrase: Spoken, plain: str) -> bool:
    if not phrase.may_be_in(plain):
        return False
    insists = _INSISTS.search(plain) is not None
    if not insists and _HOW_TO.search(plain):
        return False
    return any(
        (found := phrase.search(clause)) is not None
        and (insists or not _ASKING.search(clause[: found.end()]))
        for clause in _clauses(plain)
    )
