"""What installs semsync says the same everywhere, and the package holds all its folders."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

from semsync import SpikeTable
from semsync.analysis.recordings import save_nwb

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"neo": "python-neo", "torch": "pytorch-cpu"}


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements_of_users(project: dict) -> dict[str, str]:
    """Lower bounds of everything but the developers' tools."""
    extras = project["optional-dependencies"]
    texts = project["dependencies"] + extras["analysis"] + extras["train"] + extras["nest"] + extras["nir"]
    texts += extras["dask"]
    return {requirement.name: str(requirement.specifier) for requirement in map(Requirement, texts)}


def test_conda_environment_equals_pyproject(project):
    entries = YAML(typ="safe").load((ROOT / "environment.yml").read_text())["dependencies"]
    plain = [entry for entry in entries if isinstance(entry, str)]
    (by_pip,) = [entry["pip"] for entry in entries if isinstance(entry, dict)]
    found = {}
    for text in [*plain, *(line for line in by_pip if not line.startswith("-"))]:
        name, bound = re.fullmatch(r"([A-Za-z0-9-]+)(.*)", text).groups()
        found[name] = bound
    assert found.pop("pip") == ""
    assert found.pop("python") == project["requires-python"]
    assert found == {CONDA_NAMES.get(name, name): bound for name, bound in requirements_of_users(project).items()}


def test_constraints_pin_every_requirement_within_its_bounds(project):
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pinned = {}
    for requirement in map(Requirement, lines):
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        pinned[requirement.name.lower()] = Version(specifier.version)
    assert str(pinned["torch"]) == "2.13.0"
    for name, bound in requirements_of_users(project).items():
        assert pinned[name.lower()] in Requirement(f"{name}{bound}").specifier, name


def test_every_folder_with_code_is_packaged():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {"semsync"}
    for init in ROOT.glob("**/__init__.py"):
        parts = init.parent.relative_to(ROOT).parts
        if parts and not any(part.startswith(".") or part in ("tests", "build") for part in parts):
            found.add(".".join(("semsync", *parts)))
    assert listed == found


def installed_with(texts: list[str]) -> set[str]:
    """Names of all distributions that requirements bring, as those that are installed here ask for each other."""
    found: set[str] = set()
    waiting = [Requirement(text) for text in texts]
    while waiting:
        requirement = waiting.pop()
        extras = requirement.extras or {""}
        name = canonicalize_name(requirement.name)
        key = f"{name}[{','.join(sorted(extras))}]"
        if key in found:
            continue
        found |= {key, name}
        for text in metadata.requires(name) or []:
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                needed.marker = None
                waiting.append(needed)
    return found


def test_the_analysis_brings_neither_torch_nor_nest(project):
    extras = project["optional-dependencies"]
    found = installed_with(project["dependencies"] + extras["analysis"])
    assert {"pynwb", "hdmf", "h5py", "scikit-learn", "joblib", "neo"} <= found  # the walk goes beyond what is named
    assert not {name for name in found if name.startswith(("torch", "nest", "nvidia", "triton", "numba"))}
    assert {"torch", "nest-simulator"} <= installed_with(extras["train"] + extras["nest"])


# An interpreter for which the packages of the other extras do not exist.
WITHOUT = """
import sys

absent = sys.argv.pop(1).split(",")

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])

sys.meta_path.insert(0, Absent())
from semsync.cli import main
main()
"""


def test_recordings_are_analysed_where_only_the_analysis_is_installed(project, tmp_path):
    extras = project["optional-dependencies"]
    with_analysis = installed_with(project["dependencies"] + extras["analysis"])
    modules = {"torch": "torch", "numba": "numba", "pooch": "pooch", "nest-simulator": "nest", "nir": "nir"}
    modules |= {"distributed": "distributed,dask", "mpi4py": "mpi4py"}
    others = [text for extra in ("train", "nest", "nir", "dask", "mpi") for text in extras[extra]]
    absent = {Requirement(text).name for text in others} - with_analysis
    assert absent <= modules.keys(), "name the modules of a new requirement here"

    def semsync(*arguments):
        command = [sys.executable, "-c", WITHOUT, ",".join(modules[name] for name in sorted(absent)), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    rng = np.random.default_rng(0)
    trial, unit = (rows.ravel() for rows in np.indices((40, 5)))
    start = 100.0 * np.arange(40)
    trials = {"start": start, "stop": start + 100, "side": np.where(np.arange(40) % 2, "left", "right")}
    table = SpikeTable(rng.uniform(0, 100, 200), unit, trial, {"unit_id": np.arange(5)}, trials)
    save_nwb(table, tmp_path / "recording.nwb")
    inspected = semsync("inspect", "recording.nwb")
    assert inspected.returncode == 0, inspected.stderr
    assert "--class-column side" in inspected.stdout
    analysed = semsync("analyze", "recording.nwb", "--class-column", "side", "--n-permutations", "19", "--out", "out")
    assert analysed.returncode == 0, analysed.stderr
    units = json.loads((tmp_path / "out" / "results.json").read_text())["units"]
    assert {"area", "information_bits", "p_value", "q_value"} <= units[0].keys()
    assert (tmp_path / "out" / "report.html").exists()
    assert semsync("analyses").returncode == 0
    assert semsync("--help").returncode == 0
    # What needs the rest says so: the packages really are absent.
    trained = semsync("train", "digits", "--out", "net")
    assert trained.returncode == 1
    assert "needs torch, which is not installed" in trained.stderr
