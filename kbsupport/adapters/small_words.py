"""Words that say nothing by themselves, and those that turn a sentence, in five languages.

Whatever stands in no list carries meaning: a rewording may not bring it along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

# A negation is counted; another word that turns a sentence has to be said again, and none added;
# a person may be left unsaid ("you send" and "send"), but never become another.
NOT = "not"
PERSONS = frozenset({"we", "you", "they", "i"})


@dataclass(frozen=True, slots=True)
class SmallWords:
    """Words of one language: `free` ones, and what each that `turns` a sentence does to it."""

    free: frozenset[str]
    turns: Mapping[str, str]
    joins: frozenset[str]


_FREE = {
    "en": """
        a an the this that these those it its is are was were be been being am do does did has have
        had having of in on at to for with by as and but so then also too there here which who
        what where how please thank thanks hello hi kindly""",
    "de": """
        der die das den dem des ein eine einen einem einer eines dies diese dieser dieses diesen
        diesem es ist sind war waren sein bin bist seid hat haben hatte hatten wird werden wurde
        wurden in im an am auf zu zum zur für mit bei beim als und aber so dann auch da
        dort hier welche welcher welches was wo wie bitte danke hallo gern gerne""",
    "fr": """
        le la les l un une des du de d ce cet cette ces c ça cela il elle est sont était étaient
        être a ont avait avaient avoir en dans à au aux sur pour par avec comme et mais alors donc
        aussi y ici là qui que qu quoi où comment se s merci bonjour svp""",
    "nl": """
        de het een dit dat deze die is zijn was waren ben bent heeft hebben had hadden wordt worden
        werd werden van in op aan te tot voor met bij door als en maar dus dan ook er hier daar
        welke wat waar hoe graag alsjeblieft alstublieft bedankt hallo""",
    "es": """
        el la los las lo un una unos unas este esta estos estas ese esa eso es son era eran ser
        está están estar ha han había haber de del en a al para por con como y e pero así entonces
        también aquí allí que qué quien donde dónde cómo se gracias hola""",
}
_JOINS = {
    "en": "and or but if when unless until because so then while which who",
    "de": "und oder aber wenn falls sofern bis weil so dann während sobald",
    "fr": "et ou mais si quand lorsque sauf car alors donc qui",
    "nl": "en of maar als wanneer tenzij totdat omdat dus dan terwijl",
    "es": "y o pero si cuando salvo porque entonces que mientras",
}
_TURNS = {
    "en": """
        not: not no never none nothing nobody neither nor without cannot nowhere
        only: only just solely exclusively merely
        unless: unless except excluding besides
        if: if when whenever provided
        before: before until till
        after: after
        within: within
        must: must need needs required shall
        can: can may could might
        should: should
        will: will
        or: or either
        all: all every each always
        any: any some sometimes
        often: often usually mostly normally
        least: least
        most: most maximum
        more: more over above
        less: less fewer under below
        up: up
        about: about around approximately nearly almost
        again: again
        from: from
        still: still yet already
        we: we us our ours
        you: you your yours yourself
        they: they them their theirs he him his she her
        i: i me my mine""",
    "de": """
        not: nicht kein keine keinen keinem keiner keines nie niemals nichts niemand ohne weder
        only: nur bloß lediglich ausschließlich
        unless: außer ausser ausgenommen
        if: wenn falls sofern sobald
        before: bevor vor bis ehe vorher
        after: nach nachdem danach
        within: innerhalb binnen
        must: muss müssen musst müsst müssten
        can: kann können kannst könnt könnten könnte darf dürfen dürfte
        should: soll sollen sollte sollten
        or: oder entweder
        all: alle allen aller alles jede jeden jeder jedes jedem immer
        any: einige einigen manche manchen irgendein irgendeine manchmal
        often: oft meist meistens normalerweise
        least: mindestens wenigstens
        most: höchstens maximal
        more: mehr über
        less: weniger unter
        about: etwa ungefähr fast rund circa
        again: wieder erneut
        from: von vom
        still: noch schon bereits
        we: wir uns unser unsere unserem unseren unserer unseres
        you: sie ihnen ihr ihre ihrem ihren ihrer ihres du dich dir dein deine deinem deinen euch
        they: er ihm ihn seine seinem seinen seiner seines
        i: ich mich mir mein meine meinem meinen meiner""",
    "fr": """
        not: ne n pas non jamais rien aucun aucune ni sans nul nulle
        only: seulement uniquement seul seule seuls seules
        unless: sauf excepté hormis
        if: si quand lorsque lorsqu s'il
        before: avant jusque jusqu
        after: après
        within: sous
        must: doit doivent devez dois faut
        can: peut peuvent pouvez peux pourrait pourraient pouvons
        should: devrait devraient devriez
        or: ou soit
        all: tout toute tous toutes chaque toujours
        any: quelque quelques parfois certains certaines
        often: souvent généralement
        least: moins minimum
        most: maximum
        more: plus
        about: environ presque vers
        still: encore déjà
        we: nous notre nos
        you: vous votre vos tu te t ta ton tes
        they: ils elles leur leurs lui
        i: je j me m mon ma mes moi""",
    "nl": """
        not: niet geen nooit niets niemand zonder noch nergens
        only: alleen slechts enkel uitsluitend
        unless: tenzij behalve uitgezonderd
        if: wanneer indien zodra
        before: voordat totdat
        after: na nadat daarna
        within: binnen
        must: moet moeten
        can: kan kunnen kunt mag mogen
        should: zou zouden
        will: zal zullen zult
        or: of
        all: alle allemaal elk elke ieder iedere altijd
        any: sommige enkele soms
        often: vaak meestal gewoonlijk
        least: minstens minimaal
        most: hoogstens maximaal
        more: meer over boven
        less: minder onder
        about: ongeveer bijna circa rond
        again: weer opnieuw
        still: nog al reeds
        we: we wij ons onze
        you: u uw je jij jou jouw jullie
        they: zij hen hun hem
        i: ik mij me mijn""",
    "es": """
        not: no nunca jamás nada nadie ningún ninguna ninguno sin ni tampoco
        only: solo sólo solamente únicamente
        unless: salvo excepto menos
        if: si cuando siempre
        before: antes hasta
        after: después tras
        within: dentro
        must: debe deben debes hay tiene tienen tienes
        can: puede pueden puedes podría podrían podemos
        should: debería deberían
        or: o u
        all: todo toda todos todas cada
        any: algún alguna algunos algunas alguno
        least: mínimo
        most: máximo
        more: más sobre
        about: casi aproximadamente unos
        still: aún todavía ya
        we: nosotros nos nuestro nuestra nuestros nuestras
        you: usted ustedes tú te su sus tu tus
        they: él ella ellos ellas les
        i: yo me mi mis""",
}


@cache
def small_words(language: str | None) -> SmallWords | None:
    """The lists of a language by its code ("en", "pt-BR"); None for one that has none."""
    code = (language or "").lower().replace("_", "-").partition("-")[0]
    if code not in _FREE:
        return None
    turns: dict[str, str] = {}
    for line in _TURNS[code].strip().splitlines():
        meaning, _, spelt = line.strip().partition(": ")
        turns |= dict.fromkeys(spelt.split(), meaning)
    free = frozenset(_FREE[code].split()).difference(turns)
    return SmallWords(free, turns, frozenset(_JOINS[code].split()))
