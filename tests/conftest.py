"""Shared by all tests: where real data lie, and a scratch NEST-free default for hypothesis."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

settings.register_profile("semsync", deadline=None, max_examples=30, derandomize=True)
settings.load_profile("semsync")


def find_data_folder() -> Path | None:
    """The folder of real data: $SEMSYNC_DATA, or shared/data beside the checkout."""
    candidates = [os.environ.get("SEMSYNC_DATA"), Path(__file__).resolve().parents[2] / "shared" / "data"]
    for candidate in candidates:
        if candidate and Path(candidate).is_dir():
            return Path(candidate)
    return None


@pytest.fixture(scope="session")
def load_study() -> Callable[[str], ModuleType]:
    """A script of docs/studies by its name; docs/measures.md and docs/connections.md have its full numbers."""
    folder = str(Path(__file__).resolve().parents[1] / "docs" / "studies")

    def load(name: str) -> ModuleType:
        sys.path.insert(0, folder)
        try:
            return importlib.import_module(name)
        finally:
            sys.path.remove(folder)

    return load


@pytest.fixture(scope="session")
def data_folder() -> Path:
    folder = find_data_folder()
    if folder is None:
        pytest.skip("real data are missing: set SEMSYNC_DATA to a folder with mnist/ and recordings/")
    return folder
