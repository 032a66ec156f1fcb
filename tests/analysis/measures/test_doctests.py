"""Examples in the docstrings of the measures run, imported by the package's name."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from semsync.analysis import measures

MODULES = ["semsync.analysis.analyze"] + [
    f"{measures.__name__}.{module.name}" for module in pkgutil.iter_modules(measures.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
