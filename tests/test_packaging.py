"""What installs semsync says the same everywhere, and the package holds all its folders."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from ruamel.yaml import YAML

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
