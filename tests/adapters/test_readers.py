import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport import plugins
from kbsupport.adapters.languages import read_language
from kbsupport.adapters.readers import PlainReader
from kbsupport.model import Reading

SENTENCES = {
    "en": ["where is my order please", "My hub has been offline since this morning."],
    "de": ["Wo bleibt denn mein Paket?", "hub verliert jede nacht um 2 die verbindung"],
    "fr": ["où est ma commande s'il vous plaît", "Je voudrais résilier mon abonnement"],
    "es": ["hola, no puedo entrar en mi cuenta", "¿Cuándo llega mi pedido por favor?"],
    "it": ["Vorrei cancellare il mio account", "dov'è il mio ordine, non è arrivato"],
    "nl": ["waar blijft mijn bestelling nou", "Ik kan niet meer inloggen met die code"],
    "pt": ["minha encomenda ainda não chegou", "Não consigo entrar na minha conta"],
    "ru": ["где мой заказ"],
    "uk": ["де моє замовлення, їх немає"],
    "zh": ["我的订单在哪里"],
    "ja": ["パスワードを忘れました", "注文はどこですか"],
    "ko": ["비밀번호를 잊었어요"],
    "ar": ["أين طلبي"],
    "fa": ["سفارش من کجاست"],
    "he": ["איפה ההזמנה שלי"],
    "el": ["Πού είναι η παραγγελία μου"],
    "hi": ["मेरा ऑर्डर कहाँ है"],
    "th": ["สวัสดีครับ"],
}


@pytest.fixture(scope="module")
def reader():
    return PlainReader()


@pytest.mark.parametrize(
    ("code", "text"), [(c, t) for c, texts in SENTENCES.items() for t in texts]
)
def test_a_sentence_tells_its_language(code, text):
    found, sure = read_language(text)
    assert found == code
    assert 0.5 < sure <= 1


@pytest.mark.parametrize(
    "text",
    ["", "ok", "refund pls", "no me funciona", "hub led amber no wifi", "123 456 789 0", "🙂🙂🙂",
     "passwort vergessen", "no no no no no no", "OND-123 H2 V11 S02", "\0\0\0", "\ud800\ud801"],
)  # fmt: skip
def test_what_is_too_short_or_open_has_no_language(text):
    assert read_language(text) == (None, 0.0)


def test_mood_is_read_in_english_only(reader):
    assert reader.read("third time I ask, still broken!!").sentiment < -0.3
    assert reader.read("wonderful, I love it").sentiment > 0.3
    assert reader.read("Wann kommt denn die Bestellung für die Küche?").sentiment == 0
    assert reader.read("") == Reading()


@given(st.text(st.characters()))
def test_any_text_can_be_read(reader, text):
    found = reader.read(text)
    assert -1 <= found.sentiment <= 1
    assert 0 <= found.language_probability <= 1


@pytest.mark.timeout(10)
@pytest.mark.parametrize("phrase", ["no ", "но", "a", "great! ", "👍", "\0", "\ud800"])
def test_a_long_text_is_read_in_no_time(reader, phrase):
    reader.read((phrase * 100_000)[:100_000])


def test_the_default_reader_comes_by_its_name_and_loads_nothing_heavy():
    code = (
        "import sys; from kbsupport import plugins; plugins.build('reader', 'plain').read('hi');"
        "print([m for m in ('numpy', 'requests', 'lingua', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_lingua_is_there_for_who_asks_for_it():
    pytest.importorskip("lingua")
    reader = plugins.build("reader", "lingua", languages=["en", "cs", "de"])
    assert reader.read("ok").language is None
    assert reader.read("Kde je prosím moje objednávka, čekám už týden").language == "cs"
    assert reader.read("\ud800 where is my order please").language == "en"
