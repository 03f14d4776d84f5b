"""The rules of the house, read from the source: who may import whom, and how things are called."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "kbsupport"
FILES = sorted(PACKAGE.rglob("*.py"))

NOUNS = {"model", "errors"}
ROOMS = {"knowledge", "triage", "store"}
# The right-hand column of the tree in docs/architecture.md.
MAY_IMPORT = {
    "__init__": {"model", "app"},
    "__main__": {"cli"},
    "model": set(),
    "errors": set(),
    "ports": {"model"},
    "settings": {"errors"},
    "plugins": {"errors"},
    "testing": {"model", "ports"},
    "knowledge": NOUNS | {"ports", "store"},
    "triage": NOUNS | {"ports"},
    "store": NOUNS,
    "adapters": NOUNS | {"ports"},
    "evaluation": NOUNS | {"knowledge", "triage"},
    "replies": NOUNS | {"templates"},
    "templates": NOUNS,
    "desk": NOUNS | {"store"},
    "thread": {"model", "store"},
    "reception": NOUNS | {"ports", "store"},
    "order_desk": NOUNS | {"ports", "triage"},
    "attachments": NOUNS,
    "keeping": NOUNS | {"mind", "standing", "store", "desk", "replies", "thread"},
    "notices": NOUNS,
    "outbox": NOUNS | {"quality", "store"},
    "erasing": NOUNS | {"store"},
    "mirror": NOUNS | {"ports", "store"},
    "people": NOUNS
    | {"ports", "settings", "plugins", "store", "desk", "replies", "reception", "order_desk"}
    | {"attachments", "keeping", "notices", "outbox", "erasing", "mirror", "loop", "inspecting"}
    | {"standing", "webhooks"},
    "quality": NOUNS,
    "watch": NOUNS,
    "figures": NOUNS | {"store", "desk", "evaluation"},
    "rehearsal": NOUNS | {"app", "ports", "store", "evaluation"},
    "gaps": NOUNS | {"store", "knowledge", "learning", "evaluation", "mind", "ports", "standing"},
    "inspecting": NOUNS | {"ports", "quality", "store"},
    "loop": NOUNS
    | {"gaps", "knowledge", "store", "triage", "standing", "learning", "watch", "people", "ports"},
    "standing": NOUNS | {"quality", "store", "triage"},
    "mind": NOUNS | {"ports", "knowledge", "triage", "standing"},
    "learning": NOUNS | ROOMS | {"ports", "mind", "standing", "evaluation", "watch"},
    "assistant": NOUNS
    | ROOMS
    | {"ports", "mind", "replies", "keeping", "thread", "reception", "order_desk"},
    "app": NOUNS
    | ROOMS
    | {"ports", "settings", "plugins", "assistant", "evaluation", "learning", "mind", "standing"}
    | {"people", "desk", "loop", "lobby"},
    "access": NOUNS | {"store"},
    "intake": NOUNS | {"store", "attachments"},
    "deciding": NOUNS | {"store", "assistant", "keeping", "standing", "reception"},
    "work": NOUNS | {"app"},
    "webhooks": NOUNS | {"store", "ports"},
    "lobby": NOUNS
    | {"app", "access", "intake", "deciding", "work", "webhooks", "store", "meters", "tracing"}
    | {"plugins", "inbound"},
    "meters": NOUNS,
    "tracing": NOUNS,
    "client": NOUNS,
    "doctor": NOUNS | {"app", "knowledge", "store"},
    "api": NOUNS
    | {"app", "settings", "store", "lobby", "access", "intake", "deciding"}
    | {
        "figures",
        "doctor",
        "webhooks",
        "meters",
        "tracing",
        "loop",
        "desk",
        "people",
        "attachments",
        "__init__",
    },
    "inbound": NOUNS | {"store", "intake", "mirror"},
    "mcp": NOUNS | {"app", "store", "desk", "access", "api", "__init__"},
    "cli": NOUNS
    | {"app", "settings", "doctor", "evaluation", "figures", "triage", "__init__"}
    | {"access", "api", "mcp", "work", "webhooks"},
}
HOMES = {
    "chromadb": {"knowledge/vectors.py", "doctor.py"},
    "sklearn": {"knowledge/terms.py", "triage/intent.py"},
    "scipy": {"knowledge/terms.py", "evaluation/scores.py", "triage/fitting.py"}
    | {"gaps/clusters.py"},
    "matplotlib": {"evaluation"},
    "pandas": {"evaluation"},
    "sqlmodel": {"store"},
    "sqlalchemy": {"store", "adapters"},
    "alembic": {"store"},
    "sqlite3": {"store"},
    "typer": {"cli"},
    "rich": {"cli"},
    "click": {"cli"},
    "onnxruntime": {"adapters"},
    "onnx": {"adapters"},
    "tokenizers": {"adapters"},
    "sentence_transformers": {"adapters"},
    "vaderSentiment": {"adapters"},
    "lingua": {"adapters"},
    "torch": {"adapters"},
    "presidio_analyzer": {"quality"},
    "spacy": {"quality"},
    "tldextract": {"quality"},
    "re2": {"quality"},
    "openai": {"adapters/chat_rewriter.py"},
    "httpx2": {"adapters/chat_rewriter.py"},
    "pg8000": {"store"},
    "pydantic": {"settings.py", "api", "mcp"},
    "pydantic_settings": {"settings.py"},
    "fastapi": {"api"},
    "starlette": {"api"},
    "uvicorn": {"api", "mcp"},
    "mcp": {"mcp"},
    "strawberry": {"api"},
    "prometheus_client": {"api", "meters.py"},
    "opentelemetry": {"tracing.py"},
    "standardwebhooks": {"adapters", "api"},
    "requests": set(),
    "httpx": {"adapters", "client.py"},
}
# Too heavy for the top of any file that a question does not need.
LAZY = {
    "torch", "sentence_transformers", "chromadb", "sklearn", "scipy", "onnxruntime", "onnx",
    "matplotlib", "pandas", "presidio_analyzer", "spacy", "tldextract", "re2", "openai",
    "httpx2", "opentelemetry",
}  # fmt: skip
LONGEST = 400
# Every noun of the house in one place is worth a longer file.
REFUSED = frozenset(
    "manager handler engine processor helper helpers util utils info payload".split()
)

# Names that a library looks for.
GIVEN = frozenset({"get_route_handler"})


def place(path: Path, package: Path = PACKAGE) -> str:
    return path.relative_to(package).as_posix()


def room(where: str) -> str:
    return where.partition("/")[0].removesuffix(".py")


def for_types_only(tree: ast.Module) -> set[ast.AST]:
    blocks = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {inner for block in blocks for part in block.body for inner in ast.walk(part)}


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    if node.level:
        return ["kbsupport.relative"]
    if node.module == "kbsupport":
        return [f"kbsupport.{alias.name}" for alias in node.names]
    return [node.module or ""]


def own_part(name: str) -> str | None:
    """The part of our package that an import names, or None for anyone else's."""
    first, _, rest = name.partition(".")
    if first != "kbsupport":
        return None
    part = rest.split(".")[0]
    return "__init__" if part in ("", "__version__") else part


def import_faults(where: str, source: str) -> list[str]:
    tree = ast.parse(source)
    types_only = for_types_only(tree)
    mine = room(where)
    faults = []
    for node in ast.walk(tree):
        for name in imported(node):
            part = own_part(name)
            if part is not None and part != mine and part not in MAY_IMPORT.get(mine, set()):
                faults.append(f"{where}:{node.lineno}: {mine} may not import {name}")
            outside = name.split(".")[0]
            homes = HOMES.get(outside)
            at_home = homes is None or where in homes or where.partition("/")[0] in homes
            if not at_home and node not in types_only:
                faults.append(f"{where}:{node.lineno}: {outside} lives in {homes or 'no file'}")
    for node in tree.body:
        faults += [
            f"{where}:{node.lineno}: {name} is too heavy for the top of a file"
            for name in imported(node)
            if name.split(".")[0] in LAZY
        ]
    return faults


def own_names(source: str, where: str = "") -> set[str]:
    """Every name that this file gives to something."""
    names = set(Path(where).with_suffix("").parts)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


def refused_words(names: set[str]) -> list[str]:
    bad = []
    for name in names - GIVEN:
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        if REFUSED & set(spaced.split("_")) or spaced.startswith("process_"):
            bad.append(name)
    return sorted(bad)


def test_every_part_of_the_tree_has_its_rule():
    parts = {room(place(path)) for path in FILES}
    assert parts <= MAY_IMPORT.keys(), "say in MAY_IMPORT what a new part may import"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_imports_go_downstairs_and_every_dependency_has_one_home(path):
    assert import_faults(place(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("where", "source", "word"),
    [
        ("knowledge/new.py", "from kbsupport.cli import main", "may not import"),
        ("knowledge/new.py", "def f():\n    import kbsupport.triage.verdict", "may not import"),
        ("store/new.py", "from kbsupport import app", "may not import"),
        ("cli/new.py", "from kbsupport.adapters.embedders import OnnxEmbedder", "may not import"),
        ("model.py", "from .errors import KbSupportError", "may not import"),
        ("triage/new.py", "def f():\n    import chromadb", "chromadb lives in"),
        ("knowledge/new.py", "from sqlalchemy import select", "sqlalchemy lives in"),
        ("app.py", "import requests", "requests lives in no file"),
        ("knowledge/vectors.py", "import chromadb", "too heavy"),
    ],
)
def test_a_planted_import_is_caught(where, source, word):
    assert any(word in fault for fault in import_faults(where, source))


def test_an_import_for_types_alone_costs_nothing_and_is_allowed():
    source = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sqlalchemy import Connection"
    )
    assert import_faults("knowledge/new.py", source) == []


@pytest.mark.parametrize("path", FILES, ids=place)
def test_no_file_is_longer_than_a_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", FILES, ids=place)
def test_no_name_of_ours_is_a_refused_word(path):
    assert refused_words(own_names(path.read_text(encoding="utf-8"), place(path))) == []


def test_a_planted_name_is_caught():
    source = "class TicketManager:\n    def process_item(self, user_info): self.helper = 1"
    assert refused_words(own_names(source, "knowledge/utils.py")) == [
        "TicketManager", "helper", "process_item", "user_info", "utils",
    ]  # fmt: skip
    assert refused_words({"information", "engineer", "processing"}) == []


def test_the_core_imports_the_standard_library_only():
    for path in [*(PACKAGE / "model").glob("*.py"), PACKAGE / "errors.py"]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {name for node in ast.walk(tree) for name in imported(node)}
        outside = {n.split(".")[0] for n in names if own_part(n) != "model"}
        assert outside <= sys.stdlib_module_names


@pytest.mark.parametrize("module", ["kbsupport", "kbsupport.cli.main"])
def test_importing_a_door_loads_nothing_heavy(module):
    heavy = ("torch", "chromadb", "sklearn", "sqlmodel", "fastapi", "pydantic", "numpy", "onnx")
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def commands(group, path=("kbsupport",)):
    for name, command in sorted(group.commands.items()):
        here = (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, here)
        else:
            yield " ".join(here), command


def all_commands():
    import typer.main

    from kbsupport.cli.main import cli

    return list(commands(typer.main.get_command(cli)))


@pytest.mark.parametrize(("name", "command"), [pytest.param(*c, id=c[0]) for c in all_commands()])
def test_every_command_has_help_and_an_example_that_begins_with_its_name(name, command):
    assert command.help
    assert command.help.strip()
    assert "Examples:" in (command.epilog or "")
    assert name in command.epilog
    for parameter in command.params:
        option = parameter.param_type_name == "option"
        assert not option or parameter.help, f"{name} does not explain --{parameter.name}"
