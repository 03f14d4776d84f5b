import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kbsupport.adapters import embedders, onnx_export
from kbsupport.adapters.embedders import (
    OnnxEmbedder,
    SentenceTransformerEmbedder,
    best_precision,
    packaged_model,
)
from kbsupport.errors import ConfigError, ModelError

ONNX = "all-MiniLM-L6-v2-int8.onnx"
TEXTS = (
    "How do I get my money back?",
    "my card has not arrived yet",
    "Wie ändere ich meine Adresse?",
    "Paper statements are available for $2.50 per month. " * 12,
    "",
)


@pytest.fixture(scope="session", params=["int8", "fp32"])
def embedder(request, model_cache):
    return OnnxEmbedder(model_cache, precision=request.param)


@pytest.fixture(scope="session")
def torch_embedder():
    # torch announces its own future changes while it is imported.
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SentenceTransformerEmbedder(str(packaged_model()))


@pytest.fixture
def own_cache(model_cache, tmp_path):
    """A copy of a converted model that a test may damage."""
    OnnxEmbedder(model_cache, precision="int8")
    shutil.copytree(model_cache, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def python(code, *args):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_vectors_have_length_one_and_the_promised_shape(embedder):
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts_are_no_vectors(embedder):
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_the_same_text_always_has_the_same_vector(embedder):
    assert np.array_equal(embedder.embed(TEXTS), embedder.embed(TEXTS))


def test_a_vector_does_not_depend_on_the_texts_beside_it_or_their_order(embedder):
    together = embedder.embed(TEXTS)
    backwards = embedder.embed(TEXTS[::-1])[::-1]
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-5
    assert np.abs(together - backwards).max() < 1e-5


def test_the_number_of_threads_changes_nothing(embedder, model_cache):
    other = OnnxEmbedder(model_cache, precision=embedder.precision, threads=3)
    assert np.abs(embedder.embed(TEXTS) - other.embed(TEXTS)).max() < 1e-5


def test_only_the_first_256_tokens_count(embedder):
    start = "money " * 254
    assert np.array_equal(*embedder.embed([start, start + "elephants " * 500]))
    assert not np.array_equal(*embedder.embed(["money " * 200, "money " * 200 + "elephants"]))


def test_an_endless_text_is_embedded(embedder):
    assert np.isfinite(embedder.embed(["x" * 3_000_000, "word " * 600_000])).all()


@pytest.mark.parametrize(
    "text", ["\ud800", "a\x00b", "\u202e\ufeff\u200b", "🙈" * 300, "漢字", "\n"]
)
def test_strange_characters_are_embedded(embedder, text):
    vectors = embedder.embed([text, "plain"])
    assert np.isfinite(vectors).all()
    assert np.array_equal(vectors[1], embedder.embed(["plain"])[0])


def test_it_embeds_like_sentence_transformers(embedder, torch_embedder):
    likeness = (embedder.embed(TEXTS) * torch_embedder.embed(TEXTS)).sum(axis=1)
    assert likeness.min() > embedders.CLOSE_ENOUGH[embedder.precision]


def test_the_plain_reference_is_the_published_model(torch_embedder):
    weights = onnx_export.read_weights(packaged_model() / "model.safetensors")
    tokens = onnx_export.read_tokenizer((packaged_model() / "tokenizer.json").read_text())
    vectors = [onnx_export.reference(weights, tokens.encode(text).ids) for text in TEXTS]
    assert np.abs(np.array(vectors) - torch_embedder.embed(TEXTS)).max() < 1e-5


def test_the_name_tells_model_weights_and_backend(embedder):
    assert embedder.name == f"all-MiniLM-L6-v2@53aa51172d14/onnx-{embedder.precision}"


def test_the_precision_follows_the_cpu(model_cache):
    assert OnnxEmbedder(model_cache).precision == best_precision()


def test_an_unknown_precision_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="int4"):
        OnnxEmbedder(tmp_path, precision="int4")


def test_a_changed_byte_is_healed_and_told(own_cache):
    path = own_cache / ONNX
    before = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(len(before) // 2)
        file.write(bytes([before[len(before) // 2] ^ 1]))
    healed = OnnxEmbedder(own_cache, precision="int8")
    assert path.read_bytes() == before
    assert [notice for notice in healed.notices if "bytes have changed" in notice]
    assert OnnxEmbedder(own_cache, precision="int8").notices == []


@pytest.mark.parametrize("damage", ["half", "empty", "no note", "bad note", "old note"])
def test_a_half_written_model_is_healed(own_cache, damage):
    path = own_cache / ONNX
    before, note = path.read_bytes(), path.with_suffix(".json")
    match damage:
        case "half":
            path.write_bytes(before[: len(before) // 2])
        case "empty":
            path.write_bytes(b"")
        case "no note":
            note.unlink()
        case "bad note":
            note.write_text("[1, 2")
        case "old note":
            note.write_text(json.dumps(json.loads(note.read_text()) | {"exporter": "0"}))
    healed = OnnxEmbedder(own_cache, precision="int8")
    assert path.read_bytes() == before
    assert len(healed.notices) == 1
    healed.verify()


def test_what_a_killed_conversion_left_is_swept_away(own_cache):
    left = own_cache / ".half-killed"
    left.mkdir()
    (own_cache / "all-MiniLM-L6-v2-int8.json").unlink()
    OnnxEmbedder(own_cache, precision="int8")
    assert not left.exists()


def test_verify_refuses_a_file_that_changed_under_us(own_cache):
    mine = OnnxEmbedder(own_cache, precision="int8")
    mine.verify()
    mine.model.path.write_bytes(b"other")
    with pytest.raises(ModelError, match="delete it"):
        mine.verify()


def test_other_weights_are_refused(tmp_path, monkeypatch):
    source = tmp_path / "source"
    shutil.copytree(packaged_model(), source)
    with (source / "model.safetensors").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setattr(embedders, "packaged_model", lambda: source)
    with pytest.raises(ModelError, match="not the all-MiniLM-L6-v2 we know"):
        OnnxEmbedder(tmp_path / "models", precision="int8")
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_a_conversion_that_embeds_otherwise_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(embedders, "CLOSE_ENOUGH", {"int8": 1.1})
    with pytest.raises(ModelError, match="does not embed as it should"):
        OnnxEmbedder(tmp_path, precision="int8")
    assert not list(tmp_path.glob("*.onnx"))


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot write to the model cache"):
        OnnxEmbedder(tmp_path / "file" / "models")


def test_a_read_only_cache_with_a_model_in_it_serves(own_cache, monkeypatch):
    # Root may write anywhere, so what is refused here is the lock, the first thing a writer takes.
    monkeypatch.setattr(embedders.fcntl, "flock", lambda *_: pytest.fail("the cache was locked"))
    assert OnnxEmbedder(own_cache, precision="int8").embed(["x"]).shape == (1, 384)


def test_two_first_uses_at_once_convert_once(tmp_path):
    code = """
import sys
from pathlib import Path
from kbsupport.adapters import embedders, onnx_export
write = onnx_export.write_onnx
def counted(*args):
    print("converted")
    return write(*args)
onnx_export.write_onnx = counted
embedder = embedders.OnnxEmbedder(Path(sys.argv[1]), precision="int8")
print(embedder.embed(["hello"])[0, :3].tolist(), embedder.notices)
"""
    runs = [python(code, tmp_path) for _ in range(2)]
    said = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    lines = [line for out, _ in said for line in out.splitlines()]
    assert lines.count("converted") == 1
    assert len(set(lines)) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".lock",
        "all-MiniLM-L6-v2-int8.json",
        "all-MiniLM-L6-v2-int8.onnx",
    ]


def test_neither_first_nor_later_use_imports_torch(own_cache, tmp_path):
    code = """
import sys
from kbsupport.adapters.embedders import OnnxEmbedder
assert "numpy" not in sys.modules and "onnxruntime" not in sys.modules
OnnxEmbedder(sys.argv[1], precision="int8").embed(["hello"])
print(sorted({"torch", "transformers", "sentence_transformers", "onnx"} & set(sys.modules)))
"""
    first, later = python(code, tmp_path / "new"), python(code, own_cache)
    assert first.communicate(timeout=120)[0].strip() == "['onnx']"
    assert later.communicate(timeout=120)[0].strip() == "[]"


@pytest.mark.usefixtures("no_network")
def test_converting_and_embedding_use_no_network(tmp_path):
    assert OnnxEmbedder(tmp_path, precision="int8").embed(["x"]).shape == (1, 384)


@pytest.mark.usefixtures("no_network")
def test_a_model_folder_opens_without_the_network(torch_embedder):
    folder = packaged_model()
    other = SentenceTransformerEmbedder(str(folder))
    assert other.name == torch_embedder.name
    assert other.name.startswith("model@")
    assert other.dimension == 384
    assert other.embed([]).shape == (0, 384)
    assert np.allclose(np.linalg.norm(other.embed(["x", "\ud800", ""]), axis=1), 1, atol=1e-5)


@pytest.mark.usefixtures("no_network", "torch_embedder")
def test_a_model_that_is_not_there_is_named_with_the_cure():
    with pytest.raises(ConfigError, match="no model folder"):
        SentenceTransformerEmbedder("./no/such/folder")
    with pytest.raises(ModelError, match="download = true"):
        SentenceTransformerEmbedder("nobody/no-such-model")


def test_the_cpu_flags_decide(monkeypatch):
    for flags, chosen in (("sse2 avx2 fma", "int8"), ("sse2 avx", "fp32")):
        monkeypatch.setattr(Path, "read_text", lambda *_, text=flags, **__: f"flags : {text} x\n")
        monkeypatch.setattr(embedders.platform, "machine", lambda: "x86_64")
        assert best_precision() == chosen
    monkeypatch.setattr(embedders.platform, "machine", lambda: "aarch64")
    assert best_precision() == "fp32"
