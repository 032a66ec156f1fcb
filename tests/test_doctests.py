"""The examples in docstrings, run on modules imported as users import them."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import semsync

# Started as programs, not imported.
PROGRAMS = {"semsync.__main__"}
OTHER_FOLDERS = ("semsync.tests", "semsync.docs", "semsync.examples", "semsync.benchmarks", "semsync.build")


def module_names() -> list[str]:
    found = (module.name for module in pkgutil.walk_packages(semsync.__path__, "semsync."))
    return sorted(name for name in found if name not in PROGRAMS and not name.startswith(OTHER_FOLDERS))


@pytest.mark.parametrize("name", module_names())
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
