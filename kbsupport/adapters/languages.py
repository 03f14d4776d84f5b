"""Which language a text is in: by its script, else by its small words and runs of letters."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter

# A message says what language it is in long before its end.
_READ = 2_000
_FEWEST_WORDS = 4
_FEWEST_LETTERS = 2
# In these units a small word that one language alone has counts 2, a run of letters 1.
_WORD, _RUN = 2.0, 1.0
_EVIDENCE, _LEAD = 4.0, 2.0

# So alike in writing that one leads the other by little, and both lead the rest.
_TWINS = frozenset({"da", "no"})

_WORDS = re.compile(r"[^\W\d_]+")
_OUTSIDE_LATIN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff]")

# First letter of each block, and the language most written in it; "" ends a block.
_BLOCKS = (
    (0x0370, "el"), (0x0400, "ru"), (0x0530, "hy"), (0x0590, "he"), (0x0600, "ar"), (0x0700, ""),
    (0x0750, "ar"), (0x0780, ""), (0x0900, "hi"), (0x0980, "bn"), (0x0A00, "pa"), (0x0A80, "gu"),
    (0x0B00, "or"), (0x0B80, "ta"), (0x0C00, "te"), (0x0C80, "kn"), (0x0D00, "ml"), (0x0D80, "si"),
    (0x0E00, "th"), (0x0E80, "lo"), (0x0F00, "bo"), (0x1000, "my"), (0x10A0, "ka"), (0x1100, "ko"),
    (0x1200, "am"), (0x1380, ""), (0x1780, "km"), (0x1800, ""), (0x1F00, "el"), (0x2000, ""),
    (0x3040, "ja"), (0x3100, ""), (0x3130, "ko"), (0x3190, ""), (0x31F0, "ja"), (0x3200, ""),
    (0x3400, "zh"), (0x4DC0, ""), (0x4E00, "zh"), (0xA000, ""), (0xAC00, "ko"), (0xD7B0, ""),
    (0xF900, "zh"), (0xFB00, ""), (0xFB1D, "he"), (0xFB50, "ar"), (0xFE00, ""), (0xFE70, "ar"),
    (0xFF00, ""), (0xFF66, "ja"), (0xFFA0, "ko"), (0xFFE0, ""), (0x20000, "zh"), (0x32000, ""),
)  # fmt: skip
_STARTS = [start for start, _ in _BLOCKS]
_LETTERS_OF = (
    ("ru", re.compile("[іїєґІЇЄҐ]"), "uk"),
    ("ru", re.compile("[ђјљњћџЂЈЉЊЋЏ]"), "sr"),
    ("ar", re.compile("[ٹڈڑے]"), "ur"),
    ("ar", re.compile("[پچژگیک]"), "fa"),
    ("hi", re.compile("ळ"), "mr"),
)

_SMALL_WORDS = {
    "en": """
        a about after again all am an and any anyone are as at be because been before being but by
        can could did do does doesn doing don down each ever every for from get gets got
        had has have having he help her here him his how i if in into is isn it its just
        know like ll make many me more most much my need never new no not now of off old
        on one only or other our out over please same she should since so some someone
        something still t than thank thanks that the their them then there these they
        thing this those to too up us use ve very want was way we were what when where
        which while who whom whose why will with without won would yes yet you your yours""",
    "de": """
        aber alle allem allen aller alles als also am an andere auch auf aus bei beim bekomme
        bereits bin bis bitte bräuchte da damit danach danke dann das dass dein deine dem
        den denn der des dich die dies diese diesem diesen dieser dieses dir doch dort du
        durch ein eine einem einen einer eines er es etwas euch euer für ganz geht gern
        gibt habe haben hallo hat hatte hier ich ihm ihn ihnen ihr ihre ihrem ihren ihrer
        im immer in ist ja jede jeden jeder jedes jetzt kann kein keine keinen könnte
        können lässt leider man mehr mein meine meinem meinen meiner mich mir mit möchte
        muss nach nicht nichts noch nun nur ob obwohl oder ohne schon sehr sein seine seit
        sich sie sind so soll sollte sondern trotzdem über um und uns unser unsere unter
        vom von vor wann war warum was weil welche welcher wenn wer werden wie wieder
        wieso wir wird wo wurde zu zum zur zwischen""",
    "fr": """
        à afin ai alors après as au aucun aujourd aussi autre aux avant avec avez avoir bonjour
        bonsoir c ça car ce ceci cela ces cet cette chez ci comme comment d dans de déjà
        depuis des deux doit donc dont du elle elles en encore entre es est et été être
        faire fait faut fois ici il ils j je jour jusqu l la là le les leur leurs lorsque
        lui m ma mais me même merci mes moi moins mon n ne ni non nos notre nous on ont ou
        où par parce pas peut peux plus pour pourquoi pouvez quand que quel quelle quelles
        quelque quels qu qui quoi s sa sans se ses si sommes son sont sous suis sur ta te
        toujours tous tout toute toutes très trop tu un une va vers voici voudrais vos
        votre vous vraiment y""",
    "es": """
        a ahora al algo alguien algún alguna ante antes aquí así aún aunque ayer bien buenas
        buenos cada como cómo con cosa cual cuál cuando cuándo cuanto cuánto cuenta de del
        desde después días donde dónde dos e el él ella ellos en entre era eres es esa ese
        eso esta está están estas este esto estos estoy favor forma fue gracias ha haber
        había hace hacer hacia hasta hay he hola hoy la las le les lo los más me mi mí
        mientras mis mucho muy nada ni ninguna no nos nosotros o otra otro para pero poco
        por porque puede puedo pues que qué quien quién quiero se sé según ser si sí sido
        siempre sin sobre solo sólo somos son soy su sus también tan tanto te tengo tiene
        todavía todo todos tu tus un una unas uno unos usted ustedes vez y ya yo""",
    "it": """
        a abbiamo ad adesso agli ai al alla alle allo altro anche ancora avere avete bene buona
        buonasera buongiorno c che chi ci ciao cioè col come con cosa così cui d da dagli
        dai dal dalla dalle degli dei del dell della delle dello deve devo di dopo dove
        due è e ed era essere fa fare fatto fino fra già gli grazie ha hai hanno ho i il
        in io l la le lei li lo loro lui ma me mi mia mie miei mio molto ne nei nel nell
        nella nelle nello nessun niente no noi non nostra nostro nulla o ogni oggi oppure
        per perché perchè però più poi posso prima può quale quali quando quanto quel
        quella quelle quello questa queste questi questo qui quindi ricevuto sarà se sei
        sempre senza si sì sia siamo sono sta stato su sua sui sul sulla suo tra tu tutti
        tutto un una uno vi voglio vorrei vostra vostro""",
    "nl": """
        aan af al alleen alles als alstublieft altijd andere ben bent bij dag dan dank dat daar de
        deze die dit doe doen door dus een eens en er ergens geen geeft geef gewoon goed
        graag had hallo heb hebben hebt heeft heel hem het hier hij hoe hoi hun iemand
        iets ik in is ja je jij jou jouw jullie kan kon krijg kunnen kunt kwijt maak maar
        mag me meer mee mij mijn misschien moet moeten na naar niet niets niks nog nooit
        nou nu of om omdat onder ons onze ook op over pas sinds steeds te tegen tot tussen
        u uit uw van vanaf vandaag vanmorgen veel voor waar waarom wanneer want was wat we
        weer weet wel welk welke werd werkt wie wil word worden wordt zal ze zeer zich zij
        zijn zo zonder zou""",
    "pt": """
        a agora ainda além algo alguém algum alguma antes ao aos apenas aqui as até bem boa bom
        cada com como consigo da das de depois desde desta deste dia do dois dos e é ela
        ele eles em então entre era essa esse esta está estão este estou eu faz fazer foi
        for foram fui há isso isto já la lhe mais mas me mesmo meu meus minha minhas muito
        na nada não nas nem nenhum no nos nós nossa nosso o obrigada obrigado olá onde
        ontem os ou outra outro para pela pelas pelo pelos pode podem poderia por porque
        porquê posso pra qual quando quanto que quem quero são se sei sem sempre ser será
        seu seus só sobre sou sua também tem tenho ter teu tinha toda todo todos tudo um
        uma umas uns vez você vocês vou""",
    "sv": """
        alla allt andra att av bara behöver blev bli blir da de del dem den denna det detta dig
        din dina du efter ej eller en er ett få får fick finns för från fungerar går gör
        hade han har hej hem här hon hur i igen in ingen inget inte ja jag kan kommer
        kunde man med mer mig min mina mitt mot mycket måste någon något några när nej ni
        nu och också om oss på sedan ser sig sin ska skulle som så tack till under upp ut
        utan vad var varför vara vi vid vilken vill är än även åt över""",
    "da": """
        af alle alt at bare blev blive bliver da de dem den denne der deres det dette dig din du
        efter eller en er et få får fik flere for fra gør har havde hej her hvad hvis hvor
        hvordan hvorfor hvornår i igen ikke ind ingen jeg jer kan kommer kunne man med
        meget men mig min mine mit må nej noget nogen nogle når nu og også om op os over
        på sig skal skulle som så tak til ud uden under var ved vi vil virker være været""",
    "no": """
        alle alt at av bare ble bli blir da de dem den denne der deres det dette deg din du eller
        en er et etter få får fikk flere for fra gjør har hadde hei her hva hvis hvor
        hvordan hvorfor i igjen ikke ingen inn jeg kan kommer kunne man med meg mer men
        min mine mitt må nei noe noen nå når og også om opp oss over på seg skal skulle
        som så takk til under ut uten var ved vi vil virker være vært""",
    "pl": """
        a ale albo ani bardzo bez był być było chcę ci co czy dla dlaczego dni do dobry dzień
        dziękuję dziś gdy gdzie go i ich ile ja jak jaki jako jakie je jego jej jest
        jestem jeszcze jeśli już każdy kiedy kto która które który lub ma mam mi mnie może
        mogę można mój moja moje musi na nad nie nic niż o od oraz po pod ponieważ proszę
        przed przez przy są się skąd ta tak także tam te tego tej ten to tu tylko tym u w
        we witam więc wszystko z za zamówienie zawsze ze że żeby""",
    "tr": """
        acaba ama ancak artık bana bazı ben beni benim bir biz bu buna bunu çok çünkü da daha de
        değil diye en ne gibi göre hala hangi hem hep her hiç için ile ise istiyorum kadar
        ki kim lütfen mi mı merhaba mu mü nasıl neden nerede o olan olarak oldu olduğu
        olur ona onu sadece siz son sonra şey şu teşekkürler tüm var ve veya ya yok zaman""",
}
_RUNS = {
    "en": r"wh|[a-z]ing\b|ght\b|[a-z]{2}ly\b|tion\b|ould\b|[a-z]ness\b|th\b",
    "de": r"ß|ä[a-z]|[a-zäöü](?:ung|keit|heit|lich|isch|schen)\b|\bge[a-zäöü]{3,}(?:t|en)\b|tz|sch",
    "fr": r"œ|[a-z]eux\b|[a-z]ée?s?\b|ê|[a-z]tion\b|[a-z]{2}ez\b|[a-z]{2}ais?\b|[a-z]ois?\b|ç",
    "es": r"ñ|[a-z]ción\b|[a-z]{2}dad\b|[a-z]{2}ando\b|[a-z]iendo\b|[a-záéíóú]{3}os?\b|í|ú|ó",
    "it": r"zion[ei]\b|[a-z]{2}tà\b|[a-z]{3}(?:ato|ata|ati|ito|uto)\b|gli|[lnrst]{2}[aeio]\b|ò|ù",
    "nl": r"ij|[a-z](?:aa|oo|ee|uu)[a-z]|[a-z]heid\b|\bge[a-z]{3,}[dt]\b|[a-z]tje\b|ui|schr"
    r"|sch[ei]",
    "pt": r"ão|õe|ã|nh[ao]|lh[aeo]|ç|[a-z]{3}ê|[a-z]dade\b|[a-z]{3}(?:ado|ada|eio|ei|ou)\b",
    "sv": r"å|ä|ö[a-z]|[a-zåäö]{3}(?:arna|erna|ning|het|ande)\b|ck|[a-zåäö]{3}ade\b",
    "da": r"ø|æ|å|[a-zæøå]{3}(?:erne|else|hed|ede)\b",
    "no": r"ø|æ|å|[a-zæøå]{3}(?:ene|else|het)\b|kk|[a-zæøå]{3}et\b",
    "pl": r"ł|ż|ź|ś|ć|ń|ą|ę|sz|cz|rz|[a-z]{3}(?:nie|ego|ych|ość)\b",
    "tr": r"ğ|ı|ş|[a-zçğıöşü]{2}(?:yor|lar|ler|dım|dim|mak|mek)",
}


def _owners() -> dict[str, tuple[str, ...]]:
    owners: dict[str, list[str]] = {}
    for language, words in _SMALL_WORDS.items():
        for word in dict.fromkeys(words.split()):
            owners.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in owners.items()}


_OWNERS = _owners()
_RUN_OF = {language: re.compile(run) for language, run in _RUNS.items()}


def read_language(text: str) -> tuple[str | None, float]:
    """The language and how sure that is; None where the text is too short or leaves it open."""
    beginning = text[:_READ].lower()
    words = _WORDS.findall(beginning)
    outside = _OUTSIDE_LATIN.findall(beginning)
    letters = sum(map(len, words))
    if len(outside) >= _FEWEST_LETTERS and 2 * len(outside) > letters:
        return _by_script(outside, letters)
    return _by_words(words)


def _by_script(outside: list[str], letters: int) -> tuple[str | None, float]:
    found = Counter(_BLOCKS[max(bisect_right(_STARTS, ord(c)) - 1, 0)][1] for c in outside)
    # Japanese is written with Chinese signs as well: a few kana tell.
    language = (
        "ja" if found["ja"] and found["ja"] * 10 >= found["zh"] else found.most_common(1)[0][0]
    )
    if not language:
        return None, 0.0
    held = found[language] + (found["zh"] if language == "ja" else 0)
    together = "".join(outside)
    for script, signs, special in _LETTERS_OF:
        if script == language and signs.search(together):
            language = special
            break
    return language, round(held / letters, 4)


def _by_words(words: list[str]) -> tuple[str | None, float]:
    if len([word for word in words if len(word) > 1]) < _FEWEST_WORDS:
        return None, 0.0
    scores = dict.fromkeys(_SMALL_WORDS, 0.0)
    # Each word once: "no no no no" is not four times Spanish.
    for word in dict.fromkeys(words):
        owners = _OWNERS.get(word)
        if owners is not None:
            for language in owners:
                scores[language] += _WORD
        elif len(word) > _FEWEST_WORDS:
            for language, run in _RUN_OF.items():
                if run.search(word):
                    scores[language] += _RUN
    best, first = max(scores.items(), key=lambda item: item[1])
    twins = _TWINS if best in _TWINS else {best}
    rival = max(score for language, score in scores.items() if language not in twins)
    if first < _EVIDENCE or first - rival < _LEAD:
        return None, 0.0
    return best, round(1 / sum(math.exp(score - first) for score in scores.values()), 4)
