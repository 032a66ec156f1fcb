from __future__ import annotations

import numpy as np
import pytest

from semsync import SpikeTable


@pytest.fixture(scope="session")
def two_areas() -> SpikeTable:
    """Area A tells the class by its counts, its units vary together; area B does neither. 90 trials, 3 classes."""
    rng = np.random.default_rng(0)
    classes = np.arange(90) % 3
    preferred = np.arange(6) % 3 == classes[:, None]
    rates = np.c_[np.where(preferred, 6.0, 1.5) + rng.poisson(1.0, (90, 1)), np.full((90, 6), 3.0)]
    counts = rng.poisson(rates)
    trial, unit = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    start = np.arange(90) * 100.0
    return SpikeTable(
        rng.uniform(0, 100, len(unit)),
        unit,
        trial,
        {"unit_id": np.arange(12), "area": ["A"] * 6 + ["B"] * 6},
        {"start": start, "stop": start + 100, "stimulus_class": classes},
    )
