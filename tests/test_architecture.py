"""The picture of the house: cli -> pipeline -> models / bridge / analysis, two types below, no arrow back."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("models", "bridge", "analysis", "pipeline")
# What each room may import of semsync; `errors` and the two types are open to all.
MAY_IMPORT = {"models": set(), "bridge": set(), "analysis": set(), "pipeline": {"models", "bridge", "analysis"}}
FOREIGN = {
    "models": {"nest", "neo", "elephant", "nixio", "pynwb"},
    "analysis": {"torch", "nest"},
    "bridge": {"torch", "neo", "elephant"},
}


def imports_of(path: Path) -> set[str]:
    """Absolute names of all modules that a file imports, wherever in it."""
    package = ("semsync", *path.relative_to(ROOT).parts[:-1])
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_what_lies_below(room):
    for path in (ROOT / room).rglob("*.py"):
        for name in imports_of(path):
            parts = name.split(".")
            if parts[0] == "semsync" and len(parts) > 1 and parts[1] in (*ROOMS, "cli") and parts[1] != room:
                assert parts[1] in MAY_IMPORT[room], f"{path.relative_to(ROOT)} imports {name}"
            assert parts[0] not in FOREIGN.get(room, set()) or path.name == "nest_kernel.py", (
                f"{path.relative_to(ROOT)} imports {name}"
            )


@pytest.mark.parametrize("name", ["network_description.py", "network_file.py", "spike_table.py", "named.py"])
def test_the_two_types_import_numpy_only(name):
    allowed = {"numpy", "semsync", "safetensors", *sys.stdlib_module_names}
    assert {module.split(".")[0] for module in imports_of(ROOT / name)} <= allowed


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import semsync", {"torch", "nest", "neo", "elephant", "matplotlib", "numba", "scipy", "pandas"}),
        ("import semsync.cli", {"torch", "nest", "neo", "elephant", "matplotlib", "numba", "scipy", "pandas"}),
        ("import semsync.bridge", {"torch", "nest", "neo", "elephant", "matplotlib", "numba"}),
        ("import semsync.bridge.worker", {"torch", "neo", "elephant", "matplotlib", "numba"}),
        ("import semsync.analysis, semsync.analysis.recordings, semsync.analysis.measures", {"torch", "nest", "neo"}),
        ("import semsync.models.network", {"nest", "neo", "elephant", "matplotlib"}),
    ],
)
def test_heavy_parts_are_imported_only_where_used(statement, forbidden):
    assert not modules_after(statement) & forbidden


def test_files_stay_readable():
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).parts
        if not parts[0].startswith(".") and parts[0] != "build":
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, path
