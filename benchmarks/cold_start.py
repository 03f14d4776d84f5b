"""How long a whole process takes, from the shell's point of view.

`kbsupport --help`, and `kbsupport ask` on about 1,300 chunks beside two others on the same chunks
with the same model, each in turn, so that other load falls on all of them:

  bare       the imports, the Chroma folder, the model and one query; nothing else
  LangChain  langchain-chroma with HuggingFaceEmbeddings, in an environment made for it

    python benchmarks/cold_start.py [--rounds 9]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from statistics import median

from benchmarks import bases
from benchmarks.common import ROOT, write_result
from benchmarks.figures import figure, load_note, show
from benchmarks.processes import KBSUPPORT, Run, timed

CHUNKS = 1300
QUESTION = "How do I change the address on my account?"
PEERS = ROOT / "benchmarks" / ".peers"
PEER_PYTHON = PEERS / "bin" / "python"
PEER_PACKAGES = (
    "torch>=2.6,<2.14",
    "sentence-transformers>=5.2,<7",
    "chromadb==1.5.9",
    "langchain-chroma>=1,<2",
    "langchain-huggingface>=1,<2",
)
HERE = Path(__file__).parent


def prepare(home: Path, work: Path) -> list[str]:
    """Index part of the banking articles; the texts of its chunks."""
    from kbsupport import open_app

    texts = bases.shuffled(bases.articles(("tau2_banking_kb",)))
    # 6.35 chunks an article on the average; articles of one file each, in no order.
    bases.write(work / "articles", texts[: round(CHUNKS / 6.35)])
    timed([KBSUPPORT, "--home", str(home), "index", str(work / "articles")])
    with open_app(home=home) as app:
        return chunk_texts(app)


def chunk_texts(app: object) -> list[str]:
    """The different texts that the live generation has a vector for."""
    from kbsupport.store import articles, generations

    with app.database.read() as connection:  # type: ignore[attr-defined]
        live = generations.live(connection)
        assert live is not None
        chunks = articles.load_chunks(connection, live.id, live.splitter)
        return list({chunk.content_hash: chunk.words for _, chunk in chunks}.values())


def make_peers() -> str | None:
    """An environment with LangChain, or why there is none."""
    check = [str(PEER_PYTHON), "-c", "import langchain_chroma, langchain_huggingface"]
    if (
        PEER_PYTHON.exists()
        and subprocess.run(check, check=False, capture_output=True).returncode == 0
    ):
        return None
    print("making an environment for LangChain (minutes, once)", flush=True)
    venv.create(PEERS, clear=True, with_pip=True)
    (PEERS / ".gitignore").write_text("*\n", encoding="utf-8")
    install = [str(PEER_PYTHON), "-m", "pip", "install", "--quiet", *PEER_PACKAGES]
    done = subprocess.run(install, check=False, capture_output=True, text=True)
    return None if done.returncode == 0 else "its packages cannot be installed here"


def peer_versions() -> str:
    """What is installed there: a comparison without versions says little."""
    names = ("langchain-chroma", "langchain-huggingface", "sentence-transformers", "torch")
    ask = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    found = timed([str(PEER_PYTHON), "-c", ask, *names]).stdout.split()
    return ", ".join(" ".join(pair) for pair in zip(names, found, strict=True))


def build_peer(work: Path, texts: list[str]) -> list[str]:
    """A persisted LangChain store with the same texts; the command that asks it."""
    from kbsupport.adapters.embedders import packaged_model

    chunks = work / "chunks.json"
    chunks.write_text(json.dumps(texts), encoding="utf-8")
    script = [str(PEER_PYTHON), str(HERE / "peer_langchain.py")]
    store, model = str(work / "langchain"), str(packaged_model())
    timed([*script, "build", store, model, str(chunks)])
    return [*script, "ask", store, model, QUESTION]


def measure(commands: dict[str, list[str]], rounds: int) -> dict[str, list[Run]]:
    """Every command once a round; the first round warms the page cache and is thrown away."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            run = timed(command)
            if number:
                runs[name].append(run)
        last = "  ".join(
            f"{name} {timings[-1].seconds:.2f}" for name, timings in runs.items() if timings
        )
        print(f"round {number} of {rounds}: {last}", flush=True)
    return runs


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    notes = [
        load_note(),
        "Cold means a new process; the files are in the page cache, as they are for the others.",
        "Ratios are taken within a round, then the median of the rounds.",
        "The bare process opens the model with our options, but keeps the garbage collector on.",
    ]
    bases.shared_data()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        home = work / "home"
        texts = prepare(home, work)
        ask = [KBSUPPORT, "--home", str(home), "ask", QUESTION, "--json"]
        chroma = next((home / "index").glob("gen-*/chroma"))
        model = next((home / "models").glob("*.onnx"))
        commands = {
            "help": [KBSUPPORT, "--help"],
            "ask": ask,
            "bare": [sys.executable, str(HERE / "peer_bare.py"), str(chroma), str(model)],
        }
        reason = make_peers()
        if reason is None:
            commands["langchain"] = build_peer(work, texts)
            notes.append(f"LangChain is {peer_versions()}.")
        else:
            print(f"skipped LangChain: {reason}", file=sys.stderr)
            notes.append(f"LangChain was skipped: {reason}.")
        runs = measure(commands, rounds)
        answer = json.loads(runs["ask"][-1].stdout)
    seconds = {name: [run.seconds for run in timings] for name, timings in runs.items()}
    memory = [run.megabytes for run in runs["ask"]]
    to_bare = [ours / bare for ours, bare in zip(seconds["ask"], seconds["bare"], strict=True)]
    help_ = seconds["help"]
    figures = {
        "help": figure("kbsupport --help", median(help_), "s", at_most=0.25, of=help_),
        "chunks": figure("chunks in the index", len(texts), ""),
        "ask": figure("kbsupport ask, cold", median(seconds["ask"]), "s", of=seconds["ask"]),
        "bare": figure("bare process", median(seconds["bare"]), "s", of=seconds["bare"]),
        "ask_to_bare": figure("ask ÷ bare process", median(to_bare), "x", at_most=1.6, of=to_bare),
    }
    if "langchain" in seconds:
        peer = seconds["langchain"]
        ratios = [slow / ours for slow, ours in zip(peer, seconds["ask"], strict=True)]
        figures["langchain"] = figure("LangChain, cold", median(peer), "s", of=peer)
        figures["langchain_to_ask"] = figure(
            "LangChain ÷ ask", median(ratios), "x", at_least=3.5, of=ratios
        )
        peer_memory = [run.megabytes for run in runs["langchain"]]
        figures["langchain_memory"] = figure(
            "peak memory of LangChain", median(peer_memory), "MB", of=peer_memory
        )
    figures["memory"] = figure("peak memory of ask", median(memory), "MB", at_most=350, of=memory)
    figures["inside"] = figure(
        "of which inside App.ask, by its own clock", answer["timings_ms"]["total"] / 1000, "s"
    )
    show(figures)
    write_result("cold_start", figures, "python benchmarks/cold_start.py", notes)


if __name__ == "__main__":
    main()
