"""The one tolerance of every claim of equality in this folder."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def tolerance_ms() -> float:
    return 1e-9
